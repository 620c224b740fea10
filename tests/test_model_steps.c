/* What one training step does, against what its definition says: loss, rule of
 * descent, running averages, random masks. */
#include "base/mem.h"
#include "darknet-ext/weights.h"
#include "tests/model_fixture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(model_steps, .timeout = 300);

#define NET                                                                                                            \
    "[net]\nbatch=6\nheight=12\nwidth=12\nchannels=3\nlearning_rate=0."                                                \
    "1\nepochs=1\n"
#define CONV(bn, act)                                                                                                  \
    "[convolutional]\nbatch_normalize=" #bn "\nfilters=16\nsize=3\nstride=1\npad=1\nactivation=" #act "\n"
#define HEAD "[avgpool]\n[connected]\noutput=5\nactivation=linear\n[softmax]\n"

static const int64_t index_of[BATCH] = { 40, 3, 17, 900, 8, 21 };

static double train_as(struct fixture *f, struct step step)
{
    struct err err;
    step.n = step.n ? step.n : BATCH;
    step.x = step.x ? step.x : f->x;
    step.label = step.label ? step.label : f->label;
    cr_assert(model_train_step(f->model, &step, &err), "%s", err.text);
    return step.loss;
}

static void logits(struct fixture *f, const float *x, int n, float *z)
{
    struct err err;
    struct evaluation e = { .x = x, .n = n, .samples = -1 };
    cr_assert(model_logits(f->model, &e, z, &err), "%s", err.text);
}

/* The gradient at `values`, from a model without momentum and decay. */
static void gradient_at(struct fixture *plain, const float *values, float *g)
{
    model_set_parameters(plain->model, values);
    train(plain, BATCH, 0);
    model_get_momentum(plain->model, g);
}

/* One step of stochastic gradient descent as Sutskever et al. 2013 write it,
 * for n parameters. */
static void descend(float *w, float *v, const float *g, int64_t n, float lr, float decay, bool nesterov)
{
    for (int64_t i = 0; i < n; i++) {
        float d = g[i] + decay * w[i];
        v[i] = 0.9f * v[i] + d;
        w[i] -= lr * (nesterov ? d + 0.9f * v[i] : v[i]);
    }
}

static void descend_layer(const struct net_cfg *cfg, int l, float *w, float *v, const float *g, float lr, bool nesterov)
{
    struct weights_layout at = weights_layout(cfg, l);
    if (at.weights >= 0)
        descend(w + at.weights, v + at.weights, g + at.weights, cfg->layers[l].weights, lr, 0.05f, nesterov);
    if (at.biases >= 0)
        descend(w + at.biases, v + at.biases, g + at.biases, at.outputs, lr, 0, nesterov);
    if (at.scales >= 0)
        descend(w + at.scales, v + at.scales, g + at.scales, at.outputs, lr, 0, nesterov);
}

/* Movements from `before` are compared: beside the parameters themselves they
 * are small. */
static void compare_moves(const char *what, const float *got, const float *wanted, const float *before, int64_t at,
                          int n)
{
    float a[5000], b[5000];
    if (at < 0)
        return;
    cr_assert(n <= 5000);
    for (int i = 0; i < n; i++) {
        a[i] = got[at + i] - before[at + i];
        b[i] = wanted[at + i] - before[at + i];
    }
    CHECK_CLOSE(what, a, b, n, 1e-3);
}

static void two_steps_follow_the_rule(bool nesterov)
{
    char *text =
        mem_format("%smomentum=0.9\ndecay=0.05\nnesterov=%d\n" CONV(1, relu) CONV(0, leaky) HEAD, NET, nesterov);
    struct fixture f = open_net(text, true, 2, PRECISION_F32),
                   plain =
                       open_net(NET "momentum=0\ndecay=0\n" CONV(1, relu) CONV(0, leaky) HEAD, true, 1, PRECISION_F32);
    size_t n = (size_t)f.cfg->stored;
    float *w = mem_alloc(n, sizeof *w), *v = mem_alloc(n, sizeof *v), *g = mem_alloc(n, sizeof *g),
          *got = mem_alloc(n, sizeof *got);
    memcpy(w, f.values, n * sizeof *w);
    for (int step = 0; step < 2; step++) {
        float lr = step ? 0.05f : 0.1f;
        gradient_at(&plain, w, g);
        for (int l = 0; l < f.cfg->n; l++)
            descend_layer(f.cfg, l, w, v, g, lr, nesterov);
        train(&f, BATCH, lr);
    }
    model_get_parameters(f.model, got);
    for (int l = 0; l < f.cfg->n; l++) {
        struct weights_layout at = weights_layout(f.cfg, l);
        compare_moves("weights", got, w, f.values, at.weights, (int)f.cfg->layers[l].weights);
        compare_moves("biases", got, w, f.values, at.biases, at.outputs);
        compare_moves("scales", got, w, f.values, at.scales, at.outputs);
    }
    model_get_momentum(f.model, got);
    CHECK_CLOSE("momentum", got, v, f.cfg->stored, 1e-3);
    free(text);
    free(w);
    free(v);
    free(g);
    free(got);
    close_net(&f);
    close_net(&plain);
}

Test(model_steps, descent_has_momentum_and_decays_only_weights)
{
    two_steps_follow_the_rule(false);
}

Test(model_steps, nesterov_looks_ahead)
{
    two_steps_follow_the_rule(true);
}

/* The net has neither batch norm nor dropout, so it gives the same logits in
 * training. The last layer's bias has the gradient mean(p - target). One logit
 * is far out: exp() of it must not overflow. */
Test(model_steps, loss_gradient_and_hits_are_those_of_smoothed_cross_entropy)
{
    struct fixture f =
        open_net(NET "momentum=0.9\ndecay=0\nlabel_smoothing=0.2\n" CONV(0, relu) HEAD, true, 2, PRECISION_F32);
    enum { USED = 4 }; /* less than the batch */
    int64_t biases = weights_layout(f.cfg, 2).biases;
    f.values[biases + f.label[0]] += 800;
    model_set_parameters(f.model, f.values);
    float z[BATCH * CLASSES], g[CLASSES] = { 0 };
    logits(&f, f.x, USED, z);
    double loss = 0;
    int correct = 0;
    for (int i = 0; i < USED; i++) {
        double most = -INFINITY, sum = 0;
        for (int c = 0; c < CLASSES; c++)
            most = fmax(most, z[i * CLASSES + c]);
        for (int c = 0; c < CLASSES; c++)
            sum += exp(z[i * CLASSES + c] - most);
        for (int c = 0; c < CLASSES; c++) {
            double target = 0.04 + (c == f.label[i] ? 0.8 : 0), log_p = z[i * CLASSES + c] - most - log(sum);
            loss -= target * log_p;
            g[c] += (float)((exp(log_p) - target) / USED);
        }
        correct += z[i * CLASSES + f.label[i]] == (float)most;
    }
    cr_assert(correct > 0 && correct < USED, "nothing to tell apart: %d hits", correct);
    struct err err;
    struct step step = { .x = f.x, .label = f.label, .n = USED };
    cr_assert(model_train_step(f.model, &step, &err), "%s", err.text);
    cr_expect(fabs(step.loss - loss) <= 1e-4 * loss, "loss %g instead of %g", step.loss, loss);
    cr_expect_eq(step.correct, correct);
    model_get_momentum(f.model, f.values);
    CHECK_CLOSE("bias gradient", f.values + biases, g, CLASSES, 1e-3);
    close_net(&f);
}

/* Two values, normalised, are +-sqrt(1/2) whatever they were, so nothing reaches the weights before: the terms of the
 * backward pass cancel, but for rounding, and only if each is right. */
Test(model_steps, batch_norm_of_two_values_passes_no_gradient)
{
    struct fixture f = open_net(NET "momentum=0.9\ndecay=0\n[connected]\nbatch_normalize=1\noutput=24\n"
                                    "activation=linear\n[connected]\noutput=5\nactivation=linear\n[softmax]\n",
                                true, 2, PRECISION_F32);
    struct weights_layout before = weights_layout(f.cfg, 0), after = weights_layout(f.cfg, 1);
    train(&f, 2, 0);
    model_get_momentum(f.model, f.values);
    double stopped = norm2(f.values + before.weights, NULL, f.cfg->layers[0].weights),
           passed = norm2(f.values + after.weights, NULL, f.cfg->layers[1].weights);
    cr_assert(passed > 1e-3, "no gradient behind it either");
    cr_expect(stopped <= 0.1 * passed, "gradient %g before, %g behind", stopped, passed);
    close_net(&f);
}

/* Running means after one step that begins with the fixture's. */
static void statistics_after(struct fixture *f, int64_t steps_done, float *mean)
{
    model_set_parameters(f->model, f->values);
    train_as(f, (struct step){ .steps_done = steps_done });
    float *values = mem_alloc((size_t)f->cfg->stored, sizeof *values);
    model_get_parameters(f->model, values);
    memcpy(mean, values + weights_layout(f->cfg, 0).mean, 16 * sizeof *mean);
    free(values);
}

Test(model_steps, running_statistics_are_means_at_first_and_forget_later)
{
    static const struct {
        int64_t steps_done;
        double rate;
    } cases[] = { { 1, 0.5 }, { 3, 0.25 }, { 98, 1.0 / 99 }, { 200, 0.01 }, { 1000000, 0.01 } };
    struct fixture f = open_net(NET CONV(1, relu) HEAD, true, 2, PRECISION_F32);
    float batch[16], got[16], moved[16], wanted[16];
    const float *before = f.values + weights_layout(f.cfg, 0).mean;
    statistics_after(&f, 0, batch); /* nothing of `before` is left */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        statistics_after(&f, cases[i].steps_done, got);
        for (int k = 0; k < 16; k++) {
            wanted[k] = (float)(cases[i].rate * (batch[k] - before[k]));
            moved[k] = got[k] - before[k];
        }
        CHECK_CLOSE("mean", moved, wanted, 16, 1e-3);
    }
    close_net(&f);
}

Test(model_steps, every_subdivision_counts_in_the_running_statistics)
{
    struct fixture whole = open_net(NET CONV(1, relu) HEAD, true, 2, PRECISION_F32);
    struct fixture split = open_net(NET "subdivisions=2\n" CONV(1, relu) HEAD, true, 2, PRECISION_F32);
    float first[16], second[16], got[16], wanted[16];
    enum { HALF = BATCH / 2 };
    const float *before = whole.values + weights_layout(whole.cfg, 0).mean;
    statistics_after(&split, 2, got); /* passes 4 and 5 */
    model_set_parameters(whole.model, whole.values);
    float *values = mem_alloc((size_t)whole.cfg->stored, sizeof *values);
    for (int k = 0; k < 2; k++) {
        train_as(&whole, (struct step){ .x = whole.x + k * HALF * PIXELS, .label = whole.label + k * HALF, .n = HALF });
        model_get_parameters(whole.model, values);
        memcpy(k ? second : first, values + weights_layout(whole.cfg, 0).mean, sizeof first);
    }
    for (int k = 0; k < 16; k++) {
        float mean = before[k] + (first[k] - before[k]) / 5;
        wanted[k] = mean + (second[k] - mean) / 6 - before[k];
        got[k] -= before[k];
    }
    CHECK_CLOSE("mean", got, wanted, 16, 1e-3);
    free(values);
    close_net(&whole);
    close_net(&split);
}

/* A net whose gradient and loss are those of each image, added up. */
#define DROPPING "[input_dropout]\nprobability=0.3\n" CONV(0, relu) "[dropout]\nprobability=0.4\n" CONV(0, relu) HEAD

Test(model_steps, masks_belong_to_image_epoch_and_seed_not_to_the_place_in_the_batch)
{
    static const int turned[BATCH] = { 3, 0, 5, 1, 2, 4 };
    struct fixture f = open_net(NET DROPPING, true, 2, PRECISION_F32);
    float x[BATCH * PIXELS];
    int label[BATCH];
    int64_t index[BATCH];
    for (int i = 0; i < BATCH; i++) {
        memcpy(x + i * PIXELS, f.x + turned[i] * PIXELS, PIXELS * sizeof *x);
        label[i] = f.label[turned[i]];
        index[i] = index_of[turned[i]];
    }
    double loss = train_as(&f, (struct step){ .index = index_of });
    double same = train_as(&f, (struct step){ .x = x, .label = label, .index = index });
    cr_expect(fabs(same - loss) <= 1e-5 * loss, "turning the batch changes the loss from %g to %g", loss, same);
    struct step others[] = {
        { .index = index }, { .index = index_of, .epoch = 1 }, { .index = index_of, .seed = 1 }, { 0 }
    };
    for (int i = 0; i < 4; i++) {
        double other = train_as(&f, others[i]);
        cr_expect(fabs(other - loss) > 1e-4 * loss, "other masks (%d), same loss %g", i, loss);
    }
    close_net(&f);
}

/* Only one of the two kinds of dropout, so that neither hides behind the other.
 */
Test(model_steps, each_kind_of_dropout_draws_by_image_epoch_and_seed)
{
    static const char *const texts[] = { NET "[input_dropout]\nprobability=0.3\n" CONV(0, relu) HEAD,
                                         NET CONV(0, relu) "[dropout]\nprobability=0.4\n" CONV(0, relu) HEAD };
    for (int k = 0; k < 2; k++) {
        struct fixture f = open_net(texts[k], true, 2, PRECISION_F32);
        double loss = train_as(&f, (struct step){ .index = index_of });
        struct step others[] = { { .index = index_of, .epoch = 1 }, { .index = index_of, .seed = 1 }, { 0 } };
        for (int i = 0; i < 3; i++) {
            double other = train_as(&f, others[i]);
            cr_expect(fabs(other - loss) > 1e-4 * loss, "net %d: other masks (%d), same loss %g", k, i, loss);
        }
        close_net(&f);
    }
}

Test(model_steps, subdivisions_take_the_masks_of_their_own_images)
{
    struct fixture whole = open_net(NET DROPPING, true, 2, PRECISION_F32),
                   split = open_net(NET "subdivisions=3\n" DROPPING, true, 2, PRECISION_F32);
    double loss = train_as(&whole, (struct step){ .index = index_of }),
           parts = train_as(&split, (struct step){ .index = index_of });
    cr_expect(fabs(parts - loss) <= 1e-5 * loss, "loss %g, in three parts %g", loss, parts);
    close_net(&whole);
    close_net(&split);
}

/* All pixels 1, weights such that logit 0 is the mean of what dropout lets
 * through, the other logits 0. Label 0. */
static struct fixture open_mean(const char *text, bool training)
{
    struct fixture f = open_net(text, training, 2, PRECISION_F32);
    memset(f.values, 0, (size_t)f.cfg->stored * sizeof *f.values);
    for (int l = 0; l < f.cfg->n; l++) {
        struct weights_layout at = weights_layout(f.cfg, l);
        if (f.cfg->layers[l].kind == LAYER_CONVOLUTIONAL)
            for (int64_t i = 0; i < f.cfg->layers[l].weights; i++)
                f.values[at.weights + i] = 1.0f / 3; /* 1x1 over three channels */
        if (f.cfg->layers[l].kind == LAYER_CONNECTED)
            for (int i = 0; i < 16; i++)
                f.values[at.weights + i] = 1.0f / 16;
    }
    model_set_parameters(f.model, f.values);
    for (int i = 0; i < BATCH * PIXELS; i++)
        f.x[i] = 1;
    memset(f.label, 0, sizeof f.label);
    return f;
}
#define MEAN "[convolutional]\nfilters=16\nsize=1\nstride=1\npad=0\nactivation=linear\n"

/* Two layers in a row: had they the same mask, half instead of a quarter would
 * come through, and count four times. */
Test(model_steps, dropout_keeps_the_mean_and_draws_anew_in_every_layer)
{
    struct fixture f = open_mean(NET MEAN "[dropout]\nprobability=0.5\n[dropout]\nprobability=0.5\n" HEAD, true);
    double loss = train_as(&f, (struct step){ .index = index_of }) / BATCH, mean = -log((exp(loss) - 1) / 4);
    cr_expect(fabs(mean - 1) <= 0.1, "the mean of what two layers let through is %g", mean); /* 3 sigma: 0.05 */
    close_net(&f);
}

Test(model_steps, input_dropout_rescales_only_if_asked)
{
    static const struct {
        const char *text;
        double mean;
    } cases[] = { { NET "[input_dropout]\nprobability=0.3\nat_test=1\n" MEAN HEAD, 0.7 },
                  { NET "[input_dropout]\nprobability=0.3\nat_test=1\nrescale=1\n" MEAN HEAD, 1 },
                  { NET "[input_dropout]\nprobability=0.3\nrescale=1\n" MEAN HEAD, 1 } };
    for (int k = 0; k < 3; k++) {
        struct fixture f = open_mean(cases[k].text, false);
        struct err err;
        float z[BATCH * CLASSES];
        struct evaluation e = { .x = f.x, .n = BATCH, .samples = -1, .index = index_of };
        cr_assert(model_logits(f.model, &e, z, &err), "%s", err.text);
        double mean = 0;
        for (int i = 0; i < BATCH; i++)
            mean += z[i * CLASSES] / BATCH;
        cr_expect(fabs(mean - cases[k].mean) <= (k == 2 ? 1e-5 : 0.06), "case %d: mean %g", k, mean);
        cr_expect(k == 2 || fabs(mean - cases[k].mean) > 1e-5, "case %d: nothing was dropped", k);
        close_net(&f);
    }
}

static double mean_square(const float *v, int64_t n)
{
    return norm2(v, NULL, n) * norm2(v, NULL, n) / (double)n;
}

Test(model_steps, initial_parameters_have_the_variance_of_he_and_no_past)
{
    struct fixture f = open_net(NET CONV(1, relu) "[convolutional]\nfilters=16\nsize=3\nstride="
                                                  "1\npad=1\ngroups=4\n"
                                                  "activation=relu\n[connected]\noutput="
                                                  "5\nactivation=linear\n[softmax]\n",
                                true, 2, PRECISION_F32);
    static const double fan_in[] = { 9 * 3, 9 * 16 / 4, 16 * 144 };
    train(&f, BATCH, 0.1f);
    model_initialize(f.model, 3);
    model_get_parameters(f.model, f.values);
    for (int l = 0; l < 3; l++) {
        struct weights_layout at = weights_layout(f.cfg, l);
        double variance = 2 / fan_in[l] / (l == 2 ? 3 : 1); /* uniform in -+a has the variance a*a/3 */
        double got = mean_square(f.values + at.weights, f.cfg->layers[l].weights);
        cr_expect(fabs(got - variance) <= 0.25 * variance, "layer %d: variance %g instead of %g", l, got, variance);
        for (int i = 0; i < at.outputs; i++) {
            cr_expect_eq(f.values[at.biases + i], 0);
            cr_expect(l > 0 ||
                      (f.values[at.scales + i] == 1 && f.values[at.mean + i] == 0 && f.values[at.variance + i] == 1));
        }
    }
    model_get_momentum(f.model, f.values);
    cr_expect_eq(norm2(f.values, NULL, f.cfg->stored), 0, "momentum is left");
    close_net(&f);
}
