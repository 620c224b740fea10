#include "validate/compare/pairs.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/probe.h"

enum { MOST_DRAWS = 100000 };

struct confidence confidence_of(int decisions, uint64_t seed)
{
    int64_t n = decisions > 1 ? decisions : 1, draws = n * ESTIMATE_DRAWS;

    return (struct confidence){ 1 - 0.05 / (double)n, (int)(draws < MOST_DRAWS ? draws : MOST_DRAWS), seed };
}

/* Those that count in both models. */
static bool take_pairs(const struct measured *a, const struct measured *b, struct paired *p, struct err *err)
{
    size_t room = (size_t)a->n;

    assert(a->n == b->n);
    p->image = mem_alloc(room, sizeof *p->image);
    p->value[0] = mem_alloc(room, sizeof *p->value[0]);
    p->value[1] = mem_alloc(room, sizeof *p->value[1]);
    for (int i = 0; i < a->n; i++) {
        assert(a->image[i] == b->image[i]);
        if (!a->counts[i] || !b->counts[i])
            continue;
        if (!isfinite(a->value[i]) || !isfinite(b->value[i]))
            return err_run(err, "picture %lld has %g in one model and %g in the other; report the fault",
                           (long long)a->image[i], a->value[i], b->value[i]);
        p->image[p->n] = a->image[i];
        p->value[0][p->n] = a->value[i];
        p->value[1][p->n++] = b->value[i];
        p->rose += b->value[i] > a->value[i];
        p->fell += b->value[i] < a->value[i];
    }
    return p->n > 0 || err_run(err,
                               "none of %d pictures counts for both models: they must be answered right by both, and "
                               "reach the question's threshold; lower it, or take more pictures",
                               a->n);
}

/* What one model has on the pairs, with its own 95 % interval. */
static struct estimate estimate_own(const struct paired *p, int which, struct interval range, uint64_t seed)
{
    const double *x = p->value[which];
    int64_t k = 0;

    if (p->median)
        return estimate_median(x, p->n, range, seed);
    for (int i = 0; i < p->n; i++)
        k += x[i] > 0.5;
    return p->counted ? estimate_share(k, p->n) : estimate_mean(x, p->n, range, seed);
}

static struct estimate around(double value, struct interval i, int n)
{
    return (struct estimate){ value, fmin(i.low, value), fmax(i.high, value), n };
}

/* Beyond what few pairs can say lies everything. */
static struct estimate too_few(double value, struct interval range, int n)
{
    return (struct estimate){ value, range.low, range.high, n };
}

static struct estimate change_of_counts(const struct paired *p, double level)
{
    struct interval i = paired_difference(p->rose, p->fell, p->n, level);

    if (p->p_value > 1 - level) {
        i.low = fmin(i.low, 0);
        i.high = fmax(i.high, 0);
    }
    return around((double)(p->rose - p->fell) / p->n, i, p->n);
}

static struct estimate change_of_mean(const double *change, int n, struct interval range, const struct confidence *c)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += change[i];
    if (n < ESTIMATE_FEW)
        return too_few(sum / n, range, n);
    return probe_widen(around(sum / n, bootstrap_mean_at(c->level, change, n, c->draws, c->seed), n), range);
}

/* Sorts the changes. */
static struct estimate change_of_median(double *change, int n, struct interval range, const struct confidence *c)
{
    struct interval i = range;

    if (n >= ESTIMATE_FEW)
        i = bootstrap_median_at(c->level, change, n, c->draws, c->seed);
    return around(median(change, n), i, n);
}

bool pairs_compare(const struct measured *a, const struct measured *b, const struct confidence *c, struct paired *p,
                   struct check *out, struct err *err)
{
    struct interval range = { a->range.low - a->range.high, a->range.high - a->range.low };

    p->p_value = (double)NAN;
    if (!take_pairs(a, b, p, err))
        return false;
    p->a = estimate_own(p, 0, a->range, c->seed);
    p->b = estimate_own(p, 1, b->range, c->seed);
    double *change = mem_alloc((size_t)p->n, sizeof *change);
    for (int i = 0; i < p->n; i++)
        change[i] = p->value[1][i] - p->value[0][i];
    if (p->counted) {
        p->p_value = mcnemar(p->rose, p->fell);
        out->estimate = p->n < ESTIMATE_FEW ? too_few((double)(p->rose - p->fell) / p->n, range, p->n)
                                            : change_of_counts(p, c->level);
    } else {
        out->estimate = change_of_mean(change, p->n, range, c);
    }
    if (p->median) {
        p->second = out->estimate;
        out->estimate = change_of_median(change, p->n, range, c);
    }
    free(change);
    return true;
}
