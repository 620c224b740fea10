/* Input dropout in its published forms: which pixels of an image are dropped, and what stands in their place.
 *
 * A pixel is dropped in all its channels. Every pixel has the same chance, `probability`, whatever is drawn:
 *   single pixels       Carter et al. 2021, "Overinterpretation reveals image classification model pathologies"
 *   block=N             squares at random places, over the edges too (after DropBlock, Ghiasi et al. 2018, whose
 * squares stay inside and so spare the edges, and whose share is approximate where squares overlap) patch=N squares of
 * a fixed grid that begins in the upper left corner (PatchDropout, Liu et al. 2023; masked autoencoders, He et al.
 * 2022), each by a draw of its own, so their number varies
 *
 * What is drawn is keyed by (seed, epoch, image) alone: no thread, batch or order matters. */
#ifndef MARGINALIA_DARKNET_EXT_INPUT_DROPOUT_H
#define MARGINALIA_DARKNET_EXT_INPUT_DROPOUT_H

#include <stdint.h>
#include "darknet-ext/cfg.h"

struct input_draw {
    uint64_t seed;
    uint32_t epoch, image; /* epoch: the sample's number at test time */
    float probability;     /* input_dropout_probability, or the layer's own at test time */
};

/* In epoch 0, 1, ... of a training of `epochs` (0: not known). With schedule=linear it rises from 0 in the first epoch
 * to the layer's probability `ramp` epochs later, or in the last epoch when ramp is 0. */
float input_dropout_probability(const struct layer_cfg *l, int epochs, int epoch);

/* keep[h*w] = 0 where a pixel is dropped, else what its channels are multiplied by: also the mask of the gradient. */
void input_dropout_draw(const struct layer_cfg *l, const struct input_draw *d, int h, int w, float *keep);

/* x[c,h,w] *= keep; and what `fill` says in the place of dropped pixels, as layer number `layer` of the cfg sees it:
 *   mean    0, which is the mean colour after [normalize]
 *   black   what 0 has become in the layers before
 *   noise   the same of uniform noise in [0,1], of each channel by itself (as the baseline of that name) */
void input_dropout_apply(const struct net_cfg *cfg, int layer, const struct input_draw *d, const float *keep, float *x);

#endif
