/* Expected calibration error (Naeini, Cooper, Hauskrecht 2015): pictures are put into bins by confidence; the error is
 * the mean over bins, weighted by their pictures, of |mean confidence - share of right answers|. Bins of equal mass
 * do not leave most pictures in one bin, as bins of equal width do when a model is sure of nearly everything.
 *
 * Counted so, it is too large: chance moves the right answers of every bin, and absolute values add up (Roelofs, Cain,
 * Shlens, Mozer, "Mitigating bias in calibration error estimation", 2022); of 200 pictures a model whose confidences
 * are exactly true reads 5 %. So we ask which true error explains the count. Chance is drawn for imagined models as for
 * the consistency bars of Bröcker and Smith ("Increasing the reliability of reliability diagrams", 2007), which imagine
 * the model without an error; ours are off by the bins' differences as they were found, made smaller or larger. The
 * estimate is the error of the imagined model of which half of the draws count less than was counted; the interval
 * begins at the one of which 97.5 % do (the inversion of a test), and it ends at the one of which 2.5 % do. For this
 * end all bins are off alike: then chance adds least, and the largest error explains the count. */
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

/* BIN_LEAST: of fewer pictures a bin's share of right answers is not nearly normal, and mostly chance. */
enum { BINS = 15, BIN_LEAST = 50, DRAWS = 1000, HALVINGS = 40 };

/* Answers in rising order of confidence. */
struct sorted {
    int n;
    double *confidence;
    uint8_t *right;
};

struct bin {
    double pictures, confidence, right; /* sums */
};

struct binned {
    int n; /* 1..BINS */
    struct bin bin[BINS];
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
    struct sorted s = { (int)a->n, mem_alloc(n, sizeof *s.confidence), mem_alloc(n, 1) };
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
}

/* What is counted. */
static double error_of(const struct binned *b)
{
    double pictures = 0, error = 0;
    for (int k = 0; k < b->n; k++) {
        pictures += b->bin[k].pictures;
        error += fabs(b->bin[k].confidence - b->bin[k].right);
    }
    return error / pictures;
}

static void add_to(struct bin *b, const struct sorted *s, int i)
{
    b->pictures++;
    b->confidence += s->confidence[i];
    b->right += s->right[i];
}

/* The k-th picture goes to bin k * bins / n. */
static struct binned bin_equal_mass(const struct sorted *s)
{
    int n = s->n / BIN_LEAST;
    struct binned out = { .n = n < 1 ? 1 : n > BINS ? BINS : n };
    for (int i = 0; i < s->n; i++)
        add_to(&out.bin[(int64_t)i * out.n / s->n], s, i);
    return out;
}

static struct binned bin_equal_width(const struct sorted *s)
{
    struct binned out = { .n = BINS };
    for (int i = 0; i < s->n; i++) {
        int place = (int)(s->confidence[i] * BINS);
        add_to(&out.bin[place < BINS ? place : BINS - 1], s, i);
    }
    return out;
}

/* --- the true error ----------------------------------------------------------------------------------------------- */

/* Models as sure as ours and right more or less often: a model that is off by `error` is off by error * lean in a bin,
 * as far as shares go. */
struct imagined {
    const struct binned *found;
    double lean[BINS];      /* their mean absolute value over the pictures is 1 */
    double (*chance)[BINS]; /* [DRAWS] standard normal deviates, each beside its opposite */
    double counted[DRAWS];  /* scratch: what is counted of each draw, sorted */
};

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Draws what is counted of the model that is off by `error`; returns by how much it truly is. */
static double imagine(struct imagined *m, double error)
{
    double off[BINS], spread[BINS], truly = 0, pictures = 0;
    memset(m->counted, 0, sizeof m->counted);
    for (int k = 0; k < m->found->n; k++) {
        const struct bin *b = &m->found->bin[k];
        double sure = b->confidence / b->pictures, right = fmin(fmax(sure + error * m->lean[k], 0), 1);
        off[k] = b->pictures * (right - sure);
        spread[k] = sqrt(b->pictures * right * (1 - right));
        truly += fabs(off[k]);
        pictures += b->pictures;
    }
    for (int d = 0; d < DRAWS; d++)
        for (int k = 0; k < m->found->n; k++)
            m->counted[d] += fabs(off[k] + spread[k] * m->chance[d][k]) / pictures;
    qsort(m->counted, DRAWS, sizeof *m->counted, rising);
    return truly / pictures;
}

/* The error of the model of which this share of the draws counts less than was counted; 0 when less was counted than
 * chance alone would show. */
static double explain(struct imagined *m, double counted, double share)
{
    double low = 0, high = 1;
    imagine(m, 0);
    if (quantile(m->counted, DRAWS, share) >= counted)
        return 0;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        imagine(m, middle);
        if (quantile(m->counted, DRAWS, share) < counted)
            low = middle;
        else
            high = middle;
    }
    return imagine(m, high);
}

static void draw_chance(struct imagined *m, uint64_t seed)
{
    m->chance = mem_alloc(DRAWS, sizeof *m->chance);
    for (int d = 0; d < DRAWS; d += 2) {
        struct rng r = rng_stream(seed, RNG_BOOTSTRAP, (uint32_t)d, 1);
        for (int k = 0; k < BINS; k++) {
            m->chance[d][k] = rng_normal(&r);
            m->chance[d + 1][k] = -m->chance[d][k];
        }
    }
}

/* As the bins were found; or `alike`: all by as much, each to its side. */
static void set_lean(struct imagined *m, double counted, bool alike)
{
    for (int k = 0; k < m->found->n; k++) {
        const struct bin *b = &m->found->bin[k];
        double off = (b->right - b->confidence) / b->pictures;
        m->lean[k] = alike ? copysign(1, off) : counted > 0 ? off / counted : 0;
    }
}

/* What was not seen in n pictures may still happen in 3 / n of them (the rule of three). *by_chance: the mean of what
 * is counted when there is no error. */
static struct estimate estimate_error(const struct binned *found, int n, uint64_t seed, double *by_chance)
{
    struct imagined *m = mem_alloc(1, sizeof *m);
    struct estimate e = { 0, 0, 1, n };
    double counted = error_of(found);
    m->found = found;
    draw_chance(m, seed);
    set_lean(m, counted, false);
    imagine(m, 0);
    *by_chance = 0;
    for (int d = 0; d < DRAWS; d++)
        *by_chance += m->counted[d] / DRAWS;
    e.value = explain(m, counted, 0.5);
    if (n >= ESTIMATE_FEW) {
        e.low = fmin(e.value, explain(m, counted, 0.975));
        set_lean(m, counted, true);
        e.high = fmin(1, fmax(explain(m, counted, 0.025), e.value + 3.0 / n));
    }
    free(m->chance);
    free(m);
    return e;
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

static void draw_curve(struct check *out, const struct binned *binned, const struct policy_check *p)
{
    struct figure *f = check_add_figure(out, FIGURE_CURVE);
    char *count = text_n(out->estimate.n), *value = text_value(&out->estimate, out->unit, p);
    f->heading = mem_string("How often it is right, by how sure it is");
    f->caption = mem_format("Each point: a group of equally many pictures (%s); band: 95%% intervals (Wilson). On the "
                            "dashed line a model is right as often as it says.",
                            count);
    f->description = mem_format("Share of right answers against confidence, groups: %d; mean distance from the "
                                "diagonal, without what chance adds, %s.",
                                binned->n, value);
    f->x_unit = f->y_unit = UNIT_SHARE;
    f->x_label = mem_string("confidence");
    f->y_label = mem_string("right answers");
    f->x_high = f->y_high = 1;
    struct figure_series *line = figure_add_series(f, "model", estimate_tone(&out->estimate, p), 0);
    line->x = mem_resize(line->x, (size_t)binned->n, sizeof *line->x);
    line->y = mem_resize(line->y, (size_t)binned->n, sizeof *line->y);
    line->low = mem_alloc((size_t)binned->n, sizeof *line->low);
    line->high = mem_alloc((size_t)binned->n, sizeof *line->high);
    for (const struct bin *b = binned->bin; b < binned->bin + binned->n; b++) {
        struct estimate e = estimate_share((int64_t)b->right, (int64_t)b->pictures);
        line->x[line->n] = b->confidence / b->pictures;
        line->y[line->n] = e.value;
        line->low[line->n] = e.low;
        line->high[line->n++] = e.high;
    }
    struct figure_series *ideal = figure_add_series(f, "right as often as sure", TONE_CONTROL, 2);
    ideal->x[1] = ideal->y[1] = 1;
    free(value);
    free(count);
}

static json_t *details(const struct answers *a, const struct sorted *s, double by_chance, const struct binned *mass)
{
    struct binned width = bin_equal_width(s);
    double brier = 0;
    for (int64_t i = 0; i < a->n; i++)
        brier += a->brier[i];
    json_t *bins = json_array();
    for (const struct bin *b = mass->bin; b < mass->bin + mass->n; b++)
        json_array_append_new(bins, json_pack("{s:I, s:o, s:o}", "pictures", (json_int_t)b->pictures, "confidence",
                                              json_finite(b->confidence / b->pictures), "right",
                                              json_finite(b->right / b->pictures)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "ece_equal_mass", json_finite(error_of(mass)), "ece_equal_width",
                     json_finite(error_of(&width)), "ece_by_chance", json_finite(by_chance), "brier",
                     json_finite(brier / (double)a->n), "bins", bins);
}

static void words(struct check *out, const struct policy_check *p, const struct binned *b, double by_chance)
{
    const struct estimate *e = &out->estimate;
    double sure = 0, right = 0, n = (double)e->n;
    for (int k = 0; k < b->n; k++) {
        sure += b->bin[k].confidence;
        right += b->bin[k].right;
    }
    char *found = text_estimate(e, out->unit, p), *chance = text_number(by_chance, UNIT_SHARE);
    char *counted = text_number(error_of(b), UNIT_SHARE);
    char *mean = text_number(sure / n, UNIT_SHARE), *share = text_number(right / n, UNIT_SHARE);
    out->question = mem_string("Is it as often right as it is sure?");
    out->measure = mem_string("between sure and right");
    out->asks = mem_format("We sort the pictures by the confidence of the answer, groups of equal number: %d. We "
                           "compare the mean confidence of each group with its share of right answers, and take away "
                           "what chance adds.",
                           b->n);
    out->found =
        mem_format("The mean distance (expected calibration error) is %s. As counted it is %s; with confidences "
                   "that were exactly true, chance alone would show %s. The model is %s sure on average and "
                   "%s right.",
                   found, counted, chance, mean, share);
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
    free(counted);
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
    struct binned binned = bin_equal_mass(&sorted);
    double by_chance;
    out->kind = mem_string(p->type->kind);
    out->unit = UNIT_SHARE;
    out->of = "pictures";
    out->estimate = estimate_error(&binned, sorted.n, s->seed, &by_chance);
    words(out, p, &binned, by_chance);
    draw_curve(out, &binned, p);
    out->details = details(a, &sorted, by_chance, &binned);
    sorted_free(&sorted);
    return true;
}
