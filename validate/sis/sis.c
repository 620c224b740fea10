#include "validate/sis/sis.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* The room of one search: the mask as it is, and one call of f. */
struct search {
    const struct sis_problem *problem;
    uint8_t *kept;       /* [features] */
    uint8_t *mask;       /* [batch][features] */
    uint32_t *candidate; /* [batch] the feature that mask[i] lacks */
    double *value;       /* [batch] */
};

static struct search search_new(const struct sis_problem *p, const uint8_t *start)
{
    size_t features = (size_t)p->features, batch = (size_t)p->batch;
    struct search s = { .problem = p,
                        .kept = mem_alloc(features, 1),
                        .mask = mem_alloc(batch * features, 1),
                        .candidate = mem_alloc(batch, sizeof(uint32_t)),
                        .value = mem_alloc(batch, sizeof(double)) };

    assert(p->features >= 1 && p->features <= 1 << 24 && p->batch >= 1);
    for (size_t i = 0; i < features; i++)
        s.kept[i] = start ? start[i] != 0 : 1;
    return s;
}

static void search_free(struct search *s)
{
    free(s->kept);
    free(s->mask);
    free(s->candidate);
    free(s->value);
}

/* value[0..n-1] of mask[0..n-1]. */
static bool evaluate(struct search *s, int n, struct err *err)
{
    if (!s->problem->f(s->problem->context, s->mask, n, s->value, err))
        return false;
    for (int i = 0; i < n; i++)
        if (!isfinite(s->value[i]))
            return err_run(err, "the value of a masked input is not a number; check what the function computes");
    return true;
}

static bool evaluate_kept(struct search *s, double *value, struct err *err)
{
    memcpy(s->mask, s->kept, (size_t)s->problem->features);
    if (!evaluate(s, 1, err))
        return false;
    *value = s->value[0];
    return true;
}

/* Makes the masks of the next candidates from feature *at on; returns how many. */
static int propose(struct search *s, int *at)
{
    int n = 0, features = s->problem->features;

    for (; *at < features && n < s->problem->batch; ++*at) {
        if (!s->kept[*at])
            continue;
        uint8_t *mask = s->mask + (size_t)n * (size_t)features;
        memcpy(mask, s->kept, (size_t)features);
        mask[*at] = 0;
        s->candidate[n++] = (uint32_t)*at;
    }
    return n;
}

/* The feature without which the value stays largest. */
static bool choose(struct search *s, uint32_t *feature, double *value, struct err *err)
{
    int at = 0, n;

    *value = -INFINITY;
    while (*value < s->problem->bound && (n = propose(s, &at)) > 0) {
        if (!evaluate(s, n, err))
            return false;
        for (int i = 0; i < n; i++) {
            if (s->value[i] > *value) {
                *value = s->value[i];
                *feature = s->candidate[i];
            }
        }
    }
    return true;
}

static struct sis_order order_new(int features)
{
    size_t states = (size_t)features + 1;

    return (struct sis_order){ .features = features,
                               .states = features + 1,
                               .order = mem_alloc(states, sizeof(uint32_t)),
                               .removed = mem_alloc(states, sizeof(uint32_t)),
                               .value = mem_alloc(states, sizeof(double)) };
}

struct sis_order sis_order_copy(const struct sis_order *o)
{
    struct sis_order c = { .features = o->features, .states = o->states };

    c.order = mem_alloc((size_t)o->features, sizeof *c.order);
    c.removed = mem_alloc((size_t)o->states, sizeof *c.removed);
    c.value = mem_alloc((size_t)o->states, sizeof *c.value);
    memcpy(c.order, o->order, (size_t)o->features * sizeof *c.order);
    memcpy(c.removed, o->removed, (size_t)o->states * sizeof *c.removed);
    memcpy(c.value, o->value, (size_t)o->states * sizeof *c.value);
    return c;
}

void sis_order_free(struct sis_order *o)
{
    free(o->order);
    free(o->removed);
    free(o->value);
    *o = (struct sis_order){ 0 };
}

static int count(const uint8_t *mask, int features)
{
    int n = 0;
    for (int i = 0; i < features; i++)
        n += mask[i];
    return n;
}

static bool select_backwards(struct search *s, struct sis_order *o, struct err *err)
{
    if (!evaluate_kept(s, &o->value[0], err))
        return false;
    o->removed[0] = 0;
    for (int i = 0; i < o->features; i++) {
        if (!choose(s, &o->order[i], &o->value[i + 1], err))
            return false;
        s->kept[o->order[i]] = 0;
        o->removed[i + 1] = (uint32_t)i + 1;
    }
    return true;
}

bool sis_backselect(const struct sis_problem *p, const uint8_t *start, struct sis_order *out, struct err *err)
{
    struct search s = search_new(p, start);
    int features = count(s.kept, p->features);
    bool ok = features > 0 || err_usage(err, "no feature is left to mask; start with at least one");

    *out = (struct sis_order){ 0 };
    if (ok) {
        *out = order_new(features);
        ok = select_backwards(&s, out, err);
        if (!ok)
            sis_order_free(out);
    }
    search_free(&s);
    return ok;
}

int sis_size(const struct sis_order *o, double threshold)
{
    if (!(o->value[0] >= threshold))
        return SIS_NONE;
    for (int s = o->states - 1; s > 0; s--)
        if (o->value[s] >= threshold)
            return o->features - (int)o->removed[s];
    return o->features;
}

void sis_mask(const struct sis_order *o, int size, int features, uint8_t *mask)
{
    assert(size >= 0 && size <= o->features);
    memset(mask, 0, (size_t)features);
    for (int i = o->features - size; i < o->features; i++)
        mask[o->order[i]] = 1;
}

static void collect(struct sis_collection *c, const struct sis_order *o, int size, double value)
{
    size_t n = (size_t)c->n + 1;

    c->size = mem_resize(c->size, n, sizeof *c->size);
    c->subset = mem_resize(c->subset, n, sizeof *c->subset);
    c->value = mem_resize(c->value, n, sizeof *c->value);
    c->size[c->n] = size;
    c->value[c->n] = value;
    c->subset[c->n] = mem_alloc((size_t)size, sizeof **c->subset);
    for (int i = 0; i < size; i++)
        c->subset[c->n][i] = o->order[o->features - 1 - i];
    c->n++;
}

int sis_collection_add(struct sis_collection *c, const struct sis_order *o, double threshold, uint8_t *rest)
{
    int size = sis_size(o, threshold), state = o->states - 1;

    if (size < 1)
        return size;
    while (o->features - (int)o->removed[state] != size)
        state--;
    collect(c, o, size, o->value[state]);
    for (int i = 0; i < size; i++)
        rest[c->subset[c->n - 1][i]] = 0;
    return size;
}

void sis_collection_free(struct sis_collection *c)
{
    for (int i = 0; i < c->n; i++)
        free(c->subset[i]);
    free(c->size);
    free(c->subset);
    free(c->value);
    *c = (struct sis_collection){ 0 };
}

bool sis_collect(const struct sis_problem *p, double threshold, const uint8_t *start, struct sis_collection *out,
                 struct err *err)
{
    uint8_t *rest = mem_alloc((size_t)p->features, 1);
    bool ok = true;
    int size = 1;

    *out = (struct sis_collection){ 0 };
    for (int i = 0; i < p->features; i++)
        rest[i] = start ? start[i] != 0 : 1;
    while (ok && size > 0 && count(rest, p->features) > 0) {
        struct sis_order o;
        ok = sis_backselect(p, rest, &o, err);
        size = ok ? sis_collection_add(out, &o, threshold, rest) : 0;
        if (ok)
            sis_order_free(&o);
    }
    if (!ok)
        sis_collection_free(out);
    free(rest);
    return ok;
}
