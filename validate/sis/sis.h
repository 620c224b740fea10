/* Sufficient input subsets (SIS) of any function: which features of one input suffice for its value to reach a
 * threshold?
 *
 * Carter, Mueller, Jain, Gifford, "What made you do this?" (AISTATS 2019). Backward selection masks one feature after
 * the other, always the one without which the value stays largest; the features that go last are the ones that suffice.
 * One removal order answers every threshold and every subset size. The search is greedy: a returned subset suffices, a
 * smaller one may exist.
 *
 * Differs from the published program where that is wrong: an empty subset is empty, NaN is an error, and a subset is
 * read off at a state whose value was measured, so that evaluating it again always reaches the threshold.
 *
 * Masks: 1 = kept, 0 = masked, for every feature 0..features-1. What "masked" means is the function's business. */
#ifndef MARGINALIA_VALIDATE_SIS_SIS_H
#define MARGINALIA_VALIDATE_SIS_SIS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

/* value[i] = f of the input with mask[i][features] kept, for i = 0..n-1. A value must not depend on the others of its
 * call. False stops the search and passes err on. */
typedef bool (*sis_function)(void *context, const uint8_t *mask, int n, double *value, struct err *err);

struct sis_problem {
    sis_function f;
    void *context;
    int features; /* 1..2^24 */
    int batch;    /* masks per call at most, >= 1: what f evaluates fastest */
    /* The value above which f never goes (1 for a probability), or INFINITY: a step ends at the first candidate that
     * reaches it, which is the one that the first of equals would be. */
    double bound;
};

/* The removal order of one input. State s is the input with the first removed[s] features of `order` masked. */
struct sis_order {
    int features;      /* that could be removed */
    uint32_t *order;   /* [features] first removed first */
    int states;        /* 2..features+1 */
    uint32_t *removed; /* [states] 0 first, then rising, `features` last */
    double *value;     /* [states] f there, finite */
};

/* Backward selection over the features that `start` keeps (NULL: all). Ties go to the lowest feature. Costs
 * features * (features+1) / 2 evaluations and one. A value that is NaN or infinite is an error (EXIT_CANNOT_RUN). On
 * success the caller frees the order. */
bool sis_backselect(const struct sis_problem *p, const uint8_t *start, struct sis_order *out, struct err *err);
struct sis_order sis_order_copy(const struct sis_order *o);
void sis_order_free(struct sis_order *o); /* accepts a zeroed one */

/* Number of features of the smallest state that reaches the threshold (value >= threshold), looking from the wholly
 * masked end; 0: nothing at all suffices. SIS_NONE when the whole input does not reach it: then no subset counts. */
enum { SIS_NONE = -1 };
int sis_size(const struct sis_order *o, double threshold);

/* mask[features] = 1 for the `size` features that were removed last. `features` is that of the problem. */
void sis_mask(const struct sis_order *o, int size, int features, uint8_t *mask);

/* Disjoint subsets that each suffice: search, mask what was found, search in the rest, until the rest does not suffice
 * or only the empty subset is found. */
struct sis_collection {
    int n;
    int *size;         /* [n] each >= 1 */
    uint32_t **subset; /* [n][size] features, last removed first */
    double *value;     /* [n] f of the subset alone, >= threshold */
};

bool sis_collect(const struct sis_problem *p, double threshold, const uint8_t *start, struct sis_collection *out,
                 struct err *err);
void sis_collection_free(struct sis_collection *c); /* accepts a zeroed one */

/* One turn of it, for searches that run otherwise (images.h): adds the subset that `o` has at the threshold, takes it
 * out of rest[features], and returns its size; SIS_NONE or 0, and nothing is added, when the collection is complete. */
int sis_collection_add(struct sis_collection *c, const struct sis_order *o, double threshold, uint8_t *rest);

#endif
