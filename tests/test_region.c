#include "datasets/region.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MOST = 32 * 32 };

/* mask[h*w] drawn as text, one row after the other. */
static void expect_mask(const uint8_t *mask, int h, int w, const char *drawing)
{
    for (int i = 0; i < h * w; i++)
        cr_expect(mask[i] == (drawing[i] == '#'), "pixel %d,%d", i / w, i % w);
}

Test(region, ring_of_one_pixel)
{
    uint8_t mask[4 * 5];
    cr_expect(region_ring(4, 5, 1, mask) == 14);
    expect_mask(mask, 4, 5,
                "#####"
                "#...#"
                "#...#"
                "#####");
}

Test(region, ring_has_the_area_of_the_difference_of_two_rectangles)
{
    uint8_t mask[MOST];
    cr_expect(region_ring(32, 32, 1, mask) == 124);
    cr_expect(region_ring(32, 32, 4, mask) == 1024 - 24 * 24);
    cr_expect(region_count(mask, MOST) == 1024 - 24 * 24);
    cr_expect(region_ring(4, 4, 2, mask) == 16, "a wide ring is the whole picture");
}

Test(region, ring_fits_while_it_leaves_half_of_the_picture)
{
    cr_expect(region_ring_fits(32, 32, 4)); /* 448 of 1024 */
    cr_expect(!region_ring_fits(32, 32, 5));
    cr_expect(region_ring_fits(8, 8, 1)); /* 28 of 64 */
    cr_expect(!region_ring_fits(8, 8, 0));
    cr_expect(!region_ring_fits(8, 8, -1));
    cr_expect(!region_ring_fits(32, 32, 30), "two negative sides are no room");
    cr_expect(!region_ring_fits(32, 32, 2147483647));
}

Test(region, centre_is_a_square_where_it_can_be)
{
    uint8_t mask[6 * 6];
    region_centre(6, 6, 1, 4, mask);
    expect_mask(mask, 6, 6,
                "......"
                "......"
                "..##.."
                "..##.."
                "......"
                "......");
}

Test(region, centre_has_exactly_as_many_pixels_as_the_ring_and_none_of_them)
{
    static const int size[][3] = {
        { 32, 32, 1 }, { 32, 32, 2 }, { 32, 32, 4 }, { 8, 8, 1 }, { 16, 64, 2 }, { 7, 9, 1 }
    };
    uint8_t ring[MOST], centre[MOST];
    for (size_t k = 0; k < sizeof size / sizeof *size; k++) {
        int h = size[k][0], w = size[k][1], width = size[k][2], area = region_ring(h, w, width, ring);
        cr_assert(region_ring_fits(h, w, width));
        region_centre(h, w, width, area, centre);
        cr_expect(region_count(centre, h * w) == area, "%d x %d, ring %d", w, h, width);
        cr_expect(region_overlap(ring, centre, h * w) == 0, "%d x %d, ring %d", w, h, width);
    }
}

Test(region, centre_of_no_pixels_is_empty)
{
    uint8_t mask[16] = { 1 };
    region_centre(4, 4, 1, 0, mask);
    cr_expect(region_count(mask, 16) == 0);
}

Test(region, draw_takes_exactly_m_of_the_pool)
{
    uint8_t pool[64], mask[64];
    region_ring(8, 8, 1, pool);
    for (int m = 0; m <= 28; m++) {
        struct rng r = rng_stream(1, RNG_TEST, 0, (uint32_t)m);
        memset(mask, 0, sizeof mask);
        region_draw(pool, 64, m, &r, mask);
        cr_expect(region_count(mask, 64) == m);
        cr_expect(region_overlap(mask, pool, 64) == m);
    }
}

Test(region, draw_is_keyed_by_the_stream)
{
    uint8_t a[64] = { 0 }, b[64] = { 0 }, c[64] = { 0 };
    struct rng r = rng_stream(1, RNG_TEST, 0, 0), same = r, other = rng_stream(1, RNG_TEST, 0, 1);
    region_draw(NULL, 64, 20, &r, a);
    region_draw(NULL, 64, 20, &same, b);
    region_draw(NULL, 64, 20, &other, c);
    cr_expect(memcmp(a, b, 64) == 0);
    cr_expect(memcmp(a, c, 64) != 0);
}

/* 20 of 64, drawn 4,000 times: each pixel is in 1,250 draws, give or take 29 (one standard deviation). */
Test(region, draw_favours_no_pixel)
{
    int count[64] = { 0 };
    for (int draw = 0; draw < 4000; draw++) {
        uint8_t mask[64] = { 0 };
        struct rng r = rng_stream(2, RNG_TEST, 0, (uint32_t)draw);
        region_draw(NULL, 64, 20, &r, mask);
        for (int i = 0; i < 64; i++)
            count[i] += mask[i];
    }
    for (int i = 0; i < 64; i++)
        cr_expect(count[i] > 1250 - 5 * 29 && count[i] < 1250 + 5 * 29, "pixel %d: %d", i, count[i]);
}

Test(region, dilation_adds_the_eight_neighbours)
{
    uint8_t mask[25] = { 0 }, out[25];
    mask[2 * 5 + 2] = 1;
    region_dilate(mask, 5, 5, out);
    expect_mask(out, 5, 5,
                "....."
                ".###."
                ".###."
                ".###."
                ".....");
}

Test(region, dilation_stays_inside_the_picture)
{
    uint8_t mask[20] = { 0 }, out[20];
    mask[0] = mask[19] = 1;
    region_dilate(mask, 4, 5, out);
    expect_mask(out, 4, 5,
                "##..."
                "##..."
                "...##"
                "...##");
}

Test(region, ratio_of_evenly_spread_pixels_is_one)
{
    cr_expect(fabs(region_ratio(28, 64, 28, 64) - 1) <= 1e-12);
    cr_expect(fabs(region_ratio(10, 10, 28, 64) - 64.0 / 28) <= 1e-12);
    cr_expect(fabs(region_ratio(0, 10, 28, 64)) <= 0);
}
