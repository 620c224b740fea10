/* TensorBoard's event file: records of {uint64 length, uint32 masked CRC32C of the length, bytes, uint32 masked CRC32C
 * of the bytes}, little-endian; the bytes are a protocol buffer `Event` {1: double wall_time, 2: int64 step, 3: string
 * file_version, 5: Summary {1: Value {1: string tag, 2: float simple_value}, repeated}}, encoded here by hand. */
#ifndef MARGINALIA_TRAIN_TFEVENTS_H
#define MARGINALIA_TRAIN_TFEVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TFEVENTS_MAX_SCALARS = 16, TFEVENTS_MAX_TAG = 64 };

struct tfevents_scalar {
    const char *tag; /* "accuracy/test", shorter than TFEVENTS_MAX_TAG */
    float value;
};

/* The record that every file starts with. wall_time: seconds since 1970. */
void tfevents_put_version(FILE *out, double wall_time);
/* One event with n <= TFEVENTS_MAX_SCALARS scalars. Write errors stay in the stream (ferror). */
void tfevents_put_scalars(FILE *out, double wall_time, int64_t step, const struct tfevents_scalar *scalars, int n);

/* Castagnoli's CRC (RFC 3720, appendix B.4), as tests need it. */
uint32_t crc32c(const void *data, size_t n);

#endif
