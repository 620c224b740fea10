/* From the command line to everything a training needs: cfg, data, loaders, model, each checked against the others
 * before anything is written. */
#ifndef MARGINALIA_TRAIN_SETUP_H
#define MARGINALIA_TRAIN_SETUP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/file.h"
#include "darknet-ext/model.h"
#include "datasets/loader.h"
#include "train/options.h"
#include "train/teacher.h"

struct setup {
    const struct train_options *options; /* borrowed */
    struct net_cfg *cfg;                 /* with the command line's settings */
    struct dataset *data;
    char data_hash[SHA256_HEX];
    char weights_hash[SHA256_HEX];       /* of --weights; "" without */
    int64_t images[2];                   /* that are used, by enum split; [SPLIT_TEST] may be 0 */
    struct masked_view *view;            /* NULL: whole pictures */
    struct loader *train, *test;         /* test: NULL when the data set has no test split */
    struct model *model;                 /* initialised, or with the values of --weights */
    bool fine_tuning;                    /* --weights was given */
    bool whole;                          /* batches are not divided among ranks */
    struct teacher *teacher;             /* NULL: labels alone */
};

/* The cfg with what the command line says instead; a view has baseline and mask order, too. With --member: that of the
 * single network. */
bool setup_cfg(const struct train_options *o, struct net_cfg **out, struct err *err);
/* The data set that the cfg names, checked to fit the cfg. */
bool setup_data(const struct train_options *o, const struct net_cfg *cfg, struct dataset **out, struct err *err);
/* The view that the cfg asks for, of images as the test split is read; NULL when it asks for none. view_close it. */
bool setup_view(const struct net_cfg *cfg, const struct dataset *data, struct masked_view **out, struct err *err);
/* All of it. On failure nothing is left open. */
bool setup_open(const struct train_options *o, struct setup *s, struct err *err);
/* What a test by one rank needs: all but the training images and the model. */
bool setup_open_test(const struct train_options *o, struct setup *s, struct err *err);
void setup_close(struct setup *s);

struct model_options setup_model_options(const struct train_options *o, const struct net_cfg *cfg);
/* What the loaders hold decoded, in bytes. */
int64_t setup_loader_bytes(const struct net_cfg *cfg);

/* What decides the result, and what may change between two starts of one run: texts of `key=value` lines
 * (checkpoint.h); free() them. */
char *setup_identity(const struct setup *s);
char *setup_host(const struct setup *s);

#endif
