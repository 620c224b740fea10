/* Figures of a comparison's rows, as data. */
#include "validate/report/compare_parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"

/* More pairs than this are a cloud without dots, and a page without end. */
enum { MOST_POINTS = 600 };

static struct figure *add_figure(struct comparison *c, int row, enum figure_kind kind, const char *heading)
{
    struct figure *f = check_add_figure(&c->report.check[row], kind);
    struct pair_text t = pair_text_of(c, row);
    f->heading = mem_string(heading);
    f->description = mem_format("%s %s, %s %s; change %s (%s, %s).", compare_baseline(c), t.a,
                                compare_candidate(c, row), t.b, t.change, t.interval, t.n);
    pair_text_free(&t);
    return f;
}

static enum tone tone_of(const struct paired *p)
{
    return p->change == CHANGE_WORSE ? TONE_ALERT : TONE_DATA;
}

/* Where the deciding pixels of one model are; `most`: what the strongest colour stands for in the map beside it, too.
 */
static void add_heat(struct comparison *c, int row, int subject, double most, double *share, int n, int w)
{
    char *heading = mem_format("%s: how often each pixel is a deciding one", c->subject[subject].name);
    char *count = format_count(n);
    struct figure *f = add_figure(c, row, FIGURE_HEAT, heading);
    free(f->description);
    f->description = mem_format("Heat map of the deciding pixels of %s", c->subject[subject].name);
    f->caption = mem_format("n = %s pictures; the line is the ring of %d pixel%s. Both maps have the same scale.",
                            count, c->width, c->width == 1 ? "" : "s");
    f->heat_w = w;
    f->heat_h = c->pixels / w;
    f->ring = c->width;
    f->share = share;
    f->x_high = most;
    free(count);
    free(heading);
}

static double largest(const double *share, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, share[i]);
    return most;
}

int compare_heat(const struct comparison *c, int subject, double *share)
{
    uint8_t *mask = mem_alloc((size_t)c->pixels, 1);
    int n = 0;
    for (int i = 0; i < c->n_pictures; i++) {
        if (c->subject[subject].part[i] < 0)
            continue;
        c->mask(c->shower, i, subject, mask);
        for (int k = 0; k < c->pixels; k++)
            share[k] += mask[k] != 0;
        n++;
    }
    for (int k = 0; k < c->pixels && n; k++)
        share[k] /= n;
    free(mask);
    return n;
}

static void add_heats(struct comparison *c, int row)
{
    struct picture first = { 0 };
    if (!c->n_pictures || !c->show || !c->mask)
        return;
    c->show(c->shower, 0, -1, &first);
    int subject[2] = { 0, c->paired[row].candidate }, n[2], w = first.w;
    double *share[2], most = 0;
    picture_free(&first);
    for (int k = 0; k < 2; k++) {
        share[k] = mem_alloc((size_t)c->pixels, sizeof *share[k]);
        n[k] = compare_heat(c, subject[k], share[k]);
        most = fmax(most, largest(share[k], c->pixels));
    }
    for (int k = 0; k < 2; k++)
        add_heat(c, row, subject[k], most, share[k], n[k], w);
}

static void add_scatter(struct comparison *c, int row)
{
    const struct paired *p = &c->paired[row];
    struct figure *f = add_figure(c, row, FIGURE_SCATTER, "Each picture with both models");
    f->caption = mem_format("One dot is one picture. On the line both have the same; above it, %s has more.",
                            compare_candidate(c, row));
    f->x_unit = f->y_unit = p->unit;
    f->x_label = mem_string(compare_baseline(c));
    f->y_label = mem_string(compare_candidate(c, row));
    f->diagonal = true;
    struct figure_series *s = figure_add_series(f, NULL, tone_of(p), p->n);
    for (int i = 0; i < p->n; i++) {
        s->x[i] = p->value[0][i];
        s->y[i] = p->value[1][i];
        f->x_high = fmax(f->x_high, fmax(s->x[i], s->y[i]));
    }
    f->y_high = f->x_high;
}

static void add_dots(struct comparison *c, int row)
{
    const struct paired *p = &c->paired[row];
    const struct check *check = &c->report.check[row];
    struct pair_text t = pair_text_of(c, row);
    struct figure *f = add_figure(c, row, FIGURE_DOTS, "The change, picture by picture");
    f->caption =
        mem_format("%s minus %s. The ring is the %s change, the line through it its %s; %s.", compare_candidate(c, row),
                   compare_baseline(c), p->median ? "median" : "mean", compare_interval(c), t.n);
    f->x_unit = check->unit;
    f->x_label = mem_string(check->unit == UNIT_POINTS ? "change in points" : "change");
    f->mark = mem_format("%s %s", p->median ? "median" : "mean", t.change);
    f->mark_value = check->estimate.value;
    f->mark_low = check->estimate.low;
    f->mark_high = check->estimate.high;
    struct figure_series *s = figure_add_series(f, NULL, tone_of(p), p->n);
    for (int i = 0; i < p->n; i++)
        s->x[i] = p->value[1][i] - p->value[0][i];
    pair_text_free(&t);
}

/* "; of the 23 that differ 13 ...: McNemar's exact test, p = 0.68, which decides nothing" */
static char *mcnemar_text(const struct paired *p)
{
    if (!p->counted || !isfinite(p->p_value))
        return mem_string("");
    struct estimate e = { p->p_value, p->p_value, p->p_value, 1 };
    char *differ = format_count(p->rose + p->fell);
    char *value = p->p_value < 0.001 ? mem_string("< 0.001")
                                     : mem_format("= %.*f", format_decimals(&e, UNIT_NUMBER, SIDE_NONE, 0), p->p_value);
    char *text =
        mem_format(" On the %s pairs that differ, McNemar's exact test has p %s; the interval decides.", differ, value);
    free(differ);
    free(value);
    return text;
}

static void add_rows(struct comparison *c, int row)
{
    const struct paired *p = &c->paired[row];
    struct figure *f = add_figure(c, row, FIGURE_ROWS, "Both models");
    char *test = mcnemar_text(p);
    bool share = p->unit == UNIT_SHARE, high = share && p->a.low > 0.8 && p->b.low > 0.8;
    f->caption =
        mem_format("Lines are 95%% intervals of each model alone. The change is judged on pairs, so lines that "
                   "overlap prove nothing.%s%s",
                   high ? " The axis starts at 80%." : "", test);
    f->x_unit = p->unit;
    f->x_low = high ? 0.8 : 0;
    f->x_high = share ? 1 : fmax(p->a.high, p->b.high);
    figure_add_row(f, compare_baseline(c), p->a.value, p->a.low, p->a.high, TONE_CONTROL);
    figure_add_row(f, compare_candidate(c, row), p->b.value, p->b.low, p->b.high, tone_of(p));
    free(test);
}

void compare_figures(struct comparison *c, int row)
{
    const struct paired *p = &c->paired[row];
    bool pairs = p->n > 0 && p->value[0] && p->value[1];
    if (c->width > 0 && p->unit == UNIT_RATIO)
        add_heats(c, row);
    if (!p->counted && pairs && p->n <= MOST_POINTS)
        add_scatter(c, row);
    else
        add_rows(c, row);
    if (!p->counted && pairs)
        add_dots(c, row);
}
