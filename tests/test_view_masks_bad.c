/* Masks of `validate sis` that no view accepts. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/loader.h"
#include "tests/data_fixture.h"
#include "tests/masks_fixture.h"

TestSuite(view_masks_bad, .init = masks_make, .fini = fixture_clean_up);

Test(view_masks_bad, an_image_without_a_mask_is_named)
{
    masks.size[1] = -1;
    memset(masks.mask + AREA, 0, AREA);
    struct masked_view *v = masks_open(masks_all("a"));
    uint8_t out[AREA];
    struct err err;
    cr_expect_not(view_mask(v, SPLIT_TEST, 3, NULL, out, &err));
    cr_expect(strstr(err.text, "image 3 of the test split does not reach the highest threshold"), "%s", err.text);
    cr_expect_not(view_mask(v, SPLIT_TEST, 5, NULL, out, &err));
    cr_expect(strstr(err.text, "has no mask of image 5"), "%s", err.text);
    cr_expect_not(view_mask(v, SPLIT_TRAIN, 8, NULL, out, &err));
    cr_expect(strstr(err.text, "no masks of the train split"), "%s", err.text);
    cr_expect(view_mask(v, SPLIT_TEST, 8, NULL, out, &err));
    view_close(v);
}

Test(view_masks_bad, a_run_does_not_begin_when_an_image_has_no_mask)
{
    struct masked_view *v = masks_open(masks_all("a"));
    struct loader_options o = { .dataset = &masks_data,
                                .split = SPLIT_TEST,
                                .augment = masks_frame,
                                .view = v,
                                .batch = 2,
                                .threads = 1,
                                .ahead = 1 };
    struct loader *l;
    struct err err;
    cr_expect_not(loader_open(&o, &l, &err));
    cr_expect(strstr(err.text, "no mask of image 0 of the test split"), "%s", err.text);
    o.split = SPLIT_TRAIN;
    cr_expect_not(loader_open(&o, &l, &err));
    cr_expect(strstr(err.text, "no masks of the train split"), "%s", err.text);
    view_close(v);
}

Test(view_masks_bad, masks_of_something_else_are_refused)
{
    masks_set_identity(
        masks_identity("test", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", H, W));
    masks_expect_refused(masks_all("a"), EXIT_USAGE, "made of another data set");
    masks_set_identity(masks_identity("test", masks_hash, W, H));
    masks_expect_refused(masks_all("b"), EXIT_USAGE, "has masks of 5 x 4 pixels, but the pictures here have 4 x 5");
    masks_set_identity(masks_identity("test", masks_hash, H, W));
    const char *path = masks_write("c");
    masks_expect_refused(mem_format("masks:%s,%s", path, path), EXIT_USAGE,
                         "masks of the test split, as the file before");
    masks_expect_refused(mem_format("masks:%s@0.96", path), EXIT_USAGE, "hides none");
    masks_expect_refused(mem_string("masks:/no/such/masks.npz"), EXIT_CANNOT_RUN, "/no/such/masks.npz: cannot be read");
}

Test(view_masks_bad, a_damaged_identity_is_refused)
{
    static const char *const texts[][2] = {
        { "", "sis.json" },
        { "[]", "is not as validate sis writes it" },
        { "{}", "is not as validate sis writes it" },
        { "{\"schema\": \"marginalia/sis\", \"version\": 2}", "is not as validate sis writes it" },
        { "{\"schema\": 3, \"version\": 1, \"data_sha256\": [], \"height\": \"x\"}", "is not as validate sis writes" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        masks_set_identity(mem_string(texts[i][0]));
        masks_expect_refused(masks_all("a"), EXIT_CANNOT_RUN, texts[i][1]);
    }
    masks_set_identity(masks_identity("validation", masks_hash, H, W));
    masks_expect_refused(masks_all("a"), EXIT_CANNOT_RUN, "split is neither test nor train");
    const char *path = masks_write("b");
    cr_assert_eq(remove(fixture_path("b/sis.json")), 0);
    masks_expect_refused(mem_format("masks:%s", path), EXIT_CANNOT_RUN, "sis.json: cannot be read");
}

Test(view_masks_bad, every_cut_of_the_file_is_refused)
{
    struct err err;
    char *text = masks_all("a"), *bytes;
    size_t n;
    cr_assert(file_read(text + 6, 1 << 20, &bytes, &n, &err), "%s", err.text);
    for (size_t cut = 0; cut < n; cut += 1 + n / 150) {
        fixture_write("a/masks.npz", bytes, cut);
        masks_expect_refused(mem_string(text), EXIT_CANNOT_RUN, "masks.npz");
    }
    free(bytes);
    free(text);
}

/* One change of the arrays that masks_make made, and the refusal. `share`: read by the order, not by the masks. */
struct damage {
    void (*make)(void);
    const char *share, *part;
};

static void fall(void)
{
    masks.image[1] = 3;
}

static void go_negative(void)
{
    masks.image[0] = -1;
}

static void lose_images(void)
{
    for (int i = 0; i < 4; i++)
        masks.arrays[i].shape[0] = 0;
}

static void lose_a_mask(void)
{
    masks.arrays[3].shape[0] = 1;
}

static void turn_masks(void)
{
    masks.arrays[3].shape[2] = W, masks.arrays[3].shape[3] = H;
}

static void lose_a_threshold(void)
{
    masks.arrays[2].shape[1] = 1;
}

static void grow_a_mask(void)
{
    masks.mask[AREA] = 1;
}

static void lie_about_size(void)
{
    masks.size[3] = INT64_MAX;
}

static void rename_order(void)
{
    snprintf(masks.arrays[1].name, sizeof masks.arrays[1].name, "disorder");
}

static void widen_order(void)
{
    masks.arrays[1] = (struct npz_array){ "order", NPZ_U32, 2, { N, AREA / 2 }, masks.order };
}

static void shorten_order(void)
{
    masks.arrays[1].shape[1] = AREA - 1;
}

static void repeat_a_pixel(void)
{
    masks.order[AREA - 2] = AREA - 1;
}

static void leave_the_picture(void)
{
    masks.order[2 * AREA - 1] = AREA;
}

Test(view_masks_bad, contradictions_within_the_file_are_refused)
{
    static const struct damage damages[] = {
        { fall, "", "its images do not rise" },
        { go_negative, "", "its images do not rise" },
        { lose_images, "", "has no images" },
        { lose_a_mask, "", "do not fit together" },
        { turn_masks, "", "do not fit together" },
        { lose_a_threshold, "", "do not fit together" },
        { grow_a_mask, "", "contradict each other" },
        { lie_about_size, "", "contradict each other" },
        { rename_order, "@10%", "order" },
        { widen_order, "@10%", "order" },
        { shorten_order, "@10%", "do not fit together" },
        { repeat_a_pixel, "@10%", "names a pixel twice" },
        { leave_the_picture, "@10%", "outside of the picture" },
    };
    fixture_clean_up();
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        memset(masks.mask, 0, sizeof masks.mask);
        masks_make();
        damages[i].make();
        char *text = masks_all("a");
        masks_expect_refused(mem_format("%s%s", text, damages[i].share), EXIT_CANNOT_RUN, damages[i].part);
        free(text);
        if (i + 1 < sizeof damages / sizeof *damages)
            fixture_clean_up();
    }
}
