/* One judgement of a data set: the checks of a policy, as a report. */
#ifndef MARGINALIA_VALIDATE_DATASET_SUITE_H
#define MARGINALIA_VALIDATE_DATASET_SUITE_H

#include "validate/dataset/survey.h"
#include "validate/policy.h"
#include "validate/previous.h"
#include "validate/report/report.h"
#include "validate/waivers.h"

struct dataset_suite {
    /* Borrowed, set by the caller. */
    struct survey *survey; /* what survey.h says the caller sets; opened and closed here */
    const struct policy *policy;
    const struct previous *previous; /* NULL: none */
    const struct waivers *waivers;   /* NULL: none */
    int argc;                        /* the command line, for the report */
    char **argv;
    int threads;
    double start; /* clock_seconds() */

    char data_hash[SHA256_HEX]; /* filled by the run */
};

/* Runs every check and fills the report. A check that cannot run is an error in the report, not of this function.
 * False: the data cannot be opened, or the user stopped it (EXIT_INTERRUPTED). */
bool dataset_suite_run(struct dataset_suite *s, struct report *out, struct err *err);

#endif
