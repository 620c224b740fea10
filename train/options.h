/* The command line of `train`: one table makes the parser, --help and the range checks. */
#ifndef MARGINALIA_TRAIN_OPTIONS_H
#define MARGINALIA_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include "base/err.h"

/* Strings are borrowed from argv. What is given overrides the cfg. */
struct train_options {
    const char *cfg;            /* the only positional argument */
    const char *out, *data, *precision, *weights, *export_stock; /* NULL: not given */
    const char *view, *baseline, *mask_order;                    /* NULL: not given */
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

/* "runs/NAME", or what --out says; free() it. NAME is options_name. */
char *options_directory(const struct train_options *o);
/* The cfg's file name without folder and ending; free() it. */
char *options_name(const struct train_options *o);

#endif
