#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "validate/compare/pairs.h"

enum { PICTURES = 60, QUESTIONS = 4 };

/* --- planted pairs ------------------------------------------------------------------------------------------------ */

/* Sizes as real models have them: skewed, alike for the two models of a pair, in steps. effect: what B has more. */
static void plant(struct measured *a, struct measured *b, double effect, bool counted, uint32_t trial)
{
    for (int k = 0; k < 2; k++) {
        struct measured *m = k ? b : a;
        *m = (struct measured){ .n = PICTURES, .range = { 0, 1 } };
        m->image = mem_alloc(PICTURES, sizeof *m->image);
        m->value = mem_alloc(PICTURES, sizeof *m->value);
        m->counts = mem_alloc(PICTURES, sizeof *m->counts);
    }
    for (int i = 0; i < PICTURES; i++) {
        struct rng r = rng_stream(5, RNG_TEST, trial, (uint32_t)i);
        double common = 0.08 * exp(0.6 * (double)rng_normal(&r));
        for (int k = 0; k < 2; k++) {
            double x = common * exp(0.5 * (double)rng_normal(&r)) + (k ? effect : 0), share = 0.4 + (k ? effect : 0);
            struct measured *m = k ? b : a;
            m->image[i] = 3 * i;
            m->counts[i] = true;
            m->value[i] = counted ? (double)rng_unit(&r) < share : fmin(1, round(x * 256) / 256);
        }
    }
}

struct pair {
    struct measured a, b;
    struct paired row;
    struct check check;
};

static bool compare(struct pair *p, bool median, bool counted, int decisions, struct err *err)
{
    struct confidence c = confidence_of(decisions, 1);

    c.draws = 1600; /* enough for what is planted here, and quick */
    p->row = (struct paired){ .median = median, .counted = counted, .margin = 0.01 };
    p->check = (struct check){ .side = SIDE_AT_LEAST };
    bool ok = pairs_compare(&p->a, &p->b, &c, &p->row, &p->check, err);
    if (ok)
        p->row.change = comparison_change(&p->check.estimate, p->check.side, p->row.margin);
    return ok;
}

static void close_pair(struct pair *p)
{
    measured_free(&p->a);
    measured_free(&p->b);
    free(p->row.image);
    free(p->row.value[0]);
    free(p->row.value[1]);
}

/* One planted pair of models: how many of its questions say better and worse. Half of them count, the others are a
 * median and a mean. */
static void ask(double effect, uint32_t trial, int *better, int *worse)
{
    *better = *worse = 0;
    for (uint32_t q = 0; q < QUESTIONS; q++) {
        struct pair p;
        struct err err = { 0 };
        plant(&p.a, &p.b, effect, q % 2, trial * QUESTIONS + q);
        cr_assert(compare(&p, q == 0, q % 2, QUESTIONS, &err), "%s", err.text);
        *better += p.row.change == CHANGE_BETTER;
        *worse += p.row.change == CHANGE_WORSE;
        close_pair(&p);
    }
}

Test(compare_decide, an_effect_that_is_there_is_found)
{
    int better, worse, found = 0, lost = 0;

    for (uint32_t trial = 0; trial < 10; trial++) {
        ask(0.3, trial, &better, &worse);
        found += better;
        ask(-0.3, trial, &better, &worse);
        lost += worse;
    }
    cr_assert_geq(found, 32, "found in %d of 40", found);
    cr_assert_geq(lost, 32, "found in %d of 40", lost);
}

/* Over all questions together: 5 % of false alarms on either side, of 200 pairs of models that do not differ. */
Test(compare_decide, false_alarms_are_rare_over_all_questions_together)
{
    int better, worse, alarms = 0;

    for (uint32_t trial = 0; trial < 200; trial++) {
        ask(0, 1000 + trial, &better, &worse);
        alarms += better || worse;
    }
    cr_assert_leq(alarms, 10, "%d of 200", alarms);
}

Test(compare_decide, what_is_equal_is_no_worse_when_there_are_enough_pairs)
{
    struct pair p;
    struct err err = { 0 };

    plant(&p.a, &p.b, 0, false, 7);
    memcpy(p.b.value, p.a.value, PICTURES * sizeof *p.a.value);
    cr_assert(compare(&p, true, false, QUESTIONS, &err));
    cr_assert_eq(p.row.change, CHANGE_NO_WORSE);
    cr_assert_eq(p.row.rose + p.row.fell, 0);
    close_pair(&p);
}

Test(compare_decide, the_interval_is_wider_the_more_questions_decide)
{
    struct pair few, many;
    struct err err = { 0 };

    plant(&few.a, &few.b, 0.02, false, 8);
    plant(&many.a, &many.b, 0.02, false, 8);
    cr_assert(compare(&few, true, false, 1, &err) && compare(&many, true, false, 16, &err));
    cr_assert(many.check.estimate.low < few.check.estimate.low && few.check.estimate.high < many.check.estimate.high);
    cr_assert_eq(confidence_of(1, 1).level, 0.95);
    cr_assert(fabs(confidence_of(10, 1).level - 0.995) < 1e-12);
    close_pair(&few);
    close_pair(&many);
}

/* Seven gained, none lost: by McNemar's exact test that happens by chance in one of 64, which ten questions do not
 * accept; the plain interval would. */
Test(compare_decide, counts_that_the_exact_test_does_not_exclude_are_undecided)
{
    struct pair p;
    struct err err = { 0 };

    plant(&p.a, &p.b, 0, true, 9);
    for (int i = 0; i < PICTURES; i++) {
        p.a.value[i] = 0;
        p.b.value[i] = i < 7;
        p.a.counts[i] = i < 12;
    }
    cr_assert(compare(&p, false, true, 10, &err));
    cr_assert_eq(p.row.n, 12);
    cr_assert(paired_difference(7, 0, 12, 0.995).low > 0, "the plain interval holds zero: nothing is tested");
    cr_assert(fabs(p.row.p_value - 2.0 / 128) < 1e-12);
    cr_assert_neq(p.row.change, CHANGE_BETTER);
    cr_assert_eq(p.check.estimate.low, 0);
    close_pair(&p);
}

Test(compare_decide, a_handful_of_pairs_decides_nothing)
{
    struct pair p;
    struct err err = { 0 };

    for (int counted = 0; counted < 2; counted++) {
        plant(&p.a, &p.b, 0, counted, 10);
        for (int i = 0; i < PICTURES; i++) {
            p.b.value[i] = 1;
            p.a.value[i] = 0;
            p.b.counts[i] = i < 9;
        }
        cr_assert(compare(&p, !counted, counted, 1, &err));
        cr_assert_eq(p.row.n, 9);
        cr_assert_eq(p.row.change, CHANGE_UNDECIDED);
        close_pair(&p);
    }
}

Test(compare_decide, only_pictures_that_count_in_both_are_pairs)
{
    struct pair p;
    struct err err = { 0 };

    plant(&p.a, &p.b, 0, false, 11);
    p.a.counts[0] = p.b.counts[1] = false;
    p.a.value[0] = p.b.value[1] = NAN; /* means nothing there */
    cr_assert(compare(&p, false, false, 1, &err), "%s", err.text);
    cr_assert_eq(p.row.n, PICTURES - 2);
    cr_assert_eq(p.row.image[0], 6);
    close_pair(&p);
    plant(&p.a, &p.b, 0, false, 11);
    memset(p.b.counts, 0, PICTURES * sizeof *p.b.counts);
    cr_assert_not(compare(&p, false, false, 1, &err));
    cr_assert_not_null(strstr(err.text, "none of 60 pictures counts"));
    close_pair(&p);
}

Test(compare_decide, what_is_not_a_number_is_an_error)
{
    struct pair p;
    struct err err = { 0 };
    struct estimate nan = { 0.1, NAN, 0.2, 50 }, none = { 0, 0, 0, 0 };

    plant(&p.a, &p.b, 0, false, 12);
    p.b.value[4] = NAN;
    cr_assert_not(compare(&p, true, false, 1, &err));
    cr_assert_not_null(strstr(err.text, "picture 12"), "%s", err.text);
    close_pair(&p);
    cr_assert_eq(comparison_change(&nan, SIDE_AT_LEAST, 0.01), CHANGE_ERROR);
    cr_assert_eq(comparison_change(&none, SIDE_AT_LEAST, 0.01), CHANGE_ERROR);
}

Test(compare_decide, the_second_look_is_the_mean_and_decides_nothing)
{
    struct pair p;
    struct err err = { 0 };

    plant(&p.a, &p.b, 0, false, 13);
    for (int i = 0; i < PICTURES; i++)
        p.b.value[i] = p.a.value[i] + (i < 25 ? 0.5 : 0);
    cr_assert(compare(&p, true, false, QUESTIONS, &err));
    cr_assert_eq(p.check.estimate.value, 0);
    cr_assert(fabs(p.row.second.value - 0.5 * 25 / PICTURES) < 1e-12 && p.row.second.low > 0.05);
    cr_assert_eq(p.row.change, CHANGE_NO_WORSE);
    close_pair(&p);
}

/* --- decisions ---------------------------------------------------------------------------------------------------- */

Test(compare_decide, one_interval_says_better_no_worse_worse_or_undecided)
{
    static const struct {
        double low, high, margin;
        enum change up, down; /* where more is better, where less is */
    } row[] = {
        { 0.001, 0.05, 0.01, CHANGE_NO_WORSE, CHANGE_UNDECIDED },
        { 0.01, 0.05, 0.01, CHANGE_NO_WORSE, CHANGE_UNDECIDED },
        { 0.02, 0.05, 0.01, CHANGE_BETTER, CHANGE_WORSE },
        { 0.001, 0.009, 0.01, CHANGE_NO_WORSE, CHANGE_NO_WORSE },
        { 0.001, 0.009, 0, CHANGE_BETTER, CHANGE_WORSE },
        { -0.01, 0.01, 0.01, CHANGE_NO_WORSE, CHANGE_NO_WORSE },
        { -0.02, 0.01, 0.01, CHANGE_UNDECIDED, CHANGE_NO_WORSE },
        { -0.02, 0.02, 0.01, CHANGE_UNDECIDED, CHANGE_UNDECIDED },
        { 0, 0, 0, CHANGE_NO_WORSE, CHANGE_NO_WORSE },
        { -0.01, 0, (double)NAN, CHANGE_UNDECIDED, CHANGE_NO_WORSE },
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct estimate e = { (row[i].low + row[i].high) / 2, row[i].low, row[i].high, 50 };
        cr_assert_eq(comparison_change(&e, SIDE_AT_LEAST, row[i].margin), row[i].up, "row %zu, up", i);
        cr_assert_eq(comparison_change(&e, SIDE_AT_MOST, row[i].margin), row[i].down, "row %zu, down", i);
        cr_assert((row[i].up == CHANGE_BETTER) == (row[i].down == CHANGE_WORSE), "row %zu: not the same turned round",
                  i);
    }
}

/* The verdict of one candidate whose three questions say this: two on evidence, one that guards. */
static enum exit_status verdict(bool needs_better, enum change first, enum change second, enum change guard)
{
    struct check check[3] = { { .gates = true }, { .gates = true }, { .gates = true } };
    struct paired paired[3] = { { .candidate = 1, .change = first },
                                { .candidate = 1, .change = second },
                                { .candidate = 1, .change = guard, .guards = true } };
    struct comparison_subject subject[2] = { 0 };
    struct comparison c = { .report = { .n_checks = 3, .check = check },
                            .paired = paired,
                            .n_questions = 3,
                            .n_subjects = 2,
                            .subject = subject,
                            .needs_better = needs_better };

    comparison_decide(&c);
    cr_assert_eq(c.report.verdict, subject[1].verdict);
    return c.report.verdict;
}

Test(compare_decide, the_verdict_follows_from_the_questions_that_decide)
{
    enum change b = CHANGE_BETTER, n = CHANGE_NO_WORSE, w = CHANGE_WORSE, u = CHANGE_UNDECIDED, e = CHANGE_ERROR;

    cr_assert_eq(verdict(true, b, n, n), EXIT_OK);
    cr_assert_eq(verdict(true, n, n, n), EXIT_INCONCLUSIVE);
    cr_assert_eq(verdict(true, n, n, b), EXIT_INCONCLUSIVE, "more right answers are no better reasons");
    cr_assert_eq(verdict(false, n, n, n), EXIT_OK);
    cr_assert_eq(verdict(true, b, u, n), EXIT_INCONCLUSIVE);
    cr_assert_eq(verdict(true, b, n, u), EXIT_INCONCLUSIVE);
    cr_assert_eq(verdict(true, b, n, w), EXIT_FAILED_CHECK);
    cr_assert_eq(verdict(false, w, u, n), EXIT_FAILED_CHECK);
    cr_assert_eq(verdict(false, b, e, n), EXIT_CANNOT_RUN);
    cr_assert_eq(verdict(false, w, e, n), EXIT_FAILED_CHECK);
}

Test(compare_decide, the_worst_candidate_speaks_for_all)
{
    struct check check[3] = { { .gates = true }, { .gates = true }, { .gates = false } };
    struct paired paired[3] = { { .candidate = 1, .change = CHANGE_BETTER },
                                { .candidate = 2, .change = CHANGE_WORSE },
                                { .candidate = 1, .change = CHANGE_WORSE } };
    struct comparison_subject subject[3] = { 0 };
    struct comparison c = { .report = { .n_checks = 3, .check = check },
                            .paired = paired,
                            .n_questions = 1,
                            .n_subjects = 3,
                            .subject = subject,
                            .needs_better = true };

    comparison_decide(&c);
    cr_assert_eq(subject[1].verdict, EXIT_OK, "what only is reported decides nothing");
    cr_assert_eq(subject[2].verdict, EXIT_FAILED_CHECK);
    cr_assert_eq(c.report.verdict, EXIT_FAILED_CHECK);
}
