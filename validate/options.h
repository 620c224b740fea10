/* The command lines of `validate`: one table per command makes the parser, --help and the range checks. */
#ifndef MARGINALIA_VALIDATE_OPTIONS_H
#define MARGINALIA_VALIDATE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include "base/settings.h"
#include "datasets/dataset.h"
#include "datasets/baseline.h"
#include "validate/sis/images.h"
#include "validate/sis/store.h"

/* What every command on a model takes. Strings are borrowed from argv; NULL: not given. */
struct subject_options {
    const char *run; /* run directory of train, or NULL: then cfg and weights are given */
    const char *cfg, *weights, *data;
    const char *view;       /* datasets/view.h */
    const char *descriptor; /* of the data set, instead of the one that the cfg names */
    const char *kernels;    /* who runs convolutions (the engine's MARGINALIA_KERNELS); NULL: as the environment says */
    bool allow_partial;     /* members of an ensemble that are not there are left out */
    long long threads, seed;
};

struct sis_options {
    struct subject_options subject;
    const char *out, *images, *target;
    struct sis_settings settings;
    enum baseline baseline;
    int n_thresholds;
    double threshold[SIS_MAX_THRESHOLDS]; /* rising */
    enum split split;
    int shard, shards;
    bool collection, resume, overwrite, quiet;
};

struct merge_options {
    const char *out;
    int n;
    const char **directory; /* [n] owned */
};

struct judge_options {
    struct subject_options subject;
    const char *out, *policy, *previous;
    struct setting_list waive;
    bool full, resume, overwrite, list_checks, quiet;
};

/* argv[0] is the command's name. */
bool sis_options_parse(struct sis_options *o, int argc, char **argv, struct err *err);
bool merge_options_parse(struct merge_options *o, int argc, char **argv, struct err *err);
void merge_options_free(struct merge_options *o);
bool judge_options_parse(struct judge_options *o, int argc, char **argv, struct err *err);
void sis_options_help(FILE *out);
void merge_options_help(FILE *out);
void judge_options_help(FILE *out);

#endif
