#include "validate/report/svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/xml.h"
#include "validate/report/axis.h"
#include "validate/report/format.h"

struct svg_text svg_number(double x)
{
    struct svg_text t;
    int64_t tenths = (int64_t)floor(fabs(x) * 10 + 0.5);
    snprintf(t.text, sizeof t.text, "%s%" PRId64 ".%" PRId64, x < 0 && tenths ? "-" : "", tenths / 10, tenths % 10);
    return t;
}

void svg_line(FILE *out, const char *css, double x0, double y0, double x1, double y1)
{
    fprintf(out, "<path class=\"%s\" d=\"M%s %sL%s %s\"/>", css, svg_number(x0).text, svg_number(y0).text,
            svg_number(x1).text, svg_number(y1).text);
}

void svg_label(FILE *out, const char *css, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text class=\"%s\" x=\"%s\" y=\"%s\" text-anchor=\"%s\">", css, svg_number(x).text,
            svg_number(y).text, anchor);
    xml_text(out, text);
    fputs("</text>\n", out);
}

void svg_dot(FILE *out, enum tone tone, double x, double y, double radius)
{
    static const char *const css[] = {
        [TONE_DATA] = "dd", [TONE_CONTROL] = "dk", [TONE_ALERT] = "da", [TONE_OPEN] = "di"
    };
    fprintf(out, "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>", css[tone], svg_number(x).text,
            svg_number(y).text, svg_number(radius).text);
}

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

double svg_text_width(const char *text)
{
    return 6.6 * (double)characters(text);
}

void svg_begin(FILE *out, const struct figure *f, const char *id, double height)
{
    fprintf(out,
            "<svg class=\"chart\" viewBox=\"0 0 %d %s\" width=\"%d\" height=\"%s\" role=\"img\" "
            "aria-labelledby=\"%s-title %s-text\"><title id=\"%s-title\">",
            SVG_WIDTH, svg_number(height).text, SVG_WIDTH, svg_number(height).text, id, id, id);
    xml_text(out, f->heading ? f->heading : "Chart");
    fprintf(out, "</title><desc id=\"%s-text\">", id);
    xml_text(out, f->description ? f->description : "");
    fputs("</desc>\n", out);
}

static const char *interval_class(enum tone tone)
{
    static const char *const css[] = {
        [TONE_DATA] = "wd", [TONE_CONTROL] = "wk", [TONE_ALERT] = "wa", [TONE_OPEN] = "wi"
    };
    return css[tone];
}

/* The line through the dot; none for what was counted over everything. */
static void draw_estimate(FILE *out, const struct axis *a, double y, double value, double low, double high,
                          enum tone tone)
{
    if (isfinite(low) && isfinite(high) && low < high)
        svg_line(out, interval_class(tone), axis_place(a, low), y, axis_place(a, high), y);
    if (isfinite(value))
        svg_dot(out, tone, axis_place(a, value), y, 4.5);
}

/* strip */

static enum tone tone_of(enum check_status status)
{
    static const enum tone tone[] = {
        [CHECK_PASS] = TONE_DATA,  [CHECK_FAIL] = TONE_ALERT,  [CHECK_INCONCLUSIVE] = TONE_OPEN,
        [CHECK_ERROR] = TONE_OPEN, [CHECK_WAIVED] = TONE_OPEN, [CHECK_REPORTED] = TONE_DATA
    };
    return tone[status];
}

enum { WIDTH = 150, MIDDLE = 12, MARGIN = 4 };

static void begin_strip(FILE *out)
{
    fprintf(out, "<svg class=\"chart mini\" viewBox=\"0 0 %d 24\" width=\"%d\" height=\"24\" aria-hidden=\"true\">",
            WIDTH, WIDTH);
    svg_line(out, "ax", MARGIN, MIDDLE, WIDTH - MARGIN, MIDDLE);
}

/* What is allowed: all beyond `bar` on the good side. */
static void draw_allowed(FILE *out, enum side side, double bar)
{
    double from = side == SIDE_AT_LEAST ? bar : MARGIN, to = side == SIDE_AT_LEAST ? WIDTH - MARGIN : bar;
    fprintf(out, "<rect class=\"ok\" x=\"%s\" y=\"8\" width=\"%s\" height=\"8\"/>", svg_number(from).text,
            svg_number(to - from).text);
}

void svg_change(FILE *out, const struct check *c)
{
    double limit = c->side != SIDE_NONE && isfinite(c->limit) ? c->limit : 0, low = 0, high = 0;
    axis_cover(&low, &high, c->estimate.value);
    axis_cover(&low, &high, c->estimate.low);
    axis_cover(&low, &high, c->estimate.high);
    axis_cover(&low, &high, 2 * limit);
    double reach = fmax(-low, high);
    struct axis a = axis_make(-reach, reach, false, c->unit, MARGIN, WIDTH - MARGIN);
    begin_strip(out);
    if (c->side != SIDE_NONE)
        draw_allowed(out, c->side, axis_place(&a, limit));
    svg_line(out, "ze", axis_place(&a, 0), 6, axis_place(&a, 0), 18);
    svg_line(out, "lim", axis_place(&a, -limit), 3, axis_place(&a, -limit), 21);
    draw_estimate(out, &a, MIDDLE, c->estimate.value, c->estimate.low, c->estimate.high, tone_of(c->status));
    fputs("</svg>", out);
}

void svg_strip(FILE *out, const struct check *c)
{
    bool limited = c->side != SIDE_NONE && isfinite(c->limit);
    double low = 0, high = 0;
    axis_cover(&low, &high, c->estimate.low);
    axis_cover(&low, &high, c->estimate.high);
    axis_cover(&low, &high, c->estimate.value);
    if (limited) { /* with room behind it, so that both sides are seen */
        axis_cover(&low, &high, c->limit);
        axis_cover(&low, &high, c->limit + 0.3 * (c->limit - low));
    }
    if (c->unit == UNIT_SHARE && high > 0.35) /* more than a third is shown against the whole */
        high = fmax(1, c->estimate.high);
    struct axis a = axis_make(low, high, false, c->unit, MARGIN, WIDTH - MARGIN);
    begin_strip(out);
    if (c->unit == UNIT_POINTS && low < 0 && high > 0)
        svg_line(out, "ze", axis_place(&a, 0), 6, axis_place(&a, 0), 18);
    if (limited) {
        double bar = axis_place(&a, c->limit);
        draw_allowed(out, c->side, bar);
        svg_line(out, "lim", bar, 3, bar, 21);
    }
    draw_estimate(out, &a, MIDDLE, c->estimate.value, c->estimate.low, c->estimate.high, tone_of(c->status));
    fputs("</svg>", out);
}

void svg_tick_labels(FILE *out, const struct axis *a, double y)
{
    const double gap = 10; /* fonts differ in width */
    double taken = -INFINITY;
    char *last = axis_label(a, a->n - 1);
    double last_left = axis_place(a, a->tick[a->n - 1]) - svg_text_width(last) / (a->to > SVG_WIDTH - 10 ? 1 : 2);
    free(last);
    for (int i = 0; i < a->n; i++) {
        double x = axis_place(a, a->tick[i]);
        char *text = axis_label(a, i);
        double width = svg_text_width(text);
        bool at_start = x<width / 2, at_end = x> SVG_WIDTH - width / 2;
        double left = at_start ? x : at_end ? x - width : x - width / 2;
        bool fits = left > taken + gap && (i == a->n - 1 || left + width + gap < last_left);
        if (fits || i == a->n - 1) {
            svg_label(out, "ts", x, y, at_start ? "start" : at_end ? "end" : "middle", text);
            taken = left + width;
        }
        free(text);
    }
}

void svg_bottom_axis(FILE *out, const struct axis *a, double y, const char *name)
{
    svg_line(out, "ax", a->from, y, a->to, y);
    for (int i = 0; i < a->n; i++)
        svg_line(out, "ax", axis_place(a, a->tick[i]), y, axis_place(a, a->tick[i]), y + 5);
    svg_tick_labels(out, a, y + 18);
    if (name)
        svg_label(out, "ts", (a->from + a->to) / 2, y + 36, "middle", name);
}

char *svg_limit_text(double limit, enum unit unit)
{
    char *value = format_limit(SIDE_AT_MOST, limit, unit, 0);
    char *text = mem_format("limit %s", value + strlen("at most "));
    free(value);
    return text;
}

void svg_label_limit(FILE *out, const struct figure *f, double x, double y)
{
    char *text = svg_limit_text(f->limit, f->x_unit);
    double half = svg_text_width(text) / 2;
    svg_label(out, "tx", fmin(fmax(x, half), SVG_WIDTH - half), y, "middle", text);
    free(text);
}

/* rows */

/* All rows of a figure alike: enough for the largest value and for the narrowest interval. */
static int row_decimals(const struct figure *f)
{
    double largest = 0, narrowest = INFINITY;
    for (int i = 0; i < f->n_rows; i++) {
        const struct figure_row *row = &f->row[i];
        if (fabs(row->value) > largest)
            largest = fabs(row->value);
        if (row->high > row->low)
            narrowest = fmin(narrowest, row->high - row->low);
    }
    double half = isfinite(narrowest) ? narrowest / 2 : 0;
    struct estimate e = { largest, largest - half, largest + half, 1 };
    return format_decimals(&e, f->x_unit, SIDE_NONE, 0);
}

static char *row_value(const struct figure *f, const struct figure_row *row, int decimals)
{
    struct estimate e = { row->value, row->low, row->high, 1 };
    char *value = format_value(row->value, f->x_unit, decimals);
    char *interval = format_interval(&e, f->x_unit, decimals);
    char *text = *interval ? mem_format("%s (%s)", value, interval) : mem_string(value);
    free(value);
    free(interval);
    return text;
}

/* The first part of a text that fits, with an ellipsis where something is left out. free() it. */
static char *fit(const char *text, double width)
{
    if (svg_text_width(text) <= width)
        return mem_string(text);
    size_t bytes = strlen(text);
    char *cut = mem_alloc(bytes + sizeof "\u2026", 1);
    memcpy(cut, text, bytes);
    while (bytes && svg_text_width(cut) > width - 12) {
        while (bytes && ((unsigned char)cut[bytes - 1] & 0xc0) == 0x80)
            cut[--bytes] = '\0';
        if (bytes)
            cut[--bytes] = '\0';
    }
    memcpy(cut + bytes, "\u2026", sizeof "\u2026");
    return cut;
}

static struct axis row_axis(const struct figure *f)
{
    double low = f->x_low, high = f->x_high;
    if (!(low < high))
        low = high = 0;
    for (int i = 0; i < f->n_rows; i++) {
        axis_cover(&low, &high, f->row[i].value);
        axis_cover(&low, &high, f->row[i].low);
        axis_cover(&low, &high, f->row[i].high);
    }
    if (f->has_limit)
        axis_cover(&low, &high, f->limit);
    return axis_make(low, high, f->x_log, f->x_unit, SVG_LEFT, SVG_RIGHT);
}

/* Where a comparison is even: times 1, no difference. */
static bool even_value(const struct figure *f, const struct axis *a, double *value)
{
    *value = f->x_unit == UNIT_RATIO ? 1 : 0;
    return (f->x_unit == UNIT_RATIO || f->x_unit == UNIT_POINTS) && *value > a->low && *value < a->high;
}

enum { ROW = 44, TEXT_LINE = 16 };

/* What stands above the line of a row: name and value side by side, or one below the other. */
struct row_text {
    char *name, *value;
    bool two_lines;
};

static struct row_text make_row_text(const struct figure *f, const struct figure_row *row, int decimals)
{
    struct row_text t = { .value = row_value(f, row, decimals) };
    const char *name = row->name ? row->name : "";
    t.two_lines = svg_text_width(name) + svg_text_width(t.value) + 8 > SVG_WIDTH;
    t.name = fit(name, SVG_WIDTH);
    return t;
}

static void draw_row(FILE *out, const struct figure *f, const struct axis *a, const struct figure_row *row, double y)
{
    svg_line(out, "ax", a->from, y, a->to, y);
    for (int i = 0; i < a->n; i++)
        svg_line(out, "ax", axis_place(a, a->tick[i]), y, axis_place(a, a->tick[i]), y + 4);
    double even;
    if (even_value(f, a, &even))
        svg_line(out, "ze", axis_place(a, even), y - 7, axis_place(a, even), y + 7);
    if (f->has_limit && isfinite(f->limit))
        svg_line(out, "lim bar", axis_place(a, f->limit), y - 9, axis_place(a, f->limit), y + 9);
    draw_estimate(out, a, y, row->value, row->low, row->high, row->tone);
}

/* Returns the height that the row took; y is the baseline of its first text. */
static double write_row(FILE *out, const struct figure *f, const struct axis *a, const struct figure_row *row, double y,
                        const struct row_text *t)
{
    double second = t->two_lines ? y + TEXT_LINE : y;
    svg_label(out, "tx", 0, y, "start", t->name);
    svg_label(out, "tx", SVG_WIDTH, second, "end", t->value);
    draw_row(out, f, a, row, second + 15);
    return second - y + ROW;
}

void svg_rows(FILE *out, const struct figure *f, const char *id)
{
    struct axis a = row_axis(f);
    bool limited = f->has_limit && isfinite(f->limit);
    double y = limited ? 36 : 16, height = y;
    int decimals = row_decimals(f);
    struct row_text *t = mem_alloc((size_t)f->n_rows, sizeof *t);
    for (int i = 0; i < f->n_rows; i++) {
        t[i] = make_row_text(f, &f->row[i], decimals);
        height += ROW + (t[i].two_lines ? TEXT_LINE : 0);
    }
    svg_begin(out, f, id, height + (f->x_label ? 16 : 0));
    if (limited)
        svg_label_limit(out, f, axis_place(&a, f->limit), 12);
    for (int i = 0; i < f->n_rows; i++) {
        y += write_row(out, f, &a, &f->row[i], y, &t[i]);
        free(t[i].name);
        free(t[i].value);
    }
    svg_tick_labels(out, &a, y - 8);
    if (f->x_label)
        svg_label(out, "ts", SVG_WIDTH / 2.0, y + 10, "middle", f->x_label);
    fputs("</svg>\n", out);
    free(t);
}
