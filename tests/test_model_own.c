/* Our convolutions against oneDNN's inside whole networks.
 *
 * A few outputs before a relu lie within rounding of zero and fall on different sides of it: their images' gradients
 * then differ by far more than rounding, whoever computes them. So gradients are compared image by image, and most must
 * agree closely; and what no relu stands behind, logits, loss and the last layer's gradient, must agree everywhere. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "darknet-ext/conv.h"
#include "tests/model_fixture.h"

TestSuite(model_own, .timeout = 300);

enum { OWN, ONEDNN, KINDS, MOST_IMAGES = 64, STEPS = 3 };

/* One network twice, with the same parameters: some steps old, so that its statistics are those of images. */
struct pair {
    struct net_cfg *cfg;
    struct model *model[KINDS];
    int n, *label;
    size_t floats; /* of an image */
    float *x;
};

static bool uses_own_kernels(const struct model *m)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    model_print_plan(m, file);
    fclose(file);
    bool own = strstr(text, "own winograd") != NULL;
    free(text);
    return own;
}

static void step(struct pair *p, int kind, float learning_rate, double *loss)
{
    struct err err;
    struct step s = { .x = p->x, .label = p->label, .n = p->n, .learning_rate = learning_rate, .steps_done = 1000 };
    cr_assert(model_train_step(p->model[kind], &s, &err), "%s", err.text);
    *loss = s.loss;
}

static struct pair open_pair(const char *path, int images)
{
    struct err err;
    struct pair p = { .n = images };
    struct model_options options = { .threads = 2, .precision = PRECISION_F32, .training = true };
    cr_assert(cfg_read(path, &p.cfg, &err), "%s", err.text);
    p.cfg->batch = images; /* no more memory than is needed */
    for (int k = 0; k < KINDS; k++) {
        setenv(CONV_KERNELS, k == OWN ? "auto" : "onednn", 1);
        cr_assert(model_open(p.cfg, &options, &p.model[k], &err), "%s", err.text);
    }
    p.floats = (size_t)p.cfg->c * (size_t)p.cfg->h * (size_t)p.cfg->w;
    p.x = mem_alloc((size_t)images * p.floats, sizeof *p.x);
    p.label = mem_alloc((size_t)images, sizeof *p.label);
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);
    for (size_t i = 0; i < (size_t)images * p.floats; i++)
        p.x[i] = rng_unit(&r);
    for (int i = 0; i < images; i++)
        p.label[i] = (int)rng_below(&r, (uint32_t)p.cfg->classes);
    model_initialize(p.model[ONEDNN], 3);
    double loss;
    for (int i = 0; i < STEPS; i++)
        step(&p, ONEDNN, 0.01f, &loss);
    float *values = mem_alloc((size_t)p.cfg->stored, sizeof *values);
    model_get_parameters(p.model[ONEDNN], values);
    for (int k = 0; k < KINDS; k++)
        model_set_parameters(p.model[k], values);
    memset(values, 0, (size_t)p.cfg->stored * sizeof *values);
    for (int k = 0; k < KINDS; k++)
        model_set_momentum(p.model[k], values);
    free(values);
    return p;
}

static void close_pair(struct pair *p)
{
    for (int k = 0; k < KINDS; k++)
        model_close(p->model[k]);
    unsetenv(CONV_KERNELS);
    cfg_free(p->cfg);
    free(p->x);
    free(p->label);
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Logits, and input gradients image by image; programs of evaluation are made when first used. */
static void compare_evaluation(struct pair *p, const char *name, double most_differ)
{
    struct err err;
    size_t logits = (size_t)p->n * (size_t)p->cfg->classes, pixels = (size_t)p->n * p->floats;
    float *z[KINDS], *g[KINDS];
    double difference[MOST_IMAGES];
    for (int k = 0; k < KINDS; k++) {
        setenv(CONV_KERNELS, k == OWN ? "auto" : "onednn", 1);
        z[k] = mem_alloc(logits, sizeof(float));
        g[k] = mem_alloc(pixels, sizeof(float));
        cr_assert(model_gradient(p->model[k], p->x, p->n, SCALAR_MARGIN, p->label, g[k], z[k], &err), "%s", err.text);
        cr_assert_eq(uses_own_kernels(p->model[k]), k == OWN, "%s", name);
    }
    CHECK_CLOSE(name, z[OWN], z[ONEDNN], (int64_t)logits, 1e-5);
    for (int i = 0; i < p->n; i++) {
        const float *a = g[OWN] + (size_t)i * p->floats, *b = g[ONEDNN] + (size_t)i * p->floats;
        double size = norm2(b, NULL, (int64_t)p->floats);
        cr_assert(size > 1e-6, "%s: image %d has no gradient, norm %g", name, i, size);
        difference[i] = norm2(a, b, (int64_t)p->floats) / size;
        cr_assert(isfinite(difference[i]), "%s: image %d", name, i);
    }
    qsort(difference, (size_t)p->n, sizeof *difference, rising);
    int most = p->n * 3 / 4;
    cr_expect(difference[most] <= most_differ, "%s: a quarter of the images differs by %g", name, difference[most]);
    cr_expect(difference[p->n - 1] <= 0.2, "%s: an image differs by %g", name, difference[p->n - 1]);
    for (int k = 0; k < KINDS; k++) {
        free(z[k]);
        free(g[k]);
    }
}

static void compare_training(struct pair *p, const char *name)
{
    int64_t stored = p->cfg->stored, last = (int64_t)p->cfg->classes * 64; /* weights of the last layer, or some */
    float *g[KINDS];
    double loss[KINDS];
    for (int k = 0; k < KINDS; k++) {
        g[k] = mem_alloc((size_t)stored, sizeof(float));
        step(p, k, 0, &loss[k]);
        model_get_momentum(p->model[k], g[k]);
    }
    CHECK_CLOSE(name, g[OWN] + stored - last, g[ONEDNN] + stored - last, last, 1e-4);
    cr_expect(fabs(loss[OWN] - loss[ONEDNN]) <= 1e-5 * loss[ONEDNN], "%s: losses %g and %g", name, loss[OWN],
              loss[ONEDNN]);
    CHECK_CLOSE(name, g[OWN], g[ONEDNN], stored, 3e-2);
    for (int k = 0; k < KINDS; k++)
        free(g[k]);
}

static void compare(const char *path, int images, double most_differ)
{
    struct pair p = open_pair(path, images);
    compare_evaluation(&p, path, most_differ);
    compare_training(&p, path);
    close_pair(&p);
}

Test(model_own, resnet20_is_that_of_onednn)
{
    compare("cfg/resnet20.cfg", 64, 1e-5);
}

/* 40 times as many outputs: hardly an image without one that changes sides. */
Test(model_own, resnet18_is_that_of_onednn)
{
    compare("cfg/resnet18_cifar.cfg", 4, 1e-2);
}
