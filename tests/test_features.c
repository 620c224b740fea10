#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/region.h"
#include "validate/dataset/features.h"

enum { CELLS = 64, FILTERS = 32, MOST = 1000 };

static void fill(float *x, int n, uint32_t item)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, item);
    for (int i = 0; i < n; i++)
        x[i] = rng_unit(&r);
}

static void measure(const struct features *f, const float *x, float *out)
{
    float *scratch = mem_alloc((size_t)features_scratch(f), sizeof *scratch);
    cr_assert(f->d <= MOST);
    features_measure(f, x, scratch, out);
    for (int i = 0; i < f->d; i++)
        cr_assert(isfinite(out[i]), "feature %d", i);
    free(scratch);
}

/* Part 0: ring, 1: centre, 2: random pixels, 3: one pixel in a corner. */
static void make_part(int part, int h, int w, uint8_t *mask)
{
    struct rng r = rng_stream(7, RNG_TEST, 0, 0);
    memset(mask, 0, (size_t)h * (size_t)w);
    if (part == 0)
        region_ring(h, w, 2, mask);
    else if (part == 1)
        region_centre(h, w, 1, h * w / 4, mask);
    else if (part == 2)
        region_draw(NULL, h * w, h * w / 5, &r, mask);
    else
        mask[h * w - 1] = 1;
}

Test(features, nothing_outside_of_the_part_has_any_effect)
{
    enum { H = 17, W = 20 };
    for (int c = 1; c <= 3; c += 2)
        for (int part = 0; part < 4; part++) {
            uint8_t mask[H * W];
            float x[3 * H * W], other[3 * H * W], a[MOST], b[MOST];
            struct features f;
            make_part(part, H, W, mask);
            features_open(&f, mask, c, H, W, CELLS, FILTERS, 1);
            fill(x, c * H * W, 1);
            fill(other, c * H * W, 2);
            for (int i = 0; i < c * H * W; i++)
                other[i] = mask[i % (H * W)] ? x[i] : 1e30f * other[i];
            measure(&f, x, a);
            measure(&f, other, b);
            cr_assert(memcmp(a, b, (size_t)f.d * sizeof *a) == 0, "part %d, %d channels", part, c);
            features_close(&f);
        }
}

Test(features, every_pixel_of_the_part_has_an_effect)
{
    enum { H = 12, W = 13 };
    for (int part = 0; part < 4; part++) {
        uint8_t mask[H * W];
        float x[3 * H * W], a[MOST], b[MOST];
        struct features f;
        make_part(part, H, W, mask);
        features_open(&f, mask, 3, H, W, CELLS, FILTERS, 1);
        fill(x, 3 * H * W, 1);
        measure(&f, x, a);
        for (int i = 0; i < 3 * H * W; i++) {
            if (!mask[i % (H * W)])
                continue;
            float before = x[i];
            x[i] = before < 0.5f ? before + 0.3f : before - 0.3f;
            measure(&f, x, b);
            cr_assert(memcmp(a, b, (size_t)f.d * sizeof *a) != 0, "part %d, value %d", part, i);
            x[i] = before;
        }
        features_close(&f);
    }
}

static void expect(const float *got, const float *want, int n, const char *what)
{
    for (int i = 0; i < n; i++)
        cr_assert(fabsf(got[i] - want[i]) <= 1e-6f, "%s %d: %g, wanted %g", what, i, got[i], want[i]);
}

/* Two pixels of a grey picture, 0.2 and 0.6; of 16 histogram bins 0..1 they fall on 3 and 9. */
Test(features, known_colours_of_two_pixels)
{
    const uint8_t mask[4] = { 1, 0, 0, 1 };
    const float x[4] = { 0.2f, 9, 9, 0.6f }, colours[4] = { 0.4f, 0.2f, 0.2f, 0.6f }, cells[2] = { 0.2f, 0.6f };
    float bins[16] = { [3] = 0.5f, [9] = 0.5f }, out[MOST];
    struct features f;
    features_open(&f, mask, 1, 2, 2, CELLS, 0, 1);
    cr_assert(f.d == 4 + 16 + 2, "%d", f.d);
    measure(&f, x, out);
    expect(out, colours, 4, "colour");
    expect(out + 4, bins, 16, "bin");
    expect(out + 20, cells, 2, "cell");
    features_close(&f);
}

Test(features, histogram_holds_every_pixel_once_and_moves_smoothly)
{
    enum { SIDE = 8 };
    uint8_t mask[SIDE * SIDE];
    float x[3 * SIDE * SIDE], out[MOST], moved[MOST];
    struct features f;
    memset(mask, 1, sizeof mask);
    features_open(&f, mask, 3, SIDE, SIDE, CELLS, 0, 1);
    fill(x, 3 * SIDE * SIDE, 3);
    x[0] = 1;
    x[1] = 0;
    x[2] = 1.7f; /* clipped */
    measure(&f, x, out);
    float sum = 0, change = 0;
    for (int i = 0; i < 64; i++)
        sum += out[12 + i];
    cr_assert(fabsf(sum - 1) < 1e-5f, "%g", sum);
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        x[i] = x[i] * 0.999f;
    measure(&f, x, moved);
    for (int i = 0; i < 64; i++)
        change += fabsf(out[12 + i] - moved[12 + i]);
    cr_assert(change > 0 && change < 0.02f, "%g", change);
    features_close(&f);
}

Test(features, one_colour_has_no_edges)
{
    uint8_t mask[100];
    float x[100], out[MOST];
    struct features f;
    region_ring(10, 10, 2, mask);
    features_open(&f, mask, 1, 10, 10, CELLS, FILTERS, 1);
    for (int i = 0; i < 100; i++)
        x[i] = 0.25f;
    measure(&f, x, out);
    for (int i = 4 + 16 + f.cells; i < f.d; i++)
        cr_assert(out[i] == 0, "feature %d is %g", i, out[i]);
    features_close(&f);
}

/* Sum over the pixels of one quadrant of the rectified response, as the definition says. */
static float response(const struct features *f, const float *x, const uint8_t *mask, int k, int quadrant, float sign)
{
    float sum = 0;
    int n = 0, half = f->h / 2;
    for (int y = 0; y < f->h; y++)
        for (int column = 0; column < f->w; column++) {
            if (!mask[y * f->w + column] || 2 * (y >= half) + (column >= half) != quadrant)
                continue;
            float r = 0;
            for (int c = 0; c < f->c; c++) {
                float mean = 0, count = 0;
                for (int i = 0; i < f->h * f->w; i++)
                    if (mask[i]) {
                        mean += x[c * f->h * f->w + i];
                        count++;
                    }
                for (int t = 0; t < FEATURES_TAPS; t++) {
                    int ny = y + t / 3 - 1, nx = column + t % 3 - 1;
                    if (ny >= 0 && nx >= 0 && ny < f->h && nx < f->w && mask[ny * f->w + nx])
                        r += f->filter[(k * f->c + c) * FEATURES_TAPS + t] *
                             (x[(c * f->h + ny) * f->w + nx] - mean / count);
                }
            }
            sum += fmaxf(0, sign * r);
            n++;
        }
    return sum / (float)n;
}

Test(features, filters_respond_as_defined)
{
    enum { SIDE = 12 };
    for (int part = 0; part < 2; part++) {
        uint8_t mask[SIDE * SIDE];
        float x[3 * SIDE * SIDE], out[MOST];
        struct features f;
        make_part(part, SIDE, SIDE, mask);
        features_open(&f, mask, 3, SIDE, SIDE, CELLS, 3, 1);
        fill(x, 3 * SIDE * SIDE, 5);
        measure(&f, x, out);
        const float *got = out + 12 + 64 + 3 * f.cells;
        for (int k = 0; k < 3; k++)
            for (int q = 0; q < FEATURES_QUADRANTS; q++)
                for (int sign = 0; sign < 2; sign++, got++) {
                    float want = response(&f, x, mask, k, q, sign ? -1.0f : 1.0f);
                    cr_assert(want > 0 && fabsf(*got - want) < 1e-5f, "filter %d, quadrant %d: %g, wanted %g", k, q,
                              *got, want);
                }
        features_close(&f);
    }
}

Test(features, number_does_not_grow_with_the_size_of_pictures)
{
    static const int side[] = { 1, 5, 32, 224, 500 };
    for (int i = 0; i < 5; i++) {
        int h = side[i], w = side[i] == 500 ? 333 : side[i];
        uint8_t *mask = mem_alloc((size_t)h * (size_t)w, 1);
        for (int part = 0; part < 4; part++) {
            struct features f;
            make_part(part == 1 && h < 5 ? 3 : part, h, w, mask);
            if (region_count(mask, h * w) == 0)
                continue;
            features_open(&f, mask, 3, h, w, CELLS, FILTERS, 1);
            cr_assert(f.cells >= 1 && f.cells <= CELLS && f.d == 12 + 64 + 3 * f.cells + 8 * FILTERS);
            cr_assert(f.pixels == region_count(mask, h * w));
            features_close(&f);
        }
        free(mask);
    }
}

Test(features, same_seed_gives_the_same_filters_in_every_part)
{
    uint8_t ring[100], centre[100];
    struct features a, b, c;
    region_ring(10, 10, 1, ring);
    region_centre(10, 10, 1, 36, centre);
    features_open(&a, ring, 3, 10, 10, CELLS, FILTERS, 1);
    features_open(&b, centre, 3, 10, 10, CELLS, FILTERS, 1);
    features_open(&c, centre, 3, 10, 10, CELLS, FILTERS, 2);
    size_t bytes = FILTERS * 27 * sizeof(float);
    cr_assert(memcmp(a.filter, b.filter, bytes) == 0 && memcmp(b.filter, c.filter, bytes) != 0);
    features_close(&a);
    features_close(&b);
    features_close(&c);
}
