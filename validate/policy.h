/* A policy: which checks, their limits and sample sizes, in libconfig's language (cfg/release.conf shows every key).
 *
 *   name = "release";
 *   sample = { quick = 400; full = 0; };                # pictures; 0: all of the split
 *   sis = { method = "gradient"; per_step = 8; rank = "margin"; baseline = "mean"; thresholds = [0.5, 0.9, 0.99]; };
 *   checks = (
 *     { check = "accuracy"; at_least = 0.90; },
 *     { check = "sis.size"; threshold = 0.99; at_least = 0.15; quick = 400; },
 *     { check = "wrong.class"; gates = false; } );
 *
 * Unknown keys, unknown checks, a key that a check or a method has no use for, a limit on both sides or on the side on
 * which a model is better, a number out of range, the same check with the same parameters twice: refused with file and
 * line.
 *
 * A policy for comparisons (cfg/compare.conf) has no limits but margins of indifference, and says what its verdict asks:
 *
 *   require = "better";                                 # or "no_worse"
 *   checks = ( { check = "sis.size"; threshold = 0.99; no_worse_than = 0.01; } ); */
#ifndef MARGINALIA_VALIDATE_POLICY_H
#define MARGINALIA_VALIDATE_POLICY_H

#include "base/file.h"
#include "validate/checks/check.h"
#include "datasets/baseline.h"
#include "validate/sis/images.h"
#include "validate/sis/store.h"

struct check_type; /* validate/checks/checks.h */

/* Of property.leak: what the file is, or what the picture looks like on the whole. */
enum properties { PROPERTIES_FILE, PROPERTIES_PICTURE };
#define PROPERTIES_WORDS "file|picture"

/* What a comparison must show for its verdict to be good. */
enum requirement { REQUIRE_BETTER, REQUIRE_NO_WORSE };
#define REQUIREMENT_WORDS "better|no_worse"

struct policy_check {
    const struct check_type *type;
    /* Kind and the parameters that the type takes, in the order width, fraction, threshold, properties: "accuracy",
     * "sis.size@0.99", "border.share@1,0.99", "property.leak@file". */
    char *id;
    int line;
    enum side side;
    double limit;        /* of a comparison: the change that is still no worse, -margin or +margin */
    double margin;       /* of a comparison: a change of up to this is indifferent, >= 0; NaN: none was given */
    bool gates;          /* true when there is a limit, unless the policy says gates = false */
    int64_t quick, full; /* pictures; 0: all */
    /* Parameters; only those the type takes may be written, the others hold the type's defaults. */
    double threshold;           /* probability in (0,1): sis.size, dilation, wrong.class, baseline.sensitivity, ... */
    double fraction;            /* of the pixels, in (0,1): subset.sufficiency, mask.only, shuffled.values */
    int width;                  /* of the border ring in pixels, >= 1: border.* */
    enum properties properties; /* property.leak */
};

/* What a policy can ask for: the checks on models, those on data sets, or the questions of a comparison. */
struct policy_kind {
    const struct check_type *types;
    const char *example; /* a policy that shows every key: "cfg/release.conf" */
    const char *command; /* "validate model" */
    const char *subject; /* "model" */
    bool searches;       /* has the group `sis` */
    bool compares;       /* has margins instead of limits, and `require` */
};
extern const struct policy_kind policy_of_models, policy_of_datasets, policy_of_comparisons;

struct policy {
    const struct policy_kind *kind;
    char *name, *path;
    char hash[SHA256_HEX]; /* of the file */
    int64_t quick, full;
    struct sis_settings sis;
    enum baseline baseline;
    int n_thresholds;
    double threshold[SIS_MAX_THRESHOLDS];
    enum requirement require; /* of a comparison */
    int n; /* checks that run: all, or those that policy_choose left in */
    int n_left_out;
    struct policy_check *check; /* [n + n_left_out] */
};

bool policy_read(const struct policy_kind *kind, const char *path, struct policy **out, struct err *err);
/* The same from text[n], which ends in a NUL that is not counted; `path` is for messages. */
bool policy_parse(const struct policy_kind *kind, const char *path, const char *text, size_t n, struct policy **out,
                  struct err *err);
void policy_free(struct policy *p); /* accepts NULL */

/* Moves the checks that cannot be asked for behind the others, where they are left out: without `full` those that train
 * networks, without `two_splits` those that compare training with test (struct check_type). They are not errors, gate
 * nothing, and the report says that they did not run. Waivers are read before. */
void policy_choose(struct policy *p, bool full, bool two_splits);

/* "CHECK=REASON": CHECK is the id of one of the policy's checks, REASON is not blank. The caller frees both texts. */
struct waiver {
    char *id, *reason;
};
bool policy_waiver(const struct policy *p, const char *text, struct waiver *out, struct err *err);

#endif
