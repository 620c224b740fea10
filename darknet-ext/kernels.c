/* Compiled once per instruction set (KERNELS_ISA = avx512, avx2, portable). Vectors are GCC vector extensions of one
 * channel block, so a loop over pixels is a loop over vectors; the compiler maps a vector on one, two or four
 * registers. */
#include "darknet-ext/kernels.h"
#include <string.h>
#include "darknet-ext/stem.h"
#include "darknet-ext/winograd.h"
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#include "darknet-ext/kernels_vectors.inc"

static inline vf load_f(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void store_f(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}
static inline vf maximum(vf a, vf b)
{
    return choose(a > b, a, b);
}

static inline vf load_h(const uint16_t *p)
{
    vh h;
    memcpy(&h, p, sizeof h);
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

/* Round to nearest even; NaN keeps a payload bit so that it stays NaN. */
static inline void store_h(uint16_t *p, vf v)
{
    vu x = (vu)v;
    vu rounded = (x + 0x7fff + ((x >> 16) & 1)) >> 16;
    vu nan = (x >> 16) | 0x40;
    vu r = (rounded & (vu)(v == v)) | (nan & ~(vu)(v == v));
    vh h = __builtin_convertvector(r, vh);
    memcpy(p, &h, sizeof h);
}

/* Sums of float vectors are gathered in double at this many terms at most, so that rounding does not grow with the
 * image. */
enum { SUM_RUN = 256 };

static inline void add_to_double(double *sum, vf v)
{
    for (int l = 0; l < B; l++)
        sum[l] += v[l];
}

#define T float
#define NAME(x) x##_f32
#define LOAD load_f
#define STORE store_f
#include "darknet-ext/kernels_storage.inc"
#undef T
#undef NAME
#undef LOAD
#undef STORE
#define T uint16_t
#define NAME(x) x##_bf16
#define LOAD load_h
#define STORE store_h
#include "darknet-ext/kernels_storage.inc"

static void sgd(float *w, float *v, const float *parts, int n_parts, size_t part_stride, float scale, float lr,
                float momentum, float decay, bool nesterov, size_t n)
{
    for (size_t i = 0; i < n; i += B) { /* arenas are padded to whole vectors */
        vf g = load_f(parts + i);
        for (int k = 1; k < n_parts; k++)
            g += load_f(parts + (size_t)k * part_stride + i);
        vf wi = load_f(w + i);
        g = g * scale + wi * decay;
        vf vi_ = load_f(v + i) * momentum + g;
        store_f(v + i, vi_);
        store_f(w + i, wi - (nesterov ? g + vi_ * momentum : vi_) * lr);
    }
}

#define STORAGE_TABLE(t)                                                                                               \
    {                                                                                                                  \
        norm_##t, mask_##t, moments_##t, norm_backward_##t, mapping_backward_##t, add_##t, maxpool_##t,                \
            maxpool_backward_##t, avgpool_##t, avgpool_backward_##t, scale_elements_##t, from_float_##t, to_float_##t, \
            block_##t, unblock_##t                                                                                     \
    }
#define STRING_(x) #x
#define STRING(x) STRING_(x)
const struct kernels JOIN(kernels_, KERNELS_ISA) = {
    STRING(KERNELS_ISA), B, { STORAGE_TABLE(f32), STORAGE_TABLE(bf16) }, sgd, &JOIN(winograd_, KERNELS_ISA),
    &JOIN(stem_, KERNELS_ISA)
};
