/* Checks that show a model parts of pictures: each on a planted model that it must catch and on one it must clear. */
#include "tests/planted_classifier.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/probe.h"

enum { FLOATS = 3 * PLANTED_PIXELS, N = 90 };

static const struct planted_pictures coloured_border = { .n = N, .border = 0.4f };
static const struct planted_pictures coloured_both = { .n = N, .border = 0.4f, .centre = 0.4f };

/* One run of one check on one model; close() frees all. */
struct trial {
    struct planted_model *model;
    struct dataset *data;
    struct planted_study study;
    struct policy_check policy;
    struct check check;
    struct err err;
    bool ran;
};

static struct trial run_with(struct planted_model *model, const struct planted_pictures *pictures,
                             struct policy_check policy, int n)
{
    struct trial t = { .model = model, .data = planted_dataset(pictures), .policy = policy };
    planted_study_open(&t.study, model, t.data, pictures->n);
    t.ran = planted_run(&t.study, &policy, n, &t.check, &t.err);
    return t;
}

static struct trial run(struct planted_model *model, const struct planted_pictures *pictures, const char *kind,
                        double limit)
{
    return run_with(model, pictures, planted_policy(kind, SIDE_AT_MOST, limit), pictures->n);
}

static void close_trial(struct trial *t)
{
    check_free(&t->check);
    planted_study_close(&t->study);
    dataset_close(t->data);
    planted_model_free(t->model);
}

static void expect_status(struct trial *t, enum check_status status)
{
    cr_assert(t->ran, "%s", t->err.text);
    cr_expect(t->check.status == status, "%s instead of %s: %g (%g to %g)", check_status_name(t->check.status),
              check_status_name(status), t->check.estimate.value, t->check.estimate.low, t->check.estimate.high);
}

static void expect_value(const struct trial *t, double value, double tolerance)
{
    cr_expect(fabs(t->check.estimate.value - value) <= tolerance, "%g instead of %g", t->check.estimate.value, value);
}

/* A number of the details: "ring_right", or "neighbours" and below it "answer_lost"; of an estimate its value. */
static double detail(const struct trial *t, const char *key, const char *below)
{
    json_t *found = json_object_get(t->check.details, key);
    found = below ? json_object_get(found, below) : found;
    cr_assert(found, "no %s", key);
    return json_number_value(json_is_object(found) ? json_object_get(found, "value") : found);
}

static struct planted_model *model_that_reads(planted_region region, float gain)
{
    struct planted_model *m = planted_model_new();
    planted_model_reads(m, region, gain);
    return m;
}

static bool first_four(int y, int x)
{
    return y == 0 && x < 4;
}

static void weigh(struct planted_model *m, int k, int y, int x, float gain)
{
    m->weight[k * FLOATS + k * PLANTED_PIXELS + y * PLANTED_SIDE + x] = gain;
}

/* --- subset.sufficiency: 5 % of 64 pixels are 4 ------------------------------------------------------------------- */

Test(subset_sufficiency, catches_a_model_that_reads_four_pixels)
{
    struct trial t = run(model_that_reads(first_four, 20), &coloured_both, "subset.sufficiency", 0.6);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 1, 0);
    cr_expect(detail(&t, "whole_right", NULL) >= 1);
    const json_t *level = json_array_get(json_object_get(t.check.details, "curve"), 2); /* 1, 2 % are 1 and 2 pixels */
    double random = json_number_value(json_object_get(json_object_get(level, "random_right"), "value"));
    cr_expect(json_integer_value(json_object_get(level, "pixels")) == 4);
    cr_expect(random < 0.7, "as many random pixels do not: %g", random);
    close_trial(&t);
}

Test(subset_sufficiency, clears_a_model_that_needs_many_pixels)
{
    struct planted_model *m = model_that_reads(planted_all, 1);
    m->bias[0] = 6; /* 44 coloured pixels of 0.4 each; four of them leave the model at class 0 */
    struct trial t = run(m, &coloured_both, "subset.sufficiency", 0.6);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 1.0 / 3, 1e-9);
    cr_expect(detail(&t, "whole_right", NULL) >= 1);
    close_trial(&t);
}

Test(subset_sufficiency, shows_the_fraction_that_was_asked_for)
{
    struct policy_check policy = planted_policy("subset.sufficiency", SIDE_AT_MOST, 0.6);
    policy.fraction = 0.5; /* 32 of 64: enough even for the model that needs many */
    struct planted_model *m = model_that_reads(planted_all, 1);
    m->bias[0] = 6;
    struct trial t = run_with(m, &coloured_both, policy, N);
    expect_status(&t, CHECK_FAIL);
    cr_expect(json_array_size(json_object_get(t.check.details, "curve")) == 6, "0.5 is in the list only once");
    close_trial(&t);
}

/* --- border.share: the ring one pixel wide is 28 of 64 ------------------------------------------------------------ */

Test(border_share, catches_a_model_that_reads_the_border)
{
    struct trial t = run(model_that_reads(planted_border, 3), &coloured_both, "border.share", 1.5);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 64.0 / 28, 1e-9);
    cr_expect(fabs(detail(&t, "random_ratio", NULL) - 1) <= 0.2, "random pixels are spread evenly");
    cr_expect(detail(&t, "centre_ratio", NULL) <= 0);
    cr_expect(fabs(detail(&t, "probability_ratio", NULL) - 64.0 / 28) <= 1e-9, "unsaturated: both rankings agree");
    close_trial(&t);
}

Test(border_share, clears_a_model_that_reads_the_centre)
{
    struct trial t = run(model_that_reads(planted_centre, 3), &coloured_both, "border.share", 1.5);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 0, 0);
    cr_expect(detail(&t, "centre_ratio", NULL) > 2);
    close_trial(&t);
}

Test(border_share, draws_heat_of_deciding_pixels_only)
{
    struct trial t = run(model_that_reads(planted_border, 3), &coloured_both, "border.share", 1.5);
    const struct figure *heat = &t.check.figure[0];
    cr_assert(heat->kind == FIGURE_HEAT && heat->ring == 1 && heat->heat_w == PLANTED_SIDE);
    double inside = 0;
    for (int i = 0; i < PLANTED_PIXELS; i++) {
        cr_expect(heat->share[i] >= 0 && heat->share[i] <= 1);
        cr_expect(planted_border(i / PLANTED_SIDE, i % PLANTED_SIDE) || heat->share[i] <= 0);
        inside += heat->share[i];
    }
    cr_expect(inside > 1, "pictures have deciding pixels");
    close_trial(&t);
}

Test(border_share, refuses_a_ring_that_leaves_no_centre)
{
    struct policy_check policy = planted_policy("border.share", SIDE_AT_MOST, 1.5);
    policy.width = 2; /* 48 of 64 */
    struct trial t = run_with(model_that_reads(planted_border, 3), &coloured_both, policy, N);
    cr_expect(!t.ran && t.err.status == EXIT_USAGE && strstr(t.err.text, "smaller width"));
    close_trial(&t);
}

/* One pixel of the centre makes the probability 1 in float32, so it has no gradient: ties go to the first pixel, and
 * what is left are the 19 pixels from the centre's last one on, 11 of them in the ring. The margin tells the centre. */
Test(border_share, tells_an_artefact_of_ties_from_use_of_the_border)
{
    struct trial t = run(model_that_reads(planted_centre, 100), &coloured_both, "border.share", 0.5);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 0, 0);
    double artefact = detail(&t, "probability_ratio", NULL);
    cr_expect(fabs(artefact - 11.0 / 19 / (28.0 / 64)) <= 1e-9, "%g", artefact);
    close_trial(&t);
}

/* All nine agree, but nine pictures are too few for an interval. */
Test(border_share, is_not_decided_by_nine_pictures)
{
    struct policy_check policy = planted_policy("border.share", SIDE_AT_MOST, 1.4);
    struct trial t = run_with(model_that_reads(planted_border, 3), &coloured_both, policy, 9);
    expect_status(&t, CHECK_INCONCLUSIVE);
    expect_value(&t, 64.0 / 28, 1e-9);
    close_trial(&t);
}

Test(border_share, cannot_run_when_no_picture_reaches_the_threshold)
{
    struct trial t = run(planted_model_new(), &coloured_both, "border.share", 1.5);
    cr_expect(!t.ran && t.err.status == EXIT_CANNOT_RUN && strstr(t.err.text, "another threshold"));
    close_trial(&t);
}

/* --- border.accuracy ---------------------------------------------------------------------------------------------- */

static struct trial run_border_accuracy(planted_region region, double limit, int n)
{
    struct policy_check policy = planted_policy("border.accuracy", SIDE_AT_MOST, limit);
    policy.width = 1;
    return run_with(model_that_reads(region, 3), &coloured_both, policy, n);
}

Test(border_accuracy, catches_a_model_that_reads_the_border)
{
    struct trial t = run_border_accuracy(planted_border, 0.1, N);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 2.0 / 3, 1e-9); /* without evidence it answers class 0 and is right in a third */
    cr_expect(detail(&t, "ring_right", NULL) >= 1);
    cr_expect(fabs(detail(&t, "centre_right", NULL) - 1.0 / 3) <= 1e-9);
    cr_expect(fabs(detail(&t, "majority_right", NULL) - 1.0 / 3) <= 1e-9);
    close_trial(&t);
}

Test(border_accuracy, clears_a_model_that_reads_the_centre)
{
    struct trial t = run_border_accuracy(planted_centre, 0.1, N);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, -2.0 / 3, 1e-9);
    close_trial(&t);
}

Test(border_accuracy, is_not_decided_by_nine_pictures)
{
    struct trial t = run_border_accuracy(planted_border, -0.5, 9);
    expect_status(&t, CHECK_INCONCLUSIVE);
    close_trial(&t);
}

/* Chance is a third; what the border tells is told by the centre, too. */
Test(border_accuracy, is_not_judged_against_chance)
{
    struct trial t = run_border_accuracy(planted_all, 0.1, N);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 0, 0);
    cr_expect(detail(&t, "ring_right", NULL) >= 1);
    cr_expect(t.check.estimate.low < 0 && t.check.estimate.high > 0, "alike in 90 pictures is not alike in all");
    close_trial(&t);
}

/* --- mask.only ---------------------------------------------------------------------------------------------------- */

/* Class k is read off row k alone, so where the best pixels lie tells the class. */
Test(mask_only, catches_a_model_whose_best_pixels_draw_the_class)
{
    struct planted_model *m = planted_model_new();
    for (int k = 0; k < PLANTED_CLASSES; k++)
        for (int x = 2; x < 6; x++)
            weigh(m, k, 2 + k, x, 20);
    struct trial t = run(m, &(struct planted_pictures){ .n = N, .centre = 0.4f }, "mask.only", 0.6);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 1, 0);
    cr_expect(detail(&t, "black_same_answer", NULL) <= 0, "black speaks against the class");
    close_trial(&t);
}

Test(mask_only, clears_a_model_that_reads_colour)
{
    struct trial t = run(model_that_reads(planted_border, 20), &coloured_border, "mask.only", 0.6);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 1.0 / 3, 1e-9); /* white is every class's colour: it answers class 0 */
    cr_expect(detail(&t, "own_colours_same_answer", NULL) >= 1);
    close_trial(&t);
}

/* --- shuffled.values ---------------------------------------------------------------------------------------------- */

Test(shuffled_values, catches_a_model_that_counts_colours)
{
    struct trial t = run(model_that_reads(planted_border, 20), &coloured_border, "shuffled.values", 0.6);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 1, 0);
    close_trial(&t);
}

/* Two pixels must be bright and two dark; the right class is among 1 of 6 ways to deal these out, and a balanced deal
 * leaves class 0. */
Test(shuffled_values, clears_a_model_that_reads_places)
{
    struct planted_model *m = planted_model_new();
    for (int k = 0; k < PLANTED_CLASSES; k++) {
        weigh(m, k, 0, 0, 20);
        weigh(m, k, 0, 7, 20);
        weigh(m, k, 3, 3, -20);
        weigh(m, k, 4, 4, -20);
    }
    struct trial t =
        run(m, &(struct planted_pictures){ .n = N, .border = 0.4f, .centre = -0.4f }, "shuffled.values", 0.6);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, (5.0 / 6 + 1.0 / 6 + 1.0 / 6) / 3, 0.12);
    cr_expect(detail(&t, "in_place_same_answer", NULL) >= 1);
    close_trial(&t);
}

/* --- dilation ----------------------------------------------------------------------------------------------------- */

/* In the centre every other pixel speaks for the class, and their neighbours louder against it; the border outweighs
 * all that in the whole picture. */
static struct planted_model *model_of_single_pixels(void)
{
    struct planted_model *m = model_that_reads(planted_border, 5);
    for (int k = 0; k < PLANTED_CLASSES; k++)
        for (int y = 2; y < 6; y++)
            for (int x = 2; x < 6; x++)
                weigh(m, k, y, x, (y + x) % 2 ? -20 : 8);
    return m;
}

Test(dilation, catches_a_model_whose_answer_vanishes_among_neighbours)
{
    struct trial t = run(model_of_single_pixels(), &coloured_both, "dilation", 0.2);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 1, 0);
    cr_expect(detail(&t, "alone", "mean_probability") >= 0.99);
    cr_expect(detail(&t, "neighbours", "mean_probability") < 0.1);
    cr_expect(detail(&t, "random", "answer_lost") < 0.7, "random pixels come from the border, too");
    cr_expect(fabs(detail(&t, "random", "mean_share_shown") - detail(&t, "neighbours", "mean_share_shown")) <= 1e-12);
    close_trial(&t);
}

Test(dilation, clears_a_model_whose_evidence_adds_up)
{
    struct trial t = run(model_that_reads(planted_border, 3), &coloured_border, "dilation", 0.2);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 0, 0);
    cr_expect(detail(&t, "neighbours", "mean_share_shown") > detail(&t, "alone", "mean_share_shown"));
    close_trial(&t);
}

Test(dilation, cannot_run_when_no_picture_has_deciding_pixels)
{
    struct trial t = run(planted_model_new(), &coloured_both, "dilation", 0.2);
    cr_expect(!t.ran && t.err.status == EXIT_CANNOT_RUN);
    close_trial(&t);
}

/* --- wrong.class -------------------------------------------------------------------------------------------------- */

Test(wrong_class, catches_a_model_that_noise_can_turn)
{
    struct planted_pictures noisy = { .n = N, .border = 0.2f, .noise = 0.1f };
    struct trial t = run(model_that_reads(planted_all, 20), &noisy, "wrong.class", 0.1);
    expect_status(&t, CHECK_FAIL);
    expect_value(&t, 1, 0);
    cr_expect(detail(&t, "random_forced", NULL) < 0.5, "random pixels do not turn it");
    cr_expect(detail(&t, "nothing_left", NULL) <= 0);
    close_trial(&t);
}

Test(wrong_class, clears_a_model_without_evidence_for_another_class)
{
    struct trial t = run(model_that_reads(planted_border, 20), &coloured_border, "wrong.class", 0.1);
    expect_status(&t, CHECK_PASS);
    expect_value(&t, 0, 0);
    cr_expect(t.check.fact.n_pictures == 0);
    close_trial(&t);
}

/* The empty picture is class 0 for sure: where 0 is the wrong class, hiding everything is enough. */
Test(wrong_class, says_that_nothing_need_be_left)
{
    struct planted_model *m = model_that_reads(planted_border, 20);
    m->bias[0] = 8;
    struct trial t = run(m, &coloured_border, "wrong.class", 0.1);
    expect_status(&t, CHECK_FAIL);
    cr_expect(detail(&t, "nothing_left", NULL) > 0);
    cr_expect(strstr(t.check.found, "the empty picture"));
    close_trial(&t);
}

Test(wrong_class, reports_without_a_limit)
{
    struct policy_check policy = planted_policy("wrong.class", SIDE_NONE, 0);
    struct trial t = run_with(model_that_reads(planted_border, 20), &coloured_border, policy, N);
    expect_status(&t, CHECK_REPORTED);
    cr_expect(!t.check.gates);
    close_trial(&t);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static const char *const kinds[] = { "subset.sufficiency", "border.share", "border.accuracy", "mask.only",
                                     "shuffled.values",    "dilation",     "wrong.class" };

static struct policy_check any_policy(const char *kind, enum side side, double limit)
{
    struct policy_check policy = planted_policy(kind, side, limit);
    policy.width = 1;
    return policy;
}

Test(parts_of_pictures, three_pictures_decide_nothing)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct planted_pictures pictures = { .n = N, .border = 0.2f, .centre = 0.2f, .noise = 0.1f };
        struct policy_check policy = any_policy(kinds[k], SIDE_AT_MOST, strcmp(kinds[k], "border.accuracy") ? 0.5 : 0);
        struct trial t = run_with(model_that_reads(planted_all, 20), &pictures, policy, 3);
        cr_assert(t.ran, "%s: %s", kinds[k], t.err.text);
        cr_expect(t.check.status == CHECK_INCONCLUSIVE, "%s: %s, %g to %g", kinds[k], check_status_name(t.check.status),
                  t.check.estimate.low, t.check.estimate.high);
        cr_expect(t.check.estimate.n == 3);
        close_trial(&t);
    }
}

Test(parts_of_pictures, say_the_same_twice)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char *text[2];
        for (int turn = 0; turn < 2; turn++) {
            struct planted_pictures pictures = { .n = N, .border = 0.2f, .noise = 0.1f };
            struct trial t =
                run_with(model_that_reads(planted_all, 20), &pictures, any_policy(kinds[k], SIDE_AT_MOST, 0.5), N);
            char *details = json_dumps(t.check.details, JSON_COMPACT);
            text[turn] = mem_format("%s %s", t.check.found, details);
            free(details);
            close_trial(&t);
        }
        cr_expect_str_eq(text[0], text[1]);
        free(text[0]);
        free(text[1]);
    }
}

/* planted_run() reads every text of it: no line break, no "nan". */
Test(parts_of_pictures, find_words_without_a_limit_and_for_one_picture)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct planted_pictures pictures = { .n = N, .border = 0.2f, .noise = 0.1f, .mislabelled = 4 };
        struct trial t = run_with(model_that_reads(planted_all, 20), &pictures, any_policy(kinds[k], SIDE_NONE, 0), 1);
        expect_status(&t, CHECK_REPORTED);
        close_trial(&t);
    }
}

static bool stop_at_once(void)
{
    return true;
}

Test(parts_of_pictures, stop_when_the_user_does)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct planted_model *m = model_that_reads(planted_all, 20);
        struct dataset *data = planted_dataset(&coloured_both);
        struct policy_check policy = any_policy(kinds[k], SIDE_AT_MOST, 0.5);
        struct planted_study study;
        struct check check;
        struct err err;
        planted_study_open(&study, m, data, N);
        study.study.stop = stop_at_once;
        cr_expect(!planted_run(&study, &policy, N, &check, &err), "%s", kinds[k]);
        cr_expect(err.status == EXIT_INTERRUPTED, "%s: %s", kinds[k], err.text);
        planted_study_close(&study);
        dataset_close(data);
        planted_model_free(m);
    }
}

/* --- what they share ---------------------------------------------------------------------------------------------- */

Test(probe, widens_an_interval_without_spread_by_three_over_n)
{
    struct interval range = { -1, 1 };
    struct estimate e = probe_widen((struct estimate){ 0.5, 0.5, 0.5, 60 }, range);
    cr_expect(fabs(e.low - 0.4) <= 1e-12 && fabs(e.high - 0.6) <= 1e-12);
    e = probe_widen((struct estimate){ 1, 1, 1, 60 }, range);
    cr_expect(fabs(e.low - 0.9) <= 1e-12 && e.high <= 1);
    e = probe_widen((struct estimate){ 0.5, 0.4, 0.55, 60 }, range);
    cr_expect(fabs(e.low - 0.4) <= 0 && fabs(e.high - 0.55) <= 0);
}

Test(probe, fraction_of_a_picture_is_rounded_up)
{
    struct classifier model = { .c = 1, .h = 10, .w = 10 };
    struct study s = { .model = &model };
    cr_expect(probe_share(&s, 0.05) == 5);
    cr_expect(probe_share(&s, 0.051) == 6);
    cr_expect(probe_share(&s, 0.07) == 7, "not 8, although 0.07 * 100 is a little above 7");
    cr_expect(probe_share(&s, 0.0001) == 1);
    cr_expect(probe_share(&s, 1) == 100);
}

Test(probe, number_that_is_not_finite_is_null)
{
    json_t *not_finite = probe_number((double)NAN), *finite = probe_number(0.5);
    cr_expect(json_is_null(not_finite) && json_is_real(finite));
    json_decref(not_finite);
    json_decref(finite);
}
