#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/drawn_fixture.h"

#define KIND "region.map"
enum { N = 600, SIDE = 32, CLASSES = 4 };
static const double limit = 0.15;

static const struct figure *heat_of(const struct check *c)
{
    for (int i = 0; i < c->n_figures; i++)
        if (c->figure[i].kind == FIGURE_HEAT)
            return &c->figure[i];
    return NULL;
}

Test(region_map, logo_in_a_corner_is_caught_and_said_to_be_there)
{
    struct drawn d = { .n = N, .side = SIDE, .classes = CLASSES, .disc = 0.5, .mark = MARK_CORNER, .share = 0.8 };
    struct check out;
    const struct suspect *suspects;
    drawn_open(&d, 2);
    drawn_check(&d, KIND, 0, limit, &out);
    cr_assert(out.status == CHECK_FAIL && out.estimate.n == N, "%g to %g", out.estimate.low, out.estimate.high);
    cr_assert(drawn_detail(&out, "place_row", NULL) == 8 && drawn_detail(&out, "place_column", NULL) == 8);
    cr_assert(strstr(out.found, "the bottom right corner") && strstr(out.act, "the bottom right corner"));
    const struct figure *heat = heat_of(&out);
    cr_assert(heat && heat->heat_w == 8 && heat->heat_h == 8);
    for (int k = 0; k < 63; k++)
        cr_assert(heat->share[k] >= 0 && heat->share[k] < heat->share[63] - 0.1, "place %d", k);
    int n = survey_suspects(&d.survey, &suspects);
    cr_assert(n > N / 4 && n < N && strstr(suspects[0].why, "the bottom right corner"), "%d listed", n);
    check_free(&out);
    drawn_close(&d);
}

static void expect(struct drawn d, enum check_status status)
{
    struct check out;
    drawn_open(&d, 2);
    drawn_check(&d, KIND, 0, limit, &out);
    cr_assert(out.status == status, "%g to %g", out.estimate.low, out.estimate.high);
    check_free(&out);
    drawn_close(&d);
}

Test(region_map, mark_inside_is_caught)
{
    expect((struct drawn){ .n = N, .side = SIDE, .classes = CLASSES, .disc = -1, .mark = MARK_INSIDE, .share = 0.7 },
           CHECK_FAIL);
}

Test(region_map, logo_that_says_nothing_is_cleared)
{
    expect((struct drawn){ .n = N, .side = SIDE, .classes = CLASSES, .disc = -1, .mark = MARK_CORNER, .share = 0 },
           CHECK_PASS);
}

Test(region_map, object_in_the_middle_is_cleared)
{
    expect((struct drawn){ .n = N, .side = SIDE, .classes = CLASSES, .disc = 0.9 }, CHECK_PASS);
}

/* The best of 64 places on the pictures that choose it is above the others by luck alone. */
Test(region_map, choosing_a_place_does_not_make_it_stand_out)
{
    enum { SETS = 12 };
    double mean = 0;
    for (int k = 0; k < SETS; k++) {
        struct drawn d = { .n = 200, .side = 16, .classes = CLASSES, .disc = -1 };
        struct check out;
        d.seed = 50 + (uint64_t)k;
        drawn_open(&d, 2);
        drawn_check(&d, KIND, 0, limit, &out);
        mean += (out.estimate.value + drawn_detail(&out, "shuffled_labels_difference", "value")) / (2 * SETS);
        check_free(&out);
        drawn_close(&d);
    }
    cr_assert(fabs(mean) < 0.02, "%g", mean); /* chosen and measured on the same pictures: 0.08 */
}

Test(region_map, too_few_pictures_decide_nothing)
{
    struct drawn d = { .n = 30, .side = 16, .classes = CLASSES, .disc = -1, .mark = MARK_CORNER, .share = 1 };
    struct check out;
    drawn_open(&d, 1);
    drawn_check(&d, KIND, 0, limit, &out);
    cr_assert(out.status == CHECK_INCONCLUSIVE && out.needed == 10 * CLASSES);
    check_free(&out);
    drawn_close(&d);
}

Test(region_map, pictures_smaller_than_the_grid_have_a_place_for_each_pixel)
{
    for (int side = 1; side <= 5; side += 2) {
        struct drawn d = { .n = 100, .side = side, .classes = CLASSES, .disc = -1 };
        struct check out;
        drawn_open(&d, 2);
        drawn_check(&d, KIND, 0, limit, &out);
        const struct figure *heat = heat_of(&out);
        cr_assert(heat && heat->heat_w == side && heat->heat_h == side);
        check_free(&out);
        drawn_close(&d);
    }
}

Test(region_map, same_result_for_every_number_of_threads)
{
    char *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        struct drawn d = { .n = 150, .side = 16, .classes = CLASSES, .disc = 0.3, .mark = MARK_CORNER, .share = 0.3 };
        struct check out;
        drawn_open(&d, threads);
        drawn_check(&d, KIND, 0, limit, &out);
        char *text = json_dumps(out.details, JSON_REAL_PRECISION(17));
        cr_assert(!first || strcmp(first, text) == 0, "%d threads", threads);
        free(first);
        first = text;
        check_free(&out);
        drawn_close(&d);
    }
    free(first);
}
