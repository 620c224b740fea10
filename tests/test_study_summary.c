/* What the page of the study tells of a search: from records made by hand, whose numbers can be computed in the head.
 */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/study_fixture.h"
#include "tools/study_page/sis_summary.h"

enum { RECORDS = 5 };

/* Right ones of 4, 8 and 12 pixels and one that never gets to 0.9; a wrong one of 4 in the middle. */
static struct sis_summary summarize(void)
{
    struct sis_record record[RECORDS] = {
        study_record(0, true, 11 * SIDE, 4, 0.95),     study_record(1, true, 0, 8, 0.95),
        study_record(2, true, 11 * SIDE, 12, 0.95),    study_record(3, true, 5 * SIDE, 40, 0.6),
        study_record(4, false, 5 * SIDE + 4, 4, 0.95),
    };
    return study_summary(record, RECORDS);
}

static bool is(double a, double b)
{
    return fabs(a - b) <= 1e-12;
}

Test(study_summary, sizes_of_right_and_of_wrong_answers_are_told_apart)
{
    struct sis_summary s = summarize();
    const struct sizes *right = &s.sizes[1][GROUP_RIGHT], *wrong = &s.sizes[1][GROUP_WRONG];
    cr_assert(is(right->mean.value, 8));
    cr_assert(is(right->median.value, 8));
    cr_assert_eq(right->mean.n, 3);
    cr_assert_eq(right->reached.n, 4);
    cr_assert(is(right->reached.value, 0.75));
    cr_assert(is(wrong->mean.value, 4));
    cr_assert_eq(wrong->reached.n, 1);
    sis_summary_free(&s);
}

Test(study_summary, who_does_not_reach_the_threshold_has_no_size_there)
{
    struct sis_summary s = summarize();
    cr_assert_eq(s.sizes[0][GROUP_RIGHT].mean.n, 4);
    cr_assert(is(s.sizes[0][GROUP_RIGHT].mean.value, (4 + 8 + 12 + 40) / 4.0));
    sis_summary_free(&s);
}

Test(study_summary, intervals_hold_what_they_are_about)
{
    struct sis_summary s = summarize();
    const struct estimate *e[] = { &s.sizes[1][GROUP_RIGHT].mean, &s.sizes[1][GROUP_RIGHT].median,
                                   &s.sizes[1][GROUP_RIGHT].reached, &s.share[REGION_LOWER] };
    for (int i = 0; i < 4; i++) {
        cr_assert(e[i]->low < e[i]->value);
        cr_assert(e[i]->high > e[i]->value);
    }
    sis_summary_free(&s);
}

Test(study_summary, deciding_pixels_are_counted_where_they_lie)
{
    struct sis_summary s = summarize(); /* 4 + 12 pixels below, 8 above, 4 in the middle */
    cr_assert(is(s.where, 0.9));
    cr_assert_eq(s.n_where, 4);
    cr_assert(is(s.share[REGION_LOWER].value, 16 / 28.0));
    cr_assert(is(s.share[REGION_UPPER].value, 8 / 28.0));
    cr_assert(is(s.share[REGION_BORDER].value, 24 / 28.0));
    cr_assert(is(s.area[REGION_LOWER], 48.0 / 144));
    cr_assert(is(s.area[REGION_BORDER], 128.0 / 144));
    cr_assert(is(s.heat[11 * SIDE], 0.5));
    cr_assert(is(s.heat[11 * SIDE + 11], 0.25));
    cr_assert(is(s.heat[6 * SIDE], 0));
    sis_summary_free(&s);
}
