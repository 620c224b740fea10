#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/plot.h"

static const double up[] = { 1, 2, 3, 4 }, down[] = { 4, 3, 2, 1 };

static char *render(const struct plot *plot)
{
    enum { ROOM = 1 << 17 };
    char *text = mem_alloc(ROOM, 1);
    FILE *stream = fmemopen(text, ROOM, "w");
    plot_write(plot, stream);
    cr_assert_eq(fclose(stream), 0);
    return text;
}

static struct plot one_line(int n, const double *x, const double *y)
{
    return (struct plot){ "title", 1, { { "epoch", "loss", 1, { { "training", n, x, y } } } } };
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *s = text; (s = strstr(s, part)); s++)
        n++;
    return n;
}

/* A stack of open tags is enough of XML for what we write. */
static void expect_balanced(const char *text)
{
    char open[64][16];
    int depth = 0;
    for (const char *s = text; (s = strchr(s, '<')); s++) {
        const char *end = strchr(s, '>');
        cr_assert_not_null(end);
        if (s[1] == '/') {
            cr_assert_gt(depth, 0);
            size_t n = strlen(open[--depth]);
            cr_assert(!strncmp(s + 2, open[depth], n) && s[2 + n] == '>', "%.20s closes %s", s, open[depth]);
        } else if (end[-1] != '/') {
            cr_assert_lt(depth, 64);
            snprintf(open[depth++], sizeof *open, "%.*s", (int)strcspn(s + 1, " >"), s + 1);
        }
    }
    cr_assert_eq(depth, 0);
}

Test(plot, same_input_gives_same_bytes)
{
    struct plot plot = one_line(4, up, down);
    char *a = render(&plot), *b = render(&plot);
    cr_assert_str_eq(a, b);
    expect_balanced(a);
    free(a);
    free(b);
}

Test(plot, points_stand_where_the_axes_say)
{
    struct plot plot = one_line(4, up, down);
    char *text = render(&plot);
    /* y axis from 0 to 4 over 180 px from 250 up to 70; x from the left edge 60 to the right edge. */
    const char *path = strstr(text, "<path class=\"s s0\" d=\"M60.0 70.0L");
    cr_assert_not_null(path, "%s", text);
    double x1, y1, x2, y2, x3, y3;
    path = strchr(path, 'L');
    cr_assert_eq(sscanf(path, "L%lf %lfL%lf %lfL%lf %lf", &x1, &y1, &x2, &y2, &x3, &y3), 6);
    cr_assert_float_eq(y1, 115, 0.051);
    cr_assert_float_eq(y2, 160, 0.051);
    cr_assert_float_eq(y3, 205, 0.051);
    cr_assert_float_eq(x2 - x1, x1 - 60, 0.11);
    cr_assert_float_eq(x3 - x2, x1 - 60, 0.11);
    free(text);
}

Test(plot, a_missing_point_breaks_the_line)
{
    double y[] = { 1, NAN, 2, 3 };
    struct plot plot = one_line(4, up, y);
    char *text = render(&plot);
    const char *path = strstr(text, "<path class=\"s s0\"");
    cr_assert_not_null(path);
    char *line = strndup(path, strcspn(path, "\n"));
    cr_assert_eq(count(line, "M"), 2, "%s", line);
    cr_assert_eq(count(line, "L"), 1, "%s", line);
    cr_assert_eq(count(text, "<circle class=\"s0\""), 1, "the point that stands alone is a dot");
    free(line);
    free(text);
}

Test(plot, nothing_that_is_not_a_number_reaches_the_page)
{
    double bad[] = { NAN, INFINITY, -INFINITY, 1e308 }, none[] = { NAN, NAN, NAN, NAN }, flat[] = { 0, 0, 0, 0 };
    double huge[] = { -1e99, 1e99, 3, 4 }, tiny[] = { 1e-300, 2e-300, 5e-324, 0 };
    const double *ys[] = { bad, none, flat, huge, tiny, up };
    const double *xs[] = { up, up, up, up, up, flat };
    for (int i = 0; i < 6; i++) {
        struct plot plot = one_line(4, xs[i], ys[i]);
        char *text = render(&plot);
        expect_balanced(text);
        const char *drawing = strstr(text, "</style>");
        cr_assert_eq(count(drawing, "nan") + count(drawing, "inf"), 0, "case %d: %s", i, drawing);
        cr_assert_lt(strlen(text), 20000, "case %d", i);
        free(text);
    }
}

Test(plot, no_series_and_no_points_give_empty_axes)
{
    struct plot plot = { "nothing", 1, { { .x_label = "epoch", .y_label = "loss" } } };
    char *text = render(&plot);
    expect_balanced(text);
    free(text);
    plot = one_line(0, NULL, NULL);
    text = render(&plot);
    cr_assert_not_null(strstr(text, "training: no points."));
    free(text);
}

Test(plot, description_tells_the_numbers)
{
    struct plot plot = one_line(4, up, down);
    char *text = render(&plot);
    cr_assert_not_null(strstr(text, "<title>title</title>"));
    const char *want = "loss by epoch. training: 4 points, from 4 at 1 to 1 at 4, lowest 1, highest 4.";
    cr_assert_not_null(strstr(text, want), "%s", text);
    cr_assert_not_null(strstr(text, ">training 1</text>"), "the label at the end of the line");
    cr_assert_not_null(strstr(text, "prefers-color-scheme:dark"));
    free(text);
}

Test(plot, names_from_outside_are_escaped)
{
    struct plot plot = one_line(4, up, down);
    plot.title = "<script>&\"'\x01\xff";
    plot.panels[0].series[0].name = "a<b";
    plot.panels[0].x_label = plot.panels[0].y_label = "<i>";
    char *text = render(&plot);
    expect_balanced(text);
    cr_assert_null(strstr(text, "<script"));
    cr_assert_null(strstr(text, "<i>"));
    cr_assert_not_null(strstr(text, "&lt;script&gt;&amp;&quot;&#39;??"), "%s", text);
    free(text);
}

Test(plot, labels_at_the_same_height_do_not_overlap)
{
    struct plot plot = { "eight", 1, { { .x_label = "x", .y_label = "y", .n = PLOT_MAX_SERIES } } };
    double y[4] = { 1, 1, 1, 1 };
    for (y[3] = 0; y[3] <= 1; y[3]++) { /* at the bottom, and at the top */
        for (int k = 0; k < PLOT_MAX_SERIES; k++)
            plot.panels[0].series[k] = (struct plot_series){ "same", 4, up, y };
        char *text = render(&plot);
        double last = -1;
        int n = 0;
        for (const char *s = text; (s = strstr(s, "<text class=\"name\"")); s++) {
            double at = strtod(strstr(s, " y=\"") + 4, NULL);
            cr_assert(n++ == 0 || at - last >= 14.9, "%g after %g", at, last);
            cr_assert(at > 44 && at < 260);
            last = at;
        }
        cr_assert_eq(n, PLOT_MAX_SERIES);
        free(text);
    }
}

Test(plot, two_panels_stand_one_above_the_other)
{
    struct plot plot = one_line(4, up, down);
    plot.panels[1] = plot.panels[0];
    plot.n = 2;
    char *text = render(&plot);
    cr_assert_not_null(strstr(text, "height=\"564\""));
    cr_assert_not_null(strstr(text, "M60.0 70.0L"));
    cr_assert_not_null(strstr(text, "M60.0 330.0L"));
    expect_balanced(text);
    free(text);
}

Test(plot, ticks_are_round_and_enclose_the_data)
{
    const struct { double low, high; bool whole; double first, step; int n; } cases[] = {
        { 0, 2.31, false, 0, 0.5, 6 },  { 0, 100, false, 0, 20, 6 }, { -3, 7, false, -4, 2, 7 },
        { 0, 0.3, false, 0, 0.1, 4 },   { 1, 3, true, 1, 1, 3 },     { 0, 1e-7, false, 0, 2e-8, 6 },
        { 0, 91.25, false, 0, 20, 6 },  { 0, 0.1 + 0.2, false, 0, 0.1, 4 }, { -0.1 - 0.2, 0, false, -0.3, 0.1, 4 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plot_ticks t = plot_ticks(cases[i].low, cases[i].high, cases[i].whole);
        bool same = fabs(t.first - cases[i].first) <= 1e-12 && fabs(t.step / cases[i].step - 1) <= 1e-12;
        cr_assert(same && t.n == cases[i].n, "%g..%g: %g + %d x %g", cases[i].low, cases[i].high, t.first, t.n, t.step);
    }
}

Test(plot, a_file_that_cannot_be_written_is_reported)
{
    struct plot plot = one_line(4, up, down);
    struct err err;
    cr_assert_not(plot_save(&plot, "/nonexistent/a.svg", &err));
    cr_assert_not_null(strstr(err.text, "/nonexistent/a.svg: cannot be written"));
    char name[] = "/tmp/marginalia-test-XXXXXX";
    close(mkstemp(name));
    cr_assert(plot_save(&plot, name, &err), "%s", err.text);
    unlink(name);
}
