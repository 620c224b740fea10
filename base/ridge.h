/* A linear classifier by ridge regression on one-hot labels, with k-fold cross-validation: how well do these features
 * tell the label? Exact (no iterations), so the answer depends on nothing but data and folds.
 *
 * W = argmin sum_i |y_i - W [x_i, 1]|^2 + lambda n |W|^2 on standardised features (the intercept is not shrunk); the
 * answer is the class with the largest output. Gram matrices are summed per fold once, so k folds and several label
 * vectors cost one pass over the features. OpenBLAS does the products (one thread per call; folds run in the team). */
#ifndef MARGINALIA_BASE_RIDGE_H
#define MARGINALIA_BASE_RIDGE_H

#include <stdint.h>
#include "base/team.h"

struct ridge_problem {
    int n, d, classes;   /* rows, features, classes; n >= 2 */
    const float *x;      /* [n,d] */
    const int *label;    /* [n] 0..classes-1 */
    const uint8_t *fold; /* [n] 0..folds-1 */
    int folds;           /* 2..16 */
    double lambda;       /* > 0, e.g. 0.01 */
};

/* answer[n]: row i's class as told by the model that was fitted on all folds but i's. Features without variance in a
 * training part are left out. False: a feature is not finite. */
bool ridge_cross_validate(const struct ridge_problem *p, struct team *team, int *answer, struct err *err);

#endif
