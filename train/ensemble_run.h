/* The run directory of an ensemble: its members side by side, and what makes them one.
 *
 *   member_K/, member_K.log   an ordinary run, and what its training printed
 *   resolved.cfg              the cfg with [ensemble]
 *   manifest.json             status, the members, the accuracy of all together
 *   ensemble.conf             base/ensemble_file.h; written when all members are finished
 *
 * Members may be trained together here, or one by one by programs that know nothing of each other: who ends last makes
 * the ensemble. */
#ifndef MARGINALIA_TRAIN_ENSEMBLE_RUN_H
#define MARGINALIA_TRAIN_ENSEMBLE_RUN_H

#include <stdbool.h>
#include "base/classifier.h"
#include "base/progress.h"
#include "darknet-ext/cfg.h"
#include "train/evaluate.h"
#include "train/options.h"
#include "train/run_directory.h"
#include "train/run_status.h"

struct ensemble_run {
    /* Set by the caller, borrowed. */
    const struct train_options *options; /* of the ensemble: no --member */
    int argc;
    char **argv;
    struct progress *progress; /* counts epochs */
    bool (*stop)(void);

    struct run_directory directory; /* open, or shared */
    struct net_cfg *cfg;
    struct run_status member[ENSEMBLE_MOST]; /* [cfg->members] */
    struct test_result test;                 /* of all together; images = 0: there is no test split */
};

enum ensemble_end {
    ENSEMBLE_FINISHED,
    ENSEMBLE_WAS_FINISHED, /* nothing was left to do */
    ENSEMBLE_UNFINISHED,   /* some members are not */
    ENSEMBLE_STOPPED       /* `stop` said so */
};

/* Reads the cfg and checks all that a training would, before anything is written. */
bool ensemble_run_open(struct ensemble_run *r, struct err *err);
void ensemble_run_close(struct ensemble_run *r);

/* Opens the directory and trains all members; then as ensemble_run_finish. */
bool ensemble_run_train(struct ensemble_run *r, enum ensemble_end *end, struct err *err);
/* When all members are finished and belong together: tests them together and writes what makes them an ensemble. */
bool ensemble_run_finish(struct ensemble_run *r, enum ensemble_end *end, struct err *err);

/* manifest.json. status and reason as in train/manifest.h. */
bool ensemble_manifest_write(const struct ensemble_run *r, const char *status, const char *reason, struct err *err);

#endif
