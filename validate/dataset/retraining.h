/* New models trained and tested on small parts of the pictures: what do the parts alone teach? */
#ifndef MARGINALIA_VALIDATE_DATASET_RETRAINING_H
#define MARGINALIA_VALIDATE_DATASET_RETRAINING_H

#include "validate/dataset/survey.h"
#include "validate/trainer.h"

enum retrained {
    RETRAINED_WHOLE,
    RETRAINED_GIVEN,        /* the pixels that --masks kept longest */
    RETRAINED_GIVEN_PLACES, /* these painted white: only where they are */
    RETRAINED_CROSS,        /* those of models that have never seen the picture (cross_masks.h) */
    RETRAINED_CROSS_PLACES,
    RETRAINED_EXCHANGED, /* each picture with the mask of another one */
    RETRAINED_RANDOM,    /* as many, drawn at random for each picture */
    RETRAINED
};

enum { RETRAINING_EXAMPLES = 3 };

struct retraining {
    int64_t n[2];   /* pictures used of each split: the first */
    int h, w, kept; /* pixels of a picture, and how many a part has */
    struct training_result trained[RETRAINED];
    uint8_t *mask[RETRAINING_EXAMPLES]; /* [h*w] of test pictures 0, 1, 2: RETRAINED_CROSS; NULL: there are less */
};

/* n: pictures of each split at most, 0: all that the masks are of. In directory/retrain; resumable, and only --full has
 * the time for it. Refused without --full, without --masks of both splits, with masks of other pictures than the first
 * ones, and with a fraction that keeps no pixel or all. retraining_free in any case. */
bool retraining_run(struct survey *s, double fraction, int64_t n, struct retraining *out, struct err *err);
void retraining_free(struct retraining *r);

#endif
