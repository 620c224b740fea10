/* Darknet's activations that are not decided by a sign: scalar functions, derivative in terms of the output as in
 * Darknet. */
#ifndef MARGINALIA_DARKNET_EXT_ACTIVATION_H
#define MARGINALIA_DARKNET_EXT_ACTIVATION_H

#include <stddef.h>
#include "darknet-ext/cfg.h"

/* x[i] = f(x[i]) */
void activation_forward(enum activation a, float *x, size_t n);
/* d[i] *= f'(x) where f(x) = out[i] */
void activation_backward(enum activation a, float *d, const float *out, size_t n);

#endif
