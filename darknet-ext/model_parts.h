/* What model.c, model_evaluate.c and model_describe.c share. */
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

struct model {
    const struct net_cfg *cfg;
    struct model_options options;
    struct graph graph;
    struct parameters parameters;
    struct team *team;           /* options.beside's, if there is one; so are the */
    struct worker *workers;      /* [options.threads] */
    struct dn_network **darknet; /* struct request */
    struct program train;
    struct evaluator logits, gradient;
    double *loss; /* [cfg->batch] */
    int *correct;
    float *statistics_before;
};

/* Gives every worker the memory that program p needs. */
bool model_prepare_workers(struct model *m, const struct program *p, struct err *err);

#endif
