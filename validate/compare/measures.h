/* The questions of a comparison: one measure each, taken of one model at a time. Questions on deciding pixels count the
 * pictures that a model answers right; where both do, the two are a pair. So a model gains nothing by answering wrong. */
#ifndef MARGINALIA_VALIDATE_COMPARE_MEASURES_H
#define MARGINALIA_VALIDATE_COMPARE_MEASURES_H

#include "base/statistics.h"
#include "validate/checks/checks.h"

/* What one model has on each item; the same items in the same order for every model of a comparison. */
struct measured {
    int n;
    int64_t *image; /* [n] number in the split */
    double *value;  /* [n] */
    bool *counts;   /* [n] false: the value means nothing */
    struct interval range; /* of what a value can be at all */
};

void measured_free(struct measured *m);

/* The questions that cfg/compare.conf may ask; `unit` is that of a value, `good` the better side. Ends with kind NULL. */
extern const struct check_type comparison_types[];

/* Whether each value of this kind is 0 or 1; whether the change is the median of the changes (else their mean). */
bool measure_is_counted(const char *kind);
bool measure_is_median(const char *kind);

/* Fills kind, question, asks, measure, of and unit (of a change) of a check. */
void measure_words(const struct policy_check *p, struct check *out);

#endif
