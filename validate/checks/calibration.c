/* Expected calibration error (Naeini, Cooper, Hauskrecht 2015): pictures are put into bins by confidence; the error is
 * the mean over bins, weighted by their pictures, of |mean confidence - share of right answers|. Bins of equal mass
 * do not leave most pictures in one bin, as bins of equal width do when a model is sure of nearly everything. */
#include "validate/checks/checks.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "validate/checks/estimate.h"
#include "validate/checks/text.h"

enum { BINS = 15, CONTROL_DRAWS = 200 };

/* Answers in rising order of confidence. */
struct sorted {
    int n;
    double *confidence;
    uint8_t *right;
    uint32_t *count; /* scratch of a resample: how often each picture is in it */
};

struct bin {
    double pictures, confidence, right; /* sums */
};

/* Equal confidences are common when a model saturates: they are put into random order, since an order that knew which
 * are right would put the wrong ones into a bin of their own. */
struct pair {
    double confidence;
    uint32_t tie;
    uint8_t right;
};

static int by_confidence(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = (x->confidence > y->confidence) - (x->confidence < y->confidence);
    return order ? order : (x->tie > y->tie) - (x->tie < y->tie);
}

static struct sorted sort_answers(const struct answers *a, uint64_t seed)
{
    size_t n = (size_t)a->n;
    struct pair *pair = mem_alloc(n, sizeof *pair);
    for (size_t i = 0; i < n; i++) {
        struct rng r = rng_stream(seed, RNG_CHECK, 0, (uint32_t)a->image[i]);
        pair[i] = (struct pair){ a->confidence[i], rng_u32(&r), a->predicted[i] == a->label[i] };
    }
    qsort(pair, n, sizeof *pair, by_confidence);
    struct sorted s = { (int)a->n, mem_alloc(n, sizeof *s.confidence), mem_alloc(n, 1), mem_alloc(n, sizeof *s.count) };
    for (size_t i = 0; i < n; i++) {
        s.confidence[i] = pair[i].confidence;
        s.right[i] = pair[i].right;
    }
    free(pair);
    return s;
}

static void sorted_free(struct sorted *s)
{
    free(s->confidence);
    free(s->right);
    free(s->count);
}

static double error_of(const struct bin *bin)
{
    double pictures = 0, error = 0;
    for (int b = 0; b < BINS; b++) {
        pictures += bin[b].pictures;
        error += fabs(bin[b].confidence - bin[b].right);
    }
    return error / pictures;
}

/* The k-th picture of the resample's sorted order goes to bin k * BINS / n. count NULL: every picture once. */
static void fill_equal_mass(const struct sorted *s, const uint32_t *count, struct bin bin[BINS])
{
    memset(bin, 0, BINS * sizeof *bin);
    int64_t place = 0;
    for (int i = 0; i < s->n; i++)
        for (uint32_t c = count ? count[i] : 1; c > 0; c--, place++) {
            struct bin *b = &bin[place * BINS / s->n];
            b->pictures++;
            b->confidence += s->confidence[i];
            b->right += s->right[i];
        }
}

static void fill_equal_width(const struct sorted *s, struct bin bin[BINS])
{
    memset(bin, 0, BINS * sizeof *bin);
    for (int i = 0; i < s->n; i++) {
        int place = (int)(s->confidence[i] * BINS);
        struct bin *b = &bin[place < BINS ? place : BINS - 1];
        b->pictures++;
        b->confidence += s->confidence[i];
        b->right += s->right[i];
    }
}

static double resampled_error(void *sample, const uint32_t *pick, int n)
{
    struct sorted *s = sample;
    struct bin bin[BINS];
    memset(s->count, 0, (size_t)n * sizeof *s->count);
    for (int i = 0; i < n; i++)
        s->count[pick[i]]++;
    fill_equal_mass(s, s->count, bin);
    return error_of(bin);
}

/* What chance alone would show: the mean error of a model whose confidences are exactly true. */
static double error_by_chance(const struct sorted *s, uint64_t seed)
{
    struct sorted ideal = { s->n, s->confidence, mem_alloc((size_t)s->n, 1), NULL };
    struct bin bin[BINS];
    double sum = 0;
    for (int draw = 0; draw < CONTROL_DRAWS; draw++) {
        struct rng r = rng_stream(seed, RNG_BOOTSTRAP, (uint32_t)draw, 1);
        for (int i = 0; i < s->n; i++)
            ideal.right[i] = rng_unit(&r) < s->confidence[i];
        fill_equal_mass(&ideal, NULL, bin);
        sum += error_of(bin);
    }
    free(ideal.right);
    return sum / CONTROL_DRAWS;
}

/* Absolute values make a resample's error larger than the sample's, so that percentiles would miss what was found: only
 * their distance is used, with the value in the middle. */
static struct estimate estimate_error(struct sorted *s, double value, uint64_t seed)
{
    struct estimate e = { value, 0, 1, s->n };
    if (s->n < ESTIMATE_FEW)
        return e;
    struct interval i = bootstrap(resampled_error, s, s->n, ESTIMATE_DRAWS / 4, seed);
    double half = (i.high - i.low) / 2;
    e.low = fmax(0, value - half);
    e.high = fmin(1, value + half);
    return e;
}

static void draw_curve(struct check *out, const struct bin bin[BINS], const struct policy_check *p, int64_t n)
{
    struct figure *f = check_add_figure(out, FIGURE_CURVE);
    char *count = text_n(n), *value = text_value(&out->estimate, out->unit, p);
    f->heading = mem_string("How often it is right, by how sure it is");
    f->caption = mem_format("Each point: one fifteenth of the pictures (%s); band: 95%% intervals (Wilson). On the "
                            "dashed line a model is right as often as it says.",
                            count);
    f->description = mem_format("Share of right answers against confidence in %d bins; mean distance from the diagonal "
                                "%s.",
                                BINS, value);
    f->x_unit = f->y_unit = UNIT_SHARE;
    f->x_label = mem_string("confidence");
    f->y_label = mem_string("right answers");
    f->x_high = f->y_high = 1;
    struct figure_series *line = figure_add_series(f, "model", estimate_tone(&out->estimate, p), 0);
    line->x = mem_resize(line->x, BINS, sizeof *line->x);
    line->y = mem_resize(line->y, BINS, sizeof *line->y);
    line->low = mem_alloc(BINS, sizeof *line->low);
    line->high = mem_alloc(BINS, sizeof *line->high);
    for (int b = 0; b < BINS; b++) {
        if (!(bin[b].pictures > 0))
            continue;
        struct estimate e = estimate_share((int64_t)bin[b].right, (int64_t)bin[b].pictures);
        line->x[line->n] = bin[b].confidence / bin[b].pictures;
        line->y[line->n] = e.value;
        line->low[line->n] = e.low;
        line->high[line->n++] = e.high;
    }
    struct figure_series *ideal = figure_add_series(f, "right as often as sure", TONE_CONTROL, 2);
    ideal->x[1] = ideal->y[1] = 1;
    free(value);
    free(count);
}

static json_t *details(const struct answers *a, const struct sorted *s, double by_chance, const struct bin mass[BINS])
{
    struct bin width[BINS];
    fill_equal_width(s, width);
    double brier = 0;
    for (int64_t i = 0; i < a->n; i++)
        brier += a->brier[i];
    json_t *bins = json_array();
    for (int b = 0; b < BINS; b++)
        json_array_append_new(bins, json_pack("{s:I, s:o, s:o}", "pictures", (json_int_t)mass[b].pictures, "confidence",
                                              json_finite(mass[b].confidence / mass[b].pictures), "right",
                                              json_finite(mass[b].right / mass[b].pictures)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "ece_equal_mass", json_finite(error_of(mass)), "ece_equal_width",
                     json_finite(error_of(width)), "ece_by_chance", json_finite(by_chance), "brier",
                     json_finite(brier / (double)a->n), "bins", bins);
}

static void words(struct check *out, const struct policy_check *p, const struct sorted *s, double by_chance)
{
    const struct estimate *e = &out->estimate;
    double sure = 0, right = 0;
    for (int i = 0; i < s->n; i++) {
        sure += s->confidence[i];
        right += s->right[i];
    }
    char *found = text_estimate(e, out->unit, p), *chance = text_number(by_chance, UNIT_SHARE);
    char *mean = text_number(sure / s->n, UNIT_SHARE), *share = text_number(right / s->n, UNIT_SHARE);
    out->question = mem_string("Is it as often right as it is sure?");
    out->measure = mem_string("between sure and right");
    out->asks = mem_format("We sort the pictures by the confidence of the answer into %d groups of equal number, and "
                           "compare the mean confidence of each group with its share of right answers.",
                           BINS);
    out->found = mem_format("The mean distance (expected calibration error) is %s. The model is %s sure on average and "
                            "%s right; with confidences that were exactly true, chance alone would show %s.",
                            found, mean, share, chance);
    const char *surer =
        sure > right ? "The model is surer than it is right." : "The model is right more often than it is sure.";
    const char *outcome = text_choose(e, p, "The confidence can be read as about how often the answer is right.", surer,
                                      "Whether the confidence can be taken at its word is not settled.");
    out->means = mem_format("%s It concerns whole pictures only: a model can be well calibrated on them and still be "
                            "sure of a few scattered pixels.",
                            p->side == SIDE_NONE ? surer : outcome);
    out->act = text_act(e, p, "Keep this figure beside every confidence that you publish.",
                        "Scale the logits by one number fitted on pictures kept apart (temperature scaling), or train "
                        "with label smoothing.");
    free(share);
    free(mean);
    free(chance);
    free(found);
}

bool check_calibration(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    (void)n; /* of the sample; whole pictures have their own number */
    const struct answers *a = study_answers(s, err);
    if (!a)
        return false;
    struct sorted sorted = sort_answers(a, s->seed);
    struct bin bin[BINS];
    fill_equal_mass(&sorted, NULL, bin);
    double by_chance = error_by_chance(&sorted, s->seed);
    out->kind = mem_string(p->type->kind);
    out->unit = UNIT_SHARE;
    out->of = "pictures";
    out->estimate = estimate_error(&sorted, error_of(bin), s->seed);
    words(out, p, &sorted, by_chance);
    draw_curve(out, bin, p, a->n);
    out->details = details(a, &sorted, by_chance, bin);
    sorted_free(&sorted);
    return true;
}
