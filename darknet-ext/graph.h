/* What a checked cfg computes, apart from how: a list of nodes in execution order. Layers that the engine runs as one
 * are one node: a convolution's batch norm and activation become a NORM node, a shortcut is merged into the NORM node
 * before it, a connected layer is a convolution whose kernel covers its input. Nothing here knows of memory, chunks,
 * threads or primitives. */
#ifndef MARGINALIA_DARKNET_EXT_GRAPH_H
#define MARGINALIA_DARKNET_EXT_GRAPH_H

#include "darknet-ext/cfg.h"
#include "darknet-ext/kernels.h"

enum node_kind { NODE_INPUT, NODE_CONV, NODE_NORM, NODE_MAXPOOL, NODE_AVGPOOL, NODE_DROPOUT, NODE_ROUTE, NODE_DARKNET };

struct graph_node {
    enum node_kind kind;
    int layer;                  /* the cfg layer this node completes */
    int n_in, in[CFG_MAX_FROM]; /* nodes read; NORM: in[0] = y, in[1] = shortcut source if n_in == 2 */
    int c, h, w;                /* output */
    int n_readers;              /* nodes that read the output */
    /* CONV */
    int kh, kw, stride, pad, groups;
    bool bias; /* without batch norm */
    /* NORM: out = f(normalised y + shortcut) */
    bool batch_norm, learned_shift; /* [batchnorm] sections of Darknet have no bias */
    enum activation activation;
    struct mapping map; /* of in[1] */
    int weights_layer;  /* CONV, NORM with batch_norm: the cfg layer that stores the parameters */
    /* pools, dropout */
    int size, pool_stride, pool_pad;
    float probability;
};

struct graph {
    int n;
    struct graph_node *nodes; /* [n], nodes[0] is the input */
    int logits;               /* the node whose output is the logits: classes x 1 x 1 */
    bool plain_input;         /* the input is read by convolutions only and has at most 3 channels: it stays planar */
    int n_input_layers;       /* leading [normalize] and [input_dropout] layers, done while the input is read */
};

/* block: channel block of the kernels. Refuses (EXIT_USAGE, file:line) what the engine cannot do. */
bool graph_build(const struct net_cfg *cfg, int block, struct graph *g, struct err *err);
void graph_free(struct graph *g);

/* How activation f's derivative is known: SLOPE_*, or -1 for one that activation.h computes. */
int graph_slope(enum activation a);

#endif
