#include "datasets/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

static const char *const names[] = { "mean", "black", "blur", "noise", "image-mean" };

const char *baseline_name(enum baseline b)
{
    return names[b];
}

bool baseline_parse(const char *word, enum baseline *out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = (enum baseline)i;
            return true;
        }
    }
    return false;
}

static void fill_plane(float *out, int n, float value)
{
    for (int i = 0; i < n; i++)
        out[i] = value;
}

static float plane_mean(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return (float)(sum / n);
}

/* weight[0..radius] of a normalised Gaussian; the caller frees it. */
static float *gaussian(double sigma, int radius)
{
    float *weight = mem_alloc((size_t)radius + 1, sizeof *weight);
    double sum = 0;

    for (int i = 0; i <= radius; i++)
        sum += (i ? 2 : 1) * exp(-0.5 * i * i / (sigma * sigma));
    for (int i = 0; i <= radius; i++)
        weight[i] = (float)(exp(-0.5 * i * i / (sigma * sigma)) / sum);
    return weight;
}

/* One line of n values, `step` apart, is blurred into out; beyond its ends the last value goes on. */
static void blur_line(const float *x, int n, int step, const float *weight, int radius, float *out)
{
    for (int i = 0; i < n; i++) {
        float sum = weight[0] * x[i * step];
        for (int k = 1; k <= radius; k++) {
            int before = i - k < 0 ? 0 : i - k, after = i + k >= n ? n - 1 : i + k;
            sum += weight[k] * (x[before * step] + x[after * step]);
        }
        out[i * step] = sum;
    }
}

static void blur(const float *x, int c, int h, int w, float *out)
{
    double sigma = (h + w) / 16.0;
    int radius = (int)ceil(3 * sigma);
    float *weight = gaussian(sigma, radius), *rows = mem_alloc((size_t)h * (size_t)w, sizeof *rows);

    for (int k = 0; k < c; k++, x += h * w, out += h * w) {
        for (int y = 0; y < h; y++)
            blur_line(x + y * w, w, 1, weight, radius, rows + y * w);
        for (int i = 0; i < w; i++)
            blur_line(rows + i, h, w, weight, radius, out + i);
    }
    free(weight);
    free(rows);
}

void baseline_fill(enum baseline b, const float *x, int c, int h, int w, const float *mean, uint64_t seed,
                   int64_t index, float *out)
{
    struct rng r = rng_stream(seed, RNG_BASELINE, 0, (uint32_t)index);
    int pixels = h * w;

    if (b == BASELINE_BLUR) {
        blur(x, c, h, w, out);
    } else if (b == BASELINE_NOISE) {
        for (int i = 0; i < c * pixels; i++)
            out[i] = rng_unit(&r);
    } else {
        for (int k = 0; k < c; k++)
            fill_plane(out + (size_t)k * (size_t)pixels, pixels,
                       b == BASELINE_BLACK  ? 0
                       : b == BASELINE_MEAN ? mean[k]
                                            : plane_mean(x + (size_t)k * (size_t)pixels, pixels));
    }
}
