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

/* Sets ds->classes and ds->class_names from the descriptor, or `names` (may be NULL: "0", "1", ...) where that gives
 * none. `classes`: what the data hold. Refuses a descriptor that says otherwise. */
bool dataset_set_classes(const struct descriptor *d, struct dataset *ds, int classes, const char *const *names,
                         struct err *err);

#endif
