#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/picture.h"

enum { SIDE = 12, FLOATS = 3 * SIDE * SIDE };

static int fake_label(const struct dataset *ds, enum split split, int64_t i)
{
    (void)ds, (void)split, (void)i;
    return 0;
}

/* Image i of a split is as large as i says; image 9 cannot be read. */
static bool fake_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    (void)ds;
    int h = SIDE + (int)i, w = SIDE + 2 * (int)i;
    if (i == 9)
        return err_run(err, "image 9 is broken");
    *out = (struct image8){ 3, h, w, mem_alloc(3 * (size_t)h * (size_t)w, 1) };
    for (int k = 0; k < 3 * h * w; k++)
        out->pixels[k] = (uint8_t)(k * 7 + k / 5 * (int)i + 100 * (split == SPLIT_TEST));
    return true;
}

static const struct dataset fake = { .name = "fake",
                                     .c = 3,
                                     .h = SIDE,
                                     .w = SIDE,
                                     .mean = { 0.1f, 0.2f, 0.3f },
                                     .count = { 10, 10 },
                                     .label = fake_label,
                                     .read = fake_read };

static void read_by_hand(enum split split, int64_t i, const struct augment *a, const struct showing *s, float *x)
{
    struct image8 image;
    struct err err;
    cr_assert(fake_read(&fake, split, i, &image, &err));
    augment_image(a, &image, s, x);
    free(image.pixels);
}

Test(picture, the_geometry_of_a_set_is_its_shape_without_margin)
{
    struct augment a = picture_geometry(&fake);
    cr_assert(a.c == 3 && a.h == SIDE && a.w == SIDE && a.test_resize == 1 && a.pad[2] == 0.3f && !a.flip &&
              !a.crop_pad && !a.random_resized_crop);
}

Test(picture, is_the_augmented_image)
{
    struct augment a = picture_geometry(&fake);
    float x[FLOATS], y[FLOATS];
    struct err err;
    a.flip = a.random_resized_crop = true, a.crop_pad = 2, a.crop_area_min = 0.2f;
    for (int64_t i = 0; i < 9; i++)
        for (int split = 0; split < 2; split++) {
            struct showing showing = { 1, 0, (uint32_t)i };
            cr_assert(picture_read(&fake, (enum split)split, i, &a, NULL, NULL, x, &err));
            read_by_hand((enum split)split, i, &a, NULL, y);
            cr_expect_eq(memcmp(x, y, sizeof x), 0);
            cr_assert(picture_read(&fake, (enum split)split, i, &a, NULL, &showing, x, &err));
            read_by_hand((enum split)split, i, &a, &showing, y);
            cr_expect_eq(memcmp(x, y, sizeof x), 0);
        }
}

Test(picture, shows_what_the_view_shows)
{
    struct augment a = picture_geometry(&fake);
    struct view_options o = { .text = "border:2", .data = &fake, .frame = &a };
    struct masked_view *view;
    float x[FLOATS], whole[FLOATS];
    struct err err;
    cr_assert(view_open(&o, &view, &err), "%s", err.text);
    cr_assert(picture_read(&fake, SPLIT_TEST, 4, &a, view, NULL, x, &err));
    read_by_hand(SPLIT_TEST, 4, &a, NULL, whole);
    for (int i = 0; i < FLOATS; i++) {
        int y = i % (SIDE * SIDE) / SIDE, column = i % SIDE;
        bool border = y < 2 || y >= SIDE - 2 || column < 2 || column >= SIDE - 2;
        cr_expect_eq(x[i], border ? whole[i] : fake.mean[i / (SIDE * SIDE)]);
    }
    view_close(view);
}

Test(picture, an_image_that_cannot_be_read_says_why)
{
    struct augment a = picture_geometry(&fake);
    float x[FLOATS];
    struct err err;
    cr_assert_not(picture_read(&fake, SPLIT_TEST, 9, &a, NULL, NULL, x, &err));
    cr_assert_str_eq(err.text, "image 9 is broken");
}
