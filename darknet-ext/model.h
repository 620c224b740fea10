/* The door to the engine: a network that trains, predicts and gives input gradients.
 *
 * A model is opened from a checked net_cfg, which libdarknet parses too (its layer table must agree with ours).
 * Parameters live once, in the engine's own layout; they are exchanged as one vector in the order of Darknet's weights
 * file. Nothing is allocated inside a train step. Not thread-safe: one caller at a time; the model has its own threads.
 */
#ifndef MARGINALIA_DARKNET_EXT_MODEL_H
#define MARGINALIA_DARKNET_EXT_MODEL_H

#include "base/classifier.h"
#include "darknet-ext/cfg.h"
#include "darknet-ext/exchange.h"

enum precision {
    PRECISION_F32,
    PRECISION_BF16
}; /* bf16: operands and stored activations; f32 master weights, BN, loss */

struct model_options {
    int threads; /* >= 1 */
    enum precision precision;
    bool training;        /* make the training program (memory for a whole batch); prediction always works */
    struct model *beside; /* its threads (as many) and workspace are used, so one of the two computes at a time; it is
                             closed last. NULL: own ones */
    const struct exchange *exchange; /* training by several ranks, a part of each batch on each; NULL: alone */
};

struct model;

bool model_open(const struct net_cfg *cfg, const struct model_options *options, struct model **out, struct err *err);
void model_close(struct model *m); /* accepts NULL */

/* He initialisation as Darknet's (conv: N(0, 2/(k*k*c/groups)); connected: U(-1,1)*sqrt(2/in)), biases 0, scales 1,
 * statistics 0/1, from RNG_INIT streams. Clears the momentum. */
void model_initialize(struct model *m, uint64_t seed);

/* Vectors of cfg->stored floats in weights-file order. Momentum has the same layout (zeros for the statistics). */
void model_get_parameters(const struct model *m, float *values);
void model_set_parameters(struct model *m, const float *values);
void model_get_momentum(const struct model *m, float *values);
void model_set_momentum(struct model *m, const float *values);

struct step {
    /* in */
    const float *x;       /* [n,c,h,w] pixels in [0,1] */
    const int *label;     /* [n] */
    const int64_t *index; /* [n] image numbers: key the dropout masks */
    const float *teacher; /* [n,K] logits of the teacher for these images, finite; NULL: labels alone */
    int n;                /* 1..batch of the cfg; of several ranks at most batch / ranks, rounded up */
    int whole;            /* several ranks: images of the batch on all of them; 0: n */
    int epoch;            /* keys the dropout masks */
    uint64_t seed;
    int64_t steps_done; /* optimiser steps before this one (running statistics warm up) */
    float learning_rate;
    /* out */
    double loss; /* as trained, summed over the whole batch's images: cross-entropy (with label smoothing), or with a teacher
                  * (1-w) cross-entropy + w T^2 KL(teacher_T || student_T) */
    int correct; /* argmax = label, in training mode */
};

/* Forward, backward, update. Several ranks make the same step at the same time, on different images: their gradients
 * are added up, so that parameters and running statistics stay equal on all of them. False (EXIT_CANNOT_RUN, parameters as they were) when the loss is not finite. */
bool model_train_step(struct model *m, struct step *step, struct err *err);

/* Evaluation mode (running statistics). Any n. Input dropout as the cfg says (at_test, samples): the masks of image i
 * are keyed by (seed, sample, index[i]); with index NULL every image has the same masks, so that an image alone gives
 * what it gives in a batch, and candidates that differ in one pixel differ in nothing else. */
struct evaluation {
    const float *x;
    int n;
    const int64_t *index;
    uint64_t seed;
    int samples; /* -1: as the cfg; 0: dropout off; N: mean logits over N seeded draws */
};
bool model_logits(struct model *m, const struct evaluation *e, float *z, struct err *err);

/* As struct classifier, dropout off unless the cfg says at_test=1 (then the scalar of the mean logits over its samples,
 * with the same masks for every image, is differentiated). */
bool model_gradient(struct model *m, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                    struct err *err);

/* g[n,c,h,w] = scale * J^T dz (added to g when `add` is set): the gradient at the pixels when the one at the logits is
 * dz[n,K], in the mode of model_gradient. */
bool model_gradient_along(struct model *m, const float *x, int n, const float *dz, float scale, bool add, float *g,
                          struct err *err);

struct classifier model_classifier(struct model *m);

/* 64-bit hash of parameters, running statistics and momentum: equal before and after any prediction or input gradient.
 */
uint64_t model_state_hash(const struct model *m);

/* For --dry-run and the manifest. */
int64_t model_memory_estimate(const struct net_cfg *cfg,
                              const struct model_options *options); /* bytes, training or not */
const char *model_isa(void);                                        /* "avx512_core_bf16", as oneDNN names it */
const char *model_engine_version(void);                             /* "oneDNN 2.6.3, darknet 0.0.0+git..." */
void model_print_plan(const struct model *m, FILE *file); /* which kernels serve its convolutions, and memory */

/* From now on the time of every operation is kept; the profile shows where it goes, by kind of operation and shape:
 * microseconds of one thread per image, and billions of operations per second as a direct convolution would count. */
void model_measure(struct model *m);
void model_print_profile(const struct model *m, FILE *file);

#endif
