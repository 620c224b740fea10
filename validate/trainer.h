/* Trainings that a validation asks for: runs the program `train` as a process of its own, in a directory of the report,
 * so that an interrupted one is continued. No shell is involved (base/process.h). */
#ifndef MARGINALIA_VALIDATE_TRAINER_H
#define MARGINALIA_VALIDATE_TRAINER_H

#include "base/file.h"
#include "base/progress.h"

struct training {
    const char *program; /* argv[0] of validate: train is the program beside it (validate -> train, marginalia-validate
                            -> marginalia-train), found as the shell found us */
    const char *cfg, *out;  /* out: run directory; what train prints goes to OUT.log */
    const char *data;       /* --data, or NULL */
    const char *view;       /* --view, or NULL: whole pictures */
    const char *baseline;   /* --baseline, or NULL */
    const char *mask_order; /* --mask-order, or NULL */
    const char *without;    /* --without K/N, or NULL */
    int64_t seed;           /* < 0: the cfg's */
    int threads;
    bool replace;                    /* a run of other settings there is replaced; false: refused */
    int64_t epochs;                  /* 0: the cfg's */
    int64_t limit_train, limit_test; /* 0: all */
    struct progress *progress;       /* may be NULL; shows the training's epochs */
    const char *what;                /* for the progress line: "twin on the border" */
    bool (*stop)(void);              /* NULL: never */
};

/* From manifest.json and summary.csv of the run. */
struct training_result {
    double test_accuracy, train_accuracy; /* test_accuracy: NaN without a test split; both after the last epoch */
    int64_t test_right, test_images;
    double seconds;
    char weights_hash[SHA256_HEX];
};

/* Trains, or takes the result of a finished run that was made with the same settings, cfg and data: train itself
 * compares them with those in the run's checkpoint, and refuses another run unless it may be replaced. An unfinished
 * one is continued (--resume). Stopped by the user: the child gets SIGTERM and its checkpoint is waited for
 * (EXIT_INTERRUPTED). A training that fails says why in err (the last line that it printed). */
bool training_run(const struct training *t, struct training_result *out, struct err *err);

/* The same for the ranks of a job (base/ranks.h), which all call it: rank 0 trains, all get the result. */
bool training_run_once(const struct training *t, struct training_result *out, struct err *err);

/* The result of the run in this directory; refused when it is not finished, or damaged. */
bool training_read(const char *directory, struct training_result *out, struct err *err);

#endif
