#include "validate/command_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/shell.h"

void command_list_checks(const struct check_type *types)
{
    for (const struct check_type *t = types; t->kind; t++)
        printf("%-22s %s%s%s%s%s\n", t->kind, t->summary, t->takes & TAKES_THRESHOLD ? " [threshold]" : "",
               t->takes & TAKES_FRACTION ? " [fraction]" : "", t->takes & TAKES_WIDTH ? " [width]" : "",
               t->takes & TAKES_PROPERTIES ? " [properties]" : "");
}

bool command_interrupted(int argc, char **argv, struct err *err)
{
    char *command = shell_resume_command(argc, argv);

    err_run(err, "interrupted; continue with: %s", command);
    err->status = EXIT_INTERRUPTED;
    free(command);
    return false;
}

void command_print_report(const struct report *r, const char *directory)
{
    const char *no_color = getenv("NO_COLOR");

    report_terminal(r, stdout, isatty(STDOUT_FILENO) && !(no_color && *no_color));
    printf("report in %s/report.html\n", directory);
}
