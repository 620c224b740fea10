#include "validate/selftest.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/rng.h"
#include "validate/sis/images.h"

enum { COORDINATES = 24 };

/* A step in units of a pixel's range: small against the kinks of the network, large against float32 rounding. Where a
 * kink falls into one step, another is taken. */
static const float steps[] = { 4e-3f, 2e-3f, 1e-3f, 5e-4f };
enum { STEPS = sizeof steps / sizeof *steps };

/* Measured gradients scatter by rounding and kinks; a gradient that is wrong is wrong by more than this. */
static const double tolerance = 0.05;

/* Plain areas (the ground of a digit) lie exactly on kinks: rectified sums that are zero, pools of equal values. There
 * a gradient is one of many right ones. So the pictures are tested under a little noise of their own. */
static const float noise = 0.2f;

struct test {
    const struct classifier *model;
    float *x;
    int n;
    size_t floats;
    float *z, *g; /* of all n in one call */
    int *target;  /* the predicted class */
    struct selftest *out;
};

static bool refuse(struct err *err, const char *finding)
{
    return err_run(err, "self-test: %s; nothing was measured, since no result would mean anything", finding);
}

static bool all_finite(const float *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(a[i]))
            return false;
    return true;
}

/* Logits, predictions and gradients of all pictures in one call each. */
static bool measure(struct test *t, struct err *err)
{
    const struct classifier *m = t->model;
    size_t logits = (size_t)t->n * (size_t)m->classes;

    if (!m->logits(m->self, t->x, t->n, t->z, err))
        return false;
    if (!all_finite(t->z, logits))
        return refuse(err, "a logit is not a finite number");
    for (int i = 0; i < t->n; i++)
        for (int k = 1; k < m->classes; k++)
            if (t->z[i * m->classes + k] > t->z[i * m->classes + t->target[i]])
                t->target[i] = k;
    if (!m->gradient(m->self, t->x, t->n, SCALAR_MARGIN, t->target, t->g, NULL, err))
        return false;
    return all_finite(t->g, (size_t)t->n * t->floats) || refuse(err, "a gradient is not a finite number");
}

/* The same for pictures first..first+n-1 in a call of their own: bit for bit what the large call gave. */
static bool agrees(const struct test *t, int first, int n, const char *finding, struct err *err)
{
    const struct classifier *m = t->model;
    const float *x = t->x + (size_t)first * t->floats;
    size_t logits = (size_t)n * (size_t)m->classes, pixels = (size_t)n * t->floats;
    float *z = mem_alloc(logits, sizeof *z), *g = mem_alloc(pixels, sizeof *g);
    bool same = false;
    bool ok =
        m->logits(m->self, x, n, z, err) && m->gradient(m->self, x, n, SCALAR_MARGIN, t->target + first, g, NULL, err);

    if (ok)
        same = memcmp(z, t->z + first * m->classes, logits * sizeof *z) == 0 &&
               memcmp(g, t->g + (size_t)first * t->floats, pixels * sizeof *g) == 0;
    free(z);
    free(g);
    return ok && (same || refuse(err, finding));
}

/* Central difference of the margin of picture i along one coordinate. pair: room for two pictures. */
static bool difference(const struct test *t, int i, size_t at, float step, float *pair, double *out, struct err *err)
{
    const struct classifier *m = t->model;
    float *z = mem_alloc(2 * (size_t)m->classes, sizeof *z);

    for (int side = 0; side < 2; side++)
        memcpy(pair + (size_t)side * t->floats, t->x + (size_t)i * t->floats, t->floats * sizeof *pair);
    pair[at] += step;
    pair[t->floats + at] -= step;
    double width = (double)pair[at] - (double)pair[t->floats + at];
    bool ok = m->logits(m->self, pair, 2, z, err);
    *out = (sis_value(SIS_MARGIN, z, m->classes, t->target[i]) -
            sis_value(SIS_MARGIN, z + m->classes, m->classes, t->target[i])) /
           width;
    free(z);
    return ok;
}

/* The difference quotient nearest to the gradient, over the steps. */
static bool nearest_difference(const struct test *t, int i, size_t at, double given, float *pair, double *out,
                               struct err *err)
{
    *out = INFINITY;
    for (int s = 0; s < STEPS; s++) {
        double measured;
        if (!difference(t, i, at, steps[s], pair, &measured, err))
            return false;
        if (fabs(measured - given) < fabs(*out - given))
            *out = measured;
    }
    return true;
}

static bool gradient_is_right(struct test *t, uint64_t seed, struct err *err)
{
    struct rng random = rng_stream(seed, RNG_TEST, 0, 0);
    float *pair = mem_alloc(2 * t->floats, sizeof *pair);
    double wrong = 0, size = 0, given_size = 0;
    bool ok = true;

    for (size_t at = 0; at < (size_t)t->n * t->floats; at++)
        given_size += fabs((double)t->g[at]);
    for (int c = 0; ok && c < COORDINATES; c++) {
        int i = c % t->n;
        size_t at = rng_below(&random, (uint32_t)t->floats);
        double given = t->g[(size_t)i * t->floats + at], measured;
        ok = nearest_difference(t, i, at, given, pair, &measured, err);
        wrong += (measured - given) * (measured - given);
        size += measured * measured;
    }
    free(pair);
    t->out->gradient_error = size > 0 ? sqrt(wrong / size) : wrong > 0 ? INFINITY : 0;
    if (!ok)
        return false;
    if (!(given_size > 0))
        return refuse(err, "the input gradient is zero everywhere");
    return t->out->gradient_error <= tolerance ||
           err_run(err,
                   "self-test: the input gradient differs by %.2g of its size from what small changes of pixels "
                   "measure; nothing was measured, since no result would mean anything",
                   t->out->gradient_error);
}

static float *with_noise(const float *x, size_t n, uint64_t seed)
{
    struct rng random = rng_stream(seed, RNG_TEST, 1, 0);
    float *out = mem_alloc(n, sizeof *out);

    for (size_t i = 0; i < n; i++)
        out[i] = (1 - noise) * x[i] + noise * rng_unit(&random);
    return out;
}

static bool run(struct test *t, uint64_t seed, struct err *err)
{
    if (!measure(t, err) || !agrees(t, 0, t->n, "a repetition gives other numbers", err) ||
        !gradient_is_right(t, seed, err))
        return false;
    for (int i = 0; i < 2; i++)
        if (!agrees(t, i, 1, "an image alone gives other numbers than in a batch", err))
            return false;
    return true;
}

bool selftest_run(const struct classifier *model, uint64_t (*state_hash)(const void *self), const void *self,
                  const float *x, int n, uint64_t seed, struct selftest *out, struct err *err)
{
    size_t floats = (size_t)model->c * (size_t)model->h * (size_t)model->w;
    double start = clock_seconds();
    uint64_t before = state_hash ? state_hash(self) : 0;
    struct test t = { .model = model,
                      .x = with_noise(x, (size_t)n * floats, seed),
                      .n = n,
                      .floats = floats,
                      .out = out,
                      .z = mem_alloc((size_t)n * (size_t)model->classes, sizeof(float)),
                      .g = mem_alloc((size_t)n * floats, sizeof(float)),
                      .target = mem_alloc((size_t)n, sizeof(int)) };

    assert(n >= 2);
    *out = (struct selftest){ .pictures = n, .coordinates = COORDINATES };
    bool ok = run(&t, seed, err);
    if (ok && state_hash && state_hash(self) != before)
        ok = refuse(err, "predictions or gradients change the model");
    out->seconds = clock_seconds() - start;
    free(t.x);
    free(t.z);
    free(t.g);
    free(t.target);
    return ok;
}
