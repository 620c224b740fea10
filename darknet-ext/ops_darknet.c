/* Layers that run by Darknet's own function: planar images of one at a time, one Darknet network of the layer per
 * thread. */
#include "darknet-ext/dn.h"
#include "darknet-ext/ops.h"

static struct extent one_image(const struct graph_node *node, int block)
{
    return (struct extent){ 1, (node->c + block - 1) / block, node->h, node->w };
}

/* v_out of `to` = the layer's function (or its backward) of v_in of `from`, image by image. */
static void run_layer(const struct op *op, const struct pass *p, int v_out, const struct graph_node *to, int v_in,
                      const struct graph_node *from, bool backward)
{
    const struct storage_kernels *k = &p->program->kernels->storage[p->program->storage];
    int block = p->program->kernels->block;
    const struct graph *graph = p->request->graph;
    struct dn_network *dn =
        p->request->darknet[(size_t)p->thread * (size_t)graph->n + (size_t)(op->node - graph->nodes)];
    float *in = p->worker->scratch, *out = in + p->worker->scratch_half;
    for (int i = 0; i < p->n; i++) {
        k->unblock(in, (char *)pass_value(p, v_in) + (size_t)i * p->program->values[v_in].image_bytes, from->c,
                   one_image(from, block));
        if (backward)
            dn_backward(dn, in, out);
        else
            dn_forward(dn, in, false);
        k->block((char *)pass_value(p, v_out) + (size_t)i * p->program->values[v_out].image_bytes,
                 backward ? out : dn_logits(dn), to->c, one_image(to, block));
    }
}

void op_darknet(const struct op *op, const struct pass *p)
{
    run_layer(op, p, op->value[0], op->node, op->value[1], &p->request->graph->nodes[op->node->in[0]], false);
}

void op_darknet_backward(const struct op *op, const struct pass *p)
{
    run_layer(op, p, op->value[0], &p->request->graph->nodes[op->node->in[0]], op->value[1], op->node, true);
}
