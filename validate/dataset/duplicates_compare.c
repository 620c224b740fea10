#include "validate/dataset/duplicates_compare.h"

#include <string.h>

#include "datasets/augment.h"

enum { SIDE = COPY_SIDE };

/* In such a picture noise is all there is to compare: standard deviation 0.02 of the range. */
static const double flat_variance = 0.02 * 0.02 * 255 * 255;

static void shrink_plane(const uint8_t *in, int h, int w, uint8_t out[SIDE][SIDE])
{
    float small[SIDE * SIDE];
    resize_plane(small, SIDE, SIDE, in, h, w, 0, 0, (float)h, (float)w);
    for (int i = 0; i < SIDE * SIDE; i++)
        out[i / SIDE][i % SIDE] = (uint8_t)(small[i] * 255 + 0.5f);
}

void copy_shrink(const struct image8 *in, struct small_copy *out)
{
    size_t plane = (size_t)in->h * (size_t)in->w;
    for (int c = 0; c < COPY_CHANNELS; c++)
        if (c < in->c)
            shrink_plane(in->pixels + (size_t)c * plane, in->h, in->w, out->pixels[c]);
        else
            memcpy(out->pixels[c], out->pixels[0], sizeof out->pixels[c]);
}

/* Sums of one channel, or over all of them sums of squares about each channel's mean. */
struct moments {
    double aa, bb, ab;
};

static void add_channel(const uint8_t a[SIDE][SIDE], const uint8_t b[SIDE][SIDE], bool mirrored, struct moments *m)
{
    int32_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0; /* 1,024 * 255^2 fits */
    const double n = SIDE * SIDE;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int p = a[y][x], q = b[y][mirrored ? SIDE - 1 - x : x];
            sum_a += p;
            sum_b += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
        }
    m->aa += aa - (double)sum_a * sum_a / n;
    m->bb += bb - (double)sum_b * sum_b / n;
    m->ab += ab - (double)sum_a * sum_b / n;
}

double copy_difference(const struct small_copy *a, const struct small_copy *b, bool mirrored)
{
    struct moments m = { 0 };
    for (int c = 0; c < COPY_CHANNELS; c++)
        add_channel(a->pixels[c], b->pixels[c], mirrored, &m);
    double least = flat_variance * SIDE * SIDE * COPY_CHANNELS;
    if (!(m.aa > least && m.bb > least && m.ab > 0))
        return 1;
    return 1 - m.ab * m.ab / (m.aa * m.bb);
}
