/* The engine against Darknet's own forward and backward where those are right, and against central differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "darknet-ext/dn.h"
#include "darknet-ext/weights.h"
#include "tests/model_fixture.h"

TestSuite(model, .timeout = 300);

Test(model, evaluation_agrees_with_darknet)
{
    for (int k = 0; k < n_nets; k++) {
        if (!nets[k].darknet_forward)
            continue;
        struct fixture f = open_net(nets[k].text, false, 2, PRECISION_F32);
        struct dn_network *dn;
        struct err err;
        cr_assert(dn_open(f.cfg, BATCH, &dn, &err), "%s", err.text);
        dn_set_parameters(dn, f.values);
        dn_forward(dn, f.x, false);
        float z[BATCH * CLASSES];
        struct evaluation e = { .x = f.x, .n = BATCH, .samples = -1 };
        cr_assert(model_logits(f.model, &e, z, &err), "%s", err.text);
        CHECK_CLOSE(nets[k].name, z, dn_logits(dn), BATCH * CLASSES, 1e-4);
        dn_close(dn);
        close_net(&f);
    }
}

/* dz = d mean cross-entropy / d logits; returns the summed loss. */
static double loss_gradient(const float *z, const int *label, float *dz)
{
    double loss = 0;
    for (int i = 0; i < BATCH; i++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++)
            sum += exp(z[i * CLASSES + c]);
        for (int c = 0; c < CLASSES; c++)
            dz[i * CLASSES + c] = (float)((exp(z[i * CLASSES + c]) / sum - (c == label[i])) / BATCH);
        loss += log(sum) - z[i * CLASSES + label[i]];
    }
    return loss;
}

/* Darknet's batch norm backward divides by n where its forward has n-1, so it is only right to 1/n, here 1/216 or 1/54.
 */
Test(model, training_gradients_agree_with_darknet)
{
    for (int k = 0; k < n_nets; k++) {
        if (!nets[k].darknet_backward)
            continue;
        struct fixture f = open_net(nets[k].text, true, 2, PRECISION_F32);
        struct dn_network *dn;
        struct err err;
        cr_assert(dn_open(f.cfg, BATCH, &dn, &err), "%s", err.text);
        dn_set_parameters(dn, f.values);
        dn_forward(dn, f.x, true);
        float dz[BATCH * CLASSES], dx[BATCH * PIXELS];
        double expected_loss = loss_gradient(dn_logits(dn), f.label, dz), loss;
        dn_backward(dn, dz, dx);
        float *expected = mem_alloc((size_t)f.cfg->stored, sizeof *expected),
              *got = mem_alloc((size_t)f.cfg->stored, sizeof *got);
        dn_get_gradients(dn, expected);
        loss = train(&f, BATCH, 1e-3f);
        cr_expect(fabs(loss - expected_loss) <= 1e-4 * expected_loss, "%s: loss %g, Darknet %g", nets[k].name, loss,
                  expected_loss);
        model_get_momentum(f.model, got); /* after one step from zero momentum without decay: the gradient */
        for (int l = 0; l < f.cfg->n; l++)
            if (f.cfg->layers[l].weights)
                CHECK_CLOSE(nets[k].name, got + weights_layout(f.cfg, l).weights,
                            expected + weights_layout(f.cfg, l).weights, f.cfg->layers[l].weights, 2e-2);
        CHECK_CLOSE(nets[k].name, got, expected, f.cfg->stored, 2e-2);
        free(expected);
        free(got);
        dn_close(dn);
        close_net(&f);
    }
}

Test(model, running_statistics_follow_darknets)
{
    struct fixture f = open_net(net_text("conv with batch norm, relu"), true, 2, PRECISION_F32);
    struct dn_network *dn;
    struct err err;
    cr_assert(dn_open(f.cfg, BATCH, &dn, &err), "%s", err.text);
    dn_set_parameters(dn, f.values);
    dn_forward(dn, f.x, true);
    float *expected = mem_alloc((size_t)f.cfg->stored, sizeof *expected),
          *got = mem_alloc((size_t)f.cfg->stored, sizeof *got);
    memcpy(expected, f.values, (size_t)f.cfg->stored * sizeof *expected);
    dn_get_statistics(dn, expected);
    struct step step = { .x = f.x, .label = f.label, .n = BATCH, .steps_done = 1000 };
    cr_assert(model_train_step(f.model, &step, &err), "%s", err.text);
    model_get_parameters(f.model, got);
    struct weights_layout at = weights_layout(f.cfg, 1);
    cr_assert(norm2(f.values + at.variance, expected + at.variance, 16) > 1e-4, "the statistics did not move");
    CHECK_CLOSE("mean", got + at.mean, expected + at.mean, 16, 1e-5);
    CHECK_CLOSE("variance", got + at.variance, expected + at.variance, 16, 1e-5);
    free(expected);
    free(got);
    dn_close(dn);
    close_net(&f);
}

/* Loss with the parameters moved by h along direction d; batch statistics, masks and labels stay the same. */
static double loss_at(struct fixture *f, const float *d, float h)
{
    float *moved = mem_alloc((size_t)f->cfg->stored, sizeof *moved);
    for (int64_t i = 0; i < f->cfg->stored; i++)
        moved[i] = f->values[i] + h * d[i];
    model_set_parameters(f->model, moved);
    free(moved);
    return train(f, BATCH, 0) / BATCH;
}

/* Along the gradient of each layer's weights in turn, so that every layer's is proved, none by being zero. */
Test(model, training_gradients_agree_with_central_differences)
{
    for (int k = 0; k < n_nets; k++) {
        struct fixture f = open_net(nets[k].text, true, 2, PRECISION_F32);
        float *g = mem_alloc((size_t)f.cfg->stored, sizeof *g), *d = mem_alloc((size_t)f.cfg->stored, sizeof *d);
        train(&f, BATCH, 0);
        model_get_momentum(f.model, g);
        for (int l = 0; l < f.cfg->n; l++) {
            int64_t from = 0;
            for (int i = 0; i < l; i++)
                from += f.cfg->layers[i].stored;
            double size = norm2(g + from, NULL, f.cfg->layers[l].stored);
            if (!f.cfg->layers[l].stored)
                continue;
            cr_assert(size > 1e-5, "%s: layer %d has no gradient", nets[k].name, l);
            memset(d, 0, (size_t)f.cfg->stored * sizeof *d);
            for (int64_t i = from; i < from + f.cfg->layers[l].stored; i++)
                d[i] = (float)(g[i] / size);
            float h = 4e-3f;
            double slope = (loss_at(&f, d, h) - loss_at(&f, d, -h)) / (2.0 * h);
            cr_expect(fabs(slope - size) <= 0.03 * size, "%s: layer %d: slope %g, gradient %g", nets[k].name, l, slope,
                      size);
        }
        free(g);
        free(d);
        close_net(&f);
    }
}

static double scalar_of(enum scalar s, const float *z, int t)
{
    double sum = 0, others = 0;
    for (int c = 0; c < CLASSES; c++) {
        sum += exp(z[c]);
        others += c == t ? 0 : exp(z[c]);
    }
    double p = exp(z[t]) / sum;
    return s == SCALAR_LOGIT ? z[t] : s == SCALAR_PROBABILITY ? p : s == SCALAR_LOSS ? -log(p) : z[t] - log(others);
}

static double scalar_along(struct fixture *f, enum scalar s, int i, const float *d, float h)
{
    float x[PIXELS], z[CLASSES];
    struct err err;
    for (int j = 0; j < PIXELS; j++)
        x[j] = f->x[i * PIXELS + j] + h * d[j];
    struct evaluation e = { .x = x, .n = 1, .samples = -1 };
    cr_assert(model_logits(f->model, &e, z, &err), "%s", err.text);
    return scalar_of(s, z, f->label[i]);
}

Test(model, input_gradients_agree_with_central_differences)
{
    for (int k = 0; k < n_nets; k++)
        for (int s = SCALAR_MARGIN; s <= SCALAR_LOSS; s++) {
            struct fixture f = open_net(nets[k].text, false, 2, PRECISION_F32);
            float g[BATCH * PIXELS], d[PIXELS], z[BATCH * CLASSES];
            struct err err;
            cr_assert(model_gradient(f.model, f.x, BATCH, (enum scalar)s, f.label, g, z, &err), "%s", err.text);
            for (int i = 0; i < 2; i++) {
                double size = norm2(g + i * PIXELS, NULL, PIXELS);
                cr_assert(size > 1e-6, "%s: no gradient", nets[k].name);
                for (int j = 0; j < PIXELS; j++)
                    d[j] = (float)(g[i * PIXELS + j] / size);
                float h = 5e-3f;
                double slope =
                    (scalar_along(&f, (enum scalar)s, i, d, h) - scalar_along(&f, (enum scalar)s, i, d, -h)) /
                    (2.0 * h);
                cr_expect(fabs(slope - size) <= 0.03 * size + 1e-5, "%s, scalar %d: slope %g, gradient %g",
                          nets[k].name, s, slope, size);
            }
            close_net(&f);
        }
}
