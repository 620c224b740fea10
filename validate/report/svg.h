/* Charts of a page as inline SVG, one function per form. Every chart is SVG_WIDTH units wide and shown 1:1, so that
 * its 12 px text stays 12 px; colours come from classes of the style sheet (style.h), so that dark and print follow.
 * `id` is unique on the page and names the chart's <title> and <desc>. */
#ifndef MARGINALIA_VALIDATE_REPORT_SVG_H
#define MARGINALIA_VALIDATE_REPORT_SVG_H

#include <stdio.h>
#include "validate/checks/check.h"
#include "validate/report/axis.h"

enum { SVG_WIDTH = 344, SVG_LEFT = 6, SVG_RIGHT = 338 };

/* Text to a coordinate, one decimal, whatever the locale: fprintf(out, "x=\"%s\"", svg_number(x).text). */
struct svg_text {
    char text[24];
};
struct svg_text svg_number(double x);

void svg_line(FILE *out, const char *css, double x0, double y0, double x1, double y1);
/* anchor: "start", "middle" or "end" */
void svg_label(FILE *out, const char *css, double x, double y, const char *anchor, const char *text);
void svg_dot(FILE *out, enum tone tone, double x, double y, double radius);
double svg_text_width(const char *text); /* at 12 px; errs on the wide side */

/* <svg> with role, title and description, of this height; the caller closes it. */
void svg_begin(FILE *out, const struct figure *f, const char *id, double height);

/* Labels of the ticks at height y: the first and the last, and those between that have room. */
void svg_tick_labels(FILE *out, const struct axis *a, double y);
/* A line with ticks and labels, and the axis's name (may be NULL) below: 36 units in all. */
void svg_bottom_axis(FILE *out, const struct axis *a, double y, const char *name);
char *svg_limit_text(double limit, enum unit unit); /* "limit 15%"; free() it */
/* The same above its mark at x, moved so that it stays inside the chart. */
void svg_label_limit(FILE *out, const struct figure *f, double x, double y);

/* The estimate against its limit, 150 x 24, for the table; its numbers stand beside it. */
void svg_strip(FILE *out, const struct check *c);

/* The same of a change: no change in the middle, a band on what is no worse, and a tick where better begins. */
void svg_change(FILE *out, const struct check *c);

void svg_rows(FILE *out, const struct figure *f, const char *id);
void svg_dots(FILE *out, const struct figure *f, const char *id);
void svg_curve(FILE *out, const struct figure *f, const char *id);
void svg_scatter(FILE *out, const struct figure *f, const char *id);
/* The key of a heat map whose strongest colour stands for `most`. */
void svg_key(FILE *out, double most, enum unit unit, const char *label);

#endif
