/* What a model is made of, for --dry-run and the manifest. */
#include "darknet-ext/model_parts.h"
#include <string.h>

int64_t model_memory_estimate(const struct net_cfg *cfg, const struct model_options *options)
{
    int64_t element = options->precision == PRECISION_BF16 ? 2 : 4, per_image = 0, largest = 0;
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        int64_t out = (int64_t)(l->out_c + 15) / 16 * 16 * l->out_h * l->out_w;
        bool two = l->kind == LAYER_CONVOLUTIONAL && l->batch_normalize && l->activation != ACTIVATION_LINEAR;
        per_image += out * (two ? 2 : 1);
        largest = out > largest ? out : largest;
    }
    int64_t images = options->training ? cfg->batch / cfg->subdivisions : 0, copies = options->training ? 5 : 2;
    int64_t libraries = (int64_t)110 << 20; /* libdarknet and oneDNN with their dependencies */
    return libraries + per_image * element * images + largest * 8 * 4 * 8 * options->threads + cfg->stored * 4 * copies;
}

const char *model_isa(void)
{
    return conv_isa();
}

const char *model_engine_version(void)
{
    static char text[256];
    char onednn[48];
    conv_version(onednn, sizeof onednn);
    snprintf(text, sizeof text, "%s, own kernels for %s, %s", onednn, kernels_select()->name, DARKNET_LIBRARY);
    return text;
}

/* One line per kind of convolution: how many, in which direction, by whom. */
static void print_program(const char *name, const struct program *p, FILE *out)
{
    static const char *const directions[] = { "forward", "backward-data", "backward-weights" };
    fprintf(out, "%s program: %d phases, %.1f MB for the batch, %.1f MB per thread\n", name, p->n_phases,
            (double)p->batch_bytes / 1e6, (double)p->local_bytes / 1e6);
    for (int i = 0; i < p->n_ops; i++) {
        int same = 0, before = 0;
        for (int k = 0; k < p->n_ops && p->ops[i].has_conv; k++) {
            bool alike = p->ops[k].has_conv && p->ops[k].direction == p->ops[i].direction &&
                         !strcmp(conv_describe(p->ops[k].conv), conv_describe(p->ops[i].conv));
            same += alike;
            before += alike && k < i;
        }
        if (same && !before)
            fprintf(out, "  %3d x %-16s %s\n", same, directions[p->ops[i].direction], conv_describe(p->ops[i].conv));
    }
}

void model_print_plan(const struct model *m, FILE *file)
{
    if (m->options.training)
        print_program("training", &m->train, file);
    if (m->logits.made)
        print_program("logits", &m->logits.program, file);
    if (m->gradient.made)
        print_program("input gradient", &m->gradient.program, file);
}
