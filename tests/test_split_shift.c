#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/planted.h"
#include "tests/survey_fixture.h"

TestSuite(split_shift, .init = fixture_set_up, .fini = fixture_clean_up);

enum { SIDE = 32, CLASSES = 6 };

/* CIFAR-10 files of planted pictures; those of the test file are made brighter and blurred as asked for. */
static void make_set(int per_file, int brighter, bool blurred)
{
    static const char *const names[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin" };
    enum { BYTES = 3 * SIDE * SIDE };
    struct planted p = { .n_train = 6 * per_file, .n_test = 1, .seed = 9, .noise = 0.04, .cue_in_test = -1 };
    uint8_t *bytes = mem_alloc((size_t)per_file, BYTES + 1);
    for (int f = 0; f < 6; f++) {
        for (int i = 0; i < per_file; i++) {
            uint8_t *record = bytes + (size_t)i * (BYTES + 1), *x = record + 1;
            *record = (uint8_t)planted_label(&p, CLASSES, SPLIT_TRAIN, f * per_file + i, NULL);
            planted_draw(&p, CLASSES, SPLIT_TRAIN, f * per_file + i, SIDE, SIDE, x);
            for (int k = 0; f == 5 && k < BYTES; k++) {
                int value = x[k] + brighter;
                x[k] = (uint8_t)(value > 255 ? 255 : value);
                if (blurred && k % SIDE)
                    x[k] = (uint8_t)((x[k] + x[k - 1]) / 2);
            }
        }
        fixture_write(names[f], bytes, (size_t)per_file * (BYTES + 1));
    }
    free(bytes);
}

static void run(struct survey *s, int64_t n, struct check *c)
{
    survey_fixture_open(s, fixture_path(""), 2);
    survey_fixture_check(s, check_split_shift, SIDE_AT_MOST, 0.08, n, c);
}

static double control_of(const struct check *c)
{
    return json_real_value(json_object_get(json_object_get(c->details, "control_right"), "value"));
}

Test(split_shift, splits_of_one_kind_are_cleared)
{
    struct survey s;
    struct check c;
    make_set(1000, 0, false);
    run(&s, 0, &c);
    cr_assert_eq(c.status, CHECK_PASS, "%s", c.found);
    cr_assert(c.estimate.n == 2000 && c.estimate.low < 0 && c.estimate.high - c.estimate.low < 0.05);
    check_free(&c);
    survey_fixture_close(&s);
}

Test(split_shift, a_brighter_test_split_is_caught)
{
    struct survey s;
    struct check c;
    make_set(500, 30, false);
    run(&s, 0, &c);
    cr_assert(c.status == CHECK_FAIL && c.estimate.value > 0.15, "%s", c.found);
    cr_assert_float_eq(control_of(&c), 0.5, 0.06, "%s", c.found);
    check_free(&c);
    survey_fixture_close(&s);
}

Test(split_shift, a_blurred_test_split_is_caught)
{
    struct survey s;
    struct check c;
    make_set(500, 0, true);
    run(&s, 0, &c);
    cr_assert(c.status == CHECK_FAIL && c.estimate.value > 0.25, "%s", c.found);
    check_free(&c);
    survey_fixture_close(&s);
}

Test(split_shift, the_answer_depends_on_the_seed_and_not_on_threads)
{
    struct survey s;
    struct check c[3];
    make_set(100, 10, false);
    for (int k = 0; k < 3; k++) {
        survey_fixture_open(&s, fixture_path(""), 1 + k);
        s.seed = k == 2 ? 2 : 1;
        survey_fixture_check(&s, check_split_shift, SIDE_AT_MOST, 0.05, 150, &c[k]);
        survey_fixture_close(&s);
    }
    cr_assert_eq(c[0].estimate.n, 150);
    cr_assert_str_eq(c[0].found, c[1].found);
    cr_assert_str_neq(c[0].found, c[2].found);
    for (int k = 0; k < 3; k++)
        check_free(&c[k]);
}

Test(split_shift, cannot_run_on_one_split_or_a_handful_of_pictures)
{
    struct survey s;
    struct check c = { 0 };
    struct policy_check p = { .side = SIDE_AT_MOST, .limit = 0.05 };
    struct err err;
    make_set(5, 0, false);
    survey_fixture_open(&s, fixture_path(""), 1);
    cr_assert(!check_split_shift(&s, &p, 0, &c, &err) && strstr(err.text, "of the test split 5"), "%s", err.text);
    survey_fixture_close(&s);
    fixture_copy("set/a/x.jpg", "tests/data/flat.jpg");
    survey_fixture_open(&s, fixture_path("set"), 1);
    cr_assert(!check_split_shift(&s, &p, 0, &c, &err) && strstr(err.text, "has no test split"), "%s", err.text);
    survey_fixture_close(&s);
}

/* Pictures that cannot be read are passed over. */
Test(split_shift, unreadable_pictures_do_not_matter)
{
    struct survey s;
    struct check c;
    for (int i = 0; i < 60; i++) {
        char *name = mem_format("set/%s/a/%d.ppm", i % 2 ? "train" : "val", i);
        uint8_t pixels[8 * 8 * 3];
        memset(pixels, i % 2 ? 100 + i : 20 + i, sizeof pixels);
        if (i % 10 == 3)
            fixture_text(name, "");
        else
            fixture_image(name, 8, 8, 3, pixels);
        free(name);
    }
    survey_fixture_open(&s, fixture_path("set"), 2);
    survey_fixture_check(&s, check_split_shift, SIDE_AT_MOST, 0.05, 0, &c);
    cr_assert(c.estimate.n == 48 && survey_fixture_detail(&c, "unreadable") == 6, "%s", c.found);
    cr_assert_eq(c.status, CHECK_FAIL);
    check_free(&c);
    survey_fixture_close(&s);
}
