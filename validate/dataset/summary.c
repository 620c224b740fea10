#include "validate/dataset/summary.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/shell.h"
#include "validate/checks/checks.h"
#include "validate/report/format.h"
#include "validate/steps.h"

static const char border[] = "border.sufficiency";

static char *lead_of(const struct report *r)
{
    int failed = report_count(r, CHECK_FAIL), open = report_count(r, CHECK_INCONCLUSIVE);
    int errors = report_count(r, CHECK_ERROR), waived = report_count(r, CHECK_WAIVED);
    char *all = steps_count(r->n_checks), *text;
    char *accepted =
        waived ? mem_format(" %d did not pass and %s waived, with a reason.", waived, waived == 1 ? "was" : "were")
               : mem_string("");

    if (r->verdict == EXIT_FAILED_CHECK)
        text = mem_format("Of %s, %d failed.%s A network that is trained on this set can learn what they found in the "
                          "place of the objects, and its test can look better than it is. Do not train on it as it is.",
                          all, failed, accepted);
    else if (r->verdict == EXIT_CANNOT_RUN)
        text = mem_format("Nothing is decided: of %s, %d could not run.%s Do not rely on this set before all have run.",
                          all, errors, accepted);
    else if (r->verdict == EXIT_INCONCLUSIVE)
        text = mem_format("Of %s, none failed, but %d could not decide on so few pictures.%s Do not rely on it yet.",
                          all, open, accepted);
    else if (report_count(r, CHECK_PASS) + waived == 0)
        text = mem_format("The policy only reports: none of %s decides. Whether to train on it is for the reader to "
                          "say.",
                          all);
    else
        text =
            mem_format("Of %s, all that decide passed.%s By this policy it may be used for training.", all, accepted);
    free(accepted);
    free(all);
    return text;
}

/* The widest ring of a failed border.sufficiency; 0: none failed. */
static int leaking_width(const struct dataset_suite *s, const struct report *r)
{
    int width = 0;

    for (int i = 0; i < s->policy->n; i++)
        if (r->check[i].status == CHECK_FAIL && strcmp(s->policy->check[i].type->kind, border) == 0 &&
            s->policy->check[i].width > width)
            width = s->policy->check[i].width;
    return width;
}

/* "validate dataset X [--data D]" and more words; free() it. */
static char *command_on(const struct dataset_suite *s, char *const *more, int n)
{
    char *words[12] = { s->argv[0], (char *)"dataset", (char *)s->survey->descriptor };
    int count = 3;

    if (s->survey->data_dir) {
        words[count++] = (char *)"--data";
        words[count++] = (char *)s->survey->data_dir;
    }
    for (int i = 0; i < n; i++)
        words[count++] = more[i];
    return shell_command(count, words);
}

static void add_crop(const struct dataset_suite *s, struct report *r)
{
    int width = leaking_width(s, r);

    if (!width)
        return;
    char *name = file_plain_name(s->survey->data->name), *out = mem_format("%s-cropped", name);
    char *fix = mem_format("crop-border:%d", width), *descriptor = file_join(out, "dataset.conf");
    char *copy = command_on(s, (char *[]){ (char *)"--fix", fix, (char *)"--out", out }, 4);
    char *again = shell_command(3, (char *[]){ s->argv[0], (char *)"dataset", descriptor });
    steps_add(r,
              mem_format("Cut %d pixel%s off each side, in a copy, and check the copy. Where the border must stay, "
                         "randomize-border:%d in the place of crop-border:%d gives each picture the border of another.",
                         width, width == 1 ? "" : "s", width, width),
              mem_format("%s\n%s", copy, again));
    free(again);
    free(copy);
    free(descriptor);
    free(fix);
    free(out);
    free(name);
}

static void add_suspects(const struct dataset_suite *s, struct report *r)
{
    if (!r->n_suspects)
        return;
    char *count = format_count(r->n_suspects);
    steps_add(
        r,
        mem_format("Look at the pictures that the checks name (%s, below), and repair, relabel or remove them. As "
                   "a list file:",
                   count),
        command_on(s, (char *[]){ (char *)"--export-suspects", (char *)"suspects.list", (char *)"--overwrite" }, 3));
    free(count);
}

static void add_models(const struct dataset_suite *s, struct report *r)
{
    steps_add(r, mem_string("If models were trained on this set before, test what they look at."),
              shell_command(3, (char *[]){ s->argv[0], (char *)"model", (char *)"runs/NAME" }));
}

static void add_keep(const struct dataset_suite *s, struct report *r)
{
    char *report = s->survey->directory ? file_join(s->survey->directory, "report.json") : NULL;

    if (report)
        steps_add(r, mem_string("Keep this report, and compare the next version of the data with it."),
                  command_on(s, (char *[]){ (char *)"--previous", report, (char *)"--out", (char *)"NEXT" }, 4));
    free(report);
}

void summary_fill_dataset(const struct dataset_suite *s, struct report *out)
{
    out->lead = lead_of(out);
    out->step = mem_alloc(STEPS_MOST, sizeof *out->step);
    if (out->verdict == EXIT_FAILED_CHECK) {
        steps_add(out,
                  mem_string("Do not train on this set as it is. The program ended with exit status 1, so a job that "
                             "called it has stopped."),
                  NULL);
        add_crop(s, out);
    }
    steps_add_errors(out, s->argc, s->argv);
    add_suspects(s, out);
    steps_add_failures(out, border);
    if (out->verdict == EXIT_FAILED_CHECK)
        add_models(s, out);
    steps_add_undecided(out, s->argc, s->argv, s->survey->full, "pictures");
    if (out->verdict == EXIT_OK)
        add_keep(s, out);
}
