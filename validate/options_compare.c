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

/* Values before they are looked up. */
struct words {
    bool quick, images_given;
};

static int question_rows(struct compare_options *o, struct words *words, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "policy",
          .letter = 'p',
          .kind = SETTING_STRING,
          .value = &o->policy,
          .argument = "FILE",
          .help = "which questions, with which margins (default: cfg/compare.conf)" },
        { .name = "quick",
          .kind = SETTING_FLAG,
          .value = &words->quick,
          .help = "the policy's small sample sizes (the default)" },
        { .name = "full", .kind = SETTING_FLAG, .value = &o->full, .help = "the policy's full sample sizes" },
        { .name = "images",
          .letter = 'i',
          .kind = SETTING_INT,
          .value = &o->images,
          .min = 1,
          .max = 1e9,
          .argument = "N",
          .given = &words->images_given,
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
        { .name = "out",
          .letter = 'o',
          .kind = SETTING_STRING,
          .value = &o->out,
          .argument = "DIR",
          .help = "where the page goes (default: against_A in the directory of the second run)" },
        option_resume_validation(&o->resume),
        { .name = "overwrite", .kind = SETTING_FLAG, .value = &o->overwrite, .help = "replace a former comparison" },
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

static struct settings make_settings(struct compare_options *o, struct words *words, struct setting *table)
{
    int n = question_rows(o, words, table);

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

static bool check(const struct compare_options *o, const struct words *words, struct err *err)
{
    if (o->list_checks)
        return true;
    if (o->n < 2)
        return err_usage(err, "%s: needs two run directories at least, the baseline first; validate compare --help",
                         program);
    if (o->resume && o->overwrite)
        return err_usage(err, "%s: --resume and --overwrite contradict each other; leave one of them out", program);
    if (words->quick && o->full)
        return err_usage(err, "%s: --quick and --full contradict each other; leave one of them out", program);
    return true;
}

bool compare_options_parse(struct compare_options *o, int argc, char **argv, struct err *err)
{
    struct setting table[MAX_OPTIONS];
    struct words words = { 0 };

    *o = defaults();
    struct settings s = make_settings(o, &words, table);
    return settings_parse(&s, argc, argv, o->run, &o->n, err) && check(o, &words, err);
}

void compare_options_help(FILE *out)
{
    struct setting table[MAX_OPTIONS];
    struct compare_options o = defaults();
    struct words words = { 0 };
    struct settings s = make_settings(&o, &words, table);

    settings_help(&s, out);
}
