/* How often border.sufficiency finds a border cue that was planted, by the cue's strength: power [options] generates
 * sets, runs the check on each, prints a table and draws a curve. The cue is the share of pictures whose border colour
 * is their label's; at 0 borders are coloured, too, but say nothing. The last column is the check's value, right answers
 * from the ring minus those from the centre or the next ring inside, whichever tells less: the mean of the sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/plot.h"
#include "base/progress.h"
#include "base/settings.h"
#include "base/statistics.h"
#include "datasets/planted.h"
#include "validate/dataset/dataset_checks.h"

enum { SHAPE_PX = 32, CLASSES = 6 };
static const double cues[] = { 0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1 };
enum { STRENGTHS = sizeof cues / sizeof *cues };

static long long sets = 200, pictures = 2000, border = 2, width = 2, seed = 1, threads;
static double limit = 0.05;
static const char *out_path;

static const struct setting table[] = {
    { "sets", 0, SETTING_INT, &sets, 1, 100000, "N", NULL, "sets generated for each strength", NULL },
    { "pictures", 0, SETTING_INT, &pictures, 10, 1000000, "N", NULL, "pictures of a set", NULL },
    { "border", 0, SETTING_INT, &border, 1, 8, "N", NULL, "width of the planted border, pixels of 32", NULL },
    { "width", 0, SETTING_INT, &width, 1, 4, "N", NULL, "width of the check's ring, pixels", NULL },
    { "limit", 0, SETTING_REAL, &limit, -1, 1, "X", NULL, "the policy's limit", NULL },
    { "seed", 0, SETTING_INT, &seed, 0, 1e9, "N", NULL, "seed of the first set; the next ones follow", NULL },
    { "threads", 'j', SETTING_INT, &threads, 1, 1024, "N", NULL, "threads (default: processors)", NULL },
    { "out", 0, SETTING_STRING, &out_path, 0, 0, "FILE", NULL, "draw the curve there (SVG)", NULL },
};

static const struct settings settings = {
    .program = "power",
    .usage = "[options]",
    .summary = "Finds out how often border.sufficiency finds a planted border cue.",
    .table = table,
    .n = sizeof table / sizeof *table,
};

/* --- one generated set -------------------------------------------------------------------------------------------- */

static int label_of(const struct dataset *d, enum split split, int64_t i)
{
    return planted_label(d->self, CLASSES, split, i, NULL);
}

static bool draw(const struct dataset *d, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    (void)err;
    *out = (struct image8){ .c = 3, .h = SHAPE_PX, .w = SHAPE_PX };
    out->pixels = mem_alloc((size_t)3 * SHAPE_PX * SHAPE_PX, 1);
    planted_draw(d->self, CLASSES, split, i, SHAPE_PX, SHAPE_PX, out->pixels);
    return true;
}

static bool run_check(struct team *team, double cue, uint64_t set_seed, struct check *out, struct err *err)
{
    struct planted planted = { .n_train = pictures,
                               .seed = (int64_t)set_seed,
                               .border_width = border,
                               .border_cue = cue,
                               .cue_in_test = -1,
                               .noise = 0.04 };
    char name[] = "planted", *names[CLASSES];
    for (int k = 0; k < CLASSES; k++)
        names[k] = (char *)planted_shape_names[k];
    struct dataset data = { .name = name,
                            .classes = CLASSES,
                            .class_names = names,
                            .c = 3,
                            .h = SHAPE_PX,
                            .w = SHAPE_PX,
                            .count = { pictures, 0 },
                            .packed = true,
                            .label = label_of,
                            .read = draw,
                            .self = &planted };
    struct survey s = { .data = &data, .team = team, .seed = set_seed };
    const struct check_type *type = check_type_find(dataset_check_types, "border.sufficiency");
    char id[] = "border.sufficiency";
    struct policy_check policy = { .type = type, .id = id, .side = SIDE_AT_MOST, .limit = limit, .width = (int)width };
    bool ok = survey_open(&s, err) && type->survey(&s, &policy, 0, out, err);
    survey_close(&s);
    return ok;
}

/* --- the curve ---------------------------------------------------------------------------------------------------- */

struct strength {
    int count[CHECK_REPORTED + 1]; /* by status */
    double value;                  /* mean */
};

static bool measure(struct team *team, double cue, struct strength *s, struct err *err)
{
    for (long long i = 0; i < sets; i++) {
        struct check out = { 0 };
        bool ok = run_check(team, cue, (uint64_t)(seed + i), &out, err);
        s->count[check_decide(&out.estimate, SIDE_AT_MOST, limit)]++;
        s->value += out.estimate.value / (double)sets;
        check_free(&out);
        if (!ok)
            return false;
    }
    return true;
}

static void print_row(double cue, const struct strength *s)
{
    struct interval i = wilson(s->count[CHECK_FAIL], sets);
    printf("%6.2f %5d %5d %13d %9.1f%% (%.1f%% to %.1f%%) %+12.1f\n", cue, s->count[CHECK_PASS], s->count[CHECK_FAIL],
           s->count[CHECK_INCONCLUSIVE], 100.0 * s->count[CHECK_FAIL] / (double)sets, 100 * i.low, 100 * i.high,
           100 * s->value);
    fflush(stdout);
}

static bool save_curve(const struct strength *s, struct err *err)
{
    double found[STRENGTHS], cleared[STRENGTHS], percent[STRENGTHS];
    for (int k = 0; k < STRENGTHS; k++) {
        percent[k] = 100 * cues[k];
        found[k] = 100.0 * s[k].count[CHECK_FAIL] / (double)sets;
        cleared[k] = 100.0 * s[k].count[CHECK_PASS] / (double)sets;
    }
    struct plot plot = { .title = "A planted border cue: how often it is found",
                         .n = 1,
                         .panels = {
                             { "pictures whose border tells the label (%)",
                               "sets (%)",
                               2,
                               { { "fail", STRENGTHS, percent, found }, { "pass", STRENGTHS, percent, cleared } } } } };
    return plot_save(&plot, out_path, err);
}

static bool run(struct err *err)
{
    struct strength s[STRENGTHS] = { 0 };
    struct team *team;
    if (!team_new((int)threads, false, &team, err))
        return false;
    double start = clock_seconds();
    bool ok = true;
    printf("%lld sets of %lld pictures for each strength, border %lld px, ring %lld px, limit %+.1f points\n", sets,
           pictures, border, width, 100 * limit);
    printf("%6s %5s %5s %13s %24s %17s\n", "cue", "pass", "fail", "inconclusive", "found", "value, points");
    for (int k = 0; ok && k < STRENGTHS; k++) {
        ok = measure(team, cues[k], &s[k], err);
        if (ok)
            print_row(cues[k], &s[k]);
    }
    printf("%.0f s\n", clock_seconds() - start);
    team_free(team);
    return ok && (!out_path || save_curve(s, err));
}

int main(int argc, char **argv)
{
    struct err err;
    int n = 0;

    threads = team_available_cpus();
    if (settings_asks(argc, argv, "help")) {
        settings_help(&settings, stdout);
        return EXIT_OK;
    }
    if (settings_parse(&settings, argc, argv, NULL, &n, &err) && run(&err))
        return EXIT_OK;
    fprintf(stderr, "power: %s\n", err.text);
    return err.status;
}
