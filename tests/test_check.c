#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

#include "base/mem.h"
#include "validate/checks/check.h"

static enum check_status decide(double low, double value, double high, enum side side, double limit)
{
    struct estimate e = { value, low, high, 100 };
    return check_decide(&e, side, limit);
}

Test(check, the_bound_is_compared_with_the_limit_not_the_value)
{
    cr_assert_eq(decide(0.2, 0.3, 0.4, SIDE_AT_LEAST, 0.15), CHECK_PASS);
    cr_assert_eq(decide(0.1, 0.3, 0.4, SIDE_AT_LEAST, 0.15), CHECK_INCONCLUSIVE);
    cr_assert_eq(decide(0.1, 0.12, 0.14, SIDE_AT_LEAST, 0.15), CHECK_FAIL);
    cr_assert_eq(decide(0.1, 0.12, 0.14, SIDE_AT_MOST, 0.15), CHECK_PASS);
    cr_assert_eq(decide(0.1, 0.12, 0.16, SIDE_AT_MOST, 0.15), CHECK_INCONCLUSIVE);
    cr_assert_eq(decide(0.2, 0.3, 0.4, SIDE_AT_MOST, 0.15), CHECK_FAIL);
}

Test(check, a_bound_on_the_limit_is_on_the_good_side)
{
    cr_assert_eq(decide(0.15, 0.2, 0.3, SIDE_AT_LEAST, 0.15), CHECK_PASS);
    cr_assert_eq(decide(0.1, 0.12, 0.15, SIDE_AT_MOST, 0.15), CHECK_PASS);
    cr_assert_eq(decide(0.1, 0.12, 0.15, SIDE_AT_LEAST, 0.15), CHECK_INCONCLUSIVE);
    cr_assert_eq(decide(0.15, 0.2, 0.3, SIDE_AT_MOST, 0.15), CHECK_INCONCLUSIVE);
}

Test(check, what_was_counted_over_everything_is_never_undecided)
{
    cr_assert_eq(decide(0.9, 0.9, 0.9, SIDE_AT_LEAST, 0.9), CHECK_PASS);
    cr_assert_eq(decide(0.89, 0.89, 0.89, SIDE_AT_LEAST, 0.9), CHECK_FAIL);
}

Test(check, what_was_not_measured_is_an_error)
{
    struct estimate none = { 0.5, 0.4, 0.6, 0 };
    cr_assert_eq(check_decide(&none, SIDE_AT_MOST, 0.9), CHECK_ERROR);
    cr_assert_eq(check_decide(&none, SIDE_NONE, 0), CHECK_ERROR);
    for (int k = 0; k < 3; k++)
        for (int infinite = 0; infinite < 2; infinite++) {
            double x[3] = { 0.4, 0.5, 0.6 };
            x[k] = infinite ? INFINITY : NAN;
            cr_assert_eq(decide(x[0], x[1], x[2], SIDE_AT_MOST, 0.9), CHECK_ERROR);
            cr_assert_eq(decide(x[0], x[1], x[2], SIDE_NONE, 0), CHECK_ERROR);
        }
    cr_assert_eq(decide(0.4, 0.5, 0.6, SIDE_AT_MOST, NAN), CHECK_ERROR);
}

Test(check, without_a_limit_it_is_reported)
{
    cr_assert_eq(decide(0.4, 0.5, 0.6, SIDE_NONE, NAN), CHECK_REPORTED);
}

Test(check, needed_pictures_follow_the_square_root_of_n)
{
    struct estimate e = { 0.10, 0.07, 0.15, 200 }; /* 0.05 to the limit's side, 0.02 away: 200 * 2.5^2 = 1,250 */
    cr_assert_eq(check_needed(&e, 0.12), 1300);
    e = (struct estimate){ 0.10, 0.06, 0.15, 10 }; /* the other side: 10 * 2^2, and one to leave the limit */
    cr_assert_eq(check_needed(&e, 0.08), 41);
}

Test(check, so_many_pictures_do_decide)
{
    for (int i = 1; i < 50; i++) {
        struct estimate e = { 0.5, 0.3, 0.6, 50 };
        double limit = 0.5 + (i - 25) * 0.004 + 0.001;
        double n = (double)check_needed(&e, limit), shrink = sqrt(50 / n);
        cr_assert_gt(n, 0);
        struct estimate then = { 0.5, 0.5 - 0.2 * shrink, 0.5 + 0.1 * shrink, (int64_t)n };
        cr_assert_neq(check_decide(&then, SIDE_AT_MOST, limit), CHECK_INCONCLUSIVE, "limit %g, n %g", limit, n);
    }
}

Test(check, no_number_of_pictures_decides_on_the_limit_itself)
{
    struct estimate e = { 0.12, 0.07, 0.15, 200 };
    cr_assert_eq(check_needed(&e, 0.12), 0);
    cr_assert_eq(check_needed(&e, 0.12 + 1e-12), 0);
    cr_assert_eq(check_needed(&e, NAN), 0);
    e.value = NAN;
    cr_assert_eq(check_needed(&e, 0.12), 0);
}

static enum exit_status verdict_of(enum check_status a, bool gates_a, enum check_status b, bool gates_b)
{
    struct check c[] = { { .status = a, .gates = gates_a }, { .status = b, .gates = gates_b } };
    return check_verdict(c, 2);
}

Test(check, the_worst_status_makes_the_verdict)
{
    cr_assert_eq(verdict_of(CHECK_PASS, true, CHECK_PASS, true), EXIT_OK);
    cr_assert_eq(verdict_of(CHECK_PASS, true, CHECK_FAIL, true), EXIT_FAILED_CHECK);
    cr_assert_eq(verdict_of(CHECK_ERROR, true, CHECK_FAIL, true), EXIT_FAILED_CHECK);
    cr_assert_eq(verdict_of(CHECK_INCONCLUSIVE, true, CHECK_ERROR, true), EXIT_CANNOT_RUN);
    cr_assert_eq(verdict_of(CHECK_PASS, true, CHECK_INCONCLUSIVE, true), EXIT_INCONCLUSIVE);
    cr_assert_eq(verdict_of(CHECK_WAIVED, true, CHECK_PASS, true), EXIT_OK);
    cr_assert_eq(verdict_of(CHECK_REPORTED, false, CHECK_PASS, true), EXIT_OK);
}

Test(check, only_what_gates_decides_but_an_error_always_shows)
{
    cr_assert_eq(verdict_of(CHECK_FAIL, false, CHECK_PASS, true), EXIT_OK);
    cr_assert_eq(verdict_of(CHECK_INCONCLUSIVE, false, CHECK_PASS, true), EXIT_OK);
    cr_assert_eq(verdict_of(CHECK_ERROR, false, CHECK_PASS, true), EXIT_CANNOT_RUN);
    cr_assert_eq(verdict_of(CHECK_REPORTED, false, CHECK_REPORTED, false), EXIT_OK);
}

Test(check, no_check_is_no_pass)
{
    cr_assert_eq(check_verdict(NULL, 0), EXIT_INCONCLUSIVE);
}

Test(check, every_status_has_a_name)
{
    static const char *const name[] = { "pass", "fail", "inconclusive", "error", "waived", "reported" };
    for (int s = CHECK_PASS; s <= CHECK_REPORTED; s++)
        cr_assert_str_eq(check_status_name((enum check_status)s), name[s]);
}

Test(check, a_check_owns_what_it_holds)
{
    struct check c = { .id = mem_string("a"), .waiver = mem_string("b"), .details = json_object() };
    c.fact.heading = mem_string("c");
    c.fact.n_pictures = 1;
    c.fact.picture[0] = (struct picture){ .pixels = mem_alloc(3, 1), .alt = mem_string("d") };
    cr_assert_eq(check_add_figure(&c, FIGURE_DOTS)->kind, FIGURE_DOTS);
    struct figure *f = check_add_figure(&c, FIGURE_CURVE);
    cr_assert(c.n_figures == 2 && f->kind == FIGURE_CURVE && f->n_series == 0 && !f->heading);
    figure_add_series(f, "e", TONE_DATA, 2);
    check_free(&c); /* the leak checker says the rest */
}
