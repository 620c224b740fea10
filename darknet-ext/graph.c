#include "darknet-ext/graph.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* While building: which node holds the output of each cfg layer (-1 - that is, index 0 - is the network input). */
struct builder {
    const struct net_cfg *cfg;
    struct graph *g;
    int *node_of; /* [cfg->n] */
    int block;
    struct err *err;
};

int graph_slope(enum activation a)
{
    return a == ACTIVATION_LINEAR  ? SLOPE_ONE
           : a == ACTIVATION_RELU  ? SLOPE_RELU
           : a == ACTIVATION_LEAKY ? SLOPE_LEAKY
                                   : -1;
}

static struct graph_node *append(struct builder *b, enum node_kind kind, int layer, int in)
{
    struct graph_node *node = &b->g->nodes[b->g->n++];
    const struct layer_cfg *l = &b->cfg->layers[layer];
    *node = (struct graph_node){ .kind = kind,
                                 .layer = layer,
                                 .n_in = 1,
                                 .in = { in },
                                 .c = l->out_c,
                                 .h = l->out_h,
                                 .w = l->out_w,
                                 .weights_layer = layer,
                                 .groups = 1 };
    b->node_of[layer] = b->g->n - 1;
    return node;
}

static int input_of(const struct builder *b, int layer)
{
    return layer > 0 ? b->node_of[layer - 1] : 0;
}

/* Batch norm and activation after the convolution just appended. */
static void append_norm(struct builder *b, int layer, bool batch_norm, bool learned_shift)
{
    const struct layer_cfg *l = &b->cfg->layers[layer];
    if (!batch_norm && l->activation == ACTIVATION_LINEAR)
        return;
    struct graph_node *node = append(b, NODE_NORM, layer, b->g->n - 1);
    node->batch_norm = batch_norm;
    node->learned_shift = learned_shift;
    node->activation = l->activation;
}

static void append_convolution(struct builder *b, int layer)
{
    const struct layer_cfg *l = &b->cfg->layers[layer];
    struct graph_node *node = append(b, NODE_CONV, layer, input_of(b, layer));
    if (l->kind == LAYER_CONNECTED) {
        node->kh = l->h;
        node->kw = l->w;
        node->stride = 1;
    } else {
        node->kh = node->kw = l->size;
        node->stride = l->stride;
        node->pad = l->pad;
        node->groups = l->groups ? l->groups : 1;
    }
    node->bias = !l->batch_normalize;
    append_norm(b, layer, l->batch_normalize, true);
}

static struct mapping shortcut_mapping(const struct graph_node *from, const struct graph_node *to, float beta,
                                       int block)
{
    struct mapping m = { .stride = from->w / to->w,
                         .sample = to->w / from->w,
                         .scale = beta,
                         .from_cb = (from->c + block - 1) / block,
                         .from_h = from->h,
                         .from_w = from->w };
    m.stride = m.stride ? m.stride : 1;
    m.sample = m.sample ? m.sample : 1;
    m.c = from->c < to->c ? from->c : to->c;
    m.h = from->h < to->h ? from->h : to->h;
    m.w = from->w < to->w ? from->w : to->w;
    m.same = from->c == to->c && from->h == to->h && from->w == to->w && beta == 1;
    return m;
}

static bool append_shortcut(struct builder *b, int layer)
{
    const struct layer_cfg *l = &b->cfg->layers[layer];
    if (!(l->alpha == 1))
        return err_usage(b->err, "%s:%d: [shortcut] alpha=%g is not supported; use alpha=1 and scale with beta",
                         b->cfg->path, l->line, (double)l->alpha);
    int from = b->node_of[l->from[0]], y = input_of(b, layer);
    struct graph_node *before = &b->g->nodes[y];
    bool merge = before->kind == NODE_NORM && before->n_in == 1 && before->activation == ACTIVATION_LINEAR &&
                 y == b->g->n - 1 && before->n_readers == 0 && from != y;
    struct graph_node *node = before;
    if (merge) {
        b->node_of[layer] = y;
        node->layer = layer;
    } else {
        node = append(b, NODE_NORM, layer, y);
    }
    node->activation = l->activation;
    node->in[node->n_in++] = from;
    node->map = shortcut_mapping(&b->g->nodes[from], node, l->beta, b->block);
    return true;
}

static void append_pool(struct builder *b, int layer)
{
    const struct layer_cfg *l = &b->cfg->layers[layer];
    struct graph_node *node =
        append(b, l->kind == LAYER_MAXPOOL ? NODE_MAXPOOL : NODE_AVGPOOL, layer, input_of(b, layer));
    node->size = l->size;
    node->pool_stride = l->stride;
    node->pool_pad = l->pad;
}

static bool append_route(struct builder *b, int layer)
{
    const struct layer_cfg *l = &b->cfg->layers[layer];
    if (l->n_from == 1) { /* a route of one layer is that layer */
        b->node_of[layer] = b->node_of[l->from[0]];
        return true;
    }
    struct graph_node *node = append(b, NODE_ROUTE, layer, 0);
    node->n_in = l->n_from;
    for (int k = 0; k < l->n_from; k++)
        node->in[k] = b->node_of[l->from[k]];
    return true;
}

static bool append_layer(struct builder *b, int layer)
{
    const struct layer_cfg *l = &b->cfg->layers[layer];
    switch (l->kind) {
    case LAYER_NORMALIZE:
    case LAYER_INPUT_DROPOUT:
        if (layer != b->g->n_input_layers)
            return err_usage(b->err, "%s:%d: [%s] must come before every other layer; move it up", b->cfg->path,
                             l->line, l->type);
        b->g->n_input_layers++;
        b->node_of[layer] = 0;
        return true;
    case LAYER_CONVOLUTIONAL:
    case LAYER_CONNECTED: append_convolution(b, layer); return true;
    case LAYER_BATCHNORM:
    case LAYER_ACTIVATION: {
        struct graph_node *node = append(b, NODE_NORM, layer, input_of(b, layer));
        node->batch_norm = l->kind == LAYER_BATCHNORM;
        node->activation = l->activation;
        return true;
    }
    case LAYER_SHORTCUT: return append_shortcut(b, layer);
    case LAYER_MAXPOOL:
    case LAYER_AVGPOOL: append_pool(b, layer); return true;
    case LAYER_DROPOUT: append(b, NODE_DROPOUT, layer, input_of(b, layer))->probability = l->probability; return true;
    case LAYER_ROUTE: return append_route(b, layer);
    case LAYER_SOFTMAX: /* the engine's loss and probabilities start from its input */
        b->node_of[layer] = input_of(b, layer);
        return true;
    case LAYER_DARKNET: append(b, NODE_DARKNET, layer, input_of(b, layer)); return true;
    }
    assert(!"unknown layer kind");
    return false;
}

static void count_readers(struct graph *g)
{
    for (int i = 1; i < g->n; i++)
        g->nodes[i].n_readers = 0;
    for (int i = 1; i < g->n; i++)
        for (int k = 0; k < g->nodes[i].n_in; k++)
            g->nodes[g->nodes[i].in[k]].n_readers++;
}

/* A merge may not hide a layer that somebody else reads: mark the sources of every shortcut and route beforehand. */
static void mark_sources(const struct net_cfg *cfg, bool *is_source)
{
    for (int i = 0; i < cfg->n; i++)
        for (int k = 0; k < cfg->layers[i].n_from; k++)
            is_source[cfg->layers[i].from[k]] = true;
}

bool graph_build(const struct net_cfg *cfg, int block, struct graph *g, struct err *err)
{
    *g = (struct graph){ .nodes = mem_alloc((size_t)cfg->n * 2 + 1, sizeof *g->nodes) };
    struct builder b = { cfg, g, mem_alloc((size_t)cfg->n, sizeof(int)), block, err };
    bool *is_source = mem_alloc((size_t)cfg->n, sizeof *is_source), ok = true;
    mark_sources(cfg, is_source);
    g->nodes[g->n++] = (struct graph_node){ .kind = NODE_INPUT, .layer = -1, .c = cfg->c, .h = cfg->h, .w = cfg->w };
    for (int i = 0; i < cfg->n && ok; i++) {
        ok = append_layer(&b, i);
        if (ok && is_source[i])
            g->nodes[b.node_of[i]].n_readers++; /* keeps append_shortcut from merging into it */
    }
    if (ok) {
        g->logits = b.node_of[cfg->n - 1];
        count_readers(g);
        g->plain_input = cfg->c <= 3;
        for (int i = 1; i < g->n; i++)
            for (int k = 0; k < g->nodes[i].n_in; k++)
                if (g->nodes[i].in[k] == 0 && (g->nodes[i].kind != NODE_CONV || g->nodes[i].groups > 1))
                    g->plain_input = false;
    } else {
        graph_free(g);
    }
    free(b.node_of);
    free(is_source);
    return ok;
}

void graph_free(struct graph *g)
{
    free(g->nodes);
    *g = (struct graph){ 0 };
}
