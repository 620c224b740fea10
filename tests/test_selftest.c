#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "validate/selftest.h"

/* A small smooth model with one fault at a time. */
enum { C = 3, SIDE = 4, FLOATS = C * SIDE * SIDE, CLASSES = 3, PICTURES = 5 };
enum fault {
    NONE,
    KINKED, /* no fault: a kink at FLAT in every coordinate */
    CONSTANT,
    WRONG_SIGN,
    SCALED,
    ONE_CHANNEL,
    SEES_NEIGHBOURS,
    GRADIENT_SEES_NEIGHBOURS,
    FORGETFUL,
    GRADIENT_FORGETFUL,
    LEARNS,
    NOT_A_NUMBER,
    INFINITE_GRADIENT
};

struct model {
    enum fault fault;
    float weight[CLASSES][FLOATS];
    uint64_t state;
    int calls;
};

static const float FLAT = .25f;

static float bent(const struct model *m, float x)
{
    return m->fault == KINKED && x <= FLAT ? FLAT : x;
}

static void logits_of(const struct model *m, const float *x, float *z)
{
    for (int k = 0; k < CLASSES; k++) {
        double sum = 0;
        for (int i = 0; i < FLOATS; i++)
            sum += m->weight[k][i] * bent(m, x[i]);
        z[k] = m->fault == CONSTANT ? (float)k : (float)(3 * tanh(sum));
    }
}

static bool logits(void *self, const float *x, int n, float *z, struct err *err)
{
    struct model *m = self;

    (void)err;
    m->calls++;
    for (int i = 0; i < n; i++)
        logits_of(m, x + i * FLOATS, z + i * CLASSES);
    if (m->fault == NOT_A_NUMBER)
        z[1] = NAN;
    for (int i = 0; m->fault == SEES_NEIGHBOURS && i < n; i++)
        z[i * CLASSES] += 1e-6f * (float)n;
    for (int i = 0; m->fault == FORGETFUL && i < n; i++)
        z[i * CLASSES] += 1e-6f * (float)m->calls;
    m->state += m->fault == LEARNS;
    return true;
}

/* d margin / d x = sum over classes of (d margin / d z) (d z / d x), in closed form. */
static void gradient_of(const struct model *m, const float *x, int t, float *g)
{
    float z[CLASSES];
    double rest = 0;

    memset(g, 0, FLOATS * sizeof *g);
    if (m->fault == CONSTANT)
        return;
    logits_of(m, x, z);
    for (int k = 0; k < CLASSES; k++)
        rest += k == t ? 0 : exp(z[k]);
    for (int k = 0; k < CLASSES; k++) {
        double tanh_value = z[k] / 3., weight = k == t ? 1 : -exp(z[k]) / rest;
        for (int i = 0; i < FLOATS; i++)
            g[i] += m->fault == KINKED && x[i] < FLAT
                        ? 0
                        : (float)(weight * 3 * (1 - tanh_value * tanh_value) * m->weight[k][i]);
    }
}

static bool gradient(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                     struct err *err)
{
    struct model *m = self;

    (void)err;
    cr_assert_eq(scalar, SCALAR_MARGIN);
    m->calls++;
    for (int i = 0; i < n; i++) {
        gradient_of(m, x + i * FLOATS, target[i], g + i * FLOATS);
        if (z)
            logits_of(m, x + i * FLOATS, z + i * CLASSES);
    }
    for (int i = 0; i < n * FLOATS; i++) {
        g[i] *= m->fault == WRONG_SIGN ? -1 : m->fault == SCALED ? 1.2f : 1;
        g[i] *= m->fault == ONE_CHANNEL && i % FLOATS < SIDE * SIDE ? 0 : 1;
        g[i] += m->fault == GRADIENT_SEES_NEIGHBOURS ? 1e-6f * (float)n : 0;
        g[i] += m->fault == GRADIENT_FORGETFUL ? 1e-6f * (float)m->calls : 0;
    }
    if (m->fault == INFINITE_GRADIENT)
        g[7] = INFINITY;
    return true;
}

static uint64_t state_hash(const void *self)
{
    return ((const struct model *)self)->state;
}

static struct model model;
static const struct classifier classifier = {
    .self = &model, .c = C, .h = SIDE, .w = SIDE, .classes = CLASSES, .batch = 4, .logits = logits, .gradient = gradient
};
static struct selftest result;
static struct err err;

static bool run(enum fault fault)
{
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    float x[PICTURES * FLOATS];

    model = (struct model){ .fault = fault };
    for (int k = 0; k < CLASSES; k++)
        for (int i = 0; i < FLOATS; i++)
            model.weight[k][i] = .2f * rng_normal(&r);
    for (int i = 0; i < PICTURES * FLOATS; i++)
        x[i] = fault == KINKED ? FLAT : rng_unit(&r);
    err = (struct err){ 0 };
    return selftest_run(&classifier, state_hash, &model, x, PICTURES, 1, &result, &err);
}

static void refuses(enum fault fault, const char *finding)
{
    cr_assert_not(run(fault), "fault %d was not found", fault);
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert_not_null(strstr(err.text, finding), "'%s' lacks '%s'", err.text, finding);
    cr_assert_not_null(strstr(err.text, "nothing was measured"));
}

Test(selftest, a_sound_model_passes_and_the_result_says_how_well)
{
    cr_assert(run(NONE), "%s", err.text);
    cr_assert_eq(result.pictures, PICTURES);
    cr_assert(result.coordinates >= 10);
    cr_assert(result.gradient_error >= 0 && result.gradient_error <= .02, "%g", result.gradient_error);
    cr_assert(result.seconds >= 0 && result.seconds < 5);
}

Test(selftest, plain_pictures_on_a_kink_are_no_fault)
{
    cr_assert(run(KINKED), "%s", err.text);
}

Test(selftest, a_gradient_that_is_zero_is_found)
{
    refuses(CONSTANT, "zero everywhere");
}

Test(selftest, a_gradient_that_is_wrong_is_found)
{
    refuses(WRONG_SIGN, "small changes of pixels");
    refuses(SCALED, "small changes of pixels");
    refuses(ONE_CHANNEL, "small changes of pixels");
}

Test(selftest, a_picture_that_depends_on_its_batch_is_found)
{
    refuses(SEES_NEIGHBOURS, "an image alone");
    refuses(GRADIENT_SEES_NEIGHBOURS, "an image alone");
}

Test(selftest, a_repetition_that_differs_is_found)
{
    refuses(FORGETFUL, "a repetition");
    refuses(GRADIENT_FORGETFUL, "a repetition");
}

Test(selftest, a_model_that_changes_by_being_asked_is_found)
{
    refuses(LEARNS, "change the model");
}

Test(selftest, what_is_not_finite_is_found)
{
    refuses(NOT_A_NUMBER, "a logit is not a finite number");
    refuses(INFINITE_GRADIENT, "a gradient is not a finite number");
}

Test(selftest, a_model_without_a_state_has_none_to_check)
{
    float x[PICTURES * FLOATS];

    run(NONE);
    for (int i = 0; i < PICTURES * FLOATS; i++)
        x[i] = (float)(i % 7) / 7;
    cr_assert(selftest_run(&classifier, NULL, NULL, x, PICTURES, 1, &result, &err), "%s", err.text);
}
