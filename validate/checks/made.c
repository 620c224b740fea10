#include "validate/checks/made.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/region.h"

/* to[c,k] = from[c, source[k]] for the m pixels place[k] of each channel. */
static void move_pixels(const struct study *s, const uint32_t *place, const uint32_t *source, int m, const float *from,
                        float *to)
{
    size_t pixels = (size_t)study_pixels(s);
    for (size_t c = 0; c < (size_t)s->model->c; c++)
        for (int k = 0; k < m; k++)
            to[c * pixels + place[k]] = from[c * pixels + source[k]];
}

void made_best(const struct probe *p, int i, int m, float *x)
{
    uint8_t *mask = mem_alloc((size_t)study_pixels(p->study), 1);
    probe_ranked(p, i, m, mask);
    probe_show(p, i, mask, x);
    free(mask);
}

void made_painted(const struct probe *p, int i, int m, float colour, float *x)
{
    size_t pixels = (size_t)study_pixels(p->study);
    uint8_t *mask = mem_alloc(pixels, 1);
    probe_ranked(p, i, m, mask);
    probe_show(p, i, mask, x);
    for (size_t k = 0; k < study_floats(p->study); k++)
        if (mask[k % pixels])
            x[k] = colour;
    free(mask);
}

void made_shuffled(const struct probe *p, int i, int m, float *x)
{
    const struct study *s = p->study;
    int pixels = study_pixels(s), at = 0;
    uint32_t *place = mem_alloc((size_t)m, sizeof *place), *order = mem_alloc((size_t)m, sizeof *order);
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    float *before = mem_alloc(study_floats(s), sizeof *before);
    struct rng r = probe_stream(p, i, DRAW_COLOURS);

    probe_ranked(p, i, m, mask);
    probe_show(p, i, mask, x);
    for (int k = 0; k < pixels; k++)
        if (mask[k])
            place[at++] = (uint32_t)k;
    rng_permutation(&r, (uint32_t)m, order);
    for (int k = 0; k < m; k++)
        order[k] = place[order[k]];
    memcpy(before, x, study_floats(s) * sizeof *x);
    move_pixels(s, place, order, m, before, x);
    free(before);
    free(mask);
    free(order);
    free(place);
}

void made_neighbours(const struct probe *p, int i, uint8_t *mask)
{
    const struct classifier *model = p->study->model;
    uint8_t *part = mem_alloc((size_t)study_pixels(p->study), 1);
    probe_ranked(p, i, probe_size(p, i, p->policy->threshold), part);
    region_dilate(part, model->h, model->w, mask);
    free(part);
}

/* All pixels of the picture in random order. */
static void scramble(const struct study *s, int row, float *x)
{
    uint32_t pixels = (uint32_t)study_pixels(s);
    uint32_t *place = mem_alloc(pixels, sizeof *place), *order = mem_alloc(pixels, sizeof *order);
    struct rng rng = rng_stream(s->seed, RNG_CHECK | RUBBISH_SHUFFLED << 8, 0, (uint32_t)s->image[row]);
    rng_permutation(&rng, pixels, order);
    for (uint32_t k = 0; k < pixels; k++)
        place[k] = k;
    move_pixels(s, place, order, (int)pixels, study_x(s, row), x);
    free(order);
    free(place);
}

void made_rubbish(const struct study *s, enum made_rubbish kind, int row, float *x)
{
    static const enum baseline baseline[RUBBISH_KINDS] = { [RUBBISH_NOISE] = BASELINE_NOISE,
                                                           [RUBBISH_OWN_MEAN] = BASELINE_IMAGE_MEAN,
                                                           [RUBBISH_SET_MEAN] = BASELINE_MEAN,
                                                           [RUBBISH_BLACK] = BASELINE_BLACK };
    const struct classifier *m = s->model;
    if (kind == RUBBISH_SHUFFLED)
        scramble(s, row, x);
    else
        baseline_fill(baseline[kind], study_x(s, row), m->c, m->h, m->w, s->data->mean, s->seed, s->image[row], x);
}
