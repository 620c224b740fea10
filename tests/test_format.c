#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "validate/report/format.h"

static void expect(char *text, const char *wanted)
{
    cr_expect_str_eq(text, wanted);
    free(text);
}

Test(format, each_unit_has_its_spelling)
{
    expect(format_value(0.088, UNIT_SHARE, 1), "8.8%");
    expect(format_value(0.024, UNIT_POINTS, 1), "+2.4 points");
    expect(format_value(-0.004, UNIT_POINTS, 1), "\u22120.4 points");
    expect(format_value(0, UNIT_POINTS, 1), "0.0 points");
    expect(format_value(2.7, UNIT_RATIO, 1), "2.7\u00d7");
    expect(format_value(0.031, UNIT_NUMBER, 3), "0.031");
    expect(format_value(-1234567.25, UNIT_NUMBER, 1), "\u22121,234,567.3");
}

Test(format, half_rounds_up_also_where_binary_cannot_hold_it)
{
    expect(format_value(0.125, UNIT_SHARE, 0), "13%");
    expect(format_value(0.5, UNIT_NUMBER, 0), "1");
    expect(format_value(1.5, UNIT_NUMBER, 0), "2");
    expect(format_value(2.5, UNIT_NUMBER, 0), "3");
    expect(format_value(1.005, UNIT_NUMBER, 2), "1.01");
    expect(format_value(0.0745, UNIT_SHARE, 1), "7.5%");
    expect(format_value(-0.025, UNIT_POINTS, 0), "\u22123 points");
    expect(format_value(0.99999, UNIT_SHARE, 2), "100.00%");
}

Test(format, nothing_that_rounds_to_zero_has_a_sign)
{
    expect(format_value(-0.0001, UNIT_POINTS, 1), "0.0 points");
    expect(format_value(0.0001, UNIT_POINTS, 1), "0.0 points");
    expect(format_value(-0.0, UNIT_NUMBER, 2), "0.00");
}

Test(format, what_is_no_number_says_so)
{
    expect(format_value(NAN, UNIT_SHARE, 1), "not measured");
    expect(format_value(INFINITY, UNIT_RATIO, 1), "not measured");
    struct estimate e = { NAN, NAN, NAN, 0 };
    cr_expect_eq(format_decimals(&e, UNIT_SHARE, SIDE_AT_MOST, 0.5), 0);
    expect(format_interval(&e, UNIT_SHARE, 1), "");
    expect(format_limit(SIDE_AT_MOST, NAN, UNIT_SHARE, 1), "");
    expect(format_value(1e300, UNIT_NUMBER, 0), "over 9,000,000,000,000,000");
}

Test(format, counts_have_commas)
{
    expect(format_count(0), "0");
    expect(format_count(999), "999");
    expect(format_count(1000), "1,000");
    expect(format_count(10000), "10,000");
    expect(format_count(123456789), "123,456,789");
    expect(format_count(-1000), "\u22121,000");
    expect(format_count(INT64_MIN), "\u22129,223,372,036,854,775,808");
}

static void expect_estimate(struct estimate e, enum unit unit, enum side side, double limit, const char *value,
                            const char *interval)
{
    int decimals = format_decimals(&e, unit, side, limit);
    expect(format_value(e.value, unit, decimals), value);
    expect(format_interval(&e, unit, decimals), interval);
}

Test(format, value_and_interval_share_two_to_three_figures)
{
    expect_estimate((struct estimate){ 0.088, 0.074, 0.094, 200 }, UNIT_SHARE, SIDE_AT_LEAST, 0.15, "8.8%",
                    "7.4% to 9.4%");
    expect_estimate((struct estimate){ 0.69, 0.62, 0.75, 200 }, UNIT_SHARE, SIDE_AT_MOST, 0.5, "69%", "62% to 75%");
    expect_estimate((struct estimate){ 0.9173, 0.912, 0.9226, 10000 }, UNIT_SHARE, SIDE_AT_LEAST, 0.9, "91.7%",
                    "91.2% to 92.3%");
    expect_estimate((struct estimate){ 2.7, 2.6, 2.8, 200 }, UNIT_RATIO, SIDE_AT_MOST, 1.5, "2.7\u00d7",
                    "2.6\u00d7 to 2.8\u00d7");
    expect_estimate((struct estimate){ 0.002, -0.004, 0.016, 200 }, UNIT_POINTS, SIDE_NONE, 0, "+0.2 points",
                    "\u22120.4 to +1.6 points");
    expect_estimate((struct estimate){ 0, 0, 0.018, 200 }, UNIT_SHARE, SIDE_AT_MOST, 0.1, "0.0%", "0.0% to 1.8%");
}

Test(format, decimals_grow_until_bound_and_limit_differ)
{
    expect_estimate((struct estimate){ 1.53, 1.14, 2.75, 60 }, UNIT_RATIO, SIDE_AT_MOST, 1.1, "1.53\u00d7",
                    "1.14\u00d7 to 2.75\u00d7");
    expect_estimate((struct estimate){ 0.6, 0.5, 0.7, 60 }, UNIT_SHARE, SIDE_AT_LEAST, 0.4996, "60.00%",
                    "50.00% to 70.00%");
    expect_estimate((struct estimate){ 0.6, 0.5, 0.7, 60 }, UNIT_SHARE, SIDE_AT_LEAST, 0.5, "60%", "50% to 70%");
}

Test(format, what_was_counted_has_no_interval)
{
    expect_estimate((struct estimate){ 0.9173, 0.9173, 0.9173, 10000 }, UNIT_SHARE, SIDE_NONE, 0, "91.7%", "");
}

Test(format, a_limit_is_written_as_the_policy_has_it)
{
    expect(format_limit(SIDE_AT_LEAST, 0.15, UNIT_SHARE, 1), "at least 15%");
    expect(format_limit(SIDE_AT_MOST, 0.125, UNIT_SHARE, 0), "at most 12.5%");
    expect(format_limit(SIDE_AT_MOST, 1.1, UNIT_RATIO, 2), "at most 1.10\u00d7");
    expect(format_limit(SIDE_AT_MOST, 1.25, UNIT_RATIO, 1), "at most 1.25\u00d7");
    expect(format_limit(SIDE_NONE, 1.25, UNIT_RATIO, 1), "");
}

Test(format, the_locale_changes_nothing)
{
    if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "de_DE"))
        expect(format_value(1234.5, UNIT_NUMBER, 1), "1,234.5");
    setlocale(LC_ALL, "C");
    expect(format_value(1234.5, UNIT_NUMBER, 1), "1,234.5");
}

Test(format, a_change_carries_its_sign_in_every_unit)
{
    struct estimate e = { 0.002, -0.004, 0.016, 100 };
    expect(format_change(0.002, UNIT_POINTS, 1), "+0.2 points");
    expect(format_change(-0.6, UNIT_NUMBER, 2), "\u22120.60");
    expect(format_change(0.06, UNIT_NUMBER, 2), "+0.06");
    expect(format_change(0, UNIT_NUMBER, 0), "0");
    expect(format_change(NAN, UNIT_POINTS, 1), "not measured");
    expect(format_change_interval(&e, UNIT_POINTS, 1), "\u22120.4 to +1.6");
    e.low = NAN;
    expect(format_change_interval(&e, UNIT_POINTS, 1), "");
}

Test(format, durations_and_sizes_take_the_unit_that_fits)
{
    expect(format_duration(0.00042), "420 \u00b5s");
    expect(format_duration(0.00126), "1.3 ms");
    expect(format_duration(0.25), "250 ms");
    expect(format_duration(0), "0 \u00b5s");
    expect(format_duration(41.2), "41 s");
    expect(format_duration(125), "2 min 5 s");
    expect(format_duration(7264), "2 h 1 min");
    expect(format_duration(3600.0 * 1234), "1,234 h 0 min");
    expect(format_duration(NAN), "not known");
    expect(format_duration(INFINITY), "not known");
    expect(format_bytes(12.4e6), "12 MB");
    expect(format_bytes(900), "0.90 kB");
    expect(format_bytes(2.13e9), "2.1 GB");
    expect(format_bytes(-1), "not known");
}
