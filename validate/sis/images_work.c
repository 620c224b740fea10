#include "validate/sis/images_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum {
    /* Exact search fills its batches from one image; a few more keep them full when few candidates are left. */
    EXACT_IMAGES = 4,
    /* A wave of images is what an interruption loses. */
    SCREENED_IMAGES = 32
};

static int capacity_of(const struct images_run *r)
{
    int method = r->settings->method, batch = r->model->batch;
    int most = method == SIS_BACKSELECT                            ? EXACT_IMAGES
               : method == SIS_SCREENED && batch > SCREENED_IMAGES ? SCREENED_IMAGES
                                                                   : batch;

    return r->images->n < most ? (int)r->images->n : most;
}

void images_open(struct images_run *r)
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

void images_close(struct images_run *r)
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

uint8_t *images_kept(const struct images_run *r, int j)
{
    return r->kept + (size_t)j * (size_t)r->pixels;
}

int *images_candidates(const struct images_run *r, int j)
{
    return r->candidate + (size_t)j * (size_t)r->pixels;
}

double *images_values(const struct images_run *r, int j)
{
    return r->value + (size_t)j * (size_t)r->pixels;
}

void images_mask_pixel(const struct images_run *r, int j, int i, float *image)
{
    const float *baseline = r->baseline + (size_t)j * r->floats;

    for (size_t at = (size_t)i; at < r->floats; at += (size_t)r->pixels)
        image[at] = baseline[at];
}

static int states_of(const struct images_run *r, int features)
{
    int k = r->settings->method == SIS_GRADIENT ? r->settings->per_step : 1;

    return (features + k - 1) / k + 1;
}

/* Reads the next input into place j. */
static bool begin(struct images_run *r, int j, struct err *err)
{
    struct images_work *w = &r->work[j];
    float *x = r->x + (size_t)j * r->floats, *baseline = r->baseline + (size_t)j * r->floats;
    struct sis_input input = { .x = x, .baseline = baseline, .start = images_kept(r, j) };
    int features = 0;

    memset(input.start, 1, (size_t)r->pixels);
    *w = (struct images_work){ .input = r->next };
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

bool images_fill(struct images_run *r, struct err *err)
{
    for (; r->n < r->capacity && r->next < r->images->n; r->n++)
        if (!begin(r, r->n, err))
            return false;
    return true;
}

void images_leave(struct images_run *r, int j)
{
    int last = --r->n;

    sis_order_free(&r->work[j].order);
    if (j == last)
        return;
    r->work[j] = r->work[last];
    r->work[last] = (struct images_work){ 0 };
    r->target[j] = r->target[last];
    memcpy(r->x + (size_t)j * r->floats, r->x + (size_t)last * r->floats, r->floats * sizeof(float));
    memcpy(r->baseline + (size_t)j * r->floats, r->baseline + (size_t)last * r->floats, r->floats * sizeof(float));
    memcpy(r->current + (size_t)j * r->floats, r->current + (size_t)last * r->floats, r->floats * sizeof(float));
    memcpy(images_kept(r, j), images_kept(r, last), (size_t)r->pixels);
}
