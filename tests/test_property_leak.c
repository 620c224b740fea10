#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/planted.h"
#include "tests/survey_fixture.h"
#include "validate/dataset/cells.h"

TestSuite(property_leak, .init = fixture_set_up, .fini = fixture_clean_up);

static void run(const char *path, enum properties properties, double limit, struct check *out)
{
    struct policy_check p = { .type = check_type_find(dataset_check_types, "property.leak"), .side = SIDE_AT_MOST };
    struct survey s;
    struct err err;
    p.limit = limit;
    p.properties = properties;
    *out = (struct check){ 0 };
    survey_fixture_open(&s, path, 2);
    cr_assert(check_property_leak(&s, &p, 0, out, &err), "%s", err.text);
    out->status = check_decide(&out->estimate, p.side, limit);
    survey_fixture_close(&s);
}

/* The share that a property tells, by its name; fails the test when it was not asked. */
static double share_of(const struct check *c, const char *name)
{
    size_t i;
    json_t *told;
    json_array_foreach(
        json_object_get(c->details, "properties"), i,
        told) if (strcmp(json_string_value(json_object_get(told, "property")), name) ==
                  0) return json_number_value(json_object_get(json_object_get(told, "share_of_room"), "value"));
    cr_assert_fail("%s was not asked", name);
    return 0;
}

static const char *first_property(const struct check *c)
{
    json_t *first = json_array_get(json_object_get(c->details, "properties"), 0);
    return json_string_value(json_object_get(first, "property"));
}

static bool is_constant(const struct check *c, const char *name)
{
    size_t i;
    json_t *constant;
    json_array_foreach(json_object_get(c->details, "same_in_all"), i,
                       constant) if (strcmp(json_string_value(constant), name) == 0) return true;
    return false;
}

/* --- planted pictures --------------------------------------------------------------------------------------------- */

static const char *planted(double cue)
{
    char *text = mem_format("format = \"planted\"; name = \"p\"; shape = [3, 32, 32]; classes = 6; n_train = 3000; "
                            "n_test = 0; seed = 3; noise = 0.04; property_cue = %g; mean = [0.5, 0.5, 0.5]; "
                            "std = [0.2, 0.2, 0.2];",
                            cue);
    fixture_text("planted.conf", text);
    free(text);
    return fixture_path("planted.conf");
}

Test(property_leak, brightness_that_tells_the_label_is_caught)
{
    struct check c;
    run(planted(0.9), PROPERTIES_PICTURE, 0.25, &c);
    cr_assert_eq(c.status, CHECK_FAIL, "%s", c.found);
    cr_assert_str_eq(first_property(&c), "brightness");
    cr_assert_float_eq(c.estimate.value, 0.9, 0.04, "%s", c.found);
    cr_assert(fabs(json_number_value(
                  json_object_get(json_object_get(c.details, "shuffled_labels_share_of_room"), "value"))) < 0.04);
    cr_assert_eq(c.n_figures, 2);
    cr_assert(c.figure[0].n_rows == 7 && c.figure[1].n_pictures == 6);
    cr_assert(strstr(c.found, "brightness") && c.fact.heading);
    check_free(&c);
}

Test(property_leak, a_set_without_the_cue_is_cleared)
{
    struct check c;
    run(planted(0), PROPERTIES_PICTURE, 0.25, &c);
    cr_assert_eq(c.status, CHECK_PASS, "%s", c.found);
    cr_assert(c.estimate.low <= c.estimate.value && c.estimate.value <= c.estimate.high);
    cr_assert_lt(share_of(&c, "brightness"), 0.04);
    check_free(&c);
}

Test(property_leak, a_generated_set_has_no_files_to_ask)
{
    struct check c;
    run(planted(0.9), PROPERTIES_FILE, 0.25, &c);
    cr_assert_eq(c.status, CHECK_PASS, "%s", c.found);
    cr_assert(is_constant(&c, "size of the file") && is_constant(&c, "JPEG quality") && is_constant(&c, "width"));
    cr_assert_str_eq(first_property(&c), "place in the data set");
    check_free(&c);
}

/* --- folders of JPEGs --------------------------------------------------------------------------------------------- */

enum { CLASSES = 4, A_CLASS = 75 };

/* Planted pictures; quality[i % 4] when `by_class`, with i the class, else with i a random number. */
static void make_folder(bool by_class)
{
    static const int quality[] = { 60, 75, 85, 95 };
    struct planted knobs = { .seed = 9, .cue_in_test = -1, .noise = 0.04 };
    struct rng r = rng_stream(1, RNG_TEST, 3, 0);
    uint8_t planes[3 * 32 * 32], pixels[32 * 32 * 3];
    for (int i = 0; i < CLASSES * A_CLASS; i++) {
        planted_draw(&knobs, CLASSES, SPLIT_TRAIN, i, 32, 32, planes);
        int label = planted_label(&knobs, CLASSES, SPLIT_TRAIN, i, NULL), random = (int)rng_below(&r, 4);
        for (int k = 0; k < 3 * 32 * 32; k++)
            pixels[k] = planes[k % 3 * 32 * 32 + k / 3];
        char *name = mem_format("set/%s/%03d.jpg", planted_shape_names[label], i);
        fixture_jpeg(name, 32, 32, 3, pixels, quality[by_class ? label : random]);
        free(name);
    }
}

Test(property_leak, quality_that_goes_by_class_is_caught)
{
    struct check c;
    make_folder(true);
    run(fixture_path("set"), PROPERTIES_FILE, 0.25, &c);
    cr_assert_eq(c.status, CHECK_FAIL, "%s", c.found);
    cr_assert_gt(share_of(&c, "JPEG quality"), 0.99);
    cr_assert_gt(c.estimate.value, 0.99);
    cr_assert(is_constant(&c, "width") && is_constant(&c, "grey or colour"));
    cr_assert(strstr(c.found, "class by class"), "class folders are in class order: %s", c.found);
    check_free(&c);
}

Test(property_leak, quality_that_goes_by_chance_is_cleared)
{
    struct check c;
    make_folder(false);
    run(fixture_path("set"), PROPERTIES_FILE, 0.25, &c);
    cr_assert_eq(c.status, CHECK_PASS, "%s", c.found);
    cr_assert_lt(share_of(&c, "JPEG quality"), 0.12);
    check_free(&c);
}

/* A list may mix the classes, and then their order can tell something: here the second half is another class. */
Test(property_leak, order_is_asked_where_files_do_not_stand_by_class)
{
    struct check c;
    char *list = mem_string("");
    make_folder(false);
    struct survey s;
    survey_fixture_open(&s, fixture_path("set"), 1);
    for (int64_t i = 0; i < s.data->count[SPLIT_TRAIN]; i++) {
        char *file = s.data->file(s.data, SPLIT_TRAIN, i), *before = list;
        list = mem_format("%s%s\t%d\n", before, file, i == 3 ? 2 : (int)(i % 2 + (i >= 150 ? 2 : 0)));
        free(before);
        free(file);
    }
    survey_fixture_close(&s);
    fixture_text("list.txt", list);
    char *text =
        mem_format("format = \"list\"; name = \"l\"; directory = \"%s\"; train = \"list.txt\"; shape = [3, 32, "
                   "32]; classes = 4; mean = [0.5, 0.5, 0.5]; std = [0.2, 0.2, 0.2];",
                   fixture_path(""));
    fixture_text("list.conf", text);
    run(fixture_path("list.conf"), PROPERTIES_FILE, 0.1, &c);
    cr_assert_eq(c.status, CHECK_FAIL, "%s", c.found);
    cr_assert_str_eq(first_property(&c), "place in the data set");
    cr_assert_gt(c.estimate.value, 0.2);
    check_free(&c);
    free(text);
    free(list);
}

Test(property_leak, one_class_is_refused)
{
    struct policy_check p = { .type = check_type_find(dataset_check_types, "property.leak") };
    struct check c = { 0 };
    struct survey s;
    struct err err;
    fixture_copy("set/only/a.jpg", "tests/data/flat.jpg");
    fixture_copy("set/only/b.jpg", "tests/data/pattern.jpg");
    survey_fixture_open(&s, fixture_path("set"), 1);
    cr_assert(!check_property_leak(&s, &p, 0, &c, &err));
    cr_assert(strstr(err.text, "one class"), "%s", err.text);
    check_free(&c);
    survey_fixture_close(&s);
}

/* --- cells -------------------------------------------------------------------------------------------------------- */

enum { N = 4000 };

/* Right answers of n = N, when the value is `spread` wide about the label and the label has `classes` values. */
static double right(int classes, double spread, int dims, bool category)
{
    static double value[N * 3];
    static int label[N], answer[N];
    static uint8_t fold[N];
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        label[i] = (int)rng_below(&r, (uint32_t)classes);
        fold[i] = (uint8_t)rng_below(&r, 5);
        for (int d = 0; d < dims; d++)
            value[i * dims + d] = d < dims - 1 ? rng_unit(&r) : label[i] + (double)spread * rng_normal(&r);
    }
    struct cell_problem p = { .n = N, .classes = classes, .label = label, .fold = fold, .folds = 5 };
    p.dims = dims;
    p.value = value;
    p.category = category;
    cr_assert(cells_cross_validate(&p, answer));
    int n = 0;
    for (int i = 0; i < N; i++)
        n += answer[i] == label[i];
    return (double)n / N;
}

/* Normal values one apart with deviation 1/2: who decides at the middle is right in Phi(1) = 84.13 %. */
Test(property_leak, cells_come_close_to_the_best_rule_there_is)
{
    cr_assert_float_eq(right(2, 0.5, 1, false), 0.8413, 0.02);
    cr_assert_float_eq(right(2, 0.5, 3, false), 0.8413, 0.035);
    cr_assert_gt(right(50, 0.01, 1, false), 0.95);
    cr_assert_eq(right(7, 0, 1, true), 1);
    cr_assert_eq(right(7, 0, 1, false), 1);
}

Test(property_leak, cells_tell_nothing_where_there_is_nothing)
{
    cr_assert_float_eq(right(5, 1e6, 1, false), 0.2, 0.03);
    cr_assert_float_eq(right(5, 1e6, 3, false), 0.2, 0.03);
    cr_assert_float_eq(right(5, 1e6, 1, true), 0.2, 0.03, "a category of its own for each picture");
}

/* The rule must not see the picture that it is asked about: with labels by chance and a value for each pair of
 * pictures, the partner tells nothing. */
Test(property_leak, cells_do_not_look_at_the_picture_they_name)
{
    static double value[N];
    static int label[N], answer[N];
    static uint8_t fold[N];
    struct rng r = rng_stream(6, RNG_TEST, 0, 0);
    int n = 0;
    for (int i = 0; i < N; i++) {
        label[i] = (int)rng_below(&r, 4);
        fold[i] = (uint8_t)(i % 5);
        value[i] = i / 2;
    }
    struct cell_problem p = { .n = N, .classes = 4, .label = label, .fold = fold, .folds = 5, .dims = 1 };
    p.value = value;
    p.category = true;
    cr_assert(cells_cross_validate(&p, answer));
    for (int i = 0; i < N; i++)
        n += answer[i] == label[i];
    cr_assert_float_eq(n / (double)N, 0.25, 0.03);
    for (int i = 0; i < N; i++)
        value[i] = 1;
    cr_assert(!cells_cross_validate(&p, answer), "the same in all");
}
