/* What a model is made of, for --dry-run and the manifest. */
#include "darknet-ext/model_parts.h"
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

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
    snprintf(text, sizeof text, "%s, %s kernels for %s, %s", onednn, conv_uses_own() ? "own" : "no own",
             kernels_select()->name, DARKNET_LIBRARY);
    return text;
}

/* One line per kind of convolution: how many, in which direction, by whom. */
static void print_program(const char *name, const struct program *p, FILE *out)
{
    static const char *const directions[] = { "forward", "backward-data", "backward-weights", "gathering" };
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

/* ---- where the time goes ---- */

struct profile_line {
    char what[80];
    int ops;
    double microseconds, operations; /* per image, of one thread; of a direct convolution */
};

static const char *op_name(const struct op *op)
{
    static const struct {
        op_function *run;
        const char *name;
    } names[] = {
        { op_input, "input" },
        { op_moments, "batch moments" },
        { op_norm, "norm, shortcut, activation" },
        { op_mask, "derivative of activation" },
        { op_norm_backward, "norm, backward" },
        { op_norm_scale, "norm, backward" },
        { op_activation, "activation" },
        { op_activation_backward, "activation, backward" },
        { op_mapping_backward, "shortcut, backward" },
        { op_add, "addition" },
        { op_zero, "zeros" },
        { op_maxpool, "maxpool" },
        { op_maxpool_backward, "maxpool, backward" },
        { op_avgpool, "avgpool" },
        { op_avgpool_backward, "avgpool, backward" },
        { op_dropout, "dropout" },
        { op_route, "route" },
        { op_route_backward, "route, backward" },
        { op_loss, "loss" },
        { op_logits, "logits" },
        { op_scalar, "scalar" },
        { op_input_gradient, "input gradient" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].run == op->run)
            return names[i].name;
    return "layer of Darknet";
}

static struct profile_line profile_op(const struct program *p, int i, int threads)
{
    static const char *const directions[] = { "forward", "backward", "weights", "gather" };
    const struct op *op = &p->ops[i];
    const struct conv_shape *s = &op->shape;
    struct profile_line line = { .ops = 1 };
    double seconds = 0, images = 0;
    for (int t = 0; t < threads; t++) {
        seconds += p->times[t * p->n_ops + i].seconds;
        images += (double)p->times[t * p->n_ops + i].images;
    }
    line.microseconds = images > 0 ? 1e6 * seconds / images : 0;
    if (op->has_conv) {
        snprintf(line.what, sizeof line.what, "%-8s %dx%d/%d %3d x %dx%d to %3d, %s", directions[op->direction], s->kh,
                 s->kw, s->stride, s->ic, s->ih, s->iw, s->oc, conv_describe(op->conv));
        line.operations =
            op->direction == CONV_GATHER ? 0 : 2.0 * s->ic / s->groups * s->oc * s->kh * s->kw * s->oh * s->ow;
    } else {
        snprintf(line.what, sizeof line.what, "%s", op_name(op));
    }
    return line;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct profile_line *)a)->microseconds, y = ((const struct profile_line *)b)->microseconds;
    return (x < y) - (x > y);
}

static void print_profile(const char *name, const struct program *p, int threads, FILE *out)
{
    struct profile_line *line = mem_alloc((size_t)p->n_ops, sizeof *line);
    int n = 0;
    double total = 0, operations = 0;
    for (int i = 0; i < p->n_ops; i++) {
        struct profile_line of = profile_op(p, i, threads);
        int k = 0;
        while (k < n && strcmp(line[k].what, of.what))
            k++;
        if (k == n)
            line[n++] = of;
        else {
            line[k].ops++;
            line[k].microseconds += of.microseconds;
            line[k].operations += of.operations;
        }
        total += of.microseconds;
        operations += of.operations;
    }
    qsort(line, (size_t)n, sizeof *line, by_time);
    fprintf(out, "%s: %.0f us of one thread an image; as direct convolutions %.2f MFLOP, %.0f GF/s\n", name, total,
            1e-6 * operations, 1e-3 * operations / total);
    for (int k = 0; k < n && line[k].microseconds >= 0.001 * total; k++) {
        fprintf(out, "  %5.1f %%  %7.1f us  %2d x  %-70s", 100 * line[k].microseconds / total, line[k].microseconds,
                line[k].ops, line[k].what);
        if (line[k].operations > 0)
            fprintf(out, " %4.0f GF/s", 1e-3 * line[k].operations / line[k].microseconds);
        fputc('\n', out);
    }
    free(line);
}

void model_measure(struct model *m)
{
    m->measured = true;
    struct program *made[] = { m->options.training ? &m->train : NULL, m->logits.made ? &m->logits.program : NULL,
                               m->gradient.made ? &m->gradient.program : NULL };
    for (int i = 0; i < 3; i++)
        if (made[i])
            program_measure(made[i], m->options.threads);
}

void model_print_profile(const struct model *m, FILE *file)
{
    if (m->train.times)
        print_profile("training", &m->train, m->options.threads, file);
    if (m->logits.program.times)
        print_profile("logits", &m->logits.program, m->options.threads, file);
    if (m->gradient.program.times)
        print_profile("input gradient", &m->gradient.program, m->options.threads, file);
}
