#include "darknet-ext/model.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "darknet-ext/build.h"
#include "darknet-ext/dn.h"

/* Images per call that evaluation programs are planned for. */
enum { EVALUATION_BATCH = 128 };

/* A program of evaluation mode, made when first asked for. */
struct evaluator {
    bool made, folded; /* folded: its packed weights are those of the parameters */
    struct program program;
    struct packed_list packed;
};

struct model {
    const struct net_cfg *cfg;
    struct model_options options;
    struct graph graph;
    struct parameters parameters;
    struct team *team;
    struct worker *workers; /* [options.threads] */
    struct program train;
    struct evaluator logits, gradient;
    double *loss; /* [cfg->batch] */
    int *correct;
    float *statistics_before;
};

static bool prepare_workers(struct model *m, const struct program *p, struct err *err)
{
    size_t scratch = program_scratch_bytes(p);
    for (int t = 0; t < m->options.threads; t++) {
        struct worker *w = &m->workers[t];
        if (p->local_bytes > w->arena_bytes) {
            mem_big_free(w->arena, w->arena_bytes, 1);
            w->arena = mem_big(w->arena_bytes = p->local_bytes, 1);
        }
        if (!w->conv_thread || scratch > w->scratch_bytes) {
            conv_thread_free(w->conv_thread);
            w->conv_thread = NULL;
            w->scratch_bytes = scratch;
            if (!conv_thread_new(&w->conv_thread, scratch, err))
                return false;
        }
    }
    return true;
}

/* What a worker has whatever the program. */
static bool make_workers(struct model *m, struct err *err)
{
    size_t image = 0;
    for (int i = 0; i < m->graph.n; i++) {
        const struct graph_node *node = &m->graph.nodes[i];
        size_t n = ((size_t)node->c + 16) * (size_t)node->h * (size_t)node->w;
        image = n > image ? n : image;
    }
    m->workers = mem_alloc((size_t)m->options.threads, sizeof *m->workers);
    for (int t = 0; t < m->options.threads; t++) {
        struct worker *w = &m->workers[t];
        w->coefficients = mem_alloc(m->parameters.coefficients + 1, sizeof *w->coefficients);
        w->scratch = mem_alloc(2 * image, sizeof *w->scratch);
        w->scratch_half = image;
        w->darknet = mem_alloc((size_t)m->graph.n, sizeof(struct dn_network *));
        for (int i = 0; i < m->graph.n; i++)
            if (m->graph.nodes[i].kind == NODE_DARKNET &&
                !dn_open_layer(m->cfg, m->graph.nodes[i].layer, 1, &w->darknet[i], err))
                return false;
    }
    return true;
}

static void free_worker(struct worker *w, int n_nodes)
{
    for (int i = 0; w->darknet && i < n_nodes; i++)
        dn_close(w->darknet[i]);
    free(w->darknet);
    conv_thread_free(w->conv_thread);
    mem_big_free(w->arena, w->arena_bytes, 1);
    free(w->coefficients);
    free(w->scratch);
}

static bool open_training(struct model *m, struct err *err)
{
    enum storage storage = m->options.precision == PRECISION_BF16 ? STORAGE_BF16 : STORAGE_F32;
    int batch = m->cfg->batch / m->cfg->subdivisions;
    m->loss = mem_alloc((size_t)m->cfg->batch, sizeof *m->loss);
    m->correct = mem_alloc((size_t)m->cfg->batch, sizeof *m->correct);
    m->statistics_before = mem_alloc(m->parameters.statistics_floats + 1, sizeof(float));
    return build_program(BUILD_TRAINING, &m->graph, &m->parameters, storage, batch, m->options.threads, &m->train,
                         err) &&
           parameters_bind_training(&m->parameters, &m->train, m->options.threads, m->cfg->subdivisions > 1, err) &&
           prepare_workers(m, &m->train, err);
}

bool model_open(const struct net_cfg *cfg, const struct model_options *options, struct model **out, struct err *err)
{
    if (options->precision == PRECISION_BF16 && !conv_has_bf16())
        return err_usage(err, "%s: precision=bf16 needs a CPU with AVX-512 (this one has %s); use precision=f32",
                         cfg->path, conv_isa());
    struct model *m = mem_alloc(1, sizeof *m);
    m->cfg = cfg;
    m->options = *options;
    bool ok = dn_check(cfg, err) && graph_build(cfg, kernels_select()->block, &m->graph, err) &&
              team_new(options->threads, true, &m->team, err);
    if (ok) {
        parameters_describe(&m->parameters, cfg, &m->graph, kernels_select());
        ok = make_workers(m, err) && (options->training ? open_training(m, err) : prepare_workers(m, &m->train, err));
    }
    if (ok)
        *out = m;
    else
        model_close(m);
    return ok;
}

static void free_evaluator(struct evaluator *e)
{
    program_free(&e->program);
    packed_list_free(&e->packed);
}

void model_close(struct model *m)
{
    if (!m)
        return;
    program_free(&m->train);
    free_evaluator(&m->logits);
    free_evaluator(&m->gradient);
    for (int t = 0; m->workers && t < m->options.threads; t++)
        free_worker(&m->workers[t], m->graph.n);
    free(m->workers);
    if (m->parameters.cfg)
        parameters_free(&m->parameters);
    graph_free(&m->graph);
    team_free(m->team);
    free(m->loss);
    free(m->correct);
    free(m->statistics_before);
    free(m);
}

/* ---- parameters ---- */

static void repack_member(void *arg, int member, int size)
{
    struct model *m = arg;
    conv_thread_enter();
    parameters_repack(&m->parameters, m->workers[member].conv_thread, member, size);
}

static void parameters_changed(struct model *m)
{
    m->logits.folded = m->gradient.folded = false;
    if (m->options.training)
        team_run(m->team, repack_member, m);
}

void model_get_parameters(const struct model *m, float *values)
{
    conv_thread_enter();
    parameters_get(&m->parameters, false, values, m->workers[0].conv_thread);
}

void model_set_parameters(struct model *m, const float *values)
{
    conv_thread_enter();
    parameters_set(&m->parameters, false, values, m->workers[0].conv_thread);
    parameters_changed(m);
}

void model_get_momentum(const struct model *m, float *values)
{
    conv_thread_enter();
    parameters_get(&m->parameters, true, values, m->workers[0].conv_thread);
}

void model_set_momentum(struct model *m, const float *values)
{
    conv_thread_enter();
    parameters_set(&m->parameters, true, values, m->workers[0].conv_thread);
}

static void initialize_layer(const struct net_cfg *cfg, int i, uint64_t seed, float *values)
{
    const struct layer_cfg *l = &cfg->layers[i];
    struct weights_layout at = weights_layout(cfg, i);
    struct rng rng = rng_stream(seed, RNG_INIT, 0, (uint32_t)i);
    for (int k = 0; k < at.outputs; k++) {
        if (at.scales >= 0)
            values[at.scales + k] = 1;
        if (at.variance >= 0)
            values[at.variance + k] = 1;
    }
    float fan_in = l->kind == LAYER_CONNECTED ? (float)l->c * l->h * l->w
                                              : (float)l->size * l->size * l->c / (l->groups ? l->groups : 1);
    for (int64_t k = 0; k < l->weights && at.weights >= 0; k++)
        values[at.weights + k] = l->kind == LAYER_CONNECTED ? (2 * rng_unit(&rng) - 1) * sqrtf(2 / fan_in)
                                                            : rng_normal(&rng) * sqrtf(2 / fan_in);
}

void model_initialize(struct model *m, uint64_t seed)
{
    float *values = mem_alloc((size_t)m->cfg->stored + 1, sizeof *values);
    model_set_momentum(m, values);
    for (int i = 0; i < m->cfg->n; i++)
        initialize_layer(m->cfg, i, seed, values);
    model_set_parameters(m, values);
    free(values);
}

/* FNV-1a over 32-bit words. */
static uint64_t hash_floats(uint64_t h, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, &x[i], sizeof word);
        h = (h ^ word) * 0x100000001b3u;
    }
    return h;
}

uint64_t model_state_hash(const struct model *m)
{
    float *values = mem_alloc((size_t)m->cfg->stored + 1, sizeof *values);
    model_get_parameters(m, values);
    uint64_t h = hash_floats(0xcbf29ce484222325u, values, m->cfg->stored);
    model_get_momentum(m, values);
    h = hash_floats(h, values, m->cfg->stored);
    free(values);
    return h;
}

/* ---- training ---- */

struct update {
    struct model *m;
    int n; /* images of the pass */
    bool accumulate, first, step;
    struct sgd_step sgd;
};

static void update_member(void *arg, int member, int size)
{
    const struct update *u = arg;
    conv_thread_enter();
    if (u->accumulate)
        parameters_accumulate(&u->m->parameters, &u->m->train, u->n, u->first, member, size);
    if (u->step) {
        parameters_step(&u->m->parameters, &u->m->train, u->n, &u->sgd, member, size);
        team_barrier(u->m->team);
        parameters_repack(&u->m->parameters, u->m->workers[member].conv_thread, member, size);
    }
}

static struct request training_request(struct model *m, const struct step *step, int first, int n)
{
    size_t image = (size_t)m->cfg->c * m->cfg->h * m->cfg->w;
    return (struct request){ .x = step->x + (size_t)first * image,
                             .n = n,
                             .label = step->label + first,
                             .index = step->index ? step->index + first : NULL,
                             .seed = step->seed,
                             .epoch = (uint32_t)step->epoch,
                             .training = true,
                             .drop_input = true,
                             .label_smoothing = m->cfg->label_smoothing,
                             .loss_scale = 1.0f / (float)step->n,
                             .loss = m->loss + first,
                             .correct = m->correct + first,
                             .cfg = m->cfg,
                             .graph = &m->graph };
}

static bool finish_step(struct model *m, struct step *step, struct err *err)
{
    step->loss = 0;
    step->correct = 0;
    for (int i = 0; i < step->n; i++) {
        step->loss += m->loss[i];
        step->correct += m->correct[i];
    }
    if (isfinite(step->loss))
        return true;
    memcpy(m->parameters.statistics, m->statistics_before, m->parameters.statistics_floats * sizeof(float));
    return err_run(err, "%s: the loss is not finite after %lld steps; lower learning_rate (now %g) or add warmup",
                   m->cfg->path, (long long)step->steps_done, (double)step->learning_rate);
}

bool model_train_step(struct model *m, struct step *step, struct err *err)
{
    int each = m->cfg->batch / m->cfg->subdivisions, passes = (step->n + each - 1) / each;
    assert(m->options.training && step->n >= 1 && step->n <= m->cfg->batch);
    memcpy(m->statistics_before, m->parameters.statistics, m->parameters.statistics_floats * sizeof(float));
    struct update update = { .m = m,
                             .accumulate = m->cfg->subdivisions > 1,
                             .sgd = { step->learning_rate, m->cfg->momentum, m->cfg->decay, m->cfg->nesterov } };
    for (int k = 0; k < passes; k++) {
        int first = k * each;
        update.n = step->n - first < each ? step->n - first : each;
        update.first = k == 0;
        struct request request = training_request(m, step, first, update.n);
        program_run(&m->train, &request, m->team, m->workers);
        parameters_update_statistics(&m->parameters, step->steps_done * m->cfg->subdivisions + k);
        if (update.accumulate)
            team_run(m->team, update_member, &update);
    }
    if (!finish_step(m, step, err))
        return false;
    update.step = true;
    update.accumulate = false;
    team_run(m->team, update_member, &update);
    m->logits.folded = m->gradient.folded = false;
    return true;
}

/* ---- evaluation ---- */

static bool prepare(struct model *m, struct evaluator *e, enum build_mode mode, struct err *err)
{
    enum storage storage = mode == BUILD_LOGITS && m->options.precision == PRECISION_BF16 ? STORAGE_BF16 : STORAGE_F32;
    if (!e->made) {
        if (!build_program(mode, &m->graph, &m->parameters, storage, EVALUATION_BATCH, m->options.threads, &e->program,
                           err) ||
            !parameters_bind_evaluation(&m->parameters, &e->program, m->options.threads, &e->packed, err) ||
            !prepare_workers(m, &e->program, err))
            return false;
        e->made = true;
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
                                   .graph = &m->graph };
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

bool model_gradient(struct model *m, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                    struct err *err)
{
    if (!prepare(m, &m->gradient, BUILD_GRADIENT, err))
        return false;
    int samples = dropout_samples(m, -1);
    struct request request = { .x = x,
                               .n = n,
                               .label = target,
                               .drop_input = samples > 0,
                               .z = z,
                               .scalar = scalar,
                               .g = g,
                               .g_scale = 1,
                               .cfg = m->cfg,
                               .graph = &m->graph };
    if (samples <= 1) {
        program_run(&m->gradient.program, &request, m->team, m->workers);
        return true;
    }
    /* the scalar of the mean logits: first the mean, then every draw's gradient along the same direction */
    size_t logits = (size_t)n * m->cfg->classes;
    float *mean = mem_alloc(logits * 2 + 1, sizeof *mean), *dz = mean + logits;
    struct evaluation e = { .x = x, .n = n, .samples = samples };
    bool ok = model_logits(m, &e, mean, err);
    if (ok) {
        gradient_at_logits(m, scalar, target, n, mean, dz);
        if (z)
            memcpy(z, mean, logits * sizeof *z);
    }
    request.z = NULL;
    request.dz = dz;
    request.g_scale = 1.0f / (float)samples;
    for (int s = 0; ok && s < samples; s++) {
        request.epoch = (uint32_t)s;
        request.g_add = s > 0;
        program_run(&m->gradient.program, &request, m->team, m->workers);
    }
    free(mean);
    return ok;
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

/* ---- description ---- */

int64_t model_memory_estimate(const struct net_cfg *cfg, const struct model_options *options)
{
    int64_t element = options->precision == PRECISION_BF16 ? 2 : 4, per_image = 0, largest = 0;
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        int64_t out = (int64_t)(l->out_c + 15) / 16 * 16 * l->out_h * l->out_w;
        bool two = l->kind == LAYER_CONVOLUTIONAL && l->batch_normalize && l->activation != ACTIVATION_LINEAR;
        per_image += out * (two ? 2 : 1);
        largest = out > largest ? out : largest;
    }
    int64_t images = options->training ? cfg->batch / cfg->subdivisions : 0, copies = options->training ? 5 : 2;
    int64_t libraries = (int64_t)110 << 20; /* libdarknet and oneDNN with their dependencies */
    return libraries + per_image * element * images + largest * 8 * 4 * 8 * options->threads + cfg->stored * 4 * copies;
}

const char *model_isa(void)
{
    return conv_isa();
}

const char *model_engine_version(void)
{
    static char text[256];
    char onednn[48];
    conv_version(onednn, sizeof onednn);
    snprintf(text, sizeof text, "%s, own kernels for %s, %s", onednn, kernels_select()->name, DARKNET_LIBRARY);
    return text;
}

/* One line per kind of convolution: how many, in which direction, by whom. */
static void print_program(const char *name, const struct program *p, FILE *out)
{
    static const char *const directions[] = { "forward", "backward-data", "backward-weights" };
    fprintf(out, "%s program: %d phases, %.1f MB for the batch, %.1f MB per thread\n", name, p->n_phases,
            (double)p->batch_bytes / 1e6, (double)p->local_bytes / 1e6);
    for (int i = 0; i < p->n_ops; i++) {
        int same = 0, before = 0;
        for (int k = 0; k < p->n_ops && p->ops[i].has_conv; k++) {
            bool alike = p->ops[k].has_conv && p->ops[k].direction == p->ops[i].direction &&
                         !strcmp(conv_describe(p->ops[k].conv), conv_describe(p->ops[i].conv));
            same += alike;
            before += alike && k < i;
        }
        if (same && !before)
            fprintf(out, "  %3d x %-16s %s\n", same, directions[p->ops[i].direction], conv_describe(p->ops[i].conv));
    }
}

void model_print_plan(const struct model *m, FILE *file)
{
    if (m->options.training)
        print_program("training", &m->train, file);
    if (m->logits.made)
        print_program("logits", &m->logits.program, file);
    if (m->gradient.made)
        print_program("input gradient", &m->gradient.program, file);
}
