/* Line charts as SVG, written by hand: the same input gives the same bytes.
 *
 * One chart has one or two panels, one above the other (loss, then accuracy), each with its own linear axes: never two y
 * axes in one panel. Zero is always on the y axis. Lines differ in colour (Okabe and Ito's palette, safe for colour-blind
 * readers) and in dashes, and carry their name and last value at their end. Follows the reader's light or dark setting;
 * <title> and <desc> tell a screen reader what there is to see, with numbers. */
#ifndef MARGINALIA_BASE_PLOT_H
#define MARGINALIA_BASE_PLOT_H

#include <stdbool.h>
#include <stdio.h>
#include "base/err.h"

enum { PLOT_MAX_SERIES = 8, PLOT_MAX_PANELS = 2 };

/* Points are joined in the given order. A point that is not finite (or beyond 1e100) is left out and breaks the
 * line. */
struct plot_series {
    const char *name; /* "training" */
    int n;
    const double *x, *y; /* [n], borrowed */
};

struct plot_panel {
    const char *x_label, *y_label; /* with unit: "accuracy (%)" */
    int n;
    struct plot_series series[PLOT_MAX_SERIES];
};

struct plot {
    const char *title;
    int n; /* panels, >= 1 */
    struct plot_panel panels[PLOT_MAX_PANELS];
};

bool plot_save(const struct plot *plot, const char *path, struct err *err);
void plot_write(const struct plot *plot, FILE *out);

/* The ticks of an axis that shows low..high: first, first + step, ..., n of them, enclosing low..high; step is 1, 2 or
 * 5 times a power of ten, and at least 1 when `whole` (epochs). low < high, both finite. */
struct plot_ticks {
    double first, step;
    int n;
};
struct plot_ticks plot_ticks(double low, double high, bool whole);

#endif
