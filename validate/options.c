#include "validate/options.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/team.h"
#include "validate/option_rows.h"

enum { MAX_OPTIONS = 32 };

static const char sis_examples[] =
    "  validate sis runs/resnet20 --images 100            the first 100 test images\n"
    "  validate sis runs/resnet20 --images 0,5,7-9        chosen ones; @FILE reads numbers from a file\n"
    "  validate sis runs/resnet20 --shard 2/3 --out part2 the second of three parts (validate merge joins them)\n"
    "  validate sis --cfg x.cfg --weights x.weights --out sis\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage or settings, 3 could not run (or a subset did not reach its threshold again),\n"
    "75 interrupted (--resume continues).\n";

static const char merge_examples[] =
    "  validate merge sis part1 part2 part3\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage or shards that do not belong together, 3 could not run.\n";

static const char judge_examples[] =
    "  validate model runs/resnet20                        a report in runs/resnet20/validation, in 1 to 2 minutes\n"
    "  validate model runs/resnet20 --full --overwrite     the same on all pictures that the policy allows\n"
    "  validate model runs/new --previous runs/old/validation/report.json\n"
    "  validate model runs/resnet20 --waive wrong.class='accepted by the safety board, 3 March'\n"
    "\n"
    "Exit status: 0 every check passed, 1 a check failed (the model overinterprets), 2 wrong usage or settings,\n"
    "3 could not run, 4 inconclusive, 75 interrupted (--resume continues). Only 0 means \"release\".\n";

/* Values as words, before they are looked up. */
struct sis_words {
    const char *method, *rank, *baseline, *threshold, *split, *shard;
    long long per_step, candidates;
};

static int subject_rows(struct subject_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "cfg",
          .kind = SETTING_STRING,
          .value = &o->cfg,
          .argument = "FILE",
          .help = "the network, instead of the run's resolved.cfg" },
        { .name = "weights",
          .letter = 'w',
          .kind = SETTING_STRING,
          .value = &o->weights,
          .argument = "FILE",
          .help = "its weights, instead of the run's final.weights" },
        option_data(&o->data),
        option_view(&o->view),
        option_threads(&o->threads),
        option_kernels(&o->kernels),
        option_seed(&o->seed),
        option_allow_partial(&o->allow_partial),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* Which search: methods, and what they ask. */
static int search_rows(struct sis_options *o, struct sis_words *words, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "method",
          .letter = 'm',
          .kind = SETTING_CHOICE,
          .value = &words->method,
          .choices = SIS_METHOD_WORDS,
          .help = "exact; by gradients (fastest, subsets may be several times larger than need be); or exact among "
                  "what gradients propose" },
        { .name = "per-step",
          .letter = 'k',
          .kind = SETTING_INT,
          .value = &words->per_step,
          .min = 1,
          .max = 1 << 20,
          .argument = "K",
          .help = "gradient, screened: pixels removed at once" },
        { .name = "candidates",
          .kind = SETTING_INT,
          .value = &words->candidates,
          .min = 1,
          .max = 1 << 20,
          .argument = "M",
          .help = "screened: pixels that the gradient proposes" },
        { .name = "rank",
          .kind = SETTING_CHOICE,
          .value = &words->rank,
          .choices = SIS_RANK_WORDS,
          .help = "what removal keeps large; probability: as published, with the ties of float32" },
        { .name = "target",
          .letter = 't',
          .kind = SETTING_STRING,
          .value = &o->target,
          .argument = "predicted|true|N",
          .help = "the class whose evidence is sought" },
        { .name = "threshold",
          .kind = SETTING_STRING,
          .value = &words->threshold,
          .argument = "P,...",
          .help = "probabilities of the target that must be reached, each between 0 and 1" },
        { .name = "baseline",
          .letter = 'b',
          .kind = SETTING_CHOICE,
          .value = &words->baseline,
          .choices = BASELINE_WORDS,
          .help = "what stands in the place of a removed pixel" },
        { .name = "collection",
          .kind = SETTING_FLAG,
          .value = &o->collection,
          .help = "all disjoint subsets that suffice at the largest threshold, one after the other" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int sis_rows(struct sis_options *o, struct sis_words *words, struct setting *table)
{
    const struct setting rows[] = {
        option_out(&o->out, "where results go (default: sis in the run directory)"),
        { .name = "images",
          .letter = 'i',
          .kind = SETTING_STRING,
          .value = &o->images,
          .argument = "N|LIST|@FILE|sample:N",
          .help = "the first N images, numbers and ranges such as 0,5,7-9, or those that validate model draws with "
                  "the same seed (default: all)" },
        { .name = "split",
          .kind = SETTING_CHOICE,
          .value = &words->split,
          .choices = "test|train",
          .help = "where the images come from" },
        { .name = "shard",
          .kind = SETTING_STRING,
          .value = &words->shard,
          .argument = "I/N",
          .help = "part I of N parts of the images" },
        { .name = "resume",
          .letter = 'r',
          .kind = SETTING_FLAG,
          .value = &o->resume,
          .help = "continue an interrupted run; the result has the same bytes as without the interruption" },
        option_overwrite(&o->overwrite, "replace a former result"),
        option_quiet(&o->quiet),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int judge_rows(struct judge_options *o, bool *quick, struct setting *table)
{
    const struct setting rows[] = {
        option_policy(&o->policy, "which checks, with which limits (default: cfg/release.conf)"),
        option_quick(quick, "the policy's small sample sizes (the default)"),
        option_full(&o->full, "the policy's full sample sizes, and networks trained on parts of the pictures"),
        { .name = "previous",
          .kind = SETTING_STRING,
          .value = &o->previous,
          .argument = "REPORT",
          .help = "report.json of the last release: no check may be worse than there" },
        option_waive(&o->waive),
        option_out(&o->out, "where the report goes (default: validation in the run directory)"),
        option_resume_validation(&o->resume),
        option_overwrite(&o->overwrite, "replace a former report"),
        option_list_checks(&o->list_checks),
        option_quiet(&o->quiet),
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static struct subject_options subject_defaults(void)
{
    return (struct subject_options){ .threads = team_available_cpus(), .seed = 1 };
}

static struct sis_options sis_defaults(struct sis_words *words)
{
    *words = (struct sis_words){ .method = "gradient",
                                 .rank = "margin",
                                 .baseline = "mean",
                                 .threshold = "0.5,0.9,0.99",
                                 .split = "test",
                                 .shard = "1/1",
                                 .per_step = 8,
                                 .candidates = 32 };
    return (struct sis_options){ .subject = subject_defaults(), .target = "predicted" };
}

static struct judge_options judge_defaults(void)
{
    return (struct judge_options){ .subject = subject_defaults() };
}

static struct settings sis_settings(struct sis_options *o, struct sis_words *words, struct setting *table)
{
    int n = sis_rows(o, words, table);

    n += search_rows(o, words, table + n);
    n += subject_rows(&o->subject, table + n);
    return (struct settings){
        .program = "validate sis",
        .usage = "RUN [options]",
        .summary = "Finds which pixels of an image suffice for the model's decision (sufficient input subsets).",
        .table = table,
        .n = n,
        .max_positional = 1,
        .examples = sis_examples
    };
}

static struct settings merge_settings(int argc)
{
    static const struct setting none[1];

    return (struct settings){ .program = "validate merge",
                              .usage = "OUT DIR...",
                              .summary = "Joins the shards of one SIS run into the result of the whole run.",
                              .table = none,
                              .min_positional = 2,
                              .max_positional = argc > 2 ? argc : 2,
                              .examples = merge_examples };
}

static struct settings judge_settings(struct judge_options *o, bool *quick, struct setting *table)
{
    int n = judge_rows(o, quick, table);

    n += subject_rows(&o->subject, table + n);
    return (struct settings){ .program = "validate model",
                              .usage = "RUN [options]",
                              .summary = "Tells whether a trained model overinterprets, by the checks of a policy.",
                              .table = table,
                              .n = n,
                              .max_positional = 1,
                              .examples = judge_examples };
}

/* The index of `word` among '|'-separated words, of which it is one. */
static int index_of(const char *word, const char *words)
{
    int index = 0;

    for (size_t n = strlen(word); strncmp(words, word, n) != 0 || (words[n] != '|' && words[n] != '\0'); index++)
        words += strcspn(words, "|") + 1;
    return index;
}

static bool add_threshold(struct sis_options *o, const char *text, struct err *err)
{
    double p;

    if (!parse_real(text, 0, 1, &p) || !(p > 0 && p < 1))
        return err_usage(err,
                         "validate sis: --threshold %s: not accepted; must be numbers between 0 and 1, such as "
                         "0.5,0.9,0.99",
                         text);
    if (o->n_thresholds == SIS_MAX_THRESHOLDS)
        return err_usage(err, "validate sis: --threshold: more than %d numbers; leave some out", SIS_MAX_THRESHOLDS);
    int at = o->n_thresholds++;
    for (; at > 0 && o->threshold[at - 1] > p; at--)
        o->threshold[at] = o->threshold[at - 1];
    o->threshold[at] = p;
    return at == 0 || o->threshold[at - 1] < p ||
           err_usage(err, "validate sis: --threshold: %s is given twice; give it once", text);
}

static bool parse_thresholds(struct sis_options *o, const char *text, struct err *err)
{
    bool ok = true;

    for (const char *at = text, *end = text; ok && *end; at = end + 1) {
        end = at + strcspn(at, ",");
        char *number = mem_format("%.*s", (int)(end - at), at);
        ok = add_threshold(o, number, err);
        free(number);
    }
    return ok;
}

static bool parse_shard(struct sis_options *o, const char *text, struct err *err)
{
    const char *slash = strchr(text, '/');
    char *first = mem_format("%.*s", slash ? (int)(slash - text) : 0, text);
    long long shard, shards;
    bool ok = slash && parse_int(slash + 1, 1, 1000000, &shards) && parse_int(first, 1, shards, &shard);

    free(first);
    if (!ok)
        return err_usage(err, "validate sis: --shard %s: not accepted; must be I/N with I from 1 to N, such as 2/3",
                         text);
    o->shard = (int)shard;
    o->shards = (int)shards;
    return true;
}

/* What the table cannot say. */
static bool check_subject(const char *program, const struct subject_options *o, const char *out, bool resume,
                          bool overwrite, struct err *err)
{
    if (!o->run && !(o->cfg && o->weights))
        return err_usage(err, "%s: no model; name a run directory of train, or give --cfg and --weights", program);
    if (!o->run && !out)
        return err_usage(err, "%s: without a run directory, --out must say where results go; add --out DIR", program);
    return options_agree(program, "resume", resume, "overwrite", overwrite, err);
}

static bool look_up(struct sis_options *o, const struct sis_words *words, struct err *err)
{
    o->settings = (struct sis_settings){ .method = (enum sis_method)index_of(words->method, SIS_METHOD_WORDS),
                                         .rank = (enum sis_rank)index_of(words->rank, SIS_RANK_WORDS),
                                         .per_step = (int)words->per_step,
                                         .candidates = (int)words->candidates };
    o->baseline = (enum baseline)index_of(words->baseline, BASELINE_WORDS);
    o->split = strcmp(words->split, "test") == 0 ? SPLIT_TEST : SPLIT_TRAIN;
    return parse_thresholds(o, words->threshold, err) && parse_shard(o, words->shard, err);
}

bool sis_options_parse(struct sis_options *o, int argc, char **argv, struct err *err)
{
    struct setting table[MAX_OPTIONS];
    struct sis_words words;
    int n;

    *o = sis_defaults(&words);
    struct settings s = sis_settings(o, &words, table);
    return settings_parse(&s, argc, argv, &o->subject.run, &n, err) && look_up(o, &words, err) &&
           check_subject(s.program, &o->subject, o->out, o->resume, o->overwrite, err);
}

bool merge_options_parse(struct merge_options *o, int argc, char **argv, struct err *err)
{
    struct settings s = merge_settings(argc);
    const char **words = mem_alloc((size_t)argc + 2, sizeof *words);
    int n;

    *o = (struct merge_options){ 0 };
    if (!settings_parse(&s, argc, argv, words, &n, err)) {
        free(words);
        return false;
    }
    o->out = words[0];
    o->n = n - 1;
    memmove(words, words + 1, (size_t)o->n * sizeof *words);
    o->directory = words;
    return true;
}

void merge_options_free(struct merge_options *o)
{
    free(o->directory);
}

bool judge_options_parse(struct judge_options *o, int argc, char **argv, struct err *err)
{
    struct setting table[MAX_OPTIONS];
    bool quick = false;
    int n;

    *o = judge_defaults();
    struct settings s = judge_settings(o, &quick, table);
    if (!settings_parse(&s, argc, argv, &o->subject.run, &n, err))
        return false;
    if (!options_agree(s.program, "quick", quick, "full", o->full, err))
        return false;
    return o->list_checks || check_subject(s.program, &o->subject, o->out, o->resume, o->overwrite, err);
}

void sis_options_help(FILE *out)
{
    struct setting table[MAX_OPTIONS];
    struct sis_words words;
    struct sis_options o = sis_defaults(&words);
    struct settings s = sis_settings(&o, &words, table);

    settings_help(&s, out);
}

void merge_options_help(FILE *out)
{
    struct settings s = merge_settings(0);

    settings_help(&s, out);
}

void judge_options_help(FILE *out)
{
    struct setting table[MAX_OPTIONS];
    struct judge_options o = judge_defaults();
    bool quick = false;
    struct settings s = judge_settings(&o, &quick, table);

    settings_help(&s, out);
}
