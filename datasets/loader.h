/* Batches of augmented images, decoded ahead by threads of its own. Position = (epoch, batch): any position can be
 * reached at once (the order of an epoch is a keyed permutation), so resuming costs nothing. */
#ifndef MARGINALIA_DATASETS_LOADER_H
#define MARGINALIA_DATASETS_LOADER_H

#include "datasets/augment.h"
#include "datasets/picture.h"

struct loader_options {
    const struct dataset *dataset; /* borrowed, outlives the loader */
    enum split split;
    struct augment augment;
    const struct masked_view *view; /* borrowed; NULL: whole pictures */
    bool training; /* shuffle by (seed, epoch), augment, drop the last partial batch (unless the split is smaller than
                      one batch: then one partial batch); otherwise: file order, test geometry, last batch may be
                      partial */
    uint64_t seed;
    int batch;        /* images per batch, >= 1 */
    int threads;      /* decoding threads, >= 1 */
    int ahead;        /* batches decoded ahead, >= 1; memory is (ahead+1) * batch images */
    int64_t limit;    /* use only the first `limit` images of the split; 0: all */
    int slice, slices;  /* slices >= 2: of each batch only this slice (from 0), whose images follow each other in it;
                           slices differ by at most one image, and may be empty; 0: whole batches */
    int without, parts; /* parts >= 2: leave out the images whose number mod parts is `without`; 0: none */
};

struct batch {
    int n;                /* images in this batch, or in our slice of it, 1..options.batch; a slice may have 0 */
    int whole;            /* images in the batch with all its slices, 1..options.batch */
    const float *x;       /* [n,c,h,w] */
    const int *label;     /* [n] */
    const int64_t *index; /* [n] number of the image in its split */
    int epoch, number;    /* position of this batch */
};

struct loader;

/* Refuses a split without images, and a view that has no mask of an image that is used. */
bool loader_open(const struct loader_options *options, struct loader **out, struct err *err);
void loader_close(struct loader *l); /* accepts NULL; stops the threads */
int64_t loader_images(const struct loader *l); /* that are used, of the split */
int loader_batches(const struct loader *l);    /* per epoch */

/* Continue at batch `number` of `epoch` (both from 0). */
void loader_seek(struct loader *l, int epoch, int number);

/* The next batch; training runs on into the next epoch, testing sets b->whole = b->n = 0 after the last batch (seek to start
 * again). *b is borrowed and valid until the next call. False when an image cannot be read (err names it). */
bool loader_next(struct loader *l, struct batch *b, struct err *err);

#endif
