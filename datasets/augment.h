/* From a decoded byte image to the float image a network reads: geometry of training and of testing.
 * Keyed by (seed, epoch, image), so the result depends on nothing else. */
#ifndef MARGINALIA_DATASETS_AUGMENT_H
#define MARGINALIA_DATASETS_AUGMENT_H

#include <stdbool.h>
#include "base/image.h"
#include "base/rng.h"

/* An image goes through its crops in a drawn order and shows none twice before it has shown all (2 crop_pad + 1)^2 =
 * n^2: drawn anew each epoch, some would come often and some never in a training of 30 epochs, and chance alone would
 * decide which pictures are flipped in the last ones. Any n epochs in a row, from a multiple of n, show each row offset
 * and each column offset once; flips alternate, as
 * in Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024). */
struct augment {
    int c, h, w;              /* output shape. c differs from the image's: grey is repeated to 3; RGB to 1 by luma
                                 0.299 R + 0.587 G + 0.114 B */
    bool flip;                /* training: mirror left-right every second epoch, half of the images in the first */
    int crop_pad;             /* training: pad by this many pixels of `pad`, crop h x w; 0: off. See below */
    bool random_resized_crop; /* training: area in [crop_area_min,1] of the image, aspect ratio in [3/4,4/3] */
    float crop_area_min;      /* (Szegedy et al. 2015; 0.08 is the ImageNet habit) */
    float test_resize;        /* testing: resize until the image just covers test_resize times the output, crop the
                                 centre; >= 1, 1: no margin (ImageNet habit: 256/224). Training without
                                 random_resized_crop starts from the same view without margin */
    float pad[3];             /* colour outside the image, in [0,1]; normally the data set's mean */
};

/* Where the pixels of an output come from: output pixel (y,x) shows, after undoing the mirror (x -> w-1-x), pixel
 * (y+dy, x+dx) of the rectangle, resized to h x w; outside of it is `pad`. */
struct placement {
    float y0, x0, rh, rw; /* rectangle of the input, px */
    int dy, dx;
    bool flip;
};

/* Which showing of which image: all that its randomness depends on. */
struct showing {
    uint64_t seed;
    uint32_t epoch, image;
};

/* out[c,h,w] in [0,1]. s: NULL for the test geometry (deterministic). Returns what was shown. */
struct placement augment_image(const struct augment *a, const struct image8 *in, const struct showing *s, float *out);

/* The test geometry of an image of this size: the frame that masks are defined in (datasets/view.h). */
struct placement augment_test_placement(const struct augment *a, int in_h, int in_w);

/* Bilinear (with area averaging when shrinking) resize of the rectangle [x0,x0+rw) x [y0,y0+rh) of a plane. Pure
 * kernel. */
void resize_plane(float *out, int oh, int ow, const uint8_t *in, int ih, int iw, float y0, float x0, float rh,
                  float rw);

#endif
