#include "darknet-ext/build.h"
#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"

/* A gradient that flows into a node's output. */
struct contribution {
    int value;
    const struct graph_node *shortcut; /* through this NORM's shape-changing shortcut; NULL: as it is */
    bool owned;                        /* nobody else reads the value: it may be added to in place */
};

struct flow {
    int n;
    struct contribution item[CFG_MAX_FROM * 4];
    bool finished; /* the one contribution is the whole gradient, the activation's derivative applied */
};

struct builder {
    enum build_mode mode;
    const struct graph *g;
    struct parameters *ps;
    struct program *p;
    int *value, *bits; /* [graph.n] output of each node */
    bool *merged;      /* [graph.n] the node's work is done by the convolution before it */
    struct flow *flow; /* [graph.n] */
};

static size_t blocked_bytes(const struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    int block = b->p->kernels->block;
    size_t element = b->p->storage == STORAGE_BF16 ? 2 : 4;
    return (size_t)((node->c + block - 1) / block) * block * node->h * node->w * element;
}

static size_t node_bytes(const struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    if (i == 0 && b->g->plain_input)
        return (size_t)node->c * node->h * node->w * (b->p->storage == STORAGE_BF16 ? 2 : 4);
    return blocked_bytes(b, i);
}

static struct extent node_extent(const struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    return (struct extent){ 0, (node->c + b->p->kernels->block - 1) / b->p->kernels->block, node->h, node->w };
}

static struct op *emit(struct builder *b, op_function *run, int node, int v0, int v1)
{
    struct op *op = program_op(b->p, run, &b->g->nodes[node]);
    op->value[0] = v0;
    op->value[1] = v1;
    return op;
}

static struct op *emit_conv(struct builder *b, op_function *run, enum conv_direction direction, int i, int v0, int v1)
{
    struct op *op = emit(b, run, i, v0, v1);
    op->has_conv = true;
    op->direction = direction;
    op->owner = &b->ps->convs[b->ps->conv_of[i]];
    op->shape = op->owner->shape;
    op->shape.storage = b->p->storage;
    op->shape.training = b->mode == BUILD_TRAINING;
    op->shape.planar_source = b->g->plain_input && b->g->nodes[i].in[0] == 0;
    op->shape.float_output = i == b->g->logits;
    if (direction == CONV_BACKWARD_DATA)
        op->shape.bias = false;
    else
        op->shape.bias = b->g->nodes[i].bias || (b->mode != BUILD_TRAINING && op->owner->folds >= 0);
    return op;
}

/* ---- forward ---- */

/* The slope of a NORM whose derivative is known from signs that are kept, and is zero or one. */
static bool is_relu(const struct graph_node *node)
{
    return node->kind == NODE_NORM && graph_slope(node->activation) == SLOPE_RELU;
}

static bool has_signs(const struct builder *b, int i, enum conv_direction direction)
{
    struct conv_shape shape = b->ps->convs[b->ps->conv_of[i]].shape;
    shape.storage = b->p->storage;
    shape.planar_source = b->g->plain_input && b->g->nodes[i].in[0] == 0;
    shape.float_output = i == b->g->logits;
    return conv_has_signs(&shape, direction, b->p->kernels);
}

/* Whether the backward pass reads what lies in the storage of node `source`, of the nodes up to `last`. */
static bool is_read_backward(const struct builder *b, int source, int last)
{
    bool read = false;
    for (int k = 0; k <= last && b->mode == BUILD_GRADIENT; k++) {
        const struct graph_node *node = &b->g->nodes[k];
        int value = node->kind == NODE_MAXPOOL                                     ? b->value[node->in[0]]
                    : node->kind == NODE_NORM && graph_slope(node->activation) < 0 ? b->value[k]
                                                                                   : NO_VALUE;
        read = read || (value != NO_VALUE && program_same_storage(b->p, value, b->value[source]));
    }
    return read;
}

/* Whether NORM `next` may write over its shortcut's source: it is the last to read it. */
static bool may_overwrite_shortcut(const struct builder *b, int i, int next)
{
    int source = b->g->nodes[next].in[1];
    bool last = b->g->nodes[next].map.same && source != 0 && !is_read_backward(b, source, i) &&
                !program_same_storage(b->p, b->value[b->g->nodes[i].in[0]],
                                      b->value[source]); /* a convolution cannot overwrite its input */
    for (int k = next + 1; k < b->g->n; k++)
        for (int q = 0; q < b->g->nodes[k].n_in; q++) {
            int in = b->g->nodes[k].in[q];
            last = last && in != source && (in >= i || !program_same_storage(b->p, b->value[in], b->value[source]));
        }
    return last;
}

/* Evaluation: the NORM that alone reads convolution i, when the convolution's epilogue can do its work; -1 otherwise.
 */
static int epilogue_norm(const struct builder *b, int i)
{
    int next = i + 1;
    if (b->mode == BUILD_TRAINING || next >= b->g->n || b->g->nodes[i].n_readers != 1 || next == b->g->logits)
        return -1;
    const struct graph_node *node = &b->g->nodes[next];
    bool folds = node->kind == NODE_NORM && node->in[0] == i &&
                 (!node->batch_norm || b->ps->convs[b->ps->conv_of[i]].folds == next);
    if (!folds || graph_slope(node->activation) < 0)
        return -1;
    bool own = has_signs(b, i, CONV_FORWARD);
    if (b->mode == BUILD_GRADIENT && !(is_relu(node) && own))
        return -1;
    if (node->n_in == 2 && !own) /* oneDNN may add in another order: both programs shall give the same logits */
        return -1;
    return node->n_in == 1 || may_overwrite_shortcut(b, i, next) ? next : -1;
}

/* One bit for each element of node i's output. */
static int sign_value(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    return program_value(b->p, (size_t)node_extent(b, i).cb * node->h * node->w * (size_t)b->p->kernels->block / 8);
}

static void forward_conv(struct builder *b, int i)
{
    int norm = epilogue_norm(b, i), in = b->value[b->g->nodes[i].in[0]];
    size_t bytes = node_bytes(b, i);
    if (i == b->g->logits && b->p->storage == STORAGE_BF16)
        bytes *= 2;
    bool add = norm >= 0 && b->g->nodes[norm].n_in == 2;
    int out = add ? program_alias(b->p, b->value[b->g->nodes[norm].in[1]]) : program_value(b->p, bytes);
    struct op *op = emit_conv(b, op_conv_forward, CONV_FORWARD, i, out, in);
    b->value[i] = out;
    if (norm < 0)
        return;
    int slope = graph_slope(b->g->nodes[norm].activation);
    op->shape.epilogue = (enum conv_epilogue)((add ? EPILOGUE_ADD : EPILOGUE_NONE) + slope);
    if (b->mode == BUILD_GRADIENT) {
        op->shape.signs = SIGNS_KEEP;
        op->value[2] = b->bits[norm] = sign_value(b, norm);
    }
    b->merged[norm] = true;
    b->value[norm] = out;
}

static void forward_norm(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    if (b->merged[i])
        return;
    int y = b->value[node->in[0]], slope = graph_slope(node->activation), norm = b->ps->norm_of[i];
    struct norm_state *state = norm >= 0 ? &b->ps->norms[norm] : NULL;
    bool folded = b->mode != BUILD_TRAINING && state && b->ps->conv_of[node->in[0]] >= 0 &&
                  b->ps->convs[b->ps->conv_of[node->in[0]]].folds == i;
    if (folded)
        state = NULL;
    if (state && b->mode == BUILD_TRAINING) {
        struct op *moments = emit(b, op_moments, i, y, NO_VALUE);
        moments->norm = state;
        state->forward_phase = moments->phase;
        program_phase(b->p);
        struct op *finish = emit(b, op_norm_finish, i, NO_VALUE, NO_VALUE);
        finish->prologue = true;
        finish->norm = state;
    }
    /* only a convolution's output is needed by nobody's backward pass */
    bool in_place = !(state && b->mode == BUILD_TRAINING) && b->g->nodes[node->in[0]].n_readers == 1 &&
                    b->g->nodes[node->in[0]].kind == NODE_CONV;
    b->value[i] = in_place ? program_alias(b->p, y) : program_value(b->p, node_bytes(b, i));
    struct op *op = emit(b, op_norm, i, b->value[i], y);
    op->norm = state;
    op->value[2] = node->n_in == 2 ? b->value[node->in[1]] : NO_VALUE;
    op->map = node->map;
    op->slope = slope < 0 ? SLOPE_ONE : (enum slope)slope;
    if (b->mode == BUILD_GRADIENT && slope > 0)
        op->value[3] = b->bits[i] = sign_value(b, i);
    if (slope < 0)
        emit(b, op_activation, i, b->value[i], NO_VALUE);
}

static void forward_route(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    b->value[i] = program_value(b->p, node_bytes(b, i));
    for (int k = 0, c = 0; k < node->n_in; c += b->g->nodes[node->in[k++]].c) {
        struct op *op = emit(b, op_route, i, b->value[i], b->value[node->in[k]]);
        op->shape.ic = c;
        op->shape.oc = b->g->nodes[node->in[k]].c;
    }
}

static void forward_node(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    int in = node->kind == NODE_INPUT ? NO_VALUE : b->value[node->in[0]];
    switch (node->kind) {
    case NODE_INPUT:
        b->value[0] = program_value(b->p, node_bytes(b, 0));
        emit(b, op_input, 0, b->value[0], NO_VALUE);
        break;
    case NODE_CONV: forward_conv(b, i); break;
    case NODE_NORM: forward_norm(b, i); break;
    case NODE_MAXPOOL:
    case NODE_AVGPOOL:
        b->value[i] = program_value(b->p, node_bytes(b, i));
        emit(b, node->kind == NODE_MAXPOOL ? op_maxpool : op_avgpool, i, b->value[i], in)->extent =
            node_extent(b, node->in[0]);
        break;
    case NODE_DROPOUT:
        b->value[i] = in;
        if (b->mode == BUILD_TRAINING) {
            b->value[i] = program_value(b->p, node_bytes(b, i));
            emit(b, op_dropout, i, b->value[i], in);
        }
        break;
    case NODE_ROUTE: forward_route(b, i); break;
    case NODE_DARKNET:
        b->value[i] = program_value(b->p, node_bytes(b, i));
        emit(b, op_darknet, i, b->value[i], in);
        break;
    }
}

/* ---- backward ---- */

static void contribute(struct builder *b, int node, int value, const struct graph_node *shortcut, bool owned)
{
    struct flow *f = &b->flow[node];
    assert(f->n < (int)(sizeof f->item / sizeof *f->item));
    f->item[f->n++] = (struct contribution){ value, shortcut, owned };
}

static struct contribution take(struct flow *f, int k)
{
    struct contribution c = f->item[k];
    for (; k + 1 < f->n; k++)
        f->item[k] = f->item[k + 1];
    f->n--;
    return c;
}

/* Adds up the contributions to node i until at most `most` plain ones are left. An accumulator is a value nobody else
 * reads. */
static void merge_flow(struct builder *b, int i, int most)
{
    struct flow *f = &b->flow[i];
    bool simple = f->n <= most;
    for (int k = 0; k < f->n; k++)
        simple = simple && !f->item[k].shortcut;
    if (simple)
        return;
    int at = -1;
    for (int k = 0; k < f->n && at < 0; k++)
        if (f->item[k].owned && !f->item[k].shortcut)
            at = k;
    struct contribution sum =
        at >= 0 ? take(f, at) : (struct contribution){ program_value(b->p, node_bytes(b, i)), NULL, true };
    if (at < 0)
        emit(b, op_zero, i, sum.value, NO_VALUE);
    for (int k = f->n - 1; k >= 0; k--) {
        if (!f->item[k].shortcut && f->n < most)
            continue;
        struct contribution c = take(f, k);
        struct op *op = emit(b, c.shortcut ? op_mapping_backward : op_add, i, sum.value, c.value);
        if (c.shortcut) {
            op->node = c.shortcut;
            op->map = c.shortcut->map;
        }
    }
    f->item[f->n++] = sum;
}

/* The whole gradient of node i's output as one value, or NO_VALUE when nothing depends on it. */
static int whole_gradient(struct builder *b, int i)
{
    merge_flow(b, i, 1);
    return b->flow[i].n ? b->flow[i].item[0].value : NO_VALUE;
}

static bool reaches_parameters_or_input(const struct builder *b, int i)
{
    return i != 0 || b->mode == BUILD_GRADIENT;
}

/* Whether the gradient of convolution i completes that of the NORM it reads, so that its epilogue can finish it: added
 * in place of another part, which a shortcut left there. The convolutions between, whose gradient that part was, too,
 * have run. */
static bool finishes_norm(const struct builder *b, int i, int in, int dy)
{
    const struct flow *f = &b->flow[in];
    bool other = f->n == 1 && !f->item[0].shortcut && !program_same_storage(b->p, f->item[0].value, dy);
    return b->mode == BUILD_GRADIENT && i == in + 1 && is_relu(&b->g->nodes[in]) && b->bits[in] != NO_VALUE &&
           (f->n == 0 || other) && has_signs(b, i, CONV_BACKWARD_DATA);
}

static void backward_conv_and_norm(struct builder *b, int i, int in, int dy)
{
    struct flow *f = &b->flow[in];
    bool add = f->n > 0;
    int dx = add ? program_alias(b->p, f->item[0].value) : program_value(b->p, node_bytes(b, in));
    struct op *op = emit_conv(b, op_conv_backward_data, CONV_BACKWARD_DATA, i, dx, dy);
    op->shape.epilogue = add ? EPILOGUE_ADD : EPILOGUE_NONE;
    op->shape.signs = SIGNS_APPLY;
    op->value[2] = b->bits[in];
    *f = (struct flow){ .n = 1, .item = { { dx, NULL, true } }, .finished = true };
}

/* Whether convolution i, which reads the input, writes the input's gradient planar, which it can where nobody else adds
 * to it. */
static bool gradient_is_planar(const struct builder *b, int i)
{
    int readers = 0;
    for (int k = 0; k < b->g->n; k++)
        for (int j = 0; j < b->g->nodes[k].n_in; j++)
            readers += b->g->nodes[k].in[j] == 0;
    struct conv_shape shape = b->ps->convs[b->ps->conv_of[i]].shape;
    shape.storage = b->p->storage;
    return b->g->plain_input && readers == 1 && conv_writes_planar(&shape, b->p->kernels);
}

static void backward_conv(struct builder *b, int i)
{
    int dy = whole_gradient(b, i), in = b->g->nodes[i].in[0];
    if (b->mode == BUILD_TRAINING)
        emit_conv(b, op_conv_backward_weights, CONV_BACKWARD_WEIGHTS, i, b->value[in], dy);
    if (!reaches_parameters_or_input(b, in))
        return;
    if (finishes_norm(b, i, in, dy)) {
        backward_conv_and_norm(b, i, in, dy);
        return;
    }
    bool planar = in == 0 && gradient_is_planar(b, i);
    int dx = program_value(b->p, in == 0 && !planar ? blocked_bytes(b, 0) : node_bytes(b, in));
    emit_conv(b, op_conv_backward_data, CONV_BACKWARD_DATA, i, dx, dy)->shape.planar_source = planar;
    contribute(b, in, dx, NULL, true);
}

/* g = f' * (sum of contributions): in place of the output in training (its other readers are done), else of an owned
 * gradient. */
static int backward_activation(struct builder *b, int i, struct norm_state *state)
{
    const struct graph_node *node = &b->g->nodes[i];
    int slope = graph_slope(node->activation);
    bool sums = state && b->mode == BUILD_TRAINING;
    struct flow *f = &b->flow[i];
    if (f->finished)
        return f->item[0].value;
    merge_flow(b, i, 2);
    if (slope == SLOPE_ONE && !sums && f->n == 1 && f->item[0].owned)
        return f->item[0].value;
    bool over_output = b->mode == BUILD_TRAINING && slope > 0;
    int g = over_output                                     ? program_alias(b->p, b->value[i])
            : f->item[0].owned && b->mode == BUILD_GRADIENT ? program_alias(b->p, f->item[0].value)
                                                            : program_value(b->p, node_bytes(b, i));
    struct op *op = emit(b, op_mask, i, g, slope > 0 && b->mode == BUILD_TRAINING ? b->value[i] : NO_VALUE);
    op->value[2] = slope > 0 ? b->bits[i] : NO_VALUE;
    op->value[3] = f->item[0].value;
    op->value[4] = f->n > 1 ? f->item[1].value : NO_VALUE;
    op->slope = slope < 0 ? SLOPE_ONE : (enum slope)slope;
    if (slope < 0) {
        emit(b, op_activation_backward, i, g, b->value[i]);
        if (sums) {
            op = emit(b, op_mask, i, g, NO_VALUE);
            op->value[3] = g;
        }
    }
    if (sums) {
        op->norm = state;
        op->value[5] = b->value[node->in[0]];
        state->backward_phase = op->phase;
    }
    return g;
}

static void backward_norm(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    int norm = b->ps->norm_of[i];
    struct norm_state *state = norm >= 0 ? &b->ps->norms[norm] : NULL;
    bool folded = b->mode != BUILD_TRAINING && state && b->ps->conv_of[node->in[0]] >= 0 &&
                  b->ps->convs[b->ps->conv_of[node->in[0]]].folds == i;
    if (folded)
        state = NULL;
    int g = backward_activation(b, i, state);
    if (node->n_in == 2 && reaches_parameters_or_input(b, node->in[1]))
        contribute(b, node->in[1], g, node->map.same ? NULL : node, false);
    int dy = g;
    if (state && b->mode == BUILD_TRAINING) {
        program_phase(b->p);
        struct op *finish = emit(b, op_norm_backward_finish, i, NO_VALUE, NO_VALUE);
        finish->prologue = true;
        finish->norm = state;
        dy = program_value(b->p, node_bytes(b, i));
        struct op *op = emit(b, op_norm_backward, i, dy, g);
        op->value[2] = b->value[node->in[0]];
        op->norm = state;
    } else if (state) { /* evaluation, not folded: dy = a * g */
        dy = program_value(b->p, node_bytes(b, i));
        struct op *op = emit(b, op_norm_scale, i, dy, g);
        op->norm = state;
    }
    if (reaches_parameters_or_input(b, node->in[0]))
        contribute(b, node->in[0], dy, NULL, dy != g || node->n_in == 1);
}

static void backward_pool(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    if (!reaches_parameters_or_input(b, node->in[0]))
        return;
    int dy = whole_gradient(b, i), in = node->in[0], dx = program_value(b->p, node_bytes(b, in));
    struct op *op = node->kind == NODE_MAXPOOL ? emit(b, op_maxpool_backward, i, dx, b->value[in])
                                               : emit(b, op_avgpool_backward, i, dx, dy);
    if (node->kind == NODE_MAXPOOL)
        op->value[2] = dy;
    op->extent = node_extent(b, in);
    contribute(b, in, dx, NULL, true);
}

static void backward_route(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    int dy = whole_gradient(b, i);
    for (int k = 0, c = 0; k < node->n_in; c += b->g->nodes[node->in[k++]].c) {
        int in = node->in[k];
        if (!reaches_parameters_or_input(b, in))
            continue;
        int dx = program_value(b->p, node_bytes(b, in));
        struct op *op = emit(b, op_route_backward, i, dx, dy);
        op->shape.ic = c;
        op->shape.oc = b->g->nodes[in].c;
        contribute(b, in, dx, NULL, true);
    }
}

static void backward_node(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    if (!b->flow[i].n)
        return;
    switch (node->kind) {
    case NODE_INPUT: break;
    case NODE_CONV: backward_conv(b, i); break;
    case NODE_NORM: backward_norm(b, i); break;
    case NODE_MAXPOOL:
    case NODE_AVGPOOL: backward_pool(b, i); break;
    case NODE_DROPOUT: {
        int dy = whole_gradient(b, i), dx = dy;
        if (b->mode == BUILD_TRAINING) {
            dx = program_value(b->p, node_bytes(b, i));
            emit(b, op_dropout, i, dx, dy);
        }
        contribute(b, node->in[0], dx, NULL, true);
        break;
    }
    case NODE_ROUTE: backward_route(b, i); break;
    case NODE_DARKNET:
        if (reaches_parameters_or_input(b, node->in[0])) {
            int dy = whole_gradient(b, i), dx = program_value(b->p, node_bytes(b, node->in[0]));
            emit(b, op_darknet_backward, i, dx, dy);
            contribute(b, node->in[0], dx, NULL, true);
        }
        break;
    }
}

static void build_backward(struct builder *b)
{
    int d = program_value(b->p, node_bytes(b, b->g->logits));
    emit(b, b->mode == BUILD_TRAINING ? op_loss : op_scalar, b->g->logits, d, b->value[b->g->logits]);
    contribute(b, b->g->logits, d, NULL, true);
    for (int i = b->g->logits; i > 0; i--)
        backward_node(b, i);
    if (b->mode == BUILD_GRADIENT) {
        int g = whole_gradient(b, 0);
        bool planar = b->p->ops[b->p->n_ops - 1].shape.planar_source; /* then nobody else had a part in it */
        emit(b, op_input_gradient, 0, NO_VALUE, g)->shape.planar_source = planar;
    }
}

bool build_program(enum build_mode mode, const struct graph *g, struct parameters *ps, enum storage storage, int batch,
                   int threads, struct program *p, struct err *err)
{
    struct builder b = { mode,
                         g,
                         ps,
                         p,
                         mem_alloc((size_t)g->n, sizeof(int)),
                         mem_alloc((size_t)g->n, sizeof(int)),
                         mem_alloc((size_t)g->n, sizeof(bool)),
                         mem_alloc((size_t)g->n, sizeof(struct flow)) };
    program_begin(p, ps->kernels, storage, mode == BUILD_TRAINING ? batch : 0);
    for (int i = 0; i < g->n; i++)
        b.value[i] = b.bits[i] = NO_VALUE;
    for (int i = 0; i < g->n; i++)
        forward_node(&b, i);
    if (mode == BUILD_LOGITS)
        emit(&b, op_logits, g->logits, NO_VALUE, b.value[g->logits]);
    else
        build_backward(&b);
    free(b.value);
    free(b.bits);
    free(b.merged);
    free(b.flow);
    int quarter = batch / 4 > 1 ? batch / 4 : 1; /* leaves work for four threads */
    if (program_finish(p, threads, quarter < 64 ? quarter : 64, err))
        return true;
    program_free(p);
    return false;
}
