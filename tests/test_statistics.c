#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "base/statistics.h"

static void expect(struct interval got, double low, double high, double tolerance)
{
    cr_assert(fabs(got.low - low) <= tolerance && fabs(got.high - high) <= tolerance,
              "[%.6f, %.6f], wanted [%.6f, %.6f]", got.low, got.high, low, high);
}

/* From the formula, computed apart from this code; 0.3967781 and 0.8922087 for 7 of 10 are also what R prints. */
Test(statistics, wilson_gives_known_intervals)
{
    expect(wilson(7, 10), 0.396778, 0.892209, 1e-6);
    expect(wilson(0, 10), 0, 0.277533, 1e-6);
    expect(wilson(10, 10), 0.722467, 1, 1e-6);
    expect(wilson(9100, 10000), 0.904232, 0.915453, 1e-6);
    expect(wilson(0, 0), 0, 1, 0);
}

Test(statistics, wilson_stays_within_zero_and_one_and_holds_the_share)
{
    for (int n = 1; n < 60; n++)
        for (int k = 0; k <= n; k++) {
            struct interval i = wilson(k, n);
            cr_assert(i.low >= 0 && i.low <= (double)k / n && (double)k / n <= i.high && i.high <= 1, "%d of %d", k, n);
        }
}

/* Newcombe 1998, table II, method 10. */
Test(statistics, newcombe_gives_the_published_intervals)
{
    expect(newcombe(56, 70, 48, 80), 0.0524, 0.3339, 5e-5);
    expect(newcombe(9, 10, 3, 10), 0.1705, 0.8090, 5e-5);
    expect(newcombe(5, 56, 0, 29), -0.0381, 0.1926, 5e-5);
    expect(newcombe(0, 10, 0, 20), -0.1611, 0.2775, 5e-5);
    expect(newcombe(10, 10, 0, 10), 0.6075, 1, 5e-5);
    expect(newcombe(3, 10, 9, 10), -0.8090, -0.1705, 5e-5);
    expect(newcombe(0, 0, 3, 10), -1, 1, 0);
    expect(newcombe(3, 10, 0, 0), -1, 1, 0);
}

Test(statistics, bootstrap_of_a_constant_is_that_constant)
{
    double x[] = { 3, 3, 3 };
    expect(bootstrap_mean(x, 3, 100, 1), 3, 3, 0);
    expect(bootstrap_mean(x, 1, 100, 1), 3, 3, 0);
}

Test(statistics, bootstrap_interval_has_the_width_of_the_normal_one)
{
    enum { N = 400 };
    double x[N], sum = 0, squares = 0;
    struct rng r = rng_stream(7, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        x[i] = rng_normal(&r);
        sum += x[i];
        squares += x[i] * x[i];
    }
    double mean = sum / N, error = sqrt((squares / N - mean * mean) / N);
    expect(bootstrap_mean(x, N, 4000, 1), mean - 1.96 * error, mean + 1.96 * error, 0.1 * error);
}

Test(statistics, bootstrap_depends_on_the_seed_and_on_nothing_else)
{
    double x[] = { 1, 2, 4, 8, 16, 32 };
    struct interval a = bootstrap_mean(x, 6, 500, 1), b = bootstrap_mean(x, 6, 500, 1);
    struct interval c = bootstrap_mean(x, 6, 500, 2);
    cr_assert(a.low == b.low && a.high == b.high);
    cr_assert(a.low != c.low || a.high != c.high);
}

/* The median of an odd sample has a known distribution: the resample's median is at most x_(j) when at least (n+1)/2 of
 * its members are, a binomial tail. For 1..13 P(at most 3) = 0.016, P(at most 4) = 0.071. */
Test(statistics, bootstrap_of_the_median_has_the_quantiles_of_its_distribution)
{
    double x[13];
    for (int i = 0; i < 13; i++)
        x[i] = (i * 5) % 13 + 1;
    expect(bootstrap_median(x, 13, 5000, 3), 4, 10, 0);
    cr_assert_eq(x[1], 6, "the sample was sorted");
}

static double largest(void *sample, const uint32_t *pick, int n)
{
    const double *x = sample;
    double most = -INFINITY;
    for (int i = 0; i < n; i++)
        most = fmax(most, x[pick[i]]);
    return most;
}

/* P(the largest of 3 is in the resample) = 1 - (2/3)^3 = 0.70; P(nothing but the smallest) = 1/27 = 0.037 > 0.025. */
Test(statistics, bootstrap_takes_any_statistic)
{
    double x[] = { 5, 1, 9 };
    expect(bootstrap(largest, x, 3, 5000, 1), 1, 9, 0);
}

Test(statistics, quantiles_lie_between_order_statistics)
{
    const double x[] = { 0, 10, 20 };
    cr_assert_eq(quantile(x, 3, 0), 0);
    cr_assert_eq(quantile(x, 3, 0.25), 5);
    cr_assert_eq(quantile(x, 3, 1), 20);
    cr_assert_eq(quantile(x, 1, 0.7), 0);
}

Test(statistics, median_is_the_middle)
{
    cr_assert_eq(median((double[]){ 5 }, 1), 5);
    cr_assert_eq(median((double[]){ 9, 1, 5 }, 3), 5);
    cr_assert_eq(median((double[]){ 4, 1, 3, 2 }, 4), 2.5);
}

/* From the quantiles of Python's statistics.NormalDist. */
Test(statistics, normal_quantiles_are_the_known_ones)
{
    cr_assert_float_eq(normal_quantile(0.5), 0.000000000, 1e-8);
    cr_assert_float_eq(normal_quantile(0.975), 1.959963985, 1e-8);
    cr_assert_float_eq(normal_quantile(0.995), 2.575829304, 1e-8);
    cr_assert_float_eq(normal_quantile(1e-9), -5.997807015, 1e-8);
}

/* From the formula, computed apart from this code. */
Test(statistics, paired_differences_have_the_intervals_of_their_formula)
{
    expect(paired_difference(86, 150, 1600, 0.95), -0.058683, -0.021217, 1e-6);
    expect(paired_difference(0, 0, 100, 0.95), -0.019215, 0.019215, 1e-6);
    expect(paired_difference(10, 2, 40, 0.99), -0.017286, 0.398238, 1e-6);
    expect(paired_difference(40, 0, 40, 0.95), 0.872847, 1.000000, 1e-6);
    expect(paired_difference(3, 3, 20, 0.995), -0.337578, 0.337578, 1e-6);
    expect(paired_difference(0, 0, 0, 0.95), -1, 1, 0);
}

/* Two rules that are equally good and agree in 4 of 10: the interval holds 0 as often as it says, or a little more. */
Test(statistics, paired_differences_hold_the_truth_as_often_as_stated)
{
    int held = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        struct rng r = rng_stream(5, RNG_TEST, 1, i);
        int gained = 0, lost = 0;
        for (int k = 0; k < 80; k++) {
            float u = rng_unit(&r);
            gained += u < 0.3f;
            lost += u > 0.7f;
        }
        struct interval d = paired_difference(gained, lost, 80, 0.9);
        held += d.low <= 0 && d.high >= 0;
    }
    cr_assert(held > 3520 && held < 3720, "%d of 4000", held);
}

/* Of eight changes at most three one way: 93 of 256 such rows of coins, on both sides. */
Test(statistics, mcnemars_test_counts_coins)
{
    cr_assert(fabs(mcnemar(10, 0) - 2.0 / 1024) <= 1e-12);
    cr_assert(fabs(mcnemar(5, 3) - 2 * 93.0 / 256) <= 1e-12);
    cr_assert(fabs(mcnemar(3, 5) - mcnemar(5, 3)) <= 1e-15);
    cr_assert_eq(mcnemar(0, 0), 1);
    cr_assert_eq(mcnemar(4, 4), 1);
    cr_assert(mcnemar(900, 700) < 1e-6 && mcnemar(900, 700) > 1e-7);
}

/* How many of `trials` intervals of the mean of ten normal numbers hold zero. */
static double covered(double confidence, bool expanded)
{
    enum { TRIALS = 1000, N = 10 };
    int held = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        double x[N];
        struct rng r = rng_stream(3, RNG_TEST, trial, 0);
        for (int i = 0; i < N; i++)
            x[i] = (double)rng_normal(&r);
        struct interval i =
            expanded ? bootstrap_mean_at(confidence, x, N, 1000, trial) : bootstrap_mean(x, N, 1000, trial);
        held += i.low <= 0 && 0 <= i.high;
    }
    return (double)held / TRIALS;
}

Test(statistics, expanded_percentiles_hold_the_truth_of_ten_things_as_often_as_stated)
{
    double expanded = covered(0.95, true), plain = covered(0.95, false), sure = covered(0.99, true);
    cr_assert(expanded >= 0.93 && expanded <= 0.97, "%.3f", expanded);
    cr_assert(plain <= expanded - 0.02, "%.3f without expanding, %.3f with it", plain, expanded);
    cr_assert(sure >= 0.965, "%.3f", sure); /* ten things have no tails to draw from */
}

Test(statistics, expanding_changes_little_when_there_is_much)
{
    enum { N = 2000 };
    double x[N];
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++)
        x[i] = (double)rng_normal(&r);
    struct interval a = bootstrap_mean(x, N, 2000, 1), b = bootstrap_mean_at(0.95, x, N, 2000, 1);
    expect(b, a.low, a.high, 0.002);
    struct interval c = bootstrap_median(x, N, 2000, 1), d = bootstrap_median_at(0.95, x, N, 2000, 1);
    expect(d, c.low, c.high, 0.004);
}
