#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/picture.h"
#include "datasets/region.h"
#include "datasets/view_parts.h"

/* A frame of 8 x 6 pixels of three channels. */
enum { H = 8, W = 6, AREA = H * W };

static const struct augment frame = { .c = 3, .h = H, .w = W, .test_resize = 1, .pad = { 0.9f, 0.8f, 0.7f } };
static const struct dataset fake = {
    .name = "fake", .c = 3, .h = H, .w = W, .mean = { 0.1f, 0.2f, 0.3f }, .count = { 100, 100 }
};

static struct view_options options(const char *text)
{
    return (struct view_options){ .text = text, .data = &fake, .frame = &frame, .seed = 7 };
}

static struct masked_view *open_view(struct view_options o)
{
    struct masked_view *v;
    struct err err;
    cr_assert(view_open(&o, &v, &err), "%s", err.text);
    return v;
}

static void mask_of(const struct masked_view *v, enum split split, int64_t image, uint8_t *mask)
{
    struct err err;
    cr_assert(view_mask(v, split, image, NULL, mask, &err), "%s", err.text);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

Test(view, every_form_is_read_and_written_in_one_way)
{
    static const char *const texts[][2] = {
        { "border:3", "border:3" },
        { "ring:3@0", "border:3" },
        { "ring:2@5", "ring:2@5" },
        { "center:0.25", "center:0.25" },
        { "random:25%", "random:0.25" },
        { "segment:.05", "segment:0.05" },
        { "masks:a/b@c/masks.npz", "masks:a/b@c/masks.npz" },
        { "masks:a/b@c/masks.npz@5%", "masks:a/b@c/masks.npz@0.05" },
        { "masks:one.npz,two.npz@0.5", "masks:one.npz,two.npz@0.5" },
        { "mask-only:one.npz", "mask-only:one.npz" },
        { "mask-only:a b.npz@50%", "mask-only:a b.npz@0.5" },
        { "shuffled:one.npz,two.npz@5%", "shuffled:one.npz,two.npz@0.05" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct view_spec s;
        struct err err;
        cr_assert(view_spec_parse(texts[i][0], &s, &err), "%s", err.text);
        char *text = view_spec_text(&s);
        cr_expect_str_eq(text, texts[i][1]);
        free(text);
        view_spec_clear(&s);
    }
}

Test(view, what_is_no_view_is_refused_in_one_line)
{
    static const char *const texts[][2] = {
        { "", "is none of border:W" },
        { "border", "is none of border:W" },
        { "borders:4", "is none of border:W" },
        { "Border:4", "is none of border:W" },
        { ":4", "is none of border:W" },
        { "border:", "whole number of pixels" },
        { "border:0", "whole number of pixels" },
        { "border:-1", "whole number of pixels" },
        { "border:1.5", "whole number of pixels" },
        { "border:4x", "whole number of pixels" },
        { "border:99999999999999999999", "whole number of pixels" },
        { "border:3", "the ring meets itself" }, /* 6 pixels wide */
        { "border:65536", "the ring meets itself" },
        { "ring:1@2", "the ring meets itself" },
        { "ring:1@65536", "the ring meets itself" },
        { "ring:1", "as in ring:2@5" },
        { "ring:@1", "as in ring:2@5" },
        { "ring:1@", "as in ring:2@5" },
        { "ring:1@-1", "as in ring:2@5" },
        { "ring:0@1", "as in ring:2@5" },
        { "center:0", "between 0 and 1" },
        { "center:1", "between 0 and 1" },
        { "center:nan", "between 0 and 1" },
        { "center:inf", "between 0 and 1" },
        { "center:100%", "between 0 and 1" },
        { "center:%", "between 0 and 1" },
        { "center:0.5%%", "between 0 and 1" },
        { "center:-0.5", "between 0 and 1" },
        { "random:1e-300", "between 0 and 1" },
        { "random:0.9999999999999999", "between 0 and 1" },
        { "random:1e-300%", "between 0 and 1" },
        { "random:1e-8", "shows no pixel" },
        { "random:0.01", "shows no pixel" }, /* 0.48 of a pixel */
        { "center:0.999", "hides no pixel" },
        { "segment:0.999999", "hides no pixel" },
        { "masks:", "a file name is empty" },
        { "masks:@5%", "a file name is empty" },
        { "masks:a,", "a file name is empty" },
        { "masks:,a", "a file name is empty" },
        { "masks:a,b,c", "more than two files" },
        { "masks:a@2", "behind '@'" },
        { "masks:a@", "behind '@'" },
        { "masks:a@0%", "behind '@'" },
        { "mask-only:a@x", "behind '@'" },
        { "masks:a\nlearning_rate=9", "no cfg can hold" },
        { "masks:a #b", "no cfg can hold" },
        { "masks:a;b", "no cfg can hold" },
        { "border:1 ", "no cfg can hold" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct view_options o = options(texts[i][0]);
        struct masked_view *v;
        struct err err;
        cr_expect_not(view_open(&o, &v, &err), "%s", texts[i][0]);
        cr_expect(strstr(err.text, texts[i][1]), "%s: %s", texts[i][0], err.text);
        cr_expect(err.status == EXIT_USAGE && !strchr(err.text, '\n') && !v);
    }
}

Test(view, a_text_that_is_too_long_is_refused)
{
    char *text = mem_alloc(10000, 1);
    struct view_options o = options(text);
    struct masked_view *v;
    struct err err;
    memset(text, 'x', 9000);
    memcpy(text, "masks:", 6);
    cr_assert_not(view_open(&o, &v, &err));
    cr_assert(strstr(err.text, "longer than 4000 bytes"), "%s", err.text);
    free(text);
}

Test(view, the_text_names_everything_that_decides_what_is_shown)
{
    struct view_options o = options("ring:1@1");
    struct masked_view *v = open_view(o);
    cr_expect_str_eq(view_text(v), "ring:1@1, hidden: mean, masks move with the picture");
    view_close(v);
    o = options("random:50%");
    o.baseline = BASELINE_BLUR, o.order = MASK_AFTER;
    v = open_view(o);
    cr_expect_str_eq(view_text(v), "random:0.5, seed 7, hidden: blur, masks stay while the picture moves");
    view_close(v);
    o = options("border:1");
    o.baseline = BASELINE_NOISE;
    v = open_view(o);
    cr_expect_str_eq(view_text(v), "border:1, seed 7, hidden: noise, masks move with the picture");
    view_close(v);
    view_close(NULL);
}

/* --- masks -------------------------------------------------------------------------------------------------------- */

Test(view, a_border_is_the_ring_of_region)
{
    uint8_t ring[AREA], mask[AREA];
    for (int width = 1; width <= 2; width++) {
        char *text = mem_format("border:%d", width);
        struct masked_view *v = open_view(options(text));
        region_ring(H, W, width, ring);
        mask_of(v, SPLIT_TRAIN, width, mask);
        cr_expect_arr_eq(mask, ring, AREA);
        view_close(v);
        free(text);
    }
}

Test(view, a_ring_holds_the_pixels_at_its_distance_from_the_edge)
{
    struct masked_view *v = open_view(options("ring:1@1"));
    uint8_t mask[AREA];
    mask_of(v, SPLIT_TEST, 3, mask);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int vertical = y < H - 1 - y ? y : H - 1 - y, horizontal = x < W - 1 - x ? x : W - 1 - x;
            int distance = vertical < horizontal ? vertical : horizontal;
            cr_expect_eq(mask[y * W + x], distance == 1, "(%d,%d)", y, x);
        }
    view_close(v);
}

Test(view, a_centre_is_that_of_region_with_the_rounded_count)
{
    struct masked_view *v = open_view(options("center:0.33"));
    uint8_t centre[AREA], mask[AREA];
    region_centre(H, W, 0, 16, centre); /* 15.84 */
    mask_of(v, SPLIT_TEST, 0, mask);
    cr_assert_arr_eq(mask, centre, AREA);
    view_close(v);
}

Test(view, random_shows_the_rounded_count_of_other_pixels_in_each_image)
{
    static const struct {
        const char *text;
        int shown;
    } cases[] = { { "random:0.05", 2 }, { "random:0.33", 16 }, { "random:0.5", 24 }, { "random:0.98", 47 } };
    uint8_t mask[AREA], other[AREA];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct masked_view *v = open_view(options(cases[i].text));
        mask_of(v, SPLIT_TRAIN, 0, other);
        for (int image = 1; image < 50; image++) {
            mask_of(v, SPLIT_TRAIN, image, mask);
            cr_expect_eq(region_count(mask, AREA), cases[i].shown, "%s", cases[i].text);
            cr_expect(i == 3 || memcmp(mask, other, AREA) != 0);
        }
        view_close(v);
    }
}

Test(view, random_is_keyed_by_seed_split_and_image)
{
    struct view_options o = options("random:0.5");
    struct masked_view *v = open_view(o), *twin = open_view(o);
    uint8_t first[AREA], mask[AREA];
    o.seed = 8;
    struct masked_view *seeded = open_view(o);
    mask_of(v, SPLIT_TRAIN, 5, first);
    mask_of(v, SPLIT_TRAIN, 6, mask);
    mask_of(v, SPLIT_TRAIN, 5, mask);
    cr_expect_arr_eq(mask, first, AREA, "the same image again");
    mask_of(twin, SPLIT_TRAIN, 5, mask);
    cr_expect_arr_eq(mask, first, AREA, "the same image in another program");
    mask_of(v, SPLIT_TEST, 5, mask);
    cr_expect_arr_neq(mask, first, AREA, "another split");
    mask_of(seeded, SPLIT_TRAIN, 5, mask);
    cr_expect_arr_neq(mask, first, AREA, "another seed");
    view_close(v);
    view_close(twin);
    view_close(seeded);
}

Test(view, random_shows_each_pixel_equally_often)
{
    struct masked_view *v = open_view(options("random:0.25"));
    int shown[AREA] = { 0 }, n = 4000;
    uint8_t mask[AREA];
    for (int image = 0; image < n; image++) {
        mask_of(v, SPLIT_TRAIN, image, mask);
        for (int i = 0; i < AREA; i++)
            shown[i] += mask[i];
    }
    for (int i = 0; i < AREA; i++) /* 1000 +- 27.4 standard deviation */
        cr_expect(abs(shown[i] - n / 4) < 140, "pixel %d: %d", i, shown[i]);
    view_close(v);
}

/* --- applying ----------------------------------------------------------------------------------------------------- */

/* Pixel (y,x) of channel c is 48 c + 6 y + x: every value tells where it came from. */
static uint8_t bytes[3 * AREA];
static const struct image8 image = { 3, H, W, bytes };

static void number_pixels(void)
{
    for (int i = 0; i < 3 * AREA; i++)
        bytes[i] = (uint8_t)i;
}

static void show(const struct masked_view *v, const struct augment *a, const struct image8 *in, const struct showing *s,
                 int64_t number, float *whole, float *x)
{
    struct err err;
    size_t n = (size_t)a->c * (size_t)a->h * (size_t)a->w;
    struct placement p = augment_image(a, in, s, x);
    memcpy(whole, x, n * sizeof *x);
    cr_assert(view_apply(v, SPLIT_TRAIN, number, in, &p, x, &err), "%s", err.text);
}

Test(view, hidden_pixels_get_the_baseline_and_shown_ones_stay, .init = number_pixels)
{
    for (int b = BASELINE_MEAN; b <= BASELINE_IMAGE_MEAN; b++) {
        struct view_options o = options("random:0.4");
        float whole[3 * AREA], x[3 * AREA], fill[3 * AREA];
        uint8_t mask[AREA];
        o.baseline = (enum baseline)b;
        struct masked_view *v = open_view(o);
        show(v, &frame, &image, NULL, 11, whole, x);
        mask_of(v, SPLIT_TRAIN, 11, mask);
        baseline_fill(o.baseline, whole, 3, H, W, fake.mean, 7, 11, fill);
        for (int i = 0; i < 3 * AREA; i++)
            cr_expect_eq(x[i], mask[i % AREA] ? whole[i] : fill[i], "%s, float %d", baseline_name(o.baseline), i);
        view_close(v);
    }
}

/* Where the value of output pixel (y,x) comes from under a flip and a shift; false: from outside of the picture. */
static bool source_of(const struct placement *p, int y, int x, int *from)
{
    int sy = y + p->dy, sx = (p->flip ? W - 1 - x : x) + p->dx;
    *from = sy * W + sx;
    return sy >= 0 && sy < H && sx >= 0 && sx < W;
}

Test(view, before_moves_with_the_picture_and_after_does_not, .init = number_pixels)
{
    struct view_options o = options("random:0.02"); /* one pixel */
    struct augment moving = frame;
    moving.flip = true, moving.crop_pad = 3;
    struct masked_view *before = open_view(o);
    o.order = MASK_AFTER;
    struct masked_view *after = open_view(o);
    int seen = 0, moved = 0, lost = 0;
    for (int number = 0; number < 200; number++) {
        struct showing showing = { 2, 0, (uint32_t)number };
        float x[3 * AREA], stayed[3 * AREA];
        uint8_t mask[AREA];
        struct err err;
        struct placement p = augment_image(&moving, &image, &showing, x);
        memcpy(stayed, x, sizeof x);
        cr_assert(view_apply(before, SPLIT_TEST, number, &image, &p, x, &err));
        cr_assert(view_apply(after, SPLIT_TEST, number, &image, &p, stayed, &err));
        mask_of(before, SPLIT_TEST, number, mask);
        cr_assert_eq(region_count(mask, AREA), 1);
        int mark = (int)((uint8_t *)memchr(mask, 1, AREA) - mask), here = -1, from;
        for (int i = 0; i < AREA; i++) {
            bool inside = source_of(&p, i / W, i % W, &from);
            float value = !inside ? 0.9f : from == mark ? (float)mark / 255 : 0.1f;
            cr_expect_eq(x[i], value, "before: image %d, pixel %d", number, i);
            cr_expect_eq(stayed[i], i != mark ? 0.1f : inside ? (float)from / 255 : 0.9f, "after: pixel %d", i);
            here = inside && from == mark ? i : here;
        }
        seen += here >= 0;
        moved += here >= 0 && here != mark;
        lost += here < 0;
    }
    cr_assert(seen > 50 && moved > 40 && lost > 10, "%d seen, %d moved, %d lost", seen, moved, lost);
    view_close(before);
    view_close(after);
}

/* A picture of 16 x 16 whose ring of 4 pixels is black and whose inside is white; only the ring may be seen. */
static float brightest(const char *text, const struct augment *a, const struct image8 *in, enum mask_order order)
{
    struct view_options o = { .text = text, .data = &fake, .frame = a, .baseline = BASELINE_BLACK, .order = order };
    struct masked_view *v = open_view(o);
    float whole[256], x[256], most = 0;
    for (int draw = 0; draw < 200; draw++) {
        struct showing showing = { 3, 0, (uint32_t)draw };
        show(v, a, in, &showing, draw, whole, x);
        for (int i = 0; i < a->h * a->w; i++)
            most = x[i] > most ? x[i] : most;
    }
    view_close(v);
    return most;
}

Test(view, before_hides_the_same_places_under_random_resized_crops)
{
    static uint8_t ring[256];
    struct image8 in = { 1, 16, 16, ring };
    struct augment a = {
        .c = 1, .h = 16, .w = 16, .flip = true, .random_resized_crop = true, .crop_area_min = 0.1f, .test_resize = 1
    };
    for (int i = 0; i < 256; i++)
        ring[i] = i / 16 >= 4 && i / 16 < 12 && i % 16 >= 4 && i % 16 < 12 ? 255 : 0;
    cr_expect_leq(brightest("border:4", &a, &in, MASK_BEFORE), 0.51f, "half of a pixel at most, by interpolation");
    cr_expect_geq(brightest("border:4", &a, &in, MASK_AFTER), 0.99f, "the inside comes under the ring");
    a.h = a.w = 8; /* smaller than the file: the frame's border:2 is the picture's ring of 4 */
    cr_expect_leq(brightest("border:2", &a, &in, MASK_BEFORE), 0.51f);
}

Test(view, what_lies_outside_the_frame_is_hidden)
{
    static uint8_t margin[32 * 32];
    struct image8 in = { 1, 32, 32, margin };
    struct augment a = {
        .c = 1, .h = 16, .w = 16, .random_resized_crop = true, .crop_area_min = 0.3f, .test_resize = 2
    };
    for (int i = 0; i < 32 * 32; i++)
        margin[i] = i / 32 >= 8 && i / 32 < 24 && i % 32 >= 8 && i % 32 < 24 ? 0 : 255;
    cr_expect_leq(brightest("random:0.9", &a, &in, MASK_BEFORE), 0.76f, "three quarters at a corner of the frame");
    cr_expect_geq(brightest("random:0.9", &a, &in, MASK_AFTER), 0.99f);
}

Test(view, without_augmentation_the_order_does_not_matter, .init = number_pixels)
{
    static const char *const texts[] = { "border:1", "ring:1@1", "center:0.3", "random:0.3", "segment:0.3" };
    static uint8_t large[3 * 23 * 31];
    struct image8 files[] = { image, { 3, 23, 31, large } };
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * i * 31 % 251);
    for (size_t i = 0; i < 2 * sizeof texts / sizeof *texts; i++)
        for (int b = BASELINE_MEAN; b <= BASELINE_IMAGE_MEAN; b++) {
            struct view_options o = options(texts[i / 2]);
            float whole[3 * AREA], before[3 * AREA], after[3 * AREA];
            o.baseline = (enum baseline)b;
            struct masked_view *v = open_view(o);
            show(v, &frame, &files[i % 2], NULL, 1, whole, before);
            view_close(v);
            o.order = MASK_AFTER;
            v = open_view(o);
            show(v, &frame, &files[i % 2], NULL, 1, whole, after);
            view_close(v);
            cr_expect_eq(memcmp(before, after, sizeof after), 0, "%s", o.text);
            cr_expect_neq(memcmp(before, whole, sizeof whole), 0, "%s hides something", o.text);
        }
}

/* The second time from memory, beyond the set's images anew: always the mask that view_mask draws. */
Test(view, a_mask_that_is_remembered_is_the_one_that_was_drawn, .init = number_pixels)
{
    struct masked_view *v = open_view(options("random:0.4"));
    struct placement p = augment_test_placement(&frame, H, W);
    float x[3 * AREA], whole[3 * AREA];
    uint8_t mask[AREA];
    struct err err;
    augment_image(&frame, &image, NULL, whole);
    for (int i = 0; i < 2 * 2 * 102; i++) {
        enum split split = i / 2 % 2 ? SPLIT_TEST : SPLIT_TRAIN;
        int64_t number = i / 4;
        memcpy(x, whole, sizeof x);
        cr_assert(view_apply(v, split, number, &image, &p, x, &err));
        mask_of(v, split, number, mask);
        for (int k = 0; k < 3 * AREA; k++)
            cr_assert_eq(x[k], mask[k % AREA] ? whole[k] : fake.mean[k / AREA], "image %d, pixel %d", i, k);
    }
    view_close(v);
}

Test(view, a_grey_set_under_a_colour_network_has_its_mean_in_every_channel)
{
    struct dataset grey = { .name = "grey", .c = 1, .h = H, .w = W, .mean = { 0.4f } };
    struct view_options o = options("border:1");
    float whole[3 * AREA], x[3 * AREA];
    o.data = &grey;
    struct masked_view *v = open_view(o);
    show(v, &frame, &image, NULL, 0, whole, x);
    for (int c = 0; c < 3; c++)
        cr_expect_eq(x[c * AREA + 3 * W + 3], 0.4f);
    view_close(v);
}
