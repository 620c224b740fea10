/* One validation: the checks of a policy on one model, as a report. */
#ifndef MARGINALIA_VALIDATE_SUITE_H
#define MARGINALIA_VALIDATE_SUITE_H

#include "base/progress.h"
#include "validate/policy.h"
#include "validate/previous.h"
#include "validate/report/report.h"
#include "validate/study.h"
#include "validate/subject.h"
#include "validate/sufficiency.h"
#include "validate/waivers.h"

struct suite {
    /* Borrowed, set by the caller. */
    const struct subject *subject;
    const struct policy *policy;
    const struct previous *previous; /* NULL: none */
    const struct waivers *waivers;   /* NULL: none */
    const struct selftest *selftest;
    const char *directory; /* for searches, so that an interrupted validation goes on; NULL: nothing is kept */
    struct progress *progress;
    bool (*stop)(void);
    int argc; /* the command line, for the report */
    char **argv;
    bool full, resume;
    uint64_t seed;
    int threads;
    double start; /* clock_seconds() */

    /* Private. */
    struct study study;
    struct sis_identity identity;
    struct sufficiency again;
    bool searched; /* some check rests on a search; `again` is filled */
};

/* Runs every check and fills the report. A check that cannot run is an error in the report, not of this function.
 * False: nothing could be measured, a subset did not reach its threshold again, or the user stopped it
 * (EXIT_INTERRUPTED). */
bool suite_run(struct suite *s, struct report *out, struct err *err);

#endif
