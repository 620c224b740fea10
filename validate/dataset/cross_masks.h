/* Masks of pictures from models that have never seen them (cross-fitting): each of two models is trained on one half of
 * the training pictures, and says for the other half, and for one half of the test pictures, which pixels decide. */
#ifndef MARGINALIA_VALIDATE_DATASET_CROSS_MASKS_H
#define MARGINALIA_VALIDATE_DATASET_CROSS_MASKS_H

#include "validate/dataset/network_cfg.h"

struct cross_masks {
    struct survey *survey;
    const struct network_cfg *network;
    const char *folder; /* everything goes into it, and is taken from there when it is finished */
    int64_t n[2];       /* the first n pictures of each split, by enum split; 2 at least */
};

/* Trains and searches by the programs `train` and `validate` beside ours, then joins the halves: FOLDER/masks_train and
 * FOLDER/masks_test are then as `validate sis` would have left them; FOLDER/exchanged_train and exchanged_test are the
 * same with the masks dealt out anew at random, so that none tells of its own picture. Resumable; EXIT_INTERRUPTED when
 * the user stopped it. */
bool cross_masks_make(const struct cross_masks *c, struct err *err);

#endif
