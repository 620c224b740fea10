#include "validate/options_dataset.h"

#include <string.h>
#include "base/team.h"
#include "validate/option_rows.h"

enum { MAX_OPTIONS = 24, MOST_MASKS = 2 };

static const char program[] = "validate dataset";

static const char examples[] =
    "  validate dataset datasets/cifar10.conf             a report in validation/cifar10, in about 20 seconds\n"
    "  validate dataset photos/                           folders of pictures, one for each class\n"
    "  validate dataset photos/ --export-suspects list.txt\n"
    "  validate dataset photos/ --fix crop-border:2 --out photos-cropped\n"
    "  validate dataset photos/ --waive class.balance='two classes are rare in nature, too'\n"
    "\n"
    "Exit status: 0 every check passed, or the copy is written; 1 a check failed (do not learn from it as it is);\n"
    "2 wrong usage or settings; 3 could not run; 4 inconclusive; 75 interrupted (--resume continues).\n";

/* Values as words, before they are looked up. */
struct words {
    const char *baseline;
    bool quick, baseline_given;
};

static int subject_rows(struct dataset_options *o, struct words *words, struct setting *table)
{
    const struct setting rows[] = {
        option_data(&o->data),
        { .name = "view",
          .kind = SETTING_STRING,
          .value = &o->view,
          .argument = "VIEW",
          .help = "judge a part of each picture only, such as center:0.5 (datasets/README.md lists the forms)" },
        { .name = "baseline",
          .letter = 'b',
          .kind = SETTING_CHOICE,
          .value = &words->baseline,
          .choices = BASELINE_WORDS,
          .given = &words->baseline_given,
          .help = "what stands in the place of a pixel that --view hides" },
        { .name = "masks",
          .kind = SETTING_LIST,
          .value = &o->masks,
          .argument = "DIR",
          .help = "results of validate sis on this set, for subset.retrain; one for each split" },
        { .name = "cfg",
          .kind = SETTING_STRING,
          .value = &o->cfg,
          .argument = "FILE",
          .help = "the network that --full trains (default: a small one made for this set)" },
        option_threads(&o->threads),
        option_seed(&o->seed),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int judge_rows(struct dataset_options *o, struct words *words, struct setting *table)
{
    const struct setting rows[] = {
        option_policy(&o->policy, "which checks, with which limits (default: cfg/dataset.conf)"),
        option_quick(&words->quick, "the policy's small sample sizes, nothing is trained (the default)"),
        option_full(&o->full, "the policy's full sample sizes, and networks trained on parts of the pictures"),
        { .name = "previous",
          .kind = SETTING_STRING,
          .value = &o->previous,
          .argument = "REPORT",
          .help = "report.json of the last version of the data: no check may be worse than there" },
        option_waive(&o->waive),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int output_rows(struct dataset_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "export-suspects",
          .letter = 'x',
          .kind = SETTING_STRING,
          .value = &o->suspects,
          .argument = "FILE",
          .help = "write the pictures to look at as a list file (PATH LABEL), which train reads" },
        { .name = "fix",
          .kind = SETTING_STRING,
          .value = &o->fix,
          .argument = "crop-border:W|randomize-border[:W]",
          .help = "instead of judging: write a cleaned copy to --out; the original stays as it is" },
        option_out(&o->out, "where the report or the copy goes (default of a report: validation/NAME)"),
        option_resume_validation(&o->resume),
        option_overwrite(&o->overwrite, "replace a former report, list of suspects or copy"),
        option_list_checks(&o->list_checks),
        option_quiet(&o->quiet),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static struct dataset_options defaults(struct words *words)
{
    *words = (struct words){ .baseline = "mean" };
    return (struct dataset_options){ .threads = team_available_cpus(), .seed = 1 };
}

static struct settings make_settings(struct dataset_options *o, struct words *words, struct setting *table)
{
    int n = judge_rows(o, words, table);

    n += output_rows(o, table + n);
    n += subject_rows(o, words, table + n);
    return (struct settings){ .program = program,
                              .usage = "DESCRIPTOR|DIR [options]",
                              .summary = "Tells whether a data set is safe to learn from, by the checks of a policy.",
                              .table = table,
                              .n = n,
                              .max_positional = 1,
                              .examples = examples };
}

/* A copy is no judgement: an option that would do nothing is refused. */
static bool check_fix(const struct dataset_options *o, const struct words *words, struct err *err)
{
    const char *idle = o->policy        ? "policy"
                       : o->previous    ? "previous"
                       : o->view        ? "view"
                       : o->cfg         ? "cfg"
                       : o->suspects    ? "export-suspects"
                       : o->masks.n     ? "masks"
                       : o->waive.n     ? "waive"
                       : o->full        ? "full"
                       : words->quick   ? "quick"
                       : o->list_checks ? "list-checks"
                                        : NULL;

    if (!o->fix)
        return true;
    if (idle)
        return err_usage(err, "%s: --fix only writes a copy and has no use for --%s; leave it out", program, idle);
    if (o->resume)
        return err_usage(err, "%s: a copy is written whole or not at all; leave --resume out", program);
    return o->out || err_usage(err, "%s: --fix needs a directory for the copy; add --out DIR", program);
}

static bool check_together(const struct dataset_options *o, const struct words *words, struct err *err)
{
    if (!options_agree(program, "quick", words->quick, "full", o->full, err) ||
        !options_agree(program, "resume", o->resume, "overwrite", o->overwrite, err))
        return false;
    if (words->baseline_given && !o->view)
        return err_usage(err, "%s: --baseline belongs to --view, which is missing; add it", program);
    if (o->masks.n > MOST_MASKS)
        return err_usage(err, "%s: --masks is given %d times; give one directory for each split", program, o->masks.n);
    return check_fix(o, words, err);
}

bool dataset_options_parse(struct dataset_options *o, int argc, char **argv, struct err *err)
{
    struct setting table[MAX_OPTIONS];
    struct words words;
    int n;

    *o = defaults(&words);
    struct settings s = make_settings(o, &words, table);
    if (!settings_parse(&s, argc, argv, &o->descriptor, &n, err) || !check_together(o, &words, err))
        return false;
    baseline_parse(words.baseline, &o->baseline);
    return o->list_checks || o->descriptor ||
           err_usage(err, "%s: no data set; name a descriptor such as datasets/cifar10.conf, or a directory", program);
}

void dataset_options_help(FILE *out)
{
    struct setting table[MAX_OPTIONS];
    struct words words;
    struct dataset_options o = defaults(&words);
    struct settings s = make_settings(&o, &words, table);

    settings_help(&s, out);
}
