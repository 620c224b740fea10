#include "validate/summary.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/shell.h"

enum { MOST_STEPS = 6 };

/* "3 checks", "1 check"; free() it. */
static char *checks(int n)
{
    return mem_format("%d check%s", n, n == 1 ? "" : "s");
}

static char *lead_of(const struct report *r)
{
    int failed = report_count(r, CHECK_FAIL), open = report_count(r, CHECK_INCONCLUSIVE);
    int errors = report_count(r, CHECK_ERROR), waived = report_count(r, CHECK_WAIVED);
    char *all = checks(r->n_checks), *text;
    char *accepted =
        waived ? mem_format(" %d did not pass and %s waived, with a reason.", waived, waived == 1 ? "was" : "were")
               : mem_string("");

    if (r->verdict == EXIT_FAILED_CHECK)
        text = mem_format("The model decides on evidence that this policy does not accept. Of %s, %d failed.%s Do not "
                          "release it.",
                          all, failed, accepted);
    else if (r->verdict == EXIT_CANNOT_RUN)
        text = mem_format("Nothing is decided: of %s, %d could not run.%s Do not release it before all have run.", all,
                          errors, accepted);
    else if (r->verdict == EXIT_INCONCLUSIVE)
        text = mem_format("Of %s, none failed, but %d could not decide on so few pictures.%s Do not release it yet.",
                          all, open, accepted);
    else if (report_count(r, CHECK_PASS) + waived == 0)
        text = mem_format("The policy only reports: none of %s decides. Whether to release is for the reader to say.",
                          all);
    else
        text = mem_format("Of %s, all that decide passed.%s By this policy it may be released.", all, accepted);
    free(accepted);
    free(all);
    return text;
}

/* Takes over both texts. */
static void add_step(struct report *r, char *text, char *command)
{
    if (r->n_steps == MOST_STEPS) {
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

/* What the failed checks ask for, the furthest beyond its limit first. */
static void add_failures(struct report *r)
{
    int *order = mem_alloc((size_t)r->n_checks, sizeof *order);

    report_order(r, order);
    for (int i = 0; i < r->n_checks; i++) {
        const struct check *c = &r->check[order[i]];
        if (c->status == CHECK_FAIL && c->act && !is_said(r, c->act))
            add_step(r, mem_string(c->act), NULL);
    }
    free(order);
}

/* "cfg/x.cfg" -> "cfg/x_dropout.cfg" when there is such a file; free() it. */
static char *dropout_cfg(const struct subject *s)
{
    const char *cfg = s->trained_from;
    size_t n = cfg ? strlen(cfg) : 0;

    if (n <= 4 || strcmp(cfg + n - 4, ".cfg") != 0)
        return NULL;
    char *path = mem_format("%.*s_dropout.cfg", (int)(n - 4), cfg);
    if (file_exists(path))
        return path;
    free(path);
    return NULL;
}

/* "bin/validate" -> "bin/train", "marginalia-validate" -> "marginalia-train"; free() it. */
static char *train_program(const char *validate)
{
    static const char word[] = "validate";
    size_t n = strlen(validate), m = sizeof word - 1;

    return n >= m && strcmp(validate + n - m, word) == 0 ? mem_format("%.*strain", (int)(n - m), validate)
                                                         : mem_string("train");
}

static void add_training(const struct suite *s, struct report *r)
{
    char *cfg = dropout_cfg(s->subject);

    if (!cfg)
        return;
    char *program = train_program(s->argv[0]), *words[] = { program, cfg };
    add_step(r, mem_string("Train again with pixels dropped at random, so that no single pixel can be relied on."),
             shell_command(2, words));
    free(program);
    free(cfg);
}

/* This command with --full and --overwrite in the place of --quick, --full, --resume, --overwrite; free() it. */
static char *full_command(const struct suite *s)
{
    static const char *const left_out[] = { "--quick", "--full", "--resume", "-r", "--overwrite" };
    char **word = mem_alloc((size_t)s->argc + 2, sizeof *word);
    int n = 0;

    for (int i = 0; i < s->argc; i++) {
        bool keep = true;
        for (size_t k = 0; k < sizeof left_out / sizeof *left_out; k++)
            keep = keep && strcmp(s->argv[i], left_out[k]) != 0;
        if (keep)
            word[n++] = s->argv[i];
    }
    word[n++] = (char *)"--full";
    word[n++] = (char *)"--overwrite";
    char *command = shell_command(n, word);
    free(word);
    return command;
}

static void add_undecided(const struct suite *s, struct report *r)
{
    int open = report_count(r, CHECK_INCONCLUSIVE);
    char *what = checks(open);

    if (open > 0 && !s->full)
        add_step(r, mem_format("Settle %s with more pictures.", what), full_command(s));
    else if (open > 0)
        add_step(r, mem_format("Settle %s: take more test pictures, or decide on the limit.", what), NULL);
    free(what);
}

static void add_errors(const struct suite *s, struct report *r)
{
    for (int i = 0; i < r->n_checks; i++) {
        const struct check *c = &r->check[i];
        if (c->status == CHECK_ERROR)
            add_step(r, mem_format("Run %s, which could not: %s", c->id, c->error),
                     shell_resume_command(s->argc, s->argv));
    }
}

static void add_release(const struct suite *s, struct report *r)
{
    char *report = s->directory ? file_join(s->directory, "report.json") : NULL;
    char *words[] = { s->argv[0], (char *)"model", (char *)"NEXT_RUN", (char *)"--previous", report };

    if (r->verdict == EXIT_OK && report)
        add_step(r, mem_string("Keep this report, and compare the next release with it."), shell_command(5, words));
    free(report);
}

void summary_fill(const struct suite *s, struct report *out)
{
    out->lead = lead_of(out);
    out->step = mem_alloc(MOST_STEPS, sizeof *out->step);
    if (out->verdict == EXIT_FAILED_CHECK) {
        add_step(out,
                 mem_string("Keep the model back. The program ended with exit status 1, so a release job that "
                            "called it has stopped."),
                 NULL);
        add_training(s, out);
    }
    add_errors(s, out);
    add_failures(out);
    add_undecided(s, out);
    add_release(s, out);
}
