/* Gradient of the weights, by the transposed of kernels_winograd.c:  dW = G' [ sum over tiles (B' d B) * (A dY A') ] G,
 * d a 6x6 tile of the input, dY the 4x4 gradient of the outputs that were made of it (Lavin & Gray 2016, F(3x3,4x4)
 * with the same points). Compiled once per instruction set.
 *
 * A group of tiles is transformed, V[36][ic/B][tiles][B] and Q[36][oc/B][tiles][B]; then, for each of the 36 points and
 * each pair of channel blocks, B vectors of the sum D stay in registers while the tiles of the group pass by. */
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

/* d[B][B] (first: =, else +=) the sum over n tiles of the outer products of v[n][B] and q[n][B]. */
INLINE void add_products(float *d, const float *v, const float *q, int n, bool first)
{
    vf sum[B];
#pragma GCC unroll 16
    for (int i = 0; i < B; i++)
        sum[i] = first ? splat(0) : load(d + i * B);
    for (int t = 0; t < n; t++) {
        vf gradient = load(q + t * B);
#pragma GCC unroll 16
        for (int i = 0; i < B; i++)
            sum[i] += gradient * v[t * B + i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < B; i++)
        store(d + i * B, sum[i]);
}

/* w[9] (at distance B*B) = G' d G of the 36 vectors at distance `stride`. */
INLINE void transform_sum(const float *d, size_t stride, float *w)
{
    vf in[36], half[18], out[9];
    for (int k = 0; k < 36; k++)
        in[k] = load(d + (size_t)k * stride);
    for (int i = 0; i < 6; i++)
        weight_line(in + i, 6, half + i, 6);
    for (int j = 0; j < 3; j++)
        weight_line(half + j * 6, 1, out + j * 3, 1);
    for (int k = 0; k < 9; k++)
        store(w + (size_t)k * B * B, out[k]);
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

/* The scratch of one call. */
struct work {
    float *v, *q, *d; /* [36][ic/B][group][B], [36][oc/B][group][B], [36][oc/B][ic/B][B][B] */
    int group;
};

INLINE void transform_group(const struct winograd_shape *s, const void *source, const void *gradient, int first, int n,
                            const struct work *k, bool bf16)
{
    int icb = s->ic / B, ocb = s->oc / B, rows = (s->oh + 3) / 4, columns = (s->ow + 3) / 4;
    size_t element = bf16 ? 2 : 4, plane_in = (size_t)s->ih * s->iw * B * element,
           plane_out = (size_t)s->oh * s->ow * B * element, block = (size_t)k->group * B;
    for (int t = 0; t < n; t++) {
        struct tile at = tile_at(first + t, rows, columns);
        ask_for_source(s, source, first + t + AHEAD, bf16);
        for (int b = 0; b < icb; b++)
            transform_input((const char *)source + ((size_t)at.image * icb + b) * plane_in, at.y - s->pad,
                            at.x - s->pad, s->ih, s->iw, k->v + b * block + (size_t)t * B, icb * block, bf16);
        for (int o = 0; o < ocb; o++)
            transform_gradient((const char *)gradient + ((size_t)at.image * ocb + o) * plane_out, at.y, at.x, s->oh,
                               s->ow, k->q + o * block + (size_t)t * B, ocb * block, bf16);
    }
}

INLINE void run(const struct winograd_shape *s, const void *source, const void *gradient, float *w, float *scratch,
                bool bf16)
{
    int icb = s->ic / B, ocb = s->oc / B, tiles = s->n * ((s->oh + 3) / 4) * ((s->ow + 3) / 4);
    struct work k = { .group = winograd_gradient_group(s) };
    size_t block = (size_t)k.group * B, pairs = (size_t)icb * ocb;
    k.v = scratch;
    k.q = k.v + K * icb * block;
    k.d = k.q + K * ocb * block;
    for (int first = 0; first < tiles; first += k.group) {
        int n = tiles - first < k.group ? tiles - first : k.group;
        transform_group(s, source, gradient, first, n, &k, bf16);
        for (int p = 0; p < K; p++)
            for (int o = 0; o < ocb; o++)
                for (int b = 0; b < icb; b++)
                    add_products(k.d + (p * pairs + (size_t)o * icb + b) * B * B, k.v + (p * icb + b) * block,
                                 k.q + (p * ocb + o) * block, n, first == 0);
    }
    for (size_t p = 0; p < pairs; p++)
        for (int i = 0; i < B; i++)
            transform_sum(k.d + (p * B + i) * B, pairs * B * B, w + p * 9 * B * B + i * B);
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

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
void JOIN(winograd_gradient_, KERNELS_ISA)(const struct winograd_shape *s, const void *source, const void *gradient,
                                           float *w, float *scratch)
{
    (s->storage == STORAGE_BF16 ? gradient_bf16 : gradient_f32)(s, source, gradient, w, scratch);
}
