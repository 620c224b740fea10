/* What a caller of the engine may rely on: determinism, independence of threads and batch, untouched state, precision,
 * failure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "darknet-ext/weights.h"
#include "tests/model_fixture.h"

TestSuite(model_modes, .timeout = 300);

static void logits(struct fixture *f, const float *x, int n, int samples, float *z)
{
    static const int64_t index[BATCH] = { 0, 1, 2, 3, 4, 5 };
    struct err err;
    struct evaluation e = { .x = x, .n = n, .samples = samples, .index = index };
    cr_assert(model_logits(f->model, &e, z, &err), "%s", err.text);
}

static uint64_t hash_after_steps(const char *text, int threads, enum precision precision, int steps)
{
    struct fixture f = open_net(text, true, threads, precision);
    uint64_t before = model_state_hash(f.model);
    for (int i = 0; i < steps; i++)
        train(&f, BATCH, 0.05f);
    uint64_t after = model_state_hash(f.model);
    cr_assert(before != after, "training changed nothing");
    close_net(&f);
    return after;
}

Test(model_modes, training_gives_the_same_bits_again_and_with_any_number_of_threads)
{
    for (int k = 0; k < n_nets; k++) {
        uint64_t one = hash_after_steps(nets[k].text, 1, PRECISION_F32, 3);
        for (int threads = 1; threads <= 4; threads++)
            cr_expect(hash_after_steps(nets[k].text, threads, PRECISION_F32, 3) == one, "%s: %d threads", nets[k].name,
                      threads);
    }
}

Test(model_modes, prediction_and_input_gradients_change_no_state)
{
    for (int k = 0; k < n_nets; k++) {
        struct fixture f = open_net(nets[k].text, true, 2, PRECISION_F32);
        float z[BATCH * CLASSES], g[BATCH * PIXELS];
        struct err err;
        train(&f, BATCH, 0.05f);
        uint64_t before = model_state_hash(f.model);
        logits(&f, f.x, BATCH, -1, z);
        cr_assert(model_gradient(f.model, f.x, BATCH, SCALAR_MARGIN, f.label, g, z, &err), "%s", err.text);
        cr_expect(model_state_hash(f.model) == before, "%s", nets[k].name);
        train(&f, BATCH, 0.05f);
        cr_expect(model_state_hash(f.model) != before, "%s: the hash does not see a step", nets[k].name);
        close_net(&f);
    }
}

Test(model_modes, an_image_alone_gives_what_it_gives_in_a_batch)
{
    for (int k = 0; k < n_nets; k++) {
        struct fixture f = open_net(nets[k].text, false, 2, PRECISION_F32);
        float z[BATCH * CLASSES], g[BATCH * PIXELS], z1[CLASSES], g1[PIXELS];
        struct err err;
        cr_assert(model_gradient(f.model, f.x, BATCH, SCALAR_MARGIN, f.label, g, z, &err), "%s", err.text);
        for (int i = 0; i < BATCH; i++) {
            cr_assert(model_gradient(f.model, f.x + i * PIXELS, 1, SCALAR_MARGIN, f.label + i, g1, z1, &err), "%s",
                      err.text);
            cr_expect(!memcmp(g1, g + i * PIXELS, sizeof g1) && !memcmp(z1, z + i * CLASSES, sizeof z1), "%s: image %d",
                      nets[k].name, i);
        }
        cr_expect(norm2(g, NULL, PIXELS) > 1e-6 && norm2(g, g + PIXELS, PIXELS) > 1e-6, "%s: gradients all alike",
                  nets[k].name);
        close_net(&f);
    }
}

/* Images large enough that the layers take them in parts of different sizes. */
Test(model_modes, a_batch_that_goes_through_in_parts_gives_what_its_images_give_alone)
{
    enum { IMAGES = 16, FLOATS = 3 * 32 * 32, K = 6 };
    static float x[IMAGES * FLOATS], g[IMAGES * FLOATS], one[FLOATS];
    static const int target[IMAGES];
    struct model_options options = { .threads = 2 };
    struct net_cfg *cfg;
    struct model *model;
    struct err err;
    float z[IMAGES * K], z1[K];

    cr_assert(cfg_read("cfg/planted.cfg", &cfg, &err) && model_open(cfg, &options, &model, &err), "%s", err.text);
    model_initialize(model, 1);
    for (int i = 0; i < IMAGES * FLOATS; i++)
        x[i] = (float)(i * 7919LL % 1009) / 1009;
    cr_assert(model_gradient(model, x, IMAGES, SCALAR_MARGIN, target, g, z, &err), "%s", err.text);
    for (int i = 0; i < IMAGES; i++) {
        cr_assert(model_gradient(model, x + i * FLOATS, 1, SCALAR_MARGIN, target, one, z1, &err), "%s", err.text);
        cr_expect(!memcmp(one, g + i * FLOATS, sizeof one) && !memcmp(z1, z + i * K, sizeof z1), "image %d", i);
        cr_expect(norm2(one, NULL, FLOATS) > 1e-6, "image %d has no gradient", i);
    }
    model_close(model);
    cfg_free(cfg);
}

/* Logits, then the input gradient behind them. */
static void predict(struct fixture *f, float *z, float *g)
{
    struct err err;
    logits(f, f->x, BATCH, -1, z);
    cr_assert(model_gradient(f->model, f->x, BATCH, SCALAR_MARGIN, f->label, g, NULL, &err), "%s", err.text);
}

Test(model_modes, a_model_in_training_predicts_as_one_opened_for_prediction)
{
    for (int k = 0; k < n_nets; k++) {
        struct fixture a = open_net(nets[k].text, true, 2, PRECISION_F32),
                       b = open_net(nets[k].text, false, 1, PRECISION_F32);
        float za[BATCH * CLASSES], zb[BATCH * CLASSES], ga[BATCH * PIXELS], gb[BATCH * PIXELS];
        predict(&a, za, ga); /* makes the copies of the parameters that training must invalidate, */
        predict(&b, zb, gb); /* and new parameters too */
        train(&a, BATCH, 0.05f);
        model_get_parameters(a.model, a.values);
        model_set_parameters(b.model, a.values);
        predict(&a, za, ga);
        predict(&b, zb, gb);
        cr_expect(!memcmp(za, zb, sizeof za), "%s", nets[k].name);
        cr_expect(!memcmp(ga, gb, sizeof ga), "%s: gradients", nets[k].name);
        close_net(&a);
        close_net(&b);
    }
}

Test(model_modes, every_instruction_set_gives_the_same_logits_and_gradients)
{
    static const char *const isas[] = { "avx2", "portable" };
    for (int k = 0; k < n_nets; k++) {
        struct fixture f = open_net(nets[k].text, true, 2, PRECISION_F32);
        float z[BATCH * CLASSES], z2[BATCH * CLASSES];
        logits(&f, f.x, BATCH, -1, z);
        train(&f, BATCH, 0);
        float *g = mem_alloc((size_t)f.cfg->stored, sizeof *g), *g2 = mem_alloc((size_t)f.cfg->stored, sizeof *g2);
        model_get_momentum(f.model, g);
        for (int i = 0; i < 2; i++) {
            setenv("MARGINALIA_ISA", isas[i], 1);
            struct fixture f2 = open_net(nets[k].text, true, 2, PRECISION_F32);
            unsetenv("MARGINALIA_ISA");
            logits(&f2, f.x, BATCH, -1, z2);
            CHECK_CLOSE(nets[k].name, z2, z, BATCH * CLASSES, 1e-4);
            train(&f2, BATCH, 0);
            model_get_momentum(f2.model, g2);
            CHECK_CLOSE(nets[k].name, g2, g, f.cfg->stored, 1e-3);
            close_net(&f2);
        }
        free(g);
        free(g2);
        close_net(&f);
    }
}

Test(model_modes, bf16_follows_f32)
{
    struct fixture f = open_net(net_text("option A shortcut"), true, 2, PRECISION_F32);
    float z[BATCH * CLASSES], z16[BATCH * CLASSES];
    struct err err;
    struct model_options options = { .threads = 2, .precision = PRECISION_BF16, .training = true };
    struct model *probe;
    if (!model_open(f.cfg, &options, &probe, &err)) {
        cr_assert_eq(err.status, EXIT_USAGE);
        cr_assert(strstr(err.text, "precision=f32"), "%s", err.text);
        close_net(&f);
        return;
    }
    model_close(probe);
    struct fixture f16 = open_net(net_text("option A shortcut"), true, 2, PRECISION_BF16);
    logits(&f, f.x, BATCH, -1, z);
    logits(&f16, f.x, BATCH, -1, z16);
    CHECK_CLOSE("logits", z16, z, BATCH * CLASSES, 2e-2);
    cr_expect(memcmp(z, z16, sizeof z), "bf16 is f32");
    double loss = train(&f, BATCH, 0), loss16 = train(&f16, BATCH, 0);
    cr_expect(fabs(loss - loss16) <= 2e-2 * loss, "loss %g in f32, %g in bf16", loss, loss16);
    float *g = mem_alloc((size_t)f.cfg->stored, sizeof *g), *g16 = mem_alloc((size_t)f.cfg->stored, sizeof *g16);
    model_get_momentum(f.model, g);
    model_get_momentum(f16.model, g16);
    CHECK_CLOSE("gradient", g16, g, f.cfg->stored,
                0.25); /* signs of small pre-activations flip; the same size as PyTorch's autocast */
    free(g);
    free(g16);
    close_net(&f);
    close_net(&f16);
}

/* Replaces "batch=6\nsubdivisions=1" of a fixture text. */
static char *with_batch(const char *text, const char *replacement)
{
    const char *old = "batch=6\nsubdivisions=1";
    const char *at = strstr(text, old);
    cr_assert(at);
    return mem_format("%.*s%s%s", (int)(at - text), text, replacement, at + strlen(old));
}

Test(model_modes, subdivisions_add_up_to_the_whole_batch)
{
    const char *text =
        net_text("conv with bias, leaky, odd channels"); /* no batch norm, so passes do not influence each other */
    char *split = with_batch(text, "batch=6\nsubdivisions=3");
    struct fixture whole = open_net(text, true, 2, PRECISION_F32), parts = open_net(split, true, 2, PRECISION_F32);
    cr_expect_float_eq(train(&parts, BATCH, 0.1f), train(&whole, BATCH, 0.1f), 1e-4);
    float *a = mem_alloc((size_t)whole.cfg->stored, sizeof *a), *b = mem_alloc((size_t)whole.cfg->stored, sizeof *b);
    model_get_momentum(whole.model, a);
    model_get_momentum(parts.model, b);
    CHECK_CLOSE("gradient", b, a, whole.cfg->stored, 1e-4);
    free(a);
    free(b);
    free(split);
    close_net(&whole);
    close_net(&parts);
}

/* One step of n images that starts without momentum, so that it leaves the gradient there; returns the loss. */
static double gradient_of(struct fixture *f, int n, float *g)
{
    memset(g, 0, (size_t)f->cfg->stored * sizeof *g);
    model_set_momentum(f->model, g);
    double loss = train(f, n, 0);
    model_get_momentum(f->model, g);
    return loss;
}

/* A batch of 24 goes in chunks of up to four images, so that of five the last shares a chunk with padding; a batch of
 * five goes image by image. The padding holds an image of the step before, then what a NaN left behind. */
Test(model_modes, a_partial_batch_is_a_smaller_batch)
{
    for (int k = 0; k < n_nets; k++) {
        char *text = with_batch(nets[k].text, "batch=24\nsubdivisions=1"),
             *small_text = with_batch(nets[k].text, "batch=5\nsubdivisions=1");
        struct fixture large = open_net(text, true, 2, PRECISION_F32),
                       small = open_net(small_text, true, 2, PRECISION_F32);
        size_t n = (size_t)large.cfg->stored;
        float *a = mem_alloc(n, sizeof *a), *b = mem_alloc(n, sizeof *b);
        double loss = gradient_of(&small, 5, b);
        train(&large, BATCH, 0);
        cr_expect(fabs(gradient_of(&large, 5, a) - loss) <= 1e-5 * loss, "%s", nets[k].name);
        CHECK_CLOSE(nets[k].name, a, b, large.cfg->stored, 1e-4);
        for (int i = 0; i < PIXELS; i++)
            large.x[5 * PIXELS + i] = NAN;
        struct step step = { .x = large.x, .label = large.label, .n = BATCH };
        struct err err;
        cr_expect_not(model_train_step(large.model, &step, &err), "%s: a NaN went unnoticed", nets[k].name);
        cr_expect(fabs(gradient_of(&large, 5, a) - loss) <= 1e-5 * loss, "%s: after a NaN", nets[k].name);
        CHECK_CLOSE(nets[k].name, a, b, large.cfg->stored, 1e-4);
        free(a);
        free(b);
        free(text);
        free(small_text);
        close_net(&large);
        close_net(&small);
    }
}

Test(model_modes, a_loss_that_is_not_finite_changes_nothing_and_says_what_to_do)
{
    struct fixture f = open_net(net_text("conv with batch norm, relu"), true, 2, PRECISION_F32);
    struct err err;
    train(&f, BATCH, 0.01f);
    uint64_t before = model_state_hash(f.model);
    f.x[100] = NAN;
    struct step step = { .x = f.x, .label = f.label, .n = BATCH, .learning_rate = 0.1f, .steps_done = 5 };
    cr_assert_not(model_train_step(f.model, &step, &err), "a NaN went unnoticed: loss %g", step.loss);
    cr_expect_eq(err.status, EXIT_CANNOT_RUN);
    cr_expect(strstr(err.text, "learning_rate"), "%s", err.text);
    cr_expect(model_state_hash(f.model) == before);
    close_net(&f);
}

Test(model_modes, momentum_and_parameters_survive_a_round_trip)
{
    for (int k = 0; k < n_nets; k++) {
        struct fixture f = open_net(nets[k].text, true, 2, PRECISION_F32),
                       g = open_net(nets[k].text, true, 1, PRECISION_F32);
        train(&f, BATCH, 0.05f);
        float *v = mem_alloc((size_t)f.cfg->stored, sizeof *v);
        model_get_parameters(f.model, f.values);
        model_get_momentum(f.model, v);
        model_set_parameters(g.model, f.values);
        model_set_momentum(g.model, v);
        cr_expect(model_state_hash(f.model) == model_state_hash(g.model), "%s", nets[k].name);
        v[weights_layout(f.cfg, f.cfg->n - 2).weights] += 1;
        model_set_momentum(g.model, v);
        cr_expect(model_state_hash(f.model) != model_state_hash(g.model), "%s: other momentum", nets[k].name);
        model_get_momentum(f.model, v);
        model_set_momentum(g.model, v);
        train(&f, BATCH, 0.05f);
        train(&g, BATCH, 0.05f);
        cr_expect(model_state_hash(f.model) == model_state_hash(g.model), "%s: after a further step", nets[k].name);
        free(v);
        close_net(&f);
        close_net(&g);
    }
}

Test(model_modes, input_dropout_draws_by_image_and_sample_and_averages_logits)
{
    const char *text =
        "[net]\nbatch=6\nheight=12\nwidth=12\nchannels=3\nlearning_rate=0.1\nepochs=1\n[input_dropout]\nprobability=0."
        "3\n"
        "[convolutional]\nbatch_normalize=1\nfilters=16\nsize=3\nstride=1\npad=1\nactivation=relu\n[avgpool]\n"
        "[connected]\noutput=5\nactivation=linear\n[softmax]\n";
    struct fixture f = open_net(text, false, 2, PRECISION_F32);
    float off[BATCH * CLASSES], one[BATCH * CLASSES], again[BATCH * CLASSES], eight[BATCH * CLASSES];
    logits(&f, f.x, BATCH, -1, off);
    logits(&f, f.x, BATCH, 0, again);
    cr_expect(!memcmp(off, again, sizeof off), "drops without at_test");
    logits(&f, f.x, BATCH, 1, one);
    logits(&f, f.x, BATCH, 1, again);
    logits(&f, f.x, BATCH, 8, eight);
    cr_expect(!memcmp(one, again, sizeof one), "the draws are not repeatable");
    cr_expect(norm2(off, one, BATCH * CLASSES) > 1e-4 && norm2(eight, one, BATCH * CLASSES) > 1e-4,
              "nothing was dropped");
    float same[2 * PIXELS], z[2 * CLASSES];
    memcpy(same, f.x, PIXELS * sizeof *same);
    memcpy(same + PIXELS, f.x, PIXELS * sizeof *same);
    logits(&f, same, 2, 1, z);
    cr_expect(norm2(z, z + CLASSES, CLASSES) > 1e-4, "two images share their mask");
    static const int64_t fourth = 3;
    struct evaluation e = { .x = f.x + 3 * PIXELS, .n = 1, .samples = 1, .index = &fourth };
    struct err err;
    cr_assert(model_logits(f.model, &e, z, &err), "%s", err.text);
    cr_expect(!memcmp(z, one + 3 * CLASSES, CLASSES * sizeof *z), "the mask depends on the place in the batch");
    e.seed = 1;
    cr_assert(model_logits(f.model, &e, z, &err), "%s", err.text);
    cr_expect(norm2(z, one + 3 * CLASSES, CLASSES) > 1e-4, "two seeds share a mask");
    close_net(&f);
}
