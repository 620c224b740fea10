/* The one convolution interface of the engine. A convolution is described by its shape and made ready once; running it
 * allocates nothing and needs no thread but the caller's. Providers (oneDNN here) stand behind conv_new; callers cannot
 * tell them apart.
 *
 * Activations are blocked as in kernels.h, or planar when `planar_source` (network input, 1 to 3 channels). Weights
 * live in the format that backward-weights produces (the master format, f32); what a direction wants instead is made by
 * conv_pack. */
#ifndef MARGINALIA_DARKNET_EXT_CONV_H
#define MARGINALIA_DARKNET_EXT_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "darknet-ext/kernels.h"

enum conv_direction { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS, CONV_GATHER };
enum conv_epilogue {
    EPILOGUE_NONE,
    EPILOGUE_RELU,
    EPILOGUE_LEAKY,
    EPILOGUE_ADD,
    EPILOGUE_ADD_RELU,
    EPILOGUE_ADD_LEAKY
};

/* Beside the output lies one bit per element, as struct storage_kernels.norm writes it. KEEP: whether the output is
 * positive. APPLY: the output becomes zero where the bit is not set, which is the derivative of relu. */
enum conv_signs { SIGNS_NONE, SIGNS_KEEP, SIGNS_APPLY };

struct conv_shape {
    int n, groups;              /* images per call; channel groups */
    int ic, ih, iw, oc, oh, ow; /* channels, rows, columns in and out */
    int kh, kw, stride, pad; /* pad: rows and columns added on the left and top; right and bottom follow from oh, ow */
    enum storage storage;    /* of activations */
    bool float_output; /* forward: output is f32 whatever `storage` (logits); backward: output's gradient likewise */
    bool planar_source;
    bool bias;     /* forward: added; backward-weights: its gradient is made */
    bool training; /* forward: weights change each call, so do not choose what must transform them slowly */
    enum conv_epilogue epilogue; /* ADD: the output buffer holds what the result is added to. Backward-data: NONE, or
                                    ADD where conv_has_signs */
    enum conv_signs signs;       /* only where conv_has_signs. Forward: NONE or KEEP; backward-data: NONE or APPLY */
};

/* Whether a convolution of this shape can keep or apply signs. */
bool conv_has_signs(const struct conv_shape *shape, enum conv_direction direction, const struct kernels *kernels);

/* Whether Winograd's 4x4 tiles of the output hold at most twice as much as it has: else most of the work is thrown
 * away.
 */
bool conv_fills_tiles(const struct conv_shape *shape);

/* Whether the source's gradient of such a first layer can be planar: planar_source in backward-data, f32. */
bool conv_writes_planar(const struct conv_shape *shape, const struct kernels *kernels);

struct conv;

/* Who runs a convolution that kernels of ours can run: auto, ours where they were measured to be faster; own, ours
 * wherever they apply; onednn, always oneDNN. For tests, comparisons and bug reports. The environment says it
 * (CONV_KERNELS, auto when it does not), so that programs started from here follow. */
#define CONV_KERNELS "MARGINALIA_KERNELS"

/* What each thread needs to run convolutions: a oneDNN stream and scratch of at least conv_scratch_bytes. */
struct conv_thread;
bool conv_thread_new(struct conv_thread **out, size_t scratch_bytes, struct err *err);
void conv_thread_free(struct conv_thread *t);
void conv_thread_enter(void); /* call once in each thread: oneDNN must not start threads of its own */

/* threads: how many conv_threads (numbered 0..threads-1) will run it. */
bool conv_new(const struct conv_shape *shape, enum conv_direction direction, const struct kernels *kernels, int threads,
              struct conv **out, struct err *err);
void conv_free(struct conv *c);                  /* accepts NULL */
size_t conv_scratch_bytes(const struct conv *c); /* 0 for CONV_GATHER */
const char *conv_describe(const struct conv *c); /* "onednn jit_wino_4x3:avx512_core" */

/* Forward: weights, bias, source -> destination. Backward-data: weights, destination gradient -> source gradient.
 * Backward-weights: source, destination gradient -> weights and bias gradients (overwritten; bias padded to the block).
 * signs: NULL unless the shape has signs. */
void conv_run(const struct conv *c, struct conv_thread *t, int thread, void *source, void *weights, float *bias,
              void *destination, void *signs);

/* Whether the gradient of this layer's weights is made in two steps. Where channels are many, a gradient for each chunk
 * of images would cost more than the images: so a CONV_GATHER brings each chunk's images into another form, and when it
 * has for the whole batch, its CONV_BACKWARD_WEIGHTS makes the one gradient, in shares that threads deal out. */
bool conv_gathers(const struct conv_shape *shape, const struct kernels *kernels);

/* Bytes of the gathered sources, or gradients, of `images`. */
size_t conv_gathered_bytes(const struct conv_shape *shape, const struct kernels *kernels, int images, bool gradients);

/* Images first..first+n-1 of a batch, at source and gradient, into the batch's. */
void conv_gather(const struct conv *c, const void *source, const void *gradient, int first, int n, void *sources,
                 void *gradients);

/* Share 0..conv_shares-1 of the weights' gradient, of the first n images of what was gathered. */
int conv_shares(const struct conv *c);
void conv_sum(const struct conv *c, struct conv_thread *t, const void *sources, const void *gradients, int n, int share,
              float *weights);

/* The weight format of a direction: number of bytes, and conversion. `master` is any backward-weights conv of the same
 * layer, or NULL for plain oihw floats. Conversions change storage type too. Not for inside a step except conv_pack. */
size_t conv_weight_bytes(const struct conv *c);
bool conv_same_weights(const struct conv *a, const struct conv *b);
struct conv_pack; /* a prepared conversion */
bool conv_pack_new(const struct conv *from, const struct conv *to, int threads, struct conv_pack **out,
                   struct err *err); /* NULL: plain oihw f32 of the other's shape */
void conv_pack_run(const struct conv_pack *p, struct conv_thread *t, int thread, void *from, void *to);
void conv_pack_free(struct conv_pack *p);

const char *conv_isa(void); /* highest instruction set oneDNN uses here: "avx512_core_bf16" */
bool conv_has_bf16(void);
bool conv_uses_own(void);                /* kernels of ours, where they apply */
void conv_version(char *text, size_t n); /* "oneDNN 2.6.3" */

#endif
