#include "train/options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/settings.h"
#include "base/team.h"
#include "datasets/view.h"

enum { MAX_OPTIONS = 48, MAX_PARTS = 1000 };

static const char examples[] =
    "  train cfg/resnet20_dropout.cfg                  train as the cfg says, into runs/resnet20_dropout\n"
    "  train cfg/resnet20_dropout.cfg --resume         go on after an interruption\n"
    "  train cfg/resnet20.cfg --seed 2 --out runs/two  another seed beside the first\n"
    "  train cfg/resnet20.cfg --view border:4          on the borders alone: what do they tell?\n"
    "  train cfg/resnet20_ensemble.cfg --jobs 2        an ensemble, two members at a time\n"
    "  train --join runs/both runs/resnet20 runs/vgg16_cifar      an ensemble of runs that are there\n"
    "  train cfg/resnet20.cfg --weights runs/resnet20/final.weights --export-stock stock\n"
    "\n"
    "Exit status: 0 trained, 2 wrong usage or settings, 3 could not run (unreadable data, full disk, diverged),\n"
    "75 interrupted after a whole checkpoint (--resume continues).\n";

static int run_rows(struct train_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "out", .letter = 'o', .kind = SETTING_STRING, .value = &o->out, .argument = "DIR",
          .help = "run directory (default: runs/ and the name of the cfg)" },
        { .name = "data", .letter = 'd', .kind = SETTING_STRING, .value = &o->data, .argument = "DIR",
          .help = "where the data set's files are (default: as its descriptor says)" },
        { .name = "seed", .letter = 's', .kind = SETTING_INT, .value = &o->seed, .min = 0, .max = 9e18, .argument = "N",
          .help = "seed of initial weights, order, augmentation and dropout (default: the cfg's)" },
        { .name = "threads", .letter = 'j', .kind = SETTING_INT, .value = &o->threads, .min = 1, .max = 1024,
          .argument = "N", .help = "threads that compute" },
        { .name = "epochs", .kind = SETTING_INT, .value = &o->epochs, .min = 1, .max = 1e6, .argument = "N",
          .help = "length of the training instead of the cfg's epochs or max_batches; warmup scales with it" },
        { .name = "batches", .kind = SETTING_INT, .value = &o->batches, .min = 1, .max = 1e12, .argument = "N",
          .help = "stop after N batches in all; the learning rate is that of the whole training" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* What of the pictures is learnt. */
static int view_rows(struct train_options *o, const char **without, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "view", .kind = SETTING_STRING, .value = &o->view, .argument = "VIEW",
          .help = "train and test on a part of each picture: border:W, ring:W@OFFSET, center:F, random:F, segment:F, "
                  "masks:FILE[,FILE][@F], mask-only:FILE or shuffled:FILE (marginalia-train(1), MASKED VIEWS)" },
        { .name = "baseline", .kind = SETTING_CHOICE, .value = &o->baseline, .choices = BASELINE_WORDS,
          .argument = "WORD", .help = "what stands in the place of the pixels that a view hides (default: mean)" },
        { .name = "mask-order", .kind = SETTING_CHOICE, .value = &o->mask_order, .choices = MASK_ORDER_WORDS,
          .argument = "WORD",
          .help = "before: what is hidden moves with the picture when it is cropped and flipped (default); after: "
                  "it stays while the pixels move, as in the published code" },
        { .name = "without", .kind = SETTING_STRING, .value = without, .argument = "K/N",
          .help = "leave part K of N parts of the training images out: those whose number mod N is K - 1" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int network_rows(struct train_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "precision", .kind = SETTING_CHOICE, .value = &o->precision, .choices = "f32|bf16",
          .argument = "P", .help = "f32 or bf16 instead of the cfg's precision" },
        { .name = "kernels", .kind = SETTING_CHOICE, .value = &o->kernels, .choices = "auto|onednn|own",
          .argument = "WORD",
          .help = "who runs convolutions: the faster (default), oneDNN alone, or our kernels wherever they apply" },
        { .name = "member", .kind = SETTING_INT, .value = &o->member, .min = 1, .max = ENSEMBLE_MOST, .argument = "K",
          .help = "of an ensemble only member K: a run with seed + K - 1; the last one makes the ensemble" },
        { .name = "jobs", .kind = SETTING_INT, .value = &o->jobs, .min = 1, .max = ENSEMBLE_MOST, .argument = "N",
          .help = "members that train at the same time and share the threads (default: as many as threads)" },
        { .name = "combine", .kind = SETTING_CHOICE, .value = &o->combine, .choices = COMBINE_WORDS,
          .argument = "RULE", .help = "mean of the members' logits or of their probabilities (default: the cfg's)" },
        { .name = "join", .kind = SETTING_STRING, .value = &o->join, .argument = "DIR",
          .help = "make an ensemble in DIR of the finished runs that are named instead of CFG" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* What a training begins from. */
static int begin_rows(struct train_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "resume", .letter = 'r', .kind = SETTING_FLAG, .value = &o->resume,
          .help = "continue an interrupted run; the result has the same bytes as without the interruption" },
        { .name = "overwrite", .kind = SETTING_FLAG, .value = &o->overwrite,
          .help = "replace a former run in the run directory" },
        { .name = "weights", .letter = 'w', .kind = SETTING_STRING, .value = &o->weights, .argument = "FILE",
          .help = "start from these weights (fine-tuning) instead of random ones" },
        { .name = "teacher", .letter = 't', .kind = SETTING_STRING, .value = &o->teacher, .argument = "RUN",
          .help = "learn the answers of this finished run or ensemble beside the labels (distillation)" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int output_rows(struct train_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "export-stock", .kind = SETTING_STRING, .value = &o->export_stock, .argument = "DIR",
          .help = "write cfg and weights for stock Darknet when done; with --weights: those, without training" },
        { .name = "dry-run", .letter = 'n', .kind = SETTING_FLAG, .value = &o->dry_run,
          .help = "print settings, layers and estimated memory, then stop" },
        { .name = "quiet", .letter = 'q', .kind = SETTING_FLAG, .value = &o->quiet, .help = "no progress" },
        { .name = "darknet-log", .kind = SETTING_FLAG, .value = &o->darknet_log,
          .help = "print Darknet's own line for each batch instead of the progress" },
        { .name = "tensorboard", .kind = SETTING_FLAG, .value = &o->tensorboard,
          .help = "write an event file for TensorBoard, too" },
        { .name = "checkpoint-every", .kind = SETTING_REAL, .value = &o->checkpoint_seconds, .min = 0, .max = 86400,
          .argument = "SECONDS", .help = "time between checkpoints; 0: after each batch" },
        { .name = "checkpoint-batches", .kind = SETTING_INT, .value = &o->checkpoint_batches, .min = 1, .max = 1e9,
          .argument = "N", .help = "a checkpoint every N batches instead of by time" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int sample_rows(struct train_options *o, struct setting *table)
{
    const struct setting rows[] = {
        { .name = "test-samples", .kind = SETTING_INT, .value = &o->test_samples, .min = 1, .max = 1000,
          .argument = "N",
          .help = "input dropout: final accuracy also with N draws per image (otherwise with 1 and 8)" },
        { .name = "limit-train", .kind = SETTING_INT, .value = &o->limit_train, .min = 1, .max = 2147483647.0,
          .argument = "N", .help = "use only the first N training images" },
        { .name = "limit-test", .kind = SETTING_INT, .value = &o->limit_test, .min = 1, .max = 2147483647.0,
          .argument = "N", .help = "use only the first N test images" },
    };

    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static int make_table(struct train_options *o, const char **without, struct setting table[MAX_OPTIONS])
{
    int n = run_rows(o, table);

    n += view_rows(o, without, table + n);
    n += network_rows(o, table + n);
    n += begin_rows(o, table + n);
    n += output_rows(o, table + n);
    n += sample_rows(o, table + n);
    assert(n <= MAX_OPTIONS);
    return n;
}

static struct train_options defaults(void)
{
    return (struct train_options){ .seed = -1, .threads = team_available_cpus(), .checkpoint_seconds = 60 };
}

static struct settings make_settings(const struct setting *table, int n)
{
    return (struct settings){ .program = "train", .usage = "CFG [options], or --join DIR RUN RUN...",
        .summary = "Trains the image classifier that CFG describes (Darknet's cfg language and Marginalia's keys).",
        .table = table, .n = n, .min_positional = 1, .max_positional = ENSEMBLE_MOST, .examples = examples };
}

/* What the table cannot say: settings that contradict each other. */
static bool check_together(const struct train_options *o, struct err *err)
{
    if (o->resume && o->overwrite)
        return err_usage(err, "train: --resume and --overwrite contradict each other; leave one of them out");
    if (o->member && o->jobs)
        return err_usage(err, "train: --member trains one and --jobs is about several; leave one of them out");
    if (o->join && o->n_runs < 2)
        return err_usage(err, "train: --join %s: %s alone is no ensemble; name at least two runs", o->join, o->run[0]);
    if (!o->join && o->n_runs > 1)
        return err_usage(err, "train: unexpected argument %s; train one cfg at a time", o->run[1]);
    return true;
}

/* "K/N" */
static bool read_without(struct train_options *o, const char *text, struct err *err)
{
    const char *slash = strchr(text, '/');
    char *first = mem_format("%.*s", slash ? (int)(slash - text) : 0, text);
    long long part, parts;
    bool ok = slash && parse_int(slash + 1, 2, MAX_PARTS, &parts) && parse_int(first, 1, parts, &part);

    free(first);
    if (!ok)
        return err_usage(err, "train: --without %s: not accepted; must be K/N with N from 2 to %d and K from 1 to N, "
                         "such as 1/5", text, MAX_PARTS);
    o->without = (int)part - 1;
    o->parts = (int)parts;
    return true;
}

bool options_parse(struct train_options *o, int argc, char **argv, struct err *err)
{
    struct setting table[MAX_OPTIONS];
    const char *without = NULL;

    *o = defaults();
    struct settings s = make_settings(table, make_table(o, &without, table));
    if (!settings_parse(&s, argc, argv, o->run, &o->n_runs, err))
        return false;
    o->cfg = o->run[0];
    return (!without || read_without(o, without, err)) && check_together(o, err);
}

static void add_word(const struct setting *now, const struct setting *preset, struct process_words *w)
{
    const char *text = NULL;

    switch (now->kind) {
    case SETTING_FLAG:
        if (*(const bool *)now->value)
            process_add(w, "--%s", now->name);
        break;
    case SETTING_INT:
        if (*(const long long *)now->value != *(const long long *)preset->value)
            process_add(w, "--%s=%lld", now->name, *(const long long *)now->value);
        break;
    case SETTING_REAL:
        if (*(const double *)now->value != *(const double *)preset->value)
            process_add(w, "--%s=%.17g", now->name, *(const double *)now->value);
        break;
    case SETTING_STRING: case SETTING_CHOICE:
        text = *(const char *const *)now->value;
        if (text)
            process_add(w, "--%s=%s", now->name, text);
        break;
    case SETTING_LIST:
        assert(!"there is none");
    }
}

void options_words(const struct train_options *o, struct process_words *w)
{
    struct train_options now = *o, preset = defaults();
    struct setting table[MAX_OPTIONS], presets[MAX_OPTIONS];
    char text[32];
    const char *without = o->parts ? text : NULL, *none = NULL;
    int n = make_table(&now, &without, table);

    make_table(&preset, &none, presets);
    snprintf(text, sizeof text, "%d/%d", o->without + 1, o->parts);
    for (int i = 0; i < n; i++)
        add_word(&table[i], &presets[i], w);
}

void options_help(FILE *out)
{
    struct train_options o = defaults();
    struct setting table[MAX_OPTIONS];
    const char *without = NULL;
    struct settings s = make_settings(table, make_table(&o, &without, table));

    settings_help(&s, out);
}

char *options_name(const struct train_options *o)
{
    const char *slash = strrchr(o->cfg, '/'), *base = slash ? slash + 1 : o->cfg;
    const char *dot = strrchr(base, '.');

    return mem_format("%.*s", dot && dot != base ? (int)(dot - base) : (int)strlen(base), base);
}

char *options_directory(const struct train_options *o)
{
    char *name = options_name(o), *path = o->out ? mem_string(o->out) : mem_format("runs/%s", name);

    if (o->member) {
        char *whole = path;
        path = mem_format("%s/member_%lld", whole, o->member);
        free(whole);
    }
    free(name);
    return path;
}
