#include "validate/steps.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/shell.h"

char *steps_count(int n)
{
    return mem_format("%d check%s", n, n == 1 ? "" : "s");
}

void steps_add(struct report *r, char *text, char *command)
{
    if (r->n_steps == STEPS_MOST) {
        free(text);
        free(command);
        return;
    }
    r->step[r->n_steps++] = (struct report_step){ text, command };
}

static bool is_said(const struct report *r, const char *text)
{
    for (int i = 0; i < r->n_steps; i++)
        if (strcmp(r->step[i].text, text) == 0)
            return true;
    return false;
}

void steps_add_failures(struct report *r, const char *said)
{
    int *order = mem_alloc((size_t)r->n_checks, sizeof *order);

    report_order(r, order);
    for (int i = 0; i < r->n_checks; i++) {
        const struct check *c = &r->check[order[i]];
        if (c->status != CHECK_FAIL || !c->act || (said && c->kind && strcmp(c->kind, said) == 0))
            continue;
        if (!is_said(r, c->act))
            steps_add(r, mem_string(c->act), NULL);
    }
    free(order);
}

/* This command with --full and --overwrite in the place of --quick, --full, --resume, --overwrite; free() it. */
static char *full_command(int argc, char **argv)
{
    static const char *const left_out[] = { "--quick", "--full", "--resume", "-r", "--overwrite" };
    char **word = mem_alloc((size_t)argc + 2, sizeof *word);
    int n = 0;

    for (int i = 0; i < argc; i++) {
        bool keep = true;
        for (size_t k = 0; k < sizeof left_out / sizeof *left_out; k++)
            keep = keep && strcmp(argv[i], left_out[k]) != 0;
        if (keep)
            word[n++] = argv[i];
    }
    word[n++] = (char *)"--full";
    word[n++] = (char *)"--overwrite";
    char *command = shell_command(n, word);
    free(word);
    return command;
}

void steps_add_undecided(struct report *r, int argc, char **argv, bool full, const char *pictures)
{
    int open = report_count(r, CHECK_INCONCLUSIVE);
    char *what = steps_count(open);

    if (open > 0 && !full)
        steps_add(r, mem_format("Settle %s with more pictures.", what), full_command(argc, argv));
    else if (open > 0)
        steps_add(r, mem_format("Settle %s: take more %s, or decide on the limit.", what, pictures), NULL);
    free(what);
}

void steps_add_errors(struct report *r, int argc, char **argv)
{
    for (int i = 0; i < r->n_checks; i++) {
        const struct check *c = &r->check[i];
        if (c->status == CHECK_ERROR)
            steps_add(r, mem_format("Run %s, which could not: %s", c->id, c->error), shell_resume_command(argc, argv));
    }
}
