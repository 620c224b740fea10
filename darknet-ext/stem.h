/* Backward-data of a network's first convolution, whose input has at most four channels: general kernels would spend
 * three quarters of their lanes on channels that are not there. Here a vector holds neighbouring pixels of one channel,
 * so that all lanes work whatever the stride. f32.
 *
 * dx[c][y][x] = sum over o, ky, kx of dy[o][(y + pad - ky) / stride][(x + pad - kx) / stride] * w[o][c][ky][kx], where
 * the divisions leave no remainder. Pixels x of one remainder modulo stride see the same taps kx, and neighbours among
 * them neighbouring pixels of dy. So each row of dy is turned from blocked to planar once, into a ring of as many rows
 * as a kernel covers, and vectors of it are loaded at the distance that the tap says. */
#ifndef MARGINALIA_DARKNET_EXT_STEM_H
#define MARGINALIA_DARKNET_EXT_STEM_H

#include <stdbool.h>
#include <stddef.h>

enum { STEM_MOST_CHANNELS = 4 };

/* n images of ic x ih x iw, the input, and oc x oh x ow; oc in whole blocks. */
struct stem_shape {
    int n, ic, ih, iw, oc, oh, ow, kh, kw, stride, pad;
};

struct stem_kernels {
    /* dx[n][ic][ih][iw] from dy[n][oc/B][oh][ow][B]; u: of weights. */
    void (*backward)(const struct stem_shape *s, const float *dy, const float *u, float *dx, float *scratch);
    /* w[oc][ic][kh][kw] -> u, stem_weight_floats. */
    void (*weights)(const struct stem_shape *s, const float *w, float *u);
};

/* By struct kernels.name. */
extern const struct stem_kernels stem_avx512, stem_avx2, stem_portable;

size_t stem_weight_floats(const struct stem_shape *s);
size_t stem_scratch_floats(const struct stem_shape *s, int block);

/* The ring: rows of dy that a row of dx may see; zeros before pixel 0; floats of a row, zeros behind included. */
int stem_ring_rows(const struct stem_shape *s);
int stem_ring_left(const struct stem_shape *s);
int stem_ring_width(const struct stem_shape *s, int block);

#endif
