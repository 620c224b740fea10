#include "validate/sis/images.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* One image in work. Its pixels are row j of the arrays of struct run, j being its place among the works. */
struct work {
    int64_t input;
    int left;               /* pixels that are not removed yet */
    int state;              /* the state `current` is in */
    bool valued;            /* whether the value of that state is known */
    struct sis_order order; /* up to that state */
    /* The candidates of this step: how many are proposed, in a call, and answered; the best answer, -1: none yet. */
    int proposed, asked, answered, best;
};

struct run {
    const struct classifier *model;
    const struct sis_settings *settings;
    const struct sis_images *images;
    struct sis_counts *counts;
    int64_t next, finished; /* inputs read, inputs done */
    int pixels;
    size_t floats; /* of one image */
    int capacity, n;
    struct work *work;                 /* [capacity], n in work */
    float *x, *baseline, *current, *g; /* [capacity][floats] */
    uint8_t *kept;                     /* [capacity][pixels] */
    int *candidate;                    /* [capacity][pixels] pixels, rising */
    double *value;                     /* [capacity][pixels] of the image without that candidate */
    float *score;                      /* [pixels] */
    int *target;                       /* [capacity] */
    float *z;                          /* [max(capacity, batch)][K] */
    /* The call of `logits` that is being gathered. */
    int rows;
    float *row;             /* [batch][floats] */
    int *row_work, *row_at; /* [batch] work and candidate that a row is of; STATE: the work as it is */
};

enum {
    STATE = -1,
    /* Exact search fills its batches from one image; a few more keep them full when few candidates are left. */
    EXACT_IMAGES = 4,
    /* A wave of images is what an interruption loses. */
    SCREENED_IMAGES = 32,
    /* Probability ranking stops at the first candidate with p = 1, which is often among the first. */
    FIRST_CANDIDATES = 16
};

static int capacity_of(const struct run *r)
{
    int method = r->settings->method, batch = r->model->batch;
    int most = method == SIS_BACKSELECT                            ? EXACT_IMAGES
               : method == SIS_SCREENED && batch > SCREENED_IMAGES ? SCREENED_IMAGES
                                                                   : batch;

    return r->images->n < most ? (int)r->images->n : most;
}

static void run_open(struct run *r)
{
    const struct classifier *m = r->model;

    r->pixels = m->h * m->w;
    r->floats = (size_t)m->c * (size_t)r->pixels;
    r->capacity = capacity_of(r);
    size_t n = (size_t)r->capacity, batch = (size_t)m->batch, pixels = (size_t)r->pixels;
    r->work = mem_alloc(n, sizeof *r->work);
    r->x = mem_big(n * r->floats, sizeof(float));
    r->baseline = mem_big(n * r->floats, sizeof(float));
    r->current = mem_big(n * r->floats, sizeof(float));
    r->g = mem_big(n * r->floats, sizeof(float));
    r->kept = mem_alloc(n, pixels);
    r->candidate = mem_alloc(n * pixels, sizeof(int));
    r->value = mem_alloc(n * pixels, sizeof(double));
    r->score = mem_alloc(pixels, sizeof(float));
    r->target = mem_alloc(n, sizeof(int));
    r->z = mem_alloc((n > batch ? n : batch) * (size_t)m->classes, sizeof(float));
    r->row = mem_big(batch * r->floats, sizeof(float));
    r->row_work = mem_alloc(batch, sizeof(int));
    r->row_at = mem_alloc(batch, sizeof(int));
}

static void run_close(struct run *r)
{
    size_t images = (size_t)r->capacity * r->floats;

    for (int j = 0; j < r->n; j++)
        sis_order_free(&r->work[j].order);
    free(r->work);
    mem_big_free(r->x, images, sizeof(float));
    mem_big_free(r->baseline, images, sizeof(float));
    mem_big_free(r->current, images, sizeof(float));
    mem_big_free(r->g, images, sizeof(float));
    free(r->kept);
    free(r->candidate);
    free(r->value);
    free(r->score);
    free(r->target);
    free(r->z);
    mem_big_free(r->row, (size_t)r->model->batch * r->floats, sizeof(float));
    free(r->row_work);
    free(r->row_at);
}

static uint8_t *kept_of(const struct run *r, int j)
{
    return r->kept + (size_t)j * (size_t)r->pixels;
}

static int *candidates_of(const struct run *r, int j)
{
    return r->candidate + (size_t)j * (size_t)r->pixels;
}

static double *values_of(const struct run *r, int j)
{
    return r->value + (size_t)j * (size_t)r->pixels;
}

/* Pixel i of an image becomes that of its baseline. */
static void mask_pixel(const struct run *r, int j, int i, float *image)
{
    const float *baseline = r->baseline + (size_t)j * r->floats;

    for (size_t at = (size_t)i; at < r->floats; at += (size_t)r->pixels)
        image[at] = baseline[at];
}

/* Pixels that a step removes of those that are left. The screened search takes several at once while many are left,
 * per_step at the start and one in the last part: what goes early matters less than what stays (docs/performance.md).
 */
static int removed_at_once(const struct run *r, const struct work *w)
{
    int k = r->settings->method == SIS_BACKSELECT ? 1 : r->settings->per_step;

    if (r->settings->method == SIS_SCREENED)
        k = (int)(((int64_t)k * w->left + w->order.features - 1) / w->order.features);
    return k < w->left ? k : w->left;
}

static int states_of(const struct run *r, int features)
{
    int k = r->settings->method == SIS_GRADIENT ? r->settings->per_step : 1;

    return (features + k - 1) / k + 1;
}

/* The value of logits z for work j. */
static bool value_of(const struct run *r, int j, const float *z, double *value, struct err *err)
{
    *value = sis_value(r->settings->rank, z, r->model->classes, r->target[j]);
    return isfinite(*value) || err_run(err, "the model's answer to a masked image is not a number; check its weights");
}

/* Reads the next input into place j. */
static bool begin(struct run *r, int j, struct err *err)
{
    struct work *w = &r->work[j];
    float *x = r->x + (size_t)j * r->floats, *baseline = r->baseline + (size_t)j * r->floats;
    struct sis_input input = { .x = x, .baseline = baseline, .start = kept_of(r, j) };
    int features = 0;

    memset(input.start, 1, (size_t)r->pixels);
    *w = (struct work){ .input = r->next };
    if (!r->images->read(r->images->self, r->next++, &input, err))
        return false;
    assert(input.target >= 0 && input.target < r->model->classes);
    for (int i = 0; i < r->pixels; i++)
        features += input.start[i] != 0;
    if (features == 0)
        return err_usage(err, "no pixel is left to mask; start with at least one");
    r->target[j] = input.target;
    sis_apply(x, baseline, input.start, r->model->c, r->pixels, r->current + (size_t)j * r->floats);
    size_t states = (size_t)states_of(r, features);
    w->left = features;
    w->order = (struct sis_order){ .features = features,
                                   .order = mem_alloc((size_t)features, sizeof(uint32_t)),
                                   .removed = mem_alloc(states, sizeof(uint32_t)),
                                   .value = mem_alloc(states, sizeof(double)) };
    return true;
}

static bool fill(struct run *r, struct err *err)
{
    for (; r->n < r->capacity && r->next < r->images->n; r->n++)
        if (!begin(r, r->n, err))
            return false;
    return true;
}

/* Place j is free: the last work moves there, so that rows 0..n-1 stay one batch. */
static void leave(struct run *r, int j)
{
    int last = --r->n;

    sis_order_free(&r->work[j].order);
    if (j == last)
        return;
    r->work[j] = r->work[last];
    r->work[last] = (struct work){ 0 };
    r->target[j] = r->target[last];
    memcpy(r->x + (size_t)j * r->floats, r->x + (size_t)last * r->floats, r->floats * sizeof(float));
    memcpy(r->baseline + (size_t)j * r->floats, r->baseline + (size_t)last * r->floats, r->floats * sizeof(float));
    memcpy(r->current + (size_t)j * r->floats, r->current + (size_t)last * r->floats, r->floats * sizeof(float));
    memcpy(kept_of(r, j), kept_of(r, last), (size_t)r->pixels);
}

/* Between calls of the model: what is known is told, and the user may stop. */
static bool go_on(struct run *r)
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
static void remove_pixels(struct run *r, int j, const int *chosen, int n)
{
    struct work *w = &r->work[j];

    for (int i = 0; i < n; i++) {
        w->order.order[w->order.features - w->left + i] = (uint32_t)chosen[i];
        kept_of(r, j)[chosen[i]] = 0;
        mask_pixel(r, j, chosen[i], r->current + (size_t)j * r->floats);
    }
    w->left -= n;
    w->valued = false;
    w->order.removed[++w->state] = (uint32_t)(w->order.features - w->left);
}

/* To first order, what masking a pixel adds to the scalar: the sum over channels of (baseline - x) * gradient. */
static bool score_pixels(const struct run *r, int j, struct err *err)
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
static void best_pixels(const struct run *r, int j, int n, int *best)
{
    const uint8_t *kept = kept_of(r, j);
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
static bool differentiate(struct run *r, struct err *err)
{
    const struct classifier *m = r->model;
    enum scalar scalar = r->settings->rank == SIS_MARGIN ? SCALAR_MARGIN : SCALAR_PROBABILITY;

    if (!m->gradient(m->self, r->current, r->n, scalar, r->target, r->g, r->z, err))
        return false;
    r->counts->gradients += r->n;
    for (int j = 0; j < r->n; j++) {
        struct work *w = &r->work[j];
        if (!w->valued && !value_of(r, j, r->z + (size_t)j * (size_t)m->classes, &w->order.value[w->state], err))
            return false;
        w->valued = true;
    }
    return go_on(r);
}

/* The call of `logits` that was gathered; every answer goes where it belongs. */
static bool flush(struct run *r, struct err *err)
{
    const struct classifier *m = r->model;

    if (r->rows > 0 && !m->logits(m->self, r->row, r->rows, r->z, err))
        return false;
    r->counts->evaluations += r->rows;
    for (int i = 0; i < r->rows; i++) {
        int j = r->row_work[i], at = r->row_at[i];
        struct work *w = &r->work[j];
        double *value = at == STATE ? &w->order.value[w->state] : values_of(r, j) + at;
        if (!value_of(r, j, r->z + (size_t)i * (size_t)m->classes, value, err))
            return false;
        if (at == STATE) {
            w->valued = true;
        } else {
            w->answered = at + 1;
            w->best = w->best < 0 || *value > values_of(r, j)[w->best] ? at : w->best;
        }
    }
    r->rows = 0;
    return go_on(r);
}

/* Adds work j without its candidate `at` (STATE: as it is) to the call. */
static bool ask(struct run *r, int j, int at, struct err *err)
{
    float *row = r->row + (size_t)r->rows * r->floats;

    memcpy(row, r->current + (size_t)j * r->floats, r->floats * sizeof(float));
    if (at != STATE)
        mask_pixel(r, j, candidates_of(r, j)[at], row);
    r->row_work[r->rows] = j;
    r->row_at[r->rows++] = at;
    return r->rows < r->model->batch || flush(r, err);
}

/* Values of the states that no step has measured: the whole image in an exact search, the wholly masked one in others.
 */
static bool evaluate_states(struct run *r, bool whole, struct err *err)
{
    for (int j = 0; j < r->n; j++)
        if (!r->work[j].valued && (whole || r->work[j].left == 0) && !ask(r, j, STATE, err))
            return false;
    return flush(r, err);
}

/* Whether the best candidate is known: all are answered, or one has probability 1 and so is the first of equals. */
static bool is_settled(const struct run *r, int j)
{
    const struct work *w = &r->work[j];
    bool bounded = r->settings->rank == SIS_PROBABILITY && removed_at_once(r, w) == 1;

    return w->answered == w->proposed || (bounded && w->best >= 0 && values_of(r, j)[w->best] >= 1);
}

static bool all_are_settled(const struct run *r)
{
    for (int j = 0; j < r->n; j++)
        if (!is_settled(r, j))
            return false;
    return true;
}

static bool ask_up_to(struct run *r, int j, int limit, struct err *err)
{
    struct work *w = &r->work[j];

    while (!is_settled(r, j) && w->asked < w->proposed && w->asked < limit)
        if (!ask(r, j, w->asked++, err))
            return false;
    return true;
}

static bool evaluate_candidates(struct run *r, struct err *err)
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
static bool propose(struct run *r, int j, struct err *err)
{
    struct work *w = &r->work[j];
    int *candidate = candidates_of(r, j);
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
        if (kept_of(r, j)[i])
            candidate[w->proposed++] = i;
    return true;
}

/* Removes the best candidates. One alone leads to a state whose value is known. */
static void choose(struct run *r, int j)
{
    struct work *w = &r->work[j];
    double *value = values_of(r, j), best = value[w->best];
    int n = removed_at_once(r, w), *chosen = mem_alloc((size_t)n, sizeof *chosen);

    n = n < w->proposed ? n : w->proposed;
    for (int i = 0; i < n; i++) {
        int at = w->best;
        for (int k = 0; k < w->proposed && i > 0; k++)
            at = value[k] > value[at] || (value[k] == value[at] && k < at) ? k : at;
        chosen[i] = candidates_of(r, j)[at];
        value[at] = -INFINITY;
    }
    remove_pixels(r, j, chosen, n);
    if (n == 1) {
        w->order.value[w->state] = best;
        w->valued = true;
    }
    free(chosen);
}

static bool step_by_gradient(struct run *r, struct err *err)
{
    if (!differentiate(r, err))
        return false;
    for (int j = 0; j < r->n; j++) {
        int n = removed_at_once(r, &r->work[j]);
        if (!score_pixels(r, j, err))
            return false;
        best_pixels(r, j, n, candidates_of(r, j));
        remove_pixels(r, j, candidates_of(r, j), n);
    }
    return true;
}

static bool step_by_evaluation(struct run *r, struct err *err)
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
static bool finish(struct run *r, struct err *err)
{
    if (!evaluate_states(r, false, err))
        return false;
    for (int j = r->n - 1; j >= 0; j--) {
        struct work *w = &r->work[j];
        if (w->left > 0)
            continue;
        w->order.states = w->state + 1;
        r->finished++;
        bool ok = r->images->done(r->images->self, w->input, &w->order, err);
        leave(r, j);
        if (!ok)
            return false;
    }
    return true;
}

/* False on error and when the user stops it. */
static bool search(struct run *r, struct err *err)
{
    while (fill(r, err)) {
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
    struct run r = { .model = model, .settings = s, .images = images, .counts = counts };

    assert(s->method == SIS_BACKSELECT || s->per_step >= 1);
    assert(s->method != SIS_SCREENED || s->candidates >= 1);
    *counts = (struct sis_counts){ 0 };
    if (images->n <= 0)
        return true;
    run_open(&r);
    bool ok = search(&r, err) || counts->stopped;
    run_close(&r);
    return ok;
}
