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

struct suite {
    /* Borrowed, set by the caller. */
    const struct subject *subject;
    const struct policy *policy;
    const struct previous *previous; /* NULL: none */
    int n_waivers;
    const struct waiver *waiver;
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

/* Pictures that a check uses, out of `count`. */
int64_t suite_pictures(const struct policy_check *p, bool full, int64_t count);

/* Completes a check that has run, or did not (ok false, why): id, limit, status and, when it did not pass, the waiver
 * that the user gave. */
void suite_complete(const struct policy_check *p, bool ok, const struct err *why, const struct waiver *waiver, int n,
                    struct check *out);

#endif
