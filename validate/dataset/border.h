/* What border.sufficiency measured, for the words and figures about it. Included by border_*.c alone. */
#ifndef MARGINALIA_VALIDATE_DATASET_BORDER_H
#define MARGINALIA_VALIDATE_DATASET_BORDER_H

#include "validate/dataset/border_training.h"
#include "validate/dataset/linear_probe.h"
#include "validate/dataset/shown.h"
#include "validate/policy.h"

enum { BORDER_RING, BORDER_CENTRE, BORDER_RANDOM, BORDER_NEXT, BORDER_PARTS };

struct border_class {
    int class, n, right; /* pictures; told right from the ring */
};

struct border {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    int64_t pictures; /* asked for */
    struct linear_probe probe;
    int area;                    /* pixels of ring, centre and random places; the next ring has some more */
    uint8_t *mask[BORDER_PARTS]; /* [h*w] */
    struct probed_part part[BORDER_PARTS];
    struct estimate right[BORDER_PARTS], shuffled;
    struct estimate difference[BORDER_PARTS]; /* ring minus BORDER_CENTRE, ring minus BORDER_NEXT */
    int against;                              /* that of the two that tells less */
    int n_classes;
    struct border_class *class; /* [n_classes] told best first */
    bool trained;               /* with --full */
    struct border_training_result training;
    struct estimate trained_right[BORDER_TRAINING_PARTS], trained_difference;
    bool by_training; /* the check's value is the network's */
    bool worrying;    /* beyond the limit; without one, above 0 */
    struct kept kept;
};

/* Whether picture i is told right from the ring and wrong from what the ring is compared with. */
bool border_tells(const struct border *b, int i);

/* Fill the check: question to act, figures and the fact. */
void border_word(struct border *b);
bool border_draw(struct border *b, struct err *err);

#endif
