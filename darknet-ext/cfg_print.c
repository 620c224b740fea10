#include "darknet-ext/cfg.h"

#include <inttypes.h>

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
    case LAYER_DROPOUT: case LAYER_INPUT_DROPOUT:
        snprintf(text, n, "p = %g%s", l->probability, l->at_test ? ", also at test time" : "");
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
        char what[64], in[40], made[40];
        describe(l, what, sizeof what);
        snprintf(in, sizeof in, "%dx%dx%d", l->w, l->h, l->c);
        snprintf(made, sizeof made, "%dx%dx%d", l->out_w, l->out_h, l->out_c);
        fprintf(out, "%5d  %-14s %-36s %15s -> %-15s %11" PRId64 " %13" PRId64 "\n", i, l->type, what, in, made,
                l->parameters, l->macs);
    }
    fprintf(out, "total: %d layers, %d classes, %" PRId64 " parameters, %.4g million multiply-adds per image\n", cfg->n,
            cfg->classes, cfg->parameters, (double)cfg->macs / 1e6);
}
