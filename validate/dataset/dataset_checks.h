/* The checks on a data set, one file each, and the table of them all (struct check_type, checks/checks.h). */
#ifndef MARGINALIA_VALIDATE_DATASET_DATASET_CHECKS_H
#define MARGINALIA_VALIDATE_DATASET_DATASET_CHECKS_H

#include "validate/checks/checks.h"
#include "validate/dataset/survey.h"

extern const struct check_type dataset_check_types[]; /* ends with kind NULL */

bool check_border_sufficiency(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                              struct err *err);
bool check_region_map(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_property_leak(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
/* Near duplicates of test pictures among the training pictures; within a split; with another label. */
bool check_duplicates_across(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err);
bool check_duplicates_within(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err);
bool check_duplicates_labels(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err);
bool check_integrity(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_class_balance(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_split_shift(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err);
bool check_subset_retrain(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                          struct err *err);

#endif
