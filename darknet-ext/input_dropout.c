#include "darknet-ext/input_dropout.h"

#include <math.h>
#include <stddef.h>
#include "base/rng.h"

enum { DRAW_PLACES, DRAW_NOISE }; /* sub-streams */

static struct rng stream(const struct input_draw *d, uint32_t what)
{
    return rng_stream(d->seed, RNG_INPUT_DROPOUT | what << 8, d->epoch, d->image);
}

float input_dropout_probability(const struct layer_cfg *l, int epochs, int epoch)
{
    float span = l->ramp > 0 ? l->ramp : (float)(epochs - 1);
    if (l->schedule == DROPOUT_CONSTANT || (float)epoch >= span)
        return l->probability;
    return l->probability * (float)epoch / span;
}

static void draw_pixels(struct rng *r, float probability, float kept, int pixels, float *keep)
{
    for (int i = 0; i < pixels; i++)
        keep[i] = rng_unit(r) < probability ? 0 : kept;
}

/* The part of a square of n pixels at (y, x) that lies in the image. */
static void drop_square(float *keep, int h, int w, int y, int x, int n)
{
    int top = y < 0 ? 0 : y, left = x < 0 ? 0 : x;
    int bottom = y + n > h ? h : y + n, right = x + n > w ? w : x + n;
    for (int j = top; j < bottom; j++)
        for (int i = left; i < right; i++)
            keep[(size_t)j * w + i] = 0;
}

static void draw_patches(struct rng *r, float probability, int n, int h, int w, float *keep)
{
    for (int y = 0; y < h; y += n)
        for (int x = 0; x < w; x += n)
            if (rng_unit(r) < probability)
                drop_square(keep, h, w, y, x, n);
}

/* A square may begin at every place from which it reaches the image, so n*n of them cover each pixel, and it is kept
 * with (1 - start)^(n*n) = 1 - probability. */
static void draw_blocks(struct rng *r, float probability, int n, int h, int w, float *keep)
{
    double start = -expm1(log1p(-(double)probability) / ((double)n * n));
    uint32_t below = (uint32_t)(start * 0x1p32);
    for (int y = 1 - n; y < h; y++)
        for (int x = 1 - n; x < w; x++)
            if (rng_u32(r) < below)
                drop_square(keep, h, w, y, x, n);
}

void input_dropout_draw(const struct layer_cfg *l, const struct input_draw *d, int h, int w, float *keep)
{
    struct rng r = stream(d, DRAW_PLACES);
    float kept = l->rescale ? 1.0f / (1.0f - d->probability) : 1.0f;
    if (l->block == 1 && l->patch == 1) {
        draw_pixels(&r, d->probability, kept, h * w, keep);
        return;
    }
    for (int i = 0; i < h * w; i++)
        keep[i] = kept;
    if (l->block > 1)
        draw_blocks(&r, d->probability, l->block, h, w, keep);
    else
        draw_patches(&r, d->probability, l->patch, h, w, keep);
}

/* A pixel value of the image as it is after the first n layers. */
static float after_layers(const struct net_cfg *cfg, int n, int channel, float value)
{
    for (int k = 0; k < n; k++)
        if (cfg->layers[k].kind == LAYER_NORMALIZE)
            value = (value - cfg->layers[k].mean[channel]) * (1.0f / cfg->layers[k].std[channel]);
    return value;
}

void input_dropout_apply(const struct net_cfg *cfg, int layer, const struct input_draw *d, const float *keep, float *x)
{
    const struct layer_cfg *l = &cfg->layers[layer];
    size_t pixels = (size_t)l->h * (size_t)l->w;
    struct rng r = stream(d, DRAW_NOISE);
    for (int c = 0; c < l->c; c++, x += pixels) {
        float black = after_layers(cfg, layer, c, 0);
        for (size_t i = 0; i < pixels; i++) {
            x[i] *= keep[i];
            if (keep[i] == 0 && l->fill != DROPOUT_MEAN)
                x[i] = l->fill == DROPOUT_BLACK ? black : after_layers(cfg, layer, c, rng_unit(&r));
        }
    }
}
