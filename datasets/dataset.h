/* A data set: numbered images with labels, in a train and a test split, behind one interface whatever the bytes on
 * disk. Images are read one at a time, from any thread; the whole set is never held in memory. */
#ifndef MARGINALIA_DATASETS_DATASET_H
#define MARGINALIA_DATASETS_DATASET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/file.h"
#include "base/image.h"

enum split { SPLIT_TRAIN, SPLIT_TEST };

struct dataset {
    char *name;             /* "cifar10" */
    char *directory;        /* where the bytes are; NULL for a generated set */
    int classes;            /* K, 1..100000 */
    char **class_names;     /* [K] */
    int c, h, w;            /* shape the descriptor asks for; images of other sizes are resized by the augmentation */
    float mean[3], std[3];  /* per channel over the training split, pixels in [0,1] (from the descriptor) */
    int64_t count[2];       /* images by enum split, each 1..2^31-1, or 0 when the split is absent */
    bool packed;            /* images are read without decoding: one loader thread is enough */

    /* Set by the format's reader. All are safe to call from several threads at once. */
    int (*label)(const struct dataset *ds, enum split split, int64_t i);
    /* Decodes image i at its own size; fills *out (caller frees out->pixels). An unreadable image names its path. */
    bool (*read)(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err);
    /* The path (and offset) of image i for messages and reports: "data_batch_3.bin#17". free() it. */
    char *(*where)(const struct dataset *ds, enum split split, int64_t i);
    /* The path of the file that holds image i alone, or NULL when the set is packed or generated. free() it. */
    char *(*file)(const struct dataset *ds, enum split split, int64_t i);
    /* SHA-256 over everything that defines the set's content, for the manifest (packed files: their bytes; folders:
     * sorted list of relative path, label and size). */
    bool (*hash)(const struct dataset *ds, char hex[SHA256_HEX], struct err *err);
    void (*close)(struct dataset *ds);
    void *self;
};

/* Opens datasets/NAME.conf (libconfig; see datasets/README.md), or a directory without one, whose format is then told
 * from its contents (class folders with or without train/ and val/, CIFAR's or MNIST's files). data_dir overrides where the bytes are, or NULL: then
 * the descriptor's `directory`, relative to the current directory, then to $MARGINALIA_DATA. On success every size and
 * label has been checked: label() is always within 0..classes-1. */
bool dataset_open(const char *descriptor, const char *data_dir, struct dataset **out, struct err *err);
void dataset_close(struct dataset *ds); /* accepts NULL */

#endif
