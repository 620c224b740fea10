/* The command line of `train`: one table makes the parser, --help and the range checks. */
#ifndef MARGINALIA_TRAIN_OPTIONS_H
#define MARGINALIA_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include "base/classifier.h"
#include "base/process.h"

/* Strings are borrowed from argv. What is given overrides the cfg. */
struct train_options {
    const char *cfg;            /* the only positional argument, unless --join is given: then the runs are */
    const char *run[ENSEMBLE_MOST];
    int n_runs;
    const char *out, *data, *precision, *kernels, *weights, *export_stock; /* NULL: not given */
    const char *view, *baseline, *mask_order, *teacher; /* NULL: not given */
    const char *join, *combine; /* NULL: not given */
    long long member;           /* of an ensemble, from 1; 0: not given */
    long long jobs;             /* 0: as members_share */
    int without, parts;         /* --without K/N: K - 1 and N; 0 and 0: not given */
    long long seed;             /* -1: not given */
    long long threads;
    long long epochs, batches;  /* 0: not given */
    long long limit_train, limit_test;        /* images; 0: all */
    long long test_samples;                   /* 0: the usual 1 and 8 */
    long long checkpoint_batches;             /* 0: by time */
    double checkpoint_seconds;
    bool resume, overwrite, dry_run, quiet, darknet_log, tensorboard;
};

bool options_parse(struct train_options *o, int argc, char **argv, struct err *err);
void options_help(FILE *out);
/* What makes a command line into these options, its arguments left out: "--NAME=VALUE" where they are not the default.
 */
void options_words(const struct train_options *o, struct process_words *w);

/* "runs/NAME", or what --out says, with "/member_K" for --member; free() it. NAME is options_name. */
char *options_directory(const struct train_options *o);
/* The cfg's file name without folder and ending; free() it. */
char *options_name(const struct train_options *o);

#endif
