#include "validate/report/axis.h"

#include <math.h>
#include <string.h>

#include "base/plot.h"
#include "validate/report/format.h"

static const double beyond_drawing = 1e100;

void axis_cover(double *low, double *high, double value)
{
    if (!(fabs(value) < beyond_drawing))
        return;
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

static void mend(struct axis *a)
{
    bool usable = fabs(a->low) < beyond_drawing && fabs(a->high) < beyond_drawing && a->low <= a->high;
    if (!usable || (a->low == 0 && a->high == 0))
        a->low = 0, a->high = 1;
    if (!(a->high - a->low > 1e-9 * fmax(1e-9, fabs(a->high)))) { /* a single place */
        double room = fmax(fabs(a->high) / 2, 1e-9);
        a->low -= room, a->high += room;
    }
    a->log = a->log && a->high > 0;
    if (a->log && !(a->low > 0))
        a->low = a->high / 1000;
}

static void place_linear_ticks(struct axis *a)
{
    struct plot_ticks t = plot_ticks(a->low, a->high, false);
    a->n = t.n < AXIS_MOST_TICKS ? t.n : AXIS_MOST_TICKS;
    for (int i = 0; i < a->n; i++)
        a->tick[i] = t.first + i * t.step;
    a->low = a->tick[0];
    a->high = a->tick[a->n - 1];
}

/* 1, 2, 5, 10, ...; powers of ten alone when those are too many. */
static void place_log_ticks(struct axis *a)
{
    static const double mantissa[] = { 1, 2, 5 };
    int first = (int)floor(log10(a->low)), last = (int)ceil(log10(a->high));
    int stride = last - first <= 3 ? 1 : 3, decade = 1 + (last - first) / AXIS_MOST_TICKS;
    for (int power = first; power <= last; power += stride == 1 ? 1 : decade)
        for (int k = 0; k < 3; k += stride) {
            double v = mantissa[k] * pow(10, power);
            if (v >= a->low * (1 - 1e-9) && v <= a->high * (1 + 1e-9) && a->n < AXIS_MOST_TICKS)
                a->tick[a->n++] = v;
        }
}

/* The fewest decimals that write every tick as it is. */
static int decimals_of(const struct axis *a)
{
    double scale = a->unit == UNIT_SHARE || a->unit == UNIT_POINTS ? 100 : 1;
    int most = 0;
    for (int i = 0; i < a->n; i++) {
        double v = a->tick[i] * scale;
        int d = 0;
        for (; d < 6 && fabs(v - round(v)) > 1e-6 * fmax(1, fabs(v)); d++)
            v *= 10;
        most = d > most ? d : most;
    }
    return most;
}

struct axis axis_make(double low, double high, bool log, enum unit unit, double from, double to)
{
    struct axis a = { .low = low, .high = high, .log = log, .unit = unit, .from = from, .to = to };
    mend(&a);
    if (a.log)
        place_log_ticks(&a);
    else
        place_linear_ticks(&a);
    a.decimals = decimals_of(&a);
    return a;
}

double axis_place(const struct axis *a, double value)
{
    double share = a->log ? (log(fmax(value, a->low)) - log(a->low)) / (log(a->high) - log(a->low))
                          : (value - a->low) / (a->high - a->low);
    return a->from + fmin(fmax(share, 0), 1) * (a->to - a->from);
}

/* On a log scale each label has the decimals that it needs: 0.5%, 1%, 10%. */
char *axis_label(const struct axis *a, int i)
{
    struct axis one = { .unit = a->unit, .n = 1, .tick = { a->tick[i] } };
    char *label = format_value(a->tick[i], a->unit, a->log ? decimals_of(&one) : a->decimals);
    char *unit = strstr(label, " points");
    if (unit)
        *unit = '\0';
    return label;
}
