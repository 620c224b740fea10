#include "validate/sis/images.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/sis/images_parts.h"

enum {
    STATE = -1, /* in the place of a candidate: the work as it is */
    /* Probability ranking stops at the first candidate with p = 1, which is often among the first. */
    FIRST_CANDIDATES = 16
};

/* Pixels that a step removes of those that are left. The screened search takes several at once while many are left,
 * per_step at the start and one in the last part: what goes early matters less than what stays (docs/performance.md).
 */
static int removed_at_once(const struct images_run *r, const struct images_work *w)
{
    int k = r->settings->method == SIS_BACKSELECT ? 1 : r->settings->per_step;

    if (r->settings->method == SIS_SCREENED)
        k = (int)(((int64_t)k * w->left + w->order.features - 1) / w->order.features);
    return k < w->left ? k : w->left;
}

/* The value of logits z for work j. */
static bool value_of(const struct images_run *r, int j, const float *z, double *value, struct err *err)
{
    *value = sis_value(r->settings->rank, z, r->model->classes, r->target[j]);
    return isfinite(*value) || err_run(err, "the model's answer to a masked image is not a number; check its weights");
}

/* Between calls of the model: what is known is told, and the user may stop. */
static bool go_on(struct images_run *r)
{
    double done = (double)r->finished;

    for (int j = 0; j < r->n; j++) {
        double left = (double)r->work[j].left / r->work[j].order.features;
        done += 1 - (r->settings->method == SIS_BACKSELECT ? left * left : left);
    }
    if (r->images->tell)
        r->images->tell(r->images->self, done);
    r->counts->stopped = r->counts->stopped || (r->images->stop && r->images->stop(r->images->self));
    return !r->counts->stopped;
}

/* The pixels of `chosen`, best first, are masked; the state they lead to has no value yet. */
static void remove_pixels(struct images_run *r, int j, const int *chosen, int n)
{
    struct images_work *w = &r->work[j];

    for (int i = 0; i < n; i++) {
        w->order.order[w->order.features - w->left + i] = (uint32_t)chosen[i];
        images_kept(r, j)[chosen[i]] = 0;
        images_mask_pixel(r, j, chosen[i], r->current + (size_t)j * r->floats);
    }
    w->left -= n;
    w->valued = false;
    w->order.removed[++w->state] = (uint32_t)(w->order.features - w->left);
}

/* To first order, what masking a pixel adds to the scalar: the sum over channels of (baseline - x) * gradient. */
static bool score_pixels(const struct images_run *r, int j, struct err *err)
{
    const float *x = r->current + (size_t)j * r->floats, *b = r->baseline + (size_t)j * r->floats;
    const float *g = r->g + (size_t)j * r->floats;
    bool finite = true;

    memset(r->score, 0, (size_t)r->pixels * sizeof(float));
    for (int k = 0; k < r->model->c; k++, x += r->pixels, b += r->pixels, g += r->pixels)
        for (int i = 0; i < r->pixels; i++)
            r->score[i] += (b[i] - x[i]) * g[i];
    for (int i = 0; i < r->pixels; i++)
        finite = finite && isfinite(r->score[i]);
    return finite || err_run(err, "the model's gradient is not a number; check its weights");
}

/* The n kept pixels with the largest scores, best first, the first of equals. n is small: insertion. */
static void best_pixels(const struct images_run *r, int j, int n, int *best)
{
    const uint8_t *kept = images_kept(r, j);
    const float *score = r->score;
    int found = 0;

    for (int i = 0; i < r->pixels; i++) {
        if (!kept[i] || (found == n && !(score[i] > score[best[n - 1]])))
            continue;
        int at = found < n ? found++ : n - 1;
        for (; at > 0 && score[i] > score[best[at - 1]]; at--)
            best[at] = best[at - 1];
        best[at] = i;
    }
    assert(found == n);
}

/* Gradients of all works, and with them the values of their states. */
static bool differentiate(struct images_run *r, struct err *err)
{
    const struct classifier *m = r->model;
    enum scalar scalar = r->settings->rank == SIS_MARGIN ? SCALAR_MARGIN : SCALAR_PROBABILITY;

    if (!m->gradient(m->self, r->current, r->n, scalar, r->target, r->g, r->z, err))
        return false;
    r->counts->gradients += r->n;
    for (int j = 0; j < r->n; j++) {
        struct images_work *w = &r->work[j];
        if (!w->valued && !value_of(r, j, r->z + (size_t)j * (size_t)m->classes, &w->order.value[w->state], err))
            return false;
        w->valued = true;
    }
    return go_on(r);
}

/* The call of `logits` that was gathered; every answer goes where it belongs. */
static bool flush(struct images_run *r, struct err *err)
{
    const struct classifier *m = r->model;

    if (r->rows > 0 && !m->logits(m->self, r->row, r->rows, r->z, err))
        return false;
    r->counts->evaluations += r->rows;
    for (int i = 0; i < r->rows; i++) {
        int j = r->row_work[i], at = r->row_at[i];
        struct images_work *w = &r->work[j];
        double *value = at == STATE ? &w->order.value[w->state] : images_values(r, j) + at;
        if (!value_of(r, j, r->z + (size_t)i * (size_t)m->classes, value, err))
            return false;
        if (at == STATE) {
            w->valued = true;
        } else {
            w->answered = at + 1;
            w->best = w->best < 0 || *value > images_values(r, j)[w->best] ? at : w->best;
        }
    }
    r->rows = 0;
    return go_on(r);
}

/* Adds work j without its candidate `at` (STATE: as it is) to the call. */
static bool ask(struct images_run *r, int j, int at, struct err *err)
{
    float *row = r->row + (size_t)r->rows * r->floats;

    memcpy(row, r->current + (size_t)j * r->floats, r->floats * sizeof(float));
    if (at != STATE)
        images_mask_pixel(r, j, images_candidates(r, j)[at], row);
    r->row_work[r->rows] = j;
    r->row_at[r->rows++] = at;
    return r->rows < r->model->batch || flush(r, err);
}

/* Values of the states that no step has measured: the whole image in an exact search, the wholly masked one in others.
 */
static bool evaluate_states(struct images_run *r, bool whole, struct err *err)
{
    for (int j = 0; j < r->n; j++)
        if (!r->work[j].valued && (whole || r->work[j].left == 0) && !ask(r, j, STATE, err))
            return false;
    return flush(r, err);
}

/* Whether the best candidate is known: all are answered, or one has probability 1 and so is the first of equals. */
static bool is_settled(const struct images_run *r, int j)
{
    const struct images_work *w = &r->work[j];
    bool bounded = r->settings->rank == SIS_PROBABILITY && removed_at_once(r, w) == 1;

    return w->answered == w->proposed || (bounded && w->best >= 0 && images_values(r, j)[w->best] >= 1);
}

static bool all_are_settled(const struct images_run *r)
{
    for (int j = 0; j < r->n; j++)
        if (!is_settled(r, j))
            return false;
    return true;
}

static bool ask_up_to(struct images_run *r, int j, int limit, struct err *err)
{
    struct images_work *w = &r->work[j];

    while (!is_settled(r, j) && w->asked < w->proposed && w->asked < limit)
        if (!ask(r, j, w->asked++, err))
            return false;
    return true;
}

static bool evaluate_candidates(struct images_run *r, struct err *err)
{
    int limit = r->settings->rank == SIS_PROBABILITY ? FIRST_CANDIDATES : r->pixels;

    for (; !all_are_settled(r); limit *= 2) {
        for (int j = 0; j < r->n; j++)
            if (!ask_up_to(r, j, limit, err))
                return false;
        if (!flush(r, err))
            return false;
    }
    return true;
}

static int rising(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Candidates in rising order, so that the first of equals is the first pixel. */
static bool propose(struct images_run *r, int j, struct err *err)
{
    struct images_work *w = &r->work[j];
    int *candidate = images_candidates(r, j);
    bool screened = r->settings->method == SIS_SCREENED;

    w->asked = w->answered = w->proposed = 0;
    w->best = -1;
    if (screened) {
        w->proposed = r->settings->candidates < w->left ? r->settings->candidates : w->left;
        if (!score_pixels(r, j, err))
            return false;
        best_pixels(r, j, w->proposed, candidate);
        qsort(candidate, (size_t)w->proposed, sizeof *candidate, rising);
        return true;
    }
    for (int i = 0; i < r->pixels; i++)
        if (images_kept(r, j)[i])
            candidate[w->proposed++] = i;
    return true;
}

/* Removes the best candidates. One alone leads to a state whose value is known. */
static void choose(struct images_run *r, int j)
{
    struct images_work *w = &r->work[j];
    double *value = images_values(r, j), best = value[w->best];
    int n = removed_at_once(r, w), *chosen = mem_alloc((size_t)n, sizeof *chosen);

    n = n < w->proposed ? n : w->proposed;
    for (int i = 0; i < n; i++) {
        int at = w->best;
        for (int k = 0; k < w->proposed && i > 0; k++)
            at = value[k] > value[at] || (value[k] == value[at] && k < at) ? k : at;
        chosen[i] = images_candidates(r, j)[at];
        value[at] = -INFINITY;
    }
    remove_pixels(r, j, chosen, n);
    if (n == 1) {
        w->order.value[w->state] = best;
        w->valued = true;
    }
    free(chosen);
}

static bool step_by_gradient(struct images_run *r, struct err *err)
{
    if (!differentiate(r, err))
        return false;
    for (int j = 0; j < r->n; j++) {
        int n = removed_at_once(r, &r->work[j]);
        if (!score_pixels(r, j, err))
            return false;
        best_pixels(r, j, n, images_candidates(r, j));
        remove_pixels(r, j, images_candidates(r, j), n);
    }
    return true;
}

static bool step_by_evaluation(struct images_run *r, struct err *err)
{
    if (!(r->settings->method == SIS_SCREENED ? differentiate(r, err) : evaluate_states(r, true, err)))
        return false;
    for (int j = 0; j < r->n; j++)
        if (!propose(r, j, err))
            return false;
    if (!evaluate_candidates(r, err))
        return false;
    for (int j = 0; j < r->n; j++)
        choose(r, j);
    return true;
}

/* Hands over the works that are through. */
static bool finish(struct images_run *r, struct err *err)
{
    if (!evaluate_states(r, false, err))
        return false;
    for (int j = r->n - 1; j >= 0; j--) {
        struct images_work *w = &r->work[j];
        if (w->left > 0)
            continue;
        w->order.states = w->state + 1;
        r->finished++;
        bool ok = r->images->done(r->images->self, w->input, &w->order, err);
        images_leave(r, j);
        if (!ok)
            return false;
    }
    return true;
}

/* False on error and when the user stops it. */
static bool search(struct images_run *r, struct err *err)
{
    while (images_fill(r, err)) {
        if (r->n == 0)
            return true;
        bool ok = r->settings->method == SIS_GRADIENT ? step_by_gradient(r, err) : step_by_evaluation(r, err);
        if (!ok || !finish(r, err))
            return false;
    }
    return false;
}

bool sis_images_run(const struct classifier *model, const struct sis_settings *s, const struct sis_images *images,
                    struct sis_counts *counts, struct err *err)
{
    struct images_run r = { .model = model, .settings = s, .images = images, .counts = counts };

    assert(s->method == SIS_BACKSELECT || s->per_step >= 1);
    assert(s->method != SIS_SCREENED || s->candidates >= 1);
    *counts = (struct sis_counts){ 0 };
    if (images->n <= 0)
        return true;
    images_open(&r);
    bool ok = search(&r, err) || counts->stopped;
    images_close(&r);
    return ok;
}
