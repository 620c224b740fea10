#include "validate/dataset/features.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { LANES = 16, STATISTICS = 4, STREAM_FILTER = RNG_CHECK | 64 << 8 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* --- which pixels, and how they lie ------------------------------------------------------------------------------- */

struct box {
    int y0, x0, y1, x1; /* inclusive */
};

static struct box bounding_box(const uint8_t *mask, int h, int w)
{
    struct box b = { h, w, -1, -1 };
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            if (mask[y * w + x]) {
                b.y0 = smaller(b.y0, y);
                b.x0 = smaller(b.x0, x);
                b.y1 = y;
                b.x1 = x > b.x1 ? x : b.x1;
            }
    return b;
}

static int quadrant_of(const struct box *b, int y, int x)
{
    return 2 * (2 * y > b->y0 + b->y1) + (2 * x > b->x0 + b->x1);
}

static void list_pixels(struct features *f, const uint8_t *mask)
{
    struct box b = bounding_box(mask, f->h, f->w);
    for (int q = 0; q < FEATURES_QUADRANTS; q++)
        for (int i = 0; i < f->h * f->w; i++)
            if (mask[i] && quadrant_of(&b, i / f->w, i % f->w) == q) {
                f->place[f->pixels++] = i;
                f->quadrant_pixels[q]++;
            }
}

/* number[cell of the grid] = 1.. in the order of first use, 0 = unused; returns how many are used. */
static int number_cells(const struct features *f, int side, int32_t *number)
{
    int across = (f->w + side - 1) / side, used = 0;
    memset(number, 0, (size_t)f->h * (size_t)f->w * sizeof *number);
    for (int i = 0; i < f->pixels; i++) {
        int32_t *n = &number[f->place[i] / f->w / side * across + f->place[i] % f->w / side];
        if (*n == 0)
            *n = ++used;
        f->cell[i] = *n - 1;
    }
    return used;
}

static void make_cells(struct features *f, int most)
{
    int32_t *number = mem_alloc((size_t)f->h * (size_t)f->w, sizeof *number);
    for (int side = 1; (f->cells = number_cells(f, side, number)) > most;)
        side++;
    free(number);
    f->cell_share = mem_alloc((size_t)f->cells, sizeof *f->cell_share);
    for (int i = 0; i < f->pixels; i++)
        f->cell_share[f->cell[i]] += 1;
    for (int k = 0; k < f->cells; k++)
        f->cell_share[k] = 1 / f->cell_share[k];
}

static void fill_window(struct features *f, const int32_t *number, int slot, int place)
{
    int y = place / f->w, x = place % f->w;
    for (int t = 0; t < FEATURES_TAPS; t++) {
        int ny = y + t / 3 - 1, nx = x + t % 3 - 1;
        bool inside = ny >= 0 && ny < f->h && nx >= 0 && nx < f->w;
        int n = inside ? number[ny * f->w + nx] : 0;
        f->neighbour[t * f->slots + slot] = n ? n - 1 : f->pixels;
    }
}

static void make_windows(struct features *f)
{
    int32_t *number = mem_alloc((size_t)f->h * (size_t)f->w, sizeof *number);
    for (int i = 0; i < f->pixels; i++)
        number[f->place[i]] = i + 1;
    for (int q = 0; q < FEATURES_QUADRANTS; q++) {
        f->slots += (f->quadrant_pixels[q] + LANES - 1) / LANES * LANES;
        f->quadrant_end[q] = f->slots;
    }
    f->neighbour = mem_alloc((size_t)FEATURES_TAPS * (size_t)f->slots, sizeof *f->neighbour);
    for (int i = 0; i < FEATURES_TAPS * f->slots; i++)
        f->neighbour[i] = f->pixels;
    for (int q = 0, i = 0; q < FEATURES_QUADRANTS; q++)
        for (int k = 0, slot = q ? f->quadrant_end[q - 1] : 0; k < f->quadrant_pixels[q]; k++, i++)
            fill_window(f, number, slot + k, f->place[i]);
    free(number);
}

static void draw_filters(struct features *f, uint64_t seed)
{
    int taps = f->c * FEATURES_TAPS;
    f->filter = mem_alloc((size_t)f->filters * (size_t)taps, sizeof *f->filter);
    for (int k = 0; k < f->filters; k++) {
        struct rng r = rng_stream(seed, STREAM_FILTER, 0, (uint32_t)k);
        float *filter = f->filter + k * taps, length2 = 0;
        for (int t = 0; t < taps; t++) {
            filter[t] = rng_normal(&r);
            length2 += filter[t] * filter[t];
        }
        for (int t = 0; t < taps; t++)
            filter[t] /= sqrtf(length2);
    }
}

void features_open(struct features *f, const uint8_t *mask, int c, int h, int w, int cells, int filters, uint64_t seed)
{
    assert((c == 1 || c == 3) && cells >= 1 && filters >= 0);
    *f = (struct features){ .c = c, .h = h, .w = w, .filters = filters, .bins = c == 1 ? 16 : 64 };
    f->place = mem_alloc((size_t)h * (size_t)w, sizeof *f->place);
    f->cell = mem_alloc((size_t)h * (size_t)w, sizeof *f->cell);
    list_pixels(f, mask);
    assert(f->pixels >= 1);
    make_cells(f, cells);
    make_windows(f);
    draw_filters(f, seed);
    f->d = STATISTICS * c + f->bins + c * f->cells + 2 * FEATURES_QUADRANTS * filters;
}

void features_close(struct features *f)
{
    free(f->place);
    free(f->cell);
    free(f->cell_share);
    free(f->neighbour);
    free(f->filter);
    *f = (struct features){ 0 };
}

/* --- measuring ---------------------------------------------------------------------------------------------------- */

/* Both leave the place behind what they wrote. v[c,pixels+1]: the part's pixels and room for a hidden one. */
static float *measure_colours(const struct features *f, const float *v, float *out)
{
    for (int c = 0; c < f->c; c++, v += f->pixels + 1) {
        float sum = 0, sum2 = 0, low = v[0], high = v[0];
        for (int i = 0; i < f->pixels; i++) {
            sum += v[i];
            low = fminf(low, v[i]);
            high = fmaxf(high, v[i]);
        }
        float mean = sum / (float)f->pixels;
        for (int i = 0; i < f->pixels; i++)
            sum2 += (v[i] - mean) * (v[i] - mean);
        *out++ = mean;
        *out++ = sqrtf(sum2 / (float)f->pixels);
        *out++ = low;
        *out++ = high;
    }
    return out;
}

static float *measure_cells(const struct features *f, const float *v, float *out)
{
    memset(out, 0, (size_t)f->c * (size_t)f->cells * sizeof *out);
    for (int c = 0; c < f->c; c++, v += f->pixels + 1, out += f->cells)
        for (int i = 0; i < f->pixels; i++)
            out[f->cell[i]] += v[i] * f->cell_share[f->cell[i]];
    return out;
}

/* The bin below a value in [0,1] and how near it is to the next: neighbouring bins share a pixel, so that a small
 * change of colour is a small change of the histogram. */
static int split_bin(float value, int bins, float *upper)
{
    float at = fminf(fmaxf(value, 0), 1) * (float)(bins - 1);
    int low = smaller((int)at, bins - 2);
    *upper = at - (float)low;
    return low;
}

static float *measure_histogram(const struct features *f, const float *v, float *out)
{
    int per_channel = f->c == 1 ? 16 : 4, corners = 1 << f->c;
    float share = 1 / (float)f->pixels;
    memset(out, 0, (size_t)f->bins * sizeof *out);
    for (int i = 0; i < f->pixels; i++) {
        int low[3];
        float upper[3];
        for (int c = 0; c < f->c; c++)
            low[c] = split_bin(v[c * (f->pixels + 1) + i], per_channel, &upper[c]);
        for (int corner = 0; corner < corners; corner++) {
            float weight = share;
            int bin = 0;
            for (int c = 0; c < f->c; c++) {
                int up = corner >> c & 1;
                weight *= up ? upper[c] : 1 - upper[c];
                bin = bin * per_channel + low[c] + up;
            }
            out[bin] += weight;
        }
    }
    return out + f->bins;
}

/* window[c,FEATURES_TAPS,slots], relative to the part's mean colour; what is hidden is 0. */
static void gather_windows(const struct features *f, float *v, const float *colours, float *window)
{
    for (int c = 0; c < f->c; c++, v += f->pixels + 1) {
        float mean = colours[c * STATISTICS];
        for (int i = 0; i < f->pixels; i++)
            v[i] -= mean;
        v[f->pixels] = 0;
        for (int i = 0; i < FEATURES_TAPS * f->slots; i++)
            *window++ = v[f->neighbour[i]];
    }
}

/* sum[lane] += response, its positive and its negative part apart. A fixed number of lanes, so that they run side by
 * side. */
static void filter_block(const float *filter, int taps, const float *window, int stride, float *positive,
                         float *negative)
{
    float response[LANES] = { 0 };
    for (int t = 0; t < taps; t++)
        for (int l = 0; l < LANES; l++)
            response[l] += filter[t] * window[t * stride + l];
    for (int l = 0; l < LANES; l++) {
        positive[l] += response[l] > 0 ? response[l] : 0;
        negative[l] += response[l] < 0 ? -response[l] : 0;
    }
}

static float *measure_filters(const struct features *f, const float *window, float *out)
{
    int taps = f->c * FEATURES_TAPS;
    for (int k = 0; k < f->filters; k++)
        for (int q = 0, slot = 0; q < FEATURES_QUADRANTS; q++) {
            float positive[LANES] = { 0 }, negative[LANES] = { 0 }, sum[2] = { 0, 0 };
            for (; slot < f->quadrant_end[q]; slot += LANES)
                filter_block(f->filter + k * taps, taps, window + slot, f->slots, positive, negative);
            for (int l = 0; l < LANES; l++) {
                sum[0] += positive[l];
                sum[1] += negative[l];
            }
            *out++ = f->quadrant_pixels[q] ? sum[0] / (float)f->quadrant_pixels[q] : 0;
            *out++ = f->quadrant_pixels[q] ? sum[1] / (float)f->quadrant_pixels[q] : 0;
        }
    return out;
}

int64_t features_scratch(const struct features *f)
{
    return (int64_t)f->c * (f->pixels + 1) + (int64_t)f->c * FEATURES_TAPS * f->slots;
}

void features_measure(const struct features *f, const float *x, float *scratch, float *out)
{
    float *v = scratch, *window = scratch + (int64_t)f->c * (f->pixels + 1), *colours = out;
    for (int c = 0; c < f->c; c++)
        for (int i = 0; i < f->pixels; i++)
            v[c * (f->pixels + 1) + i] = x[(int64_t)c * f->h * f->w + f->place[i]];
    out = measure_colours(f, v, out);
    out = measure_histogram(f, v, out);
    out = measure_cells(f, v, out);
    if (f->filters == 0)
        return;
    gather_windows(f, v, colours, window);
    measure_filters(f, window, out);
}
