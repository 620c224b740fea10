/* The learned numbers of a model. In training they live in one flat arena, weights in the format that backward-weights
 * produces, so that an optimiser step is one pass over it; forward and backward-data read packed copies where they want
 * another format. A model opened for prediction only keeps the vector of the weights file. Evaluation reads copies with
 * batch norm folded in. */
#ifndef MARGINALIA_DARKNET_EXT_PARAMETERS_H
#define MARGINALIA_DARKNET_EXT_PARAMETERS_H

#include "darknet-ext/ops.h"
#include "darknet-ext/plan.h"
#include "darknet-ext/weights.h"

/* The weights of one convolution (or connected layer). */
struct conv_weights {
    int node, folds;         /* graph nodes; folds: the batch norm that evaluation folds in, -1 for none */
    int layer, padded;       /* padded: output channels in whole blocks */
    size_t plain_floats;     /* oc * ic/groups * kh * kw */
    struct conv_shape shape; /* without n */
    /* training */
    const struct conv *master; /* its weight format is the arena's */
    size_t floats;             /* in that format */
    float *w, *bias;           /* in the arena; bias NULL with batch norm */
    float *parts, *bias_parts; /* [chunks], or the one of the whole batch: gradients, of operations of this phase: */
    int parts_phase;
    bool whole;
    struct conv_pack *import, *export; /* plain <-> arena */
    /* evaluation */
    float *eval_bias; /* [padded] */
};

/* One packed copy of a convolution's weights, for one operation. */
struct packed {
    struct conv_weights *of;
    struct conv_pack *pack;
    void *to;
    size_t bytes;
};

struct packed_list {
    int n;
    struct packed *items;
};

/* A run of the arena that is updated alike. */
struct segment {
    size_t at, n; /* floats; multiples of the block */
    const float *parts;
    int phase; /* chunks of this phase each left a gradient; -1, or whole: there is one */
    bool whole;
    size_t part_stride;
    bool decays;
};

/* How many gradients a step over so many images leaves of it. */
int segment_parts(const struct segment *s, const struct program *train, int images);

struct parameters {
    const struct net_cfg *cfg;
    const struct graph *graph;
    const struct kernels *kernels;
    int n_convs, n_norms, n_segments;
    struct conv_weights *convs;
    struct norm_state *norms;
    int *conv_of, *norm_of; /* [graph.n] index, or -1 */
    size_t coefficients;    /* floats a worker needs */
    size_t statistics_floats;
    float *statistics; /* running and batch statistics of all norms, gradients of scale and shift */
    /* training */
    size_t arena_floats;
    float *arena, *momentum;
    float *accumulated; /* gradients over subdivisions or ranks, as the arena; NULL: not needed */
    float *gathered;    /* [gathered_floats] accumulated, and room for batch statistics before it */
    size_t gathered_floats;
    struct segment *segments;
    float *parts;
    size_t parts_floats;
    double *sums;
    struct packed_list training;
    /* prediction only */
    float *values; /* [cfg->stored] */
};

void parameters_describe(struct parameters *ps, const struct net_cfg *cfg, const struct graph *graph,
                         const struct kernels *kernels);
void parameters_free(struct parameters *ps);

/* Binds the finished training program to memory. gather: what the gradients of a step are gathered in before it. */
enum gather {
    GATHER_NOTHING, /* the chunks of one pass */
    GATHER_PASSES,  /* accumulated: of several passes */
    GATHER_RANKS    /* of several ranks, with batch statistics */
};
bool parameters_bind_training(struct parameters *ps, struct program *train, int threads, enum gather gather,
                              struct err *err);

/* Binds an evaluation program: its convolutions read folded weights from copies of their own, filled by
 * parameters_fold. */
bool parameters_bind_evaluation(struct parameters *ps, struct program *p, int threads, struct packed_list *list,
                                struct err *err);
void packed_list_free(struct packed_list *list);

/* values [cfg->stored], weights-file order. which: parameters->arena or ->momentum (statistics are zero in a momentum
 * vector). */
void parameters_get(const struct parameters *ps, bool momentum, float *values, struct conv_thread *t);
void parameters_set(struct parameters *ps, bool momentum, const float *values, struct conv_thread *t);

/* Refreshes the packed copies of training: item i by thread i mod size. */
void parameters_repack(const struct parameters *ps, struct conv_thread *t, int thread, int size);
/* Folds batch norm into weights and biases and packs them for a program bound by parameters_bind_evaluation. */
void parameters_fold(struct parameters *ps, struct packed_list *list, struct conv_thread *t);

/* One optimiser step over this thread's share of the arena. */
struct sgd_step {
    float lr, momentum, decay;
    bool nesterov;
};
void parameters_step(const struct parameters *ps, const struct program *train, int n, const struct sgd_step *s,
                     int thread, int size);
/* A run of floats of the arena. */
struct stretch {
    size_t from, to;
};
/* accumulated (+)= this pass's gradients, this thread's share of the stretch. */
void parameters_accumulate(const struct parameters *ps, const struct program *train, int n, bool first,
                           struct stretch stretch, int thread, int size);

/* GATHER_RANKS: the batch statistics times `weight` go before the gradients; and back when they are those of all. */
void parameters_put_statistics(const struct parameters *ps, float weight);
void parameters_take_statistics(const struct parameters *ps);
/* running = (1-rate) running + rate * batch, as Darknet with rate 0.01; the first passes average evenly. */
void parameters_update_statistics(struct parameters *ps, int64_t passes_before);

#endif
