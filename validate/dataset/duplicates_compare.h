/* Whether two pictures are the same picture, stored twice: by their pixels, at 32 x 32. */
#ifndef MARGINALIA_VALIDATE_DATASET_DUPLICATES_COMPARE_H
#define MARGINALIA_VALIDATE_DATASET_DUPLICATES_COMPARE_H

#include <stdbool.h>
#include "base/image.h"

enum { COPY_SIDE = 32, COPY_CHANNELS = 3 };

/* A picture at this size, whatever its shape: copies may have been squeezed. Grey fills all channels. */
struct small_copy {
    uint8_t pixels[COPY_CHANNELS][COPY_SIDE][COPY_SIDE];
};

void copy_shrink(const struct image8 *in, struct small_copy *out);

/* The share of the pictures' variance that remains when brightness, contrast and colour cast are matched: 0 for the
 * same picture, about 1 for two that have nothing to do with each other, 1 when either is flat. mirrored: b is turned
 * over first. */
double copy_difference(const struct small_copy *a, const struct small_copy *b, bool mirrored);

#endif
