/* Evaluation mode: logits and input gradients. */
#include "darknet-ext/model_parts.h"
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* Images per call that evaluation programs are planned for. */
enum { EVALUATION_BATCH = 128 };

static bool prepare(struct model *m, struct evaluator *e, enum build_mode mode, struct err *err)
{
    enum storage storage = mode == BUILD_LOGITS && m->options.precision == PRECISION_BF16 ? STORAGE_BF16 : STORAGE_F32;
    if (!e->made) {
        if (!build_program(mode, &m->graph, &m->parameters, storage, EVALUATION_BATCH, m->options.threads, &e->program,
                           err) ||
            !parameters_bind_evaluation(&m->parameters, &e->program, m->options.threads, &e->packed, err) ||
            !model_prepare_workers(m, &e->program, err))
            return false;
        e->made = true;
        if (m->measured)
            program_measure(&e->program, m->options.threads);
    }
    if (!e->folded) {
        conv_thread_enter();
        parameters_fold(&m->parameters, &e->packed, m->workers[0].conv_thread);
        e->folded = true;
    }
    return true;
}

static const struct layer_cfg *input_dropout(const struct model *m)
{
    for (int i = 0; i < m->graph.n_input_layers; i++)
        if (m->cfg->layers[i].kind == LAYER_INPUT_DROPOUT)
            return &m->cfg->layers[i];
    return NULL;
}

/* Draws of input dropout that an evaluation averages; 0: dropout off. */
static int dropout_samples(const struct model *m, int asked)
{
    const struct layer_cfg *l = input_dropout(m);
    if (!l)
        return 0;
    return asked >= 0 ? asked : l->at_test ? l->samples : 0;
}

static void add_logits(float *sum, const float *z, size_t n, int sample, int samples)
{
    for (size_t i = 0; i < n; i++) {
        sum[i] = sample == 0 ? z[i] : sum[i] + z[i];
        if (sample == samples - 1)
            sum[i] /= (float)samples;
    }
}

bool model_logits(struct model *m, const struct evaluation *e, float *z, struct err *err)
{
    if (!prepare(m, &m->logits, BUILD_LOGITS, err))
        return false;
    int samples = dropout_samples(m, e->samples);
    size_t n = (size_t)e->n * m->cfg->classes;
    float *each = samples > 1 ? mem_alloc(n + 1, sizeof *each) : z;
    for (int s = 0; s < (samples > 1 ? samples : 1); s++) {
        struct request request = { .x = e->x,
                                   .n = e->n,
                                   .index = e->index,
                                   .seed = e->seed,
                                   .epoch = (uint32_t)s,
                                   .drop_input = samples > 0,
                                   .z = each,
                                   .cfg = m->cfg,
                                   .graph = &m->graph,
                                   .darknet = m->darknet };
        program_run(&m->logits.program, &request, m->team, m->workers);
        if (samples > 1)
            add_logits(z, each, n, s, samples);
    }
    if (each != z)
        free(each);
    return true;
}

/* dz[n,K] = gradient of the scalar at z. */
static void gradient_at_logits(const struct model *m, enum scalar scalar, const int *target, int n, const float *z,
                               float *dz)
{
    for (int i = 0; i < n; i++)
        scalar_gradient(scalar, z + (size_t)i * m->cfg->classes, m->cfg->classes, target[i],
                        dz + (size_t)i * m->cfg->classes);
}

static struct request gradient_request(struct model *m, const float *x, int n, float *g)
{
    return (struct request){ .x = x,
                             .n = n,
                             .drop_input = dropout_samples(m, -1) > 0,
                             .g = g,
                             .g_scale = 1,
                             .cfg = m->cfg,
                             .graph = &m->graph,
                             .darknet = m->darknet };
}

bool model_gradient_along(struct model *m, const float *x, int n, const float *dz, float scale, bool add, float *g,
                          struct err *err)
{
    if (!prepare(m, &m->gradient, BUILD_GRADIENT, err))
        return false;
    int samples = dropout_samples(m, -1), draws = samples > 1 ? samples : 1;
    struct request request = gradient_request(m, x, n, g);
    request.dz = dz;
    request.g_scale = scale / (float)draws;
    for (int s = 0; s < draws; s++) {
        request.epoch = (uint32_t)s;
        request.g_add = add || s > 0;
        program_run(&m->gradient.program, &request, m->team, m->workers);
    }
    return true;
}

/* Of the mean logits over several draws: first the mean, then every draw's gradient along the same direction. */
static bool gradient_of_mean(struct model *m, const float *x, int n, enum scalar scalar, const int *target, float *g,
                             float *z, struct err *err)
{
    size_t logits = (size_t)n * m->cfg->classes;
    float *mean = mem_alloc(logits * 2 + 1, sizeof *mean), *dz = mean + logits;
    struct evaluation e = { .x = x, .n = n, .samples = -1 };
    bool ok = model_logits(m, &e, mean, err);
    if (ok) {
        gradient_at_logits(m, scalar, target, n, mean, dz);
        if (z)
            memcpy(z, mean, logits * sizeof *z);
        ok = model_gradient_along(m, x, n, dz, 1, false, g, err);
    }
    free(mean);
    return ok;
}

bool model_gradient(struct model *m, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                    struct err *err)
{
    if (dropout_samples(m, -1) > 1)
        return gradient_of_mean(m, x, n, scalar, target, g, z, err);
    if (!prepare(m, &m->gradient, BUILD_GRADIENT, err))
        return false;
    struct request request = gradient_request(m, x, n, g);
    request.label = target;
    request.scalar = scalar;
    request.z = z;
    program_run(&m->gradient.program, &request, m->team, m->workers);
    return true;
}

static bool classify(void *self, const float *x, int n, float *z, struct err *err)
{
    struct evaluation e = { .x = x, .n = n, .samples = -1 };
    return model_logits(self, &e, z, err);
}

static bool differentiate(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                          struct err *err)
{
    return model_gradient(self, x, n, scalar, target, g, z, err);
}

struct classifier model_classifier(struct model *m)
{
    return (struct classifier){ m,        m->cfg->c,    m->cfg->h, m->cfg->w, m->cfg->classes, EVALUATION_BATCH,
                                classify, differentiate };
}
