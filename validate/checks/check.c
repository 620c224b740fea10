#include "validate/checks/check.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

const char *check_status_name(enum check_status s)
{
    static const char *const name[] = {
        [CHECK_PASS] = "pass",   [CHECK_FAIL] = "fail",     [CHECK_INCONCLUSIVE] = "inconclusive",
        [CHECK_ERROR] = "error", [CHECK_WAIVED] = "waived", [CHECK_REPORTED] = "reported"
    };
    return name[s];
}

static void fact_free(struct fact *f)
{
    free(f->heading);
    free(f->sentence);
    for (int i = 0; i < f->n_pictures; i++)
        picture_free(&f->picture[i]);
}

void check_free(struct check *c)
{
    char *const text[] = { c->id,    c->kind, c->question, c->asks,   c->found,
                           c->means, c->act,  c->measure,  c->waiver, c->error };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
    fact_free(&c->fact);
    for (int i = 0; i < c->n_figures; i++)
        figure_free(&c->figure[i]);
    free(c->figure);
    json_decref(c->details);
}

struct figure *check_add_figure(struct check *c, enum figure_kind kind)
{
    c->figure = mem_resize(c->figure, (size_t)c->n_figures + 1, sizeof *c->figure);
    struct figure *f = &c->figure[c->n_figures++];
    *f = (struct figure){ .kind = kind };
    return f;
}

enum check_status check_decide(const struct estimate *e, enum side side, double limit)
{
    if (e->n <= 0 || !isfinite(e->value) || !isfinite(e->low) || !isfinite(e->high))
        return CHECK_ERROR;
    if (side == SIDE_NONE)
        return CHECK_REPORTED;
    if (!isfinite(limit))
        return CHECK_ERROR;
    bool good = side == SIDE_AT_LEAST ? e->low >= limit : e->high <= limit;
    bool bad = side == SIDE_AT_LEAST ? e->high < limit : e->low > limit;
    return good ? CHECK_PASS : bad ? CHECK_FAIL : CHECK_INCONCLUSIVE;
}

/* Upwards to two figures: more would promise what an estimate from this sample cannot keep. */
static double round_up(double n)
{
    double unit = 1;
    while (n / unit >= 100)
        unit *= 10;
    return ceil(n / unit) * unit;
}

int64_t check_needed(const struct estimate *e, double limit)
{
    double distance = fabs(e->value - limit);
    double half = limit < e->value ? e->value - e->low : e->high - e->value;
    double needed = floor((double)e->n * (half / distance) * (half / distance)) + 1;
    /* Of a handful nothing can be foretold. False for NaN, and for a value so near that no sample decides. */
    bool known = e->n >= 10 && needed >= 1 && needed <= 1e15;
    return known ? (int64_t)round_up(needed) : 0;
}

enum exit_status check_verdict(const struct check *check, int n)
{
    bool failed = false, error = false, undecided = n == 0;
    for (int i = 0; i < n; i++) {
        failed |= check[i].gates && check[i].status == CHECK_FAIL;
        undecided |= check[i].gates && check[i].status == CHECK_INCONCLUSIVE;
        error |= check[i].status == CHECK_ERROR;
    }
    return failed ? EXIT_FAILED_CHECK : error ? EXIT_CANNOT_RUN : undecided ? EXIT_INCONCLUSIVE : EXIT_OK;
}
