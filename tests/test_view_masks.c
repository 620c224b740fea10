/* The masks of `validate sis` as a view. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/loader.h"
#include "datasets/region.h"
#include "tests/data_fixture.h"
#include "tests/masks_fixture.h"

TestSuite(view_masks, .init = masks_make, .fini = fixture_clean_up);

/* --- what is shown ------------------------------------------------------------------------------------------------ */

Test(view_masks, without_a_share_the_highest_threshold_counts)
{
    struct masked_view *v = masks_open(masks_all("a"));
    uint8_t out[AREA];
    struct err err;
    cr_assert(view_mask(v, SPLIT_TEST, 3, NULL, out, &err), "%s", err.text);
    cr_expect_arr_eq(out, masks.mask + AREA, AREA);
    cr_expect_eq(region_count(out, AREA), 3);
    cr_assert(view_mask(v, SPLIT_TEST, 8, NULL, out, &err), "%s", err.text);
    cr_expect_arr_eq(out, masks.mask + 3 * AREA, AREA);
    cr_expect_eq(region_count(out, AREA), 5);
    view_close(v);
}

Test(view_masks, with_a_share_the_pixels_removed_last)
{
    static const struct {
        const char *share;
        int shown;
    } cases[] = { { "5%", 1 },    { "0.05", 1 }, { "0.0501", 2 }, { "10%", 2 },
                  { "0.001", 1 }, { "15%", 3 },  { "0.95", 19 } };
    const char *path = masks_write("a");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct masked_view *v = masks_open(mem_format("masks:%s@%s", path, cases[i].share));
        uint8_t out[AREA];
        struct err err;
        cr_assert(view_mask(v, SPLIT_TEST, 3, NULL, out, &err), "%s", err.text);
        for (int k = 0; k < AREA; k++)
            cr_expect_eq(out[k], k >= AREA - cases[i].shown, "%s, pixel %d", cases[i].share, k);
        cr_assert(view_mask(v, SPLIT_TEST, 8, NULL, out, &err), "%s", err.text);
        for (int k = 0; k < AREA; k++)
            cr_expect_eq(out[k], k < cases[i].shown, "%s, pixel %d", cases[i].share, k);
        view_close(v);
    }
}

Test(view_masks, orders_of_large_pictures_have_wide_numbers)
{
    enum { LARGE = 300 * 300 };
    uint32_t *wide = mem_alloc(2 * LARGE, sizeof *wide);
    uint8_t *out = mem_alloc(LARGE, 1);
    struct augment large = { .c = 1, .h = 300, .w = 300, .test_resize = 1 };
    struct masked_view *v;
    struct err err;
    for (int i = 0; i < 2 * LARGE; i++)
        wide[i] = (uint32_t)(LARGE - 1 - i % LARGE);
    masks.arrays[1] = (struct npz_array){ "order", NPZ_U32, 2, { N, LARGE }, wide };
    masks_set_identity(masks_identity("test", masks_hash, 300, 300));
    char *text = mem_format("masks:%s@0.5", masks_write("a"));
    struct view_options o = { .text = text, .data = &masks_data, .frame = &large };
    cr_assert(view_open(&o, &v, &err), "%s", err.text);
    cr_assert(view_mask(v, SPLIT_TEST, 8, NULL, out, &err));
    cr_expect(region_count(out, LARGE) == LARGE / 2 && out[0] && !out[LARGE - 1]);
    view_close(v);
    free(text);
    free(wide);
    free(out);
}

Test(view_masks, mask_only_shows_places_in_white)
{
    struct image8 in = { 1, H, W, (uint8_t[AREA]){ 0 } };
    struct placement p = augment_test_placement(&masks_frame, H, W);
    float x[AREA] = { 0 };
    struct err err;
    struct masked_view *v = masks_open(mem_format("mask-only:%s@15%%", masks_write("a")));
    cr_assert(view_apply(v, SPLIT_TEST, 3, &in, &p, x, &err), "%s", err.text);
    for (int k = 0; k < AREA; k++)
        cr_expect_eq(x[k], k >= AREA - 3 ? 1.0f : 0.5f);
    view_close(v);
}

/* --- dealt out anew ----------------------------------------------------------------------------------------------- */

static const struct augment colours = { .c = 3, .h = H, .w = W, .test_resize = 1, .pad = { 0.9f, 0.9f, 0.9f } };
enum { COLOURS = 3 * AREA, SHOWN = AREA / 2, OWN_SEED = 7, OTHER_SEED = 8 };

/* A picture in which every value is another one, and the best half of image 3's pixels dealt out. */
static struct image8 counting(void)
{
    static uint8_t bytes[COLOURS];
    for (int i = 0; i < COLOURS; i++)
        bytes[i] = (uint8_t)(4 * i + 1);
    return (struct image8){ 3, H, W, bytes };
}

static void deal(const char *view, enum mask_order order_of_masks, uint64_t seed, const struct placement *p, float *x)
{
    struct image8 in = counting();
    char *text = mem_format("%s@50%%", view);
    struct view_options o = { text, &masks_data, &colours, BASELINE_MEAN, order_of_masks, seed };
    struct masked_view *v;
    struct err err;
    cr_assert(view_open(&o, &v, &err), "%s", err.text);
    cr_assert(view_apply(v, SPLIT_TEST, 3, &in, p, x, &err), "%s", err.text);
    view_close(v);
    free(text);
}

/* The picture itself in x, dealt out in y. */
static void deal_plain(const char *view, uint64_t seed, float *x, float *y)
{
    struct image8 in = counting();
    struct placement p = augment_image(&colours, &in, NULL, x);
    memcpy(y, x, COLOURS * sizeof *x);
    deal(view, MASK_BEFORE, seed, &p, y);
}

static char *shuffled_view(void)
{
    return mem_format("shuffled:%s", masks_write("a"));
}

/* Where the colour of y's pixel k stands among the last pixels of x; -1: nowhere. */
static int find_colour(const float *x, const float *y, int k)
{
    for (int i = AREA - SHOWN; i < AREA; i++)
        if (x[i] == y[k] && x[AREA + i] == y[AREA + k] && x[2 * AREA + i] == y[2 * AREA + k])
            return i;
    return -1;
}

Test(view_masks, shuffled_deals_whole_colours_out_among_the_places)
{
    char *view = shuffled_view();
    float x[COLOURS], y[COLOURS];
    int used[AREA] = { 0 }, moved = 0;
    deal_plain(view, OWN_SEED, x, y);
    for (int k = 0; k < AREA; k++) {
        int from = k < AREA - SHOWN ? -1 : find_colour(x, y, k);
        if (k < AREA - SHOWN) {
            cr_expect(y[k] == 0.5f && y[AREA + k] == 0.5f && y[2 * AREA + k] == 0.5f, "pixel %d is hidden", k);
            continue;
        }
        cr_assert_geq(from, 0, "pixel %d has a colour that none of the places had", k);
        cr_expect_eq(used[from]++, 0, "the colour of pixel %d comes twice", from);
        moved += from != k;
    }
    cr_assert_gt(moved, SHOWN / 2);
    free(view);
}

Test(view_masks, shuffled_is_keyed_by_the_seed_and_says_so)
{
    char *view = shuffled_view();
    float x[COLOURS], y[COLOURS], again[COLOURS], other[COLOURS];
    deal_plain(view, OWN_SEED, x, y);
    deal_plain(view, OWN_SEED, x, again);
    deal_plain(view, OTHER_SEED, x, other);
    cr_expect_eq(memcmp(y, again, sizeof y), 0);
    cr_expect_neq(memcmp(y, other, sizeof y), 0);
    struct masked_view *v = masks_open(mem_format("%s@50%%", view));
    cr_expect(strstr(view_text(v), ", seed 0, "), "%s", view_text(v));
    view_close(v);
    free(view);
}

Test(view_masks, before_moves_the_picture_that_was_dealt_out)
{
    char *view = shuffled_view();
    float x[COLOURS], y[COLOURS], moved[COLOURS];
    struct image8 in = counting();
    struct augment a = colours;
    a.flip = true, a.crop_pad = 2;
    deal_plain(view, OWN_SEED, x, y);
    for (uint32_t draw = 0; draw < 50; draw++) {
        struct showing showing = { 1, draw, 3 };
        struct placement p = augment_image(&a, &in, &showing, moved);
        deal(view, MASK_BEFORE, OWN_SEED, &p, moved);
        for (int i = 0; i < COLOURS; i++) {
            int row = i % AREA / W + p.dy, column = (p.flip ? W - 1 - i % W : i % W) + p.dx;
            bool inside = row >= 0 && row < H && column >= 0 && column < W;
            cr_assert_eq(moved[i], inside ? y[i / AREA * AREA + row * W + column] : 0.9f, "draw %u, float %d", draw, i);
        }
    }
    free(view);
}

Test(view_masks, after_deals_out_what_comes_under_the_mask)
{
    char *view = shuffled_view();
    float x[COLOURS], y[COLOURS];
    struct image8 in = counting();
    struct augment a = colours;
    struct showing showing = { 1, 1, 3 };
    a.crop_pad = 2;
    struct placement p = augment_image(&a, &in, &showing, x);
    cr_assert(p.dx || p.dy, "this showing moves nothing; choose another");
    memcpy(y, x, sizeof y);
    deal(view, MASK_AFTER, OWN_SEED, &p, y);
    for (int k = AREA - SHOWN; k < AREA; k++)
        cr_expect_geq(find_colour(x, y, k), 0, "pixel %d has a colour that was not under the mask", k);
    for (int k = 0; k < AREA - SHOWN; k++)
        cr_expect_eq(y[k], 0.5f, "pixel %d is hidden", k);
    cr_expect_neq(memcmp(x + AREA - SHOWN, y + AREA - SHOWN, SHOWN * sizeof *x), 0);
    free(view);
}

Test(view_masks, each_split_has_its_file)
{
    const char *test = masks_write("test");
    masks_set_identity(masks_identity("train", masks_hash, H, W));
    masks.image[0] = 4;
    const char *train = masks_write("train");
    char *text = mem_format("masks:%s,%s", test, train);
    struct masked_view *v = masks_open(mem_string(text));
    struct err err;
    cr_expect(view_covers(v, SPLIT_TEST, 3, &err) && view_covers(v, SPLIT_TRAIN, 4, &err));
    cr_expect_not(view_covers(v, SPLIT_TEST, 4, &err));
    cr_expect(strstr(err.text, "no mask of image 4 of the test split"), "%s", err.text);
    cr_expect_not(view_covers(v, SPLIT_TRAIN, 3, &err));
    cr_expect(strstr(view_text(v), "train masks") && strstr(view_text(v), "test masks"), "%s", view_text(v));
    view_close(v);
    free(text);
}

Test(view_masks, the_text_tells_files_by_their_content)
{
    char *text = masks_all("a");
    struct masked_view *v = masks_open(mem_string(text));
    char *before = mem_string(view_text(v));
    view_close(v);
    masks.order[0] = 1, masks.order[1] = 0;
    masks_write("a");
    v = masks_open(mem_string(text));
    cr_expect_str_neq(view_text(v), before);
    view_close(v);
    free(before);
    free(text);
}
