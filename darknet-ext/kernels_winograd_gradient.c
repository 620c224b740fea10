/* Gradient of the weights, by the transposed of kernels_winograd.c:  dW = G' [ sum over tiles (B' d B) * (A dY A') ] G,
 * d a 6x6 tile of the input, dY the 4x4 gradient of the outputs that were made of it (Lavin & Gray 2016, F(3x3,4x4)
 * with the same points). Compiled once per instruction set.
 *
 * A group of tiles is transformed, V[ic/B][36][tiles][B] and Q[oc/B][36][tiles][B]; then, for each of the 36 points and
 * each pair of channel blocks, B vectors of the sum D stay in registers while the tiles of the group pass by.
 *
 * Few channels: each call makes the sums of all pairs for its images, a group at a time. Many: the 36 sums of all pairs
 * would leave the cache with every group, so all images are transformed first, and then few pairs at a time meet all
 * tiles. */
#include "darknet-ext/kernels_winograd.inc"

enum { AHEAD = 4 }; /* tiles between asking for a source and reading it; 4 and 8 measured alike, 1 and 2 too late */

/* One dimension of A y: four to six. */
INLINE void gradient_line(const vf *y, int step, vf *out, int to)
{
    vf even = y[0] + y[2 * step], odd = y[step] + y[3 * step];
    vf four = y[0] + y[2 * step] * 4, eight = y[step] * 2 + y[3 * step] * 8;
    out[0] = y[0];
    out[to] = even + odd;
    out[2 * to] = even - odd;
    out[3 * to] = four + eight;
    out[4 * to] = four - eight;
    out[5 * to] = y[3 * step];
}

/* One dimension of G' d: six to three. */
INLINE void weight_line(const vf *d, int step, vf *out, int to)
{
    vf a = d[step] + d[2 * step], b = d[step] - d[2 * step], c = d[3 * step] + d[4 * step],
       e = d[3 * step] - d[4 * step];
    out[0] = d[0] * 0.25f - a * (1.0f / 6) + c * (1.0f / 24);
    out[to] = e * (1.0f / 12) - b * (1.0f / 6);
    out[2 * to] = (c - a) * (1.0f / 6) + d[5 * step];
}

/* q[k] (at distance `stride`) = A dY A' of the 4x4 gradients with the top left at (y, x) of a plane of h x w, zeros
 * outside. */
INLINE void transform_gradient(const void *plane, int y, int x, int h, int w, float *q, size_t stride, bool bf16)
{
    vf in[16], half[24], out[6];
    bool inside = y + 4 <= h && x + 4 <= w;
    for (int k = 0; k < 16; k++)
        in[k] = inside || (y + k / 4 < h && x + k % 4 < w) ? fetch(plane, (ptrdiff_t)(y + k / 4) * w + x + k % 4, bf16)
                                                           : splat(0);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        gradient_line(in + i, 4, half + i, 4);
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        gradient_line(half + j * 4, 1, out, 1);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            store(q + (size_t)(j * 6 + i) * stride, out[i]);
    }
}

/* d[block][B][B] (first: =, else +=) the sum over n tiles of the outer products of v[n][B] and q[block][n][B], for some
 * blocks of output channels, 1 or TOGETHER; d_step and q_step floats between blocks. */
INLINE void add_products(float *d, size_t d_step, const float *v, const float *q, size_t q_step, int n, bool first,
                         const int blocks)
{
    const int rows = B / blocks;
    for (int from = 0; from < B; from += rows) {
        vf sum[B];
#pragma GCC unroll 16
        for (int i = 0; i < B; i++)
            sum[i] = first ? splat(0) : load(d + (size_t)(i / rows) * d_step + (from + i % rows) * B);
        for (int t = 0; t < n; t++)
#pragma GCC unroll 16
            for (int i = 0; i < B; i++)
                sum[i] += load(q + (size_t)(i / rows) * q_step + t * B) * v[t * B + from + i % rows];
#pragma GCC unroll 16
        for (int i = 0; i < B; i++)
            store(d + (size_t)(i / rows) * d_step + (from + i % rows) * B, sum[i]);
    }
}

/* The same for n_o blocks, however many. */
INLINE void add_blocks(float *d, size_t d_step, const float *v, const float *q, size_t q_step, int n_o, int n,
                       bool first)
{
    for (int o = 0; o < n_o; o += TOGETHER)
        if (o + TOGETHER <= n_o)
            add_products(d + o * d_step, d_step, v, q + o * q_step, q_step, n, first, TOGETHER);
        else
            add_products(d + o * d_step, d_step, v, q + o * q_step, q_step, n, first, 1);
}

/* w[9][B][B] = G' d G of the sums d[36][B][B] of a pair of channel blocks. */
INLINE void transform_sums(const float *d, float *w)
{
    for (int i = 0; i < B; i++, d += B, w += B) {
        vf in[36], half[18], out[9];
        for (int k = 0; k < 36; k++)
            in[k] = load(d + (size_t)k * B * B);
        for (int j = 0; j < 6; j++)
            weight_line(in + j, 6, half + j, 6);
        for (int j = 0; j < 3; j++)
            weight_line(half + j * 6, 1, out + j * 3, 1);
        for (int k = 0; k < 9; k++)
            store(w + (size_t)k * B * B, out[k]);
    }
}

/* The source was written in the forward pass: what tile `number` reads and the tiles above and left of it have not. */
INLINE void ask_for_source(const struct winograd_shape *s, const void *source, int number, bool bf16)
{
    struct tile at = tile_at(number, (s->oh + 3) / 4, (s->ow + 3) / 4);
    size_t plane = (size_t)s->ih * s->iw * B * (bf16 ? 2 : 4);
    int icb = s->ic / B, y = at.y - s->pad + 2, x = at.x - s->pad + 2;
    for (int b = 0; b < icb && at.image < s->n; b++)
        ask_for((const char *)source + ((size_t)at.image * icb + b) * plane, y, x, s->ih, s->iw, bf16, false);
}

/* Transforms one tile: v and q get its 36 vectors of each channel block, `step` floats apart. */
INLINE void transform_tile_of_all(const struct winograd_shape *s, const void *source, const void *gradient,
                                  struct tile at, float *v, float *q, size_t step, bool bf16)
{
    int icb = s->ic / B, ocb = s->oc / B;
    size_t element = bf16 ? 2 : 4, plane_in = (size_t)s->ih * s->iw * B * element,
           plane_out = (size_t)s->oh * s->ow * B * element;
    for (int b = 0; b < icb; b++)
        transform_input((const char *)source + ((size_t)at.image * icb + b) * plane_in, at.y - s->pad, at.x - s->pad,
                        s->ih, s->iw, v + b * K * step, step, bf16);
    for (int o = 0; o < ocb; o++)
        transform_gradient((const char *)gradient + ((size_t)at.image * ocb + o) * plane_out, at.y, at.x, s->oh, s->ow,
                           q + o * K * step, step, bf16);
}

INLINE void run(const struct winograd_shape *s, const void *source, const void *gradient, float *w, float *scratch,
                bool bf16)
{
    int icb = s->ic / B, ocb = s->oc / B, rows = (s->oh + 3) / 4, columns = (s->ow + 3) / 4,
        tiles = s->n * rows * columns, group = winograd_gradient_group(s);
    size_t step = (size_t)group * B, square = B * B;
    float *v = scratch, *q = v + K * icb * step, *d = q + K * ocb * step; /* d: [oc/B][ic/B][36][B][B] */
    for (int first = 0; first < tiles; first += group) {
        int n = tiles - first < group ? tiles - first : group;
        for (int t = 0; t < n; t++) {
            ask_for_source(s, source, first + t + AHEAD, bf16);
            transform_tile_of_all(s, source, gradient, tile_at(first + t, rows, columns), v + (size_t)t * B,
                                  q + (size_t)t * B, step, bf16);
        }
        for (int p = 0; p < K; p++)
            for (int b = 0; b < icb; b++)
                add_blocks(d + ((size_t)b * K + p) * square, icb * K * square, v + (b * K + p) * step, q + p * step,
                           K * step, ocb, n, first == 0);
    }
    for (size_t pair = 0; pair < (size_t)icb * ocb; pair++)
        transform_sums(d + pair * K * square, w + pair * 9 * square);
}

INLINE void gather(const struct winograd_shape *s, const void *source, const void *gradient, int first_image, float *v,
                   float *q, bool bf16)
{
    enum { G = WINOGRAD_GATHERED, STEP = WINOGRAD_GATHERED_STEP * B };
    int icb = s->ic / B, ocb = s->oc / B, rows = (s->oh + 3) / 4, columns = (s->ow + 3) / 4, of_image = rows * columns;
    for (int t = 0; t < s->n * of_image; t++) {
        size_t number = (size_t)first_image * of_image + t, group = number / G, at = number % G * B;
        ask_for_source(s, source, t + AHEAD, bf16);
        transform_tile_of_all(s, source, gradient, tile_at(t, rows, columns), v + group * icb * K * STEP + at,
                              q + group * ocb * K * STEP + at, STEP, bf16);
    }
}

/* Channel blocks o0.. and b0.. that one share of the sums is made of. */
struct panel {
    int o, b, n_o, n_b;
};

INLINE struct panel panel_of(const struct winograd_shape *s, int share)
{
    int icb = s->ic / B, ocb = s->oc / B, wide = (icb + WINOGRAD_PANEL - 1) / WINOGRAD_PANEL;
    struct panel p = { share / wide * WINOGRAD_PANEL, share % wide * WINOGRAD_PANEL, WINOGRAD_PANEL, WINOGRAD_PANEL };
    p.n_o = ocb - p.o < p.n_o ? ocb - p.o : p.n_o;
    p.n_b = icb - p.b < p.n_b ? icb - p.b : p.n_b;
    return p;
}

static void sum_share(const struct winograd_shape *s, const float *v, const float *q, int share, float *w, float *d)
{
    enum { G = WINOGRAD_GATHERED, STEP = WINOGRAD_GATHERED_STEP * B };
    int icb = s->ic / B, ocb = s->oc / B, tiles = s->n * ((s->oh + 3) / 4) * ((s->ow + 3) / 4);
    struct panel at = panel_of(s, share);
    size_t square = B * B;
    for (int group = 0, first = 0; first < tiles; group++, first += G) {
        const float *v_of = v + ((size_t)group * icb + at.b) * K * STEP,
                    *q_of = q + ((size_t)group * ocb + at.o) * K * STEP;
        int n = tiles - first < G ? tiles - first : G;
        for (int b = 0; b < at.n_b; b++)
            for (int p = 0; p < K; p++)
                add_blocks(d + ((size_t)b * K + p) * square, WINOGRAD_PANEL * K * square, v_of + (b * K + p) * STEP,
                           q_of + p * STEP, K * STEP, at.n_o, n, first == 0);
    }
    for (int o = 0; o < at.n_o; o++)
        for (int b = 0; b < at.n_b; b++)
            transform_sums(d + (size_t)(o * WINOGRAD_PANEL + b) * K * square,
                           w + ((size_t)(at.o + o) * icb + at.b + b) * 9 * square);
}

static void gradient_f32(const struct winograd_shape *s, const void *source, const void *gradient, float *w,
                         float *scratch)
{
    run(s, source, gradient, w, scratch, false);
}

static void gradient_bf16(const struct winograd_shape *s, const void *source, const void *gradient, float *w,
                          float *scratch)
{
    run(s, source, gradient, w, scratch, true);
}

static void gather_f32(const struct winograd_shape *s, const void *source, const void *gradient, int first, float *v,
                       float *q)
{
    gather(s, source, gradient, first, v, q, false);
}

static void gather_bf16(const struct winograd_shape *s, const void *source, const void *gradient, int first, float *v,
                        float *q)
{
    gather(s, source, gradient, first, v, q, true);
}

static void gradient_any(const struct winograd_shape *s, const void *source, const void *gradient, float *w,
                         float *scratch)
{
    (s->storage == STORAGE_BF16 ? gradient_bf16 : gradient_f32)(s, source, gradient, w, scratch);
}

static void gather_any(const struct winograd_shape *s, const void *source, const void *gradient, int first, float *v,
                       float *q)
{
    (s->storage == STORAGE_BF16 ? gather_bf16 : gather_f32)(s, source, gradient, first, v, q);
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
const struct winograd_gradient_kernels JOIN(winograd_gradient_, KERNELS_ISA) = { gradient_any, gather_any, sum_share };
