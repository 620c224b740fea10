#include "validate/sis/sis.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

/* A function of up to 12 features as a table of all its values: value[bits of the mask]. */
enum { MOST = 12 };

struct table {
    int features;
    double value[1 << MOST];
    int calls, fail_at;
    int64_t evaluations;
};

static uint32_t bits(const uint8_t *mask, int features)
{
    uint32_t b = 0;
    for (int i = 0; i < features; i++) {
        cr_assert(mask[i] <= 1, "a mask holds %d", mask[i]);
        b |= (uint32_t)mask[i] << i;
    }
    return b;
}

static bool look_up(void *context, const uint8_t *mask, int n, double *value, struct err *err)
{
    struct table *t = context;

    if (++t->calls == t->fail_at)
        return err_run(err, "table: no more");
    t->evaluations += n;
    for (int i = 0; i < n; i++)
        value[i] = t->value[bits(mask + i * t->features, t->features)];
    return true;
}

static struct sis_problem problem(struct table *t, int batch)
{
    return (
        struct sis_problem){ .f = look_up, .context = t, .features = t->features, .batch = batch, .bound = INFINITY };
}

enum shape { NOISE, TIED, SATURATED, CONSTANT, MONOTONE, SHAPES };

/* Random tables of every kind. */
static void fill(struct table *t, enum shape shape, int features, uint32_t item)
{
    struct rng r = rng_stream(1, RNG_TEST, shape, item);
    double weight[MOST];

    *t = (struct table){ .features = features };
    for (int i = 0; i < MOST; i++)
        weight[i] = rng_unit(&r);
    for (uint32_t b = 0; b < 1u << features; b++) {
        double u = rng_unit(&r), sum = 0;
        for (int i = 0; i < features; i++)
            sum += (b >> i & 1) * weight[i];
        t->value[b] = shape == NOISE       ? u
                      : shape == TIED      ? floor(4 * u)
                      : shape == SATURATED ? fmin(1, 2 * u)
                      : shape == CONSTANT  ? 0.25
                                           : sum * sum;
    }
}

/* Backward selection written the slow and plain way. */
static void plain_order(const struct table *t, uint32_t *order, double *value)
{
    uint32_t kept = (1u << t->features) - 1;

    value[0] = t->value[kept];
    for (int step = 0; step < t->features; step++) {
        int best = -1;
        for (int i = 0; i < t->features; i++)
            if (kept >> i & 1 && (best < 0 || t->value[kept & ~(1u << i)] > t->value[kept & ~(1u << best)]))
                best = i;
        kept &= ~(1u << best);
        order[step] = (uint32_t)best;
        value[step + 1] = t->value[kept];
    }
}

static int optimum(const struct table *t, double threshold)
{
    int best = SIS_NONE;

    for (uint32_t b = 0; b < 1u << t->features; b++) {
        int size = __builtin_popcount(b);
        if (t->value[b] >= threshold && (best < 0 || size < best))
            best = size;
    }
    return best;
}

static void check_order(const struct table *t, const struct sis_order *o)
{
    uint32_t order[MOST];
    double value[MOST + 1];

    plain_order(t, order, value);
    cr_assert_eq(o->features, t->features);
    cr_assert_eq(o->states, t->features + 1);
    for (int i = 0; i <= t->features; i++) {
        cr_assert_eq(o->removed[i], (uint32_t)i);
        cr_assert(o->value[i] == value[i], "state %d", i);
        cr_assert(i == t->features || o->order[i] == order[i], "place %d", i);
    }
}

static void check_size(const struct table *t, const struct sis_order *o, double threshold)
{
    uint8_t mask[MOST];
    uint32_t whole = (1u << t->features) - 1;
    int size = sis_size(o, threshold), best = optimum(t, threshold);

    if (!(t->value[whole] >= threshold)) {
        cr_assert_eq(size, SIS_NONE);
        return;
    }
    cr_assert_geq(size, best, "smaller than the smallest");
    sis_mask(o, size, t->features, mask);
    uint32_t b = bits(mask, t->features);
    cr_assert_eq(__builtin_popcount(b), size);
    cr_assert(t->value[b] >= threshold, "a subset of %d does not reach %g", size, threshold);
}

Test(sis, agrees_with_plain_selection_on_thousands_of_functions)
{
    static struct table t;
    struct sis_order o;
    struct err err;

    for (uint32_t item = 0; item < 3000; item++) {
        fill(&t, (enum shape)(item % SHAPES), 1 + (int)(item / SHAPES % MOST), item);
        struct sis_problem p = problem(&t, 1 + (int)(item % 7));
        int64_t n = t.features;
        cr_assert(sis_backselect(&p, NULL, &o, &err));
        cr_assert_eq(t.evaluations, n * (n + 1) / 2 + 1);
        check_order(&t, &o);
        for (int k = 0; k <= 10; k++)
            check_size(&t, &o, k / 10.0);
        sis_order_free(&o);
    }
}

Test(sis, finds_the_smallest_subset_of_a_sum)
{
    static const double weight[] = { 0.1, 0.9, 0.3, 0.5, 0.2 };
    static const uint32_t expected[] = { 0, 4, 2, 3, 1 };
    static struct table t = { .features = 5 };
    struct sis_order o;
    struct err err;

    for (uint32_t b = 0; b < 32; b++)
        for (int i = 0; i < 5; i++)
            t.value[b] += (b >> i & 1) * weight[i];
    struct sis_problem p = problem(&t, 64);
    cr_assert(sis_backselect(&p, NULL, &o, &err));
    for (int i = 0; i < 5; i++)
        cr_assert_eq(o.order[i], expected[i], "the least weight goes first");
    for (double threshold = 0.05; threshold < 2; threshold += 0.1)
        cr_assert_eq(sis_size(&o, threshold), optimum(&t, threshold), "threshold %g", threshold);
    sis_order_free(&o);
}

/* Greedy: {0,1} suffices, but alone each of them is worth less than 2, which therefore stays. */
Test(sis, is_greedy_and_says_so)
{
    static struct table t = { .features = 3 };
    struct sis_order o;
    struct err err;

    t.value[7] = 1;
    t.value[3] = 0.9;
    t.value[5] = t.value[6] = 0.95;
    struct sis_problem p = problem(&t, 8);
    cr_assert(sis_backselect(&p, NULL, &o, &err));
    cr_assert_eq(optimum(&t, 0.9), 2);
    cr_assert_eq(sis_size(&o, 0.9), 2);
    cr_assert_eq(o.order[0], 0, "without 0 the value is 0.95, the first of equals");
    sis_order_free(&o);
}

Test(sis, an_empty_subset_is_empty_and_none_is_none)
{
    static struct table t;
    struct sis_order o;
    struct err err;
    uint8_t mask[4];

    fill(&t, CONSTANT, 4, 0);
    struct sis_problem p = problem(&t, 2);
    cr_assert(sis_backselect(&p, NULL, &o, &err));
    cr_assert_eq(sis_size(&o, 0.25), 0, "the masked input reaches it");
    cr_assert_eq(sis_size(&o, 0.26), SIS_NONE);
    cr_assert_eq(sis_size(&o, NAN), SIS_NONE);
    sis_mask(&o, 0, 4, mask);
    cr_assert_eq(bits(mask, 4), 0);
    for (uint32_t i = 0; i < 4; i++)
        cr_assert_eq(o.order[i], i, "the first of equals goes first");
    sis_order_free(&o);
}

/* The published FindSIS returns {1,0} with value 1 for threshold 5 here. */
Test(sis, a_late_rise_does_not_yield_an_insufficient_subset)
{
    static struct table t = { .features = 2, .value = { 6, 1, 1, 7 } };
    struct sis_order o;
    struct err err;

    struct sis_problem p = problem(&t, 2);
    cr_assert(sis_backselect(&p, NULL, &o, &err));
    cr_assert_eq(sis_size(&o, 5), 0);
    sis_order_free(&o);
}

Test(sis, a_bound_changes_the_cost_and_nothing_else)
{
    static struct table t;
    struct sis_order plain, bounded;
    struct err err;
    int64_t saved = 0;

    for (uint32_t item = 0; item < 200; item++) {
        fill(&t, SATURATED, 10, item);
        struct sis_problem p = problem(&t, 1);
        cr_assert(sis_backselect(&p, NULL, &plain, &err));
        int64_t full = t.evaluations;
        t.evaluations = 0;
        p.bound = 1;
        cr_assert(sis_backselect(&p, NULL, &bounded, &err));
        saved += full - t.evaluations;
        check_order(&t, &bounded);
        sis_order_free(&plain);
        sis_order_free(&bounded);
    }
    cr_assert_gt(saved, 1000);
}

Test(sis, a_start_mask_stays_masked)
{
    static struct table t;
    static const uint8_t start[] = { 1, 0, 1, 1, 0, 1 };
    struct sis_order o;
    struct err err;
    uint8_t mask[6];

    fill(&t, MONOTONE, 6, 3);
    struct sis_problem p = problem(&t, 4);
    cr_assert(sis_backselect(&p, start, &o, &err));
    cr_assert_eq(o.features, 4);
    cr_assert(o.value[0] == t.value[bits(start, 6)]);
    cr_assert(o.value[4] == t.value[0]);
    sis_mask(&o, 4, 6, mask);
    cr_assert_eq(memcmp(mask, start, 6), 0);
    sis_order_free(&o);
    cr_assert_not(sis_backselect(&p, (const uint8_t[6]){ 0 }, &o, &err));
    cr_assert_eq(err.status, EXIT_USAGE);
}

Test(sis, collections_are_disjoint_sufficient_and_complete)
{
    static struct table t;
    struct sis_collection c;
    struct err err;
    int found = 0;

    for (uint32_t item = 0; item < 400; item++) {
        fill(&t, item % 2 ? MONOTONE : NOISE, 8, item);
        struct sis_problem p = problem(&t, 5);
        double threshold = item % 2 ? 1.5 : 0.7;
        uint32_t taken = 0;
        cr_assert(sis_collect(&p, threshold, NULL, &c, &err));
        for (int i = 0; i < c.n; i++) {
            uint32_t subset = 0;
            for (int k = 0; k < c.size[i]; k++)
                subset |= 1u << c.subset[i][k];
            cr_assert_eq(__builtin_popcount(subset), c.size[i]);
            cr_assert_eq(subset & taken, 0);
            cr_assert(c.value[i] == t.value[subset] && c.value[i] >= threshold);
            taken |= subset;
        }
        cr_assert(t.value[255 & ~taken] < threshold || t.value[0] >= threshold || taken == 255, "the rest suffices");
        found += c.n;
        sis_collection_free(&c);
    }
    cr_assert_gt(found, 300);
}

Test(sis, what_is_no_number_is_an_error)
{
    static struct table t;
    struct sis_order o;
    struct err err;
    static const double bad[] = { NAN, INFINITY, -INFINITY };

    for (int i = 0; i < 9; i++) {
        fill(&t, NOISE, 5, 1);
        t.value[i < 3 ? 31 : i < 6 ? 29 : 0] = bad[i % 3];
        struct sis_problem p = problem(&t, 3);
        cr_assert_not(sis_backselect(&p, NULL, &o, &err), "case %d", i);
        cr_assert_eq(err.status, EXIT_CANNOT_RUN);
        cr_assert_null(o.order);
    }
}

Test(sis, a_failing_function_ends_the_search)
{
    static struct table t;
    struct sis_order o;
    struct sis_collection c;
    struct err err;

    for (int call = 1; call < 6; call++) {
        fill(&t, NOISE, 5, 1);
        t.fail_at = call;
        struct sis_problem p = problem(&t, 5);
        cr_assert_not(sis_backselect(&p, NULL, &o, &err));
        cr_assert_str_eq(err.text, "table: no more");
        t.calls = 0;
        cr_assert_not(sis_collect(&p, 0.1, NULL, &c, &err));
        cr_assert_eq(c.n, 0);
    }
}
