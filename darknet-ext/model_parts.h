/* What model.c, model_evaluate.c, model_exchange.c and model_describe.c share. */
#ifndef MARGINALIA_DARKNET_EXT_MODEL_PARTS_H
#define MARGINALIA_DARKNET_EXT_MODEL_PARTS_H

#include "darknet-ext/build.h"
#include "darknet-ext/model.h"

/* A program of evaluation mode, made when first asked for. */
struct evaluator {
    bool made, folded; /* folded: its packed weights are those of the parameters */
    struct program program;
    struct packed_list packed;
};

/* Of a model that is trained by several ranks. */
enum { MOST_BUCKETS = 8 };
struct bucket {
    struct stretch stretch;
    int ready; /* the phase after which its gradients are complete */
};
struct exchanger {
    const struct exchange *with;
    const struct parameters *parameters;
    const struct program *train;
    struct team *team;
    bool shared_norms; /* batch norm over the images of all ranks */
    int n;
    struct bucket bucket[MOST_BUCKETS]; /* in the order in which they leave */
    struct companion companion;
    /* of the step in progress */
    int n_images; /* on this rank */
    float weight; /* its part of the whole batch */
};

/* Both of the training program of an opened model; free() it. */
void exchanger_open(struct exchanger **out, const struct exchange *with, const struct parameters *ps,
                    const struct program *train, struct team *team, bool sync_bn);
/* Before program_run on this rank's part of `whole` images; and after it: parameters->accumulated and the batch
 * statistics are then those of all ranks. */
void exchanger_prepare(struct exchanger *x, struct request *r, int whole);
void exchanger_finish(struct exchanger *x);

struct model {
    const struct net_cfg *cfg;
    struct model_options options;
    struct graph graph;
    struct parameters parameters;
    struct team *team;           /* options.beside's, if there is one; so are the */
    struct worker *workers;      /* [options.threads] */
    struct dn_network **darknet; /* struct request */
    struct program train;
    struct exchanger *exchanger; /* NULL: one rank */
    struct evaluator logits, gradient;
    double *loss; /* [cfg->batch] */
    int *correct;
    float *statistics_before;
    bool measured;
};

/* Gives every worker the memory that program p needs. */
bool model_prepare_workers(struct model *m, const struct program *p, struct err *err);

#endif
