/* The axis of a chart: values to coordinates, and the ticks that are labelled. */
#ifndef MARGINALIA_VALIDATE_REPORT_AXIS_H
#define MARGINALIA_VALIDATE_REPORT_AXIS_H

#include <stdbool.h>
#include "validate/checks/figure.h"

enum { AXIS_MOST_TICKS = 12 };

struct axis {
    double low, high; /* values at the ends */
    double from, to;  /* coordinates of the ends */
    bool log;
    enum unit unit;
    int n, decimals; /* decimals of the labels */
    double tick[AXIS_MOST_TICKS];
};

/* Rounds low..high outwards to ticks (on a log scale the ends stay). Ends that make no axis (not finite, none above
 * the other, a log scale from zero) are mended, so that every figure can be drawn. */
struct axis axis_make(double low, double high, bool log, enum unit unit, double from, double to);

double axis_place(const struct axis *a, double value); /* a value outside lies on the end */
char *axis_label(const struct axis *a, int i);         /* of tick i, without " points"; free() it */

/* Widens low..high so that value lies inside; a value that is not finite changes nothing. */
void axis_cover(double *low, double *high, double value);

#endif
