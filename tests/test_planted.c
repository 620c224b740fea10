#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "datasets/planted.h"
#include "tests/data_fixture.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE };

static const struct planted clean = { .n_train = 1000, .n_test = 1000, .seed = 1, .cue_in_test = -1, .noise = 0.04 };

/* The trivial border rule: the colour of the outermost pixels, nearest among the means of the classes in `n` images. */
static double border_rule(const struct planted *p, int classes, enum split split, int n)
{
    double mean[PLANTED_MAX_CLASSES][3] = { { 0 } };
    int right = 0, seen[PLANTED_MAX_CLASSES] = { 0 };
    uint8_t pixels[PIXELS];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n; i++) {
            int label = planted_label(p, classes, pass ? split : SPLIT_TRAIN, i, NULL), nearest = 0;
            double colour[3] = { 0 }, least = 1e9;
            planted_draw(p, classes, pass ? split : SPLIT_TRAIN, i, SIDE, SIDE, pixels);
            for (int c = 0; c < 3; c++)
                for (int x = 0; x < SIDE; x++)
                    colour[c] += pixels[c * SIDE * SIDE + x] / (double)SIDE;
            for (int c = 0; !pass && c < 3; c++)
                mean[label][c] += colour[c];
            seen[label] += !pass;
            for (int k = 0; pass && k < classes; k++) {
                double d = 0;
                for (int c = 0; c < 3; c++)
                    d += pow(colour[c] - mean[k][c] / seen[k], 2);
                if (d < least)
                    least = d, nearest = k;
            }
            right += pass && nearest == label;
        }
    }
    return right / (double)n;
}

Test(planted, same_seed_gives_same_bytes_and_another_seed_others)
{
    struct planted other = clean;
    other.seed = 2;
    uint8_t a[PIXELS], b[PIXELS];
    planted_draw(&clean, 6, SPLIT_TRAIN, 5, SIDE, SIDE, a);
    planted_draw(&clean, 6, SPLIT_TRAIN, 6, SIDE, SIDE, b);
    cr_assert_neq(memcmp(a, b, PIXELS), 0);
    planted_draw(&clean, 6, SPLIT_TRAIN, 5, SIDE, SIDE, b);
    cr_assert_eq(memcmp(a, b, PIXELS), 0);
    planted_draw(&clean, 6, SPLIT_TEST, 5, SIDE, SIDE, b);
    cr_assert_neq(memcmp(a, b, PIXELS), 0);
    planted_draw(&other, 6, SPLIT_TRAIN, 5, SIDE, SIDE, b);
    cr_assert_neq(memcmp(a, b, PIXELS), 0);
}

/* Were the splits drawn alike, a model would have seen the test images. The noise on the border shows the stream. */
Test(planted, test_images_are_not_those_of_training)
{
    struct planted p = clean;
    p.border_width = 2;
    p.border_cue = 1;
    int compared = 0;
    for (int i = 0; i < 200; i++) {
        uint8_t a[PIXELS], b[PIXELS];
        if (planted_label(&p, 6, SPLIT_TRAIN, i, NULL) != planted_label(&p, 6, SPLIT_TEST, i, NULL))
            continue;
        planted_draw(&p, 6, SPLIT_TRAIN, i, SIDE, SIDE, a);
        planted_draw(&p, 6, SPLIT_TEST, i, SIDE, SIDE, b);
        cr_assert_neq(memcmp(a, b, SIDE), 0, "image %d", i);
        compared++;
    }
    cr_assert_gt(compared, 10);
}

Test(planted, every_block_holds_each_shape_once_in_changing_order)
{
    int first[6] = { 0 };
    for (int block = 0; block < 300; block++) {
        int seen = 0;
        for (int i = 0; i < 6; i++) {
            int shape;
            cr_assert_eq(planted_label(&clean, 6, SPLIT_TRAIN, block * 6 + i, &shape), shape, "no label noise");
            seen |= 1 << shape;
            first[shape] += i == 0;
        }
        cr_assert_eq(seen, 63);
    }
    for (int k = 0; k < 6; k++)
        cr_assert(first[k] > 20 && first[k] < 80, "shape %d comes first %d times of 300", k, first[k]);
}

/* All shapes cover the area of the disc and stay within their stated reach. */
Test(planted, shapes_have_equal_areas)
{
    enum { N = 1200 };
    for (int k = 0; k < PLANTED_MAX_CLASSES; k++) {
        long inside = 0;
        double reach = 0;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                float u = -2 + 4 * ((float)i + 0.5f) / N, v = -2 + 4 * ((float)j + 0.5f) / N;
                if (planted_inside(k, u, v))
                    inside++, reach = fmax(reach, sqrt(u * u + v * v));
            }
        cr_assert_float_eq((double)inside * 16 / N / N, M_PI, 0.02, "%s", planted_shape_names[k]);
        double stated = planted_shape_reach[k];
        cr_assert(reach <= stated && reach > stated - 0.03, "%s reaches %g, not %g", planted_shape_names[k], reach,
                  stated);
    }
}

/* Neither the mean colour nor the centre of gravity of the image tells the class: class means of brightness agree. */
Test(planted, brightness_says_nothing_about_the_class)
{
    double sum[6] = { 0 };
    uint8_t pixels[PIXELS];
    for (int i = 0; i < 6000; i++) {
        int label = planted_label(&clean, 6, SPLIT_TRAIN, i, NULL);
        planted_draw(&clean, 6, SPLIT_TRAIN, i, SIDE, SIDE, pixels);
        for (int j = 0; j < PIXELS; j += 7)
            sum[label] += pixels[j] / 255.0;
    }
    for (int k = 0; k < 6; k++)
        cr_assert_float_eq(sum[k] / 1000 / (PIXELS / 7), 0.5, 0.02, "class %d", k);
}

Test(planted, a_full_border_cue_tells_the_label_and_none_tells_nothing)
{
    struct planted p = clean;
    p.border_width = 2;
    p.border_cue = 1;
    cr_assert_gt(border_rule(&p, 10, SPLIT_TEST, 1000), 0.99);
    p.border_cue = 0;
    double share = border_rule(&p, 10, SPLIT_TEST, 2000);
    cr_assert(share > 0.07 && share < 0.13, "%g", share);
    share = border_rule(&clean, 10, SPLIT_TEST, 2000);
    cr_assert(share < 0.13, "without a border: %g", share);
}

Test(planted, a_partial_cue_tells_what_its_definition_says)
{
    struct planted p = clean;
    p.border_width = 2;
    p.border_cue = 0.6;
    cr_assert_float_eq(border_rule(&p, 10, SPLIT_TEST, 4000), 0.6 + 0.4 / 10, 0.03);
    p.cue_in_test = 0;
    cr_assert_float_eq(border_rule(&p, 10, SPLIT_TEST, 4000), 0.1, 0.03);
    cr_assert_float_eq(border_rule(&p, 10, SPLIT_TRAIN, 4000), 0.64, 0.03);
}

Test(planted, cue_in_test_brings_no_cue_that_training_lacks)
{
    struct planted p = clean, full = clean;
    int same = 0;
    p.border_width = full.border_width = 2;
    p.texture_cue = 0.5;
    p.cue_in_test = 1;
    full.border_cue = 1;
    for (int i = 0; i < 1000; i++) {
        uint8_t a[PIXELS], b[PIXELS];
        planted_draw(&p, 10, SPLIT_TEST, i, SIDE, SIDE, a);
        planted_draw(&full, 10, SPLIT_TEST, i, SIDE, SIDE, b);
        same += memcmp(a, b, SIDE) == 0; /* one row of border; the noise is equal, so equal bytes are equal codes */
    }
    cr_assert(same > 60 && same < 300, "the label's code on %d borders of 1000", same);
}

/* How much brightness varies along rows and columns: stripes across have none along rows, upright ones none along
 * columns. */
static int stripe_kind(const uint8_t *pixels)
{
    double along[2] = { 0 };
    for (int y = 1; y < 5; y++)
        for (int x = 1; x < SIDE; x++)
            along[0] += fabs((double)pixels[y * SIDE + x] - pixels[y * SIDE + x - 1]);
    for (int x = 1; x < 5; x++)
        for (int y = 1; y < SIDE; y++)
            along[1] += fabs((double)pixels[y * SIDE + x] - pixels[(y - 1) * SIDE + x]);
    return along[0] > along[1];
}

Test(planted, a_full_texture_cue_tells_the_label)
{
    struct planted p = clean;
    int right = 0, n = 0;
    p.noise = 0;
    for (int pass = 0; pass < 2; pass++, right = n = 0) {
        p.texture_cue = pass ? 0 : 1;
        for (int i = 0; i < 4000; i++) {
            uint8_t pixels[PIXELS];
            int label = planted_label(&p, 4, SPLIT_TEST, i, NULL);
            if (label > 1)
                continue;
            planted_draw(&p, 4, SPLIT_TEST, i, SIDE, SIDE, pixels);
            right += stripe_kind(pixels) == label;
            n++;
        }
        double share = right / (double)n;
        cr_assert(pass ? share > 0.45 && share < 0.55 : share > 0.95, "pass %d: %g", pass, share);
    }
}

static double luma(const uint8_t *pixels)
{
    static const double weight[3] = { 0.299, 0.587, 0.114 };
    double sum = 0;
    for (int j = 0; j < PIXELS; j++)
        sum += weight[j / (SIDE * SIDE)] * pixels[j];
    return sum / (SIDE * SIDE);
}

/* The brightness rule: the class whose stated brightness is nearest to that of the picture. */
static double brightness_rule(const struct planted *p, int classes, enum split split, int n)
{
    int right = 0;
    for (int i = 0; i < n; i++) {
        uint8_t pixels[PIXELS];
        double least = 1e9;
        int nearest = 0;
        planted_draw(p, classes, split, i, SIDE, SIDE, pixels);
        for (int k = 0; k < classes; k++) {
            double d = fabs(luma(pixels) - planted_brightness(k, classes));
            if (d < least)
                least = d, nearest = k;
        }
        right += nearest == planted_label(p, classes, split, i, NULL);
    }
    return right / (double)n;
}

Test(planted, a_property_cue_tells_what_its_definition_says)
{
    struct planted p = clean;
    double share = brightness_rule(&p, 10, SPLIT_TEST, 4000);
    cr_assert(share > 0.07 && share < 0.13, "without the cue: %g", share);
    p.property_cue = 1;
    cr_assert_eq(brightness_rule(&p, 10, SPLIT_TEST, 2000), 1);
    p.property_cue = 0.6;
    cr_assert_float_eq(brightness_rule(&p, 10, SPLIT_TEST, 4000), 0.6 + 0.4 / 10, 0.03);
    p.cue_in_test = 0;
    cr_assert_float_eq(brightness_rule(&p, 10, SPLIT_TEST, 4000), 0.1, 0.03);
    cr_assert_float_eq(brightness_rule(&p, 10, SPLIT_TRAIN, 4000), 0.64, 0.03);
}

Test(planted, a_property_cue_has_the_brightness_of_its_code_and_moves_all_pixels_alike)
{
    struct planted p = clean;
    p.property_cue = 1;
    for (int i = 0; i < 60; i++) {
        uint8_t plain[PIXELS], moved[PIXELS];
        int label = planted_label(&p, 6, SPLIT_TRAIN, i, NULL), shift = 0;
        planted_draw(&clean, 6, SPLIT_TRAIN, i, SIDE, SIDE, plain);
        planted_draw(&p, 6, SPLIT_TRAIN, i, SIDE, SIDE, moved);
        for (int j = 0; j < PIXELS; j++)
            if (moved[j] > 0 && moved[j] < 255) {
                cr_assert(shift == 0 || moved[j] - plain[j] == shift, "image %d, value %d", i, j);
                shift = moved[j] - plain[j];
            }
        cr_assert_float_eq(luma(moved), planted_brightness(label, 6) - 0.5, 0.51, "image %d", i);
    }
}

Test(planted, label_noise_changes_that_share_of_training_labels_only)
{
    struct planted p = clean;
    p.label_noise = 0.2;
    int wrong[2] = { 0 }, shape;
    for (int split = 0; split < 2; split++)
        for (int i = 0; i < 10000; i++) {
            int label = planted_label(&p, 10, split, i, &shape);
            cr_assert(label >= 0 && label < 10);
            wrong[split] += label != shape;
        }
    cr_assert_float_eq(wrong[SPLIT_TRAIN] / 10000.0, 0.2, 0.02);
    cr_assert_eq(wrong[SPLIT_TEST], 0);
}

Test(planted, knobs_of_one_cue_leave_the_rest_of_the_picture_alone)
{
    struct planted p = clean;
    uint8_t a[PIXELS], b[PIXELS];
    p.texture_cue = 1;
    int same = 0;
    for (int i = 0; i < 200; i++) {
        planted_draw(&clean, 6, SPLIT_TRAIN, i, SIDE, SIDE, a);
        planted_draw(&p, 6, SPLIT_TRAIN, i, SIDE, SIDE, b);
        cr_assert_eq(planted_label(&clean, 6, SPLIT_TRAIN, i, NULL), planted_label(&p, 6, SPLIT_TRAIN, i, NULL));
        same += memcmp(a, b, PIXELS) == 0;
    }
    cr_assert(same > 10 && same < 60, "about one in six has the right texture by chance: %d of 200", same);
}

Test(planted, noise_has_the_stated_standard_deviation)
{
    struct planted p = clean, quiet = clean;
    p.noise = 0.1;
    quiet.noise = 0;
    double sum = 0, squares = 0;
    long n = 0;
    for (int i = 0; i < 200; i++) {
        uint8_t a[PIXELS], b[PIXELS];
        planted_draw(&p, 6, SPLIT_TRAIN, i, SIDE, SIDE, a);
        planted_draw(&quiet, 6, SPLIT_TRAIN, i, SIDE, SIDE, b);
        for (int j = 0; j < PIXELS; j++)
            if (b[j] > 100 && b[j] < 155) {
                double d = (a[j] - b[j]) / 255.0;
                sum += d, squares += d * d, n++;
            }
    }
    cr_assert_gt(n, 10000);
    cr_assert_float_eq(sum / (double)n, 0, 0.002);
    cr_assert_float_eq(sqrt(squares / (double)n), 0.1, 0.003);
}

Test(planted, draws_other_sizes)
{
    static uint8_t pixels[3 * 224 * 100];
    planted_draw(&clean, 10, SPLIT_TEST, 3, 224, 100, pixels);
    planted_draw(&clean, 10, SPLIT_TEST, 3, 16, 16, pixels);
}

Test(planted, works_as_a_data_set, .init = fixture_set_up, .fini = fixture_clean_up)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    char hash[SHA256_HEX], other[SHA256_HEX];
    uint8_t pixels[PIXELS];
    cr_assert(dataset_open("datasets/planted_border.conf", NULL, &ds, &err), "%s", err.text);
    cr_assert(ds->classes == 6 && ds->count[SPLIT_TRAIN] == 20000 && ds->count[SPLIT_TEST] == 2000 && !ds->directory);
    cr_assert_str_eq(ds->class_names[3], "ring");
    cr_assert(ds->read(ds, SPLIT_TEST, 1999, &image, &err));
    struct planted p = { .seed = 1, .border_width = 2, .border_cue = 0.9, .cue_in_test = -1, .noise = 0.04 };
    planted_draw(&p, 6, SPLIT_TEST, 1999, SIDE, SIDE, pixels);
    cr_assert_eq(memcmp(image.pixels, pixels, PIXELS), 0);
    cr_assert_eq(ds->label(ds, SPLIT_TEST, 1999), planted_label(&p, 6, SPLIT_TEST, 1999, NULL));
    free(image.pixels);
    char *where = ds->where(ds, SPLIT_TEST, 1999);
    cr_assert_str_eq(where, "planted_border test#1999");
    free(where);
    cr_assert(ds->hash(ds, hash, &err));
    dataset_close(ds);
    cr_assert(dataset_open("datasets/planted.conf", NULL, &ds, &err) && ds->hash(ds, other, &err));
    cr_assert_str_neq(hash, other);
    dataset_close(ds);
}

static void hash_of(const char *descriptor, char hex[SHA256_HEX])
{
    struct dataset *ds;
    struct err err;
    cr_assert(dataset_open(descriptor, NULL, &ds, &err), "%s", err.text);
    cr_assert(ds->hash(ds, hex, &err));
    dataset_close(ds);
}

/* Reports and masks name the set by this hash: sets made before the property cue was there must keep it. */
Test(planted, sets_without_a_property_cue_keep_their_hash)
{
    char hash[SHA256_HEX], other[SHA256_HEX];
    hash_of("datasets/planted.conf", hash);
    cr_assert_str_eq(hash, "87441b4fd8c3906bf085da56b7c6d5f8b02a6a99b5a3f217663b38578479e7c2");
    hash_of("datasets/planted_border.conf", hash);
    cr_assert_str_eq(hash, "9088eb2fa9d5210c382bc08a25f6c8cd8482602a9e90f546d6b13b7b7ab4dc68");
    hash_of("datasets/planted_property.conf", other);
    hash_of("datasets/planted.conf", hash);
    cr_assert_str_neq(hash, other);
}
