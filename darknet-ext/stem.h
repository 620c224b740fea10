/* Backward-data of a network's first convolution, whose input has at most four channels: general kernels would spend
 * three quarters of their lanes on channels that are not there. Here a vector holds neighbouring pixels instead. f32.
 *
 * The gradient plane is kept as [row][column][4]. An output pixel adds, for each row of the kernel, one run of
 * kw pixels to it: the sum over output channels of dy[o] * w[o], w[o] being that row of the kernel as kw x 4 lanes. */
#ifndef MARGINALIA_DARKNET_EXT_STEM_H
#define MARGINALIA_DARKNET_EXT_STEM_H

#include <stdbool.h>
#include <stddef.h>

enum { STEM_MOST_CHANNELS = 4, STEM_MOST_COLUMNS = 8 };

/* n images of ic x ih x iw, the input, and oc x oh x ow; oc in whole blocks; kw and stride at most STEM_MOST_COLUMNS.
 */
struct stem_shape {
    int n, ic, ih, iw, oc, oh, ow, kh, kw, stride, pad;
};

struct stem_kernels {
    /* dx[n][1 block][ih][iw] blocked, lanes beyond ic zero, from dy[n][oc/B][oh][ow][B]; u: of weights. */
    void (*backward)(const struct stem_shape *s, const float *dy, const float *u, float *dx, float *scratch);
    /* w[oc][ic][kh][kw] -> u, stem_weight_floats. */
    void (*weights)(const struct stem_shape *s, const float *w, float *u);
};

/* By struct kernels.name. */
extern const struct stem_kernels stem_avx512, stem_avx2, stem_portable;

size_t stem_weight_floats(const struct stem_shape *s, int block);
size_t stem_scratch_floats(const struct stem_shape *s);

#endif
