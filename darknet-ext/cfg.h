/* The strict front end of Darknet's cfg language: reads a cfg, refuses with file:line what Darknet would silently
 * default (unknown section or key, duplicate key, non-number, shape that cannot work, construct known to be wrong),
 * infers every layer's shape, and emits the canonical stock cfg that libdarknet is given.
 *
 * Nothing here needs libdarknet. Layer numbers count sections after [net] from 0, as in Darknet, our own sections
 * included. */
#ifndef MARGINALIA_DARKNET_EXT_CFG_H
#define MARGINALIA_DARKNET_EXT_CFG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/classifier.h"

enum layer_kind {
    LAYER_NORMALIZE,     /* ours */
    LAYER_INPUT_DROPOUT, /* ours */
    LAYER_CONVOLUTIONAL,
    LAYER_CONNECTED,
    LAYER_BATCHNORM,
    LAYER_ACTIVATION,
    LAYER_SHORTCUT,
    LAYER_MAXPOOL,
    LAYER_AVGPOOL,
    LAYER_DROPOUT,
    LAYER_ROUTE,
    LAYER_SOFTMAX,
    LAYER_DARKNET        /* [upsample], [reorg]: no weights, right in Darknet: run by Darknet's own function */
};

/* Darknet's activations by their cfg names; the engine does linear, relu, leaky itself (leaky slope 0.1). */
enum activation {
    ACTIVATION_LINEAR, ACTIVATION_RELU, ACTIVATION_LEAKY, ACTIVATION_LOGISTIC, ACTIVATION_TANH, ACTIVATION_ELU,
    ACTIVATION_SELU, ACTIVATION_RELIE, ACTIVATION_RAMP, ACTIVATION_PLSE, ACTIVATION_STAIR, ACTIVATION_HARDTAN,
    ACTIVATION_LHTAN, ACTIVATION_LOGGY
};

enum dropout_schedule { DROPOUT_CONSTANT, DROPOUT_LINEAR };
enum dropout_fill { DROPOUT_MEAN, DROPOUT_BLACK, DROPOUT_NOISE };

enum { CFG_MAX_FROM = 32, CFG_MAX_STEPS = 64 };

struct layer_cfg {
    enum layer_kind kind;
    char type[32];                     /* section name without brackets */
    int line;                          /* of the section in the cfg file */
    int c, h, w, out_c, out_h, out_w;  /* shapes per image; shortcut, route: c,h,w are those of the layer before */
    enum activation activation;
    bool batch_normalize;
    int filters;                       /* convolutional; connected: outputs */
    int size, stride;                  /* convolutional, maxpool; stride also upsample, reorg */
    int pad;                           /* Darknet's `padding`; convolutional: zeros on each side; maxpool: in total,
                                          of which pad/2 on the left and top */
    int groups;
    int n_from, from[CFG_MAX_FROM];    /* shortcut (1) and route: absolute layer numbers */
    float alpha, beta;                 /* shortcut: alpha*input + beta*from where both exist, input elsewhere */
    float scale;                       /* upsample */
    bool reverse;                      /* reorg */
    float probability;                 /* dropout, input_dropout: of dropping */
    bool rescale, at_test;             /* input_dropout */
    int samples;                       /* input_dropout */
    int block, patch;                  /* input_dropout: side of the squares; 1: single pixels */
    enum dropout_schedule schedule;    /* input_dropout */
    float ramp;                        /* input_dropout, linear: epochs; 0: the whole training */
    enum dropout_fill fill;            /* input_dropout (input_dropout.h) */
    float mean[3], std[3];             /* normalize */
    int64_t weights;                   /* numbers in the weight tensor (filters*c/groups*size^2; outputs*inputs) */
    int64_t parameters;                /* learned numbers: weights + biases + BN scales (statistics not counted) */
    int64_t stored;                    /* floats this layer has in a weights file (statistics counted) */
    int64_t macs;                      /* multiply-adds per image */
};

enum lr_policy { LR_CONSTANT, LR_STEP, LR_STEPS, LR_EXP, LR_POLY, LR_SIG, LR_COSINE, LR_ONECYCLE };

struct net_cfg {
    char *path;                        /* as given, for messages */
    /* [net] */
    int batch, subdivisions, h, w, c;
    float learning_rate, momentum, decay;
    enum lr_policy policy;
    int step;  float scale;            /* step */
    float gamma, power;                /* exp, sig, poly, burn_in */
    int n_steps, steps[CFG_MAX_STEPS]; float scales[CFG_MAX_STEPS];
    int burn_in;                       /* Darknet: batches of (batch/burn_in)^power warm-up */
    int max_batches;                   /* 0: by epochs */
    /* [net], ours */
    char *dataset;                     /* descriptor path or NULL */
    int epochs;                        /* 0: by max_batches */
    uint64_t seed;  bool seed_given;
    bool nesterov;
    float label_smoothing;             /* [0,1) */
    char *teacher, *teacher_hash;      /* a run whose answers are learned, too, and what it must be; or NULL */
    float distill_weight, distill_temperature; /* of the teacher's answers (ops_loss.c); used with a teacher */
    bool distill_given;                /* teacher_sha256= or one of these two is written in the file */
    float warmup;                      /* cosine, onecycle: epochs of linear warm-up */
    bool flip; int crop_pad;
    bool random_resized_crop; float crop_area_min, test_resize;
    bool sync_bn;                      /* several ranks: batch statistics over the images of all of them */
    char *view, *baseline, *mask_order; /* datasets/view.h, checked there; NULL: not given */
    char precision[8];                 /* "f32" or "bf16" */
    /* [ensemble]: networks like this one, with the seeds seed .. seed + members - 1; 0: a single network */
    int members;
    enum combine combine;

    int n;                             /* layers, >= 1; the last gives `classes` outputs (softmax or linear) */
    struct layer_cfg *layers;          /* [n] */
    int classes;                       /* outputs of the last layer */
    int64_t parameters, stored, macs;  /* totals */
    bool has_darknet_layer;            /* some layer is LAYER_DARKNET */
    char *text;                        /* the file's bytes, for resolved.cfg and hashing */
};

/* False with EXIT_USAGE and "path:line: cause; remedy". */
bool cfg_read(const char *path, struct net_cfg **out, struct err *err);
bool cfg_parse(const char *path, const char *text, struct net_cfg **out, struct err *err); /* path: for messages only */
void cfg_free(struct net_cfg *cfg); /* accepts NULL */

/* The layer table of --dry-run: number, type, input, output, parameters, MACs, then totals. */
void cfg_print(const struct net_cfg *cfg, FILE *out);

/* Canonical stock cfg with the same layer numbers; free() it. What stock Darknet lacks or gets wrong on a CPU becomes
 * an exact equivalent (weights_stock_values gives the matching numbers):
 *   [normalize]        1x1 convolution, one group per channel, weight 1/std, bias -mean/std. Not folded into the next
 *                      convolution: that would be wrong where it pads with zeros.
 *   [input_dropout]    [activation] linear
 *   [batchnorm]        1x1 convolution with batch_normalize, one group per channel, weight 1
 *   1x1 convolution with stride or padding: 3x3 with zeros around the weight (stock skips the stride). */
char *cfg_stock_text(const struct net_cfg *cfg, int batch);

/* The same for layer i alone, as a network of one layer on that layer's input. For LAYER_DARKNET. free() it. */
char *cfg_stock_layer_text(const struct net_cfg *cfg, int i, int batch);

/* Kernel size and padding of convolution i in the stock text (differ from ours as said above). */
void cfg_stock_kernel(const struct layer_cfg *l, int *size, int *padding);

/* Our own language, canonical: every key with its effective value; reads back as the same network. Written as
 * resolved.cfg; that of a single network (members = 0) has no [ensemble]. free() it. */
char *cfg_resolved_text(const struct net_cfg *cfg);

const char *activation_name(enum activation a);
const char *dropout_fill_name(enum dropout_fill fill);
const char *policy_name(enum lr_policy policy);
const char *combine_name(enum combine combine);

#endif
