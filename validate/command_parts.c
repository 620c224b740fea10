#include "validate/command_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/shell.h"

void command_list_checks(const struct check_type *types)
{
    if (ranks_number() != 0)
        return;
    for (const struct check_type *t = types; t->kind; t++)
        printf("%-22s %s%s%s%s%s\n", t->kind, t->summary, t->takes & TAKES_THRESHOLD ? " [threshold]" : "",
               t->takes & TAKES_FRACTION ? " [fraction]" : "", t->takes & TAKES_WIDTH ? " [width]" : "",
               t->takes & TAKES_PROPERTIES ? " [properties]" : "");
}

char *command_resume(int argc, char **argv)
{
    char *command = shell_resume_command(argc, argv);

    if (ranks_size() == 1)
        return command;
    char *launched = mem_format("mpirun -n %d %s", ranks_size(), command);
    free(command);
    return launched;
}

enum progress_style command_progress(bool quiet)
{
    return quiet || ranks_number() != 0 ? PROGRESS_QUIET : PROGRESS_AUTO;
}

bool command_interrupted(int argc, char **argv, struct err *err)
{
    char *command = command_resume(argc, argv);

    err_run(err, "interrupted; continue with: %s", command);
    err->status = EXIT_INTERRUPTED;
    free(command);
    return false;
}

bool command_save_report(const struct report *r, const char *directory, struct err *err)
{
    return ranks_all_ok(ranks_number() != 0 || report_save(r, directory, err), err);
}

void command_print_report(const struct report *r, const char *directory)
{
    const char *no_color = getenv("NO_COLOR");

    if (ranks_number() != 0)
        return;

    /* mpirun makes every output look like a terminal. */
    report_terminal(r, stdout, ranks_size() == 1 && isatty(STDOUT_FILENO) && !(no_color && *no_color));
    printf("report in %s/report.html\n", directory);
}
