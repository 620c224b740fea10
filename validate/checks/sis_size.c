#include "validate/checks/checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/parts.h"
#include "validate/checks/text.h"
#include "validate/report/format.h"

/* What is possible at all for a share. */
static const struct interval shares = { 0, 1 };

/* The parts of pictures that are answered right. */
struct sizes {
    int n, asked; /* asked: pictures answered right, whether or not they reach the threshold */
    double *share;
    struct part *part;
    int empty; /* parts of no pixel at all */
};

static struct sizes sizes_of(const struct study *s, const struct parts *all)
{
    struct sizes r = { .share = mem_alloc((size_t)all->n, sizeof *r.share),
                       .part = mem_alloc((size_t)all->n, sizeof *r.part) };
    for (int row = 0; row < all->asked; row++)
        r.asked += s->predicted[row] == s->label[row];
    for (int i = 0; i < all->n; i++) {
        if (!parts_right(s, &all->part[i]))
            continue;
        r.empty += all->part[i].size == 0;
        r.part[r.n] = all->part[i];
        r.share[r.n++] = parts_share(s, &all->part[i]);
    }
    return r;
}

static void sizes_free(struct sizes *r)
{
    free(r->share);
    free(r->part);
}

static int by_size(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return x->size != y->size ? (x->size > y->size) - (x->size < y->size) : (x->row > y->row) - (x->row < y->row);
}

/* Probability that the mean answer gives to each class when everything is hidden: [classes], NaN where no picture of
 * the sample was answered so. */
static double *blank_answers(const struct study *s, const struct parts *all)
{
    int classes = s->data->classes;
    double *sum = mem_alloc((size_t)classes, sizeof *sum);
    int *count = mem_alloc((size_t)classes, sizeof *count);
    for (int i = 0; i < all->n; i++) {
        sum[all->part[i].record->target] += all->part[i].record->blank;
        count[all->part[i].record->target]++;
    }
    for (int k = 0; k < classes; k++)
        sum[k] = count[k] ? sum[k] / count[k] : (double)NAN;
    free(count);
    return sum;
}

static int largest_class(const double *blank, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (!(blank[k] <= blank[best]) && isfinite(blank[k]))
            best = k;
    return best;
}

static json_t *blank_details(const struct study *s, const double *blank)
{
    json_t *list = json_object();
    for (int k = 0; k < s->data->classes; k++)
        if (isfinite(blank[k]))
            json_object_set_new(list, s->data->class_names[k], json_finite(blank[k]));
    return list;
}

/* Sorts the sizes. */
static json_t *details(const struct study *s, const struct sizes *r, const double *blank)
{
    double sum = 0;
    for (int i = 0; i < r->n; i++)
        sum += r->share[i];
    double middle = median(r->share, r->n);
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pixels", study_pixels(s), "right", r->asked,
                     "empty", r->empty, "mean", json_finite(sum / r->n), "median", json_finite(middle), "smallest",
                     json_finite(r->share[0]), "quartile_low", json_finite(quantile(r->share, r->n, 0.25)),
                     "quartile_high", json_finite(quantile(r->share, r->n, 0.75)), "largest",
                     json_finite(r->share[r->n - 1]), "blank", blank_details(s, blank));
}

/* `part` is sorted by size. */
static void draw_dots(struct check *out, const struct sizes *r, const struct policy_check *p, int pixels)
{
    struct figure *f = check_add_figure(out, FIGURE_DOTS);
    char *level = text_level(p->threshold), *n = text_n(r->n), *found = text_control(&out->estimate, out->unit);
    double largest = (double)r->part[r->n - 1].size / pixels;
    char *all = format_count(pixels), *most = text_number(largest, UNIT_SHARE);
    f->heading = mem_format("One dot is one picture, at %s sure", level);
    f->caption =
        mem_format("Deciding part as a share of the %s pixels of a picture; %s pictures answered right.", all, n);
    f->description = mem_format("Median %s, in brackets the 95%% interval; largest %s.", found, most);
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("share of the pixels");
    f->has_limit = p->side != SIDE_NONE;
    f->limit = p->limit;
    struct figure_series *dots = figure_add_series(f, "pictures", estimate_tone(&out->estimate, p), r->n);
    memcpy(dots->x, r->share, (size_t)r->n * sizeof *dots->x);
    f->x_high = f->has_limit ? fmax(largest, p->limit) : largest;
    free(most);
    free(all);
    free(found);
    free(n);
    free(level);
}

/* The median at one more threshold: a row of the figure and its share of pictures that reach it. */
static bool add_threshold(struct study *s, const struct policy_check *p, int64_t n, double threshold, struct figure *f,
                          json_t *reached, struct err *err)
{
    struct parts all;
    if (!parts_find(s, parts_baseline(s), threshold, n, &all, err))
        return false;
    struct sizes r = sizes_of(s, &all);
    char *level = text_level(threshold), *name = mem_format("%s sure", level);
    if (r.n > 0) {
        struct estimate e = estimate_median(r.share, r.n, shares, s->seed);
        bool gated = fabs(threshold - p->threshold) < 1e-9;
        figure_add_row(f, name, e.value, e.low, e.high, gated ? estimate_tone(&e, p) : TONE_DATA);
    }
    json_object_set_new(reached, level, json_finite((double)r.n / r.asked));
    free(name);
    free(level);
    sizes_free(&r);
    parts_free(&all);
    return true;
}

static bool draw_thresholds(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                            struct err *err)
{
    struct figure *f = check_add_figure(out, FIGURE_ROWS);
    json_t *reached = json_object();
    json_object_set_new(out->details, "reached", reached);
    f->heading = mem_string("Median size, by how sure the model must be");
    f->caption = mem_string("Lines are 95% intervals (bootstrap over pictures). Each row holds the pictures that are "
                            "answered right and reach its threshold.");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("share of the pixels");
    for (int i = 0; i < s->identity->n_thresholds; i++)
        if (!add_threshold(s, p, n, s->identity->threshold[i], f, reached, err))
            return false;
    for (int i = 0; i < f->n_rows; i++)
        f->x_high = fmax(f->x_high, f->row[i].high);
    text_describe_rows(f);
    return true;
}

/* "One pixel in eleven is enough". */
static char *heading(double share)
{
    static const char *const word[] = { "two",   "three", "four", "five",   "six",   "seven",
                                        "eight", "nine",  "ten",  "eleven", "twelve" };
    if (!(share > 0))
        return mem_string("No pixel at all is needed");
    if (share > 0.5) {
        char *percent = text_number(share, UNIT_SHARE), *text = mem_format("%s of the pixels are enough", percent);
        free(percent);
        return text;
    }
    long in = lround(1 / share);
    if (in <= 12)
        return mem_format("One pixel in %s is enough", word[in - 2]);
    char *count = format_count(in), *text = mem_format("One pixel in %s is enough", count);
    free(count);
    return text;
}

/* Shown on the smallest part that is not empty: a blank picture shows nothing. */
static void tell_fact(struct check *out, const struct study *s, const struct policy_check *p, const struct parts *all,
                      const struct sizes *r)
{
    int shown = r->empty < r->n ? r->empty : 0;
    char *value = text_value(&out->estimate, out->unit, p), *level = text_level(p->threshold);
    char *brackets = text_brackets(&out->estimate, out->unit, p), *limit = text_limit(&out->estimate, out->unit, p);
    out->fact.heading = heading(out->estimate.value);
    out->fact.sentence = mem_format("In half of the pictures, %s of the pixels or fewer make the model %s sure %s.%s%s",
                                    value, level, brackets, *limit ? " " : "", limit);
    parts_fact(&out->fact, s, all, &r->part[shown]);
    free(limit);
    free(brackets);
    free(level);
    free(value);
}

static void say_found(struct check *out, const struct study *s, const struct policy_check *p, const struct sizes *r,
                      const double *blank)
{
    int top = largest_class(blank, s->data->classes);
    char *value = text_value(&out->estimate, out->unit, p), *brackets = text_brackets(&out->estimate, out->unit, p);
    char *pixels = format_count(study_pixels(s));
    char *least = format_count(r->part[0].size), *most = format_count(r->part[r->n - 1].size);
    char *class = text_class(s, top), *chance = text_sure(blank[top]);
    char *empty =
        r->empty ? mem_format(" In %d of the pictures nothing at all needs to be shown.", r->empty) : mem_string("");
    out->found =
        mem_format("The median part is %s of the picture %s. The smallest has %s, the largest %s of %s pixels.%s "
                   "With everything hidden, the model still gives %s %s.",
                   value, brackets, least, most, pixels, empty, class, chance);
    free(empty);
    free(chance);
    free(class);
    free(most);
    free(least);
    free(pixels);
    free(brackets);
    free(value);
}

static void words(struct check *out, const struct policy_check *p)
{
    char *level = text_level(p->threshold);
    out->question = mem_string("How little of a picture is enough?");
    out->measure = mem_string("of the picture, median");
    out->asks =
        mem_format("For pictures answered right, we hide pixels, the least useful first, and stop at the smallest "
                   "part that still makes the model %s sure of its answer. We call these the deciding pixels.",
                   level);
    const char *outcome =
        text_choose(&out->estimate, p,
                    "A part of this size may or may not mean something to a person: the size alone does not say.",
                    "So few scattered pixels can hardly name an object to a person, so the model does "
                    "not use what a person would.",
                    "Whether the model asks for enough of a picture is not settled.");
    out->means = mem_format("%s The search goes step by step: a smaller part may exist. A class that the blank picture "
                            "already favours needs few pixels.",
                            outcome);
    out->act = text_act(
        &out->estimate, p, "Look at the pictures under \u201cSee for yourself\u201d.",
        "Look at the pictures under \u201cSee for yourself\u201d, then train with input dropout and compare the "
        "two models.");
    free(level);
}

static bool measure(struct study *s, const struct policy_check *p, int64_t n, const struct parts *all, struct sizes *r,
                    struct check *out, struct err *err)
{
    double *blank = blank_answers(s, all);
    qsort(r->part, (size_t)r->n, sizeof *r->part, by_size);
    out->kind = mem_string(p->type->kind);
    out->unit = UNIT_SHARE;
    out->of = "pictures answered right";
    out->estimate = estimate_median(r->share, r->n, shares, s->seed);
    words(out, p);
    say_found(out, s, p, r, blank);
    tell_fact(out, s, p, all, r);
    draw_dots(out, r, p, study_pixels(s));
    out->details = details(s, r, blank);
    free(blank);
    return draw_thresholds(s, p, n, out, err);
}

bool check_sis_size(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    struct parts all;
    if (!parts_find(s, parts_baseline(s), p->threshold, n, &all, err))
        return false;
    struct sizes r = sizes_of(s, &all);
    bool ok = r.n > 0 ? measure(s, p, n, &all, &r, out, err)
                      : err_run(err,
                                "%s: none of %d pictures is answered right with a probability of %g or more; lower "
                                "the check's threshold or take more pictures (--full)",
                                p->id, all.asked, p->threshold);
    sizes_free(&r);
    parts_free(&all);
    return ok;
}
