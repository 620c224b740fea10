#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/augment.h"
#include "datasets/planted.h"
#include "tests/survey_fixture.h"
#include "validate/dataset/duplicates.h"
#include "validate/dataset/duplicates_compare.h"
#include "validate/dataset/duplicates_search.h"

TestSuite(duplicates, .init = fixture_set_up, .fini = fixture_clean_up);

/* --- the search --------------------------------------------------------------------------------------------------- */

enum { HASHES = 4000 };

/* Random hashes in families of four, up to 60 bits from their parent; every second family holds a mirror image. */
static void make_hashes(uint64_t (*look)[LOOK_WORDS], int n)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < LOOK_WORDS; k++)
            look[i][k] = i % 4 ? look[i - i % 4][k] : (uint64_t)rng_u32(&r) << 32 | rng_u32(&r);
        for (uint32_t flips = i % 4 ? rng_below(&r, 61) : 0; flips > 0; flips--) {
            uint32_t bit = rng_below(&r, 256);
            look[i][bit / 64] ^= UINT64_C(1) << bit % 64;
        }
        for (int k = 0; i % 8 == 7 && k < LOOK_WORDS; k++)
            look[i][k] ^= UINT64_C(0xaaaaaaaaaaaaaaaa);
    }
}

static int distance(const uint64_t *a, const uint64_t *b, bool mirrored)
{
    uint64_t turned[LOOK_WORDS];
    for (int k = 0; k < LOOK_WORDS; k++)
        turned[k] = b[k] ^ (mirrored ? UINT64_C(0xaaaaaaaaaaaaaaaa) : 0);
    return look_distance(a, turned);
}

/* Searches, and compares with comparing all with all: nothing within `certain` bits is missed, nothing is invented, and
 * nothing is there twice. Returns how many pairs of those beyond were found, in percent. */
static double search_like_brute_force(const uint64_t (*look)[LOOK_WORDS], uint32_t n, bool mirrored, int certain)
{
    struct survey s = { 0 };
    struct look_pairs found;
    struct err err;
    cr_assert(team_new(mirrored ? 1 : 2, false, &s.team, &err));
    cr_assert(look_search(&s, look, n, mirrored, &found, &err), "%s", err.text);
    cr_assert_eq(found.radius, SEARCH_RADIUS);
    int64_t at = 0, far = 0, far_found = 0, near = 0;
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t b = a + 1; b < n; b++) {
            int d = distance(look[a], look[b], mirrored);
            bool is_found = at < found.n && found.pair[at].a == a && found.pair[at].b == b;
            if (d > SEARCH_RADIUS)
                continue;
            near += d <= certain;
            far += d > certain;
            far_found += d > certain && is_found;
            cr_assert(is_found || d > certain, "pair %u %u at %d bits is missing", a, b, d);
            cr_assert(!is_found || (found.pair[at].distance == d && found.pair[at].mirrored == mirrored));
            at += is_found;
        }
    cr_assert_eq(at, found.n, "%lld found, %lld of them are pairs", (long long)found.n, (long long)at);
    cr_assert_gt(near, 100);
    free(found.pair);
    team_free(s.team);
    return far ? 100.0 * (double)far_found / (double)far : 100;
}

Test(duplicates, search_finds_what_comparing_all_with_all_finds)
{
    static uint64_t look[HASHES][LOOK_WORDS];
    make_hashes(look, HASHES);
    double found = search_like_brute_force((const uint64_t(*)[LOOK_WORDS])look, HASHES, false, SEARCH_CERTAIN);
    cr_assert_gt(found, 90, "random flips are the hardest: %g %% beyond what is certain", found);
    found = search_like_brute_force((const uint64_t(*)[LOOK_WORDS])look, HASHES, true, SEARCH_CERTAIN);
    cr_assert_gt(found, 90);
}

/* All share the first 4 rows, as flat pictures do: those buckets are passed over, and the other 12 find what differs in
 * at most 23 bits. */
Test(duplicates, search_passes_over_crowded_buckets)
{
    static uint64_t look[HASHES][LOOK_WORDS];
    make_hashes(look, HASHES);
    for (int i = 0; i < HASHES; i++)
        look[i][0] = 0x123456789abcdef0;
    search_like_brute_force((const uint64_t(*)[LOOK_WORDS])look, HASHES, false, 23);
}

Test(duplicates, search_lowers_its_radius_when_all_look_alike)
{
    enum { N = 600 };
    static uint64_t look[N][LOOK_WORDS];
    struct survey s = { 0 };
    struct look_pairs found;
    struct err err;
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++)
        for (uint32_t flips = 6; flips > 0; flips--)
            look[i][rng_below(&r, LOOK_WORDS)] ^= UINT64_C(1) << rng_below(&r, 64);
    cr_assert(team_new(2, false, &s.team, &err));
    cr_assert(look_search(&s, (const uint64_t(*)[LOOK_WORDS])look, N, false, &found, &err));
    int64_t within = 0, beyond = 0;
    for (int a = 0; a < N; a++)
        for (int b = a + 1; b < N; b++) {
            int d = look_distance(look[a], look[b]);
            within += d <= found.radius;
            beyond += d <= found.radius + 1;
        }
    cr_assert(found.radius > 0 && found.radius < 12, "radius %d", found.radius);
    cr_assert_eq(found.n, within);
    cr_assert(within <= SEARCH_PAIRS * N && beyond > SEARCH_PAIRS * N);
    free(found.pair);
    team_free(s.team);
}

/* --- planted copies ----------------------------------------------------------------------------------------------- */

enum { SIDE = 64, CLASSES = 6 };

static const struct planted knobs = { .seed = 7, .cue_in_test = -1, .noise = 0.04 };

/* pixels[SIDE,SIDE,3], as files hold them, of planted picture i. */
static const char *draw(int i, uint8_t *pixels)
{
    static uint8_t planes[3 * SIDE * SIDE];
    planted_draw(&knobs, CLASSES, SPLIT_TRAIN, i, SIDE, SIDE, planes);
    for (int k = 0; k < 3 * SIDE * SIDE; k++)
        pixels[k] = planes[k % 3 * SIDE * SIDE + k / 3];
    return planted_shape_names[planted_label(&knobs, CLASSES, SPLIT_TRAIN, i, NULL)];
}

static void brighten(uint8_t *pixels, int by)
{
    for (int k = 0; k < 3 * SIDE * SIDE; k++)
        pixels[k] = (uint8_t)(pixels[k] + by > 255 ? 255 : pixels[k] + by);
}

static void mirror(uint8_t *pixels)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE / 2; x++)
            for (int c = 0; c < 3; c++) {
                uint8_t *left = &pixels[(y * SIDE + x) * 3 + c], *right = &pixels[(y * SIDE + SIDE - 1 - x) * 3 + c];
                uint8_t kept = *left;
                *left = *right;
                *right = kept;
            }
}

static void store_resized(const char *name, const uint8_t *pixels, int h, int w)
{
    uint8_t plane[SIDE * SIDE], *out = mem_alloc((size_t)h * (size_t)w, 3);
    float *small = mem_alloc((size_t)h * (size_t)w, sizeof *small);
    for (int c = 0; c < 3; c++) {
        for (int k = 0; k < SIDE * SIDE; k++)
            plane[k] = pixels[k * 3 + c];
        resize_plane(small, h, w, plane, SIDE, SIDE, 0, 0, SIDE, SIDE);
        for (int k = 0; k < h * w; k++)
            out[k * 3 + c] = (uint8_t)(small[k] * 255 + 0.5f);
    }
    fixture_image(name, h, w, 3, out);
    free(small);
    free(out);
}

/* Pictures from..end-1. */
static void make_split(const char *split, int from, int end)
{
    uint8_t pixels[SIDE * SIDE * 3];
    for (int i = from; i < end; i++) {
        const char *class = draw(i, pixels);
        char *name = mem_format("set/%s/%s/%02d.png", split, class, i);
        fixture_image(name, SIDE, SIDE, 3, pixels);
        free(name);
    }
}

/* 60 training and 12 test pictures that are all different, ten a class and two a class. */
static void make_set(void)
{
    make_split("train", 0, 10 * CLASSES);
    make_split("val", 10 * CLASSES, 12 * CLASSES);
}

static void run(const char *kind, struct survey *s, struct check *out)
{
    struct policy_check p = { .type = check_type_find(dataset_check_types, kind), .side = SIDE_AT_MOST };
    struct err err;
    *out = (struct check){ 0 };
    cr_assert(p.type->survey(s, &p, 0, out, &err), "%s", err.text);
    cr_assert(out->estimate.low == out->estimate.value && out->estimate.high == out->estimate.value);
}

/* How many pictures each of the three checks counts. */
static void expect_counts(const char *path, int across, int within, int labels)
{
    static const char *const kind[] = { "duplicates.across", "duplicates.within", "duplicates.labels" };
    const int wanted[] = { across, within, labels };
    struct survey s;
    survey_fixture_open(&s, path, 2);
    for (int k = 0; k < 3; k++) {
        struct check c;
        const struct suspect *suspect;
        int before = survey_suspects(&s, &suspect);
        run(kind[k], &s, &c);
        cr_assert_eq(survey_fixture_detail(&c, "copies"), wanted[k], "%s: %s", kind[k], c.found);
        cr_assert_eq(survey_suspects(&s, &suspect) - before, wanted[k]);
        cr_assert_eq(c.n_figures, wanted[k] > 0);
        cr_assert_eq(check_decide(&c.estimate, SIDE_AT_MOST, 0.0001), wanted[k] ? CHECK_FAIL : CHECK_PASS);
        check_free(&c);
    }
    survey_fixture_close(&s);
}

Test(duplicates, different_pictures_are_cleared)
{
    make_set();
    expect_counts(fixture_path("set"), 0, 0, 0);
}

Test(duplicates, copies_in_the_test_split_are_found_however_they_were_stored)
{
    uint8_t pixels[SIDE * SIDE * 3];
    make_set();
    fixture_image("set/val/disc/equal.bmp", SIDE, SIDE, 3, (draw(3, pixels), pixels));
    fixture_jpeg("set/val/disc/jpeg.jpg", SIDE, SIDE, 3, (draw(11, pixels), pixels), 50);
    store_resized("set/val/disc/smaller.png", (draw(17, pixels), pixels), 40, 40);
    store_resized("set/val/disc/squeezed.png", (draw(22, pixels), pixels), 96, 80);
    draw(31, pixels);
    brighten(pixels, 25);
    fixture_image("set/val/disc/brighter.png", SIDE, SIDE, 3, pixels);
    draw(44, pixels);
    mirror(pixels);
    fixture_image("set/val/disc/mirrored.png", SIDE, SIDE, 3, pixels);
    struct survey s;
    struct check c;
    survey_fixture_open(&s, fixture_path("set"), 2);
    run("duplicates.across", &s, &c);
    cr_assert_eq(survey_fixture_detail(&c, "copies"), 6, "%s", c.found);
    cr_assert_eq(survey_fixture_detail(&c, "equal"), 1);
    cr_assert_eq(survey_fixture_detail(&c, "mirrored"), 1);
    cr_assert_eq(c.figure[0].n_pictures, 12);
    check_free(&c);
    survey_fixture_close(&s);
}

/* Two copies with another label, one of them in the other split, and one with the same. */
Test(duplicates, copies_are_counted_by_split_and_label)
{
    uint8_t pixels[SIDE * SIDE * 3];
    make_set();
    const char *class = draw(5, pixels);
    char *same = mem_format("set/train/%s/again.jpg", class);
    fixture_jpeg(same, SIDE, SIDE, 3, pixels, 80);
    class = draw(8, pixels);
    const char *other = strcmp(class, "disc") == 0 ? "star" : "disc";
    char *train = mem_format("set/train/%s/other.png", other), *test = mem_format("set/val/%s/other.png", other);
    fixture_image(train, SIDE, SIDE, 3, pixels);
    brighten(pixels, 10);
    fixture_image(test, SIDE, SIDE, 3, pixels);
    expect_counts(fixture_path("set"), 1, 2, 3);
    struct survey s;
    struct check c;
    const struct suspect *suspect;
    survey_fixture_open(&s, fixture_path("set"), 1);
    run("duplicates.labels", &s, &c);
    for (int k = survey_suspects(&s, &suspect) - 1; k >= 0; k--)
        cr_assert(strstr(suspect[k].why, "other.png") || strstr(suspect[k].why, "08.png"), "%s", suspect[k].why);
    check_free(&c);
    survey_fixture_close(&s);
    free(same);
    free(train);
    free(test);
}

/* A set of one split with one picture in it twice: the split that is there is judged. */
static void expect_one_repeated(const char *split, const char *word)
{
    uint8_t pixels[SIDE * SIDE * 3];
    struct survey s;
    struct check c;
    char *again = mem_format("set/%s/%s/again.png", split, draw(3, pixels));
    make_split(split, 0, 5 * CLASSES);
    fixture_image(again, SIDE, SIDE, 3, pixels);
    survey_fixture_open(&s, fixture_path("set"), 1);
    cr_assert(s.data->count[SPLIT_TRAIN] == 0 || s.data->count[SPLIT_TEST] == 0);
    run("duplicates.within", &s, &c);
    cr_expect_eq(survey_fixture_detail(&c, "pictures"), 5 * CLASSES + 1);
    cr_expect_eq(survey_fixture_detail(&c, "copies"), 1, "%s", c.found);
    cr_expect(strstr(c.question, word) && strstr(c.found, word) && strstr(c.measure, word), "%s", c.found);
    check_free(&c);
    survey_fixture_close(&s);
    free(again);
}

Test(duplicates, copies_within_a_training_split_alone_are_found)
{
    expect_one_repeated("train", "training");
}

Test(duplicates, copies_within_a_test_split_alone_are_found)
{
    expect_one_repeated("val", "test");
}

/* The first two of three equal pictures have the same label; they count because of the third. */
Test(duplicates, copies_of_copies_count)
{
    uint8_t pixels[SIDE * SIDE * 3];
    int i = 0;
    make_set();
    while (strcmp(draw(i, pixels), "bars") != 0)
        i++;
    fixture_image("set/train/bars/second.png", SIDE, SIDE, 3, pixels);
    fixture_image("set/train/triangle/third.png", SIDE, SIDE, 3, pixels);
    expect_counts(fixture_path("set"), 0, 2, 3);
}

Test(duplicates, flat_pictures_are_nobodys_copies)
{
    uint8_t pixels[SIDE * SIDE * 3];
    make_set();
    for (int i = 0; i < 20; i++) {
        char *name = mem_format("set/%s/disc/flat%d.png", i % 2 ? "train" : "val", i);
        memset(pixels, i < 10 ? 90 : 100 + i, sizeof pixels);
        fixture_image(name, SIDE, SIDE, 3, pixels);
        free(name);
    }
    expect_counts(fixture_path("set"), 0, 0, 0);
}

Test(duplicates, five_thousand_different_pictures_give_no_pair)
{
    fixture_text("many.conf",
                 "format = \"planted\"; name = \"many\"; shape = [3, 32, 32]; classes = 10; n_train = 4000; "
                 "n_test = 1000; seed = 11; noise = 0.04; mean = [0.5, 0.5, 0.5]; std = [0.2, 0.2, 0.2];");
    struct survey s;
    struct err err;
    const struct duplicates *d;
    survey_fixture_open(&s, fixture_path("many.conf"), 2);
    cr_assert(duplicates_find(&s, &d, &err), "%s", err.text);
    cr_assert(d->n == 5000 && d->n_pairs == 0, "%lld pairs", (long long)d->n_pairs);
    survey_fixture_close(&s);
}

/* Nothing to compare is no pass. */
Test(duplicates, without_a_test_split_nothing_is_said_about_it)
{
    uint8_t pixels[SIDE * SIDE * 3];
    struct policy_check p = { .type = check_type_find(dataset_check_types, "duplicates.across"),
                              .id = (char *)"duplicates.across" };
    struct survey s;
    struct check c = { 0 };
    struct err err;
    for (int i = 0; i < 12; i++) {
        char *name = mem_format("set/%s/%d.png", draw(i, pixels), i);
        fixture_image(name, SIDE, SIDE, 3, pixels);
        free(name);
    }
    survey_fixture_open(&s, fixture_path("set"), 2);
    cr_assert_not(p.type->survey(&s, &p, 0, &c, &err));
    cr_assert(strstr(err.text, "duplicates.across: data set set has no test pictures"), "%s", err.text);
    survey_fixture_close(&s);
}

/* --- pixels ------------------------------------------------------------------------------------------------------- */

Test(duplicates, what_is_left_between_two_pictures_is_a_share_of_their_variance)
{
    static struct small_copy a, b;
    a.h = a.w = COPY_SIDE;
    for (int k = 0; k < COPY_CHANNELS * COPY_SIDE * COPY_SIDE; k++)
        ((uint8_t *)a.pixels)[k] = (uint8_t)(k * 37 % 120 + 20);
    b = a;
    cr_assert_float_eq(copy_difference(&a, &b, false), 0, 1e-12);
    for (int k = 0; k < COPY_CHANNELS * COPY_SIDE * COPY_SIDE; k++)
        ((uint8_t *)b.pixels)[k] = (uint8_t)(40 + ((uint8_t *)a.pixels)[k] / 2 * 2 * 3 / 4);
    cr_assert_lt(copy_difference(&a, &b, false), 0.001);
    for (int k = 0; k < COPY_CHANNELS * COPY_SIDE * COPY_SIDE; k++)
        ((uint8_t *)b.pixels)[k] = (uint8_t)(255 - ((uint8_t *)a.pixels)[k]);
    cr_assert_eq(copy_difference(&a, &b, false), 1, "a negative is no copy");
    memset(b.pixels, 77, sizeof b.pixels);
    cr_assert_eq(copy_difference(&a, &b, false), 1, "a flat one is no copy");
    for (int k = 0; k < COPY_CHANNELS * COPY_SIDE * COPY_SIDE; k++)
        ((uint8_t *)b.pixels)[k] = ((uint8_t *)a.pixels)[k / COPY_SIDE * COPY_SIDE + COPY_SIDE - 1 - k % COPY_SIDE];
    cr_assert_float_eq(copy_difference(&a, &b, true), 0, 1e-12);
    cr_assert_gt(copy_difference(&a, &b, false), 0.5);
}

/* Fine stripes and coarse ones: at three quarters of the size the fine ones are gone, and the copy has nothing but the
 * coarse ones to be known by. */
static void draw_stripes(uint8_t *pixels, int side)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            memset(pixels + 3 * (y * side + x), 120 + (x / 8 + y / 8) % 3 * 25 + (x % 2 ? 12 : -12), 3);
}

Test(duplicates, smaller_copy_is_compared_at_its_own_size)
{
    enum { LARGE = 32, SMALL = 24 };
    static struct small_copy large, small, enlarged;
    static uint8_t pixels[3 * LARGE * LARGE], planes[3][LARGE * LARGE], less[3 * SMALL * SMALL];
    float plane[LARGE * LARGE];
    draw_stripes(pixels, LARGE);
    for (int c = 0; c < 3; c++) {
        for (int k = 0; k < LARGE * LARGE; k++)
            planes[c][k] = pixels[3 * k + c];
        resize_plane(plane, SMALL, SMALL, planes[c], LARGE, LARGE, 0, 0, LARGE, LARGE);
        for (int k = 0; k < SMALL * SMALL; k++)
            less[c * SMALL * SMALL + k] = (uint8_t)lrintf(plane[k] * 255);
    }
    copy_shrink(&(struct image8){ 3, LARGE, LARGE, planes[0] }, &large);
    copy_shrink(&(struct image8){ 3, SMALL, SMALL, less }, &small);
    cr_expect_lt(copy_difference(&large, &small, false), 0.001);
    cr_expect_lt(copy_difference(&small, &large, false), 0.001);
    cr_expect_gt(copy_difference(&small, &large, true), 0.5);
    for (int c = 0; c < 3; c++) {
        resize_plane(plane, LARGE, LARGE, small.pixels[c], SMALL, SMALL, 0, 0, SMALL, SMALL);
        for (int k = 0; k < LARGE * LARGE; k++)
            enlarged.pixels[c][k] = (uint8_t)lrintf(plane[k] * 255);
    }
    enlarged.h = enlarged.w = LARGE;
    cr_expect_gt(copy_difference(&large, &enlarged, false), DUPLICATE_ALIKE, "or the test shows nothing");
}
