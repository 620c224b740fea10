/* The oneDNN provider of conv.h; only conv.c includes this. Functions as their namesakes there. */
#ifndef MARGINALIA_DARKNET_EXT_CONV_ONEDNN_H
#define MARGINALIA_DARKNET_EXT_CONV_ONEDNN_H

#include "darknet-ext/conv.h"

struct onednn_conv;
bool onednn_conv_new(const struct conv_shape *shape, enum conv_direction direction, int block, int threads,
                     struct onednn_conv **out, struct err *err);
void onednn_conv_free(struct onednn_conv *c);
size_t onednn_conv_scratch_bytes(const struct onednn_conv *c);
size_t onednn_conv_weight_bytes(const struct onednn_conv *c);
const char *onednn_conv_describe(const struct onednn_conv *c);
bool onednn_conv_same_weights(const struct onednn_conv *a, const struct onednn_conv *b);
void onednn_conv_run(const struct onednn_conv *c, struct conv_thread *t, int thread, void *source, void *weights,
                     float *bias, void *destination);

/* Conversions of weights between a convolution's own format, plain [oc][ic/groups][kh][kw] floats, and blocks
 * [oc/B][ic/B][kh][kw][B ic][B oc] of floats. */
enum onednn_format { ONEDNN_OF_CONV, ONEDNN_PLAIN, ONEDNN_BLOCKED_16, ONEDNN_BLOCKED_8 };
struct onednn_pack;
bool onednn_pack_new(const struct conv_shape *shape, const struct onednn_conv *from, enum onednn_format from_format,
                     const struct onednn_conv *to, enum onednn_format to_format, int threads, struct onednn_pack **out,
                     struct err *err);
void onednn_pack_run(const struct onednn_pack *p, struct conv_thread *t, int thread, void *from, void *to);
void onednn_pack_free(struct onednn_pack *p);

void *conv_thread_scratch(const struct conv_thread *t);

#endif
