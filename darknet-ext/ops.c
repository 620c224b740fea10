#include "darknet-ext/ops.h"
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "darknet-ext/activation.h"
#include "darknet-ext/input_dropout.h"

static const struct storage_kernels *kernels_of(const struct pass *p)
{
    return &p->program->kernels->storage[p->program->storage];
}

static struct extent extent_of(const struct op *op, int n)
{
    struct extent e = op->extent;
    e.n = n;
    return e;
}

static size_t image_elements(const struct pass *p, struct extent e)
{
    return (size_t)e.cb * e.h * e.w * p->program->kernels->block;
}

static size_t element_bytes(const struct pass *p)
{
    return p->program->storage == STORAGE_BF16 ? 2 : 4;
}

/* Zeroes what the padding images of the last chunk hold. */
static void clear_padding(const struct pass *p, void *value, size_t image_bytes)
{
    if (p->valid < p->n)
        memset((char *)value + (size_t)p->valid * image_bytes, 0, (size_t)(p->n - p->valid) * image_bytes);
}

static uint32_t image_key(const struct request *r, int i)
{
    return r->index ? (uint32_t)r->index[i] : 0;
}

/* ---- input ---- */

static void normalize(float *x, const struct layer_cfg *l, int c, int hw)
{
    for (int k = 0; k < c; k++) {
        float mean = l->mean[k], factor = 1.0f / l->std[k];
        for (int i = 0; i < hw; i++)
            x[(size_t)k * hw + i] = (x[(size_t)k * hw + i] - mean) * factor;
    }
}

/* The draw of image i's input dropout; false when nothing is dropped. */
static bool find_draw(const struct request *r, const struct layer_cfg *l, int i, struct input_draw *d)
{
    float probability = r->training ? input_dropout_probability(l, r->cfg->epochs, (int)r->epoch) : l->probability;
    *d = (struct input_draw){ r->seed, r->epoch, image_key(r, i), probability };
    return r->drop_input && probability > 0;
}

static void mask_channels(float *x, const float *keep, int c, int hw)
{
    for (int k = 0; k < c; k++)
        for (int j = 0; j < hw; j++)
            x[(size_t)k * hw + j] *= keep[j];
}

void op_input(const struct op *op, const struct pass *p)
{
    const struct request *r = p->request;
    const struct graph *g = r->graph;
    int c = op->node->c, hw = op->node->h * op->node->w;
    size_t floats = (size_t)c * hw, bytes = p->program->values[op->value[0]].image_bytes;
    char *out = pass_value(p, op->value[0]);
    float *keep = p->worker->scratch + p->worker->scratch_half;
    struct input_draw draw;
    for (int i = 0; i < p->valid; i++) {
        bool direct = g->plain_input && p->program->storage == STORAGE_F32;
        float *x = direct ? (float *)(out + (size_t)i * bytes) : p->worker->scratch;
        memcpy(x, r->x + (size_t)(p->first + i) * floats, floats * sizeof *x);
        for (int k = 0; k < g->n_input_layers; k++) {
            const struct layer_cfg *l = &r->cfg->layers[k];
            if (l->kind == LAYER_NORMALIZE) {
                normalize(x, l, c, hw);
            } else if (find_draw(r, l, p->first + i, &draw)) {
                input_dropout_draw(l, &draw, l->h, l->w, keep);
                input_dropout_apply(r->cfg, k, &draw, keep, x);
            }
        }
        if (!direct && g->plain_input)
            kernels_of(p)->from_float(out + (size_t)i * bytes, x, floats);
        else if (!direct)
            kernels_of(p)->block(out + (size_t)i * bytes, x, c, extent_of(op, 1));
    }
    clear_padding(p, out, bytes);
}

/* to = (add ? to : 0) + factor * x; to may be x. */
static void add_multiple(float *to, const float *x, float factor, int n, bool add)
{
    if (add)
        for (int j = 0; j < n; j++)
            to[j] += factor * x[j];
    else
        for (int j = 0; j < n; j++)
            to[j] = factor * x[j];
}

void op_input_gradient(const struct op *op, const struct pass *p)
{
    const struct request *r = p->request;
    int c = op->node->c, hw = op->node->h * op->node->w;
    size_t floats = (size_t)c * hw, bytes = p->program->values[op->value[1]].image_bytes;
    char *d = pass_value(p, op->value[1]);
    bool planar = op->shape.planar_source;
    float *keep = p->worker->scratch + p->worker->scratch_half;
    struct input_draw draw;
    for (int i = 0; i < p->valid; i++) {
        float *x = planar ? (float *)(d + (size_t)i * bytes) : p->worker->scratch;
        float *g = r->g + (size_t)(p->first + i) * floats;
        if (!planar)
            kernels_of(p)->unblock(x, d + (size_t)i * bytes, c, extent_of(op, 1));
        for (int k = r->graph->n_input_layers - 1; k >= 0; k--) {
            const struct layer_cfg *l = &r->cfg->layers[k];
            if (l->kind == LAYER_INPUT_DROPOUT && find_draw(r, l, p->first + i, &draw)) {
                input_dropout_draw(l, &draw, l->h, l->w, keep);
                mask_channels(x, keep, c, hw);
            }
            for (int q = 0; q < c && l->kind == LAYER_NORMALIZE; q++)
                add_multiple(x + (size_t)q * hw, x + (size_t)q * hw, 1.0f / l->std[q], hw, false);
        }
        add_multiple(g, x, r->g_scale, (int)floats, r->g_add);
    }
}

/* ---- convolutions ---- */

void op_conv_forward(const struct op *op, const struct pass *p)
{
    conv_run(op->conv, p->worker->conv_thread, p->thread, pass_value(p, op->value[1]), op->weights, op->bias,
             pass_value(p, op->value[0]), pass_value(p, op->value[2]));
}

void op_conv_backward_data(const struct op *op, const struct pass *p)
{
    conv_run(op->conv, p->worker->conv_thread, p->thread, pass_value(p, op->value[0]), op->weights, NULL,
             pass_value(p, op->value[1]), pass_value(p, op->value[2]));
}

void op_conv_backward_weights(const struct op *op, const struct pass *p)
{
    size_t at = op->part_floats * (size_t)p->chunk;
    conv_run(op->conv, p->worker->conv_thread, p->thread, pass_value(p, op->value[0]), (float *)op->weights + at,
             op->bias ? op->bias + (size_t)op->extent.cb * p->program->kernels->block * p->chunk : NULL,
             pass_value(p, op->value[1]), NULL);
}

void op_conv_gather(const struct op *op, const struct pass *p)
{
    conv_gather(op->conv, pass_value(p, op->value[0]), pass_value(p, op->value[1]), p->first, p->valid,
                pass_whole(p, op->value[2]), pass_whole(p, op->value[3]));
}

void op_conv_sum(const struct op *op, const struct pass *p)
{
    conv_sum(op->conv, p->worker->conv_thread, pass_whole(p, op->value[0]), pass_whole(p, op->value[1]), p->valid,
             p->share, op->weights);
}

/* ---- batch norm, activation, shortcut ---- */

static float *coefficients(const struct norm_state *s, const struct pass *p, int which)
{
    return p->worker->coefficients + s->coefficients + (size_t)which * s->padded;
}

void op_moments(const struct op *op, const struct pass *p)
{
    const struct norm_state *s = op->norm;
    double *sums = s->forward_sums + (size_t)p->chunk * 2 * s->padded;
    memset(sums, 0, 2 * (size_t)s->padded * sizeof *sums);
    kernels_of(p)->moments(pass_value(p, op->value[0]), sums, extent_of(op, p->valid));
}

/* Sum over chunks, in chunk order, of entry i. */
static double sum_chunks(const double *sums, int chunks, int padded, int i)
{
    double sum = 0;
    for (int k = 0; k < chunks; k++)
        sum += sums[(size_t)k * 2 * padded + i];
    return sum;
}

/* How many chunks' sums of this phase are to be added, and how many values they are of. */
static int norm_chunks(const struct pass *p, int phase)
{
    return p->request->norm_n ? 1 : program_chunks(p->program, phase, p->request->n);
}

static double norm_count(const struct op *op, const struct pass *p)
{
    return (double)(p->request->norm_n ? p->request->norm_n : p->request->n) * op->node->h * op->node->w;
}

/* As Darknet: unbiased variance, divided by sqrt(variance) + epsilon. Every thread computes the same numbers for
 * itself, which saves a barrier; thread 0 keeps the statistics. */
void op_norm_finish(const struct op *op, const struct pass *p)
{
    const struct norm_state *s = op->norm;
    int chunks = norm_chunks(p, s->forward_phase);
    double count = norm_count(op, p);
    float *a = coefficients(s, p, COEFFICIENT_A), *b = coefficients(s, p, COEFFICIENT_B);
    float *mean = coefficients(s, p, COEFFICIENT_MEAN), *variance = coefficients(s, p, COEFFICIENT_VARIANCE);
    for (int i = 0; i < s->channels; i++) {
        double m = sum_chunks(s->forward_sums, chunks, s->padded, i) / count;
        double q = sum_chunks(s->forward_sums, chunks, s->padded, s->padded + i);
        double v = count > 1 ? (q - count * m * m) / (count - 1) : 0;
        mean[i] = (float)m;
        variance[i] = v < 0 ? 0 : (float)v; /* NaN stays NaN */
        a[i] = s->scale[i] / (sqrtf(variance[i]) + NORM_EPSILON);
        b[i] = (s->shift ? s->shift[i] : 0) - mean[i] * a[i];
    }
    if (p->thread == 0) {
        memcpy(s->batch_mean, mean, (size_t)s->padded * sizeof *mean);
        memcpy(s->batch_variance, variance, (size_t)s->padded * sizeof *variance);
    }
}

void op_norm(const struct op *op, const struct pass *p)
{
    const struct norm_state *s = op->norm;
    const float *a = NULL, *b = NULL;
    if (s) {
        a = p->request->training ? coefficients(s, p, COEFFICIENT_A) : s->eval_a;
        b = p->request->training ? coefficients(s, p, COEFFICIENT_B) : s->eval_b;
    }
    kernels_of(p)->norm(pass_value(p, op->value[0]), pass_value(p, op->value[1]), a, b, pass_value(p, op->value[2]),
                        &op->map, op->slope, pass_value(p, op->value[3]), extent_of(op, p->n));
}

void op_mask(const struct op *op, const struct pass *p)
{
    const struct norm_state *s = op->norm;
    bool with_sums = op->value[5] != NO_VALUE;
    double *sums = with_sums ? s->backward_sums + (size_t)p->chunk * 2 * s->padded : NULL;
    if (with_sums)
        memset(sums, 0, 2 * (size_t)s->padded * sizeof *sums);
    void *g = pass_value(p, op->value[0]);
    kernels_of(p)->mask(g, pass_value(p, op->value[1]), pass_value(p, op->value[2]), pass_value(p, op->value[3]),
                        pass_value(p, op->value[4]), op->slope, pass_value(p, op->value[5]), sums,
                        extent_of(op, p->valid));
    clear_padding(p, g, p->program->values[op->value[0]].image_bytes);
}

/* The exact derivative of op_norm_finish: with c = y - mean, s = sqrt(variance) + epsilon, n values and P = sum g*c,
 * dy = scale * ((g - mean g)/s - P c / (s^2 (n-1) sqrt(variance))) = k0 g + k1 y + k2. */
void op_norm_backward_finish(const struct op *op, const struct pass *p)
{
    const struct norm_state *s = op->norm;
    int chunks = norm_chunks(p, s->backward_phase);
    double count = norm_count(op, p);
    const float *mean = coefficients(s, p, COEFFICIENT_MEAN), *variance = coefficients(s, p, COEFFICIENT_VARIANCE);
    float *k = coefficients(s, p, COEFFICIENT_K);
    for (int i = 0; i < s->channels; i++) {
        double sum_g = sum_chunks(s->backward_sums, chunks, s->padded, i);
        double sum_gc = sum_chunks(s->backward_sums, chunks, s->padded, s->padded + i) - mean[i] * sum_g;
        double root = sqrt(variance[i]), divisor = (float)root + NORM_EPSILON;
        double k1 = root == 0 ? 0 : -s->scale[i] * sum_gc / (divisor * divisor * (count - 1) * root);
        k[i] = (float)(s->scale[i] / divisor);
        k[s->padded + i] = (float)k1;
        k[2 * s->padded + i] = (float)(-s->scale[i] * sum_g / count / divisor - k1 * mean[i]);
        if (p->thread == 0) {
            s->scale_gradient[i] = p->request->norm_silent ? 0 : (float)(sum_gc / divisor);
            if (s->shift)
                s->shift_gradient[i] = p->request->norm_silent ? 0 : (float)sum_g;
        }
    }
}

void op_norm_backward(const struct op *op, const struct pass *p)
{
    void *dy = pass_value(p, op->value[0]);
    kernels_of(p)->norm_backward(dy, pass_value(p, op->value[1]), pass_value(p, op->value[2]),
                                 coefficients(op->norm, p, COEFFICIENT_K), extent_of(op, p->valid));
    clear_padding(p, dy, p->program->values[op->value[0]].image_bytes);
}

void op_norm_scale(const struct op *op, const struct pass *p)
{
    static const struct mapping none;
    kernels_of(p)->norm(pass_value(p, op->value[0]), pass_value(p, op->value[1]), op->norm->eval_a, NULL, NULL, &none,
                        SLOPE_ONE, NULL, extent_of(op, p->n));
}

void op_activation(const struct op *op, const struct pass *p)
{
    float *x = pass_value(p, op->value[0]);
    int block = p->program->kernels->block, tail = op->node->c % block, hw = op->extent.h * op->extent.w;
    assert(p->program->storage == STORAGE_F32);
    activation_forward(op->node->activation, x, image_elements(p, op->extent) * (size_t)p->n);
    for (int i = 0; i < p->n && tail; i++) { /* lanes beyond the last channel stay zero */
        float *last = x + image_elements(p, op->extent) * (size_t)(i + 1) - (size_t)hw * block;
        for (int j = 0; j < hw; j++)
            memset(last + (size_t)j * block + tail, 0, (size_t)(block - tail) * sizeof *last);
    }
}

void op_activation_backward(const struct op *op, const struct pass *p)
{
    activation_backward(op->node->activation, pass_value(p, op->value[0]), pass_value(p, op->value[1]),
                        image_elements(p, op->extent) * (size_t)p->n);
}

void op_mapping_backward(const struct op *op, const struct pass *p)
{
    int g_cb = (op->node->c + p->program->kernels->block - 1) / p->program->kernels->block;
    kernels_of(p)->mapping_backward(pass_value(p, op->value[0]), pass_value(p, op->value[1]), &op->map, g_cb,
                                    op->node->h, op->node->w, extent_of(op, p->n));
}

void op_add(const struct op *op, const struct pass *p)
{
    kernels_of(p)->add(pass_value(p, op->value[0]), pass_value(p, op->value[1]), extent_of(op, p->n));
}

void op_zero(const struct op *op, const struct pass *p)
{
    memset(pass_value(p, op->value[0]), 0, p->program->values[op->value[0]].image_bytes * (size_t)p->n);
}

/* ---- pools, dropout, route ---- */

void op_maxpool(const struct op *op, const struct pass *p)
{
    kernels_of(p)->maxpool(pass_value(p, op->value[0]), pass_value(p, op->value[1]), op->node->size,
                           op->node->pool_stride, op->node->pool_pad, extent_of(op, p->n), op->node->h, op->node->w);
}

void op_maxpool_backward(const struct op *op, const struct pass *p)
{
    kernels_of(p)->maxpool_backward(pass_value(p, op->value[0]), pass_value(p, op->value[1]),
                                    pass_value(p, op->value[2]), op->node->size, op->node->pool_stride,
                                    op->node->pool_pad, extent_of(op, p->n), op->node->h, op->node->w);
}

void op_avgpool(const struct op *op, const struct pass *p)
{
    kernels_of(p)->avgpool(pass_value(p, op->value[0]), pass_value(p, op->value[1]), extent_of(op, p->n));
}

void op_avgpool_backward(const struct op *op, const struct pass *p)
{
    kernels_of(p)->avgpool_backward(pass_value(p, op->value[0]), pass_value(p, op->value[1]), extent_of(op, p->n));
}

/* Draws in [c,h,w] order, so that the masks do not depend on the instruction set's block. */
void op_dropout(const struct op *op, const struct pass *p)
{
    const struct request *r = p->request;
    int block = p->program->kernels->block, hw = op->extent.h * op->extent.w;
    size_t elements = image_elements(p, op->extent), bytes = elements * element_bytes(p);
    float *keep = p->worker->scratch, kept = 1.0f / (1.0f - op->node->probability);
    for (int i = 0; i < p->n; i++) {
        struct rng rng = rng_stream(r->seed, RNG_DROPOUT | (uint32_t)op->node->layer << 8, r->epoch,
                                    i < p->valid ? image_key(r, p->first + i) : 0);
        memset(keep, 0, elements * sizeof *keep);
        for (int c = 0; c < op->node->c; c++)
            for (int j = 0; j < hw; j++)
                keep[((size_t)(c / block) * hw + j) * block + c % block] =
                    rng_unit(&rng) < op->node->probability ? 0 : kept;
        kernels_of(p)->scale_elements((char *)pass_value(p, op->value[0]) + (size_t)i * bytes,
                                      (const char *)pass_value(p, op->value[1]) + (size_t)i * bytes, keep, elements);
    }
}

/* Copies channels from..from+n-1 of one blocked image to to..to+n-1 of another, and zeroes the lanes behind the last.
 */
static void copy_channels(char *out, int to, const char *in, int from, int n, size_t pixels, int block, size_t element)
{
    size_t plane = pixels * block * element;
    if (to % block == 0 && from % block == 0 && n % block == 0) {
        memcpy(out + to / block * plane, in + from / block * plane, n / block * plane);
        return;
    }
    int end = (to + n + block - 1) / block * block;
    for (int c = 0; to + c < end; c++) {
        char *o = out + (to + c) / block * plane + (to + c) % block * element;
        const char *s = in + (from + c) / block * plane + (from + c) % block * element;
        for (size_t i = 0; i < pixels; i++)
            if (c < n)
                memcpy(o + i * block * element, s + i * block * element, element);
            else
                memset(o + i * block * element, 0, element);
    }
}

/* Inputs come in order, so that lanes zeroed behind one are filled by the next. */
void op_route(const struct op *op, const struct pass *p)
{
    size_t part = p->program->values[op->value[1]].image_bytes, whole = p->program->values[op->value[0]].image_bytes;
    for (int i = 0; i < p->n; i++)
        copy_channels((char *)pass_value(p, op->value[0]) + (size_t)i * whole, op->shape.ic,
                      (const char *)pass_value(p, op->value[1]) + (size_t)i * part, 0, op->shape.oc,
                      (size_t)op->extent.h * op->extent.w, p->program->kernels->block, element_bytes(p));
}

void op_route_backward(const struct op *op, const struct pass *p)
{
    size_t part = p->program->values[op->value[0]].image_bytes, whole = p->program->values[op->value[1]].image_bytes;
    for (int i = 0; i < p->n; i++)
        copy_channels((char *)pass_value(p, op->value[0]) + (size_t)i * part, 0,
                      (const char *)pass_value(p, op->value[1]) + (size_t)i * whole, op->shape.ic, op->shape.oc,
                      (size_t)op->extent.h * op->extent.w, p->program->kernels->block, element_bytes(p));
}
