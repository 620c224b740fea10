#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "tests/survey_fixture.h"

TestSuite(integrity, .init = fixture_set_up, .fini = fixture_clean_up);
TestSuite(class_balance, .init = fixture_set_up, .fini = fixture_clean_up);

static uint8_t *noise(int bytes)
{
    static uint32_t item;
    struct rng r = rng_stream(3, RNG_TEST, 0, item++);
    uint8_t *pixels = mem_alloc((size_t)bytes, 1);
    for (int i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)rng_below(&r, 256);
    return pixels;
}

/* A picture with content; the ending tells the format. */
static void add(const char *name, int h, int w, int c)
{
    uint8_t *pixels = noise(h * w * c);
    if (strstr(name, ".jpg"))
        fixture_jpeg(name, h, w, c, pixels, 90);
    else
        fixture_image(name, h, w, c, pixels);
    free(pixels);
}

static void add_some(int n)
{
    for (int i = 0; i < n; i++) {
        char *name = mem_format("set/%s/%d.%s", i % 2 ? "cat" : "dog", i, i % 3 ? "jpg" : "png");
        add(name, 32, 32 + i % 7, 3);
        free(name);
    }
}

/* Half of a JPEG, as a copy that was interrupted leaves it. */
static void add_cut(const char *name)
{
    struct err err;
    char *bytes;
    size_t n;
    add("whole.jpg", 32, 32, 3);
    cr_assert(file_read(fixture_path("whole.jpg"), 1 << 20, &bytes, &n, &err));
    fixture_write(name, bytes, n / 2);
    free(bytes);
}

static void run(const char *set, survey_function check, enum side side, double limit, struct survey *s, struct check *c)
{
    survey_fixture_open(s, fixture_path(set), 2);
    survey_fixture_check(s, check, side, limit, 0, c);
}

static const struct suspect *find_suspect(const struct survey *s, const char *name)
{
    const struct suspect *suspect;
    int n = survey_suspects(s, &suspect);
    for (int i = 0; i < n; i++) {
        char *where = s->data->where(s->data, suspect[i].split, suspect[i].image);
        bool found = strstr(where, name) != NULL;
        free(where);
        if (found)
            return &suspect[i];
    }
    return NULL;
}

Test(integrity, a_clean_folder_is_cleared)
{
    struct survey s;
    struct check c;
    add_some(40);
    fixture_copy("set/cat/deep.png", "tests/data/rgb16.png"); /* unusual, but whole */
    fixture_copy("set/cat/palette.png", "tests/data/palette.png");
    fixture_copy("set/dog/print.jpg", "tests/data/cmyk.jpg");
    add("set/dog/transparent.png", 32, 32, 4);
    run("set", check_integrity, SIDE_AT_MOST, 0, &s, &c);
    cr_assert_eq(c.status, CHECK_PASS, "%s", c.found);
    cr_assert(c.estimate.n == 44 && c.estimate.value == 0 && c.estimate.low == c.estimate.high);
    cr_assert(survey_fixture_detail(&c, "unreadable") == 0 && survey_fixture_detail(&c, "pictures") == 44);
    const struct suspect *none;
    cr_assert_eq(survey_suspects(&s, &none), 0);
    cr_assert_null(c.fact.heading, "nothing to show on the first screen");
    check_free(&c);
    survey_fixture_close(&s);
}

Test(integrity, every_damaged_or_odd_picture_is_caught_and_named)
{
    static const struct {
        const char *name, *key, *why;
    } rows[] = {
        { "cut.jpg", "unreadable", "cut.jpg: " },
        { "empty.jpg", "unreadable", "empty.jpg: " },
        { "text.jpg", "unreadable", "not a readable JPEG" },
        { "huge.png", "unreadable", "more than 100 million pixels" },
        { "new\nline.png", "unreadable", "new\\x0aline.png" },
        { "blank.png", "blank", "one colour" },
        { "one.png", "size", "1 x 1 pixels" },
        { "large.png", "size", "400 x 400 pixels" },
        { "long.png", "aspect", "160 x 20 pixels" },
        { "grey.png", "channels", "grey" },
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    uint8_t flat[32 * 32 * 3];
    struct survey s;
    struct check c;
    memset(flat, 200, sizeof flat);
    add_some(30);
    add_cut("set/cat/cut.jpg");
    fixture_text("set/cat/empty.jpg", "");
    fixture_text("set/cat/text.jpg", "this is not a picture");
    fixture_write("set/cat/huge.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30\10\2\0\0\0\0\0\0\0", 33);
    fixture_text("set/cat/new\nline.png", "");
    fixture_image("set/cat/blank.png", 32, 32, 3, flat);
    add("set/dog/one.png", 1, 1, 3);
    add("set/dog/large.png", 400, 400, 3);
    add("set/dog/long.png", 20, 160, 3);
    add("set/dog/grey.png", 32, 32, 1);
    run("set", check_integrity, SIDE_AT_MOST, 0.01, &s, &c);
    cr_assert_eq(c.status, CHECK_FAIL);
    cr_assert_float_eq(c.estimate.value, (double)(ROWS - 1) / (30 + ROWS), 1e-12, "%s", c.found); /* grey: listed */
    for (int i = 0; i < ROWS; i++) {
        const struct suspect *suspect = find_suspect(&s, rows[i].name);
        cr_assert(suspect && strcmp(suspect->check, "integrity") == 0, "%s was not caught", rows[i].name);
        cr_assert(strstr(suspect->why, rows[i].why) && !strchr(suspect->why, '\n'), "%s: %s", rows[i].name,
                  suspect->why);
        cr_assert_gt(survey_fixture_detail(&c, rows[i].key), 0);
    }
    cr_assert(survey_fixture_detail(&c, "unreadable") == 5 && survey_fixture_detail(&c, "size") == 2);
    cr_assert_eq(json_array_size(json_object_get(c.details, "first")), ROWS);
    cr_assert(c.n_figures == 2 && c.figure[1].n_pictures == 5 && c.fact.n_pictures == 3);
    check_free(&c);
    survey_fixture_close(&s);
}

/* --- class.balance ------------------------------------------------------------------------------------------------ */

static void add_class(const char *split, const char *name, int n)
{
    uint8_t pixel[3] = { 0 };
    for (int i = 0; i < n; i++) {
        char *path = mem_format("set/%s/%s/%d.ppm", split, name, i);
        fixture_image(path, 1, 1, 3, pixel);
        free(path);
    }
}

Test(class_balance, even_classes_are_cleared)
{
    struct survey s;
    struct check c;
    add_class("train", "a", 10), add_class("train", "b", 9), add_class("val", "a", 4), add_class("val", "b", 4);
    run("set", check_class_balance, SIDE_AT_LEAST, 0.8, &s, &c);
    cr_assert_eq(c.status, CHECK_PASS);
    cr_assert(c.estimate.value == 0.9 && c.estimate.n == 27 && c.figure[0].n_rows == 2);
    check_free(&c);
    survey_fixture_close(&s);
}

Test(class_balance, uneven_classes_are_caught_in_the_worse_split)
{
    struct survey s;
    struct check c;
    add_class("train", "a", 10), add_class("train", "b", 10), add_class("val", "a", 8), add_class("val", "b", 2);
    run("set", check_class_balance, SIDE_AT_LEAST, 0.8, &s, &c);
    cr_assert_eq(c.status, CHECK_FAIL);
    cr_assert_eq(c.estimate.value, 0.25);
    cr_assert(strstr(c.found, "test split") && strstr(c.found, "\xe2\x80\x9c"
                                                               "b"),
              "%s", c.found);
    check_free(&c);
    survey_fixture_close(&s);
}

Test(class_balance, a_class_that_a_split_lacks_makes_it_zero)
{
    struct survey s;
    struct check c;
    add_class("train", "a", 3), add_class("train", "b", 3), add_class("val", "a", 3);
    run("set", check_class_balance, SIDE_AT_LEAST, 0.01, &s, &c);
    cr_assert(c.status == CHECK_FAIL && c.estimate.value == 0);
    check_free(&c);
    survey_fixture_close(&s);
}

Test(class_balance, of_many_classes_both_ends_are_shown)
{
    struct survey s;
    struct check c;
    for (int k = 0; k < 25; k++) {
        char *name = mem_format("class%02d", k);
        add_class("train", name, 1 + k);
        free(name);
    }
    run("set", check_class_balance, SIDE_AT_LEAST, 0.5, &s, &c);
    const struct figure *f = &c.figure[0];
    cr_assert(f->n_rows == 20 && f->row[0].value == 1 && f->row[9].value == 10 && f->row[10].value == 16 &&
              f->row[19].value == 25);
    check_free(&c);
    survey_fixture_close(&s);
}
