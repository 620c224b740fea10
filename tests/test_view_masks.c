/* The masks of `validate sis` as a view. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/npz.h"
#include "datasets/loader.h"
#include "datasets/region.h"
#include "tests/data_fixture.h"

/* Two images, 3 and 8, of 4 x 5 pixels; two thresholds. The order of image 3 counts up, that of image 8 down. */
enum { N = 2, T = 2, H = 4, W = 5, AREA = H * W };

static const char own_hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static bool fake_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    (void)ds, (void)err;
    memcpy(hex, own_hash, SHA256_HEX);
    return true;
}

static const struct dataset fake = {
    .name = "fake", .c = 1, .h = H, .w = W, .mean = { 0.5f }, .count = { 10, 10 }, .hash = fake_hash
};
static const struct augment frame = { .c = 1, .h = H, .w = W, .test_resize = 1 };

/* What a results directory holds; tests damage it before it is written. */
static int64_t image[N], size[N * T];
static uint16_t order[N * AREA];
static uint8_t mask[N * T * AREA];
static struct npz_array arrays[4];
static char *identity;

static void set_identity(char *text)
{
    free(identity);
    identity = text;
}

static char *identity_text(const char *split, const char *hash, int h, int w)
{
    return mem_format("{\"schema\": \"marginalia/sis\", \"version\": 1, \"data_sha256\": \"%s\", \"split\": \"%s\", "
                      "\"height\": %d, \"width\": %d}",
                      hash, split, h, w);
}

/* The lower threshold keeps 1 and 2 pixels, the higher one 3 and 5. */
static void make_results(void)
{
    fixture_set_up();
    static const int64_t sizes[N * T] = { 1, 3, 2, 5 };
    memcpy(size, sizes, sizeof size);
    image[0] = 3, image[1] = 8;
    for (int i = 0; i < N * AREA; i++)
        order[i] = (uint16_t)(i < AREA ? i : 2 * AREA - 1 - i);
    for (int i = 0; i < N * T; i++)
        for (int k = 0; k < size[i]; k++)
            mask[i * AREA + order[i / T * AREA + AREA - 1 - k]] = 1;
    arrays[0] = (struct npz_array){ "image", NPZ_I64, 1, { N }, image };
    arrays[1] = (struct npz_array){ "order", NPZ_U16, 2, { N, AREA }, order };
    arrays[2] = (struct npz_array){ "size", NPZ_I64, 2, { N, T }, size };
    arrays[3] = (struct npz_array){ "mask", NPZ_BOOL, 4, { N, T, H, W }, mask };
    set_identity(identity_text("test", own_hash, H, W));
}

TestSuite(view_masks, .init = make_results, .fini = fixture_clean_up);

/* The path of the masks, valid until the end of the test. */
static const char *write_results(const char *directory)
{
    struct err err;
    char *name = mem_format("%s/sis.json", directory), *masks = mem_format("%s/masks.npz", directory);
    fixture_text(name, identity);
    const char *path = fixture_path(masks);
    cr_assert(npz_write(path, arrays, 4, &err), "%s", err.text);
    free(name);
    free(masks);
    return path;
}

static struct view_options options(const char *text)
{
    return (struct view_options){ .text = text, .data = &fake, .frame = &frame };
}

static struct masked_view *open_text(char *text)
{
    struct view_options o = options(text);
    struct masked_view *v;
    struct err err;
    cr_assert(view_open(&o, &v, &err), "%s", err.text);
    free(text);
    return v;
}

static void expect_refused(char *text, enum exit_status status, const char *part)
{
    struct view_options o = options(text);
    struct masked_view *v;
    struct err err = { 0 };
    cr_assert_not(view_open(&o, &v, &err), "%s", part);
    cr_expect(err.status == status && strstr(err.text, part) && !strchr(err.text, '\n'), "%d: %s", err.status,
              err.text);
    cr_expect_null(v);
    free(text);
}

static char *all_of(const char *directory)
{
    return mem_format("masks:%s", write_results(directory));
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

Test(view_masks, without_a_share_the_highest_threshold_counts)
{
    struct masked_view *v = open_text(all_of("a"));
    uint8_t out[AREA];
    struct err err;
    cr_assert(view_mask(v, SPLIT_TEST, 3, NULL, out, &err), "%s", err.text);
    cr_expect_arr_eq(out, mask + AREA, AREA);
    cr_expect_eq(region_count(out, AREA), 3);
    cr_assert(view_mask(v, SPLIT_TEST, 8, NULL, out, &err), "%s", err.text);
    cr_expect_arr_eq(out, mask + 3 * AREA, AREA);
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
    const char *path = write_results("a");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct masked_view *v = open_text(mem_format("masks:%s@%s", path, cases[i].share));
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
    arrays[1] = (struct npz_array){ "order", NPZ_U32, 2, { N, LARGE }, wide };
    set_identity(identity_text("test", own_hash, 300, 300));
    char *text = mem_format("masks:%s@0.5", write_results("a"));
    struct view_options o = { .text = text, .data = &fake, .frame = &large };
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
    struct placement p = augment_test_placement(&frame, H, W);
    float x[AREA] = { 0 };
    struct err err;
    struct masked_view *v = open_text(mem_format("mask-only:%s@15%%", write_results("a")));
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
    struct view_options o = { text, &fake, &colours, BASELINE_MEAN, order_of_masks, seed };
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
    return mem_format("shuffled:%s", write_results("a"));
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
    struct masked_view *v = open_text(mem_format("%s@50%%", view));
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
    const char *test = write_results("test");
    set_identity(identity_text("train", own_hash, H, W));
    image[0] = 4;
    const char *train = write_results("train");
    char *text = mem_format("masks:%s,%s", test, train);
    struct masked_view *v = open_text(mem_string(text));
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
    char *text = all_of("a");
    struct masked_view *v = open_text(mem_string(text));
    char *before = mem_string(view_text(v));
    view_close(v);
    order[0] = 1, order[1] = 0;
    write_results("a");
    v = open_text(mem_string(text));
    cr_expect_str_neq(view_text(v), before);
    view_close(v);
    free(before);
    free(text);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

Test(view_masks, an_image_without_a_mask_is_named)
{
    size[1] = -1;
    memset(mask + AREA, 0, AREA);
    struct masked_view *v = open_text(all_of("a"));
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

Test(view_masks, a_run_does_not_begin_when_an_image_has_no_mask)
{
    struct masked_view *v = open_text(all_of("a"));
    struct loader_options o = {
        .dataset = &fake, .split = SPLIT_TEST, .augment = frame, .view = v, .batch = 2, .threads = 1, .ahead = 1
    };
    struct loader *l;
    struct err err;
    cr_expect_not(loader_open(&o, &l, &err));
    cr_expect(strstr(err.text, "no mask of image 0 of the test split"), "%s", err.text);
    o.split = SPLIT_TRAIN;
    cr_expect_not(loader_open(&o, &l, &err));
    cr_expect(strstr(err.text, "no masks of the train split"), "%s", err.text);
    view_close(v);
}

Test(view_masks, masks_of_something_else_are_refused)
{
    set_identity(identity_text("test", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", H, W));
    expect_refused(all_of("a"), EXIT_USAGE, "made of another data set");
    set_identity(identity_text("test", own_hash, W, H));
    expect_refused(all_of("b"), EXIT_USAGE, "has masks of 5 x 4 pixels, but the pictures here have 4 x 5");
    set_identity(identity_text("test", own_hash, H, W));
    const char *path = write_results("c");
    expect_refused(mem_format("masks:%s,%s", path, path), EXIT_USAGE, "masks of the test split, as the file before");
    expect_refused(mem_format("masks:%s@0.96", path), EXIT_USAGE, "hides none");
    expect_refused(mem_string("masks:/no/such/masks.npz"), EXIT_CANNOT_RUN, "/no/such/masks.npz: cannot be read");
}

Test(view_masks, a_damaged_identity_is_refused)
{
    static const char *const texts[][2] = {
        { "", "sis.json" },
        { "[]", "is not as validate sis writes it" },
        { "{}", "is not as validate sis writes it" },
        { "{\"schema\": \"marginalia/sis\", \"version\": 2}", "is not as validate sis writes it" },
        { "{\"schema\": 3, \"version\": 1, \"data_sha256\": [], \"height\": \"x\"}", "is not as validate sis writes" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_identity(mem_string(texts[i][0]));
        expect_refused(all_of("a"), EXIT_CANNOT_RUN, texts[i][1]);
    }
    set_identity(identity_text("validation", own_hash, H, W));
    expect_refused(all_of("a"), EXIT_CANNOT_RUN, "split is neither test nor train");
    const char *path = write_results("b");
    cr_assert_eq(remove(fixture_path("b/sis.json")), 0);
    expect_refused(mem_format("masks:%s", path), EXIT_CANNOT_RUN, "sis.json: cannot be read");
}

Test(view_masks, every_cut_of_the_file_is_refused)
{
    struct err err;
    char *text = all_of("a"), *bytes;
    size_t n;
    cr_assert(file_read(text + 6, 1 << 20, &bytes, &n, &err), "%s", err.text);
    for (size_t cut = 0; cut < n; cut += 1 + n / 150) {
        fixture_write("a/masks.npz", bytes, cut);
        expect_refused(mem_string(text), EXIT_CANNOT_RUN, "masks.npz");
    }
    free(bytes);
    free(text);
}

/* One change of the arrays that make_results made, and the refusal. `share`: read by the order, not by the masks. */
struct damage {
    void (*make)(void);
    const char *share, *part;
};

static void fall(void)
{
    image[1] = 3;
}

static void go_negative(void)
{
    image[0] = -1;
}

static void lose_images(void)
{
    for (int i = 0; i < 4; i++)
        arrays[i].shape[0] = 0;
}

static void lose_a_mask(void)
{
    arrays[3].shape[0] = 1;
}

static void turn_masks(void)
{
    arrays[3].shape[2] = W, arrays[3].shape[3] = H;
}

static void lose_a_threshold(void)
{
    arrays[2].shape[1] = 1;
}

static void grow_a_mask(void)
{
    mask[AREA] = 1;
}

static void lie_about_size(void)
{
    size[3] = INT64_MAX;
}

static void rename_order(void)
{
    snprintf(arrays[1].name, sizeof arrays[1].name, "disorder");
}

static void widen_order(void)
{
    arrays[1] = (struct npz_array){ "order", NPZ_U32, 2, { N, AREA / 2 }, order };
}

static void shorten_order(void)
{
    arrays[1].shape[1] = AREA - 1;
}

static void repeat_a_pixel(void)
{
    order[AREA - 2] = AREA - 1;
}

static void leave_the_picture(void)
{
    order[2 * AREA - 1] = AREA;
}

Test(view_masks, contradictions_within_the_file_are_refused)
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
        memset(mask, 0, sizeof mask);
        make_results();
        damages[i].make();
        char *text = all_of("a");
        expect_refused(mem_format("%s%s", text, damages[i].share), EXIT_CANNOT_RUN, damages[i].part);
        free(text);
        if (i + 1 < sizeof damages / sizeof *damages)
            fixture_clean_up();
    }
}
