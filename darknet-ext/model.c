#include "darknet-ext/model_parts.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "darknet-ext/dn.h"

bool model_prepare_workers(struct model *m, const struct program *p, struct err *err)
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
static void grow_worker(struct worker *w, size_t image, size_t coefficients)
{
    if (coefficients > w->n_coefficients) {
        free(w->coefficients);
        w->coefficients = mem_alloc(w->n_coefficients = coefficients, sizeof *w->coefficients);
    }
    if (image > w->scratch_half) {
        free(w->scratch);
        w->scratch = mem_alloc(2 * (w->scratch_half = image), sizeof *w->scratch);
    }
}

static bool make_workers(struct model *m, struct err *err)
{
    size_t image = 0, n_nodes = (size_t)m->graph.n, n_threads = (size_t)m->options.threads;
    for (size_t i = 0; i < n_nodes; i++) {
        const struct graph_node *node = &m->graph.nodes[i];
        size_t n = ((size_t)node->c + 16) * (size_t)node->h * (size_t)node->w;
        image = n > image ? n : image;
    }
    if (!m->workers)
        m->workers = mem_alloc(n_threads, sizeof *m->workers);
    m->darknet = mem_alloc(n_threads * n_nodes, sizeof(struct dn_network *));
    for (size_t t = 0; t < n_threads; t++) {
        grow_worker(&m->workers[t], image, m->parameters.coefficients + 1);
        for (size_t i = 0; i < n_nodes; i++)
            if (m->graph.nodes[i].kind == NODE_DARKNET &&
                !dn_open_layer(m->cfg, m->graph.nodes[i].layer, 1, &m->darknet[t * n_nodes + i], err))
                return false;
    }
    return true;
}

static bool make_team(struct model *m, struct err *err)
{
    struct model *beside = m->options.beside;
    if (!beside)
        return team_new(m->options.threads, true, &m->team, err);
    assert(beside->options.threads == m->options.threads);
    m->team = beside->team;
    m->workers = beside->workers;
    return true;
}

static void free_worker(struct worker *w)
{
    conv_thread_free(w->conv_thread);
    mem_big_free(w->arena, w->arena_bytes, 1);
    free(w->coefficients);
    free(w->scratch);
}

static bool open_training(struct model *m, struct err *err)
{
    enum storage storage = m->options.precision == PRECISION_BF16 ? STORAGE_BF16 : STORAGE_F32;
    const struct exchange *exchange = m->options.exchange;
    int parts = exchange ? exchange->ranks : m->cfg->subdivisions, batch = (m->cfg->batch + parts - 1) / parts;
    enum gather gather = exchange ? GATHER_RANKS : parts > 1 ? GATHER_PASSES : GATHER_NOTHING;
    if (exchange && m->cfg->subdivisions > 1)
        return err_usage(err, "%s: subdivisions=%d and %d ranks both divide the batch; set subdivisions=1",
                         m->cfg->path, m->cfg->subdivisions, exchange->ranks);
    m->loss = mem_alloc((size_t)m->cfg->batch, sizeof *m->loss);
    m->correct = mem_alloc((size_t)m->cfg->batch, sizeof *m->correct);
    m->statistics_before = mem_alloc(m->parameters.statistics_floats + 1, sizeof(float));
    bool ok = build_program(BUILD_TRAINING, &m->graph, &m->parameters, storage, batch, m->options.threads, &m->train,
                            err) &&
              parameters_bind_training(&m->parameters, &m->train, m->options.threads, gather, err) &&
              model_prepare_workers(m, &m->train, err);
    if (ok && exchange)
        exchanger_open(&m->exchanger, exchange, &m->parameters, &m->train, m->team, m->cfg->sync_bn);
    return ok;
}

bool model_open(const struct net_cfg *cfg, const struct model_options *options, struct model **out, struct err *err)
{
    if (options->precision == PRECISION_BF16 && !conv_has_bf16())
        return err_usage(err, "%s: precision=bf16 needs a CPU with AVX-512 (this one has %s); use precision=f32",
                         cfg->path, conv_isa());
    struct model *m = mem_alloc(1, sizeof *m);
    m->cfg = cfg;
    m->options = *options;
    bool ok = dn_check(cfg, err) && graph_build(cfg, kernels_select()->block, &m->graph, err) && make_team(m, err);
    if (ok) {
        parameters_describe(&m->parameters, cfg, &m->graph, kernels_select());
        ok = make_workers(m, err) &&
             (options->training ? open_training(m, err) : model_prepare_workers(m, &m->train, err));
    }
    if (ok)
        *out = m;
    else
        model_close(m);
    return ok;
}

static void free_team(struct model *m)
{
    for (int t = 0; m->workers && t < m->options.threads; t++)
        free_worker(&m->workers[t]);
    free(m->workers);
    team_free(m->team);
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
    free(m->exchanger);
    program_free(&m->train);
    free_evaluator(&m->logits);
    free_evaluator(&m->gradient);
    for (int i = 0; m->darknet && i < m->options.threads * m->graph.n; i++)
        dn_close(m->darknet[i]);
    free(m->darknet);
    if (!m->options.beside)
        free_team(m);
    if (m->parameters.cfg)
        parameters_free(&m->parameters);
    graph_free(&m->graph);
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
        parameters_accumulate(&u->m->parameters, &u->m->train, u->n, u->first,
                              (struct stretch){ 0, u->m->parameters.arena_floats }, member, size);
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
                             .teacher = step->teacher ? step->teacher + (size_t)first * m->cfg->classes : NULL,
                             .distill_weight = m->cfg->distill_weight,
                             .distill_temperature = m->cfg->distill_temperature,
                             .loss_scale = 1.0f / (float)(step->whole ? step->whole : step->n),
                             .loss = m->loss + first,
                             .correct = m->correct + first,
                             .cfg = m->cfg,
                             .graph = &m->graph,
                             .darknet = m->darknet };
}

static bool finish_step(struct model *m, struct step *step, struct err *err)
{
    step->loss = 0;
    step->correct = 0;
    for (int i = 0; i < step->n; i++) {
        step->loss += m->loss[i];
        step->correct += m->correct[i];
    }
    if (m->exchanger) {
        double sums[] = { step->loss, step->correct };
        m->exchanger->with->sum_doubles(sums, 2);
        step->loss = sums[0];
        step->correct = (int)sums[1];
    }
    if (isfinite(step->loss))
        return true;
    memcpy(m->parameters.statistics, m->statistics_before, m->parameters.statistics_floats * sizeof(float));
    return err_run(err, "%s: the loss is not finite after %lld steps; lower learning_rate (now %g) or add warmup",
                   m->cfg->path, (long long)step->steps_done, (double)step->learning_rate);
}

bool model_train_step(struct model *m, struct step *step, struct err *err)
{
    int each = m->exchanger ? step->n : m->cfg->batch / m->cfg->subdivisions, passes = (step->n + each - 1) / each;
    assert(m->options.training && step->n >= 1 && step->n <= m->cfg->batch && (!m->exchanger || step->n <= step->whole));
    memcpy(m->statistics_before, m->parameters.statistics, m->parameters.statistics_floats * sizeof(float));
    struct update update = { .m = m,
                             .accumulate = m->cfg->subdivisions > 1,
                             .sgd = { step->learning_rate, m->cfg->momentum, m->cfg->decay, m->cfg->nesterov } };
    for (int k = 0; k < passes; k++) {
        int first = k * each;
        update.n = step->n - first < each ? step->n - first : each;
        update.first = k == 0;
        struct request request = training_request(m, step, first, update.n);
        if (m->exchanger)
            exchanger_prepare(m->exchanger, &request, step->whole);
        program_run(&m->train, &request, m->team, m->workers);
        if (m->exchanger)
            exchanger_finish(m->exchanger);
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
