/* The image convention of the whole house, said once.
 *
 * Float images are [n,c,h,w]: n images, c planes (3: R, G, B; 1: grey), h rows from the top, w columns from the left,
 * row-major and contiguous, values in [0,1]. Byte images are planar [c,h,w], 0..255. Labels are class indices
 * 0..classes-1. Masks: true (1) = kept. */
#ifndef MARGINALIA_BASE_IMAGE_H
#define MARGINALIA_BASE_IMAGE_H

#include <stdint.h>

/* A byte image that owns its pixels (free(pixels)). */
struct image8 {
    int c, h, w;
    uint8_t *pixels; /* [c,h,w] */
};

#endif
