/* The checks on a model, one file each, and the table of them all. */
#ifndef MARGINALIA_VALIDATE_CHECKS_CHECKS_H
#define MARGINALIA_VALIDATE_CHECKS_CHECKS_H

#include "validate/checks/check.h"
#include "validate/policy.h"
#include "validate/study.h"

/* Which parameters of struct policy_check a type takes. */
enum { TAKES_THRESHOLD = 1, TAKES_FRACTION = 2, TAKES_WIDTH = 4, TAKES_PROPERTIES = 8 };

/* Fills out (id, side, limit, gates and waiver are the caller's, and so is the status, by check_decide). `n`: pictures
 * of the sample to use. False when it could not run. */
typedef bool (*check_function)(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                               struct err *err);

/* The same on a data set (validate/dataset/dataset_checks.h). n: pictures to use; 0: all. */
struct survey;
typedef bool (*survey_function)(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                                struct err *err);

/* A question of a comparison (validate/compare/measures.h): what one model has on each of n pictures of the sample. */
struct measured;
typedef bool (*measure_function)(struct study *s, const struct policy_check *p, int64_t n, struct measured *out,
                                 struct err *err);

/* The pictures that a check looks at: the first of the sample, those on which the shared search has run (a part of the
 * sample, since searches take long), or the split itself, by study_answers(). */
enum basis { BASIS_SEARCH, BASIS_SAMPLE, BASIS_SPLIT };

struct check_type {
    const char *kind;    /* "sis.size" */
    const char *summary; /* one line for `validate model --list-checks` */
    check_function run;
    survey_function survey;   /* of a check on data sets, instead of run */
    measure_function measure; /* of a question of a comparison, instead of run */
    int takes;
    double threshold, fraction; /* defaults */
    int width;
    int64_t quick, full; /* default sample sizes; -1: those of the policy */
    enum unit unit;      /* of its limit */
    enum side good;      /* the side on which a model is better */
    enum basis basis;
    bool full_only;  /* it trains networks: only --full runs it (policy_choose) */
    bool two_splits; /* it compares the training pictures with the test pictures (policy_choose) */
    bool guards;     /* of a comparison: a gain here is no evidence of better reasons, only a loss counts */
};

extern const struct check_type check_types[]; /* ends with kind NULL */
/* The type of this kind in such a table, or NULL. */
const struct check_type *check_type_find(const struct check_type *types, const char *kind);

bool check_accuracy(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_calibration(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_sis_size(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_correct_vs_wrong(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                            struct err *err);
bool check_subset_sufficiency(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                              struct err *err);
bool check_border_share(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_border_accuracy(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                           struct err *err);
bool check_border_twin(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_mask_only(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_shuffled_values(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                           struct err *err);
bool check_dilation(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_wrong_class(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_baseline_sensitivity(struct study *s, const struct policy_check *p, int64_t n, struct check *out,
                                struct err *err);
bool check_rubbish(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);

#endif
