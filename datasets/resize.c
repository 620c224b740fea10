#include <assert.h>
#include <math.h>
#include <string.h>

#include "datasets/augment.h"

/* The triangle filter that output position `o` of `n` applies along one axis: input samples first..last, each weighted by
 * 1 - |sample - centre| / reach. Its reach grows with the shrinking factor, so that no input pixel is skipped. */
struct taps {
    float centre, inverse_reach;
    int first, last;
};

static struct taps make_taps(int o, int n, float start, float length, int samples)
{
    float scale = length / (float)n, reach = scale > 1 ? scale : 1;
    struct taps t = { .centre = start + ((float)o + 0.5f) * scale - 0.5f, .inverse_reach = 1 / reach };
    t.first = (int)ceilf(t.centre - reach);
    t.last = (int)floorf(t.centre + reach);
    t.first = t.first < 0 ? 0 : t.first < samples ? t.first : samples - 1;
    t.last = t.last < t.first ? t.first : t.last < samples ? t.last : samples - 1;
    return t;
}

static float tap_weight(const struct taps *t, int sample)
{
    float weight = 1 - fabsf((float)sample - t->centre) * t->inverse_reach;
    return weight > 0 ? weight : 0;
}

/* column[first..last] = the weighted mean of the input rows that output row t reaches. */
static void blend_rows(float *column, int first, int last, const uint8_t *in, int iw, const struct taps *t)
{
    float sum = 0;
    memset(column + first, 0, (size_t)(last - first + 1) * sizeof *column);
    for (int y = t->first; y <= t->last; y++) {
        const uint8_t *row = in + (size_t)y * (size_t)iw;
        float weight = tap_weight(t, y);
        sum += weight;
        for (int x = first; x <= last; x++)
            column[x] += weight * (float)row[x];
    }
    float scale = sum > 0 ? 1 / (sum * 255) : 0;
    for (int x = first; x <= last; x++)
        column[x] *= scale;
}

static float blend_columns(const float *column, const struct taps *t)
{
    float sum = 0, value = 0;
    for (int x = t->first; x <= t->last; x++) {
        float weight = tap_weight(t, x);
        sum += weight;
        value += weight * column[x];
    }
    return sum > 0 ? value / sum : column[t->first];
}

void resize_plane(float *out, int oh, int ow, const uint8_t *in, int ih, int iw, float y0, float x0, float rh, float rw)
{
    enum { MAX_WIDTH = 32768 };
    float column[MAX_WIDTH];
    assert(iw >= 1 && iw <= MAX_WIDTH && ih >= 1 && oh >= 1 && ow >= 1 && rh > 0 && rw > 0);
    int first = make_taps(0, ow, x0, rw, iw).first, last = make_taps(ow - 1, ow, x0, rw, iw).last;
    for (int y = 0; y < oh; y++) {
        struct taps rows = make_taps(y, oh, y0, rh, ih);
        blend_rows(column, first, last, in, iw, &rows);
        for (int x = 0; x < ow; x++) {
            struct taps columns = make_taps(x, ow, x0, rw, iw);
            out[(size_t)y * (size_t)ow + (size_t)x] = blend_columns(column, &columns);
        }
    }
}
