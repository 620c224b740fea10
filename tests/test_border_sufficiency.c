#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/drawn_fixture.h"

#define KIND "border.sufficiency"
enum { N = 1200, SIDE = 24, CLASSES = 4, WIDTH = 2 };
static const double limit = 0.05;

static enum check_status status_of(struct drawn d, int threads)
{
    struct check out;
    drawn_open(&d, threads);
    drawn_check(&d, KIND, WIDTH, limit, &out);
    enum check_status status = out.status;
    check_free(&out);
    drawn_close(&d);
    return status;
}

Test(border_sufficiency, frame_in_the_colour_of_the_class_is_caught)
{
    struct drawn d = { .n = N, .side = SIDE, .classes = CLASSES, .disc = -1, .mark = MARK_FRAME, .share = 0.5 };
    struct check out;
    const struct suspect *suspects;
    drawn_open(&d, 2);
    drawn_check(&d, KIND, WIDTH, limit, &out);
    cr_assert(out.status == CHECK_FAIL && out.estimate.n == N, "%g to %g", out.estimate.low, out.estimate.high);
    double right = drawn_detail(&out, "ring_right", "value"), perfect = 0.5 + 0.5 / CLASSES;
    cr_assert(fabs(right - perfect) < 0.05, "told %g, whoever reads the frame is right in %g", right, perfect);
    cr_assert(strstr(out.act, "crop-border:2") && strstr(out.means, "frame"));
    int n = survey_suspects(&d.survey, &suspects);
    cr_assert(n > N / 4 && n < N && strstr(suspects[0].why, "outermost 2 pixels"), "%d listed", n);
    check_free(&out);
    drawn_close(&d);
}

Test(border_sufficiency, frame_is_caught_where_the_middle_is_told_even_better)
{
    struct drawn d = { .n = N, .side = SIDE, .classes = CLASSES, .disc = 0.9, .mark = MARK_FRAME, .share = 0.3 };
    cr_assert(status_of(d, 1) == CHECK_FAIL);
}

Test(border_sufficiency, frame_that_says_nothing_is_cleared)
{
    struct drawn d = { .n = N, .side = SIDE, .classes = CLASSES, .disc = -1, .mark = MARK_FRAME, .share = 0 };
    struct check out;
    const struct suspect *suspects;
    drawn_open(&d, 2);
    drawn_check(&d, KIND, WIDTH, limit + 0.03, &out); /* of so few pictures an interval is 7 points wide */
    cr_assert(out.status == CHECK_PASS, "%g to %g", out.estimate.low, out.estimate.high);
    cr_assert(survey_suspects(&d.survey, &suspects) == 0);
    check_free(&out);
    drawn_close(&d);
}

Test(border_sufficiency, object_in_the_middle_is_cleared)
{
    struct drawn d = { .n = N, .side = SIDE, .classes = CLASSES, .disc = 0.8, .mark = MARK_NONE };
    cr_assert(status_of(d, 2) == CHECK_PASS);
}

Test(border_sufficiency, grey_pictures_are_told_too)
{
    struct drawn d = {
        .n = N, .side = SIDE, .classes = CLASSES, .channels = 1, .disc = -1, .mark = MARK_FRAME, .share = 0.7
    };
    cr_assert(status_of(d, 2) == CHECK_FAIL);
}

Test(border_sufficiency, shuffled_labels_are_told_no_better_than_by_chance)
{
    struct drawn d = { .n = N, .side = SIDE, .classes = CLASSES, .disc = 0.5, .mark = MARK_FRAME, .share = 1 };
    struct check out;
    drawn_open(&d, 2);
    drawn_check(&d, KIND, WIDTH, limit, &out);
    double chance = 1.0 / CLASSES, sd = sqrt(chance * (1 - chance) / N);
    double shuffled = drawn_detail(&out, "shuffled_labels_right", "value");
    cr_assert(fabs(shuffled - chance) < 4 * sd, "%g", shuffled);
    cr_assert(drawn_detail(&out, "ring_right", "value") > 0.97);
    double majority = drawn_detail(&out, "majority_right", NULL), right = drawn_detail(&out, "ring_right", "value");
    cr_assert_float_eq(drawn_detail(&out, "room_for_improvement_used", NULL), 1 - (1 - right) / (1 - majority), 1e-12);
    check_free(&out);
    drawn_close(&d);
}

Test(border_sufficiency, too_few_pictures_decide_nothing)
{
    for (int n = 8; n <= 38; n += 15) {
        struct drawn d = { .n = n, .side = SIDE, .classes = CLASSES, .disc = -1, .mark = MARK_FRAME, .share = 1 };
        struct check out;
        drawn_open(&d, 1);
        drawn_check(&d, KIND, WIDTH, limit, &out);
        cr_assert(out.status == CHECK_INCONCLUSIVE, "%d pictures: %g to %g", n, out.estimate.low, out.estimate.high);
        cr_assert(out.needed == 10 * CLASSES && strstr(out.act, "40 pictures"), "%s", out.act);
        check_free(&out);
        drawn_close(&d);
    }
}

Test(border_sufficiency, same_result_for_every_number_of_threads)
{
    struct drawn d = { .n = 300, .side = SIDE, .classes = CLASSES, .disc = 0.4, .mark = MARK_FRAME, .share = 0.4 };
    char *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        struct check out;
        drawn_open(&d, threads);
        drawn_check(&d, KIND, WIDTH, limit, &out);
        char *text = json_dumps(out.details, JSON_REAL_PRECISION(17));
        cr_assert(!first || strcmp(first, text) == 0, "%d threads", threads);
        if (first)
            free(first);
        first = text;
        check_free(&out);
        drawn_close(&d);
    }
    free(first);
}

/* A sanitizer takes a minute for all sets, and sees in a few what it would in all. */
#ifdef __SANITIZE_ADDRESS__
enum { SETS = 8 };
#else
enum { SETS = 24 };
#endif

/* The true value is what sets like these have on average. */
Test(border_sufficiency, interval_covers_the_true_value)
{
    struct estimate e[SETS];
    double mean = 0;
    int covered = 0;
    for (int k = 0; k < SETS; k++) {
        struct drawn d = { .n = 300, .side = 16, .classes = CLASSES, .disc = 0.3, .mark = MARK_FRAME, .share = 0.4 };
        struct check out;
        d.seed = 100 + (uint64_t)k;
        drawn_open(&d, 2);
        drawn_check(&d, KIND, 1, limit, &out);
        e[k] = out.estimate;
        mean += out.estimate.value / SETS;
        check_free(&out);
        drawn_close(&d);
    }
    for (int k = 0; k < SETS; k++)
        covered += e[k].low <= mean && mean <= e[k].high;
    cr_assert(covered >= SETS - SETS / 5 - 1, "%d of %d intervals hold %g", covered, SETS, mean);
    cr_assert(e[0].high - e[0].low < 0.25, "%g to %g", e[0].low, e[0].high);
}

Test(border_sufficiency, examples_are_told_from_the_ring_alone)
{
    struct drawn d = { .n = 300, .side = SIDE, .classes = CLASSES, .disc = -1, .mark = MARK_FRAME, .share = 0.8 };
    struct check out;
    int pictures = 0;
    drawn_open(&d, 2);
    drawn_check(&d, KIND, WIDTH, limit, &out);
    for (int i = 0; i < out.n_figures; i++)
        if (out.figure[i].kind == FIGURE_PICTURES) {
            const struct figure *f = &out.figure[i];
            for (int k = 0; k < f->n_pictures; k++)
                cr_assert(f->picture[k].w == SIDE && f->picture[k].h == SIDE && f->picture[k].alt &&
                          f->picture[k].caption);
            pictures += f->n_pictures;
        }
    cr_assert(pictures == 9 + CLASSES && out.fact.n_pictures == 3, "%d", pictures);
    const struct picture *ring = &out.fact.picture[1];
    const uint8_t *inside = ring->pixels + 3 * (SIDE * SIDE / 2 + SIDE / 2);
    cr_assert(inside[0] == 128 && inside[1] == 128 && inside[2] == 128, "the middle is not hidden");
    check_free(&out);
    drawn_close(&d);
}

static void expect_refused(struct drawn d, int width, const char *why)
{
    struct check out;
    struct err err = { 0 };
    drawn_open(&d, 1);
    cr_assert_not(drawn_run(&d, KIND, width, limit, &out, &err));
    cr_assert(strstr(err.text, why), "%s", err.text);
    check_free(&out);
    drawn_close(&d);
}

Test(border_sufficiency, ring_that_leaves_no_centre_is_refused)
{
    expect_refused((struct drawn){ .n = 50, .side = 12, .classes = CLASSES }, 3, "take a smaller width");
    expect_refused((struct drawn){ .n = 50, .side = 1, .classes = CLASSES }, 1, "take a smaller width");
}

Test(border_sufficiency, one_class_is_refused)
{
    expect_refused((struct drawn){ .n = 50, .side = SIDE, .classes = 1 }, 1, "add another class");
    expect_refused((struct drawn){ .n = 1, .side = SIDE, .classes = CLASSES }, 1, "add another class");
}

Test(border_sufficiency, smallest_pictures_that_have_a_ring)
{
    struct drawn d = { .n = 200, .side = 7, .classes = CLASSES, .disc = -1 };
    struct check out;
    drawn_open(&d, 1);
    drawn_check(&d, KIND, 1, 0.3, &out);
    cr_assert(out.status == CHECK_PASS);
    check_free(&out);
    drawn_close(&d);
}

/* --full without a test split: there is nothing to measure a network on. */
Test(border_sufficiency, no_network_is_trained_without_test_pictures)
{
    struct drawn d = { .n = 200, .side = SIDE, .classes = CLASSES, .disc = -1 };
    struct check out;
    drawn_open(&d, 1);
    d.survey.full = true;
    drawn_check(&d, KIND, 1, 0.3, &out);
    cr_assert(!json_object_get(out.details, "networks"));
    check_free(&out);
    drawn_close(&d);
}
