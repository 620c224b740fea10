#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/planted_classifier.h"
#include "validate/checks/estimate.h"
#include "validate/checks/parts.h"

/* A planted model, its pictures and a study of them. */
static struct planted_model *model;
static struct dataset *data;
static struct planted_study fixture;
static struct check result;
static struct err err;

static void set_up(void)
{
    model = planted_model_new();
}

static void close_study(void)
{
    check_free(&result);
    if (fixture.study.memory)
        planted_study_close(&fixture);
    dataset_close(data);
    result = (struct check){ 0 };
    fixture = (struct planted_study){ 0 };
    data = NULL;
}

static void clean_up(void)
{
    close_study();
    planted_model_free(model);
}

static void open_study(struct planted_pictures pictures, int sample)
{
    data = planted_dataset(&pictures);
    planted_study_open(&fixture, model, data, sample);
}

static bool run(const char *kind, enum side side, double limit)
{
    struct policy_check policy = planted_policy(kind, side, limit);
    return planted_run(&fixture, &policy, fixture.study.n, &result, &err);
}

static void expect(enum check_status status)
{
    cr_assert_eq(result.status, status, "%s: %g (%g to %g, n = %lld) is %s, wanted %s", result.kind,
                 result.estimate.value, result.estimate.low, result.estimate.high, (long long)result.estimate.n,
                 check_status_name(result.status), check_status_name(status));
}

static void expect_near(double got, double wanted, double tolerance)
{
    cr_assert(fabs(got - wanted) <= tolerance, "%.9g, wanted %.9g", got, wanted);
}

static void expect_part(const char *text, const char *part)
{
    cr_assert(text && strstr(text, part), "\"%s\" does not say \"%s\"", text ? text : "(nothing)", part);
}

static double detail(const char *a, const char *b, const char *c)
{
    json_t *j = json_object_get(result.details, a);
    j = b ? json_object_get(j, b) : j;
    j = c ? json_object_get(j, c) : j;
    cr_assert(json_is_number(j), "no detail %s %s %s", a, b ? b : "", c ? c : "");
    return json_number_value(j);
}

TestSuite(checks_a, .init = set_up, .fini = clean_up);

/* --- the planted models and what the checks share ----------------------------------------------------------------- */

Test(checks_a, gradients_of_the_planted_model_are_its_differences)
{
    enum { FLOATS = 3 * PLANTED_PIXELS };
    const enum scalar scalar[] = { SCALAR_MARGIN, SCALAR_PROBABILITY, SCALAR_LOGIT, SCALAR_LOSS };
    float x[FLOATS], g[FLOATS], z[PLANTED_CLASSES], z1[PLANTED_CLASSES], z2[PLANTED_CLASSES];
    planted_model_reads(model, planted_border, 0.5f);
    planted_model_reads(model, planted_centre, -0.3f);
    model->bias[1] = 0.2f;
    for (int i = 0; i < FLOATS; i++)
        x[i] = (float)(i * 37 % 101) / 101;
    /* The same place in the target's channel and in another one. */
    const int place[] = { PLANTED_PIXELS + 3 * PLANTED_SIDE + 3, 3 * PLANTED_SIDE + 3 };
    for (int i = 0; i < 8; i++) {
        int s = i / 2, pixel = place[i % 2], target = 1;
        cr_assert(model->classifier.gradient(model, x, 1, scalar[s], &target, g, z, &err));
        float before = x[pixel], h = 0.05f;
        x[pixel] = before - h;
        model->classifier.logits(model, x, 1, z1, &err);
        x[pixel] = before + h;
        model->classifier.logits(model, x, 1, z2, &err);
        x[pixel] = before;
        double p1 = softmax_of(z1, 3, 1), p2 = softmax_of(z2, 3, 1);
        double difference[] = { log(p2 / (1 - p2)) - log(p1 / (1 - p1)), p2 - p1, z2[1] - z1[1], log(p1) - log(p2) };
        cr_assert(fabs(g[pixel]) > 1e-3 || (scalar[s] == SCALAR_LOGIT && i % 2), "gradient %d is zero", s);
        expect_near(g[pixel], difference[s] / (2 * h), 1e-3);
    }
}

Test(checks_a, every_type_is_found_and_has_sound_defaults)
{
    cr_assert_null(check_type_find(check_types, "no.such.check"));
    for (const struct check_type *t = check_types; t->kind; t++) {
        cr_assert_eq(check_type_find(check_types, t->kind), t, "%s is there twice", t->kind);
        cr_assert(t->run && t->summary && t->good != SIDE_NONE, "%s", t->kind);
        cr_assert(!(t->takes & TAKES_THRESHOLD) || (t->threshold > 0 && t->threshold < 1), "%s", t->kind);
        cr_assert(!(t->takes & TAKES_FRACTION) || (t->fraction > 0 && t->fraction < 1), "%s", t->kind);
        cr_assert(!(t->takes & TAKES_WIDTH) || t->width >= 1, "%s", t->kind);
        cr_assert(t->quick >= -1 && t->full >= -1, "%s", t->kind);
    }
}

Test(checks_a, a_handful_of_pictures_decides_nothing)
{
    const double x[ESTIMATE_FEW] = { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 };
    struct interval range = { 0, 1 };
    struct estimate few = estimate_median(x, ESTIMATE_FEW - 1, range, 1),
                    enough = estimate_median(x, ESTIMATE_FEW, range, 1);
    cr_assert_eq(check_decide(&few, SIDE_AT_LEAST, 0.2), CHECK_INCONCLUSIVE);
    cr_assert_eq(check_decide(&enough, SIDE_AT_LEAST, 0.2), CHECK_PASS);
    struct estimate mean = estimate_mean(x, ESTIMATE_FEW - 1, range, 1), none = estimate_median(x, 0, range, 1);
    cr_assert_eq(check_decide(&mean, SIDE_AT_LEAST, 0.2), CHECK_INCONCLUSIVE);
    cr_assert_eq(check_decide(&none, SIDE_AT_LEAST, 0.2), CHECK_ERROR);
    none = estimate_share(0, 0);
    cr_assert_eq(check_decide(&none, SIDE_AT_MOST, 2), CHECK_ERROR);
}

Test(checks_a, the_parts_alone_are_as_sure_as_the_threshold_and_look_like_it)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 30, .centre = 0.4f, .noise = 0.02f }, 12);
    struct parts all;
    struct picture picture;
    uint8_t mask[PLANTED_PIXELS];
    float x[3 * PLANTED_PIXELS], z[PLANTED_CLASSES];
    cr_assert(parts_find(&fixture.study, BASELINE_MEAN, 0.9, 12, &all, &err), "%s", err.text);
    cr_assert_eq(all.n, 12);
    for (int i = 0; i < all.n; i++) {
        const struct part *p = &all.part[i];
        cr_assert(parts_probability(&all, p) >= 0.9 && parts_probability(&all, p) < 0.97);
        cr_assert_eq(p->record->image, fixture.study.image[p->row]);
        sis_mask(&p->record->order, p->size, PLANTED_PIXELS, mask);
        picture_kept(&picture, &fixture.study, p->row, mask, BASELINE_MEAN, mem_string("a"), mem_string("c"));
        for (int j = 0; j < 3 * PLANTED_PIXELS; j++) {
            float seen = mask[j / 3] ? study_x(&fixture.study, p->row)[j % 3 * PLANTED_PIXELS + j / 3] : PLANTED_GREY;
            cr_assert_eq(picture.pixels[j], (uint8_t)lrintf(255 * seen));
            x[j % 3 * PLANTED_PIXELS + j / 3] = seen;
        }
        cr_assert(model->classifier.logits(model, x, 1, z, &err));
        expect_near(parts_probability(&all, p), softmax_of(z, PLANTED_CLASSES, p->record->target), 1e-5);
        free(picture.pixels);
        free(picture.alt);
        free(picture.caption);
    }
    parts_free(&all);
}

/* --- accuracy ----------------------------------------------------------------------------------------------------- */

Test(checks_a, accuracy_clears_a_model_that_is_right)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 300, .centre = 0.4f, .mislabelled = 30 }, 10);
    cr_assert(run("accuracy", SIDE_AT_LEAST, 0.9), "%s", err.text);
    expect(CHECK_PASS);
    expect_near(result.estimate.value, 290.0 / 300, 1e-12);
    cr_assert_eq(result.estimate.n, 300);
    expect_part(result.found, "95% interval");
    expect_part(result.found, "33.3%");
}

Test(checks_a, accuracy_catches_a_constant_model)
{
    open_study((struct planted_pictures){ .n = 300, .centre = 0.4f }, 10);
    cr_assert(run("accuracy", SIDE_AT_LEAST, 0.9), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(result.estimate.value, 1.0 / 3, 1e-12);
}

Test(checks_a, accuracy_on_six_pictures_is_inconclusive)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 6, .centre = 0.4f }, 6);
    cr_assert(run("accuracy", SIDE_AT_LEAST, 0.9), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
}

/* --- calibration -------------------------------------------------------------------------------------------------- */

/* All sixteen pixels give 6.4 gain - ln 2; a margin of ln 9 is a probability of 0.9. */
static const double gain_for_090 = (2.1972245773 + 0.6931471806) / 6.4;

Test(checks_a, calibration_clears_a_model_that_is_right_as_often_as_it_says)
{
    planted_model_reads(model, planted_centre, (float)gain_for_090);
    open_study((struct planted_pictures){ .n = 3000, .centre = 0.4f, .mislabelled = 10 }, 10);
    cr_assert(run("calibration", SIDE_AT_MOST, 0.05), "%s", err.text);
    expect(CHECK_PASS);
    expect_near(detail("ece_equal_width", NULL, NULL), 0, 1e-4);
    /* A mean of 15 half-normal deviates of 200 pictures each: sqrt(0.9 * 0.1 / 200) * sqrt(2 / pi) = 0.0169. */
    expect_near(detail("ece_by_chance", NULL, NULL), 0.0169, 0.001);
    expect_near(detail("ece_equal_mass", NULL, NULL), 0.0169, 0.008);
    expect_near(result.estimate.value, 0, 0.01); /* without what chance adds */
    cr_assert(result.estimate.low <= 0);
    expect_near(detail("brier", NULL, NULL), 0.9 * 0.015 + 0.1 * (0.81 + 0.9025 + 0.0025), 1e-4);
}

Test(checks_a, calibration_catches_a_model_that_is_too_sure)
{
    planted_model_reads(model, planted_centre, 1);
    model->scale = 50;
    open_study((struct planted_pictures){ .n = 3000, .centre = 0.4f, .mislabelled = 10 }, 10);
    cr_assert(run("calibration", SIDE_AT_MOST, 0.05), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(result.estimate.value, 0.1, 1e-6);
    expect_near(detail("brier", NULL, NULL), 0.2, 1e-6);
    expect_part(result.means, "surer than it is right");
    expect_near(result.estimate.high - result.estimate.low, 2 * 1.96 * sqrt(0.09 / 3000), 0.004);
}

/* Half-hearted: probability 0.9, always right. */
Test(checks_a, calibration_tells_a_model_that_is_not_sure_enough)
{
    planted_model_reads(model, planted_centre, (float)gain_for_090);
    open_study((struct planted_pictures){ .n = 300, .centre = 0.4f }, 10);
    cr_assert(run("calibration", SIDE_AT_MOST, 0.05), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(result.estimate.value, 0.1, 1e-4);
    expect_part(result.means, "right more often than it is sure");
}

/* As often right as it says, in each of the sets: pictures of one confidence, 0.9, with one wrong answer in ten. */
Test(checks_a, calibration_accuses_nobody_for_having_few_pictures)
{
    static const int n[] = { 30, 100, 200, 500, 2000 };
    planted_model_reads(model, planted_centre, (float)gain_for_090);
    for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
        open_study((struct planted_pictures){ .n = n[k], .centre = 0.4f, .mislabelled = 10 }, 10);
        cr_assert(run("calibration", SIDE_AT_MOST, 0.05), "%s", err.text);
        cr_expect(result.status == CHECK_PASS || (n[k] < 500 && result.status == CHECK_INCONCLUSIVE),
                  "%d pictures: %s, %g (%g to %g)", n[k], check_status_name(result.status), result.estimate.value,
                  result.estimate.low, result.estimate.high);
        cr_expect(result.estimate.value <= detail("ece_equal_mass", NULL, NULL) + 1e-12);
        close_study();
    }
}

Test(checks_a, calibration_on_six_pictures_is_inconclusive)
{
    planted_model_reads(model, planted_centre, 10);
    open_study((struct planted_pictures){ .n = 6, .centre = 0.4f }, 6);
    cr_assert(run("calibration", SIDE_AT_MOST, 0.05), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
}

/* --- sis.size ----------------------------------------------------------------------------------------------------- */

/* s pixels of the centre give a margin of 0.4 gain s - ln 2; 0.99 needs ln 99 = 4.595, 0.9 needs 2.197, 0.5 needs 0. */
Test(checks_a, size_clears_a_model_that_needs_many_pixels)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(run("sis.size", SIDE_AT_LEAST, 0.15), "%s", err.text);
    expect(CHECK_PASS);
    expect_near(result.estimate.value, 14.0 / 64, 1e-12);
    cr_assert_eq(result.figure[1].n_rows, 3);
    expect_near(result.figure[1].row[0].value, 2.0 / 64, 1e-12);
    expect_near(result.figure[1].row[1].value, 8.0 / 64, 1e-12);
    expect_near(result.figure[1].row[2].value, 14.0 / 64, 1e-12);
    expect_near(detail("reached", "99%", NULL), 1, 0);
    expect_near(detail("blank", "red", NULL), 1.0 / 3, 1e-6);
    cr_assert_str_eq(result.fact.heading, "One pixel in five is enough");
    cr_assert_eq(result.fact.n_pictures, 3);
}

Test(checks_a, size_catches_a_model_that_is_too_sure)
{
    planted_model_reads(model, planted_centre, 1);
    model->scale = 50;
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f, .noise = 0.01f }, 30);
    cr_assert(run("sis.size", SIDE_AT_LEAST, 0.15), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(result.estimate.value, 1.0 / 64, 1e-12);
    cr_assert_str_eq(result.fact.heading, "One pixel in 64 is enough");
    expect_part(result.fact.picture[1].caption, "1 pixel:");
    expect_part(result.act, "input dropout");
}

Test(checks_a, size_of_a_model_that_needs_no_picture_is_zero)
{
    model->bias[0] = 9;
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 60);
    cr_assert(run("sis.size", SIDE_AT_LEAST, 0.15), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(result.estimate.value, 0, 0);
    expect_near(detail("empty", NULL, NULL), (double)result.estimate.n, 0);
    expect_part(result.found, "\u201cred\u201d 100.0%");
    cr_assert_str_eq(result.fact.heading, "No pixel at all is needed");
}

Test(checks_a, size_counts_right_answers_only)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f, .mislabelled = 4 }, 60);
    cr_assert(run("sis.size", SIDE_NONE, 0), "%s", err.text);
    expect(CHECK_REPORTED);
    cr_assert_eq(result.estimate.n, 45);
}

Test(checks_a, size_on_five_pictures_is_inconclusive)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 5);
    cr_assert(run("sis.size", SIDE_AT_LEAST, 0.15), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
    expect_part(result.act, "raise the sample");
}

Test(checks_a, size_without_a_sure_answer_is_an_error)
{
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(!run("sis.size", SIDE_AT_LEAST, 0.15));
    expect_part(err.text, "none of 30 pictures");
}

/* --- correct.vs.wrong --------------------------------------------------------------------------------------------- */

/* Every ninth picture has class 0 and shows class 1, to which the bias adds: class 1 needs (5.288 - bias) / 0.8 pixels,
 * the others (4.595 + ln(1 + e^bias)) / 0.8. With a bias of 2 these are 5 and 9 pixels, with -2 they are 10 and 6. */
static void open_biased(float bias)
{
    planted_model_reads(model, planted_centre, 2);
    model->bias[1] = bias;
    open_study((struct planted_pictures){ .n = 270, .centre = 0.4f, .mislabelled = 9 }, 270);
}

Test(checks_a, sizes_of_wrong_answers_that_are_smaller_are_told)
{
    open_biased(2);
    cr_assert(run("correct.vs.wrong", SIDE_AT_LEAST, 0.01), "%s", err.text);
    expect(CHECK_PASS);
    expect_near(result.estimate.value, (7.5 - 5) / 64, 1e-12);
    expect_near(detail("wrong", NULL, NULL), 30, 0);
    expect_part(result.means, "less of the picture");
}

Test(checks_a, sizes_of_wrong_answers_that_are_larger_fail_a_limit)
{
    open_biased(-2);
    cr_assert(run("correct.vs.wrong", SIDE_AT_LEAST, 0.01), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(result.estimate.value, (7.5 - 10) / 64, 1e-12);
    expect_part(result.means, "more of the picture");
}

Test(checks_a, right_answers_alone_compare_with_nothing)
{
    planted_model_reads(model, planted_centre, 2);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(run("correct.vs.wrong", SIDE_AT_LEAST, 0.01), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
    expect_part(result.found, "Nothing to compare");
    cr_assert_eq(result.figure[0].n_rows, 1);
}

Test(checks_a, three_wrong_answers_are_too_few_to_compare)
{
    planted_model_reads(model, planted_centre, 2);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f, .mislabelled = 20 }, 60);
    cr_assert(run("correct.vs.wrong", SIDE_AT_LEAST, 0.01), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
    cr_assert_eq(result.figure[0].n_rows, 2);
}

Test(checks_a, comparing_without_a_sure_answer_is_an_error)
{
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(!run("correct.vs.wrong", SIDE_AT_LEAST, 0.01));
    expect_part(err.text, "none of 30 pictures");
}

/* --- baseline.sensitivity ----------------------------------------------------------------------------------------- */

static bool one_pixel(int y, int x)
{
    return y == 3 && x == 3;
}

/* One pixel decides whatever the others are. */
Test(checks_a, sensitivity_clears_a_model_that_does_not_read_the_filling)
{
    planted_model_reads(model, one_pixel, 500);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(run("baseline.sensitivity", SIDE_AT_MOST, 1.1), "%s", err.text);
    expect(CHECK_PASS);
    expect_near(result.estimate.value, 1, 0);
    cr_assert_eq(result.figure[0].n_rows, 5);
}

/* A blurred picture has much of the colour at the same place. Mean colour: 14 pixels as above. Black takes the same
 * from every class. */
Test(checks_a, sensitivity_catches_a_model_that_reads_the_filling)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(run("baseline.sensitivity", SIDE_AT_MOST, 1.1), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(detail("median", "mean", NULL), 14.0 / 64, 1e-12);
    expect_near(detail("median", "black", NULL), 14.0 / 64, 1e-12);
    expect_near(detail("median", "image-mean", NULL), 13.0 / 64, 1e-12);
    cr_assert(detail("median", "blur", NULL) < 12.0 / 64);
    expect_part(result.found, "smallest: blurred picture");
}

Test(checks_a, sensitivity_on_five_pictures_is_inconclusive)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 5);
    cr_assert(run("baseline.sensitivity", SIDE_AT_MOST, 1.1), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
}

Test(checks_a, sensitivity_without_a_sure_answer_is_an_error)
{
    open_study((struct planted_pictures){ .n = 60, .centre = 0.4f }, 30);
    cr_assert(!run("baseline.sensitivity", SIDE_AT_MOST, 1.1));
    expect_part(err.text, "none of 30 pictures");
}

/* --- rubbish ------------------------------------------------------------------------------------------------------ */

static double share_of(const char *kind)
{
    return detail("kinds", kind, "sure") / detail("kinds", kind, "pictures");
}

Test(checks_a, rubbish_clears_a_model_that_needs_an_object)
{
    planted_model_reads(model, planted_centre, 1);
    open_study((struct planted_pictures){ .n = 90, .centre = 0.4f }, 90);
    cr_assert(run("rubbish", SIDE_AT_MOST, 0.1), "%s", err.text);
    expect(CHECK_PASS);
    cr_assert_eq(result.estimate.n, 3 * 90 + 2);
    expect_near(result.estimate.value, 0, 0.02);
    expect_part(result.found, "of the true pictures 100%");
}

/* The sum over all pixels does not change when they change places. */
Test(checks_a, rubbish_catches_a_model_that_only_counts_colour)
{
    planted_model_reads(model, planted_all, 1);
    model->scale = 50;
    open_study((struct planted_pictures){ .n = 90, .centre = 0.4f }, 90);
    cr_assert(run("rubbish", SIDE_AT_MOST, 0.1), "%s", err.text);
    expect(CHECK_FAIL);
    expect_near(share_of("pictures with shuffled pixels"), 1, 0);
    expect_near(share_of("blank, mean colour of a picture"), 1, 0);
    cr_assert(share_of("uniform noise") > 0.9);
    expect_near(share_of("blank, mean colour of the data set"), 0, 0);
    expect_near(share_of("blank, black"), 0, 0);
    cr_assert_eq(result.fact.n_pictures, 3);
}

Test(checks_a, rubbish_always_tells_the_answer_to_the_blank_picture)
{
    planted_model_reads(model, planted_centre, 1); /* noise gets another probability */
    model->bias[1] = 1;
    open_study((struct planted_pictures){ .n = 90, .centre = 0.4f }, 90);
    cr_assert(run("rubbish", SIDE_NONE, 0), "%s", err.text);
    expect(CHECK_REPORTED);
    expect_part(result.found, "mean colour is \u201cgreen\u201d, 58%"); /* e / (e + 2) */
}

Test(checks_a, rubbish_on_three_pictures_is_inconclusive)
{
    open_study((struct planted_pictures){ .n = 90, .centre = 0.4f }, 3);
    cr_assert(run("rubbish", SIDE_AT_MOST, 0.1), "%s", err.text);
    expect(CHECK_INCONCLUSIVE);
    cr_assert_null(result.fact.heading); /* nothing is sure */
}

Test(checks_a, rubbish_that_is_answered_with_nan_is_an_error)
{
    open_study((struct planted_pictures){ .n = 90, .centre = 0.4f }, 30);
    model->bias[1] = NAN;
    cr_assert(!run("rubbish", SIDE_AT_MOST, 0.1));
    cr_assert(!run("accuracy", SIDE_AT_LEAST, 0.1));
    cr_assert(!run("calibration", SIDE_AT_MOST, 0.1));
}
