/* Faults of known strength, planted into models and data sets that are made up for it: what the verdict of each check
 * is tried on. A plant belongs to one check and has one knob; the first strength is the clean case. */
#ifndef MARGINALIA_TOOLS_POWER_PLANTS_H
#define MARGINALIA_TOOLS_POWER_PLANTS_H

#include "validate/checks/check.h"
#include "validate/policy.h"

enum { PLANT_STRENGTHS = 9 };

struct planted_set;   /* tools/power/sets.h */
struct planted_scene; /* tools/power/scenes.h */

struct plant {
    const char *name; /* a row of the policy by its id, or the first row of this kind: "border.sufficiency@2" */
    const char *knob; /* what a strength is: "share of test pictures that are copies" */
    int n;            /* strengths, at least 2 */
    double strength[PLANT_STRENGTHS]; /* rising */
    int64_t pictures;                 /* of the split that a model is tried on; 0: 10,000 */
    /* One of them: makes the fault. */
    void (*into_set)(struct planted_set *s, double strength);
    void (*into_model)(struct planted_scene *s, double strength);
};

/* A check that cannot be tried in this way, and why. */
struct unplanted {
    const char *name, *why;
};

extern const struct plant plants[];        /* ends with name NULL */
extern const struct unplanted unplanted[]; /* the same */

const struct plant *plant_find(const char *name); /* by name, or the first of this kind; or NULL */

/* The policies of the repository that a judgement rests on: cfg/release.conf and cfg/dataset.conf under `directory`. */
struct plant_policies {
    struct policy *models, *sets;
};
bool plant_policies_read(const char *directory, struct plant_policies *out, struct err *err);
void plant_policies_free(struct plant_policies *p);
/* The row that judges this plant. False: there is none, so policy and table of plants contradict each other. */
bool plant_policy(const struct plant_policies *p, const struct plant *plant, struct policy_check *out, struct err *err);

/* Makes number `seed` of the models or data sets with this fault and judges it as `validate` does: the check's own
 * code, on as many pictures as the policy says (of a data set not more than it has). *status is what the limit decides,
 * whether or not the policy lets the check gate; a check that refuses to run is CHECK_ERROR, with its reason in
 * out->error. False: the model or the data cannot be made. check_free(out). One at a time in a process. */
bool plant_judge(const struct plant *plant, const struct plant_policies *policies, double strength, uint64_t seed,
                 struct check *out, struct err *err);

#endif
