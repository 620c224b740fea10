/* Which images of a split: the text of --images. */
#ifndef MARGINALIA_VALIDATE_SELECTION_H
#define MARGINALIA_VALIDATE_SELECTION_H

#include <stdint.h>
#include "base/err.h"

/* Of `count` images: NULL: all; "100": the first 100; "0,5,7-9": these (a single one: "5-5"); "@FILE": such a list in a
 * file, where line ends part numbers as commas do. Rising; an image that is named twice is refused. free(*image). */
bool selection_parse(const char *text, int64_t count, int64_t **image, int64_t *n, struct err *err);

#endif
