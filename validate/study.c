#include "validate/study.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "base/share.h"
#include "validate/selection.h"
#include "validate/study_parts.h"

int study_pixels(const struct study *s)
{
    return s->model->h * s->model->w;
}

size_t study_floats(const struct study *s)
{
    return (size_t)s->model->c * (size_t)study_pixels(s);
}

const float *study_x(const struct study *s, int row)
{
    return s->x + (size_t)row * study_floats(s);
}

double softmax_of(const float *z, int classes, int t)
{
    double most = z[0], sum = 0;

    for (int k = 1; k < classes; k++)
        most = z[k] > most ? z[k] : most;
    for (int k = 0; k < classes; k++)
        sum += exp(z[k] - most);
    return exp(z[t] - most) / sum;
}

int argmax_of(const float *z, int classes)
{
    int best = 0;

    for (int k = 1; k < classes; k++)
        best = z[k] > z[best] ? k : best;
    return best;
}

bool study_interrupted(struct err *err)
{
    err_run(err, "interrupted");
    err->status = EXIT_INTERRUPTED;
    return false;
}

/* Several ranks stop together, in a pass that they share. */
bool study_asked_to_stop(const struct study *s)
{
    return ranks_size() == 1 && s->stop && s->stop();
}

void study_tell(const struct study *s, const char *what, double done, double total)
{
    if (s->progress)
        progress_update(s->progress, what, done, total, done, total, "");
}

/* x[c,h,w] of image `image` of the split. */
static bool read_picture(const struct study *s, int64_t image, float *x, struct err *err)
{
    struct augment plain = picture_geometry(s->data);

    plain.c = s->model->c;
    plain.h = s->model->h;
    plain.w = s->model->w;
    return picture_read(s->data, s->split, image, s->geometry ? s->geometry : &plain, s->view, NULL, x, err);
}

/* --- predictions -------------------------------------------------------------------------------------------------- */

/* What a batch of logits is for. */
struct listener {
    bool (*fill)(void *self, int64_t i, float *x, struct err *err);
    void (*hear)(void *self, int64_t i, const float *z);
    void *self;
    /* What it makes of them, items of number 0..n-1: then the ranks of a job share the work. Without, all do it all. */
    struct made {
        void *array;
        size_t size; /* of an item */
    } made[4];
};

/* A rank's blocks of this many batches, at most, cost little to hand out. */
enum { SHARED_BATCHES = 4 };

/* An answer that is not a number would compare as "not sure", which a check may take for a good sign. */
static bool finite_logits(const float *z, size_t n, const char *what, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(z[i]))
            return err_run(err, "%s: the model answers with a logit of %g; its weights are damaged", what,
                           (double)z[i]);
    return true;
}

/* Room for one batch. */
struct rows {
    float *x, *z;
};

static bool predict_batch(const struct study *s, const char *what, int64_t first, int n, const struct listener *l,
                          struct rows *rows, struct err *err)
{
    const struct classifier *m = s->model;
    size_t floats = study_floats(s), classes = (size_t)m->classes;
    bool ok = true;

    for (int i = 0; ok && i < n; i++)
        ok = l->fill(l->self, first + i, rows->x + (size_t)i * floats, err);
    ok = ok && m->logits(m->self, rows->x, n, rows->z, err) && finite_logits(rows->z, (size_t)n * classes, what, err);
    for (int i = 0; ok && i < n; i++)
        l->hear(l->self, first + i, rows->z + (size_t)i * classes);
    return ok;
}

static bool predict_alone(const struct study *s, const char *what, int64_t n, const struct listener *l,
                          struct rows *rows, struct err *err)
{
    bool ok = true;

    for (int64_t at = 0; ok && at < n; at += s->model->batch) {
        int now = n - at < s->model->batch ? (int)(n - at) : s->model->batch;
        ok = (!study_asked_to_stop(s) || study_interrupted(err)) && predict_batch(s, what, at, now, l, rows, err);
        study_tell(s, what, (double)(at + now), (double)n);
    }
    return ok;
}

static bool predict_block(const struct study *s, const char *what, int64_t first, int64_t count,
                          const struct listener *l, struct rows *rows, struct share *share, struct err *err)
{
    bool ok = true;

    for (int64_t at = 0; ok && at < count && !share_stopped(share); at += s->model->batch) {
        int now = count - at < s->model->batch ? (int)(count - at) : s->model->batch;
        ok = predict_batch(s, what, first + at, now, l, rows, err);
        share_done(share, now);
        study_tell(s, what, (double)share_all_done(share), (double)share->n);
    }
    return ok;
}

static bool predict_shared(const struct study *s, const char *what, int64_t n, const struct listener *l,
                           struct rows *rows, struct err *err)
{
    struct share share;
    int64_t first, count;
    bool ok = true;

    share_begin(&share, n, SHARED_BATCHES * (int64_t)s->model->batch, s->stop);
    while (ok && share_next(&share, &first, &count))
        ok = predict_block(s, what, first, count, l, rows, &share, err);
    ok = share_end(&share, ok, err);
    for (int k = 0; ok && k < (int)(sizeof l->made / sizeof *l->made) && l->made[k].array; k++)
        share_exchange(&share, l->made[k].array, l->made[k].size);
    share_free(&share);
    return ok;
}

static bool predict(const struct study *s, const char *what, int64_t n, const struct listener *l, struct err *err)
{
    const struct classifier *m = s->model;
    size_t floats = (size_t)m->batch * study_floats(s);
    struct rows rows = { mem_big(floats, sizeof(float)),
                         mem_alloc((size_t)m->batch * (size_t)m->classes, sizeof(float)) };
    bool ok = (l->made[0].array ? predict_shared : predict_alone)(s, what, n, l, &rows, err);

    mem_big_free(rows.x, floats, sizeof(float));
    free(rows.z);
    return ok;
}

struct made_up {
    void (*make)(void *self, int64_t i, float *x);
    void *self;
    float *z;
    int classes;
};

static bool fill_made_up(void *self, int64_t i, float *x, struct err *err)
{
    struct made_up *m = self;

    (void)err;
    m->make(m->self, i, x);
    return true;
}

static void keep_logits(void *self, int64_t i, const float *z)
{
    struct made_up *m = self;

    memcpy(m->z + (size_t)i * (size_t)m->classes, z, (size_t)m->classes * sizeof *z);
}

bool study_logits(struct study *s, const char *what, int64_t n, void (*make)(void *self, int64_t i, float *x),
                  void *self, float *z, struct err *err)
{
    struct made_up made_up = { make, self, z, s->model->classes };
    struct listener l = { fill_made_up, keep_logits, &made_up, { { z, (size_t)s->model->classes * sizeof *z } } };

    return predict(s, what, n, &l, err);
}

/* --- answers on whole pictures ------------------------------------------------------------------------------------ */

struct questioning {
    const struct study *study;
    struct answers *answers;
};

static bool fill_picture(void *self, int64_t i, float *x, struct err *err)
{
    struct questioning *q = self;

    return read_picture(q->study, q->answers->image[i], x, err);
}

/* Sum over classes of (p - [class = label])^2 (Brier 1950), in one pass. */
static double brier_of(const float *z, int classes, int label)
{
    double most = z[argmax_of(z, classes)], sum = 0, squares = 0;

    for (int k = 0; k < classes; k++) {
        double e = exp(z[k] - most);
        sum += e;
        squares += e * e;
    }
    return squares / (sum * sum) - 2 * exp(z[label] - most) / sum + 1;
}

static void keep_answer(void *self, int64_t i, const float *z)
{
    struct questioning *q = self;
    struct answers *a = q->answers;
    int classes = q->study->model->classes;

    a->predicted[i] = argmax_of(z, classes);
    a->confidence[i] = (float)softmax_of(z, classes, a->predicted[i]);
    a->truth[i] = (float)softmax_of(z, classes, a->label[i]);
    a->brier[i] = (float)brier_of(z, classes, a->label[i]);
}

static void list_pictures(const struct study *s, struct answers *a)
{
    int64_t count = s->data->count[s->split];
    uint32_t *order = selection_order(s->data->count[s->split], s->seed);

    a->n = s->whole < count ? s->whole : count;
    a->image = mem_alloc((size_t)a->n, sizeof *a->image);
    a->label = mem_alloc((size_t)a->n, sizeof *a->label);
    for (int64_t i = 0; i < a->n; i++) {
        a->image[i] = a->n < count ? order[i] : i;
        a->label[i] = s->data->label(s->data, s->split, a->image[i]);
    }
    free(order);
}

const struct answers *study_answers(struct study *s, struct err *err)
{
    struct answers *a = &s->memory->answers;
    struct questioning q = { s, a };

    if (s->memory->answered)
        return a;
    if (!a->image)
        list_pictures(s, a);
    size_t n = (size_t)a->n;
    if (!a->predicted) {
        a->predicted = mem_alloc(n, sizeof *a->predicted);
        a->confidence = mem_alloc(n, sizeof *a->confidence);
        a->truth = mem_alloc(n, sizeof *a->truth);
        a->brier = mem_alloc(n, sizeof *a->brier);
    }
    struct listener l = { fill_picture,
                          keep_answer,
                          &q,
                          { { a->predicted, sizeof *a->predicted },
                            { a->confidence, sizeof *a->confidence },
                            { a->truth, sizeof *a->truth },
                            { a->brier, sizeof *a->brier } } };
    s->memory->answered = predict(s, "whole pictures", a->n, &l, err);
    return s->memory->answered ? a : NULL;
}

static void answers_free(struct answers *a)
{
    free(a->image);
    free(a->label);
    free(a->predicted);
    free(a->confidence);
    free(a->truth);
    free(a->brier);
}

/* --- the sample --------------------------------------------------------------------------------------------------- */

static int draw_wrong_class(const struct study *s, int64_t image, int label, int predicted)
{
    struct rng r = rng_stream(s->seed, RNG_SAMPLE, 1, (uint32_t)image);
    int classes = s->model->classes, t;

    assert(classes >= 2);
    do {
        t = (int)rng_below(&r, (uint32_t)classes);
    } while (t == predicted || (t == label && classes > 2));
    return t;
}

static bool fill_sample(void *self, int64_t i, float *x, struct err *err)
{
    struct study *s = self;
    float *own = s->x + (size_t)i * study_floats(s);

    if (!read_picture(s, s->image[i], own, err))
        return false;
    memcpy(x, own, study_floats(s) * sizeof *x);
    return true;
}

static void keep_sample(void *self, int64_t i, const float *z)
{
    struct study *s = self;
    int classes = s->model->classes;

    s->predicted[i] = argmax_of(z, classes);
    s->confidence[i] = (float)softmax_of(z, classes, s->predicted[i]);
    s->label[i] = s->data->label(s->data, s->split, s->image[i]);
    s->wrong[i] = draw_wrong_class(s, s->image[i], s->label[i], s->predicted[i]);
}

bool study_open(struct study *s, int64_t n_sample, struct err *err)
{
    int64_t count = s->data->count[s->split];
    struct listener l = { .fill = fill_sample, .hear = keep_sample, .self = s };
    size_t n = (size_t)(n_sample < count ? n_sample : count);
    uint32_t *order;

    s->memory = mem_alloc(1, sizeof *s->memory);
    s->n = (int)n;
    s->image = mem_alloc(n, sizeof *s->image);
    s->x = mem_big(n * study_floats(s), sizeof *s->x);
    s->label = mem_alloc(n, sizeof *s->label);
    s->predicted = mem_alloc(n, sizeof *s->predicted);
    s->wrong = mem_alloc(n, sizeof *s->wrong);
    s->confidence = mem_alloc(n, sizeof *s->confidence);
    order = selection_order(s->data->count[s->split], s->seed);
    for (size_t i = 0; i < n; i++)
        s->image[i] = order[i];
    free(order);
    if (predict(s, "the sample", s->n, &l, err))
        return true;
    study_close(s);
    return false;
}

void study_close(struct study *s)
{
    study_forget_searches(s->memory);
    answers_free(&s->memory->answers);
    free(s->memory);
    free(s->image);
    mem_big_free(s->x, (size_t)s->n * study_floats(s), sizeof *s->x);
    free(s->label);
    free(s->predicted);
    free(s->wrong);
    free(s->confidence);
}
