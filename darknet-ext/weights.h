/* Darknet's weights file: int32 major=0, minor=2, revision=0; uint64 seen; then the floats of each layer in cfg order
 * (convolutional: biases[n], with BN scales[n], rolling_mean[n], rolling_variance[n], then weights[n,c/groups,k,k];
 * connected: biases[out], weights[out,in], with BN scales, mean, variance after the weights; batchnorm: scales, mean,
 * variance). The format has no size and no checksum, so a reader must compare the size with the cfg's (net_cfg.stored). */
#ifndef MARGINALIA_DARKNET_EXT_WEIGHTS_H
#define MARGINALIA_DARKNET_EXT_WEIGHTS_H

#include "darknet-ext/cfg.h"

/* values[cfg->stored] in file order. Refuses: not a regular file, wrong size (says both, and which of the usual causes fits:
 * truncated, other cfg, other number of classes), header of another version (0.1 with 4-byte seen is read), NaN or
 * infinity (names the layer), negative variance. */
bool weights_read(const char *path, const struct net_cfg *cfg, float *values, uint64_t *seen, struct err *err);

/* Atomic; checks every write. */
bool weights_write(const char *path, const struct net_cfg *cfg, const float *values, uint64_t seen, struct err *err);

/* Where a layer's arrays lie in `values`; -1 when absent. */
struct weights_layout {
    int64_t biases, scales, mean, variance, weights; /* offsets in floats */
    int outputs;                                     /* length of the first four */
};
struct weights_layout weights_layout(const struct net_cfg *cfg, int layer);

/* Writes DIR/NAME.cfg and DIR/NAME.weights for stock Darknet, whose `classifier predict` feeds pixels in [0,1]: [normalize] is folded
 * into the first convolution where that is exact, else refused with the reason; [input_dropout] becomes an identity. Also writes
 * DIR/NAME.data and NAME.names so that the printed command works. */
bool weights_export_stock(const char *directory, const char *name, const struct net_cfg *cfg, const float *values,
                          uint64_t seen, char **class_names, struct err *err);

#endif
