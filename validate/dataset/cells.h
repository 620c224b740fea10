/* How well does a property tell the label? Pictures with like values share a cell, and a cell names the class that is
 * most frequent among its pictures in the other folds: with few properties and many pictures, the best that can be done
 * with them (the Bayes rule on cells). How fine the cells are is chosen for each fold from the other folds alone, by
 * leaving one picture out at a time. */
#ifndef MARGINALIA_VALIDATE_DATASET_CELLS_H
#define MARGINALIA_VALIDATE_DATASET_CELLS_H

#include <stdbool.h>
#include <stdint.h>

struct cell_problem {
    int n, classes;
    const int *label;    /* [n] 0..classes-1 */
    const uint8_t *fold; /* [n] 0..folds-1 */
    int folds;
    int dims;            /* 1..3 numbers are the property */
    const double *value; /* [n,dims], finite */
    bool category;       /* equal or not is all that counts (dims = 1) */
};

/* answer[n]: the class that picture i's property tells, by the rule made without i's fold. False when the property is
 * the same in all pictures: it tells nothing, and the answers are not filled. */
bool cells_cross_validate(const struct cell_problem *p, int *answer);

#endif
