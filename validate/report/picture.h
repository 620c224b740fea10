/* Pictures inside a page: pixels -> PNG or JPEG -> base64 in a data: address. */
#ifndef MARGINALIA_VALIDATE_REPORT_PICTURE_H
#define MARGINALIA_VALIDATE_REPORT_PICTURE_H

#include <stddef.h>
#include <stdio.h>
#include "validate/checks/figure.h"

/* A picture larger than this is a photograph: it becomes a JPEG of at most PICTURE_PHOTO pixels a side, drawn
 * smoothly. Smaller ones are PNG, exact, with square pixels. */
enum { PICTURE_EXACT = 96, PICTURE_PHOTO = 160 };

/* The bytes of a PNG file, *n of them, to free(). pixels[h,w,channels]; channels 1 (grey), 3 or 4. */
uint8_t *picture_png(const uint8_t *pixels, int w, int h, int channels, size_t *n);

/* "data:image/png;base64,..." */
void picture_write_uri(FILE *out, const struct picture *p);

/* The whole <img>, `side` pixels at most on a desk: a whole multiple of the picture's size where that fits. `css`: more
 * classes, or "". */
void picture_write_img(FILE *out, const struct picture *p, int side, const char *css);

/* RGBA of share[h*w]: one blue, the share of `most` in the alpha channel, so that it works on white and on black. Free
 * pixels. */
struct picture picture_of_heat(const double *share, int w, int h, double most);

#endif
