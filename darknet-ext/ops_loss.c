/* The end of the network: logits out, loss, and the gradients that start backward passes. */
#include <math.h>
#include <string.h>
#include "darknet-ext/ops.h"

/* The logits of image i of the pass as floats, [K]. `row` may be used as a buffer. */
static const float *logits_row(const struct op *op, const struct pass *p, int i, float *row)
{
    size_t bytes = p->program->values[op->value[1]].image_bytes;
    const char *at = (const char *)pass_value(p, op->value[1]) + (size_t)i * bytes;
    size_t padded = (size_t)op->extent.cb * p->program->kernels->block;
    if (bytes == padded * sizeof(float))
        return (const float *)at;
    p->program->kernels->storage[p->program->storage].to_float(row, at, padded);
    return row;
}

static void store_gradient(const struct op *op, const struct pass *p, int i, const float *row)
{
    size_t padded = (size_t)op->extent.cb * p->program->kernels->block;
    char *at = (char *)pass_value(p, op->value[0]) + (size_t)i * p->program->values[op->value[0]].image_bytes;
    p->program->kernels->storage[p->program->storage].from_float(at, row, padded);
}

static void clear_gradient_padding(const struct op *op, const struct pass *p)
{
    size_t bytes = p->program->values[op->value[0]].image_bytes;
    memset((char *)pass_value(p, op->value[0]) + (size_t)p->valid * bytes, 0, (size_t)(p->n - p->valid) * bytes);
}

/* log sum exp of z[0..k-1], leaving out entry `except` (-1: none). NaN in, NaN out. */
static double log_sum_exp(const float *z, int k, int except)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < k; i++)
        if (i != except && !(z[i] <= most))
            most = z[i];
    if (isinf(most))
        return most;
    for (int i = 0; i < k; i++)
        if (i != except)
            sum += exp(z[i] - most);
    return most + log(sum);
}

static int largest(const float *z, int k)
{
    int best = 0;
    for (int i = 1; i < k; i++)
        if (z[i] > z[best])
            best = i;
    return best;
}

void op_loss(const struct op *op, const struct pass *p)
{
    const struct request *r = p->request;
    int k = op->node->c;
    size_t padded = (size_t)op->extent.cb * p->program->kernels->block;
    float *d = p->worker->scratch, *row = d + padded;
    for (int i = 0; i < p->valid; i++) {
        const float *z = logits_row(op, p, i, row);
        int label = r->label[p->first + i];
        double lse = log_sum_exp(z, k, -1), even = r->label_smoothing / k, loss = 0;
        memset(d, 0, padded * sizeof *d);
        for (int c = 0; c < k; c++) {
            double target = even + (c == label ? 1 - r->label_smoothing : 0);
            loss += target * (lse - z[c]);
            d[c] = (float)((exp(z[c] - lse) - target) * r->loss_scale);
        }
        r->loss[p->first + i] = loss;
        r->correct[p->first + i] = largest(z, k) == label;
        store_gradient(op, p, i, d);
    }
    clear_gradient_padding(op, p);
}

static void copy_logits(const struct op *op, const struct pass *p, int i, const float *z)
{
    if (p->request->z)
        memcpy(p->request->z + (size_t)(p->first + i) * op->node->c, z, (size_t)op->node->c * sizeof *z);
}

void op_logits(const struct op *op, const struct pass *p)
{
    for (int i = 0; i < p->valid; i++)
        copy_logits(op, p, i, logits_row(op, p, i, p->worker->scratch));
}

void scalar_gradient(enum scalar scalar, const float *z, int k, int target, float *d)
{
    double lse = log_sum_exp(z, k, -1), others = log_sum_exp(z, k, target), p = exp(z[target] - lse);
    for (int c = 0; c < k; c++) {
        double hit = c == target;
        switch (scalar) {
        case SCALAR_LOGIT: d[c] = (float)hit; break;
        case SCALAR_LOSS: d[c] = (float)(exp(z[c] - lse) - hit); break;
        case SCALAR_PROBABILITY: d[c] = (float)(p * (hit - exp(z[c] - lse))); break;
        case SCALAR_MARGIN: d[c] = (float)(c == target ? 1 : -exp(z[c] - others)); break;
        }
    }
}

void op_scalar(const struct op *op, const struct pass *p)
{
    const struct request *r = p->request;
    int k = op->node->c;
    size_t padded = (size_t)op->extent.cb * p->program->kernels->block;
    float *d = p->worker->scratch, *row = d + padded;
    for (int i = 0; i < p->valid; i++) {
        const float *z = logits_row(op, p, i, row);
        copy_logits(op, p, i, z);
        memset(d, 0, padded * sizeof *d);
        if (r->dz)
            memcpy(d, r->dz + (size_t)(p->first + i) * k, (size_t)k * sizeof *d);
        else
            scalar_gradient(r->scalar, z, k, r->label[p->first + i], d);
        store_gradient(op, p, i, d);
    }
    clear_gradient_padding(op, p);
}
