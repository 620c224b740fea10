/* What a cleaned copy does to one picture. Pure kernels; pictures are planar bytes (base/image.h). */
#ifndef MARGINALIA_VALIDATE_FIX_PICTURE_H
#define MARGINALIA_VALIDATE_FIX_PICTURE_H

#include <stdbool.h>
#include "base/image.h"

/* Width in the picture's own pixels of a ring that is `width` wide where the picture, resized until it just covers
 * h x w, is looked at; rounded up, at least 1. */
int fix_ring_width(const struct image8 *picture, int h, int w, int width);

/* Whether something is left inside of a ring. */
bool fix_ring_fits(const struct image8 *picture, int ring);

/* Cuts the ring off, in place. It fits. */
void fix_crop(struct image8 *picture, int ring);

/* Replaces the ring by the donor's, which is donor_ring wide and stretched along the sides to the picture's size. Both
 * fit. Grey becomes RGB and the other way round (luma 0.299 R + 0.587 G + 0.114 B). */
void fix_exchange_ring(struct image8 *picture, int ring, const struct image8 *donor, int donor_ring);

#endif
