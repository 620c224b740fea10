/* From what two models have on the same pictures to the change and its interval. */
#ifndef MARGINALIA_VALIDATE_COMPARE_PAIRS_H
#define MARGINALIA_VALIDATE_COMPARE_PAIRS_H

#include "validate/compare/comparison.h"
#include "validate/compare/measures.h"

/* How all intervals of a comparison are made.
 *
 * Every question that decides, for every candidate, is a chance to err. Each interval therefore has the confidence
 * 1 - 0.05 / decisions (Bonferroni; Dunn 1961): with a probability of at least 95 % all of them hold the truth at once,
 * however the questions hang together. One interval answers all that is asked of it: whether the change is a gain, and
 * whether it is within the margin, so the two need no correction between them. */
struct confidence {
    double level;
    int draws; /* of a bootstrap: enough that the tails are made of fifty */
    uint64_t seed;
};
struct confidence confidence_of(int decisions, uint64_t seed);

/* Fills p (whose kind of values is set) and out->estimate from what counts in both models, which were measured on the
 * same items. Counted values: the paired interval of Agresti and Min (2005), made to hold no change where McNemar's
 * exact test does not exclude it; others: bootstrap over pairs, expanded percentiles (base/statistics.h). With fewer
 * pairs than ESTIMATE_FEW the interval is everything that is possible. False: there is no pair, or a value is not a
 * number. */
bool pairs_compare(const struct measured *a, const struct measured *b, const struct confidence *c, struct paired *p,
                   struct check *out, struct err *err);

#endif
