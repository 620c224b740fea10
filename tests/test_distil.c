/* A teacher beside the labels: the loss, its gradient, and what must stay as it was. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "tests/model_fixture.h"

TestSuite(distil, .timeout = 300);

#define NET "[net]\nbatch=6\nheight=12\nwidth=12\nchannels=3\nlearning_rate=0.1\nmomentum=0.9\ndecay=0\nepochs=1\n"
#define BODY                                                                                                           \
    "[convolutional]\nbatch_normalize=1\nfilters=16\nsize=3\nstride=1\npad=1\nactivation=relu\n[avgpool]\n"            \
    "[connected]\noutput=5\nactivation=linear\n[softmax]\n"
/* The same logits in training and in evaluation mode. */
#define PLAIN                                                                                                          \
    "[convolutional]\nfilters=16\nsize=3\nstride=1\npad=1\nactivation=relu\n[avgpool]\n"                               \
    "[connected]\noutput=5\nactivation=linear\n[softmax]\n"

static struct fixture open_student(const char *keys, const char *body, float teacher[BATCH * CLASSES])
{
    char *text = mem_format(NET "%s"
                                "%s",
                            keys, body);
    struct fixture f = open_net(text, true, 2, PRECISION_F32);
    struct rng r = rng_stream(11, RNG_TEST, 0, 0);
    for (int i = 0; i < BATCH * CLASSES; i++)
        teacher[i] = 3 * rng_normal(&r);
    free(text);
    return f;
}

static double follow(struct fixture *f, const float *teacher, int n, float rate)
{
    struct err err;
    struct step step = { .x = f->x, .label = f->label, .teacher = teacher, .n = n, .learning_rate = rate };
    cr_assert(model_train_step(f->model, &step, &err), "%s", err.text);
    return step.loss;
}

static void log_softmax(const float *z, double t, double *out)
{
    double most = -INFINITY, sum = 0;
    for (int c = 0; c < CLASSES; c++)
        most = fmax(most, z[c] / t);
    for (int c = 0; c < CLASSES; c++)
        sum += exp(z[c] / t - most);
    for (int c = 0; c < CLASSES; c++)
        out[c] = z[c] / t - most - log(sum);
}

/* Of one image, as Hinton et al. (2015) write it. */
static double loss_by_definition(const float *z, const float *teacher, int label, double w, double t)
{
    double p[CLASSES], p_t[CLASSES], q_t[CLASSES], kl = 0;
    log_softmax(z, 1, p);
    log_softmax(z, t, p_t);
    log_softmax(teacher, t, q_t);
    for (int c = 0; c < CLASSES; c++)
        kl += exp(q_t[c]) * (q_t[c] - p_t[c]);
    return -(1 - w) * p[label] + w * t * t * kl;
}

/* One image has a logit far out on both sides: exp() of it must not overflow. */
Test(distil, the_loss_is_that_of_labels_and_of_the_softened_teacher)
{
    static const struct {
        const char *keys;
        double w, t;
    } cases[] = {
        { "", 0.9, 4 },
        { "distill_weight=0.25\ndistill_temperature=1\n", 0.25, 1 },
        { "distill_weight=1\ndistill_temperature=0.5\n", 1, 0.5 },
    };
    enum { USED = 4 }; /* less than the batch */
    for (int k = 0; k < 3; k++) {
        float teacher[BATCH * CLASSES], z[BATCH * CLASSES];
        struct fixture f = open_student(cases[k].keys, PLAIN, teacher);
        struct evaluation e = { .x = f.x, .n = USED, .samples = -1 };
        struct err err;
        teacher[2] = 800;
        cr_assert(model_logits(f.model, &e, z, &err), "%s", err.text);
        double wanted = 0;
        for (int i = 0; i < USED; i++)
            wanted += loss_by_definition(z + i * CLASSES, teacher + i * CLASSES, f.label[i], cases[k].w, cases[k].t);
        double loss = follow(&f, teacher, USED, 0);
        cr_expect(fabs(loss - wanted) <= 1e-5 * wanted, "case %d: loss %g instead of %g", k, loss, wanted);
        close_net(&f);
    }
}

static double loss_along(struct fixture *f, const float *teacher, const float *d, float h)
{
    float *moved = mem_alloc((size_t)f->cfg->stored, sizeof *moved);
    for (int64_t i = 0; i < f->cfg->stored; i++)
        moved[i] = f->values[i] + h * d[i];
    model_set_parameters(f->model, moved);
    free(moved);
    return follow(f, teacher, BATCH, 0) / BATCH;
}

static void gradient_is_the_slope(const char *keys)
{
    float teacher[BATCH * CLASSES];
    struct fixture f = open_student(keys, BODY, teacher);
    size_t n = (size_t)f.cfg->stored;
    float *g = mem_alloc(n, sizeof *g), *d = mem_alloc(n, sizeof *d), h = 4e-3f;
    follow(&f, teacher, BATCH, 0);
    model_get_momentum(f.model, g);
    for (int64_t l = 0, from = 0; l < f.cfg->n; from += f.cfg->layers[l++].stored) {
        int64_t stored = f.cfg->layers[l].stored;
        double size = norm2(g + from, NULL, stored);
        if (!stored)
            continue;
        cr_assert(size > 1e-4, "%s: layer %d has no gradient", keys, (int)l);
        memset(d, 0, n * sizeof *d);
        for (int64_t i = from; i < from + stored; i++)
            d[i] = (float)(g[i] / size);
        double slope = (loss_along(&f, teacher, d, h) - loss_along(&f, teacher, d, -h)) / (2.0 * h);
        cr_expect(fabs(slope - size) <= 0.03 * size, "%s: layer %d: slope %g, gradient %g", keys, (int)l, slope, size);
    }
    free(g);
    free(d);
    close_net(&f);
}

Test(distil, the_gradient_agrees_with_central_differences)
{
    gradient_is_the_slope("");
    gradient_is_the_slope("distill_weight=1\ndistill_temperature=1\n");
    gradient_is_the_slope("distill_weight=0.5\ndistill_temperature=20\n");
}

Test(distil, weight_0_is_plain_training_bit_for_bit)
{
    float teacher[BATCH * CLASSES];
    struct fixture with = open_student("distill_weight=0\n", BODY, teacher), plain = open_student("", BODY, teacher),
                   other = open_student("distill_weight=0.01\n", BODY, teacher);
    for (int i = 0; i < 3; i++) {
        double loss = follow(&plain, NULL, BATCH, 0.1f);
        cr_expect(follow(&with, teacher, BATCH, 0.1f) == loss);
        follow(&other, teacher, BATCH, 0.1f);
    }
    cr_expect(model_state_hash(with.model) == model_state_hash(plain.model));
    cr_expect(model_state_hash(other.model) != model_state_hash(plain.model), "the teacher is not heard");
    close_net(&with);
    close_net(&plain);
    close_net(&other);
}

Test(distil, a_student_that_equals_its_teacher_learns_nothing_from_it)
{
    float teacher[BATCH * CLASSES], far[BATCH * CLASSES];
    struct fixture f = open_student("distill_weight=1\n", PLAIN, far);
    struct evaluation e = { .x = f.x, .n = BATCH, .samples = -1 };
    struct err err;
    size_t n = (size_t)f.cfg->stored;
    float *g = mem_alloc(n, sizeof *g);
    cr_assert(model_logits(f.model, &e, teacher, &err), "%s", err.text);
    double much = follow(&f, far, BATCH, 0);
    model_get_momentum(f.model, g);
    double steep = norm2(g, NULL, f.cfg->stored);
    memset(g, 0, n * sizeof *g);
    model_set_momentum(f.model, g);
    double none = follow(&f, teacher, BATCH, 0);
    model_get_momentum(f.model, g);
    double flat = norm2(g, NULL, f.cfg->stored);
    cr_expect(fabs(none) <= 1e-6 * much, "loss %g, from another teacher %g", none, much);
    cr_expect(flat <= 1e-5 * steep, "gradient %g, from another teacher %g", flat, steep);
    free(g);
    close_net(&f);
}

Test(distil, subdivisions_take_the_answers_to_their_own_images)
{
    float teacher[BATCH * CLASSES], turned[BATCH * CLASSES];
    struct fixture whole = open_student("", PLAIN, teacher), split = open_student("subdivisions=3\n", PLAIN, teacher);
    double loss = follow(&whole, teacher, BATCH, 0), parts = follow(&split, teacher, BATCH, 0);
    cr_expect(fabs(parts - loss) <= 1e-5 * loss, "loss %g, in three parts %g", loss, parts);
    for (int i = 0; i < BATCH; i++)
        memcpy(turned + i * CLASSES, teacher + (i + 2) % BATCH * CLASSES, CLASSES * sizeof *turned);
    parts = follow(&split, turned, BATCH, 0);
    cr_expect(fabs(parts - loss) > 1e-3 * loss, "whose answers they are does not matter");
    close_net(&whole);
    close_net(&split);
}
