#include "darknet-ext/parameters.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum { STATISTICS_PER_NORM = 8 };

static int padded_channels(const struct parameters *ps, int c)
{
    return (c + ps->kernels->block - 1) / ps->kernels->block * ps->kernels->block;
}

static void describe_conv(struct parameters *ps, int i)
{
    const struct graph_node *node = &ps->graph->nodes[i], *in = &ps->graph->nodes[node->in[0]];
    struct conv_weights *c = &ps->convs[ps->n_convs];
    *c = (struct conv_weights){
        .node = i, .folds = -1, .layer = node->weights_layer, .padded = padded_channels(ps, node->c)
    };
    c->shape = (struct conv_shape){ .groups = node->groups,
                                    .ic = in->c,
                                    .ih = in->h,
                                    .iw = in->w,
                                    .oc = node->c,
                                    .oh = node->h,
                                    .ow = node->w,
                                    .kh = node->kh,
                                    .kw = node->kw,
                                    .stride = node->stride,
                                    .pad = node->pad };
    c->plain_floats = (size_t)node->c * (in->c / node->groups) * node->kh * node->kw;
    const struct graph_node *next = i + 1 < ps->graph->n ? &ps->graph->nodes[i + 1] : NULL;
    if (next && next->kind == NODE_NORM && next->batch_norm && next->in[0] == i && node->n_readers == 1)
        c->folds = i + 1;
    ps->conv_of[i] = ps->n_convs++;
}

static void describe_norm(struct parameters *ps, int i)
{
    const struct graph_node *node = &ps->graph->nodes[i];
    struct norm_state *s = &ps->norms[ps->n_norms];
    *s = (struct norm_state){ .node = node,
                              .channels = node->c,
                              .padded = padded_channels(ps, node->c),
                              .coefficients = ps->coefficients,
                              .forward_phase = -1,
                              .backward_phase = -1 };
    ps->coefficients += (size_t)N_COEFFICIENTS * s->padded;
    ps->norm_of[i] = ps->n_norms++;
}

static void allocate_statistics(struct parameters *ps)
{
    size_t floats = 0;
    for (int i = 0; i < ps->n_norms; i++)
        floats += (size_t)STATISTICS_PER_NORM * ps->norms[i].padded;
    for (int i = 0; i < ps->n_convs; i++)
        floats += (size_t)ps->convs[i].padded;
    ps->statistics_floats = floats;
    float *at = ps->statistics = mem_alloc(floats + 1, sizeof *at);
    for (int i = 0; i < ps->n_norms; i++) {
        struct norm_state *s = &ps->norms[i];
        float **vectors[STATISTICS_PER_NORM] = { &s->running_mean,   &s->running_variance,
                                                 &s->batch_mean,     &s->batch_variance,
                                                 &s->scale_gradient, &s->shift_gradient,
                                                 &s->eval_a,         &s->eval_b };
        for (int k = 0; k < STATISTICS_PER_NORM; k++, at += s->padded)
            *vectors[k] = at;
    }
    for (int i = 0; i < ps->n_convs; i++, at += ps->convs[i - 1].padded)
        ps->convs[i].eval_bias = at;
}

void parameters_describe(struct parameters *ps, const struct net_cfg *cfg, const struct graph *graph,
                         const struct kernels *kernels)
{
    size_t n = (size_t)graph->n;
    *ps = (struct parameters){ .cfg = cfg, .graph = graph, .kernels = kernels };
    ps->convs = mem_alloc(n, sizeof *ps->convs);
    ps->norms = mem_alloc(n, sizeof *ps->norms);
    ps->conv_of = mem_alloc(n, sizeof *ps->conv_of);
    ps->norm_of = mem_alloc(n, sizeof *ps->norm_of);
    for (int i = 0; i < graph->n; i++) {
        ps->conv_of[i] = ps->norm_of[i] = -1;
        if (graph->nodes[i].kind == NODE_CONV)
            describe_conv(ps, i);
        if (graph->nodes[i].kind == NODE_NORM && graph->nodes[i].batch_norm)
            describe_norm(ps, i);
    }
    allocate_statistics(ps);
    ps->values = mem_alloc((size_t)cfg->stored + 1, sizeof *ps->values);
}

void packed_list_free(struct packed_list *list)
{
    for (int i = 0; i < list->n; i++) {
        conv_pack_free(list->items[i].pack);
        mem_big_free(list->items[i].to, list->items[i].bytes, 1);
    }
    free(list->items);
    *list = (struct packed_list){ 0 };
}

void parameters_free(struct parameters *ps)
{
    packed_list_free(&ps->training);
    for (int i = 0; i < ps->n_convs; i++) {
        conv_pack_free(ps->convs[i].import);
        conv_pack_free(ps->convs[i].export);
    }
    mem_big_free(ps->arena, ps->arena_floats, sizeof(float));
    mem_big_free(ps->momentum, ps->arena_floats, sizeof(float));
    mem_big_free(ps->gathered, ps->gathered_floats, sizeof(float));
    mem_big_free(ps->parts, ps->parts_floats, sizeof(float));
    free(ps->segments);
    free(ps->sums);
    free(ps->statistics);
    free(ps->values);
    free(ps->convs);
    free(ps->norms);
    free(ps->conv_of);
    free(ps->norm_of);
    *ps = (struct parameters){ 0 };
}

/* ---- training ---- */

static bool find_masters(struct parameters *ps, struct program *train, int threads, struct err *err)
{
    for (int i = 0; i < train->n_ops; i++) {
        struct op *op = &train->ops[i];
        if (!op->has_conv || op->direction != CONV_BACKWARD_WEIGHTS)
            continue;
        struct conv_weights *c = op->owner;
        c->master = op->conv;
        c->floats = (conv_weight_bytes(op->conv) / sizeof(float) + 15) / 16 * 16;
        c->parts_phase = op->phase;
        c->whole = op->shared;
        if (!conv_pack_new(NULL, c->master, threads, &c->import, err) ||
            !conv_pack_new(c->master, NULL, threads, &c->export, err))
            return false;
    }
    for (int i = 0; i < ps->n_convs; i++)
        if (!ps->convs[i].master)
            return err_usage(err, "%s:%d: the output of this layer is used by nobody, so it cannot learn; remove it",
                             ps->cfg->path, ps->cfg->layers[ps->convs[i].layer].line);
    return true;
}

static size_t add_segment(struct parameters *ps, size_t at, size_t n, int phase, bool decays)
{
    ps->segments[ps->n_segments++] =
        (struct segment){ .at = at, .n = n, .phase = phase, .part_stride = n, .decays = decays };
    return at + n;
}

/* Biases, scales and shifts first, beside the weights of the first layers: the backward pass comes to them last.
 * Returns floats. */
static size_t lay_out_arena(struct parameters *ps)
{
    ps->segments = mem_alloc((size_t)ps->n_convs * 2 + (size_t)ps->n_norms * 2 + 1, sizeof *ps->segments);
    size_t at = 0;
    for (int i = 0; i < ps->n_convs; i++)
        if (ps->graph->nodes[ps->convs[i].node].bias)
            at = add_segment(ps, at, (size_t)ps->convs[i].padded, ps->convs[i].parts_phase, false);
    for (int i = 0; i < ps->n_norms; i++)
        for (int k = 0; k < 1 + ps->norms[i].node->learned_shift; k++)
            at = add_segment(ps, at, (size_t)ps->norms[i].padded, -1, false);
    for (int i = 0; i < ps->n_convs; i++) {
        at = add_segment(ps, at, ps->convs[i].floats, ps->convs[i].parts_phase, true);
        ps->segments[ps->n_segments - 1].whole = ps->convs[i].whole;
    }
    return at;
}

/* Gives every segment its gradients and every owner its place, in the order of lay_out_arena. */
static void bind_arena(struct parameters *ps, const struct program *train)
{
    size_t floats = 0;
    for (int i = 0; i < ps->n_segments; i++)
        if (ps->segments[i].phase >= 0)
            floats += ps->segments[i].n * (size_t)segment_parts(&ps->segments[i], train, train->batch);
    ps->parts_floats = floats;
    float *part = ps->parts = mem_big(floats, sizeof *ps->parts);
    for (int i = 0; i < ps->n_segments; i++)
        if (ps->segments[i].phase >= 0) {
            ps->segments[i].parts = part;
            part += ps->segments[i].n * (size_t)segment_parts(&ps->segments[i], train, train->batch);
        }
    struct segment *s = ps->segments;
    for (int i = 0; i < ps->n_convs; i++)
        if (ps->graph->nodes[ps->convs[i].node].bias) {
            ps->convs[i].bias = ps->arena + s->at;
            ps->convs[i].bias_parts = (float *)s->parts;
            s++;
        }
    for (int i = 0; i < ps->n_norms; i++) {
        struct norm_state *norm = &ps->norms[i];
        norm->scale = ps->arena + s->at;
        (s++)->parts = norm->scale_gradient;
        if (norm->node->learned_shift) {
            norm->shift = ps->arena + s->at;
            (s++)->parts = norm->shift_gradient;
        }
    }
    for (int i = 0; i < ps->n_convs; i++, s++) {
        ps->convs[i].w = ps->arena + s->at;
        ps->convs[i].parts = (float *)s->parts;
    }
}

static void allocate_sums(struct parameters *ps, const struct program *train)
{
    size_t doubles = 0;
    for (int pass = 0; pass < 2; pass++) {
        double *at = ps->sums;
        for (int i = 0; i < ps->n_norms; i++) {
            struct norm_state *s = &ps->norms[i];
            int phases[2] = { s->forward_phase, s->backward_phase };
            double **sums[2] = { &s->forward_sums, &s->backward_sums };
            for (int k = 0; k < 2; k++) {
                size_t n = phases[k] < 0 ? 0 : (size_t)program_chunks(train, phases[k], train->batch) * 2 * s->padded;
                doubles += pass == 0 ? n : 0;
                if (pass == 1)
                    *sums[k] = at;
                at += pass == 1 ? n : 0;
            }
        }
        if (pass == 0)
            ps->sums = mem_alloc(doubles + 1, sizeof *ps->sums);
    }
}

static bool pack_for(struct parameters *ps, struct op *op, const struct conv *from, int threads,
                     struct packed_list *list, struct err *err)
{
    struct packed *item = &list->items[list->n];
    *item = (struct packed){ .of = op->owner, .bytes = conv_weight_bytes(op->conv) };
    (void)ps;
    if (!conv_pack_new(from, op->conv, threads, &item->pack, err))
        return false;
    list->n++;
    op->weights = item->to = mem_big(item->bytes, 1);
    return true;
}

static size_t gathered_statistics(const struct parameters *ps)
{
    size_t floats = 0;
    for (int i = 0; i < ps->n_norms; i++)
        floats += 2 * (size_t)ps->norms[i].padded;
    return floats;
}

static void allocate_gathered(struct parameters *ps, enum gather gather)
{
    if (gather == GATHER_NOTHING)
        return;
    size_t statistics = gather == GATHER_RANKS ? gathered_statistics(ps) : 0;
    ps->gathered_floats = statistics + ps->arena_floats;
    ps->gathered = mem_big(ps->gathered_floats, sizeof(float));
    ps->accumulated = ps->gathered + statistics;
}

bool parameters_bind_training(struct parameters *ps, struct program *train, int threads, enum gather gather,
                              struct err *err)
{
    if (!find_masters(ps, train, threads, err))
        return false;
    ps->arena_floats = lay_out_arena(ps);
    ps->arena = mem_big(ps->arena_floats, sizeof(float));
    ps->momentum = mem_big(ps->arena_floats, sizeof(float));
    allocate_gathered(ps, gather);
    bind_arena(ps, train);
    allocate_sums(ps, train);
    free(ps->values);
    ps->values = NULL;
    ps->training.items = mem_alloc((size_t)train->n_ops, sizeof *ps->training.items);
    for (int i = 0; i < train->n_ops; i++) {
        struct op *op = &train->ops[i];
        if (!op->has_conv)
            continue;
        struct conv_weights *c = op->owner;
        if (op->direction == CONV_GATHER)
            continue;
        if (op->direction == CONV_BACKWARD_WEIGHTS) {
            op->weights = c->parts;
            op->bias = c->bias_parts;
            op->part_floats = c->floats;
            continue;
        }
        op->bias = op->direction == CONV_FORWARD ? c->bias : NULL;
        op->weights = c->w;
        if (!conv_same_weights(op->conv, c->master) && !pack_for(ps, op, c->master, threads, &ps->training, err))
            return false;
    }
    return true;
}

void parameters_repack(const struct parameters *ps, struct conv_thread *t, int thread, int size)
{
    for (int i = thread; i < ps->training.n; i += size)
        conv_pack_run(ps->training.items[i].pack, t, thread, ps->training.items[i].of->w, ps->training.items[i].to);
}

/* ---- the vector of the weights file ---- */

static void copy_vector(float *values, int64_t at, float *own, int n, bool get)
{
    if (at < 0 || !own)
        return;
    if (get)
        memcpy(values + at, own, (size_t)n * sizeof *own);
    else
        memcpy(own, values + at, (size_t)n * sizeof *own);
}

static void exchange(const struct parameters *ps, bool momentum, float *values, bool get, struct conv_thread *t)
{
    ptrdiff_t shift = momentum ? ps->momentum - ps->arena : 0;
    for (int i = 0; i < ps->n_convs; i++) {
        const struct conv_weights *c = &ps->convs[i];
        struct weights_layout at = weights_layout(ps->cfg, c->layer);
        if (get)
            conv_pack_run(c->export, t, 0, c->w + shift, values + at.weights);
        else
            conv_pack_run(c->import, t, 0, values + at.weights, c->w + shift);
        copy_vector(values, at.biases, c->bias ? c->bias + shift : NULL, ps->graph->nodes[c->node].c, get);
    }
    for (int i = 0; i < ps->n_norms; i++) {
        const struct norm_state *s = &ps->norms[i];
        struct weights_layout at = weights_layout(ps->cfg, s->node->weights_layer);
        copy_vector(values, at.scales, s->scale + shift, s->channels, get);
        copy_vector(values, at.biases, s->shift ? s->shift + shift : NULL, s->channels, get);
        copy_vector(values, at.mean, momentum ? NULL : s->running_mean, s->channels, get);
        copy_vector(values, at.variance, momentum ? NULL : s->running_variance, s->channels, get);
    }
}

void parameters_get(const struct parameters *ps, bool momentum, float *values, struct conv_thread *t)
{
    memset(values, 0, (size_t)ps->cfg->stored * sizeof *values);
    if (ps->arena)
        exchange(ps, momentum, values, true, t);
    else if (!momentum)
        memcpy(values, ps->values, (size_t)ps->cfg->stored * sizeof *values);
}

void parameters_set(struct parameters *ps, bool momentum, const float *values, struct conv_thread *t)
{
    if (ps->arena)
        exchange(ps, momentum, (float *)values, false, t); /* not written when get is false */
    else if (!momentum)
        memcpy(ps->values, values, (size_t)ps->cfg->stored * sizeof *values);
}

/* ---- evaluation ---- */

bool parameters_bind_evaluation(struct parameters *ps, struct program *p, int threads, struct packed_list *list,
                                struct err *err)
{
    *list = (struct packed_list){ .items = mem_alloc((size_t)p->n_ops, sizeof *list->items) };
    for (int i = 0; i < p->n_ops; i++) {
        struct op *op = &p->ops[i];
        if (!op->has_conv)
            continue;
        op->bias = op->shape.bias ? op->owner->eval_bias : NULL;
        if (!pack_for(ps, op, NULL, threads, list, err))
            return false;
    }
    return true;
}

/* a = scale/(sqrt(variance)+epsilon), b = shift - mean*a */
static void evaluation_coefficients(const struct parameters *ps, struct norm_state *s, const float *values)
{
    struct weights_layout at = weights_layout(ps->cfg, s->node->weights_layer);
    for (int k = 0; k < s->channels; k++) {
        s->eval_a[k] = values[at.scales + k] / (sqrtf(values[at.variance + k]) + NORM_EPSILON);
        s->eval_b[k] = (s->node->learned_shift ? values[at.biases + k] : 0) - values[at.mean + k] * s->eval_a[k];
    }
}

/* plain[oc][...] = folded weights of convolution c; also its eval_bias. */
static void fold_conv(const struct parameters *ps, struct conv_weights *c, const float *values, float *plain)
{
    struct weights_layout at = weights_layout(ps->cfg, c->layer);
    int oc = ps->graph->nodes[c->node].c;
    size_t each = c->plain_floats / (size_t)oc;
    const struct norm_state *s = c->folds >= 0 ? &ps->norms[ps->norm_of[c->folds]] : NULL;
    for (int k = 0; k < oc; k++) {
        c->eval_bias[k] = s ? s->eval_b[k] : ps->graph->nodes[c->node].bias ? values[at.biases + k] : 0;
        for (size_t i = 0; i < each; i++)
            plain[k * each + i] = values[at.weights + (int64_t)(k * each + i)] * (s ? s->eval_a[k] : 1);
    }
}

void parameters_fold(struct parameters *ps, struct packed_list *list, struct conv_thread *t)
{
    float *values = mem_alloc((size_t)ps->cfg->stored + 1, sizeof *values);
    size_t most = 1;
    for (int i = 0; i < ps->n_convs; i++)
        most = ps->convs[i].plain_floats > most ? ps->convs[i].plain_floats : most;
    float *plain = mem_alloc(most, sizeof *plain);
    parameters_get(ps, false, values, t);
    for (int i = 0; i < ps->n_norms; i++)
        evaluation_coefficients(ps, &ps->norms[i], values);
    for (int i = 0; i < list->n; i++) {
        fold_conv(ps, list->items[i].of, values, plain);
        conv_pack_run(list->items[i].pack, t, 0, plain, list->items[i].to);
    }
    free(plain);
    free(values);
}
