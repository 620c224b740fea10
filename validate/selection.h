/* Which images of a split: the text of --images. */
#ifndef MARGINALIA_VALIDATE_SELECTION_H
#define MARGINALIA_VALIDATE_SELECTION_H

#include <stdint.h>
#include "base/err.h"

/* Of `count` images: NULL: all; "100": the first 100; "0,5,7-9": these (a single one: "5-5"); "@FILE": such a list in a
 * file, where line ends part numbers as commas do; "sample:500": those that validate model draws with this seed. Rising;
 * an image that is named twice is refused. free(*image). */
bool selection_parse(const char *text, int64_t count, uint64_t seed, int64_t **image, int64_t *n, struct err *err);

/* [count] a random order of the numbers 0..count-1, keyed by the seed: the first n are a sample of n. free() it. */
uint32_t *selection_order(int64_t count, uint64_t seed);

#endif
