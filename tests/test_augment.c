#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "datasets/augment.h"

/* A 3 x 4 image whose pixel (y,x) of channel c is 100 c + 10 y + x: every value tells where it came from. */
enum { H = 3, W = 4 };
static uint8_t pixels[3 * H * W];
static const struct image8 image = { 3, H, W, pixels };

static void fill(void)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                pixels[(c * H + y) * W + x] = (uint8_t)(100 * c + 10 * y + x);
}

TestSuite(augment, .init = fill);

static struct augment same_size(void)
{
    return (struct augment){ .c = 3, .h = H, .w = W, .test_resize = 1, .crop_area_min = 0.08f,
                             .pad = { 0.25f, 0.5f, 0.75f } };
}

/* What the output must be for shift (dy,dx) and flip. */
static float expected(int c, int y, int x, int dy, int dx, bool flip)
{
    static const float pad[3] = { 0.25f, 0.5f, 0.75f };
    int sy = y + dy, sx = (flip ? W - 1 - x : x) + dx;
    if (sy < 0 || sy >= H || sx < 0 || sx >= W)
        return pad[c];
    return (float)(100 * c + 10 * sy + sx) / 255.0f;
}

static bool matches(const float *out, int dy, int dx, bool flip)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                if (out[(c * H + y) * W + x] != expected(c, y, x, dy, dx, flip))
                    return false;
    return true;
}

Test(augment, test_geometry_of_equal_size_is_the_image_over_255)
{
    struct augment a = same_size();
    float out[3 * H * W];
    a.flip = true, a.crop_pad = 2, a.random_resized_crop = true;
    augment_image(&a, &image, NULL, out);
    cr_assert(matches(out, 0, 0, false));
}

Test(augment, without_switches_training_is_the_identity_too)
{
    struct augment a = same_size();
    float out[3 * H * W];
    struct showing s = { 1, 0, 0 };
    augment_image(&a, &image, &s, out);
    cr_assert(matches(out, 0, 0, false));
}

Test(augment, flip_mirrors_half_of_the_images)
{
    struct augment a = same_size();
    float out[3 * H * W];
    int flipped = 0;
    a.flip = true;
    for (uint32_t i = 0; i < 1000; i++) {
        struct showing s = { 1, 0, i };
        augment_image(&a, &image, &s, out);
        bool plain = matches(out, 0, 0, false), mirrored = matches(out, 0, 0, true);
        cr_assert(plain != mirrored);
        flipped += mirrored;
    }
    cr_assert(flipped > 430 && flipped < 570, "%d", flipped);
}

Test(augment, crop_shifts_by_every_offset_equally_often)
{
    struct augment a = same_size();
    float out[3 * H * W];
    int count[5][5] = { { 0 } };
    a.crop_pad = 2;
    a.flip = true;
    for (uint32_t i = 0; i < 5000; i++) {
        struct showing s = { 1, 3, i };
        augment_image(&a, &image, &s, out);
        int found = 0;
        for (int dy = -2; dy <= 2; dy++)
            for (int dx = -2; dx <= 2; dx++)
                if (matches(out, dy, dx, false) || matches(out, dy, dx, true))
                    found++, count[dy + 2][dx + 2]++;
        cr_assert_eq(found, 1, "image %u matches %d shifts", i, found);
    }
    for (int k = 0; k < 25; k++)
        cr_assert(count[k / 5][k % 5] > 130 && count[k / 5][k % 5] < 280, "offset %d: %d", k, count[k / 5][k % 5]);
}

/* Latin square: see augment.h. Each image in an order of its own. */
Test(augment, no_crop_comes_twice_before_all_have_come)
{
    enum { N = 5, ALL = N * N };
    struct augment a = same_size();
    float out[3 * H * W];
    int orders = 0, before[ALL];
    a.crop_pad = 2, a.flip = true;
    for (uint32_t i = 0; i < 20; i++) {
        int seen[2][ALL] = { { 0 } }, order[ALL];
        for (uint32_t epoch = 0; epoch < 2 * ALL; epoch++) {
            struct placement p = augment_image(&a, &image, &(struct showing){ 1, epoch, i }, out);
            int crop = (p.dy + 2) * N + p.dx + 2;
            cr_assert(matches(out, p.dy, p.dx, p.flip));
            cr_assert_eq(seen[p.flip][crop]++, 0, "image %u, epoch %u", i, epoch);
            if (epoch < ALL)
                order[epoch] = crop;
        }
        for (int block = 0; block < N; block++)
            for (int k = 0, rows = 0, columns = 0; k < N; k++) {
                rows |= 1 << order[block * N + k] / N, columns |= 1 << order[block * N + k] % N;
                cr_assert(k < N - 1 || (rows == (1 << N) - 1 && columns == (1 << N) - 1));
            }
        orders += i > 0 && memcmp(order, before, sizeof order) != 0;
        memcpy(before, order, sizeof order);
    }
    cr_assert_gt(orders, 15);
}

Test(augment, a_shift_beyond_the_image_leaves_only_padding)
{
    struct augment a = same_size();
    float out[3 * H * W];
    bool empty = false;
    a.crop_pad = 40;
    for (uint32_t i = 0; i < 50; i++) {
        struct showing s = { 1, 0, i };
        augment_image(&a, &image, &s, out);
        empty = empty || matches(out, 100, 100, false);
    }
    cr_assert(empty);
}

Test(augment, depends_on_epoch_and_image_only)
{
    struct augment a = same_size();
    float first[3 * H * W], again[3 * H * W], other[3 * H * W];
    int differ = 0;
    a.crop_pad = 2, a.flip = true;
    for (uint32_t i = 0; i < 20; i++) {
        struct showing s = { 9, 4, i }, same = { 9, 4, i }, next = { 9, 5, i };
        augment_image(&a, &image, &s, first);
        augment_image(&a, &image, &same, again);
        augment_image(&a, &image, &next, other);
        cr_assert_eq(memcmp(first, again, sizeof first), 0);
        differ += memcmp(first, other, sizeof first) != 0;
    }
    cr_assert_eq(differ, 20, "%d differ, though each is flipped in one of two epochs", differ);
}

Test(augment, grey_is_repeated_and_rgb_becomes_luma)
{
    struct augment a = same_size();
    const struct image8 grey = { 1, H, W, pixels + H * W };
    float out[3 * H * W];
    augment_image(&a, &grey, NULL, out);
    for (int i = 0; i < H * W; i++)
        for (int c = 0; c < 3; c++)
            cr_assert_eq(out[c * H * W + i], (float)pixels[H * W + i] / 255.0f);
    a.c = 1;
    augment_image(&a, &image, NULL, out);
    for (int i = 0; i < H * W; i++) {
        double luma = 0.299 * pixels[i] + 0.587 * pixels[H * W + i] + 0.114 * pixels[2 * H * W + i];
        cr_assert_float_eq(out[i] * 255, luma, 0.501);
    }
}

Test(augment, test_geometry_crops_the_centre)
{
    /* 4 x 6 image shown at 2 x 2 with a margin of 2: the short side 4 becomes 4, the centre 2 x 2 pixels remain */
    uint8_t big[24];
    for (int i = 0; i < 24; i++)
        big[i] = (uint8_t)(i * 10);
    struct augment a = { .c = 1, .h = 2, .w = 2, .test_resize = 2 };
    float out[4];
    augment_image(&a, &(struct image8){ 1, 4, 6, big }, NULL, out);
    const int want[4] = { 8, 9, 14, 15 };
    for (int i = 0; i < 4; i++)
        cr_assert_float_eq(out[i] * 255, want[i] * 10, 1e-3);
}

Test(augment, random_resized_crop_stays_inside_and_within_its_limits)
{
    /* a ramp in x and one in y: the output's corner values tell which rectangle was shown */
    enum { SIDE = 100 };
    static uint8_t ramp[3 * SIDE * SIDE];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            ramp[y * SIDE + x] = (uint8_t)(2 * x), ramp[SIDE * SIDE + y * SIDE + x] = (uint8_t)(2 * y);
    struct augment a = {
        .c = 3, .h = 8, .w = 8, .random_resized_crop = true, .crop_area_min = 0.25f, .test_resize = 1
    };
    float out[3 * 64];
    double least = 1, most = 0, narrow = 1, wide = 1;
    for (uint32_t i = 0; i < 2000; i++) {
        struct showing s = { 1, 0, i };
        augment_image(&a, &(struct image8){ 3, SIDE, SIDE, ramp }, &s, out);
        /* inner samples are exact on a ramp: 8 samples are spread over w px, so 5 steps are 5/8 w */
        double w = (out[6] - out[1]) * 255 / 2 * 8 / 5, h = (out[64 + 48] - out[64 + 8]) * 255 / 2 * 8 / 5;
        double area = w * h / (SIDE * SIDE), ratio = w / h;
        least = fmin(least, area), most = fmax(most, area), narrow = fmin(narrow, ratio), wide = fmax(wide, ratio);
        cr_assert(w < SIDE + 1 && h < SIDE + 1);
    }
    cr_assert(least > 0.23 && least < 0.29 && most > 0.93 && most < 1.02, "areas %g..%g", least, most);
    cr_assert(narrow > 0.72 && narrow < 0.8 && wide > 1.25 && wide < 1.38, "ratios %g..%g", narrow, wide);
}

Test(augment, random_resized_crop_of_a_sliver_falls_back)
{
    static uint8_t sliver[500];
    for (int i = 0; i < 500; i++)
        sliver[i] = 77;
    struct augment a = { .c = 1, .h = 4, .w = 4, .random_resized_crop = true, .crop_area_min = 0.9f };
    float out[16];
    struct showing s = { 1, 0, 0 };
    augment_image(&a, &(struct image8){ 1, 1, 500, sliver }, &s, out);
    for (int i = 0; i < 16; i++)
        cr_assert_float_eq(out[i] * 255, 77, 1e-3);
}

Test(resize, a_constant_stays_constant)
{
    uint8_t in[7 * 9];
    float out[31 * 17];
    memset(in, 201, sizeof in);
    const int sizes[][2] = { { 7, 9 }, { 3, 2 }, { 31, 17 }, { 1, 1 }, { 7, 17 } };
    for (int s = 0; s < 5; s++) {
        resize_plane(out, sizes[s][0], sizes[s][1], in, 7, 9, 0, 0, 7, 9);
        for (int i = 0; i < sizes[s][0] * sizes[s][1]; i++)
            cr_assert_float_eq(out[i], 201 / 255.0f, 1e-6);
    }
}

Test(resize, equal_size_is_the_identity)
{
    uint8_t in[30];
    float out[30];
    for (int i = 0; i < 30; i++)
        in[i] = (uint8_t)(i * 8);
    resize_plane(out, 5, 6, in, 5, 6, 0, 0, 5, 6);
    for (int i = 0; i < 30; i++)
        cr_assert_float_eq(out[i], in[i] / 255.0f, 1e-6);
}

/* On a ramp f(y,x) = 3y + 2x, output pixel (i,j) shows its centre's value, away from the edges. */
static void check_ramp(int oh, int ow, float y0, float x0, float rh, float rw)
{
    enum { IH = 40, IW = 50 };
    static uint8_t in[IH * IW];
    float *out = calloc((size_t)oh * (size_t)ow, sizeof *out);
    for (int i = 0; i < IH * IW; i++)
        in[i] = (uint8_t)(3 * (i / IW) + 2 * (i % IW));
    resize_plane(out, oh, ow, in, IH, IW, y0, x0, rh, rw);
    float reach_y = fmaxf(1, rh / (float)oh), reach_x = fmaxf(1, rw / (float)ow);
    int checked = 0;
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++) {
            float y = y0 + ((float)i + 0.5f) * rh / (float)oh - 0.5f,
                  x = x0 + ((float)j + 0.5f) * rw / (float)ow - 0.5f;
            if (y - reach_y < -0.01f || x - reach_x < -0.01f || y + reach_y > IH - 0.99f || x + reach_x > IW - 0.99f)
                continue;
            checked++;
            /* growing is exact; a triangle of several samples is symmetric only to the sampling's accuracy */
            cr_assert_float_eq(out[i * ow + j] * 255, 3 * y + 2 * x, reach_y > 1 || reach_x > 1 ? 0.35 : 1e-3);
        }
    cr_assert_gt(checked, 0);
    free(out);
}

Test(resize, a_linear_ramp_stays_linear)
{
    check_ramp(40, 50, 0, 0, 40, 50);
    check_ramp(80, 100, 0, 0, 40, 50);
    check_ramp(77, 31, 3.5f, 4.25f, 20.5f, 31);
    check_ramp(10, 10, 0, 0, 40, 50);
    check_ramp(13, 9, 2, 5, 31, 37);
}

/* One bright pixel, wherever it is, shows with about its share of the area. */
Test(resize, shrinking_averages_instead_of_skipping)
{
    enum { SIDE = 12 };
    for (int i = 0; i < SIDE * SIDE; i++) {
        uint8_t in[SIDE * SIDE] = { 0 };
        float out[9], sum = 0;
        in[i] = 255;
        resize_plane(out, 3, 3, in, SIDE, SIDE, 0, 0, SIDE, SIDE);
        for (int k = 0; k < 9; k++)
            sum += out[k] * SIDE * SIDE / 9;
        cr_assert(sum > 0.5 && sum < 2, "pixel %d: %g", i, sum);
    }
}
