/* Element-wise kernels of the engine, on blocked images. Pure: floats and ints in, floats out, no allocation, no state.
 *
 * Layout. An image of c channels is [ceil(c/B)][h*w][B]: B channels of a pixel lie together (oneDNN's nChw16c for B =
 * 16, nChw8c for B = 8). Lanes beyond c are zero in every tensor, and every kernel keeps them zero. Images follow each
 * other. A tensor of h = w = 1 is thus a plain row of ceil(c/B)*B floats. Storage is float, or bfloat16 (the upper half
 * of a float, rounded to nearest even); arithmetic is always float.
 *
 * The same source is compiled once per instruction set; kernels_select() picks. */
#ifndef MARGINALIA_DARKNET_EXT_KERNELS_H
#define MARGINALIA_DARKNET_EXT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum storage { STORAGE_F32, STORAGE_BF16 };

enum slope {
    SLOPE_ONE,
    SLOPE_RELU,
    SLOPE_LEAKY
}; /* linear, relu, leaky 0.1: derivative known from the output's sign */

struct extent {
    int n, cb, h, w;
}; /* images, channel blocks, rows, columns */

/* How a shortcut reads its source: out[k, j*sample, i*sample] += scale * from[k, j*stride, i*stride] for k < c, j < h,
 * i < w (Darknet's shortcut: option A of He et al. 2016 when shapes differ). */
struct mapping {
    bool same;   /* equal shapes and scale 1: plain addition */
    int c, h, w; /* extent of the addition */
    int stride, sample;
    int from_cb, from_h, from_w;
    float scale;
};

struct storage_kernels {
    /* out = f(a[ch]*y + b[ch] + residual); f by slope. a, b: [cb*B], NULL: 1 and 0. residual NULL: none. bits NULL, or
     * one bit per element telling out > 0, [n][cb][h*w] of B bits. out may be y. */
    void (*norm)(void *out, const void *y, const float *a, const float *b, const void *residual,
                 const struct mapping *map, enum slope slope, void *bits, struct extent e);

    /* g = f'(.) * (d0 + d1); f' from a > 0 (a: the output) or from bits. d1 NULL: none. g may be a or d0.
     * With y: sums[0][ch] += sum of g, sums[1][ch] += sum of g*y over images and pixels ([2][cb*B]; not cleared here).
     */
    void (*mask)(void *g, const void *a, const void *bits, const void *d0, const void *d1, enum slope slope,
                 const void *y, double *sums, struct extent e);

    /* sums[0][ch] += sum of y, sums[1][ch] += sum of y*y. */
    void (*moments)(const void *y, double *sums, struct extent e);

    /* dy = k[0][ch]*g + k[1][ch]*y + k[2][ch]; k: [3][cb*B]. dy may be g. */
    void (*norm_backward)(void *dy, const void *g, const void *y, const float *k, struct extent e);

    /* d += mapped gradient: the transpose of `mapping`; e is the extent of d (the source), g that of the shortcut's
     * output. */
    void (*mapping_backward)(void *d, const void *g, const struct mapping *map, int g_cb, int g_h, int g_w,
                             struct extent e);

    void (*add)(void *d, const void *s, struct extent e); /* d += s */

    /* Darknet's maxpool: window size x size at (j*stride - pad/2, i*stride - pad/2), outside ignored; first maximum
     * wins. */
    void (*maxpool)(void *out, const void *in, int size, int stride, int pad, struct extent in_e, int oh, int ow);
    void (*maxpool_backward)(void *din, const void *in, const void *dout, int size, int stride, int pad,
                             struct extent in_e, int oh, int ow);   /* din is overwritten */
    void (*avgpool)(void *out, const void *in, struct extent in_e); /* mean over h*w; out: 1x1 */
    void (*avgpool_backward)(void *din, const void *dout, struct extent in_e);

    /* Multiplies element j of every image by keep[j] (0 or 1/(1-p)); keep: [cb*h*w*B] of the n images. */
    void (*scale_elements)(void *out, const void *in, const float *keep, size_t elements);

    void (*from_float)(void *out, const float *in, size_t elements);
    void (*to_float)(float *out, const void *in, size_t elements);

    /* Planar float [n][c][h*w] to blocked and back; channel c0.. of the blocked tensor. */
    void (*block)(void *out, const float *in, int c, struct extent e);
    void (*unblock)(float *out, const void *in, int c, struct extent e);
};

struct winograd_kernels;
struct stem_kernels;

struct kernels {
    const char *name;                  /* "avx512", "avx2", "portable" */
    int block;                         /* B: 16 or 8 */
    struct storage_kernels storage[2]; /* by enum storage */

    /* One SGD step on n parameters (Sutskever et al. 2013; the form of PyTorch, whose trajectory equals Darknet's):
     * v = momentum*v + g + decay*w;  w -= lr*(nesterov ? g + decay*w + momentum*v : v), g = sum of the `parts`
     * gradients at stride `part_stride`, in that order, times scale. */
    void (*sgd)(float *w, float *v, const float *parts, int n_parts, size_t part_stride, float scale, float lr,
                float momentum, float decay, bool nesterov, size_t n);

    const struct winograd_kernels *winograd; /* winograd.h */
    const struct stem_kernels *stem;         /* stem.h */
};

extern const struct kernels kernels_avx512, kernels_avx2, kernels_portable;

/* The best set this CPU runs; MARGINALIA_ISA=portable|avx2|avx512 in the environment restricts it (tests, bug reports).
 */
const struct kernels *kernels_select(void);

#endif
