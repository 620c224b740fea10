#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "datasets/decode.h"
#include "datasets/planted.h"
#include "tests/data_fixture.h"
#include "validate/dataset/facts.h"
#include "validate/dataset/look.h"

TestSuite(look, .init = fixture_set_up, .fini = fixture_clean_up);

enum { SIDE = 96 };

/* A picture of a shape on a background, as bytes [h,w,3]. */
static uint8_t *draw(int i)
{
    struct planted p = { .n_train = 100, .n_test = 1, .seed = 5, .noise = 0.02, .cue_in_test = -1 };
    uint8_t *planes = mem_alloc(3, SIDE * SIDE), *pixels = mem_alloc(3, SIDE * SIDE);
    planted_draw(&p, 6, SPLIT_TRAIN, i, SIDE, SIDE, planes);
    for (int k = 0; k < SIDE * SIDE; k++)
        for (int c = 0; c < 3; c++)
            pixels[3 * k + c] = planes[c * SIDE * SIDE + k];
    free(planes);
    return pixels;
}

static struct picture_facts facts_of_file(const char *name)
{
    struct picture_facts f = { 0 };
    struct image8 picture;
    struct err err;
    cr_assert(decode_file(fixture_path(name), &picture, &err), "%s", err.text);
    facts_measure(&picture, &f);
    free(picture.pixels);
    return f;
}

/* pixels [h,w,3] made brighter, darker, smaller. */
static void change(const uint8_t *in, uint8_t *out, double gain, int offset)
{
    for (int k = 0; k < 3 * SIDE * SIDE; k++)
        out[k] = (uint8_t)fmin(255, fmax(0, in[k] * gain + offset));
}

static void shrink(const uint8_t *in, uint8_t *out, int side)
{
    float *plane = mem_alloc((size_t)(side * side), sizeof *plane);
    uint8_t *bytes = mem_alloc(SIDE, SIDE);
    for (int c = 0; c < 3; c++) {
        for (int k = 0; k < SIDE * SIDE; k++)
            bytes[k] = in[3 * k + c];
        resize_plane(plane, side, side, bytes, SIDE, SIDE, 0, 0, SIDE, SIDE);
        for (int k = 0; k < side * side; k++)
            out[3 * k + c] = (uint8_t)lroundf(255 * plane[k]);
    }
    free(bytes);
    free(plane);
}

static int distance(const struct picture_facts *a, const char *name)
{
    struct picture_facts b = facts_of_file(name);
    return look_distance(a->look, b.look);
}

Test(look, stays_nearly_the_same_when_a_picture_is_stored_again_resized_or_brightened)
{
    enum { N = 20, SMALL = 61 };
    uint8_t *other = mem_alloc(3, SIDE * SIDE);
    int most = 0;
    for (int i = 0; i < N; i++) {
        uint8_t *pixels = draw(i);
        fixture_image("a.png", SIDE, SIDE, 3, pixels);
        struct picture_facts f = facts_of_file("a.png");
        fixture_jpeg("b.jpg", SIDE, SIDE, 3, pixels, 75);
        shrink(pixels, other, SMALL);
        fixture_image("c.png", SMALL, SMALL, 3, other);
        change(pixels, other, 0.9, 10);
        fixture_image("d.png", SIDE, SIDE, 3, other);
        int jpeg = distance(&f, "b.jpg"), small = distance(&f, "c.png"), bright = distance(&f, "d.png");
        cr_assert(jpeg <= 32 && small <= 24 && bright <= 16, "picture %d: stored again %d, resized %d, brighter %d", i,
                  jpeg, small, bright);
        most = jpeg > most ? jpeg : most;
        free(pixels);
    }
    cr_assert(most > 0, "storing a picture as JPEG changed nothing, so nothing was tested");
    free(other);
}

Test(look, differs_between_pictures_that_have_nothing_to_do_with_each_other)
{
    enum { N = 40 };
    struct picture_facts f[N];
    double sum = 0;
    for (int i = 0; i < N; i++) {
        uint8_t *pixels = draw(i);
        fixture_image("a.png", SIDE, SIDE, 3, pixels);
        f[i] = facts_of_file("a.png");
        free(pixels);
        for (int j = 0; j < i; j++) {
            int d = look_distance(f[i].look, f[j].look);
            cr_assert_gt(d, 60, "%d and %d: %d", i, j, d);
            sum += d;
        }
    }
    cr_assert_float_eq(sum / (N * (N - 1) / 2), 127.5, 8);
}

/* Against the sum over all samples that defines the transform. */
Test(look, is_the_sign_of_the_low_frequencies)
{
    float luma[LOOK_SIDE * LOOK_SIDE];
    uint64_t look[LOOK_WORDS];
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < LOOK_SIDE * LOOK_SIDE; i++)
        luma[i] = rng_unit(&r);
    look_hash(luma, look);
    cr_assert_eq(look[0] & 1, 0);
    int ones = 0;
    for (int v = 0; v < LOOK_FREQUENCIES; v++)
        for (int u = v == 0; u < LOOK_FREQUENCIES; u++) {
            double sum = 0;
            for (int y = 0; y < LOOK_SIDE; y++)
                for (int x = 0; x < LOOK_SIDE; x++)
                    sum +=
                        luma[y * LOOK_SIDE + x] * cos(M_PI * u * (2 * x + 1) / 64) * cos(M_PI * v * (2 * y + 1) / 64);
            int bit = (int)(look[v / 4] >> (16 * (v % 4) + u) & 1);
            cr_assert_eq(bit, sum > 0, "frequency %d across, %d down", u, v);
            ones += bit;
        }
    cr_assert(ones > 90 && ones < 166);
}

Test(look, distance_counts_bits)
{
    const uint64_t zero[LOOK_WORDS] = { 0 }, some[LOOK_WORDS] = { 1, 3, 0, UINT64_C(1) << 63 };
    cr_assert_eq(look_distance(zero, zero), 0);
    cr_assert_eq(look_distance(zero, some), 4);
}

/* --- the other facts ---------------------------------------------------------------------------------------------- */

static struct picture_facts facts_of(int c, int h, int w, const uint8_t *planes)
{
    struct image8 picture = { c, h, w, (uint8_t *)planes };
    struct picture_facts f = { 0 };
    facts_measure(&picture, &f);
    return f;
}

Test(facts, colours_of_a_flat_picture_are_its_colour)
{
    static const int sides[][2] = { { 1, 1 }, { 1, 7 }, { 20, 3 }, { 32, 32 }, { 64, 96 }, { 100, 130 }, { 300, 211 } };
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        int h = sides[i][0], w = sides[i][1];
        uint8_t *p = mem_alloc((size_t)(h * w), 3);
        memset(p, 51, (size_t)(h * w));
        memset(p + h * w, 102, (size_t)(h * w));
        memset(p + 2 * h * w, 204, (size_t)(h * w));
        struct picture_facts f = facts_of(3, h, w, p);
        cr_assert(f.h == h && f.w == w && f.c == 3 && f.state == PICTURE_BLANK, "%d x %d", h, w);
        for (int k = 0; k < 3; k++) {
            cr_assert_float_eq(f.colour[k], 0.2f * (float)(1 << k), 1e-4);
            cr_assert_float_eq(f.border[k], 0.2f * (float)(1 << k), 1e-4);
        }
        cr_assert_float_eq(f.brightness, 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8, 1e-4);
        cr_assert_float_eq(f.saturation, 0.75, 1e-4);
        cr_assert(f.contrast < 1e-3 && f.sharpness == 0);
        free(p);
    }
}

Test(facts, border_contrast_and_sharpness_see_what_they_are_named_for)
{
    enum { H = 128, W = 160 };
    uint8_t *p = mem_alloc(H, W);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            p[y * W + x] = y == 0 || x == 0 || y == H - 1 || x == W - 1 ? 255 : x < W / 2 ? 0 : 102;
    struct picture_facts f = facts_of(1, H, W, p);
    cr_assert_float_eq(f.border[0], 1, 1e-6);
    cr_assert_float_eq(f.border[2], 1, 1e-6, "grey is the same in all channels");
    cr_assert(f.state == PICTURE_GOOD && f.saturation == 0);
    cr_assert_float_eq(f.contrast, 0.2, 0.03);
    float smooth = f.sharpness;
    for (int k = 0; k < H * W; k++)
        p[k] = (uint8_t)(k % W % 2 ? 255 : 0);
    f = facts_of(1, H, W, p);
    cr_assert_float_eq(f.sharpness, 0.5, 0.01, "all neighbours to the right differ, none below");
    cr_assert_lt(smooth, 0.1);
    free(p);
}

/* Whole areas are added up by another way than fractions of them. */
Test(facts, both_ways_of_making_a_thumbnail_agree)
{
    enum { BIG = 256, SMALL = 64 };
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    uint8_t *big = mem_alloc(BIG, BIG), *other = mem_alloc(BIG, BIG + 1);
    uint8_t block[SMALL * SMALL];
    for (int i = 0; i < SMALL * SMALL; i++)
        block[i] = (uint8_t)rng_below(&r, 256);
    for (int i = 0; i < BIG * BIG; i++)
        big[i] = block[i / BIG / 4 * SMALL + i % BIG / 4];
    for (int y = 0; y < BIG; y++) { /* one column more, so that areas are not of equal width */
        memcpy(other + y * (BIG + 1), big + y * BIG, BIG);
        other[y * (BIG + 1) + BIG] = big[y * BIG + BIG - 1];
    }
    struct picture_facts a = facts_of(1, BIG, BIG, big), b = facts_of(1, BIG, BIG + 1, other);
    struct picture_facts c = facts_of(1, SMALL, SMALL, block);
    cr_assert_float_eq(a.brightness, c.brightness, 1e-4);
    cr_assert_float_eq(a.contrast, c.contrast, 1e-4);
    cr_assert_float_eq(a.brightness, b.brightness, 2e-3);
    cr_assert_eq(look_distance(a.look, c.look), 0);
    cr_assert_leq(look_distance(a.look, b.look), 16);
    free(big);
    free(other);
}

Test(facts, content_is_the_same_for_the_same_pixels_only)
{
    enum { H = 9, W = 15 };
    uint8_t p[3 * H * W];
    for (int i = 0; i < 3 * H * W; i++)
        p[i] = (uint8_t)(7 * i);
    struct picture_facts f = facts_of(3, H, W, p), g = facts_of(3, H, W, p);
    cr_assert_eq(memcmp(f.content, g.content, sizeof f.content), 0);
    for (int i = 0; i < 3 * H * W; i++)
        for (int bit = 0; bit < 8; bit += 7) {
            p[i] ^= (uint8_t)(1 << bit);
            g = facts_of(3, H, W, p);
            p[i] ^= (uint8_t)(1 << bit);
            cr_assert(memcmp(f.content, g.content, 8) && memcmp(f.content + 8, g.content + 8, 8), "byte %d", i);
        }
    g = facts_of(3, W, H, p);
    cr_assert_neq(memcmp(f.content, g.content, sizeof f.content), 0, "the same bytes in another shape");
    g = facts_of(1, 3 * H, W, p);
    cr_assert_neq(memcmp(f.content, g.content, sizeof f.content), 0);
}

Test(facts, blank_is_one_colour_give_or_take_a_step)
{
    enum { SIDES = 128 };
    uint8_t *p = mem_alloc(SIDES, SIDES);
    memset(p, 128, SIDES * SIDES);
    for (int i = 0; i < SIDES * SIDES; i += 7)
        p[i] = 129;
    cr_assert_eq(facts_of(1, SIDES, SIDES, p).state, PICTURE_BLANK);
    for (int i = 0; i < SIDES * SIDES; i++)
        p[i] = (uint8_t)(i % 2); /* a picture in [0,1] that was stored as bytes */
    cr_assert_eq(facts_of(1, SIDES, SIDES, p).state, PICTURE_BLANK);
    for (int i = 0; i < SIDES * SIDES; i++)
        p[i] = (uint8_t)((i + i / SIDES) % 2 ? 131 : 128); /* a fine texture: all areas have the same mean */
    cr_assert_eq(facts_of(1, SIDES, SIDES, p).state, PICTURE_GOOD);
    memset(p, 128, SIDES * SIDES);
    for (int y = 40; y < 60; y++)
        memset(p + y * SIDES + 40, 140, 20);
    cr_assert_eq(facts_of(1, SIDES, SIDES, p).state, PICTURE_GOOD);
    free(p);
}
