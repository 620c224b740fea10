/* The formats behind dataset_open, one function each. All expect a dataset whose common fields are filled from the
 * descriptor (directory resolved), add counts, functions and self; after a failure they leave self NULL and nothing
 * open. */
#ifndef MARGINALIA_DATASETS_READERS_H
#define MARGINALIA_DATASETS_READERS_H

#include "datasets/descriptor.h"

bool cifar_open(const struct descriptor *d, struct dataset *ds, struct err *err);
bool idx_open(const struct descriptor *d, struct dataset *ds, struct err *err);
bool folder_open(const struct descriptor *d, struct dataset *ds, struct err *err);
bool list_open(const struct descriptor *d, struct dataset *ds, struct err *err);
bool planted_open(const struct descriptor *d, struct dataset *ds, struct err *err);

/* A directory without a descriptor. The format is told from what lies in it: CIFAR's files, MNIST's files, else class
 * folders; without train/, val/ or test/ (directories with directories in them) all is the training split. Name: the
 * directory's last part. mean and std are not measured: 0.5 and 0.25. descriptor_clear it. */
void plain_describe(struct descriptor *d, const char *path);
/* The shape of what was opened so, from 64 pictures spread over it: their size when all have the same and it is at most
 * 256 x 256, else a square of 224, or of the median of their shorter sides where that is less. One channel when all are
 * grey. */
void plain_measure(struct dataset *ds);

/* Sets ds->classes and ds->class_names from the descriptor, or `names` (may be NULL: "0", "1", ...) where that gives
 * none. `classes`: what the data hold. Refuses a descriptor that says otherwise. */
bool dataset_set_classes(const struct descriptor *d, struct dataset *ds, int classes, const char *const *names,
                         struct err *err);

#endif
