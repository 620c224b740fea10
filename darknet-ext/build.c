#include "darknet-ext/build.h"
#include <stdlib.h>
#include "base/mem.h"
#include "darknet-ext/build_parts.h"

size_t build_blocked_bytes(const struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    int block = b->p->kernels->block;
    size_t element = b->p->storage == STORAGE_BF16 ? 2 : 4;
    return (size_t)((node->c + block - 1) / block) * block * node->h * node->w * element;
}

size_t build_node_bytes(const struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    if (i == 0 && b->g->plain_input)
        return (size_t)node->c * node->h * node->w * (b->p->storage == STORAGE_BF16 ? 2 : 4);
    return build_blocked_bytes(b, i);
}

struct extent build_node_extent(const struct builder *b, int i)
{
    const struct graph_node *node = &b->g->nodes[i];
    return (struct extent){ 0, (node->c + b->p->kernels->block - 1) / b->p->kernels->block, node->h, node->w };
}

struct op *build_emit(struct builder *b, op_function *run, int node, int v0, int v1)
{
    struct op *op = program_op(b->p, run, &b->g->nodes[node]);
    op->value[0] = v0;
    op->value[1] = v1;
    return op;
}

/* The convolution at node i, as this program runs it in a direction. */
static struct conv_shape shape_of(const struct builder *b, int i, enum conv_direction direction)
{
    const struct conv_weights *owner = &b->ps->convs[b->ps->conv_of[i]];
    struct conv_shape shape = owner->shape;
    shape.storage = b->p->storage;
    shape.training = b->mode == BUILD_TRAINING;
    shape.planar_source = b->g->plain_input && b->g->nodes[i].in[0] == 0;
    shape.float_output = i == b->g->logits;
    shape.bias =
        direction != CONV_BACKWARD_DATA && (b->g->nodes[i].bias || (b->mode != BUILD_TRAINING && owner->folds >= 0));
    return shape;
}

struct op *build_emit_conv(struct builder *b, op_function *run, enum conv_direction direction, int i, int v0, int v1)
{
    struct op *op = build_emit(b, run, i, v0, v1);
    op->has_conv = true;
    op->direction = direction;
    op->owner = &b->ps->convs[b->ps->conv_of[i]];
    op->shape = shape_of(b, i, direction);
    return op;
}

bool build_is_relu(const struct graph_node *node)
{
    return node->kind == NODE_NORM && graph_slope(node->activation) == SLOPE_RELU;
}

bool build_has_signs(const struct builder *b, int i, enum conv_direction direction)
{
    struct conv_shape shape = shape_of(b, i, direction);
    return conv_has_signs(&shape, direction, b->p->kernels);
}

bool build_gathers(const struct builder *b, int i)
{
    struct conv_shape shape = shape_of(b, i, CONV_GATHER);
    return conv_gathers(&shape, b->p->kernels);
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
                         mem_alloc((size_t)g->n, sizeof(struct flow)),
                         mem_alloc((size_t)g->n, sizeof(struct gathered)),
                         0 };
    program_begin(p, ps->kernels, storage, mode == BUILD_TRAINING ? batch : 0);
    for (int i = 0; i < g->n; i++)
        b.value[i] = b.bits[i] = NO_VALUE;
    for (int i = 0; i < g->n; i++)
        build_forward_node(&b, i);
    if (mode == BUILD_LOGITS)
        build_emit(&b, op_logits, g->logits, NO_VALUE, b.value[g->logits]);
    else
        build_backward(&b);
    free(b.value);
    free(b.bits);
    free(b.merged);
    free(b.flow);
    free(b.gathered);
    int quarter = batch / 4 > 1 ? batch / 4 : 1; /* leaves work for four threads */
    if (program_finish(p, threads, quarter < 64 ? quarter : 64, err))
        return true;
    program_free(p);
    return false;
}
