/* Darknet itself, through libdarknet.so: parses the stock text of our cfg, runs layers that the engine leaves to it,
 * and is the oracle of the tests where it is right. The only header that includes <darknet.h>; only our .c files of
 * this folder and tests include it.
 *
 * The library is loaded on the first dn_open, without its OpenCV (darknet-ext/dn_library.h), from $MARGINALIA_DARKNET
 * or else DARKNET_LIBRARY, and never unloaded. Loading it changes the floating-point mode of the thread; dn_open puts it
 * back. Parsing writes to file descriptor 2, so that is pointed at /dev/null meanwhile: no other thread should be
 * printing then. */
#ifndef MARGINALIA_DARKNET_EXT_DN_H
#define MARGINALIA_DARKNET_EXT_DN_H

#include <darknet.h>
#include "darknet-ext/cfg.h"

_Static_assert(sizeof(layer) == 1184 && sizeof(network) == 272,
               "darknet.h differs from the one this program was written for; build against the one of libdarknet.so");

struct dn_network; /* one per thread; opening is not thread-safe */

/* Parses cfg_stock_text(cfg, batch) and compares every layer's shape and number of weights with ours. */
bool dn_open(const struct net_cfg *cfg, int batch, struct dn_network **out, struct err *err);

/* The same for layer i alone, a LAYER_DARKNET: input and output are those of the layer. */
bool dn_open_layer(const struct net_cfg *cfg, int i, int batch, struct dn_network **out, struct err *err);

void dn_close(struct dn_network *dn); /* accepts NULL */

/* Opens, compares, closes. */
bool dn_check(const struct net_cfg *cfg, struct err *err);

/* values[cfg->stored] in weights-file order of *our* cfg. Until then the weights are Darknet's random ones. */
void dn_set_parameters(struct dn_network *dn, const float *values);

/* x[batch, inputs]: the whole network; train: batch statistics (and Darknet's rand() dropout). */
void dn_forward(struct dn_network *dn, const float *x, bool train);

/* Output of layer i of the last forward: [batch, outputs], borrowed until the next one. */
const float *dn_output(const struct dn_network *dn, int i);
/* Input of the final [softmax], or the output of the last layer where there is none: [batch, classes], borrowed. */
const float *dn_logits(const struct dn_network *dn);

/* After dn_forward: from dz[batch, classes] = d scalar / d logits (of a LAYER_DARKNET alone: d output) to dx[batch,
 * inputs], assigned. Right only where Darknet is: not through a 1x1 convolution or [activation] whose input also feeds
 * another layer, not through batch normalisation after a forward with train = false, not through [dropout]. */
void dn_backward(struct dn_network *dn, const float *dz, float *dx);

/* The gradient of the last dn_backward by every parameter, summed over the batch: [cfg->stored], 0 for statistics. */
void dn_get_gradients(const struct dn_network *dn, float *gradients);

/* After a forward with train = true: values[] with Darknet's updated running statistics in their places. */
void dn_get_statistics(const struct dn_network *dn, float *values);

#endif
