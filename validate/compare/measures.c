#include "validate/compare/measures.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/region.h"
#include "validate/checks/made.h"
#include "validate/checks/parts.h"
#include "validate/selection.h"

void measured_free(struct measured *m)
{
    free(m->image);
    free(m->value);
    free(m->counts);
    *m = (struct measured){ 0 };
}

static void make_room(struct measured *m, int n, double low, double high)
{
    size_t count = (size_t)n;

    *m = (struct measured){ .n = n,
                            .image = mem_alloc(count, sizeof *m->image),
                            .value = mem_alloc(count, sizeof *m->value),
                            .counts = mem_alloc(count, sizeof *m->counts),
                            .range = { low, high } };
}

/* --- whole pictures ----------------------------------------------------------------------------------------------- */

static double is_right(const struct answers *a, int64_t i)
{
    return a->predicted[i] == a->label[i];
}

/* Brier's score of each picture: unlike the calibration error, which is one of all pictures together and needs bins, it
 * is a mean over pictures, so it can be paired. */
static double brier_of(const struct answers *a, int64_t i)
{
    return (double)a->brier[i];
}

/* most: the largest value there can be. Answers to all pictures stand in the order of the split, whose first may be all
 * of one class; answers to fewer were drawn already. */
static bool measure_whole(struct study *s, int64_t n, double (*value)(const struct answers *a, int64_t i), double most,
                          struct measured *out, struct err *err)
{
    const struct answers *a = study_answers(s, err);

    if (!a)
        return false;
    make_room(out, (int)(n < a->n ? n : a->n), 0, most);
    bool draw = out->n < a->n && a->n == s->data->count[s->split];
    uint32_t *order = draw ? selection_order(a->n, s->seed) : NULL;
    for (int i = 0; i < out->n; i++) {
        int64_t k = draw ? (int64_t)order[i] : i;
        out->image[i] = a->image[k];
        out->value[i] = value(a, k);
        out->counts[i] = true;
    }
    free(order);
    return true;
}

static bool measure_accuracy(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                             struct err *err)
{
    (void)p;
    return measure_whole(s, n, is_right, 1, out, err);
}

static bool measure_calibration(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                                struct err *err)
{
    (void)p;
    return measure_whole(s, n, brier_of, 2, out, err);
}

/* --- deciding pixels ---------------------------------------------------------------------------------------------- */

/* The searched pictures of one model as a probe, and room for their values; those answered right count. */
static bool open_search(struct probe *p, struct check *nothing, struct study *s, const struct policy_check *policy,
                        int64_t n, struct interval range, struct measured *out, struct err *err)
{
    *nothing = (struct check){ 0 };
    probe_open(p, s, policy, n, nothing);
    if (!probe_search(p, TARGET_PREDICTED, probe_rank(s), p->n, err))
        return false;
    make_room(out, p->n, range.low, range.high);
    for (int i = 0; i < p->n; i++) {
        out->image[i] = p->image[i];
        out->counts[i] = p->answer[i] == p->label[i];
    }
    return true;
}

static bool close_search(struct probe *p, struct check *nothing, bool ok, struct measured *out)
{
    probe_close(p);
    check_free(nothing);
    if (!ok)
        measured_free(out);
    return ok;
}

static bool measure_size(struct study *s, const struct policy_check *policy, int64_t n, struct measured *out,
                         struct err *err)
{
    struct probe p;
    struct check nothing;
    bool ok = open_search(&p, &nothing, s, policy, n, (struct interval){ 0, 1 }, out, err);

    for (int i = 0; ok && i < p.n; i++) {
        int size = probe_size(&p, i, policy->threshold);
        out->counts[i] = out->counts[i] && size != SIS_NONE;
        out->value[i] = size == SIS_NONE ? 0 : (double)size / study_pixels(s);
    }
    return close_search(&p, &nothing, ok, out);
}

/* Of each picture alone, so that it can be paired: small parts weigh as much as large ones, unlike in the check
 * border.share, which puts the pixels of all pictures together. */
static bool measure_border(struct study *s, const struct policy_check *policy, int64_t n, struct measured *out,
                           struct err *err)
{
    int pixels = study_pixels(s);
    struct probe p;
    struct check nothing;

    if (!region_ring_fits(s->model->h, s->model->w, policy->width))
        return err_usage(err, "%s: a ring %d pixels wide covers more than half of %d x %d; take a smaller width",
                         policy->id, policy->width, s->model->w, s->model->h);
    uint8_t *ring = mem_alloc((size_t)pixels, 1), *part = mem_alloc((size_t)pixels, 1);
    int area = region_ring(s->model->h, s->model->w, policy->width, ring);
    struct interval range = { 0, (double)pixels / area };
    bool ok = open_search(&p, &nothing, s, policy, n, range, out, err);
    for (int i = 0; ok && i < p.n; i++) {
        int size = probe_size(&p, i, policy->threshold);
        out->counts[i] = out->counts[i] && size > 0;
        if (!out->counts[i])
            continue;
        probe_ranked(&p, i, size, part);
        out->value[i] = region_ratio(region_overlap(part, ring, pixels), size, area, pixels);
    }
    free(part);
    free(ring);
    return close_search(&p, &nothing, ok, out);
}

/* What is shown in the place of picture i. */
struct shown {
    struct probe *probe;
    int m;
    void (*make)(const struct shown *v, int i, float *x);
    const int *picture; /* [] number i of those that are shown is this one of the probe; NULL: i */
};

static void show(void *self, int64_t i, float *x)
{
    const struct shown *v = self;

    v->make(v, v->picture ? v->picture[i] : (int)i, x);
}

static void make_best(const struct shown *v, int i, float *x)
{
    made_best(v->probe, i, v->m, x);
}

static void make_white(const struct shown *v, int i, float *x)
{
    made_painted(v->probe, i, v->m, 1, x);
}

static void make_shuffled(const struct shown *v, int i, float *x)
{
    made_shuffled(v->probe, i, v->m, x);
}

static void make_neighbours(const struct shown *v, int i, float *x)
{
    uint8_t *mask = mem_alloc((size_t)study_pixels(v->probe->study), 1);

    made_neighbours(v->probe, i, mask);
    probe_show(v->probe, i, mask, x);
    free(mask);
}

/* value = whether the answer is the one to the whole picture. */
static bool measure_staying(struct study *s, const struct policy_check *policy, int64_t n,
                            void (*make)(const struct shown *v, int i, float *x), struct measured *out, struct err *err)
{
    struct probe p;
    struct check nothing;
    struct shown v = { .probe = &p, .m = probe_share(s, policy->fraction), .make = make };
    bool ok = open_search(&p, &nothing, s, policy, n, (struct interval){ 0, 1 }, out, err);
    int *answer = mem_alloc((size_t)p.n, sizeof *answer);

    ok = ok && probe_ask(&p, p.n, show, &v, answer, NULL, NULL, err);
    for (int i = 0; ok && i < p.n; i++)
        out->value[i] = answer[i] == p.answer[i];
    free(answer);
    return close_search(&p, &nothing, ok, out);
}

static bool measure_sufficiency(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                                struct err *err)
{
    return measure_staying(s, p, n, make_best, out, err);
}

static bool measure_mask(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                         struct err *err)
{
    return measure_staying(s, p, n, make_white, out, err);
}

static bool measure_shuffled(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                             struct err *err)
{
    return measure_staying(s, p, n, make_shuffled, out, err);
}

/* value = whether the answer is lost. A part without a pixel has no neighbours. */
static bool measure_dilation(struct study *s, const struct policy_check *policy, int64_t n, struct measured *out,
                             struct err *err)
{
    struct probe p;
    struct check nothing;
    bool ok = open_search(&p, &nothing, s, policy, n, (struct interval){ 0, 1 }, out, err);
    int *picture = mem_alloc((size_t)p.n, sizeof *picture), *answer = mem_alloc((size_t)p.n, sizeof *answer), seen = 0;

    for (int i = 0; ok && i < p.n; i++) {
        out->counts[i] = out->counts[i] && probe_size(&p, i, policy->threshold) > 0;
        if (out->counts[i])
            picture[seen++] = i;
    }
    struct shown v = { .probe = &p, .make = make_neighbours, .picture = picture };
    ok = ok && (seen == 0 || probe_ask(&p, seen, show, &v, answer, NULL, NULL, err));
    for (int k = 0; ok && k < seen; k++)
        out->value[picture[k]] = answer[k] != p.answer[picture[k]];
    free(answer);
    free(picture);
    return close_search(&p, &nothing, ok, out);
}

/* --- pictures without an object ----------------------------------------------------------------------------------- */

/* Kinds that are drawn anew for each picture of the sample. */
enum { DRAWN_KINDS = RUBBISH_OWN_MEAN + 1 };

static void make_rubbish(void *self, int64_t i, float *x)
{
    const struct study *s = self;

    made_rubbish(s, (enum made_rubbish)(i % DRAWN_KINDS), (int)(i / DRAWN_KINDS), x);
}

/* value = mean confidence in what is made of one picture. */
static bool measure_rubbish(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                            struct err *err)
{
    int count = (int)(n < s->n ? n : s->n), classes = s->model->classes;
    float *z = mem_alloc((size_t)count * DRAWN_KINDS * (size_t)classes, sizeof *z);
    bool ok = study_logits(s, p->id, (int64_t)count * DRAWN_KINDS, make_rubbish, s, z, err);

    if (ok)
        make_room(out, count, 0, 1);
    for (int i = 0; ok && i < count * DRAWN_KINDS; i++) {
        const float *row = z + (size_t)i * (size_t)classes;
        out->value[i / DRAWN_KINDS] += softmax_of(row, classes, argmax_of(row, classes)) / DRAWN_KINDS;
    }
    for (int i = 0; ok && i < count; i++) {
        out->image[i] = s->image[i];
        out->counts[i] = true;
    }
    free(z);
    return ok;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

const struct check_type comparison_types[] = {
    { .kind = "sis.size",
      .summary = "median change of the share of the pixels that suffices for the answer",
      .measure = measure_size,
      .takes = TAKES_THRESHOLD,
      .threshold = 0.99,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_LEAST },
    { .kind = "border.share",
      .summary = "share of the sufficient pixels in a ring along the edge, over the ring's share of the area",
      .measure = measure_border,
      .takes = TAKES_WIDTH | TAKES_THRESHOLD,
      .threshold = 0.99,
      .width = 1,
      .quick = -1,
      .full = -1,
      .unit = UNIT_RATIO,
      .good = SIDE_AT_MOST },
    { .kind = "subset.sufficiency",
      .summary = "share of right answers that stay on the best pixels alone",
      .measure = measure_sufficiency,
      .takes = TAKES_FRACTION,
      .fraction = 0.05,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = "mask.only",
      .summary = "share of right answers that stay when the best pixels are painted white",
      .measure = measure_mask,
      .takes = TAKES_FRACTION,
      .fraction = 0.05,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = "shuffled.values",
      .summary = "share of right answers that stay when the best pixels exchange their colours",
      .measure = measure_shuffled,
      .takes = TAKES_FRACTION,
      .fraction = 0.05,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = "dilation",
      .summary = "share of right answers that are lost when the sufficient part gets its neighbours",
      .measure = measure_dilation,
      .takes = TAKES_THRESHOLD,
      .threshold = 0.99,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = "rubbish",
      .summary = "mean confidence in noise, shuffled and blank pictures",
      .measure = measure_rubbish,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST,
      .basis = BASIS_SAMPLE },
    { .kind = "accuracy",
      .summary = "share of right answers on whole pictures",
      .measure = measure_accuracy,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_LEAST,
      .basis = BASIS_SPLIT,
      .guards = true },
    { .kind = "calibration",
      .summary = "Brier score on whole pictures: 0 for sure and right, 2 for sure and wrong",
      .measure = measure_calibration,
      .unit = UNIT_NUMBER,
      .good = SIDE_AT_MOST,
      .basis = BASIS_SPLIT,
      .guards = true },
    { .kind = NULL },
};
