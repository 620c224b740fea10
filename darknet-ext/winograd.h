/* Winograd convolution F(4x4,3x3) of stride 1 (Lavin & Gray 2016, section 4.3): 36 multiplications make 4x4 outputs of
 * a 3x3 kernel, where the definition needs 144. Blocked activations as in kernels.h, channels in whole blocks,
 * arithmetic in float.
 *
 * Backward-data is the same convolution of the output's gradient with the kernel turned by 180 degrees and its channels
 * swapped. */
#ifndef MARGINALIA_DARKNET_EXT_WINOGRAD_H
#define MARGINALIA_DARKNET_EXT_WINOGRAD_H

#include "darknet-ext/conv.h"

/* n images of ic x ih x iw to oc x oh x ow; pad rows and columns of zeros on the left and top. Epilogue and signs as in
 * conv.h; bias [oc] or NULL. */
struct winograd_shape {
    int n, ic, ih, iw, oc, oh, ow, pad;
    enum storage storage;
    enum conv_epilogue epilogue;
    enum conv_signs signs;
    bool cold; /* the destination was not touched of late: what a tile will be written to is asked for early */
};

enum {
    WINOGRAD_POINTS = 36,  /* products per tile */
    WINOGRAD_TILES = 8,    /* transformed together */
    WINOGRAD_TOGETHER = 2, /* most blocks of output channels multiplied together */
    WINOGRAD_PAD = 16      /* floats behind each point: at powers of two a tile's 36 would fall into few sets of the
                              first-level cache */
};

/* The gradient of the blocked weights w, of the layer's input and its output's gradient; epilogue and bias take no
 * part. Either of a call's images at once, or, where the sums of all pairs of channels would not stay in a cache, in
 * two steps: first all images are gathered, their tiles transformed; then, share by share, few pairs of channels meet
 * all of them. */
enum {
    WINOGRAD_GATHERED = 64,      /* tiles that lie together */
    WINOGRAD_GATHERED_STEP = 65, /* vectors between two of a tile's points: odd, as winograd_gradient_group */
    WINOGRAD_PANEL = 2           /* a share is the gradient of so many blocks of ic x so many of oc */
};

struct winograd_gradient_kernels {
    /* scratch: winograd_gradient_scratch_floats. */
    void (*run)(const struct winograd_shape *s, const void *source, const void *gradient, float *w, float *scratch);
    /* Images first..first+s->n-1 of a batch, at source and gradient, into v and q of the batch: groups of
     * winograd_gathered_floats of one group, [channels/B][36][step][B]. */
    void (*gather)(const struct winograd_shape *s, const void *source, const void *gradient, int first, float *v,
                   float *q);
    /* Share 0..winograd_shares-1 of w, of s->n gathered images. scratch: winograd_share_scratch_floats. */
    void (*sum)(const struct winograd_shape *s, const float *v, const float *q, int share, float *w, float *scratch);
};

struct winograd_kernels {
    /* u: [oc/B][36][ic][B] of winograd weights; signs: [n][oc/B][oh*ow] of B bits, or NULL; scratch:
     * winograd_scratch_floats. */
    void (*run)(const struct winograd_shape *s, const void *source, const float *u, const float *bias,
                void *destination, void *signs, float *scratch);
    /* w: blocked weights [oc/B][ic/B][3][3][B ic][B oc] of the layer -> u for forward, or for backward-data (then u is
     * [ic/B][36][oc][B]). */
    void (*weights)(const float *w, int oc, int ic, bool backward, float *u);
    const struct winograd_gradient_kernels *gradient;
};

extern const struct winograd_gradient_kernels winograd_gradient_avx512, winograd_gradient_avx2,
    winograd_gradient_portable;

/* By struct kernels.name. */
extern const struct winograd_kernels winograd_avx512, winograd_avx2, winograd_portable;

size_t winograd_scratch_floats(const struct winograd_shape *s, int block);

/* Tiles that the weight gradient transforms together: as many as keep both transforms in half of the second-level
 * cache.
 */
int winograd_gradient_group(const struct winograd_shape *s);
size_t winograd_gradient_scratch_floats(const struct winograd_shape *s);

/* Of `channels`, ic or oc, of s->n images, in whole groups. */
size_t winograd_gathered_floats(const struct winograd_shape *s, int channels);
int winograd_shares(const struct winograd_shape *s, int block);
size_t winograd_share_scratch_floats(int block);

#endif
