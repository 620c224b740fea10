#include "validate/checks/checks.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/parts.h"
#include "validate/checks/text.h"
#include "validate/report/format.h"

enum { BASELINES = BASELINE_IMAGE_MEAN + 1 };

static const char *const filling[BASELINES] = { [BASELINE_MEAN] = "mean colour of the data set",
                                                [BASELINE_BLACK] = "black",
                                                [BASELINE_BLUR] = "blurred picture",
                                                [BASELINE_NOISE] = "noise",
                                                [BASELINE_IMAGE_MEAN] = "mean colour of the picture" };

/* The same n pictures under every filling: a picture reaches the threshold whole, or it does not. */
struct sizes {
    int n, pixels;
    double *share[BASELINES]; /* [n] */
    double *scratch;          /* [n] */
};

static bool find_sizes(struct study *s, const struct policy_check *p, int64_t n, struct sizes *out, struct err *err)
{
    *out = (struct sizes){ .pixels = study_pixels(s) };
    for (int b = 0; b < BASELINES; b++) {
        struct parts all;
        if (!parts_find(s, (enum baseline)b, p->threshold, n, &all, err))
            return false;
        out->share[b] = mem_alloc((size_t)all.n, sizeof *out->share[b]);
        out->n = b == 0 || all.n < out->n ? all.n : out->n;
        for (int i = 0; i < all.n; i++)
            out->share[b][i] = parts_share(s, &all.part[i]);
        parts_free(&all);
    }
    out->scratch = mem_alloc((size_t)out->n, sizeof *out->scratch);
    return out->n > 0 || err_run(err,
                                 "%s: none of %lld pictures is answered with a probability of %g or more; lower the "
                                 "check's threshold or take more pictures (--full)",
                                 p->id, (long long)(n < s->n ? n : s->n), p->threshold);
}

static void sizes_free(struct sizes *r)
{
    for (int b = 0; b < BASELINES; b++)
        free(r->share[b]);
    free(r->scratch);
}

/* Medians count as one pixel at least, so that a filling that suffices alone does not make the ratio infinite. */
static double ratio(struct sizes *r, const uint32_t *pick, int n)
{
    double least = INFINITY, most = 0;
    for (int b = 0; b < BASELINES; b++) {
        for (int i = 0; i < n; i++)
            r->scratch[i] = r->share[b][pick ? pick[i] : (uint32_t)i];
        double middle = fmax(median(r->scratch, n), 1.0 / r->pixels);
        least = fmin(least, middle);
        most = fmax(most, middle);
    }
    return most / least;
}

/* All fillings are resampled with the same pictures. */
static double resampled_ratio(void *sample, const uint32_t *pick, int n)
{
    return ratio(sample, pick, n);
}

/* Fills the medians by filling; returns their rows. */
static struct figure *draw(struct check *out, const struct sizes *r, const struct policy_check *p, uint64_t seed)
{
    struct figure *f = check_add_figure(out, FIGURE_ROWS);
    char *level = text_level(p->threshold), *n = text_n(r->n);
    f->heading = mem_string("Median size of the deciding part, by what hides the rest");
    f->caption =
        mem_format("Share of the picture that makes the model %s sure. %s pictures, the same in every row; lines "
                   "are 95%% intervals (bootstrap over pictures).",
                   level, n);
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("share of the pixels");
    for (int b = 0; b < BASELINES; b++) {
        struct estimate e = estimate_median(r->share[b], r->n, (struct interval){ 0, 1 }, seed);
        figure_add_row(f, filling[b], e.value, e.low, e.high, TONE_DATA);
        f->x_high = fmax(f->x_high, e.high);
    }
    text_describe_rows(f);
    free(n);
    free(level);
    return f;
}

static char *named(const struct figure_row *row)
{
    struct estimate e = { row->value, row->low, row->high, 1 };
    char *value = text_control(&e, UNIT_SHARE), *text = mem_format("%s, %s", row->name, value);
    free(value);
    return text;
}

static char *found(const struct check *out, const struct figure *f, const struct policy_check *p)
{
    const struct figure_row *least = f->row, *most = f->row;
    for (int b = 1; b < BASELINES; b++) {
        least = f->row[b].value < least->value ? &f->row[b] : least;
        most = f->row[b].value > most->value ? &f->row[b] : most;
    }
    char *value = text_value(&out->estimate, out->unit, p), *brackets = text_brackets(&out->estimate, out->unit, p);
    char *small = named(least), *large = named(most);
    const char *none = least->value > 0 ? "" : " A median of nothing counts as one pixel.";
    char *text = least->value < most->value
                     ? mem_format("The largest median is %s the smallest %s. Largest: %s; smallest: %s.%s", value,
                                  brackets, large, small, none)
                     : mem_format("The median is the same under all %d fillings %s: %s.", BASELINES, brackets, small);
    free(large);
    free(small);
    free(brackets);
    free(value);
    return text;
}

static void words(struct check *out, const struct figure *f, const struct policy_check *p)
{
    char *level = text_level(p->threshold);
    out->question = mem_string("Does it matter what hides the pixels?");
    out->measure = mem_string("largest over smallest median");
    out->asks = mem_format("We hide pixels with %d different fillings and compare the size of the part that makes the "
                           "model %s sure, on the same pictures.",
                           BASELINES, level);
    out->found = found(out, f, p);
    const char *outcome = text_choose(&out->estimate, p, "The size depends little on the filling.",
                                      "The size depends on the filling, so sizes may be compared only between models "
                                      "measured with the same one.",
                                      "Whether the size depends on the filling is not settled.");
    const char *reported = "Sizes may be compared only as far as they were measured with the same filling.";
    out->means = mem_format("%s No filling is neutral: the model cannot know what was there, and may read the filling "
                            "itself as evidence.",
                            p->side == SIDE_NONE ? reported : outcome);
    out->act = text_act(&out->estimate, p, "Name the filling beside every size that you publish.",
                        "Train with input dropout, which teaches the model what hidden pixels look like, or fix the "
                        "filling in the policy and waive this check.");
    free(level);
}

static json_t *details(const struct figure *f)
{
    json_t *list = json_object();
    for (int b = 0; b < BASELINES; b++)
        json_object_set_new(list, baseline_name((enum baseline)b), json_finite(f->row[b].value));
    return json_pack("{s:o}", "median", list);
}

bool check_baseline_sensitivity(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                                struct err *err)
{
    struct sizes r;
    bool ok = find_sizes(s, p, n, &r, err);
    if (ok) {
        struct interval possible = { 1, r.pixels };
        out->kind = mem_string(p->type->kind);
        out->unit = UNIT_RATIO;
        out->of = "pictures";
        out->estimate = estimate_statistic(resampled_ratio, &r, ratio(&r, NULL, r.n), r.n, possible, s->seed);
        const struct figure *f = draw(out, &r, p, s->seed);
        words(out, f, p);
        out->details = details(f);
    }
    sizes_free(&r);
    return ok;
}
