/* The command line of `validate compare`. */
#ifndef MARGINALIA_VALIDATE_OPTIONS_COMPARE_H
#define MARGINALIA_VALIDATE_OPTIONS_COMPARE_H

#include <stdio.h>
#include "validate/compare/comparison.h"

/* Strings are borrowed from argv; NULL: not given. */
struct compare_options {
    int n; /* models; 0 only with list_checks */
    const char *run[COMPARISON_MOST];
    const char *data, *view, *out, *policy;
    long long threads, seed, images; /* images 0: as the policy says */
    const char *kernels; /* struct subject_options */
    bool allow_partial, full, resume, overwrite, list_checks, quiet;
};

/* argv[0] is the command's name. */
bool compare_options_parse(struct compare_options *o, int argc, char **argv, struct err *err);
void compare_options_help(FILE *out);

#endif
