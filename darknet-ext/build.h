/* From a graph to programs. */
#ifndef MARGINALIA_DARKNET_EXT_BUILD_H
#define MARGINALIA_DARKNET_EXT_BUILD_H

#include "darknet-ext/parameters.h"

enum build_mode {
    BUILD_TRAINING, /* forward with batch statistics, loss, backward to all parameters */
    BUILD_LOGITS,   /* batch norm folded; shortcut and activation in the convolution's epilogue */
    BUILD_GRADIENT  /* batch norm folded; backward to the input, signs kept as bits */
};

/* storage: of activations. The program is finished but not bound to parameters. */
bool build_program(enum build_mode mode, const struct graph *g, struct parameters *ps, enum storage storage, int batch,
                   int threads, struct program *p, struct err *err);

#endif
