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
#include "darknet-ext/kernels_winograd.inc"

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

/* m[block][t] = sum over input channels of v[ic][t] * u[block][ic], for eight tiles and some blocks of output channels,
 * 1 or TOGETHER. v: [ic/B][T][B]; u: [ic][B], m_step and u_step floats between blocks. */
INLINE void multiply(float *m, size_t m_step, const float *v, const float *u, size_t u_step, int icb, const int blocks)
{
    const int tiles = T / blocks;
    for (int first = 0; first < T; first += tiles) {
        vf sum[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; t++)
            sum[t] = splat(0);
        for (int b = 0; b < icb; b++)
#pragma GCC unroll 16
            for (int i = 0; i < B; i++)
#pragma GCC unroll 8
                for (int t = 0; t < T; t++)
                    sum[t] += load(u + (size_t)(t % blocks) * u_step + (b * B + i) * B) *
                              v[(b * T + first + t / blocks) * B + i];
#pragma GCC unroll 8
        for (int t = 0; t < T; t++)
            store(m + (size_t)(t % blocks) * m_step + (first + t / blocks) * B, sum[t]);
    }
}

/* What becomes of a finished sum before it is written to element `at`. */
struct ending {
    enum conv_epilogue epilogue;
    enum conv_signs signs;
    bool bf16;
};

INLINE vf finish(vf v, const void *plane, lane_bits *signs, ptrdiff_t at, struct ending e)
{
    enum conv_epilogue epilogue = e.epilogue;
    if (epilogue >= EPILOGUE_ADD)
        v += fetch(plane, at, e.bf16);
    if (epilogue == EPILOGUE_RELU || epilogue == EPILOGUE_ADD_RELU)
        v = choose(v < 0, splat(0), v);
    if (epilogue == EPILOGUE_LEAKY || epilogue == EPILOGUE_ADD_LEAKY)
        v = choose(v < 0, v * 0.1f, v);
    if (e.signs == SIGNS_KEEP)
        signs[at] = positive_bits(v);
    if (e.signs == SIGNS_APPLY)
        v = choose(bits_mask(signs[at]), v, splat(0));
    return v;
}

/* Writes the 4x4 outputs A' m A of one tile, as many as lie within h x w. */
INLINE void write_tile(const float *m, vf bias, void *plane, lane_bits *signs, int y, int x, int h, int w,
                       struct ending e)
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
            put(plane, at, finish(out[k] + bias, plane, signs, at, e), e.bf16);
        }
        return;
    }
    for (int j = 0; j < rows; j++)
        for (int i = 0; i < columns; i++) {
            ptrdiff_t at = (ptrdiff_t)(y + j) * w + x + i;
            put(plane, at, finish(out[j * 4 + i] + bias, plane, signs, at, e), e.bf16);
        }
}

/* Asks for where the outputs of a tile will be written. */
INLINE void ask_for_outputs(const struct winograd_shape *s, char *destination, struct tile at, bool bf16)
{
    size_t plane = (size_t)s->oh * s->ow * B * (bf16 ? 2 : 4);
    int ocb = s->oc / B;
    for (int o = 0; o < ocb; o++)
        ask_for(destination + ((size_t)at.image * ocb + o) * plane, at.y, at.x, s->oh, s->ow, bf16, true);
}

/* The outputs of the tiles `first`..first+n-1 in block o. */
INLINE void write_tiles(const struct winograd_shape *s, const float *m, int first, int n, int o, const float *bias,
                        char *destination, lane_bits *signs, struct ending e)
{
    int rows = (s->oh + 3) / 4, columns = (s->ow + 3) / 4;
    vf add = bias ? load(bias + o * B) : splat(0);
    for (int t = 0; t < n; t++) {
        struct tile at = tile_at(first + t, rows, columns);
        size_t from = ((size_t)at.image * (s->oc / B) + o) * (size_t)(s->oh * s->ow);
        write_tile(m + (size_t)t * B, add, destination + from * B * (e.bf16 ? 2 : 4), signs ? signs + from : NULL, at.y,
                   at.x, s->oh, s->ow, e);
    }
}

INLINE void run_blocks(const struct winograd_shape *s, const void *source, const float *u, const float *bias,
                       void *destination, lane_bits *signs, float *v, struct ending e, const int blocks)
{
    int icb = s->ic / B, ocb = s->oc / B, rows = (s->oh + 3) / 4, columns = (s->ow + 3) / 4,
        tiles = s->n * rows * columns;
    size_t plane_in = (size_t)s->ih * s->iw * B * (e.bf16 ? 2 : 4);
    const size_t step = (size_t)icb * T * B + WINOGRAD_PAD; /* between two points of V */
    float *m = v + K * step;
    for (int first = 0; first < tiles; first += T) {
        int n = tiles - first < T ? tiles - first : T;
        for (int t = 0; t < n; t++) {
            struct tile at = tile_at(first + t, rows, columns);
            if (s->cold) /* between transforms: all at once would wait for each other */
                ask_for_outputs(s, destination, at, e.bf16);
            for (int b = 0; b < icb; b++) {
                transform_input((const char *)source + ((size_t)at.image * icb + b) * plane_in, at.y - s->pad,
                                at.x - s->pad, s->ih, s->iw, v + ((size_t)b * T + t) * B, step, e.bf16);
            }
        }
        for (int o = 0; o < ocb; o += blocks) {
            for (int k = 0; k < K; k++)
                multiply(m + (size_t)k * T * B, (size_t)K * T * B, v + k * step, u + ((size_t)o * K + k) * s->ic * B,
                         (size_t)K * s->ic * B, icb, blocks);
            for (int block = 0; block < blocks; block++)
                write_tiles(s, m + (size_t)block * K * T * B, first, n, o + block, bias, destination, signs, e);
        }
    }
}

INLINE void run(const struct winograd_shape *s, const void *source, const float *u, const float *bias,
                void *destination, lane_bits *signs, float *v, struct ending e)
{
    if (s->oc / B % TOGETHER == 0)
        run_blocks(s, source, u, bias, destination, signs, v, e, TOGETHER);
    else
        run_blocks(s, source, u, bias, destination, signs, v, e, 1);
}

/* One body for each ending that is frequent, so that nothing is asked about in the inner loops. */
#define VARIANT(name, epilogue, signs_, bf16)                                                                          \
    static void name(const struct winograd_shape *s, const void *source, const float *u, const float *bias,            \
                     void *destination, void *signs, float *scratch)                                                   \
    {                                                                                                                  \
        run(s, source, u, bias, destination, signs, scratch, (struct ending){ epilogue, signs_, bf16 });               \
    }
VARIANT(run_f32, EPILOGUE_NONE, SIGNS_NONE, false)
VARIANT(run_f32_relu, EPILOGUE_RELU, SIGNS_NONE, false)
VARIANT(run_f32_add_relu, EPILOGUE_ADD_RELU, SIGNS_NONE, false)
VARIANT(run_f32_relu_keep, EPILOGUE_RELU, SIGNS_KEEP, false)
VARIANT(run_f32_add_relu_keep, EPILOGUE_ADD_RELU, SIGNS_KEEP, false)
VARIANT(run_f32_apply, EPILOGUE_NONE, SIGNS_APPLY, false)
VARIANT(run_f32_add_apply, EPILOGUE_ADD, SIGNS_APPLY, false)
VARIANT(run_bf16, EPILOGUE_NONE, SIGNS_NONE, true)
VARIANT(run_bf16_relu, EPILOGUE_RELU, SIGNS_NONE, true)
VARIANT(run_bf16_add_relu, EPILOGUE_ADD_RELU, SIGNS_NONE, true)

static void run_any(const struct winograd_shape *s, const void *source, const float *u, const float *bias,
                    void *destination, void *signs, float *scratch)
{
    static const struct {
        struct ending ending;
        void (*run)(const struct winograd_shape *, const void *, const float *, const float *, void *, void *, float *);
    } variants[] = {
        { { EPILOGUE_NONE, SIGNS_NONE, false }, run_f32 },
        { { EPILOGUE_RELU, SIGNS_NONE, false }, run_f32_relu },
        { { EPILOGUE_ADD_RELU, SIGNS_NONE, false }, run_f32_add_relu },
        { { EPILOGUE_RELU, SIGNS_KEEP, false }, run_f32_relu_keep },
        { { EPILOGUE_ADD_RELU, SIGNS_KEEP, false }, run_f32_add_relu_keep },
        { { EPILOGUE_NONE, SIGNS_APPLY, false }, run_f32_apply },
        { { EPILOGUE_ADD, SIGNS_APPLY, false }, run_f32_add_apply },
        { { EPILOGUE_NONE, SIGNS_NONE, true }, run_bf16 },
        { { EPILOGUE_RELU, SIGNS_NONE, true }, run_bf16_relu },
        { { EPILOGUE_ADD_RELU, SIGNS_NONE, true }, run_bf16_add_relu },
    };
    struct ending e = { s->epilogue, s->signs, s->storage == STORAGE_BF16 };

    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        const struct ending *of = &variants[i].ending;
        if (of->epilogue == e.epilogue && of->signs == e.signs && of->bf16 == e.bf16) {
            variants[i].run(s, source, u, bias, destination, signs, scratch);
            return;
        }
    }
    run(s, source, u, bias, destination, signs, scratch, e);
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
const struct winograd_kernels JOIN(winograd_, KERNELS_ISA) = { run_any, weights,
                                                               &JOIN(winograd_gradient_, KERNELS_ISA) };
