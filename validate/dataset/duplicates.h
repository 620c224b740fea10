/* Pictures that are in a data set more than once, in both splits together: equal in every pixel, or the same picture
 * stored again, resized, a little brighter, or mirrored. Made once for all checks that ask.
 *
 * Candidates come from the perceptual hashes of the facts (duplicates_search.h) and are confirmed by their pixels
 * (duplicates_compare.h), at the size of the smaller of two. Flat and unreadable pictures take no part (the check
 * `integrity` names them). */
#ifndef MARGINALIA_VALIDATE_DATASET_DUPLICATES_H
#define MARGINALIA_VALIDATE_DATASET_DUPLICATES_H

#include "validate/dataset/survey.h"

/* A candidate is a copy when at most DUPLICATE_SAME of the variance is left between the two, or at most DUPLICATE_ALIKE
 * when neither looks like more than DUPLICATE_FEW others: where many pictures look alike, likeness is their nature
 * (handwritten ones, product photographs), and no sign of a copy. Chosen for precision: all 287 pairs of CIFAR-10 were
 * looked at and are the same photograph or product; at 0.03 the ones of MNIST would be 2 % copies. */
#define DUPLICATE_SAME 0.01
#define DUPLICATE_ALIKE 0.10
enum { DUPLICATE_FEW = 2 };

/* Pictures are numbered through: those of the training split first. */
struct duplicate_pair {
    uint32_t a, b; /* a < b */
    float left;    /* share of the variance that is left between them; 0 when `equal` */
    bool equal;    /* in every pixel */
    bool mirrored;
};

struct duplicates {
    int64_t n, n_train; /* pictures of both splits; of the training split */
    uint32_t *first;    /* [n] the first picture of the group that holds picture i; itself when it is alone */
    int64_t n_pairs;
    struct duplicate_pair *pair; /* confirmed, sorted by a, b; not all of a group's */
    int64_t n_candidates;        /* that were compared by their pixels */
    int radius, radius_mirrored; /* bits of the hash, up to which candidates were taken */
};

/* Makes them unless they are there, and survey_facts() first; they belong to the survey. */
bool duplicates_find(struct survey *s, const struct duplicates **out, struct err *err);
void duplicates_free(struct duplicates *d); /* accepts NULL */

enum split duplicates_split(const struct duplicates *d, uint32_t picture);
int64_t duplicates_image(const struct duplicates *d, uint32_t picture); /* its number in its split */

#endif
