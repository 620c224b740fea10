/* The charts with two axes, and the dots. */
#include "validate/report/svg.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/statistics.h"
#include "validate/report/format.h"

static void write_point(FILE *out, double x, double y)
{
    fprintf(out, "%s,%s ", svg_number(x).text, svg_number(y).text);
}

/* dots: one panel per series, one above the other, all with the same axis */

enum { BINS = 30, MOST_DOTS = 300, PANEL = 176 };

struct pile {
    int n, highest; /* values that are finite; the highest count of a bin */
    int count[BINS];
    double median;
};

static int bin_of(const struct axis *a, double value)
{
    double width = (a->to - a->from) / BINS;
    int bin = (int)((axis_place(a, value) - a->from) / width);
    return bin < BINS ? bin : BINS - 1;
}

static struct pile make_pile(const struct figure_series *s, const struct axis *a)
{
    struct pile p = { .median = NAN };
    double *x = mem_alloc((size_t)s->n, sizeof *x);
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]))
            continue;
        x[p.n++] = s->x[i];
        int height = ++p.count[bin_of(a, s->x[i])];
        p.highest = height > p.highest ? height : p.highest;
    }
    if (p.n)
        p.median = median(x, p.n);
    free(x);
    return p;
}

/* Distance of dots that lie on each other, or 0: too many for dots, so bars. */
static double dot_step(const struct pile *p)
{
    double step = p->highest * 8.8 > PANEL ? (double)PANEL / p->highest : 8.8;
    return p->n <= MOST_DOTS && step >= 4 ? step : 0;
}

static double pile_height(const struct pile *p)
{
    double step = dot_step(p);
    return step > 0 ? fmax(p->highest * step, 3 * 8.8) : PANEL;
}

static void draw_pile(FILE *out, const struct pile *p, const struct axis *a, enum tone tone, double bottom)
{
    static const char *const bar[] = {
        [TONE_DATA] = "dd", [TONE_CONTROL] = "bc", [TONE_ALERT] = "da", [TONE_OPEN] = "dn"
    };
    double width = (a->to - a->from) / BINS, step = dot_step(p);
    for (int i = 0; i < BINS; i++) {
        double x = a->from + i * width;
        for (int k = 0; step > 0 && k < p->count[i]; k++)
            svg_dot(out, tone, x + width / 2, bottom - 6 - k * step, tone == TONE_DATA ? 4 : 3);
        double height = p->count[i] * (double)PANEL / (p->highest ? p->highest : 1);
        if (step <= 0 && p->count[i])
            fprintf(out, "<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>\n", bar[tone],
                    svg_number(x + 0.5).text, svg_number(bottom - height).text, svg_number(width - 1).text,
                    svg_number(height).text);
    }
}

/* "correct: median 8.8%", beside a mark that stands at the median; for bars also what the tallest means. */
static void label_pile(FILE *out, const struct figure *f, const struct figure_series *s, const struct pile *p,
                       const struct axis *a, double y)
{
    struct estimate e = { p->median, p->median, p->median, p->n };
    int decimals = format_decimals(&e, f->x_unit, SIDE_NONE, 0);
    char *value = format_value(p->median, f->x_unit, decimals > 1 && f->x_unit == UNIT_SHARE ? 1 : decimals);
    char *count = format_count(p->highest);
    bool bars = p->n && !(dot_step(p) > 0);
    char *text = mem_format("%s%s%s%s%s%s", s->name ? s->name : "", s->name ? ": " : "", p->n ? "median " : "",
                            p->n ? value : "no pictures", bars ? "; tallest bar " : "", bars ? count : "");
    double width = svg_text_width(text), x = p->n ? axis_place(a, p->median) : 0;
    double limit = f->has_limit && isfinite(f->limit) ? axis_place(a, f->limit) : -INFINITY;
    bool no_room = x + 10 + width > SVG_WIDTH, crossed = limit > x && limit < x + 14 + width && x - 10 - width > 0;
    bool left = no_room || crossed;
    double at = left ? fmax(x - 10, width) : x + 10;
    if (p->n)
        svg_dot(out, TONE_OPEN, x, y, 4);
    svg_label(out, "tx ha", at, y + 4, left ? "end" : "start", text);
    free(value);
    free(count);
    free(text);
}

/* The figure's own mark with its interval, in the place of the median. */
static void label_mark(FILE *out, const struct figure *f, const struct axis *a, double y)
{
    double x = axis_place(a, f->mark_value), right = axis_place(a, fmax(f->mark_value, f->mark_high)) + 10;
    double left = axis_place(a, fmin(f->mark_value, f->mark_low)) - 10, width = svg_text_width(f->mark);
    bool no_room = right + width > SVG_WIDTH;
    if (f->mark_low < f->mark_high)
        svg_line(out, "wi", axis_place(a, f->mark_low), y, axis_place(a, f->mark_high), y);
    svg_dot(out, TONE_OPEN, x, y, 4);
    svg_label(out, "tx ha", no_room ? fmax(left, width) : right, y + 4, no_room ? "end" : "start", f->mark);
}

static struct axis dots_axis(const struct figure *f)
{
    double low = f->x_low, high = f->x_high;
    if (!(low < high))
        low = high = 0;
    if (f->mark) {
        axis_cover(&low, &high, f->mark_low);
        axis_cover(&low, &high, f->mark_high);
    }
    for (int k = 0; k < f->n_series; k++)
        for (int i = 0; i < f->series[k].n; i++)
            axis_cover(&low, &high, f->series[k].x[i]);
    if (f->has_limit)
        axis_cover(&low, &high, f->limit);
    return axis_make(low, high, f->x_log, f->x_unit, SVG_LEFT, SVG_RIGHT);
}

void svg_dots(FILE *out, const struct figure *f, const char *id)
{
    enum { HEAD = 30, GAP = 16 };
    struct axis a = dots_axis(f);
    struct pile *p = mem_alloc((size_t)f->n_series, sizeof *p);
    bool limited = f->has_limit && isfinite(f->limit);
    double top = limited ? 18 : 0, height = top;
    for (int k = 0; k < f->n_series; k++) {
        p[k] = make_pile(&f->series[k], &a);
        height += HEAD + pile_height(&p[k]) + (k ? GAP : 0);
    }
    svg_begin(out, f, id, height + 4 + 42);
    double y = top;
    for (int k = 0; k < f->n_series; k++) {
        double bottom = y + (k ? GAP : 0) + HEAD + pile_height(&p[k]) + (k == f->n_series - 1 ? 4 : 0);
        if (a.low < 0 && a.high > 0)
            svg_line(out, "ze", axis_place(&a, 0), y + (k ? GAP : 0) + HEAD - 8, axis_place(&a, 0), bottom);
        if (f->mark && isfinite(f->mark_value))
            label_mark(out, f, &a, y + (k ? GAP : 0) + 12);
        else
            label_pile(out, f, &f->series[k], &p[k], &a, y + (k ? GAP : 0) + 12);
        draw_pile(out, &p[k], &a, f->series[k].tone, bottom);
        if (k < f->n_series - 1)
            svg_line(out, "gr", a.from, bottom, a.to, bottom);
        y = bottom;
    }
    if (limited) {
        svg_line(out, "lim", axis_place(&a, f->limit), top, axis_place(&a, f->limit), height + 4);
        svg_label_limit(out, f, axis_place(&a, f->limit), 12);
    }
    svg_bottom_axis(out, &a, height + 4, f->x_label);
    fputs("</svg>\n", out);
    free(p);
}

/* curve and scatter */

enum { PLOT_TOP = 26, PLOT_BOTTOM = 192, PLOT_BELOW = 44 };

struct frame {
    struct axis x, y;
    double bottom; /* of the plot; PLOT_BELOW for the axis below it */
};

/* The y axis and its labels on the left, as wide as they need. */
static struct frame make_frame(const struct figure *f)
{
    double x0 = f->x_low, x1 = f->x_high, y0 = f->y_low, y1 = f->y_high;
    if (!(x0 < x1))
        x0 = INFINITY, x1 = -INFINITY;
    if (!(y0 < y1))
        y0 = y1 = 0;
    for (int k = 0; k < f->n_series; k++) {
        const struct figure_series *s = &f->series[k];
        for (int i = 0; i < s->n; i++) {
            axis_cover(&x0, &x1, s->x[i]);
            axis_cover(&y0, &y1, s->y[i]);
            axis_cover(&y0, &y1, s->low ? s->low[i] : s->y[i]);
            axis_cover(&y0, &y1, s->high ? s->high[i] : s->y[i]);
        }
    }
    if (f->has_limit)
        axis_cover(&y0, &y1, f->limit);
    if (f->diagonal)
        x0 = y0 = fmin(x0, y0), x1 = y1 = fmax(x1, y1);
    struct frame frame = { .y = axis_make(y0, y1, false, f->y_unit, PLOT_BOTTOM, PLOT_TOP), .bottom = PLOT_BOTTOM };
    double widest = 28;
    for (int i = 0; i < frame.y.n; i++) {
        char *label = axis_label(&frame.y, i);
        widest = fmax(widest, svg_text_width(label));
        free(label);
    }
    frame.x = axis_make(x0, x1, f->x_log, f->x_unit, fmin(widest + 10, SVG_WIDTH / 2), SVG_RIGHT);
    if (f->diagonal) /* a square */
        frame.y.from = frame.bottom = PLOT_TOP + frame.x.to - frame.x.from;
    return frame;
}

static void draw_frame(FILE *out, const struct figure *f, const struct frame *frame)
{
    if (f->y_label)
        svg_label(out, "ts", 0, 12, "start", f->y_label);
    for (int i = 0; i < frame->y.n; i++) {
        double y = axis_place(&frame->y, frame->y.tick[i]);
        char *label = axis_label(&frame->y, i);
        svg_line(out, "gr", frame->x.from, y, frame->x.to, y);
        svg_label(out, "ts", frame->x.from - 6, y + 4, "end", label);
        free(label);
    }
    svg_bottom_axis(out, &frame->x, frame->bottom, f->x_label);
}

static bool is_drawn(const struct figure_series *s, int i)
{
    return isfinite(s->x[i]) && isfinite(s->y[i]);
}

static void draw_band(FILE *out, const struct figure_series *s, const struct frame *frame)
{
    static const char *const css[] = {
        [TONE_DATA] = "bd", [TONE_CONTROL] = "bk", [TONE_ALERT] = "ba", [TONE_OPEN] = "bk"
    };
    if (!s->low || !s->high)
        return;
    fprintf(out, "<polygon class=\"%s\" points=\"", css[s->tone]);
    for (int i = 0; i < s->n; i++)
        if (is_drawn(s, i) && isfinite(s->high[i]))
            write_point(out, axis_place(&frame->x, s->x[i]), axis_place(&frame->y, s->high[i]));
    for (int i = s->n - 1; i >= 0; i--)
        if (is_drawn(s, i) && isfinite(s->low[i]))
            write_point(out, axis_place(&frame->x, s->x[i]), axis_place(&frame->y, s->low[i]));
    fputs("\"/>\n", out);
}

static void draw_line(FILE *out, const struct figure_series *s, const struct frame *frame)
{
    static const char *const css[] = {
        [TONE_DATA] = "ld", [TONE_CONTROL] = "lk", [TONE_ALERT] = "la", [TONE_OPEN] = "lo"
    };
    fprintf(out, "<polyline class=\"%s\" points=\"", css[s->tone]);
    for (int i = 0; i < s->n; i++)
        if (is_drawn(s, i))
            write_point(out, axis_place(&frame->x, s->x[i]), axis_place(&frame->y, s->y[i]));
    fputs("\"/>\n", out);
}

/* Where names stand: beside the line, in the place that covers the fewest points of any line and no other name. */

struct place {
    double x, y, width; /* left end of the baseline */
};

static bool covers(const struct place *p, double x, double y)
{
    return x > p->x - 3 && x < p->x + p->width + 3 && y > p->y - 12 && y < p->y + 4;
}

/* Points under the name; on a curve those between two measured ones, too. */
static int points_under(const struct place *p, const struct figure *f, const struct frame *frame)
{
    int steps = f->kind == FIGURE_CURVE ? 8 : 1, under = 0;
    for (int k = 0; k < f->n_series; k++) {
        const struct figure_series *s = &f->series[k];
        for (int i = 0; i + 1 < s->n; i++) {
            if (!is_drawn(s, i) || !is_drawn(s, i + 1))
                continue;
            double x0 = axis_place(&frame->x, s->x[i]), x1 = axis_place(&frame->x, s->x[i + 1]);
            double y0 = axis_place(&frame->y, s->y[i]), y1 = axis_place(&frame->y, s->y[i + 1]);
            for (int t = 0; t < steps; t++)
                under += covers(p, x0 + (x1 - x0) * t / steps, y0 + (y1 - y0) * t / steps);
        }
    }
    return under;
}

static bool overlaps(const struct place *a, const struct place *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && fabs(a->y - b->y) < 15;
}

static struct place find_place(const struct figure *f, int series, const struct frame *frame, const struct place *taken)
{
    const struct figure_series *s = &f->series[series];
    struct place best = { 0 };
    double width = svg_text_width(s->name), least = INFINITY;
    for (int i = 0; i < s->n; i++) {
        if (!is_drawn(s, i))
            continue;
        for (int below = 0; below < 2; below++) {
            double x = axis_place(&frame->x, s->x[i]) - width / 2, y = axis_place(&frame->y, s->y[i]);
            struct place p = { fmin(fmax(x, frame->x.from + 4), SVG_RIGHT - width), y + (below ? 18 : -9), width };
            double cost = points_under(&p, f, frame) + (p.y < PLOT_TOP || p.y > frame->bottom - 4 ? 100 : 0);
            for (int k = 0; k < series; k++)
                cost += overlaps(&p, &taken[k]) ? 1000 : 0;
            if (cost < least)
                least = cost, best = p;
        }
    }
    return best;
}

static void label_series(FILE *out, const struct figure *f, const struct frame *frame)
{
    static const char *const css[] = {
        [TONE_DATA] = "td ha", [TONE_CONTROL] = "tk ha", [TONE_ALERT] = "ta ha", [TONE_OPEN] = "tx ha"
    };
    struct place *taken = mem_alloc((size_t)f->n_series, sizeof *taken);
    for (int k = 0; k < f->n_series; k++) {
        const struct figure_series *s = &f->series[k];
        if (!s->name || !*s->name || s->n < 1)
            continue;
        taken[k] = find_place(f, k, frame, taken);
        if (taken[k].width > 0)
            svg_label(out, css[s->tone], taken[k].x, taken[k].y, "start", s->name);
    }
    free(taken);
}

static void draw_limit(FILE *out, const struct figure *f, const struct frame *frame)
{
    if (!f->has_limit || !isfinite(f->limit))
        return;
    double y = axis_place(&frame->y, f->limit);
    char *text = svg_limit_text(f->limit, f->y_unit);
    svg_line(out, "lim", frame->x.from, y, frame->x.to, y);
    svg_label(out, "tx ha", frame->x.to, y - 5, "end", text);
    free(text);
}

void svg_curve(FILE *out, const struct figure *f, const char *id)
{
    struct frame frame = make_frame(f);
    svg_begin(out, f, id, frame.bottom + PLOT_BELOW);
    draw_frame(out, f, &frame);
    for (int k = 0; k < f->n_series; k++)
        draw_band(out, &f->series[k], &frame);
    draw_limit(out, f, &frame);
    for (int k = 0; k < f->n_series; k++)
        draw_line(out, &f->series[k], &frame);
    label_series(out, f, &frame);
    fputs("</svg>\n", out);
}

void svg_scatter(FILE *out, const struct figure *f, const char *id)
{
    struct frame frame = make_frame(f);
    svg_begin(out, f, id, frame.bottom + PLOT_BELOW);
    draw_frame(out, f, &frame);
    draw_limit(out, f, &frame);
    if (f->diagonal)
        svg_line(out, "ze", frame.x.from, frame.bottom, frame.x.to, PLOT_TOP);
    fputs("<g class=\"cloud\">", out);
    for (int k = 0; k < f->n_series; k++) {
        const struct figure_series *s = &f->series[k];
        for (int i = 0; i < s->n; i++)
            if (is_drawn(s, i))
                svg_dot(out, s->tone, axis_place(&frame.x, s->x[i]), axis_place(&frame.y, s->y[i]), 3);
    }
    fputs("</g>\n", out);
    label_series(out, f, &frame);
    fputs("</svg>\n", out);
}

void svg_key(FILE *out, double most, enum unit unit, const char *label)
{
    enum { STEPS = 5, WIDTH = 36 };
    fprintf(out, "<svg class=\"chart key\" viewBox=\"0 0 %d 32\" width=\"%d\" height=\"32\" aria-hidden=\"true\">",
            SVG_WIDTH, SVG_WIDTH);
    for (int i = 0; i < STEPS; i++) {
        struct estimate e = { most, most, most, 1 };
        int decimals = format_decimals(&e, unit, SIDE_NONE, 0) - 1;
        char *value = format_value(most * i / (STEPS - 1), unit, decimals > 0 ? decimals : 0);
        fprintf(out, "<rect x=\"%s\" y=\"0.5\" width=\"%d\" height=\"12\" fill=\"#308ccc\" fill-opacity=\"%s\"/>",
                svg_number(0.5 + i * WIDTH).text, WIDTH, (const char *[]){ "0", ".25", ".5", ".75", "1" }[i]);
        svg_label(out, "ts", (i + 0.5) * WIDTH, 28, "middle", value);
        free(value);
    }
    fprintf(out, "<rect class=\"kb\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"12\"/>", STEPS * WIDTH);
    svg_label(out, "ts", STEPS * WIDTH + 10, 11, "start", label);
    fputs("</svg>\n", out);
}
