/* A linear classifier by ridge regression on one-hot labels, with k-fold cross-validation: how well do these features
 * tell the label? Exact (no iterations), so the answer depends on nothing but data and folds.
 *
 * W = argmin sum_i |y_i - W [x_i, 1]|^2 + lambda n |W|^2 on standardised features (the intercept is not shrunk); the
 * answer is the class with the largest output. Gram matrices are summed per fold once, so k folds cost one pass over
 * the features, 2 n d^2 operations in double precision. OpenBLAS does the products (one thread per call; folds run in
 * the team), so answers do not depend on the number of threads. Memory: 8 (folds + threads) d^2 bytes, and 8 d for
 * each class that occurs and thread. */
#ifndef MARGINALIA_BASE_RIDGE_H
#define MARGINALIA_BASE_RIDGE_H

#include <stdint.h>
#include "base/team.h"

struct ridge_problem {
    int n, d, classes;   /* rows, features, classes; n >= 2, d >= 0 */
    const float *x;      /* [n,d] */
    const int *label;    /* [n] 0..classes-1 */
    const uint8_t *fold; /* [n] 0..folds-1 */
    int folds;           /* 2..16 */
    double lambda;       /* > 0, e.g. 0.01 */
};

/* answer[n]: row i's class as told by the model that was fitted on all folds but i's. Features without variance in a
 * training part are left out; so are classes, which are never told there. -1: nothing to fit on, all rows are in one
 * fold. False: a feature is not finite. */
bool ridge_cross_validate(const struct ridge_problem *p, struct team *team, int *answer, struct err *err);

/* For a choice between several feature sets: nested[folds,n], row i's class by the model that was fitted on all folds
 * but i's and g, at g*n + i (-1 where i is in g). What is chosen by the answers without g can be measured by answer[]
 * in g: nothing of the choice knows g's labels. nested may be NULL. */
bool ridge_cross_validate_nested(const struct ridge_problem *p, struct team *team, int *answer, int *nested,
                                 struct err *err);

#endif
