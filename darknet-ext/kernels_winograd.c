/* Compiled once per instruction set, like kernels.c. The three transforms, with d a 6x6 tile of input, g the 3x3 kernel
 * and elementwise product *, are  Y = A' [ (G g G') * (B' d B) ] A  for the interpolation points 0, 1, -1, 2, -2,
 * infinity:
 *
 *       4  0 -5  0  1  0           1/4    0    0            1  1  1  1  1  0
 *       0 -4 -4  1  1  0          -1/6 -1/6 -1/6      A' =  0  1 -1  2 -2  0
 *  B' = 0  4 -4 -1  1  0     G =  -1/6  1/6 -1/6            0  1  1  4  4  0
 *       0 -2 -1  2  1  0          1/24 1/12  1/6            0  1 -1  8 -8  1
 *       0  2 -1 -2  1  0          1/24 -1/12 1/6
 *       0  4  0 -5  0  1             0    0    1
 *
 * Eight tiles go together: their transformed inputs V[36][ic][8] stay in the cache, and for each of the 36 points and
 * each block of output channels a small matrix product with eight vector accumulators runs over the input channels. */
#include "darknet-ext/winograd.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wpsabi" /* vector arguments never leave this file */

#ifdef __AVX512F__
enum { B = 16 };
#else
enum { B = 8 };
#endif

typedef float vf __attribute__((vector_size(B * 4)));
typedef int32_t vi __attribute__((vector_size(B * 4)));
typedef uint32_t vu __attribute__((vector_size(B * 4)));
typedef uint16_t vh __attribute__((vector_size(B * 2)));
enum { T = WINOGRAD_TILES, K = WINOGRAD_POINTS };

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}
INLINE vf splat(float x)
{
    return (vf){ 0 } + x;
}
INLINE vf choose(vi m, vf a, vf b)
{
    return (vf)((m & (vi)a) | (~m & (vi)b));
}

/* Element `at` (in channel blocks) of a stored tensor. */
INLINE vf fetch(const void *p, ptrdiff_t at, bool bf16)
{
    if (!bf16)
        return load((const float *)p + at * B);
    vh h;
    memcpy(&h, (const uint16_t *)p + at * B, sizeof h);
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

INLINE void put(void *p, ptrdiff_t at, vf v, bool bf16)
{
    if (!bf16) {
        store((float *)p + at * B, v);
        return;
    }
    vu x = (vu)v, rounded = (x + 0x7fff + ((x >> 16) & 1)) >> 16, nan = (x >> 16) | 0x40;
    vh h = __builtin_convertvector((rounded & (vu)(v == v)) | (nan & ~(vu)(v == v)), vh);
    memcpy((uint16_t *)p + at * B, &h, sizeof h);
}

/* One dimension of B' d: six to six. */
INLINE void input_line(vf d0, vf d1, vf d2, vf d3, vf d4, vf d5, vf out[6])
{
    vf a = d4 - d2 * 4, b = d3 - d1 * 4, c = d4 - d2, e = (d3 - d1) * 2;
    out[0] = d0 * 4 - d2 * 5 + d4;
    out[1] = a + b;
    out[2] = a - b;
    out[3] = c + e;
    out[4] = c - e;
    out[5] = d1 * 4 - d3 * 5 + d5;
}

/* One dimension of A' m: six to four. */
INLINE void output_line(const vf *m, int step, vf *out, int to)
{
    vf a = m[step] + m[2 * step], b = m[step] - m[2 * step], c = m[3 * step] + m[4 * step],
       e = m[3 * step] - m[4 * step];
    out[0] = m[0] + a + c;
    out[to] = b + e * 2;
    out[2 * to] = a + c * 4;
    out[3 * to] = b + e * 8 + m[5 * step];
}

/* One dimension of G g: three to six. */
INLINE void kernel_line(const vf *g, int step, vf *out, int to)
{
    vf a = (g[0] + g[2 * step]) * (-1.0f / 6), b = g[step] * (-1.0f / 6);
    vf c = g[0] * (1.0f / 24) + g[2 * step] * (1.0f / 6), e = g[step] * (1.0f / 12);
    out[0] = g[0] * 0.25f;
    out[to] = a + b;
    out[2 * to] = a - b;
    out[3 * to] = c + e;
    out[4 * to] = c - e;
    out[5 * to] = g[2 * step];
}

/* v[k] (at distance `stride`) = B' d B of the 6x6 pixels at d, whose rows are w pixels apart. */
INLINE void transform_tile(const void *d, int w, float *v, size_t stride, bool bf16)
{
    vf half[6][6]; /* [column][row of B'd] */
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++)
        input_line(fetch(d, i, bf16), fetch(d, w + i, bf16), fetch(d, 2 * w + i, bf16), fetch(d, 3 * w + i, bf16),
                   fetch(d, 4 * w + i, bf16), fetch(d, 5 * w + i, bf16), half[i]);
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        vf out[6];
        input_line(half[0][j], half[1][j], half[2][j], half[3][j], half[4][j], half[5][j], out);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            store(v + (size_t)(j * 6 + i) * stride, out[i]);
    }
}

/* The same for a tile with its top left at (y, x) of a plane of h x w, zeros outside. */
INLINE void transform_input(const void *plane, int y, int x, int h, int w, float *v, size_t stride, bool bf16)
{
    if (y >= 0 && x >= 0 && y + 6 <= h && x + 6 <= w) {
        transform_tile((const char *)plane + ((ptrdiff_t)y * w + x) * B * (bf16 ? 2 : 4), w, v, stride, bf16);
        return;
    }
    float padded[36 * B];
    int left = x < 0 ? -x : 0, right = x + 6 > w ? w - x : 6;
    memset(padded, 0, sizeof padded);
    for (int j = y < 0 ? -y : 0; j < 6 && y + j < h; j++)
        for (int i = left; i < right; i++)
            store(padded + (j * 6 + i) * B, fetch(plane, (ptrdiff_t)(y + j) * w + x + i, bf16));
    transform_tile(padded, 6, v, stride, false);
}

/* m[k][t] = sum over input channels of v[k][ic][t] * u[k][ic], for eight tiles and one block of output channels.
 * v: [ic/B][T][B]; u: [ic][B]. */
INLINE void multiply(float *m, const float *v, const float *u, int icb)
{
    vf sum[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++)
        sum[t] = splat(0);
    for (int b = 0; b < icb; b++, v += T * B, u += B * B)
#pragma GCC unroll 16
        for (int i = 0; i < B; i++) {
            vf w = load(u + i * B);
#pragma GCC unroll 8
            for (int t = 0; t < T; t++)
                sum[t] += w * v[t * B + i];
        }
#pragma GCC unroll 8
    for (int t = 0; t < T; t++)
        store(m + t * B, sum[t]);
}

INLINE vf finish(vf v, const void *plane, ptrdiff_t at, enum conv_epilogue epilogue, bool bf16)
{
    if (epilogue >= EPILOGUE_ADD)
        v += fetch(plane, at, bf16);
    if (epilogue == EPILOGUE_RELU || epilogue == EPILOGUE_ADD_RELU)
        v = choose(v < 0, splat(0), v);
    if (epilogue == EPILOGUE_LEAKY || epilogue == EPILOGUE_ADD_LEAKY)
        v = choose(v < 0, v * 0.1f, v);
    return v;
}

/* Writes the 4x4 outputs A' m A of one tile, as many as lie within h x w. */
INLINE void write_tile(const float *m, vf bias, void *plane, int y, int x, int h, int w, enum conv_epilogue epilogue,
                       bool bf16)
{
    vf in[36], half[24], out[16];
#pragma GCC unroll 36
    for (int k = 0; k < 36; k++)
        in[k] = load(m + (size_t)k * T * B);
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++)
        output_line(in + i, 6, half + i, 6);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        output_line(half + j * 6, 1, out + j * 4, 1);
    int rows = h - y < 4 ? h - y : 4, columns = w - x < 4 ? w - x : 4;
    if (rows == 4 && columns == 4) {
#pragma GCC unroll 16
        for (int k = 0; k < 16; k++) {
            ptrdiff_t at = (ptrdiff_t)(y + k / 4) * w + x + k % 4;
            put(plane, at, finish(out[k] + bias, plane, at, epilogue, bf16), bf16);
        }
        return;
    }
    for (int j = 0; j < rows; j++)
        for (int i = 0; i < columns; i++) {
            ptrdiff_t at = (ptrdiff_t)(y + j) * w + x + i;
            put(plane, at, finish(out[j * 4 + i] + bias, plane, at, epilogue, bf16), bf16);
        }
}

struct tile {
    int image, y, x;
}; /* of the top left output */

INLINE struct tile tile_at(int number, int rows, int columns)
{
    return (struct tile){ number / (rows * columns), number / columns % rows * 4, number % columns * 4 };
}

INLINE void run(const struct winograd_shape *s, const void *source, const float *u, const float *bias,
                void *destination, float *v, bool bf16, enum conv_epilogue epilogue)
{
    int icb = s->ic / B, ocb = s->oc / B, rows = (s->oh + 3) / 4, columns = (s->ow + 3) / 4,
        tiles = s->n * rows * columns;
    size_t element = bf16 ? 2 : 4, plane_in = (size_t)s->ih * s->iw * B * element,
           plane_out = (size_t)s->oh * s->ow * B * element;
    float *m = v + (size_t)K * icb * T * B;
    for (int first = 0; first < tiles; first += T) {
        int n = tiles - first < T ? tiles - first : T;
        for (int t = 0; t < n; t++) {
            struct tile at = tile_at(first + t, rows, columns);
            for (int b = 0; b < icb; b++) {
                transform_input((const char *)source + ((size_t)at.image * icb + b) * plane_in, at.y - s->pad,
                                at.x - s->pad, s->ih, s->iw, v + ((size_t)b * T + t) * B, (size_t)icb * T * B, bf16);
            }
        }
        for (int o = 0; o < ocb; o++) {
            for (int k = 0; k < K; k++)
                multiply(m + (size_t)k * T * B, v + (size_t)k * icb * T * B, u + ((size_t)o * K + k) * s->ic * B, icb);
            vf add = bias ? load(bias + o * B) : splat(0);
            for (int t = 0; t < n; t++) {
                struct tile at = tile_at(first + t, rows, columns);
                write_tile(m + (size_t)t * B, add, (char *)destination + ((size_t)at.image * ocb + o) * plane_out, at.y,
                           at.x, s->oh, s->ow, epilogue, bf16);
            }
        }
    }
}

/* One body per storage and epilogue, so that neither is asked about in the inner loops. */
#define VARIANT(name, bf16, epilogue)                                                                                  \
    static void name(const struct winograd_shape *s, const void *source, const float *u, const float *bias,            \
                     void *destination, float *scratch)                                                                \
    {                                                                                                                  \
        run(s, source, u, bias, destination, scratch, bf16, epilogue);                                                 \
    }
VARIANT(run_f32, false, EPILOGUE_NONE)
VARIANT(run_f32_relu, false, EPILOGUE_RELU)
VARIANT(run_f32_add_relu, false, EPILOGUE_ADD_RELU)
VARIANT(run_bf16, true, EPILOGUE_NONE)
VARIANT(run_bf16_relu, true, EPILOGUE_RELU)
VARIANT(run_bf16_add_relu, true, EPILOGUE_ADD_RELU)

static void run_any(const struct winograd_shape *s, const void *source, const float *u, const float *bias,
                    void *destination, float *scratch)
{
    bool bf16 = s->storage == STORAGE_BF16;
    switch (s->epilogue) {
    case EPILOGUE_NONE: (bf16 ? run_bf16 : run_f32)(s, source, u, bias, destination, scratch); break;
    case EPILOGUE_RELU: (bf16 ? run_bf16_relu : run_f32_relu)(s, source, u, bias, destination, scratch); break;
    case EPILOGUE_ADD_RELU:
        (bf16 ? run_bf16_add_relu : run_f32_add_relu)(s, source, u, bias, destination, scratch);
        break;
    default: run(s, source, u, bias, destination, scratch, bf16, s->epilogue);
    }
}

/* u[k] (at distance `stride`) = G g G' of the 3x3 vectors at w, distance B*B. */
INLINE void transform_kernel(const float *w, bool turned, float *u, size_t stride)
{
    vf g[9], half[18], full[36];
    for (int k = 0; k < 9; k++)
        g[k] = load(w + (size_t)(turned ? 8 - k : k) * B * B);
    for (int i = 0; i < 3; i++)
        kernel_line(g + i, 3, half + i, 3);
    for (int j = 0; j < 6; j++)
        kernel_line(half + j * 3, 1, full + j * 6, 1);
    for (int k = 0; k < 36; k++)
        store(u + (size_t)k * stride, full[k]);
}

static void weights(const float *w, int oc, int ic, bool backward, float *u)
{
    int icb = ic / B, ocb = oc / B;
    for (int o = 0; o < ocb; o++)
        for (int b = 0; b < icb; b++, w += 9 * B * B) {
            float turned[K * B * B];
            for (int i = 0; i < B; i++)
                if (backward)
                    transform_kernel(w + i * B, true, turned + i * B, B * B);
                else
                    transform_kernel(w + i * B, false, u + (((size_t)o * K) * ic + b * B + i) * B, (size_t)ic * B);
            for (int k = 0; k < K && backward; k++)
                for (int c = 0; c < B; c++)
                    for (int i = 0; i < B; i++)
                        u[(((size_t)b * K + k) * oc + o * B + c) * B + i] = turned[(k * B + i) * B + c];
        }
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
const struct winograd_kernels JOIN(winograd_, KERNELS_ISA) = { run_any, weights };
