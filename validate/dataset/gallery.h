/* "See for yourself": pictures that checks name, and the first of the sample, beside their border alone. */
#ifndef MARGINALIA_VALIDATE_DATASET_GALLERY_H
#define MARGINALIA_VALIDATE_DATASET_GALLERY_H

#include "validate/dataset/suite.h"

/* out->suspect is filled. False when a picture of the sample cannot be read any more, or the user stopped it. */
bool gallery_fill_dataset(const struct dataset_suite *s, struct report *out, struct err *err);

#endif
