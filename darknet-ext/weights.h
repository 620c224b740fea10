/* Darknet's weights file: int32 major=0, minor=2, revision=0; uint64 seen; then the floats of each layer in cfg order
 * (convolutional: biases[n], with BN scales[n], rolling_mean[n], rolling_variance[n], then weights[n,c/groups,k,k];
 * connected: biases[out], weights[out,in], with BN scales, mean, variance after the weights; batchnorm: scales, mean,
 * variance). The format has no size and no checksum, so a reader must compare the size with the cfg's (net_cfg.stored).
 * Numbers are in the machine's byte order, as Darknet writes them. */
#ifndef MARGINALIA_DARKNET_EXT_WEIGHTS_H
#define MARGINALIA_DARKNET_EXT_WEIGHTS_H

#include "darknet-ext/cfg.h"

/* values[cfg->stored] in file order; *seen: images trained on. Refuses: not a regular file, wrong size (says both, and
 * which of the usual causes fits: truncated, ends after layer k, other number of classes, other cfg), header of
 * another version (0.1 with 4-byte seen is read), NaN or infinity (names the layer), negative variance. On failure
 * values are undefined. */
bool weights_read(const char *path, const struct net_cfg *cfg, float *values, uint64_t *seen, struct err *err);

/* Atomic; checks every write. */
bool weights_write(const char *path, const struct net_cfg *cfg, const float *values, uint64_t seen, struct err *err);

/* Where a layer's arrays lie in `values`; -1 when absent. */
struct weights_layout {
    int64_t biases, scales, mean, variance, weights; /* offsets in floats */
    int outputs;                                     /* length of the first four */
};
struct weights_layout weights_layout(const struct net_cfg *cfg, int layer);

/* The same network in the layout of cfg_stock_text's layers; *n floats; free() it. */
float *weights_stock_values(const struct net_cfg *cfg, const float *values, int64_t *n);

/* Writes DIR/NAME.cfg, .weights, .data and .names for stock Darknet, whose `classifier predict` feeds pixels in [0,1]:
 * the same probabilities to rounding. DIR is made if need be; its absolute name must be without blanks (Darknet drops
 * them from the .data file). class_names[cfg->classes]. */
bool weights_export_stock(const char *directory, const char *name, const struct net_cfg *cfg, const float *values,
                          uint64_t seen, char *const *class_names, struct err *err);

/* The command that tries it on an image of the network's size: "darknet classifier predict ... IMAGE". free() it. */
char *weights_export_command(const char *directory, const char *name);

#endif
