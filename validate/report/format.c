#include "validate/report/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_DECIMALS = 6 };
static const double largest = 9e15; /* above it a double no longer counts in ones */

/* In the unit that is printed: percent, points, or as it is. */
static double shown(double value, enum unit unit)
{
    return unit == UNIT_SHARE || unit == UNIT_POINTS ? 100 * value : value;
}

static double power_of_ten(int decimals)
{
    double p = 1;
    for (int i = 0; i < decimals; i++)
        p *= 10;
    return p;
}

/* value * 10^decimals as a whole number, half rounded away from zero. A decimal fraction that a double cannot hold
 * (1.005) counts as the half that was meant. */
static double rounded(double value, int decimals)
{
    double y = fabs(value) * power_of_ten(decimals);
    y = floor(y + 0.5 + 1e-9 * fmax(1, y));
    return value < 0 ? -y : y;
}

/* Digits with a comma before every third, without regard to the locale. */
static char *grouped(uint64_t n)
{
    char *digits = mem_format("%" PRIu64, n);
    size_t length = strlen(digits);
    char *out = mem_alloc(length + length / 3 + 1, 1);
    char *to = out;
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    free(digits);
    return out;
}

/* A number that is already in the printed unit; `plus`: a rise carries its sign. */
static char *number(double value, int decimals, bool plus)
{
    double y = rounded(value, decimals);
    const char *over = fabs(y) > largest ? "over " : "";
    uint64_t magnitude = (uint64_t)fmin(fabs(y), largest);
    uint64_t power = (uint64_t)power_of_ten(decimals);
    const char *sign = y < 0 ? "\u2212" : plus && y > 0 ? "+" : "";
    char *whole = grouped(magnitude / power);
    char *text = decimals ? mem_format("%s%s%s.%0*" PRIu64, over, sign, whole, decimals, magnitude % power)
                          : mem_format("%s%s%s", over, sign, whole);
    free(whole);
    return text;
}

static const char *suffix(enum unit unit)
{
    static const char *const text[] = {
        [UNIT_SHARE] = "%", [UNIT_POINTS] = " points", [UNIT_RATIO] = "\u00d7", [UNIT_NUMBER] = ""
    };
    return text[unit];
}

char *format_value(double value, enum unit unit, int decimals)
{
    if (!isfinite(value))
        return mem_string("not measured");
    char *digits = number(shown(value, unit), decimals, unit == UNIT_POINTS);
    char *text = mem_format("%s%s", digits, suffix(unit));
    free(digits);
    return text;
}

/* Decimals that give a number of this size `figures` figures. */
static int decimals_for(double size, int figures)
{
    if (!(size > 0) || !isfinite(size))
        return 0;
    double decimals = figures - 1 - floor(log10(size) + 1e-9);
    return decimals < 0 ? 0 : decimals > MOST_DECIMALS ? MOST_DECIMALS : (int)decimals;
}

static bool same_when_printed(double a, double b, int decimals)
{
    return a != b && rounded(a, decimals) == rounded(b, decimals);
}

int format_decimals(const struct estimate *e, enum unit unit, enum side side, double limit)
{
    double value = shown(e->value, unit), low = shown(e->low, unit), high = shown(e->high, unit);
    if (!isfinite(value) || !isfinite(low) || !isfinite(high))
        return 0;
    double width = high - low, size = fmax(fabs(value), width);
    int decimals = decimals_for(size, width > 0 ? 2 : 3);
    if (width > 0) { /* an interval is seen when it is two steps of the last digit wide */
        int fine = decimals_for(width / 2, 1), most = decimals_for(size, 3);
        decimals = fine <= decimals ? decimals : fine < most ? fine : most;
    }
    if (side == SIDE_NONE || !isfinite(limit))
        return decimals;
    double bar = shown(limit, unit);
    double near = fabs(low - bar) < fabs(high - bar) ? low : high;
    while (decimals < MOST_DECIMALS &&
           (same_when_printed(near, bar, decimals) || same_when_printed(value, bar, decimals)))
        decimals++;
    return decimals;
}

char *format_interval(const struct estimate *e, enum unit unit, int decimals)
{
    bool counted = e->low == e->high && e->low == e->value;
    if (counted || !isfinite(e->low) || !isfinite(e->high))
        return mem_string("");
    char *low =
        unit == UNIT_POINTS ? number(shown(e->low, unit), decimals, true) : format_value(e->low, unit, decimals);
    char *high = format_value(e->high, unit, decimals);
    char *text = mem_format("%s to %s", low, high);
    free(low);
    free(high);
    return text;
}

int format_exact_decimals(double limit, enum unit unit)
{
    double value = shown(limit, unit);
    int decimals = 0;
    while (decimals < MOST_DECIMALS && !(fabs(rounded(value, decimals) / power_of_ten(decimals) - value) <= 1e-9))
        decimals++;
    return decimals;
}

char *format_limit(enum side side, double limit, enum unit unit, int decimals)
{
    if (side == SIDE_NONE || !isfinite(limit))
        return mem_string("");
    int exact = format_exact_decimals(limit, unit);
    bool percent = unit == UNIT_SHARE || unit == UNIT_POINTS;
    char *value = format_value(limit, unit, percent || exact > decimals ? exact : decimals);
    char *text = mem_format("%s %s", side == SIDE_AT_LEAST ? "at least" : "at most", value);
    free(value);
    return text;
}

char *format_count(int64_t n)
{
    char *digits = grouped(n < 0 ? (uint64_t) - (n + 1) + 1 : (uint64_t)n);
    char *text = mem_format("%s%s", n < 0 ? "\u2212" : "", digits);
    free(digits);
    return text;
}

char *format_change(double change, enum unit unit, int decimals)
{
    if (!isfinite(change))
        return mem_string("not measured");
    char *digits = number(shown(change, unit), decimals, true);
    char *text = mem_format("%s%s", digits, suffix(unit));
    free(digits);
    return text;
}

char *format_change_interval(const struct estimate *e, enum unit unit, int decimals)
{
    if (!isfinite(e->low) || !isfinite(e->high))
        return mem_string("");
    char *low = number(shown(e->low, unit), decimals, true), *high = number(shown(e->high, unit), decimals, true);
    char *text = mem_format("%s to %s", low, high);
    free(low);
    free(high);
    return text;
}

/* `value` in a unit, three figures at most. */
static char *quantity(double value, const char *unit)
{
    char *digits = number(value, decimals_for(value, value < 100 ? 2 : 3), false);
    char *text = mem_format("%s %s", digits, unit);
    free(digits);
    return text;
}

/* "2 h 6 min" */
static char *two_units(double small, double ratio, const char *large_unit, const char *small_unit)
{
    uint64_t n = (uint64_t)fmin(rounded(small, 0), largest), per = (uint64_t)ratio;
    char *count = grouped(n / per);
    char *text = mem_format("%s %s %" PRIu64 " %s", count, large_unit, n % per, small_unit);
    free(count);
    return text;
}

char *format_duration(double seconds)
{
    if (!isfinite(seconds) || seconds < 0)
        return mem_string("not known");
    if (seconds < 1)
        return seconds < 0.001 ? quantity(seconds * 1e6, "\u00b5s") : quantity(seconds * 1e3, "ms");
    if (seconds < 99.5)
        return quantity(seconds, "s");
    return seconds < 2 * 3600 ? two_units(seconds, 60, "min", "s") : two_units(seconds / 60, 60, "h", "min");
}

char *format_bytes(double bytes)
{
    if (!isfinite(bytes) || bytes < 0)
        return mem_string("not known");
    return bytes < 1e6   ? quantity(bytes / 1e3, "kB")
           : bytes < 1e9 ? quantity(bytes / 1e6, "MB")
                         : quantity(bytes / 1e9, "GB");
}
