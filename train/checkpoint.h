/* checkpoint.bin: everything a training needs to go on as if it had never stopped, in one file that is replaced as a
 * whole.
 *
 *   header     magic "MARGCKPT", format version, byte order, sizes of what follows
 *   position   where the training stands
 *   identity   text: every setting that decides the result, one `key=value` per line (resolved cfg, data hash, ...)
 *   host       text: what may change between two starts (threads, instruction set, engine)
 *   records    the epochs so far
 *   parameters, momentum   floats in weights-file order
 *   SHA-256 of all the above, 64 hexadecimal digits */
#ifndef MARGINALIA_TRAIN_CHECKPOINT_H
#define MARGINALIA_TRAIN_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "train/records.h"

/* Every member has 8 bytes: a position is stored as it is. */
struct position {
    int64_t epoch;        /* epochs done */
    int64_t batch;        /* batches done in this epoch */
    int64_t steps;        /* batches done in all */
    int64_t images;       /* images seen in all: `seen` of a weights file */
    int64_t epoch_images; /* of the epoch so far: */
    int64_t correct;
    double loss_sum;
    double train_seconds;
    double average_loss;  /* Darknet's moving average; negative before the first batch */
    double wall_seconds;  /* of the whole training, stops not counted */
    int64_t best_epoch;   /* from 1; 0: none yet */
    int64_t best_correct; /* test images */
    int64_t finished;     /* 1 after the last epoch */
};

struct checkpoint {
    struct position position;
    char *identity, *host;
    struct records records;
    int64_t stored;    /* floats in each of: */
    float *parameters, *momentum;
};

bool checkpoint_write(const char *path, const struct checkpoint *c, struct err *err);

/* c->stored and the arrays are given by the caller, the rest is allocated (checkpoint_free). Refuses a foreign,
 * truncated or damaged file, and one whose identity differs from `identity`: the message names the first setting that
 * differs, with both values. */
bool checkpoint_read(const char *path, const char *identity, struct checkpoint *c, struct err *err);

void checkpoint_free(struct checkpoint *c); /* what checkpoint_read allocated; not the arrays */

#endif
