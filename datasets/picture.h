/* One picture of a data set as a network reads it: decoded, placed, and masked. The only way there. */
#ifndef MARGINALIA_DATASETS_PICTURE_H
#define MARGINALIA_DATASETS_PICTURE_H

#include "datasets/view.h"

/* x[c,h,w] = image i. s: NULL for the test geometry; view: NULL for everything. From any thread. */
bool picture_read(const struct dataset *data, enum split split, int64_t i, const struct augment *a,
                  const struct masked_view *view, const struct showing *s, float *x, struct err *err);

/* The plain test geometry of a data set: resized to its descriptor's shape, centre, no margin. */
struct augment picture_geometry(const struct dataset *data);

#endif
