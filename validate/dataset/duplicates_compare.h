/* Whether two pictures are the same picture, stored twice: by their pixels, at 32 x 32, or at the size of the smaller
 * one where that is less: a copy at 24 x 24 lacks the finest detail, which would be a difference. */
#ifndef MARGINALIA_VALIDATE_DATASET_DUPLICATES_COMPARE_H
#define MARGINALIA_VALIDATE_DATASET_DUPLICATES_COMPARE_H

#include <stdbool.h>
#include "base/image.h"

/* COPY_SIDE_LEAST: on less, pictures that are not the same look alike. */
enum { COPY_SIDE = 32, COPY_SIDE_LEAST = 16, COPY_CHANNELS = 3 };

/* A picture of COPY_SIDE x COPY_SIDE pixels, whatever its shape: copies may have been squeezed. Where it is smaller it
 * keeps its height or width, down to COPY_SIDE_LEAST. Grey fills all channels. */
struct small_copy {
    int h, w;
    uint8_t pixels[COPY_CHANNELS][COPY_SIDE * COPY_SIDE]; /* [h,w] of each channel */
};

void copy_shrink(const struct image8 *in, struct small_copy *out);

/* The share of the pictures' variance that remains when brightness, contrast and colour cast are matched: 0 for the
 * same picture, about 1 for two that have nothing to do with each other, 1 when either is flat. mirrored: b is turned
 * over first. */
double copy_difference(const struct small_copy *a, const struct small_copy *b, bool mirrored);

#endif
