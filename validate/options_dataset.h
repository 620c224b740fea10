/* The command line of `validate dataset`. */
#ifndef MARGINALIA_VALIDATE_OPTIONS_DATASET_H
#define MARGINALIA_VALIDATE_OPTIONS_DATASET_H

#include <stdio.h>
#include "base/settings.h"
#include "datasets/baseline.h"

/* Strings are borrowed from argv; NULL: not given. */
struct dataset_options {
    const char *descriptor; /* or a directory; NULL only with list_checks */
    const char *data, *out, *policy, *previous, *view, *cfg, *suspects, *fix;
    enum baseline baseline; /* of what --view hides */
    struct setting_list masks, waive;
    long long seed, threads;
    bool full, resume, overwrite, list_checks, quiet;
};

/* argv[0] is the command's name. */
bool dataset_options_parse(struct dataset_options *o, int argc, char **argv, struct err *err);
void dataset_options_help(FILE *out);

#endif
