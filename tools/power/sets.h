/* Made-up data sets (datasets/planted.h) with faults that the generator itself does not have. */
#ifndef MARGINALIA_TOOLS_POWER_SETS_H
#define MARGINALIA_TOOLS_POWER_SETS_H

#include "datasets/dataset.h"
#include "datasets/planted.h"

enum { SET_CLASSES = 6, SET_SIDE = 32 };

struct planted_set {
    struct planted made;  /* 2,000 training and 1,000 test pictures unless the plant says otherwise */
    double unusable;      /* share of the pictures that are blank, cannot be read, or are five times as long as wide */
    double thinned;       /* share of the pictures of class 0 that is missing */
    double copies_across; /* share of the test pictures that are copies of training pictures, */
    double copies_within; /* of the training pictures that are copies of others, */
    bool copies_relabelled; /* and these have another label. A copy is the picture itself, a little brighter,
                              smaller, noisier, or mirrored */
    double corner_cue;      /* share of the pictures whose lower right corner has the colour of their label */
    bool corner;            /* there is such a corner, if only with random colours */
    double size_cue;        /* share of the pictures whose stored size is that of their label */
    bool sizes;             /* they have several sizes, if only at random */
    double test_brighter;   /* added to the test pictures, pixels in [0,1] */

    /* Filled by planted_set_open. */
    struct dataset data;
};

void planted_set_open(struct planted_set *s, uint64_t seed);

#endif
