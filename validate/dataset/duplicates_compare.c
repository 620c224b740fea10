#include "validate/dataset/duplicates_compare.h"

#include <string.h>

#include "datasets/augment.h"

/* In such a picture noise is all there is to compare: standard deviation 0.02 of the range. */
static const double flat_variance = 0.02 * 0.02 * 255 * 255;

static void shrink_plane(const uint8_t *in, int h, int w, uint8_t *out, int to_h, int to_w)
{
    float small[COPY_SIDE * COPY_SIDE];
    resize_plane(small, to_h, to_w, in, h, w, 0, 0, (float)h, (float)w);
    for (int i = 0; i < to_h * to_w; i++)
        out[i] = (uint8_t)(small[i] * 255 + 0.5f);
}

static int clamp_side(int pixels)
{
    return pixels < COPY_SIDE_LEAST ? COPY_SIDE_LEAST : pixels > COPY_SIDE ? COPY_SIDE : pixels;
}

void copy_shrink(const struct image8 *in, struct small_copy *out)
{
    size_t plane = (size_t)in->h * (size_t)in->w;
    out->h = clamp_side(in->h);
    out->w = clamp_side(in->w);
    for (int c = 0; c < COPY_CHANNELS; c++)
        if (c < in->c)
            shrink_plane(in->pixels + (size_t)c * plane, in->h, in->w, out->pixels[c], out->h, out->w);
        else
            memcpy(out->pixels[c], out->pixels[0], sizeof out->pixels[c]);
}

/* Sums of one channel, or over all of them sums of squares about each channel's mean. */
struct moments {
    double aa, bb, ab;
};

static void add_channel(const uint8_t *a, const uint8_t *b, int h, int w, bool mirrored, struct moments *m)
{
    int32_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0; /* 1,024 * 255^2 fits */
    const double n = h * w;
    for (int y = 0; y < h; y++, a += w, b += w)
        for (int x = 0; x < w; x++) {
            int p = a[x], q = b[mirrored ? w - 1 - x : x];
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

static double difference_of_equals(const struct small_copy *a, const struct small_copy *b, bool mirrored)
{
    struct moments m = { 0 };
    for (int c = 0; c < COPY_CHANNELS; c++)
        add_channel(a->pixels[c], b->pixels[c], a->h, a->w, mirrored, &m);
    double least = flat_variance * a->h * a->w * COPY_CHANNELS;
    if (!(m.aa > least && m.bb > least && m.ab > 0))
        return 1;
    return 1 - m.ab * m.ab / (m.aa * m.bb);
}

/* `in` itself when it has that size, else scratch. */
static const struct small_copy *at_size(const struct small_copy *in, int h, int w, struct small_copy *scratch)
{
    if (in->h == h && in->w == w)
        return in;
    scratch->h = h;
    scratch->w = w;
    for (int c = 0; c < COPY_CHANNELS; c++)
        shrink_plane(in->pixels[c], in->h, in->w, scratch->pixels[c], h, w);
    return scratch;
}

double copy_difference(const struct small_copy *a, const struct small_copy *b, bool mirrored)
{
    struct small_copy small_a, small_b;
    int h = a->h < b->h ? a->h : b->h, w = a->w < b->w ? a->w : b->w;
    return difference_of_equals(at_size(a, h, w, &small_a), at_size(b, h, w, &small_b), mirrored);
}
