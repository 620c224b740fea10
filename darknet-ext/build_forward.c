#include "darknet-ext/build_parts.h"

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
    bool own = build_has_signs(b, i, CONV_FORWARD);
    if (b->mode == BUILD_GRADIENT && !(build_is_relu(node) && own))
        return -1;
    if (node->n_in == 2 && !own) /* oneDNN may add in another order: both programs shall give the same logits */
        return -1;
    return node->n_in == 1 || may_overwrite_shortcut(b, i, next) ? next : -1;
}

/* One bit for each element of node i's output. */
static int sign_value(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    return program_value(b->p,
                         (size_t)build_node_extent(b, i).cb * node->h * node->w * (size_t)b->p->kernels->block / 8);
}

static void forward_conv(struct builder *b, int i)
{
    int norm = epilogue_norm(b, i), in = b->value[b->g->nodes[i].in[0]];
    size_t bytes = build_node_bytes(b, i);
    if (i == b->g->logits && b->p->storage == STORAGE_BF16)
        bytes *= 2;
    bool add = norm >= 0 && b->g->nodes[norm].n_in == 2;
    int out = add ? program_alias(b->p, b->value[b->g->nodes[norm].in[1]]) : program_value(b->p, bytes);
    struct op *op = build_emit_conv(b, op_conv_forward, CONV_FORWARD, i, out, in);
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
        struct op *moments = build_emit(b, op_moments, i, y, NO_VALUE);
        moments->norm = state;
        state->forward_phase = moments->phase;
        program_phase(b->p);
        struct op *finish = build_emit(b, op_norm_finish, i, NO_VALUE, NO_VALUE);
        finish->prologue = true;
        finish->norm = state;
    }
    /* only a convolution's output is needed by nobody's backward pass */
    bool in_place = !(state && b->mode == BUILD_TRAINING) && b->g->nodes[node->in[0]].n_readers == 1 &&
                    b->g->nodes[node->in[0]].kind == NODE_CONV;
    b->value[i] = in_place ? program_alias(b->p, y) : program_value(b->p, build_node_bytes(b, i));
    struct op *op = build_emit(b, op_norm, i, b->value[i], y);
    op->norm = state;
    op->value[2] = node->n_in == 2 ? b->value[node->in[1]] : NO_VALUE;
    op->map = node->map;
    op->slope = slope < 0 ? SLOPE_ONE : (enum slope)slope;
    if (b->mode == BUILD_GRADIENT && slope > 0)
        op->value[3] = b->bits[i] = sign_value(b, i);
    if (slope < 0)
        build_emit(b, op_activation, i, b->value[i], NO_VALUE);
}

static void forward_route(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    b->value[i] = program_value(b->p, build_node_bytes(b, i));
    for (int k = 0, c = 0; k < node->n_in; c += b->g->nodes[node->in[k++]].c) {
        struct op *op = build_emit(b, op_route, i, b->value[i], b->value[node->in[k]]);
        op->shape.ic = c;
        op->shape.oc = b->g->nodes[node->in[k]].c;
    }
}

void build_forward_node(struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    int in = node->kind == NODE_INPUT ? NO_VALUE : b->value[node->in[0]];
    switch (node->kind) {
    case NODE_INPUT:
        b->value[0] = program_value(b->p, build_node_bytes(b, 0));
        build_emit(b, op_input, 0, b->value[0], NO_VALUE);
        break;
    case NODE_CONV: forward_conv(b, i); break;
    case NODE_NORM: forward_norm(b, i); break;
    case NODE_MAXPOOL:
    case NODE_AVGPOOL:
        b->value[i] = program_value(b->p, build_node_bytes(b, i));
        build_emit(b, node->kind == NODE_MAXPOOL ? op_maxpool : op_avgpool, i, b->value[i], in)->extent =
            build_node_extent(b, node->in[0]);
        break;
    case NODE_DROPOUT:
        b->value[i] = in;
        if (b->mode == BUILD_TRAINING) {
            b->value[i] = program_value(b->p, build_node_bytes(b, i));
            build_emit(b, op_dropout, i, b->value[i], in);
        }
        break;
    case NODE_ROUTE: forward_route(b, i); break;
    case NODE_DARKNET:
        b->value[i] = program_value(b->p, build_node_bytes(b, i));
        build_emit(b, op_darknet, i, b->value[i], in);
        break;
    }
}
