/* From a policy to a study: which pictures its checks need, and what all their searches have in common. */
#ifndef MARGINALIA_VALIDATE_PLAN_H
#define MARGINALIA_VALIDATE_PLAN_H

#include "validate/policy.h"
#include "validate/study.h"
#include "validate/subject.h"
#include "validate/sufficiency.h"

struct plan {
    const struct subject *subject; /* borrowed, as all pointers */
    const struct policy *policy;
    const char *program;   /* argv[0] */
    const char *directory; /* for searches; NULL: nothing is kept */
    struct progress *progress;
    bool (*stop)(void);
    bool full, resume;
    int64_t images; /* of the sample, whatever the policy says; 0: as it says */
    uint64_t seed;
    int threads;
};

/* Pictures that a check uses. `sample`: how many the study holds; 0: it is not open yet. */
int64_t plan_pictures(const struct plan *p, const struct policy_check *check, int sample);

/* Opens the study; the identity belongs to the caller, and must last as long. */
bool plan_open(const struct plan *p, struct sis_identity *identity, struct study *study, struct err *err);

/* The search that most checks share; NULL when no check has searched (err unset), or it cannot be had. */
const struct sis_answer *plan_search(const struct plan *p, struct study *study, struct err *err);

/* Shows every subset of that search to the model again. False when one does not reach its threshold: no verdict can
 * rest on it. */
bool plan_evaluate_again(const struct plan *p, const struct sis_identity *identity, const struct sis_answer *a,
                         struct sufficiency *out, struct err *err);

#endif
