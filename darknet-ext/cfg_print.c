#include "darknet-ext/cfg.h"

#include <inttypes.h>

/* "p = 0.2, rising, blocks of 4, black, also at test time" */
static void describe_input_dropout(const struct layer_cfg *l, char *text, size_t n)
{
    char squares[32] = "";
    if (l->block > 1)
        snprintf(squares, sizeof squares, ", blocks of %d", l->block);
    else if (l->patch > 1)
        snprintf(squares, sizeof squares, ", patches of %d", l->patch);
    snprintf(text, n, "p = %g%s%s%s%s%s", l->probability, l->schedule == DROPOUT_LINEAR ? ", rising" : "", squares,
             l->fill == DROPOUT_MEAN ? "" : ", ", l->fill == DROPOUT_MEAN ? "" : dropout_fill_name(l->fill),
             l->at_test ? ", also at test time" : "");
}

/* What sets this layer apart: "3x3/2, 32 filters, batch norm, relu". */
static void describe(const struct layer_cfg *l, char *text, size_t n)
{
    const char *activation = activation_name(l->activation), *norm = l->batch_normalize ? ", batch norm" : "";
    switch (l->kind) {
    case LAYER_CONVOLUTIONAL:
        if (l->groups == 1)
            snprintf(text, n, "%dx%d/%d%s, %s", l->size, l->size, l->stride, norm, activation);
        else
            snprintf(text, n, "%dx%d/%d in %d groups%s, %s", l->size, l->size, l->stride, l->groups, norm, activation);
        break;
    case LAYER_CONNECTED:
        snprintf(text, n, "%s%s", activation, norm);
        break;
    case LAYER_MAXPOOL:
        snprintf(text, n, "%dx%d/%d", l->size, l->size, l->stride);
        break;
    case LAYER_SHORTCUT:
        snprintf(text, n, "+ layer %d, %s", l->from[0], activation);
        break;
    case LAYER_ROUTE:
        snprintf(text, n, "layer %d%s", l->from[0], l->n_from > 1 ? " and others" : "");
        break;
    case LAYER_ACTIVATION:
        snprintf(text, n, "%s", activation);
        break;
    case LAYER_DROPOUT:
        snprintf(text, n, "p = %g", l->probability);
        break;
    case LAYER_INPUT_DROPOUT:
        describe_input_dropout(l, text, n);
        break;
    default:
        text[0] = '\0';
    }
}

void cfg_print(const struct net_cfg *cfg, FILE *out)
{
    fprintf(out, "%5s  %-14s %-36s %15s    %-15s %11s %13s\n", "layer", "type", "", "input w,h,c", "output",
            "parameters", "multiply-adds");
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        char what[80], in[40], made[40];
        describe(l, what, sizeof what);
        snprintf(in, sizeof in, "%dx%dx%d", l->w, l->h, l->c);
        snprintf(made, sizeof made, "%dx%dx%d", l->out_w, l->out_h, l->out_c);
        fprintf(out, "%5d  %-14s %-36s %15s -> %-15s %11" PRId64 " %13" PRId64 "\n", i, l->type, what, in, made,
                l->parameters, l->macs);
    }
    fprintf(out, "total: %d layers, %d classes, %" PRId64 " parameters, %.4g million multiply-adds per image\n", cfg->n,
            cfg->classes, cfg->parameters, (double)cfg->macs / 1e6);
}
