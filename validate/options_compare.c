#include "validate/options_compare.h"

#include <string.h>
#include "base/team.h"
#include "validate/option_rows.h"

enum { MAX_OPTIONS = 20 };

static const char program[] = "validate compare";

static const char examples[] =
    "  validate compare runs/resnet20 runs/resnet20_dropout      a page in runs/resnet20_dropout/against_resnet20\n"
    "  validate compare runs/resnet20 runs/a runs/b --out ab     two candidates, each against the first\n"
    "  validate compare runs/resnet20 runs/ensemble --images 400 more pictures, narrower intervals\n"
    "\n"
    "Exit status: 0 every candidate is better, or no worse if the policy asks no more; 1 one is worse; 2 wrong usage "
    "or\n"
    "settings, or models that cannot be compared; 3 could not run; 4 undecided; 75 interrupted (--resume continues).\n";

static int question_rows(struct compare_options *o, bool *quick, struct setting *table)
{
    const struct setting rows[] = {
        option_policy(&o->policy, "which questions, with which margins (default: cfg/compare.conf)"),
        option_quick(quick, "the policy's small sample sizes (the default)"),
        option_full(&o->full, "the policy's full sample sizes"),
        { .name = "images",
          .letter = 'i',
          .kind = SETTING_INT,
          .value = &o->images,
          .min = 1,
          .max = 1e9,
          .argument = "N",
          .help = "pictures whose pixels are hidden, instead of the policy's sample sizes" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int other_rows(struct compare_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "data",
          .letter = 'd',
          .kind = SETTING_STRING,
          .value = &o->data,
          .argument = "DIR",
          .help = "where the files of the first model's data set are; all models are shown that one, then" },
        option_view(&o->view),
        option_threads(&o->threads),
        option_seed(&o->seed),
        option_allow_partial(&o->allow_partial),
        option_kernels(&o->kernels),
        option_out(&o->out, "where the page goes (default: against_A in the directory of the second run)"),
        option_resume_validation(&o->resume),
        option_overwrite(&o->overwrite, "replace a former comparison"),
        option_list_checks(&o->list_checks),
        option_quiet(&o->quiet),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static struct compare_options defaults(void)
{
    return (struct compare_options){ .threads = team_available_cpus(), .seed = 1 };
}

static struct settings make_settings(struct compare_options *o, bool *quick, struct setting *table)
{
    int n = question_rows(o, quick, table);

    n += other_rows(o, table + n);
    return (struct settings){ .program = program,
                              .usage = "A B [C ...] [options]",
                              .summary =
                                  "Tells whether models overinterpret less than the first one, on the same pictures.",
                              .table = table,
                              .n = n,
                              .max_positional = COMPARISON_MOST,
                              .examples = examples };
}

static bool check(const struct compare_options *o, bool quick, struct err *err)
{
    if (o->list_checks)
        return true;
    if (o->n < 2)
        return err_usage(err, "%s: needs two run directories at least, the baseline first; validate compare --help",
                         program);
    return options_agree(program, "resume", o->resume, "overwrite", o->overwrite, err) &&
           options_agree(program, "quick", quick, "full", o->full, err);
}

bool compare_options_parse(struct compare_options *o, int argc, char **argv, struct err *err)
{
    struct setting table[MAX_OPTIONS];
    bool quick = false;

    *o = defaults();
    struct settings s = make_settings(o, &quick, table);
    return settings_parse(&s, argc, argv, o->run, &o->n, err) && check(o, quick, err);
}

void compare_options_help(FILE *out)
{
    struct setting table[MAX_OPTIONS];
    struct compare_options o = defaults();
    bool quick = false;
    struct settings s = make_settings(&o, &quick, table);

    settings_help(&s, out);
}
