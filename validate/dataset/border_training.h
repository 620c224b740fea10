/* What a network learns that is trained and tested on one part of every picture: the ring along the edge, and as
 * controls a centre and random pixels of the same number. For --full: real trainings, by the program `train`, each in
 * a directory of its own below the report (border_W/border, center, random), continued when they were interrupted. */
#ifndef MARGINALIA_VALIDATE_DATASET_BORDER_TRAINING_H
#define MARGINALIA_VALIDATE_DATASET_BORDER_TRAINING_H

#include "validate/dataset/survey.h"

enum { BORDER_TRAINING_PARTS = 3 };

struct border_training_result {
    int area; /* pixels that each part shows */
    int n;
    struct {
        const char *name; /* "border", "center", "random": the view's word */
        double accuracy;  /* of the test split */
        int64_t right, images;
        double train_accuracy; /* in the last epoch: far above `accuracy` means learnt by heart */
        double seconds;
    } part[BORDER_TRAINING_PARTS];
};

/* The network is s->cfg, which is then trained on s->descriptor whatever data set it names, or a small one made for the
 * set (directory/network.cfg: validate/dataset/network_cfg.h). Tested on the test split; a set without one is refused,
 * and so is a ring that region_ring_fits() does not take. EXIT_INTERRUPTED when the user stopped it. */
bool border_training(struct survey *s, int width, struct border_training_result *out, struct err *err);

#endif
