#include "validate/checks/checks.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/parts.h"
#include "validate/checks/text.h"

static const struct interval shares = { 0, 1 }, differences = { -1, 1 };

/* Sizes of the parts, and whether each picture was answered right. */
struct groups {
    int n, n_right;
    double *share, *right_share, *wrong_share; /* [n], [n_right], [n - n_right] */
    uint8_t *right;
};

static struct groups group(const struct study *s, const struct parts *all)
{
    size_t n = (size_t)all->n;
    struct groups g = {
        all->n,         0, mem_alloc(n, sizeof(double)), mem_alloc(n, sizeof(double)), mem_alloc(n, sizeof(double)),
        mem_alloc(n, 1)
    };
    for (int i = 0; i < all->n; i++) {
        g.share[i] = parts_share(s, &all->part[i]);
        g.right[i] = parts_right(s, &all->part[i]);
        *(g.right[i] ? &g.right_share[g.n_right++] : &g.wrong_share[i - g.n_right]) = g.share[i];
    }
    return g;
}

static void groups_free(struct groups *g)
{
    free(g->share);
    free(g->right_share);
    free(g->wrong_share);
    free(g->right);
}

/* Mean of the right minus mean of the wrong among the picked; NaN when one of them is empty. */
static double difference(const struct groups *g, const uint32_t *pick, int n)
{
    double sum[2] = { 0 }, count[2] = { 0 };
    for (int i = 0; i < n; i++) {
        uint32_t at = pick ? pick[i] : (uint32_t)i;
        sum[g->right[at]] += g->share[at];
        count[g->right[at]]++;
    }
    return sum[1] / count[1] - sum[0] / count[0];
}

/* Of a resample. With ESTIMATE_FEW in each group one without any has a chance below 1 in 20,000: it shows no
 * difference. */
static double resampled_difference(void *sample, const uint32_t *pick, int n)
{
    double d = difference(sample, pick, n);
    return isfinite(d) ? d : 0;
}

/* Without a group to compare with nothing was found: no difference, and an interval that holds every one. */
static struct estimate estimate_difference(struct groups *g, uint64_t seed)
{
    int n_wrong = g->n - g->n_right, fewer = n_wrong < g->n_right ? n_wrong : g->n_right;
    double value = fewer ? difference(g, NULL, g->n) : 0;
    struct estimate e = { value, differences.low, differences.high, g->n };
    return fewer < ESTIMATE_FEW ? e : estimate_statistic(resampled_difference, g, value, g->n, differences, seed);
}

static void add_group(struct figure *f, const char *name, const double *share, int n, uint64_t seed)
{
    if (n == 0)
        return;
    struct estimate e = estimate_mean(share, n, shares, seed);
    char *count = text_n(n), *label = mem_format("%s, %s", name, count);
    figure_add_row(f, label, e.value, e.low, e.high, TONE_DATA);
    f->x_high = fmax(f->x_high, e.high);
    free(label);
    free(count);
}

static void draw(struct check *out, const struct groups *g, const struct policy_check *p, uint64_t seed)
{
    struct figure *f = check_add_figure(out, FIGURE_ROWS);
    char *level = text_level(p->threshold);
    f->heading = mem_string("Mean size of the deciding part");
    f->caption =
        mem_format("Share of the pixels that makes the model %s sure. Lines are 95%% intervals (bootstrap over "
                   "pictures).",
                   level);
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("share of the pixels");
    add_group(f, "answered right", g->right_share, g->n_right, seed);
    add_group(f, "answered wrong", g->wrong_share, g->n - g->n_right, seed);
    text_describe_rows(f);
    free(level);
}

static char *found(const struct check *out, const struct groups *g, const struct policy_check *p, uint64_t seed)
{
    int n_wrong = g->n - g->n_right;
    char *level = text_level(p->threshold), *right = text_n(g->n_right), *wrong = text_n(n_wrong), *text;
    if (g->n_right == 0 || n_wrong == 0) {
        text = mem_format("Nothing to compare: %s right and %s wrong answers are %s sure, so every difference is "
                          "possible.",
                          right, wrong, level);
    } else {
        struct estimate a = estimate_mean(g->right_share, g->n_right, shares, seed);
        struct estimate b = estimate_mean(g->wrong_share, n_wrong, shares, seed);
        char *value = text_estimate(&out->estimate, out->unit, p);
        char *of_right = text_control(&a, UNIT_SHARE), *of_wrong = text_control(&b, UNIT_SHARE);
        text = mem_format("The difference is %s: right answers need %s of the picture on average (%s), wrong ones %s "
                          "(%s).",
                          value, of_right, right, of_wrong, wrong);
        free(of_wrong);
        free(of_right);
        free(value);
    }
    free(wrong);
    free(right);
    free(level);
    return text;
}

static const char *meaning(const struct estimate *e)
{
    if (e->low <= differences.low && e->high >= differences.high)
        return "Too few answers of one kind are sure, so this run says nothing about the question.";
    if (e->low > 0)
        return "Wrong answers rest on less of the picture than right ones, so a small deciding part is a warning. It "
               "is "
               "no proof: single pictures overlap.";
    if (e->high < 0)
        return "Wrong answers rest on more of the picture than right ones, so the size of the deciding part does not "
               "warn of errors in this model.";
    return "No clear difference: the size of the deciding part does not tell right answers from wrong ones in this "
           "sample. A small difference may still exist.";
}

static void words(struct check *out, const struct groups *g, const struct policy_check *p, uint64_t seed)
{
    char *level = text_level(p->threshold);
    out->question = mem_string("Do wrong answers rest on less of the picture?");
    out->measure = mem_string("right minus wrong, mean");
    out->asks = mem_format("We compare the mean size of the deciding part between pictures answered right and pictures "
                           "answered wrong, among those with %s or more.",
                           level);
    out->found = found(out, g, p, seed);
    out->means = mem_string(meaning(&out->estimate));
    out->act = text_act(&out->estimate, p,
                        "Before using the size to flag doubtful answers, check it on pictures of "
                        "your own.",
                        "Look at the wrong answers with the smallest parts: they show what misleads the model.");
    free(level);
}

bool check_correct_vs_wrong(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                            struct err *err)
{
    struct parts all;
    if (!parts_find(s, parts_baseline(s), p->threshold, n, &all, err))
        return false;
    struct groups g = group(s, &all);
    bool any = g.n > 0 || err_run(err,
                                  "%s: none of %d pictures is answered with a probability of %g or more; lower the "
                                  "check's threshold or take more pictures (--full)",
                                  p->id, all.asked, p->threshold);
    if (any) {
        out->kind = mem_string(p->type->kind);
        out->unit = UNIT_POINTS;
        out->of = "pictures";
        out->estimate = estimate_difference(&g, s->seed);
        words(out, &g, p, s->seed);
        draw(out, &g, p, s->seed);
        out->details = json_pack("{s:i, s:i}", "right", g.n_right, "wrong", g.n - g.n_right);
    }
    groups_free(&g);
    parts_free(&all);
    return any;
}
