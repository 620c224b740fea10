#include <assert.h>
#include <math.h>
#include <string.h>

#include "datasets/augment.h"

/* The triangle filter that output position `o` of `n` applies along one axis: input samples first..last, each weighted
 * by 1 - |sample - centre| / reach. Its reach grows with the shrinking factor, so that no input pixel is skipped. */
struct taps {
    float centre, inverse_reach, inverse_sum; /* of the weights */
    int first, last;
};

static float tap_weight(const struct taps *t, int sample)
{
    float weight = 1 - fabsf((float)sample - t->centre) * t->inverse_reach;
    return weight > 0 ? weight : 0;
}

static struct taps make_taps(int o, int n, float start, float length, int samples)
{
    float scale = length / (float)n, reach = scale > 1 ? scale : 1;
    struct taps t = { .centre = start + ((float)o + 0.5f) * scale - 0.5f, .inverse_reach = 1 / reach };
    t.first = (int)ceilf(t.centre - reach);
    t.last = (int)floorf(t.centre + reach);
    t.first = t.first < 0 ? 0 : t.first < samples ? t.first : samples - 1;
    t.last = t.last < t.first ? t.first : t.last < samples ? t.last : samples - 1;
    float sum = 0;
    for (int i = t.first; i <= t.last; i++)
        sum += tap_weight(&t, i);
    if (sum > 0)
        t.inverse_sum = 1 / sum;
    else /* the whole filter lies outside: the nearest sample */
        t = (struct taps){
            .centre = (float)t.first, .inverse_reach = 1, .inverse_sum = 1, .first = t.first, .last = t.first
        };
    return t;
}

/* column[first..last] = the weighted mean of the input rows that output row t reaches, 0..1. */
static void blend_rows(float *column, int first, int last, const uint8_t *in, int iw, const struct taps *t)
{
    memset(column + first, 0, (size_t)(last - first + 1) * sizeof *column);
    for (int y = t->first; y <= t->last; y++) {
        const uint8_t *row = in + (size_t)y * (size_t)iw;
        float weight = tap_weight(t, y) * t->inverse_sum / 255;
        for (int x = first; x <= last; x++)
            column[x] += weight * (float)row[x];
    }
}

static float blend_columns(const float *column, const struct taps *t)
{
    float value = 0;
    for (int x = t->first; x <= t->last; x++)
        value += tap_weight(t, x) * column[x];
    return value * t->inverse_sum;
}

void resize_plane(float *out, int oh, int ow, const uint8_t *in, int ih, int iw, float y0, float x0, float rh, float rw)
{
    enum { MAX_INPUT = 32768, MAX_OUTPUT = 4096 };
    float column[MAX_INPUT];
    struct taps columns[MAX_OUTPUT];
    assert(iw >= 1 && iw <= MAX_INPUT && ih >= 1 && oh >= 1 && ow >= 1 && ow <= MAX_OUTPUT && rh > 0 && rw > 0);
    for (int x = 0; x < ow; x++)
        columns[x] = make_taps(x, ow, x0, rw, iw);
    for (int y = 0; y < oh; y++) {
        struct taps rows = make_taps(y, oh, y0, rh, ih);
        blend_rows(column, columns[0].first, columns[ow - 1].last, in, iw, &rows);
        for (int x = 0; x < ow; x++)
            out[(size_t)y * (size_t)ow + (size_t)x] = blend_columns(column, &columns[x]);
    }
}
