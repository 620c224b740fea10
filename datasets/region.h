/* Regions of a picture as masks [h*w], 1 = inside. Pure kernels: no allocation, no file, the randomness is handed in.
 */
#ifndef MARGINALIA_DATASETS_REGION_H
#define MARGINALIA_DATASETS_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/rng.h"

/* Whether a ring `width` >= 1 pixels wide along the edge covers at most half of the picture, so that a centre of the
 * same area is left inside it. */
bool region_ring_fits(int h, int w, int width);

/* mask = the ring; returns its pixels. */
int region_ring(int h, int w, int width, uint8_t *mask);

/* mask = exactly `pixels` pixels in the middle, as near to a square as the picture without its ring of `margin` pixels
 * allows. The last row may be shorter than the others, so that the area is exact. pixels fit within the margin. */
void region_centre(int h, int w, int margin, int pixels, uint8_t *mask);

/* Adds m pixels to mask, drawn without replacement from those of pool[pixels] (NULL: from all). Every set of m is
 * equally likely; the pool holds m at least. */
void region_draw(const uint8_t *pool, int pixels, int m, struct rng *r, uint8_t *mask);

/* out = mask and the eight neighbours of each of its pixels. out may not overlap mask. */
void region_dilate(const uint8_t *mask, int h, int w, uint8_t *out);

int region_count(const uint8_t *mask, int pixels);
int region_overlap(const uint8_t *a, const uint8_t *b, int pixels); /* pixels in both */

/* The share inside / total of pixels that lie in a region, divided by the region's share area / pixels of the picture:
 * 1 when they are spread evenly. total, area >= 1. */
double region_ratio(double inside, double total, int area, int pixels);

#endif
