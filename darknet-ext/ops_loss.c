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

/* log sum exp of z[0..k-1] / temperature, leaving out entry `except` (-1: none). NaN in, NaN out. */
static double log_sum_exp(const float *z, int k, int except, double temperature)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < k; i++)
        if (i != except && !(z[i] <= most))
            most = z[i];
    if (isinf(most))
        return most;
    for (int i = 0; i < k; i++)
        if (i != except)
            sum += exp((z[i] - most) / temperature);
    return most / temperature + log(sum);
}

static int largest(const float *z, int k)
{
    int best = 0;
    for (int i = 1; i < k; i++)
        if (z[i] > z[best])
            best = i;
    return best;
}

/* Cross-entropy of z[k] with the label, smoothed; d[k] = its gradient times scale. */
static double label_loss(const float *z, int k, int label, double smoothing, double scale, float *d)
{
    double lse = log_sum_exp(z, k, -1, 1), even = smoothing / k, loss = 0;
    for (int c = 0; c < k; c++) {
        double target = even + (c == label ? 1 - smoothing : 0);
        loss += target * (lse - z[c]);
        d[c] = (float)((exp(z[c] - lse) - target) * scale);
    }
    return loss;
}

/* T^2 KL(q || p), where q and p are the softmax of teacher / T and of z / T (Hinton, Vinyals, Dean 2015, "Distilling
 * the knowledge in a neural network"); d[k] += its gradient, T (p - q), times scale. */
static double teacher_loss(const float *z, const float *teacher, int k, double t, double scale, float *d)
{
    double lse = log_sum_exp(z, k, -1, t), teacher_lse = log_sum_exp(teacher, k, -1, t), loss = 0;
    for (int c = 0; c < k; c++) {
        double log_p = z[c] / t - lse, log_q = teacher[c] / t - teacher_lse, q = exp(log_q);
        loss += q * (log_q - log_p);
        d[c] += (float)(t * (exp(log_p) - q) * scale);
    }
    return t * t * loss;
}

void op_loss(const struct op *op, const struct pass *p)
{
    const struct request *r = p->request;
    int k = op->node->c;
    size_t padded = (size_t)op->extent.cb * p->program->kernels->block;
    float *d = p->worker->scratch, *row = d + padded;
    double weight = r->teacher ? r->distill_weight : 0;
    for (int i = 0; i < p->valid; i++) {
        const float *z = logits_row(op, p, i, row);
        int at = p->first + i;
        memset(d, 0, padded * sizeof *d);
        r->loss[at] =
            (1 - weight) * label_loss(z, k, r->label[at], r->label_smoothing, (1 - weight) * r->loss_scale, d);
        if (r->teacher)
            r->loss[at] += weight * teacher_loss(z, r->teacher + (size_t)at * k, k, r->distill_temperature,
                                                 weight * r->loss_scale, d);
        r->correct[at] = largest(z, k) == r->label[at];
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

/* d[c] = p[c] * ((c == target) - p[target]) of the softmax p, in float32 as deep learning frameworks compute it: of a
 * target that is surer than 1 - 2^-25 no derivative is left, only that of the others. */
static void probability_gradient(const float *z, int k, int target, float *d)
{
    float sum = 0, most = z[largest(z, k)];
    for (int c = 0; c < k; c++)
        sum += d[c] = expf(z[c] - most);
    float p = d[target] / sum;
    for (int c = 0; c < k; c++)
        d[c] = d[c] / sum * ((float)(c == target) - p);
}

void scalar_gradient(enum scalar scalar, const float *z, int k, int target, float *d)
{
    if (scalar == SCALAR_PROBABILITY) {
        probability_gradient(z, k, target, d);
        return;
    }
    double lse = log_sum_exp(z, k, -1, 1), others = log_sum_exp(z, k, target, 1);
    for (int c = 0; c < k; c++) {
        double hit = c == target;
        switch (scalar) {
        case SCALAR_LOGIT: d[c] = (float)hit; break;
        case SCALAR_LOSS: d[c] = (float)(exp(z[c] - lse) - hit); break;
        default: d[c] = (float)(c == target ? 1 : -exp(z[c] - others)); /* the margin */
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
