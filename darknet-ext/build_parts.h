/* What the builders of the forward and of the backward half of a program share. Private to build*.c. */
#ifndef MARGINALIA_DARKNET_EXT_BUILD_PARTS_H
#define MARGINALIA_DARKNET_EXT_BUILD_PARTS_H

#include "darknet-ext/build.h"

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
    struct gathered {
        int node, sources, gradients;
    } * gathered; /* [graph.n] since this phase began, to be summed in the next */
    int n_gathered;
};

/* Bytes of node i's output for one image: as stored (the input may be planar), and in blocks. */
size_t build_node_bytes(const struct builder *b, int i);
size_t build_blocked_bytes(const struct builder *b, int i);
struct extent build_node_extent(const struct builder *b, int i);

/* A new operation of a node that writes v0 and reads v1 (NO_VALUE: none); of the convolution at node i. */
struct op *build_emit(struct builder *b, op_function *run, int node, int v0, int v1);
struct op *build_emit_conv(struct builder *b, op_function *run, enum conv_direction direction, int i, int v0, int v1);

/* Whether a NORM's derivative is known from signs that are kept, and is zero or one. */
bool build_is_relu(const struct graph_node *node);

/* Whether the convolution at node i can keep or apply signs. */
bool build_has_signs(const struct builder *b, int i, enum conv_direction direction);

/* Whether the weights' gradient of the convolution at node i is made of gathered images (conv.h). */
bool build_gathers(const struct builder *b, int i);

void build_forward_node(struct builder *b, int i);

/* From the logits down to the parameters, or to the input. */
void build_backward(struct builder *b);

#endif
