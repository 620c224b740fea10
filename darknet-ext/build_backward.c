#include <assert.h>
#include "darknet-ext/build_parts.h"

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
        at >= 0 ? take(f, at) : (struct contribution){ program_value(b->p, build_node_bytes(b, i)), NULL, true };
    if (at < 0)
        build_emit(b, op_zero, i, sum.value, NO_VALUE);
    for (int k = f->n - 1; k >= 0; k--) {
        if (!f->item[k].shortcut && f->n < most)
            continue;
        struct contribution c = take(f, k);
        struct op *op = build_emit(b, c.shortcut ? op_mapping_backward : op_add, i, sum.value, c.value);
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
    return b->mode == BUILD_GRADIENT && i == in + 1 && build_is_relu(&b->g->nodes[in]) && b->bits[in] != NO_VALUE &&
           (f->n == 0 || other) && build_has_signs(b, i, CONV_BACKWARD_DATA);
}

static void backward_conv_and_norm(struct builder *b, int i, int in, int dy)
{
    struct flow *f = &b->flow[in];
    bool add = f->n > 0;
    int dx = add ? program_alias(b->p, f->item[0].value) : program_value(b->p, build_node_bytes(b, in));
    struct op *op = build_emit_conv(b, op_conv_backward_data, CONV_BACKWARD_DATA, i, dx, dy);
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

/* A value of the whole batch: bytes of `images`, dealt out evenly, since values are told by their images. */
static int gathered_value(struct builder *b, const struct conv_shape *shape, bool gradients)
{
    size_t images = (size_t)b->p->batch;
    size_t bytes = conv_gathered_bytes(shape, b->p->kernels, b->p->batch, gradients);
    int v = program_value(b->p, (bytes + images - 1) / images);
    b->p->values[v].streamed = true;
    return v;
}

static void backward_weights(struct builder *b, int i, int dy)
{
    int in = b->g->nodes[i].in[0];
    if (!build_gathers(b, i)) {
        build_emit_conv(b, op_conv_backward_weights, CONV_BACKWARD_WEIGHTS, i, b->value[in], dy);
        return;
    }
    struct op *op = build_emit_conv(b, op_conv_gather, CONV_GATHER, i, b->value[in], dy);
    int sources = gathered_value(b, &op->shape, false), gradients = gathered_value(b, &op->shape, true);
    op->value[2] = sources;
    op->value[3] = gradients;
    b->gathered[b->n_gathered++] = (struct gathered){ i, sources, gradients };
}

/* A new phase begins with the sums of what the one before has gathered. */
static void begin_phase(struct builder *b)
{
    program_phase(b->p);
    for (int k = 0; k < b->n_gathered; k++) {
        struct gathered *g = &b->gathered[k];
        struct op *op = build_emit_conv(b, op_conv_sum, CONV_BACKWARD_WEIGHTS, g->node, g->sources, g->gradients);
        op->prologue = op->shared = true;
    }
    b->n_gathered = 0;
}

static void backward_conv(struct builder *b, int i)
{
    int dy = whole_gradient(b, i), in = b->g->nodes[i].in[0];
    if (b->mode == BUILD_TRAINING)
        backward_weights(b, i, dy);
    if (!reaches_parameters_or_input(b, in))
        return;
    if (finishes_norm(b, i, in, dy)) {
        backward_conv_and_norm(b, i, in, dy);
        return;
    }
    bool planar = in == 0 && gradient_is_planar(b, i);
    int dx = program_value(b->p, in == 0 && !planar ? build_blocked_bytes(b, 0) : build_node_bytes(b, in));
    build_emit_conv(b, op_conv_backward_data, CONV_BACKWARD_DATA, i, dx, dy)->shape.planar_source = planar;
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
                                                            : program_value(b->p, build_node_bytes(b, i));
    struct op *op = build_emit(b, op_mask, i, g, slope > 0 && b->mode == BUILD_TRAINING ? b->value[i] : NO_VALUE);
    op->value[2] = slope > 0 ? b->bits[i] : NO_VALUE;
    op->value[3] = f->item[0].value;
    op->value[4] = f->n > 1 ? f->item[1].value : NO_VALUE;
    op->slope = slope < 0 ? SLOPE_ONE : (enum slope)slope;
    if (slope < 0) {
        build_emit(b, op_activation_backward, i, g, b->value[i]);
        if (sums) {
            op = build_emit(b, op_mask, i, g, NO_VALUE);
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
        begin_phase(b);
        struct op *finish = build_emit(b, op_norm_backward_finish, i, NO_VALUE, NO_VALUE);
        finish->prologue = true;
        finish->norm = state;
        dy = program_value(b->p, build_node_bytes(b, i));
        struct op *op = build_emit(b, op_norm_backward, i, dy, g);
        op->value[2] = b->value[node->in[0]];
        op->norm = state;
    } else if (state) { /* evaluation, not folded: dy = a * g */
        dy = program_value(b->p, build_node_bytes(b, i));
        struct op *op = build_emit(b, op_norm_scale, i, dy, g);
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
    int dy = whole_gradient(b, i), in = node->in[0], dx = program_value(b->p, build_node_bytes(b, in));
    struct op *op = node->kind == NODE_MAXPOOL ? build_emit(b, op_maxpool_backward, i, dx, b->value[in])
                                               : build_emit(b, op_avgpool_backward, i, dx, dy);
    if (node->kind == NODE_MAXPOOL)
        op->value[2] = dy;
    op->extent = build_node_extent(b, in);
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
        int dx = program_value(b->p, build_node_bytes(b, in));
        struct op *op = build_emit(b, op_route_backward, i, dx, dy);
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
            dx = program_value(b->p, build_node_bytes(b, i));
            build_emit(b, op_dropout, i, dx, dy);
        }
        contribute(b, node->in[0], dx, NULL, true);
        break;
    }
    case NODE_ROUTE: backward_route(b, i); break;
    case NODE_DARKNET:
        if (reaches_parameters_or_input(b, node->in[0])) {
            int dy = whole_gradient(b, i), dx = program_value(b->p, build_node_bytes(b, node->in[0]));
            build_emit(b, op_darknet_backward, i, dx, dy);
            contribute(b, node->in[0], dx, NULL, true);
        }
        break;
    }
}

void build_backward(struct builder *b)
{
    int d = program_value(b->p, build_node_bytes(b, b->g->logits));
    build_emit(b, b->mode == BUILD_TRAINING ? op_loss : op_scalar, b->g->logits, d, b->value[b->g->logits]);
    contribute(b, b->g->logits, d, NULL, true);
    for (int i = b->g->logits; i > 0; i--)
        backward_node(b, i);
    if (b->n_gathered)
        begin_phase(b);
    if (b->mode == BUILD_GRADIENT) {
        int g = whole_gradient(b, 0);
        bool planar = b->p->ops[b->p->n_ops - 1].shape.planar_source; /* then nobody else had a part in it */
        build_emit(b, op_input_gradient, 0, NO_VALUE, g)->shape.planar_source = planar;
    }
}
