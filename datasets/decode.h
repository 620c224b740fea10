/* JPEG, PNG, BMP, PPM and PGM files to byte images, by stb_image. */
#ifndef MARGINALIA_DATASETS_DECODE_H
#define MARGINALIA_DATASETS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/image.h"

/* Whether the name ends in .jpg, .jpeg, .png, .bmp, .ppm or .pgm, in any case. */
bool decode_knows(const char *name);

enum { DECODE_LIMIT_BYTES = 256 << 20 };

/* Decodes a file of at most DECODE_LIMIT_BYTES and 100 million pixels. Grey stays one channel, transparency is dropped, CMYK
 * becomes RGB. Files that are cut short are refused. free(out->pixels). */
bool decode_file(const char *path, struct image8 *out, struct err *err);
/* The same from bytes; `path` is for messages. */
bool decode_bytes(const uint8_t *bytes, size_t n, const char *path, struct image8 *out, struct err *err);

#endif
