/* The operations a program is made of: thin steps that fetch a pass's values and call a kernel or a convolution. */
#ifndef MARGINALIA_DARKNET_EXT_OPS_H
#define MARGINALIA_DARKNET_EXT_OPS_H

#include "darknet-ext/plan.h"

/* The state of one batch norm. Vectors have `padded` entries, zero beyond `channels`. */
struct norm_state {
    const struct graph_node *node;
    int channels, padded;
    float *scale, *shift; /* learned; shift NULL for a [batchnorm] section */
    float *scale_gradient, *shift_gradient;
    float *running_mean, *running_variance;
    float *batch_mean, *batch_variance;   /* of the last training forward pass */
    double *forward_sums, *backward_sums; /* [chunks][2][padded], made by operations of these phases: */
    int forward_phase, backward_phase;
    size_t coefficients;    /* where this norm's start in worker->coefficients: */
    float *eval_a, *eval_b; /* evaluation mode, when the norm is not folded into a convolution */
};
enum {
    COEFFICIENT_A,
    COEFFICIENT_B,
    COEFFICIENT_MEAN,
    COEFFICIENT_VARIANCE,
    COEFFICIENT_K,
    N_COEFFICIENTS = COEFFICIENT_K + 3
};

/* Darknet's batch norm divides by sqrt(variance) + this. */
#define NORM_EPSILON 1e-6f

op_function op_input;                 /* 0: out */
op_function op_conv_forward;          /* 0: out, 1: in, 2: signs */
op_function op_conv_backward_data;    /* 0: gradient of in, 1: gradient of out, 2: signs */
op_function op_conv_backward_weights; /* 0: in, 1: gradient of out */
op_function op_conv_gather;           /* 0: in, 1: gradient of out, 2 and 3: the batch's, gathered */
op_function op_conv_sum;              /* prologue with shares: the weights' gradient of the gathered 0 and 1 */
op_function op_moments;               /* 0: y */
op_function op_norm_finish;           /* prologue: batch statistics from the moments of all chunks */
op_function op_norm;                  /* 0: out, 1: y, 2: shortcut, 3: bits */
op_function op_mask;                  /* 0: g, 1: out, 2: bits, 3: d0, 4: d1, 5: y (then with sums) */
op_function op_norm_backward_finish;  /* prologue */
op_function op_norm_backward;         /* 0: dy, 1: g, 2: y */
op_function op_norm_scale;            /* 0: dy, 1: g; evaluation mode: dy = a * g */
op_function op_activation;            /* 0: in and out */
op_function op_activation_backward;   /* 0: d, 1: out */
op_function op_mapping_backward;      /* 0: d, 1: g of the shortcut; node: the shortcut's NORM */
op_function op_add;                   /* 0: d += 1 */
op_function op_zero;                  /* 0 */
op_function op_maxpool, op_avgpool;   /* 0: out, 1: in */
op_function op_maxpool_backward;      /* 0: gradient of in, 1: in, 2: gradient of out */
op_function op_avgpool_backward;      /* 0: gradient of in, 1: gradient of out */
op_function op_dropout;               /* 0: out, 1: in; its own backward */
op_function op_route;                 /* 0: out, 1: in; shape.ic: first channel in out, shape.oc: channels */
op_function op_route_backward;        /* 0: gradient of in, 1: gradient of out */
op_function op_darknet;               /* 0: out, 1: in */
op_function op_darknet_backward;      /* 0: gradient of in, 1: gradient of out */
op_function op_loss;                  /* 0: gradient of the logits, 1: logits */
op_function op_logits;                /* 1: logits -> request.z */
op_function op_scalar;                /* 0: gradient of the logits, 1: logits -> request.z */
op_function op_input_gradient;        /* 1: gradient of the input node -> request.g */

/* d[k] = derivative of the scalar with respect to logit k of z[k] (base/classifier.h). */
void scalar_gradient(enum scalar scalar, const float *z, int k, int target, float *d);

#endif
