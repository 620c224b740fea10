/* What a training leaves for people and programs to read: one record per epoch, in four forms.
 *
 *   train.jsonl   one JSON object per line, appended when an epoch ends
 *   summary.csv   the same, one row per epoch
 *   curve.svg     loss and accuracy over the epochs
 *   events.out.tfevents.marginalia   for TensorBoard, on request
 *
 * The records themselves live in the checkpoint: a resume writes all files anew from there, which drops what a killed
 * run had added since, and mends what was torn. */
#ifndef MARGINALIA_TRAIN_RECORDS_H
#define MARGINALIA_TRAIN_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

/* Every member has 8 bytes: records are stored as they are. */
struct epoch_record {
    int64_t epoch;         /* from 1 */
    int64_t images;        /* trained on in this epoch */
    double loss;           /* mean over the epoch's images, as trained (dropout and augmentation on) */
    double train_accuracy; /* of the same passes, 0..1 */
    int64_t test_images;   /* 0 without a test split; then the next two mean nothing */
    int64_t test_correct;  /* input dropout off */
    double test_loss;
    double learning_rate;  /* of the epoch's last batch */
    /* Timing: the only members that differ between two runs with the same seed. */
    double images_per_second; /* training, everything included but the evaluation */
    double seconds;           /* of the epoch, training and evaluation */
    double wall_time;         /* seconds since 1970 when the epoch ended */
};

struct records {
    int64_t n, room;
    struct epoch_record *record; /* [n] */
};

double record_test_accuracy(const struct epoch_record *r); /* NaN without a test split */

void records_add(struct records *r, const struct epoch_record *record);
void records_free(struct records *r);

/* All forms, from the first record to the last (none when there is no record yet); tensorboard: the event file too. */
bool records_write(const struct records *r, const char *directory, bool tensorboard, const char *title,
                   struct err *err);
/* The files after records_add: appends the last record where a file grows at its end. */
bool records_append(const struct records *r, const char *directory, bool tensorboard, const char *title,
                    struct err *err);

#endif
