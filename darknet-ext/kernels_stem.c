/* Compiled once per instruction set; stem.h says what is computed. */
#include "darknet-ext/stem.h"
#include "darknet-ext/kernels_winograd.inc"

enum { LANES = STEM_MOST_CHANNELS };

/* Vectors that one row of the kernel fills. */
INLINE int row_vectors(int kw)
{
    return (kw * LANES + B - 1) / B;
}

INLINE ptrdiff_t plane_columns(const struct stem_shape *s)
{
    return (ptrdiff_t)(s->ow - 1) * s->stride + 2 * STEM_MOST_COLUMNS;
}

/* row[x * stride .. + kw) += sum over o of dy[x][o] * u[o] for the pixels x = first, first + step, ... (n <= pixels of
 * them). Their runs do not overlap, so no sum waits for the one before. nv and pixels are constants. */
INLINE void add_runs(const float *dy, size_t dy_block, int first, int step, int n, const float *u, size_t u_block,
                     int ocb, float *row, int stride, int nv, int pixels)
{
    vf sum[16];
    const float *at[8];
#pragma GCC unroll 16
    for (int i = 0; i < nv * pixels; i++)
        sum[i] = splat(0);
#pragma GCC unroll 8
    for (int p = 0; p < pixels; p++)
        at[p] = dy + (ptrdiff_t)(first + step * (p < n ? p : 0)) * B;
    for (int b = 0; b < ocb; b++)
        for (int o = 0; o < B; o++) {
            const float *w = u + b * u_block + (size_t)o * nv * B;
#pragma GCC unroll 4
            for (int v = 0; v < nv; v++) {
                vf lanes = load(w + v * B);
#pragma GCC unroll 8
                for (int p = 0; p < pixels; p++)
                    sum[v * pixels + p] += lanes * at[p][b * dy_block + o];
            }
        }
#pragma GCC unroll 8
    for (int p = 0; p < pixels; p++) {
        float *to = row + (ptrdiff_t)(first + step * p) * stride * LANES;
        for (int v = 0; p < n && v < nv; v++)
            store(to + v * B, load(to + v * B) + sum[v * pixels + p]);
    }
}

/* One output row into one row of the plane. */
INLINE void add_row(const struct stem_shape *s, const float *dy, size_t dy_block, const float *u, size_t u_block,
                    float *row, int nv, int pixels)
{
    int step = (nv * B / LANES + s->stride - 1) / s->stride, ocb = s->oc / B;
    for (int from = 0; from < s->ow; from += step * pixels)
        for (int phase = 0; phase < step && from + phase < s->ow; phase++) {
            int n = (s->ow - from - phase + step - 1) / step;
            add_runs(dy, dy_block, from + phase, step, n < pixels ? n : pixels, u, u_block, ocb, row, s->stride, nv,
                     pixels);
        }
}

/* dx's pixels from the plane, whose row and column 0 lie `pad` outside of the picture. */
INLINE void write_picture(const struct stem_shape *s, const float *plane, float *dx)
{
    ptrdiff_t columns = plane_columns(s);
    for (int y = 0; y < s->ih; y++)
        for (int x = 0; x < s->iw; x++, dx += B) {
            const float *from = plane + ((y + s->pad) * columns + x + s->pad) * LANES;
            memset(dx, 0, B * sizeof *dx);
            for (int c = 0; c < s->ic; c++)
                dx[c] = from[c];
        }
}

INLINE void run(const struct stem_shape *s, const float *dy, const float *u, float *dx, float *plane, int nv,
                int pixels)
{
    size_t dy_block = (size_t)s->oh * s->ow * B, u_row = (size_t)B * nv * B, u_block = s->kh * u_row;
    ptrdiff_t row = plane_columns(s) * LANES;
    for (int n = 0; n < s->n; n++) {
        memset(plane, 0, stem_scratch_floats(s) * sizeof *plane);
        const float *gradient = dy + (size_t)n * (s->oc / B) * dy_block;
        for (int y = 0; y < s->oh; y++)
            for (int ky = 0; ky < s->kh; ky++)
                add_row(s, gradient + (size_t)y * s->ow * B, dy_block, u + ky * u_row, u_block,
                        plane + (y * s->stride + ky) * row, nv, pixels);
        write_picture(s, plane, dx + (size_t)n * s->ih * s->iw * B);
    }
}

static void backward(const struct stem_shape *s, const float *dy, const float *u, float *dx, float *scratch)
{
    switch (row_vectors(s->kw)) {
    case 1: run(s, dy, u, dx, scratch, 1, 8); break;
    case 2: run(s, dy, u, dx, scratch, 2, B == 16 ? 8 : 4); break;
    case 3: run(s, dy, u, dx, scratch, 3, 4); break;
    default: run(s, dy, u, dx, scratch, 4, 2);
    }
}

/* u[oc/B][kh][B][vectors][B]: lane kx * 4 + c of the kernel's row. */
static void weights(const struct stem_shape *s, const float *w, float *u)
{
    int width = row_vectors(s->kw) * B;
    memset(u, 0, stem_weight_floats(s, B) * sizeof *u);
    for (int o = 0; o < s->oc; o++)
        for (int c = 0; c < s->ic; c++)
            for (int ky = 0; ky < s->kh; ky++)
                for (int kx = 0; kx < s->kw; kx++)
                    u[(((size_t)(o / B) * s->kh + ky) * B + o % B) * width + kx * LANES + c] =
                        w[(((size_t)o * s->ic + c) * s->kh + ky) * s->kw + kx];
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
const struct stem_kernels JOIN(stem_, KERNELS_ISA) = { backward, weights };
