/* A model as validators see it: images in, logits and input gradients out; nothing of Darknet.
 * So validators can be tested on models whose answer is known, and can judge models Darknet never saw. */
#ifndef MARGINALIA_BASE_CLASSIFIER_H
#define MARGINALIA_BASE_CLASSIFIER_H

#include <stdbool.h>
#include "base/err.h"

/* The scalar of each image whose gradient with respect to the pixels is asked for; class t = target[i]. */
enum scalar {
    SCALAR_MARGIN,      /* z_t - log sum_{k != t} exp z_k: same order as probability, without float32 saturation */
    SCALAR_PROBABILITY, /* softmax(z)_t and its gradient in float32: of a sure target nothing is left */
    SCALAR_LOGIT,       /* z_t */
    SCALAR_LOSS         /* cross-entropy, -log softmax(z)_t */
};

/* How the members of an ensemble become one answer: the mean of their logits, or of their probabilities (the ensemble's
 * logits are then the logarithms of the means). */
enum combine { COMBINE_LOGIT, COMBINE_PROBABILITY };
#define COMBINE_WORDS "logit|probability"
enum { ENSEMBLE_MOST = 64 };

struct classifier {
    void *self;
    int c, h, w;  /* input shape; pixels in [0,1] */
    int classes;  /* K */
    int batch;    /* number of images per call that runs fastest; any n works */

    /* z[n,K] = logits of x[n,c,h,w]. */
    bool (*logits)(void *self, const float *x, int n, float *z, struct err *err);

    /* g[n,c,h,w] = d scalar_i / d x_i in evaluation mode; z[n,K] = logits of the same pass, or NULL.
     * Exact (an image alone gives what it gives in a batch); changes no parameter, statistic or momentum. */
    bool (*gradient)(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                     struct err *err);
};

#endif
