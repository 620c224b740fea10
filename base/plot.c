#include "base/plot.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/xml.h"

/* Pixels of the drawing. Text is never smaller than 12 px when shown 1:1. */
enum {
    WIDTH = 640, TITLE_HEIGHT = 44, PANEL_HEIGHT = 260, AXES_LEFT = 60, AXES_TOP = 26, AXES_HEIGHT = 180,
    LABEL_GAP = 20, LABEL_HEIGHT = 15, LETTER_WIDTH = 7, LABEL_WIDEST = 220,
    TICK_ROOM = 32
};

enum { TICKS_WANTED = 5 };

static const double beyond_plotting = 1e100; /* differences and ratios of smaller numbers cannot overflow */

static const char style[] =
    "<style>\n"
    "svg{--paper:#fff;--ink:#1c2126;--soft:#57616b;--line:#d9dde1;background:var(--paper);"
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#e69f00;--s5:#56b4e9;--s6:#000;--s7:#8a7f00}\n"
    "@media(prefers-color-scheme:dark){svg{--paper:#15191d;--ink:#e7eaec;--soft:#a4aeb7;--line:#343c44;"
    "--s0:#56b4e9;--s1:#e69f00;--s2:#00b886;--s3:#cc79a7;--s4:#f0e442;--s5:#3f95d0;--s6:#fff;--s7:#ef7b2b}}\n"
    "text{font:12px 'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','Liberation Sans',Arial,sans-serif;"
    "fill:var(--soft);font-variant-numeric:tabular-nums}\n"
    ".title{font-size:16px;font-weight:600;fill:var(--ink)}.name{fill:var(--ink)}\n"
    ".paper{fill:var(--paper)}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}\n"
    ".s{fill:none;stroke-width:2;stroke-linejoin:round}.lead{fill:none;stroke-width:1;opacity:.6}circle{stroke:none}\n"
    ".s0{stroke:var(--s0)}.s1{stroke:var(--s1);stroke-dasharray:7 3}.s2{stroke:var(--s2);stroke-dasharray:2 3}\n"
    ".s3{stroke:var(--s3);stroke-dasharray:9 3 2 3}.s4{stroke:var(--s4);stroke-dasharray:14 4}\n"
    ".s5{stroke:var(--s5);stroke-dasharray:5 2 1 2 1 2}.s6{stroke:var(--s6);stroke-dasharray:1 2}\n"
    ".s7{stroke:var(--s7);stroke-dasharray:4 6}\n"
    "circle.s0{fill:var(--s0)}circle.s1{fill:var(--s1)}circle.s2{fill:var(--s2)}circle.s3{fill:var(--s3)}"
    "circle.s4{fill:var(--s4)}circle.s5{fill:var(--s5)}circle.s6{fill:var(--s6)}circle.s7{fill:var(--s7)}\n"
    "</style>\n";

/* Data to pixels. */
struct axes {
    double x_low, x_high, y_low, y_high; /* data */
    double left, right, top, bottom;     /* pixels */
    struct plot_ticks x_ticks, y_ticks;
};

static bool is_plottable(const struct plot_series *s, int i)
{
    return fabs(s->x[i]) < beyond_plotting && fabs(s->y[i]) < beyond_plotting;
}

/* The last point that is drawn, or -1. */
static int last_point(const struct plot_series *s)
{
    int i = s->n - 1;
    while (i >= 0 && !is_plottable(s, i))
        i--;
    return i;
}

struct plot_ticks plot_ticks(double low, double high, bool whole)
{
    assert(high > low);
    double rough = (high - low) / TICKS_WANTED;
    double power = pow(10, floor(log10(rough)));
    double step = rough <= power ? power : rough <= 2 * power ? 2 * power : rough <= 5 * power ? 5 * power : 10 * power;
    step = whole ? fmax(step, 1) : step;
    double slack = 1e-9; /* of a step: a bound that is a multiple of the step, but for rounding, is a tick */
    double first = floor(low / step + slack), last = ceil(high / step - slack);
    return (struct plot_ticks){ first * step, step, (int)(last - first) + 1 };
}

static void find_range(const struct plot_series *s, struct axes *a, bool *whole)
{
    for (int i = 0; i < s->n; i++) {
        if (!is_plottable(s, i))
            continue;
        a->x_low = fmin(a->x_low, s->x[i]);
        a->x_high = fmax(a->x_high, s->x[i]);
        a->y_low = fmin(a->y_low, s->y[i]); /* both start from 0 */
        a->y_high = fmax(a->y_high, s->y[i]);
        *whole = *whole && s->x[i] == floor(s->x[i]);
    }
}

static struct axes make_axes(const struct plot_panel *panel, double top, double right)
{
    struct axes a = { .x_low = INFINITY, .x_high = -INFINITY };
    bool whole = true;
    for (int k = 0; k < panel->n; k++)
        find_range(&panel->series[k], &a, &whole);
    if (!(a.x_low <= a.x_high))
        a.x_low = a.x_high = 1;
    if (a.x_low == a.x_high) /* a single place stands at the right end, where the labels are */
        a.x_low -= fmax(1, fabs(a.x_low) / 2);
    if (a.y_low == a.y_high)
        a.y_high = 1;
    a.x_ticks = plot_ticks(a.x_low, a.x_high, whole);
    a.y_ticks = plot_ticks(a.y_low, a.y_high, false);
    a.y_low = a.y_ticks.first;
    a.y_high = a.y_ticks.first + a.y_ticks.step * (a.y_ticks.n - 1);
    a.left = AXES_LEFT;
    a.right = right;
    a.top = top + AXES_TOP;
    a.bottom = a.top + AXES_HEIGHT;
    return a;
}

static double pixel_x(const struct axes *a, double x)
{
    return a->left + (x - a->x_low) / (a->x_high - a->x_low) * (a->right - a->left);
}

static double pixel_y(const struct axes *a, double y)
{
    return a->bottom - (y - a->y_low) / (a->y_high - a->y_low) * (a->bottom - a->top);
}

/* With U+2212 as the minus. */
static void write_number(FILE *out, const char *text)
{
    fprintf(out, "%s%s", *text == '-' ? "\u2212" : "", *text == '-' ? text + 1 : text);
}

static void write_value(FILE *out, double value)
{
    char text[32];
    snprintf(text, sizeof text, fabs(value) >= 1e4 && fabs(value) < 1e7 ? "%.0f" : "%.4g", value);
    write_number(out, text);
}

static void write_tick(FILE *out, double value, double step)
{
    char text[32];
    int decimals = (int)fmax(0, -floor(log10(step) + 1e-9));
    if (fabs(value) < step / 2)
        value = 0; /* not -0, nor what rounding left of it */
    if (decimals > 6 || fabs(value) >= 1e7)
        snprintf(text, sizeof text, "%.6g", value);
    else
        snprintf(text, sizeof text, "%.*f", decimals, value);
    write_number(out, text);
}

static void write_y_axis(FILE *out, const struct axes *a)
{
    for (int i = 0; i < a->y_ticks.n; i++) {
        double value = a->y_ticks.first + i * a->y_ticks.step, y = pixel_y(a, value);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", a->left, y, a->right);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", a->left - 8, y + 4);
        write_tick(out, value, a->y_ticks.step);
        fputs("</text>\n", out);
    }
}

static void begin_x_tick(FILE *out, const struct axes *a, double x)
{
    fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fv4\"/>", x, a->bottom);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x, a->bottom + 18);
}

/* Both ends of the data are labelled with what they are, and between them round numbers where there is room. */
static void write_x_axis(FILE *out, const struct axes *a)
{
    fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", a->left, a->bottom, a->right);
    begin_x_tick(out, a, a->left);
    write_value(out, a->x_low);
    fputs("</text>\n", out);
    for (int i = 0; i < a->x_ticks.n; i++) {
        double value = a->x_ticks.first + i * a->x_ticks.step, x = pixel_x(a, value);
        if (!(x > a->left + TICK_ROOM && x < a->right - TICK_ROOM))
            continue;
        begin_x_tick(out, a, x);
        write_tick(out, value, a->x_ticks.step);
        fputs("</text>\n", out);
    }
    begin_x_tick(out, a, a->right);
    write_value(out, a->x_high);
    fputs("</text>\n", out);
}

static void write_axes(FILE *out, const struct plot_panel *panel, const struct axes *a)
{
    write_y_axis(out, a);
    write_x_axis(out, a);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (a->left + a->right) / 2, a->bottom + 36);
    xml_text(out, panel->x_label);
    fprintf(out, "</text>\n<text x=\"12\" y=\"%.1f\">", a->top - 12);
    xml_text(out, panel->y_label);
    fputs("</text>\n", out);
}

/* Lines between neighbours; a point without neighbours is a dot. */
static void write_line(FILE *out, const struct plot_series *s, int k, const struct axes *a)
{
    bool open = false;
    fprintf(out, "<path class=\"s s%d\" d=\"", k);
    for (int i = 0; i < s->n; i++) {
        bool here = is_plottable(s, i);
        if (here)
            fprintf(out, "%c%.1f %.1f", open ? 'L' : 'M', pixel_x(a, s->x[i]), pixel_y(a, s->y[i]));
        open = here;
    }
    fputs("\"/>\n", out);
    for (int i = 0; i < s->n; i++) {
        bool before = i > 0 && is_plottable(s, i - 1), after = i + 1 < s->n && is_plottable(s, i + 1);
        if (is_plottable(s, i) && !before && !after)
            fprintf(out, "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", k, pixel_x(a, s->x[i]),
                    pixel_y(a, s->y[i]));
    }
}

struct label {
    int series, point;
    double y; /* pixels */
};

static int compare_labels(const void *a, const void *b)
{
    const struct label *p = a, *q = b;
    return p->y != q->y ? (p->y > q->y) - (p->y < q->y) : p->series - q->series;
}

/* Moves labels apart: down where they overlap, then up again from the lower edge. */
static void spread_labels(struct label *labels, int n, const struct axes *a)
{
    qsort(labels, (size_t)n, sizeof *labels, compare_labels);
    for (int i = 1; i < n; i++)
        labels[i].y = fmax(labels[i].y, labels[i - 1].y + LABEL_HEIGHT);
    double lowest = a->bottom;
    for (int i = n - 1; i >= 0; i--) {
        labels[i].y = fmin(labels[i].y, lowest);
        lowest = labels[i].y - LABEL_HEIGHT;
    }
}

static void write_labels(FILE *out, const struct plot_panel *panel, const struct axes *a)
{
    struct label labels[PLOT_MAX_SERIES];
    int n = 0;
    for (int k = 0; k < panel->n; k++) {
        int i = last_point(&panel->series[k]);
        if (i >= 0)
            labels[n++] = (struct label){ k, i, pixel_y(a, panel->series[k].y[i]) };
    }
    spread_labels(labels, n, a);
    for (int j = 0; j < n; j++) {
        const struct plot_series *s = &panel->series[labels[j].series];
        double x = pixel_x(a, s->x[labels[j].point]), y = pixel_y(a, s->y[labels[j].point]);
        fprintf(out, "<path class=\"lead s%d\" d=\"M%.1f %.1fL%.1f %.1f\"/>", labels[j].series, x, y,
                a->right + LABEL_GAP - 4, labels[j].y);
        fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", a->right + LABEL_GAP, labels[j].y + 4);
        xml_text(out, s->name);
        fputc(' ', out);
        write_value(out, s->y[labels[j].point]);
        fputs("</text>\n", out);
    }
}

/* "training: 30 points, from 2.31 at 1 to 0.41 at 30, lowest 0.40, highest 2.31." */
static void describe_series(FILE *out, const struct plot_series *s)
{
    int points = 0, first = -1, last = last_point(s);
    double lowest = INFINITY, highest = -INFINITY;
    for (int i = 0; i <= last; i++)
        if (is_plottable(s, i)) {
            first = first < 0 ? i : first;
            lowest = fmin(lowest, s->y[i]);
            highest = fmax(highest, s->y[i]);
            points++;
        }
    xml_text(out, s->name);
    if (!points) {
        fputs(": no points. ", out);
        return;
    }
    const char *words[] = { ", from ", " at ", " to ", " at ", ", lowest ", ", highest " };
    double values[] = { s->y[first], s->x[first], s->y[last], s->x[last], lowest, highest };
    fprintf(out, ": %d points", points);
    for (int i = 0; i < 6; i++) {
        fputs(words[i], out);
        write_value(out, values[i]);
    }
    fputs(". ", out);
}

static void write_head(FILE *out, const struct plot *plot, int height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "role=\"img\">\n",
            WIDTH, height, WIDTH, height);
    fputs("<title>", out);
    xml_text(out, plot->title);
    fputs("</title>\n<desc>", out);
    for (int p = 0; p < plot->n; p++) {
        xml_text(out, plot->panels[p].y_label);
        fputs(" by ", out);
        xml_text(out, plot->panels[p].x_label);
        fputs(". ", out);
        for (int k = 0; k < plot->panels[p].n; k++)
            describe_series(out, &plot->panels[p].series[k]);
    }
    fprintf(out, "</desc>\n%s<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", style, WIDTH, height);
    fputs("<text class=\"title\" x=\"12\" y=\"26\">", out);
    xml_text(out, plot->title);
    fputs("</text>\n", out);
}

/* The same for all panels, so that they stand in line. */
static double axes_right(const struct plot *plot)
{
    size_t letters = 0;
    for (int p = 0; p < plot->n; p++)
        for (int k = 0; k < plot->panels[p].n; k++) {
            size_t n = strlen(plot->panels[p].series[k].name) + strlen(" -0.1234");
            letters = n > letters ? n : letters;
        }
    double label = letters < LABEL_WIDEST / LETTER_WIDTH ? (double)letters * LETTER_WIDTH : LABEL_WIDEST;
    return WIDTH - LABEL_GAP - label;
}

void plot_write(const struct plot *plot, FILE *out)
{
    assert(plot->n >= 1 && plot->n <= PLOT_MAX_PANELS);
    write_head(out, plot, TITLE_HEIGHT + plot->n * PANEL_HEIGHT);
    double right = axes_right(plot);
    for (int p = 0; p < plot->n; p++) {
        const struct plot_panel *panel = &plot->panels[p];
        assert(panel->n >= 0 && panel->n <= PLOT_MAX_SERIES);
        struct axes a = make_axes(panel, TITLE_HEIGHT + p * PANEL_HEIGHT, right);
        write_axes(out, panel, &a);
        for (int k = 0; k < panel->n; k++)
            write_line(out, &panel->series[k], k, &a);
        write_labels(out, panel, &a);
    }
    fputs("</svg>\n", out);
}

bool plot_save(const struct plot *plot, const char *path, struct err *err)
{
    struct file_writer w;
    if (!file_begin(&w, path, err))
        return false;
    plot_write(plot, w.stream);
    return file_commit(&w, err);
}
