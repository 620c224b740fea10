/* The training itself: batches, epochs, checkpoints. Knows nothing of the command line.
 *
 * A position (epoch, batch) decides all randomness, so a training that goes on from a checkpoint computes what it would
 * have computed without the stop. */
#ifndef MARGINALIA_TRAIN_LOOP_H
#define MARGINALIA_TRAIN_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/progress.h"
#include "datasets/loader.h"
#include "darknet-ext/model.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/run_directory.h"
#include "train/schedule.h"
#include "train/teacher.h"

struct loop {
    /* Set by the caller, borrowed. */
    const struct net_cfg *cfg;
    struct model *model;
    struct teacher *teacher;     /* NULL: labels alone */
    struct loader *train, *test; /* test: NULL without a test split */
    const struct run_directory *directory;
    struct progress *progress;
    const char *title;           /* of the curve */
    int64_t epoch_images;        /* a whole epoch trains on */
    int64_t test_images;
    int64_t stop_after;          /* batches in all; 0: the whole training */
    int64_t steps_before;        /* optimiser steps that the initial weights have behind them */
    int64_t checkpoint_batches;  /* 0: by time */
    double checkpoint_seconds;
    bool darknet_log, tensorboard;
    bool (*stop)(void);          /* asked after each batch */
    bool leads;                  /* of several ranks this one writes the files */

    /* The state; identity, host and the arrays are set by the caller, too. */
    struct checkpoint state;

    /* Private. */
    struct schedule schedule;
    int64_t end;                 /* batches in all */
    int64_t checkpoint_step;     /* steps at the last checkpoint */
    double checkpoint_time;
    double clock, batch_end;     /* up to which wall_seconds, train_seconds count */
};

enum loop_end { LOOP_DONE, LOOP_STOPPED }; /* stopped: `stop` said so; the checkpoint is written */

/* Begins at the first batch, with the model as it is. */
void loop_begin(struct loop *l);
/* Goes on from the checkpoint in the run directory: parameters, momentum, position; writes the records' files anew. */
bool loop_resume(struct loop *l, struct err *err);

/* Trains to the end or until `stop`. On LOOP_DONE final.weights is written. A loss or parameter that is not finite
 * fails (EXIT_CANNOT_RUN) and leaves the last checkpoint as it is. */
bool loop_run(struct loop *l, enum loop_end *end, struct err *err);

/* The final weights on the test split with `samples` draws of input dropout; *stopped as in evaluate.h. */
bool loop_test(struct loop *l, int samples, struct test_result *result, bool *stopped, struct err *err);

/* Marks the training as finished in the checkpoint. */
bool loop_finish(struct loop *l, struct err *err);

#endif
