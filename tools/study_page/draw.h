/* Drawings of the study's page, each a whole SVG file: light and dark, 12 px text at 100 %, nothing told by colour
 * alone. Lines are base/plot.h's. */
#ifndef MARGINALIA_TOOLS_STUDY_PAGE_DRAW_H
#define MARGINALIA_TOOLS_STUDY_PAGE_DRAW_H

#include <stdio.h>
#include "validate/checks/figure.h"

enum { DRAW_MOST_PANELS = 2 };

/* Values as shades, darker for more, whatever the reader's setting is. Two panels stand side by side, with the same
 * shades and names. */
struct shading {
    const char *title, *description;
    const char *x_label, *y_label;
    int rows, columns;
    const char *const *row_name, *const *column_name; /* NULL: numbered from 0, and no values are printed */
    enum unit unit;
    const char *key; /* what the shades count; stands beside them */
    double darkest;  /* the value that is darkest; white stands for 0 */
    int outline;     /* pixels from the edge at which a dashed line runs, 0: none */
    int n;           /* panels */
    struct {
        const char *name;    /* above it; NULL: none */
        const double *value; /* [rows*columns], NaN: nothing is known */
    } panel[DRAW_MOST_PANELS];
};
void draw_shading(FILE *out, const struct shading *s);

/* A figure of rows (validate/report/svg.h) with its heading above. */
void draw_rows(FILE *out, const struct figure *f);

#endif
