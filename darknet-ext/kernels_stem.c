/* Compiled once per instruction set; stem.h says what is computed. */
#include "darknet-ext/stem.h"
#include "darknet-ext/kernels_winograd.inc"

enum { LANES = STEM_MOST_CHANNELS };

/* Where output rows wait, one row of `width` pixels for each channel; pixel 0 lies at `left`, and there are zeros on
 * both sides, so that no tap has to ask whether it is inside. */
struct ring {
    float *rows;
    int count, left, width;
};

/* Lane l is lane order[l] of a, or order[l] - B of b. */
INLINE vf shuffle(vf a, vf b, vi order)
{
#ifdef __clang__ /* knows only orders that are written out */
    vf v;
    for (int l = 0; l < B; l++)
        v[l] = order[l] < B ? a[order[l]] : b[order[l] - B];
    return v;
#else
    return __builtin_shuffle(a, b, order);
#endif
}

/* Lanes of a and b at distance `step` change places: one of log2(B) steps of a transposition. */
INLINE void exchange_lanes(vf *a, vf *b, int step)
{
    vi low, high;
#pragma GCC unroll 16
    for (int l = 0; l < B; l++) {
        low[l] = l & step ? B + l - step : l;
        high[l] = l & step ? B + l : l + step;
    }
    vf first = shuffle(*a, *b, low);
    *b = shuffle(*a, *b, high);
    *a = first;
}

INLINE void transpose(vf v[B])
{
#pragma GCC unroll 4
    for (int step = 1; step < B; step *= 2)
#pragma GCC unroll 16
        for (int i = 0; i < B; i++)
            if (!(i & step))
                exchange_lanes(&v[i], &v[i + step], step);
}

/* n <= B pixels of one block of channels, dy[n][B], into `row`s that are `width` apart. */
INLINE void turn_pixels(const float *dy, int n, float *row, int width)
{
    vf v[B];
    for (int i = 0; i < B; i++)
        v[i] = i < n ? load(dy + (ptrdiff_t)i * B) : splat(0);
    transpose(v);
    for (int o = 0; o < B; o++)
        if (n == B)
            store(row + (ptrdiff_t)o * width, v[o]);
        else
            memcpy(row + (ptrdiff_t)o * width, &v[o], (size_t)n * sizeof *row);
}

static void take_row(const struct stem_shape *s, const struct ring *ring, const float *dy, int oy)
{
    size_t block = (size_t)s->oh * s->ow * B;
    float *to = ring->rows + (ptrdiff_t)(oy % ring->count) * s->oc * ring->width + ring->left;
    for (int b = 0; b < s->oc / B; b++, to += (ptrdiff_t)B * ring->width)
        for (int x = 0; x < s->ow; x += B)
            turn_pixels(dy + b * block + ((size_t)oy * s->ow + x) * B, s->ow - x < B ? s->ow - x : B, to + x,
                        ring->width);
}

/* Compilers like to read a vector from memory anew for each use, which costs two reads where it lies across two lines
 * of the cache. */
INLINE void in_register(vf *v)
{
#ifdef __AVX__
    __asm__("" : "+v"(*v));
#else
    (void)v;
#endif
}

/* sum[c][v] += d[o][v] * w[o][c] over the output channels; d's rows are `width` apart. channels and vectors are
 * constants. */
INLINE void add_tap(vf *sum, const float *d, int width, const float *w, int oc, int channels, int vectors)
{
    for (int o = 0; o < oc; o++, d += width, w += LANES) {
        vf weight[LANES];
#pragma GCC unroll 4
        for (int c = 0; c < channels; c++)
            weight[c] = splat(w[c]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            vf pixels = load(d + v * B);
            in_register(&pixels);
#pragma GCC unroll 4
            for (int c = 0; c < channels; c++)
                sum[c * vectors + v] += pixels * weight[c];
        }
    }
}

/* The taps k = first, first + stride, ... of a kernel that see pixel `at` of dx, and the pixel of dy that the first of
 * them sees; each further one sees that before. */
struct taps {
    int first, sees;
};

static struct taps taps_of(int at, int pad, int stride)
{
    int first = (at + pad) % stride;
    return (struct taps){ first, (at + pad - first) / stride };
}

static void spread(const float *line, int n, float *to, int stride)
{
    if (stride == 1)
        memcpy(to, line, (size_t)n * sizeof *to);
    else
        for (int i = 0; i < n; i++)
            to[(ptrdiff_t)i * stride] = line[i];
}

/* The pixels (j + i) * stride + phase of row y of dx, for i < vectors * B as far as they exist. */
INLINE void make_pixels(const struct stem_shape *s, const struct ring *ring, const float *u, float *dx, int y,
                        int phase, int j, int channels, int vectors)
{
    struct taps down = taps_of(y, s->pad, s->stride), across = taps_of(phase, s->pad, s->stride);
    vf sum[LANES * 4];
#pragma GCC unroll 16
    for (int i = 0; i < channels * vectors; i++)
        sum[i] = splat(0);
    for (int ky = down.first, oy = down.sees; ky < s->kh && oy >= 0; ky += s->stride, oy--) {
        if (oy >= s->oh)
            continue;
        const float *d =
            ring->rows + (ptrdiff_t)(oy % ring->count) * s->oc * ring->width + ring->left + j + across.sees;
        for (int kx = across.first; kx < s->kw; kx += s->stride, d--)
            add_tap(sum, d, ring->width, u + (ptrdiff_t)(ky * s->kw + kx) * s->oc * LANES, s->oc, channels, vectors);
    }
    float line[LANES * 4 * B];
#pragma GCC unroll 16
    for (int i = 0; i < channels * vectors;
         i++) /* at constant places only, so that sums stay in registers until here */
        store(line + i * B, sum[i]);
    int all = (s->iw - phase + s->stride - 1) / s->stride - j, n = all < vectors * B ? all : vectors * B;
    for (int c = 0; c < channels && c < s->ic; c++)
        spread(line + c * vectors * B, n, dx + ((ptrdiff_t)c * s->ih + y) * s->iw + (ptrdiff_t)j * s->stride + phase,
               s->stride);
}

INLINE void make_row(const struct stem_shape *s, const struct ring *ring, const float *u, float *dx, int y,
                     int channels)
{
    for (int phase = 0; phase < s->stride; phase++) {
        int n = (s->iw - phase + s->stride - 1) / s->stride, j = 0;
        for (; n - j > 3 * B && channels < 4; j += 4 * B)
            make_pixels(s, ring, u, dx, y, phase, j, channels, 4);
        for (; n - j > 2 * B && channels < 4; j += 3 * B)
            make_pixels(s, ring, u, dx, y, phase, j, channels, 3);
        for (; n - j > B; j += 2 * B)
            make_pixels(s, ring, u, dx, y, phase, j, channels, 2);
        for (; n > j; j += B)
            make_pixels(s, ring, u, dx, y, phase, j, channels, 1);
    }
}

INLINE void run(const struct stem_shape *s, const float *dy, const float *u, float *dx, float *scratch, int channels)
{
    struct ring ring = { scratch, stem_ring_rows(s), stem_ring_left(s), stem_ring_width(s, B) };
    memset(scratch, 0, stem_scratch_floats(s, B) * sizeof *scratch);
    for (int n = 0; n < s->n; n++, dy += (ptrdiff_t)s->oc * s->oh * s->ow, dx += (ptrdiff_t)s->ic * s->ih * s->iw)
        for (int y = 0, next = 0; y < s->ih; y++) {
            for (; next < s->oh && next * s->stride <= y + s->pad; next++)
                take_row(s, &ring, dy, next);
            make_row(s, &ring, u, dx, y, channels);
        }
}

static void backward(const struct stem_shape *s, const float *dy, const float *u, float *dx, float *scratch)
{
    switch (s->ic) {
    case 1: run(s, dy, u, dx, scratch, 1); break;
    case 4: run(s, dy, u, dx, scratch, 4); break;
    default: run(s, dy, u, dx, scratch, 3);
    }
}

/* u[kh][kw][oc][4]. */
static void weights(const struct stem_shape *s, const float *w, float *u)
{
    memset(u, 0, stem_weight_floats(s) * sizeof *u);
    for (int o = 0; o < s->oc; o++)
        for (int c = 0; c < s->ic; c++)
            for (int k = 0; k < s->kh * s->kw; k++)
                u[((size_t)k * s->oc + o) * LANES + c] = w[((size_t)o * s->ic + c) * s->kh * s->kw + k];
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
const struct stem_kernels JOIN(stem_, KERNELS_ISA) = { backward, weights };
