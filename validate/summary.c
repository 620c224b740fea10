#include "validate/summary.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/shell.h"
#include "validate/steps.h"

static char *lead_of(const struct report *r)
{
    int failed = report_count(r, CHECK_FAIL), open = report_count(r, CHECK_INCONCLUSIVE);
    int errors = report_count(r, CHECK_ERROR), waived = report_count(r, CHECK_WAIVED);
    char *all = steps_count(r->n_checks), *text;
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
    steps_add(r, mem_string("Train again with pixels dropped at random, so that no single pixel can be relied on."),
              shell_command(2, words));
    free(program);
    free(cfg);
}

static void add_release(const struct suite *s, struct report *r)
{
    char *report = s->directory ? file_join(s->directory, "report.json") : NULL;
    char *words[] = { s->argv[0], (char *)"model", (char *)"NEXT_RUN", (char *)"--previous", report };

    if (r->verdict == EXIT_OK && report)
        steps_add(r, mem_string("Keep this report, and compare the next release with it."), shell_command(5, words));
    free(report);
}

/* What did not run is never silently counted as passed. */
static char *with_left_out(char *lead, const struct policy *p)
{
    if (p->n_left_out == 0)
        return lead;
    char *text = mem_format("%s Without --full, %s did not run: %s trains new networks.", lead,
                            p->n_left_out == 1 ? p->check[p->n].id : "some checks", p->n_left_out == 1 ? "it" : "each");
    free(lead);
    return text;
}

/* Nor is an ensemble without some of its members the ensemble. */
static char *with_missing(char *lead, const struct subject *m)
{
    if (m->n_missing == 0)
        return lead;
    char *text = mem_format("%s Only %d of the ensemble's %d members were asked; the others were left out.", lead,
                            m->n_members, m->n_members + m->n_missing);
    free(lead);
    return text;
}

void summary_fill(const struct suite *s, struct report *out)
{
    out->lead = with_missing(with_left_out(lead_of(out), s->policy), s->subject);
    out->step = mem_alloc(STEPS_MOST, sizeof *out->step);
    if (out->verdict == EXIT_FAILED_CHECK) {
        steps_add(out,
                  mem_string("Keep the model back. The program ended with exit status 1, so a release job that "
                             "called it has stopped."),
                  NULL);
        add_training(s, out);
    }
    steps_add_errors(out, s->argc, s->argv);
    steps_add_failures(out, NULL);
    steps_add_undecided(out, s->argc, s->argv, s->full, "test pictures");
    add_release(s, out);
}
