/* Before anything is measured: does the model do what every measurement relies on? Takes a few seconds at most. */
#ifndef MARGINALIA_VALIDATE_SELFTEST_H
#define MARGINALIA_VALIDATE_SELFTEST_H

#include <stdint.h>
#include "base/classifier.h"

struct selftest {
    int pictures, coordinates;
    double gradient_error; /* |measured - given| / |measured| over the coordinates */
    double seconds;
};

/* On x[n,c,h,w] under a little noise, n >= 2:
 *   the input gradient of the margin is not zero and is what central differences on random coordinates measure;
 *   an image alone has the logits and gradient that it has in a batch, bit for bit; so has a repetition;
 *   state_hash (NULL: none to ask) says the same before and after.
 * False and EXIT_CANNOT_RUN when one of them does not hold; err says which. */
bool selftest_run(const struct classifier *model, uint64_t (*state_hash)(const void *self), const void *self,
                  const float *x, int n, uint64_t seed, struct selftest *out, struct err *err);

#endif
