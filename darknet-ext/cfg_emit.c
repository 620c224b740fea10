#include "darknet-ext/cfg_parts.h"

#include <stdlib.h>

#include "base/mem.h"

/* An in-memory FILE; open_memstream fails only for want of memory. */
struct text {
    char *bytes;
    size_t n;
    FILE *out;
};

static void text_begin(struct text *t)
{
    *t = (struct text){ 0 };
    t->out = open_memstream(&t->bytes, &t->n);
    if (!t->out)
        mem_alloc(SIZE_MAX, 1); /* ends the program as every failed allocation does */
}

static char *text_end(struct text *t)
{
    fclose(t->out);
    return t->bytes;
}

char *cfg_resolved_text(const struct net_cfg *cfg)
{
    struct text t;
    text_begin(&t);
    fputs("[net]\n", t.out);
    struct net_keys net = { .net = *cfg, .n_scales = cfg->n_steps };
    cfg_write_keys(t.out, "net", &net);
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        struct layer_keys keys = { .layer = *l, .n_mean = l->c, .n_std = l->c };
        fprintf(t.out, "\n[%s]\n", l->type);
        cfg_write_keys(t.out, l->type, &keys);
    }
    if (cfg->members) {
        fputs("\n[ensemble]\n", t.out);
        cfg_write_keys(t.out, "ensemble", &net);
    }
    return text_end(&t);
}

void cfg_stock_kernel(const struct layer_cfg *l, int *size, int *padding)
{
    bool widen = l->size == 1 && (l->stride != 1 || l->pad != 0);
    *size = widen ? 3 : l->size;
    *padding = widen ? l->pad + 1 : l->pad;
}

/* One number per channel: how [normalize] and [batchnorm] look to stock Darknet. */
static void write_per_channel(FILE *out, int c, bool batch_normalize)
{
    fprintf(out, "[convolutional]\nbatch_normalize=%d\nfilters=%d\nsize=1\nstride=1\ngroups=%d\nactivation=linear\n",
            batch_normalize, c, c);
}

static void write_convolutional(FILE *out, const struct layer_cfg *l)
{
    int size, padding;
    cfg_stock_kernel(l, &size, &padding);
    fprintf(
        out,
        "[convolutional]\nbatch_normalize=%d\nfilters=%d\nsize=%d\nstride=%d\npadding=%d\ngroups=%d\nactivation=%s\n",
        l->batch_normalize, l->filters, size, l->stride, padding, l->groups, activation_name(l->activation));
}

static void write_route(FILE *out, const struct layer_cfg *l)
{
    fputs("[route]\nlayers=", out);
    for (int k = 0; k < l->n_from; k++)
        fprintf(out, "%s%d", k ? "," : "", l->from[k]);
    fputc('\n', out);
}

static void write_darknet(FILE *out, const struct layer_cfg *l)
{
    if (l->type[0] == 'u')
        fprintf(out, "[upsample]\nstride=%d\nscale=%.9g\n", l->stride, l->scale);
    else
        fprintf(out, "[reorg]\nstride=%d\nreverse=%d\n", l->stride, l->reverse);
}

static void write_stock_layer(FILE *out, const struct layer_cfg *l)
{
    const char *activation = activation_name(l->activation);
    fputc('\n', out);
    switch (l->kind) {
    case LAYER_NORMALIZE:     write_per_channel(out, l->c, false); break;
    case LAYER_BATCHNORM:     write_per_channel(out, l->c, true); break;
    case LAYER_CONVOLUTIONAL: write_convolutional(out, l); break;
    case LAYER_ROUTE:         write_route(out, l); break;
    case LAYER_DARKNET:       write_darknet(out, l); break;
    case LAYER_INPUT_DROPOUT: fputs("[activation]\nactivation=linear\n", out); break;
    case LAYER_ACTIVATION:    fprintf(out, "[activation]\nactivation=%s\n", activation); break;
    case LAYER_AVGPOOL:       fputs("[avgpool]\n", out); break;
    case LAYER_SOFTMAX:       fputs("[softmax]\ngroups=1\n", out); break;
    case LAYER_DROPOUT:       fprintf(out, "[dropout]\nprobability=%.9g\n", l->probability); break;
    case LAYER_MAXPOOL:
        fprintf(out, "[maxpool]\nsize=%d\nstride=%d\npadding=%d\n", l->size, l->stride, l->pad);
        break;
    case LAYER_CONNECTED:
        fprintf(out, "[connected]\nbatch_normalize=%d\noutput=%d\nactivation=%s\n", l->batch_normalize, l->filters,
                activation);
        break;
    case LAYER_SHORTCUT:
        fprintf(out, "[shortcut]\nfrom=%d\nactivation=%s\nalpha=%.9g\nbeta=%.9g\n", l->from[0], activation, l->alpha,
                l->beta);
        break;
    }
}

static void write_stock_net(FILE *out, int batch, int c, int h, int w)
{
    fprintf(out, "[net]\nbatch=%d\nsubdivisions=1\nheight=%d\nwidth=%d\nchannels=%d\n", batch, h, w, c);
}

/* Darknet's own training keys, for whoever trains on with stock Darknet; it knows no cosine and no onecycle. */
static void write_stock_training(FILE *out, const struct net_cfg *cfg)
{
    fprintf(out, "learning_rate=%.9g\nmomentum=%.9g\ndecay=%.9g\nmax_batches=%d\n", cfg->learning_rate, cfg->momentum,
            cfg->decay, cfg->max_batches);
    if (cfg->policy == LR_COSINE || cfg->policy == LR_ONECYCLE) {
        fputs("policy=constant\n", out);
        return;
    }
    fprintf(out, "policy=%s\nburn_in=%d\npower=%.9g\n", policy_name(cfg->policy), cfg->burn_in, cfg->power);
    if (cfg->policy == LR_STEP || cfg->policy == LR_SIG)
        fprintf(out, "step=%d\n", cfg->step);
    if (cfg->policy == LR_STEP)
        fprintf(out, "scale=%.9g\n", cfg->scale);
    if (cfg->policy == LR_EXP || cfg->policy == LR_SIG)
        fprintf(out, "gamma=%.9g\n", cfg->gamma);
    for (int i = 0; i < cfg->n_steps; i++)
        fprintf(out, "%s%d%s", i ? "," : "steps=", cfg->steps[i], i == cfg->n_steps - 1 ? "\n" : "");
    for (int i = 0; i < cfg->n_steps; i++)
        fprintf(out, "%s%.9g%s", i ? "," : "scales=", cfg->scales[i], i == cfg->n_steps - 1 ? "\n" : "");
}

char *cfg_stock_text(const struct net_cfg *cfg, int batch)
{
    struct text t;
    text_begin(&t);
    write_stock_net(t.out, batch, cfg->c, cfg->h, cfg->w);
    write_stock_training(t.out, cfg);
    for (int i = 0; i < cfg->n; i++)
        write_stock_layer(t.out, &cfg->layers[i]);
    return text_end(&t);
}

char *cfg_stock_layer_text(const struct net_cfg *cfg, int i, int batch)
{
    const struct layer_cfg *l = &cfg->layers[i];
    struct text t;
    text_begin(&t);
    write_stock_net(t.out, batch, l->c, l->h, l->w);
    write_stock_layer(t.out, l);
    return text_end(&t);
}
