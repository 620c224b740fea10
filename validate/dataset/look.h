/* A perceptual hash: 256 bits that stay nearly the same when a picture is stored again, resized or made a little
 * brighter, and differ in about half their number between pictures that have nothing to do with each other.
 *
 * The method known as pHash (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010), with
 * 16 x 16 instead of 8 x 8 frequencies: the picture's luma at 32 x 32 (means over areas), its discrete cosine
 * transform, the signs of the lowest frequencies. The mean (frequency 0) is left out, and the signs are those against
 * 0, not against the median: 0 is where the median of the others lies, and it needs no sorting. Flat pictures have no
 * look: their bits are noise. */
#ifndef MARGINALIA_VALIDATE_DATASET_LOOK_H
#define MARGINALIA_VALIDATE_DATASET_LOOK_H

#include <stdint.h>

enum { LOOK_SIDE = 32, LOOK_FREQUENCIES = 16, LOOK_WORDS = 4 };

/* luma[32,32], any scale. Bit 16*v + u: the frequency u across and v down is above 0; bit 0 is 0. */
void look_hash(const float *luma, uint64_t look[LOOK_WORDS]);

/* Bits that differ, 0..255. */
int look_distance(const uint64_t a[LOOK_WORDS], const uint64_t b[LOOK_WORDS]);

#endif
