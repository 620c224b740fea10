/* Superpixels of a picture, and the view that shows some of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "datasets/picture.h"
#include "datasets/region.h"
#include "datasets/view_parts.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE };

/* Colour of cell (row, column) in an 8 x 8 pattern: far from those of its neighbours. */
static float cell_colour(int channel, int row, int column)
{
    return (float)((row * 3 + column * 5 + channel * (row + 2 * column)) % 7) / 6;
}

/* Thirty draws of share 0.3 show whole cells of the 8 x 8 grid: the smallest multiple of 16 pixels from 307.2 on. */
static void expect_whole_cells(const float *x)
{
    uint8_t mask[PIXELS];
    for (int draw = 0; draw < 30; draw++) {
        struct rng r = rng_stream(1, RNG_TEST, 0, (uint32_t)draw);
        view_segment(x, 3, SIDE, SIDE, 0.3, &r, mask);
        cr_expect_eq(region_count(mask, PIXELS), 320);
        for (int i = 0; i < PIXELS; i++)
            cr_expect_eq(mask[i], mask[i / SIDE / 4 * 4 * SIDE + i % SIDE / 4 * 4]);
    }
}

Test(view_segment, segments_are_the_parts_of_equal_colour)
{
    static float x[3 * PIXELS];
    for (int i = 0; i < 3 * PIXELS; i++)
        x[i] = cell_colour(i / PIXELS, i % PIXELS / SIDE / 4, i % SIDE / 4);
    expect_whole_cells(x);
}

Test(view_segment, without_colours_segments_are_the_cells_of_the_grid)
{
    static float x[3 * PIXELS];
    for (int i = 0; i < 3 * PIXELS; i++)
        x[i] = 0.4f;
    expect_whole_cells(x);
}

Test(view_segment, segments_follow_an_edge_that_the_grid_does_not)
{
    static float x[PIXELS];
    static int apart[SIDE], together[SIDE];
    uint8_t mask[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        x[i] = i % SIDE < 13;
    for (int draw = 0; draw < 300; draw++) {
        struct rng r = rng_stream(1, RNG_TEST, 1, (uint32_t)draw);
        view_segment(x, 1, SIDE, SIDE, 0.5, &r, mask);
        for (int y = 0; y < SIDE; y++) {
            apart[y] += mask[y * SIDE + 12] != mask[y * SIDE + 13];
            together[y] += mask[y * SIDE + 13] != mask[y * SIDE + 14];
        }
    }
    for (int y = 0; y < SIDE; y++) {
        cr_expect_gt(apart[y], 75, "12 and 13 belong to one cell of the grid, but not to one segment: row %d", y);
        cr_expect_eq(together[y], 0, "row %d", y);
    }
}

Test(view_segment, a_flat_or_tiny_picture_has_segments_too)
{
    static const int sides[][2] = { { 2, 2 }, { 1, 4 }, { 4, 1 }, { 3, 50 }, { 32, 32 }, { 1, 300 } };
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        int h = sides[i][0], w = sides[i][1];
        float *x = mem_alloc((size_t)h * (size_t)w, sizeof *x);
        uint8_t *mask = mem_alloc((size_t)h * (size_t)w, 1);
        for (int percent = 1; percent < 100; percent += 14) {
            struct rng r = rng_stream(1, RNG_TEST, 2, (uint32_t)percent);
            view_segment(x, 1, h, w, percent / 100.0, &r, mask);
            int shown = region_count(mask, h * w);
            cr_expect(shown >= 1 && shown < h * w, "%d x %d at %d %%: %d", h, w, percent, shown);
        }
        free(x);
        free(mask);
    }
}

/* Image 4 as the view shows it. A view of its own, which remembers nothing. */
static struct placement show(const struct augment *a, const struct image8 *in, const struct showing *s, float *x)
{
    const struct dataset fake = { .name = "fake", .c = 3, .h = SIDE, .w = SIDE, .count = { 100, 100 } };
    struct view_options o = { .text = "segment:0.3", .data = &fake, .frame = a, .baseline = BASELINE_BLACK };
    struct masked_view *v;
    struct err err;
    cr_assert(view_open(&o, &v, &err), "%s", err.text);
    struct placement p = augment_image(a, in, s, x);
    cr_assert(view_apply(v, SPLIT_TRAIN, 4, in, &p, x, &err), "%s", err.text);
    view_close(v);
    return p;
}

Test(view_segment, segments_belong_to_the_picture_not_to_its_crop)
{
    static uint8_t cells[3 * PIXELS];
    static float plain[3 * PIXELS], x[3 * PIXELS];
    struct image8 in = { 3, SIDE, SIDE, cells };
    struct augment a = { .c = 3, .h = SIDE, .w = SIDE, .flip = true, .crop_pad = 4, .test_resize = 1 };
    for (int i = 0; i < 3 * PIXELS; i++)
        cells[i] = (uint8_t)(40 + lroundf(200 * cell_colour(i / PIXELS, i % PIXELS / SIDE / 4, i % SIDE / 4)));
    show(&a, &in, NULL, plain);
    for (int draw = 0; draw < 20; draw++) {
        struct showing showing = { 4, 0, (uint32_t)draw };
        struct placement p = show(&a, &in, &showing, x);
        for (int i = 0; i < PIXELS; i++) {
            int sy = i / SIDE + p.dy, sx = (p.flip ? SIDE - 1 - i % SIDE : i % SIDE) + p.dx;
            if (sy >= 0 && sy < SIDE && sx >= 0 && sx < SIDE)
                cr_assert_eq(x[i], plain[sy * SIDE + sx]);
        }
    }
}
