/* The Winograd kernels against the definition of convolution in double precision. */
#include "darknet-ext/winograd.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "tests/isa_fixture.h"

static float from_bf16(uint16_t h)
{
    uint32_t x = (uint32_t)h << 16;
    float f;
    memcpy(&f, &x, sizeof f);
    return f;
}

/* A blocked tensor of random numbers, and access to its elements. */
struct tensor {
    int n, c, h, w, block;
    enum storage storage;
    void *data;
    size_t elements;
};

static struct tensor tensor_new(const struct kernels *k, enum storage storage, int n, int c, int h, int w,
                                struct rng *r, float size)
{
    struct tensor t = { n, c, h, w, k->block, storage, NULL, (size_t)n * c * h * w };
    float *values = mem_alloc(t.elements, sizeof *values);
    for (size_t i = 0; i < t.elements; i++)
        values[i] = r ? size * rng_normal(r) : 0;
    t.data = mem_alloc(t.elements, 4);
    k->storage[storage].from_float(t.data, values, t.elements);
    free(values);
    return t;
}

static double at(const struct tensor *t, int n, int c, int y, int x)
{
    size_t i = ((((size_t)n * (t->c / t->block) + c / t->block) * t->h + y) * t->w + x) * t->block + c % t->block;
    return t->storage == STORAGE_BF16 ? from_bf16(((uint16_t *)t->data)[i]) : ((float *)t->data)[i];
}

/* Weights in blocks: [oc/B][ic/B][3][3][B ic][B oc]. */
static double weight_at(const float *w, int B, int ic, int o, int i, int y, int x)
{
    return w[(((size_t)(o / B) * (ic / B) + i / B) * 9 + y * 3 + x) * B * B + (i % B) * B + o % B];
}

static double forward_at(const struct winograd_shape *s, int B, const struct tensor *in, const float *w, int n, int o,
                         int y, int x)
{
    double sum = 0;
    for (int c = 0; c < s->ic; c++)
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 3; i++) {
                int py = y + j - s->pad, px = x + i - s->pad;
                if (py >= 0 && px >= 0 && py < s->ih && px < s->iw)
                    sum += at(in, n, c, py, px) * weight_at(w, B, s->ic, o, c, j, i);
            }
    return sum;
}

/* d input[c,y,x] = sum over outputs that read it; `s` is the forward shape, `dy` the output's gradient. */
static double backward_at(const struct winograd_shape *s, int B, const struct tensor *dy, const float *w, int n, int c,
                          int y, int x)
{
    double sum = 0;
    for (int o = 0; o < s->oc; o++)
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 3; i++) {
                int oy = y - j + s->pad, ox = x - i + s->pad;
                if (oy >= 0 && ox >= 0 && oy < s->oh && ox < s->ow)
                    sum += at(dy, n, o, oy, ox) * weight_at(w, B, s->ic, o, c, j, i);
            }
    return sum;
}

static double with_epilogue(double v, double before, enum conv_epilogue e)
{
    v += e >= EPILOGUE_ADD ? before : 0;
    if (e == EPILOGUE_RELU || e == EPILOGUE_ADD_RELU)
        return v > 0 ? v : 0;
    return (e == EPILOGUE_LEAKY || e == EPILOGUE_ADD_LEAKY) && v < 0 ? 0.1 * v : v;
}

/* Relative L2 error of one shape. f32: about 1e-6, the cost of the transforms' cancellations (Lavin & Gray, table 9);
 * bf16: rounding of the result, 2^-9 at most. */
static double relative_error(const struct kernels *k, struct winograd_shape s, bool backward, struct rng *r, float size)
{
    int B = k->block, n_bias = s.oc;
    float *w = mem_alloc((size_t)s.oc * s.ic * 9, sizeof *w), *bias = mem_alloc((size_t)n_bias, sizeof *bias);
    for (size_t i = 0; i < (size_t)s.oc * s.ic * 9; i++)
        w[i] = rng_normal(r);
    for (int i = 0; i < n_bias; i++)
        bias[i] = size * rng_normal(r);
    struct winograd_shape pass = s;
    if (backward)
        pass = (struct winograd_shape){ s.n,  s.oc,      s.oh,      s.ow,          s.ic,       s.ih,
                                        s.iw, 2 - s.pad, s.storage, EPILOGUE_NONE, SIGNS_NONE, s.cold };
    struct tensor in = tensor_new(k, s.storage, pass.n, pass.ic, pass.ih, pass.iw, r, size);
    struct tensor out = tensor_new(k, s.storage, pass.n, pass.oc, pass.oh, pass.ow, r, size);
    struct tensor before = tensor_new(k, s.storage, pass.n, pass.oc, pass.oh, pass.ow, NULL, 0);
    memcpy(before.data, out.data, out.elements * (s.storage == STORAGE_BF16 ? 2 : 4));
    float *u = mem_alloc((size_t)36 * s.oc * s.ic, sizeof *u);
    float *scratch = mem_alloc(winograd_scratch_floats(&pass, B), sizeof *scratch);
    k->winograd->weights(w, s.oc, s.ic, backward, u);
    k->winograd->run(&pass, in.data, u, backward ? NULL : bias, out.data, NULL, scratch);
    double error = 0, all = 0;
    for (int n = 0; n < pass.n; n++)
        for (int c = 0; c < pass.oc; c++)
            for (int y = 0; y < pass.oh; y++)
                for (int x = 0; x < pass.ow; x++) {
                    double v = backward ? backward_at(&s, B, &in, w, n, c, y, x)
                                        : with_epilogue(forward_at(&s, B, &in, w, n, c, y, x) + bias[c],
                                                        at(&before, n, c, y, x), s.epilogue);
                    error += (at(&out, n, c, y, x) - v) * (at(&out, n, c, y, x) - v);
                    all += v * v;
                }
    free(w);
    free(bias);
    free(u);
    free(scratch);
    free(in.data);
    free(out.data);
    free(before.data);
    return all > 0 ? sqrt(error / all) : NAN;
}

static struct winograd_shape random_shape(struct rng *r, int B, enum storage storage)
{
    struct winograd_shape s = { .n = 1 + (int)rng_below(r, 3),
                                .ic = B * (1 + (int)rng_below(r, 3)),
                                .oc = B * (1 + (int)rng_below(r, 3)),
                                .ih = 3 + (int)rng_below(r, 12),
                                .iw = 3 + (int)rng_below(r, 12),
                                .pad = (int)rng_below(r, 3),
                                .storage = storage,
                                .epilogue = (enum conv_epilogue)rng_below(r, 6) };
    s.oh = s.ih + 2 * s.pad - 2;
    s.ow = s.iw + 2 * s.pad - 2;
    return s;
}

Test(winograd, agrees_with_the_definition_on_random_shapes, .timeout = 120)
{
    for (int k = 0; k < ISAS; k++)
        for (int i = 0; isa_runs(k) && i < 40; i++) {
            struct rng r = rng_stream(5, RNG_TEST, (uint32_t)k, (uint32_t)i);
            struct winograd_shape s = random_shape(&r, isas[k].kernels->block, i % 2 ? STORAGE_BF16 : STORAGE_F32);
            s.cold = i % 4 > 1;
            for (int backward = 0; backward < 2; backward++) {
                double e = relative_error(isas[k].kernels, s, backward, &r, 1);
                cr_expect(e <= (s.storage == STORAGE_BF16 ? 2e-3 : 4e-6),
                          "%s, %s, %dx%dx%d -> %d, pad %d, epilogue %d: %g", isas[k].name,
                          backward ? "backward" : "forward", s.ic, s.ih, s.iw, s.oc, s.pad, s.epilogue, e);
            }
        }
}

/* d loss / d weight [o,c,j,i] for the output's gradient dy. */
static double gradient_at(const struct winograd_shape *s, const struct tensor *in, const struct tensor *dy, int o,
                          int c, int j, int i)
{
    double sum = 0;
    for (int n = 0; n < s->n; n++)
        for (int y = 0; y < s->oh; y++)
            for (int x = 0; x < s->ow; x++) {
                int py = y + j - s->pad, px = x + i - s->pad;
                if (py >= 0 && px >= 0 && py < s->ih && px < s->iw)
                    sum += at(in, n, c, py, px) * at(dy, n, o, y, x);
            }
    return sum;
}

static float *full_of_nan(size_t floats)
{
    float *x = mem_alloc(floats, sizeof *x);
    for (size_t i = 0; i < floats; i++)
        x[i] = NAN;
    return x;
}

static const char *image(const struct tensor *t, int n)
{
    return (const char *)t->data + (size_t)n * (t->elements / (size_t)t->n) * (t->storage == STORAGE_BF16 ? 2 : 4);
}

/* In two steps: the images in two calls, the later ones first, and the shares from the last to the first. */
static void gather_and_sum(const struct kernels *k, const struct winograd_shape *s, const struct tensor *in,
                           const struct tensor *dy, float *w)
{
    float *v = full_of_nan(winograd_gathered_floats(s, s->ic)), *q = full_of_nan(winograd_gathered_floats(s, s->oc)),
          *scratch = full_of_nan(winograd_share_scratch_floats(k->block));
    struct winograd_shape some = *s;
    int half = s->n / 2;
    some.n = s->n - half;
    k->winograd->gradient->gather(&some, image(in, half), image(dy, half), half, v, q);
    some.n = half;
    k->winograd->gradient->gather(&some, in->data, dy->data, 0, v, q);
    for (int i = winograd_shares(s, k->block) - 1; i >= 0; i--)
        k->winograd->gradient->sum(s, v, q, i, w, scratch);
    free(v);
    free(q);
    free(scratch);
}

/* Relative L2 error of the weights' gradient; the buffer starts full of NaN, so that nothing is left unwritten. */
static double gradient_error(const struct kernels *k, struct winograd_shape s, bool gathered, struct rng *r, float size)
{
    int B = k->block;
    struct tensor in = tensor_new(k, s.storage, s.n, s.ic, s.ih, s.iw, r, size);
    struct tensor dy = tensor_new(k, s.storage, s.n, s.oc, s.oh, s.ow, r, size);
    size_t floats = (size_t)s.oc * s.ic * 9;
    float *w = full_of_nan(floats), *scratch = full_of_nan(winograd_gradient_scratch_floats(&s));
    if (gathered)
        gather_and_sum(k, &s, &in, &dy, w);
    else
        k->winograd->gradient->run(&s, in.data, dy.data, w, scratch);
    double error = 0, all = 0;
    for (int o = 0; o < s.oc; o++)
        for (int c = 0; c < s.ic; c++)
            for (int p = 0; p < 9; p++) {
                double v = gradient_at(&s, &in, &dy, o, c, p / 3, p % 3), d = weight_at(w, B, s.ic, o, c, p / 3, p % 3);
                error += (d - v) * (d - v);
                all += v * v;
            }
    free(in.data);
    free(dy.data);
    free(w);
    free(scratch);
    return all > 0 ? sqrt(error / all) : NAN;
}

/* More tiles than go together, images of one tile, sizes that are no multiple of a tile, all paddings. */
Test(winograd, gradient_of_the_weights_agrees_with_the_definition, .timeout = 120)
{
    for (int k = 0; k < ISAS; k++)
        for (int i = 0; isa_runs(k) && i < 48; i++) {
            struct rng r = rng_stream(7, RNG_TEST, (uint32_t)k, (uint32_t)i);
            struct winograd_shape s = random_shape(&r, isas[k].kernels->block, i % 2 ? STORAGE_BF16 : STORAGE_F32);
            s.n = i % 8 ? s.n : 30;
            double e = gradient_error(isas[k].kernels, s, i >= 24, &r, i % 5 ? 1 : 1e15f);
            cr_expect(e <= 1e-5, "%s, %d images of %dx%dx%d -> %d, pad %d, %s, %s: %g", isas[k].name, s.n, s.ic, s.ih,
                      s.iw, s.oc, s.pad, i % 2 ? "bf16" : "f32", i >= 24 ? "gathered" : "at once", e);
        }
}

Test(winograd, keeps_its_accuracy_for_huge_and_tiny_activations, .timeout = 120)
{
    static const float sizes[] = { 1e30f, 1e-30f };
    struct winograd_shape s = { 2, 16, 10, 10, 16, 10, 10, 1, STORAGE_F32, EPILOGUE_NONE, SIGNS_NONE, false };
    for (int k = 0; k < ISAS; k++)
        for (int i = 0; isa_runs(k) && i < 2; i++) {
            struct rng r = rng_stream(6, RNG_TEST, (uint32_t)k, (uint32_t)i);
            cr_expect(relative_error(isas[k].kernels, s, false, &r, sizes[i]) <= 4e-6, "%s, size %g", isas[k].name,
                      (double)sizes[i]);
        }
}

/* Blocks of 8 and 16 bits alike, on a machine that puts the low byte first. */
static bool bit_of(const uint8_t *signs, size_t element)
{
    return signs[element / 8] >> element % 8 & 1;
}

/* out[elements] of a convolution of `in` that begins with what `before` holds. */
static float *run_from(const struct kernels *k, const struct winograd_shape *s, const struct tensor *in, const float *u,
                       const struct tensor *before, void *signs)
{
    float *scratch = mem_alloc(winograd_scratch_floats(s, k->block), sizeof *scratch);
    float *out = mem_alloc(before->elements, sizeof *out);
    memcpy(out, before->data, before->elements * sizeof *out);
    k->winograd->run(s, in->data, u, NULL, out, signs, scratch);
    free(scratch);
    return out;
}

static void check_signs(const struct kernels *k, struct winograd_shape s, struct rng *r)
{
    struct tensor in = tensor_new(k, STORAGE_F32, s.n, s.ic, s.ih, s.iw, r, 1),
                  before = tensor_new(k, STORAGE_F32, s.n, s.oc, s.oh, s.ow, r, 1);
    float *u = mem_alloc((size_t)36 * s.oc * s.ic, sizeof *u);
    uint8_t *signs = mem_alloc(before.elements / 8, 1);
    for (size_t i = 0; i < (size_t)36 * s.oc * s.ic; i++)
        u[i] = rng_normal(r);
    float *plain = run_from(k, &s, &in, u, &before, NULL);
    s.signs = SIGNS_KEEP;
    float *kept = run_from(k, &s, &in, u, &before, signs);
    size_t wrong = 0, positive = 0;
    for (size_t i = 0; i < before.elements; i++) {
        wrong += bit_of(signs, i) != (plain[i] > 0) || memcmp(&plain[i], &kept[i], sizeof *kept) != 0;
        positive += plain[i] > 0;
    }
    cr_expect(wrong == 0 && positive > 0 && positive < before.elements, "%s: %zu of %zu wrong", k->name, wrong,
              before.elements);
    for (size_t i = 0; i < before.elements / 8; i++)
        signs[i] = (uint8_t)rng_u32(r);
    s.signs = SIGNS_APPLY;
    float *applied = run_from(k, &s, &in, u, &before, signs);
    wrong = 0;
    for (size_t i = 0; i < before.elements; i++)
        wrong += applied[i] != (bit_of(signs, i) ? plain[i] : 0);
    cr_expect_eq(wrong, 0, "%s: %zu of %zu wrong", k->name, wrong, before.elements);
    free(plain);
    free(kept);
    free(applied);
    free(u);
    free(signs);
    free(in.data);
    free(before.data);
}

Test(winograd, keeps_and_applies_one_sign_for_each_output, .timeout = 120)
{
    static const enum conv_epilogue epilogues[] = { EPILOGUE_NONE, EPILOGUE_RELU, EPILOGUE_ADD, EPILOGUE_ADD_RELU,
                                                    EPILOGUE_ADD_LEAKY };
    for (int k = 0; k < ISAS; k++)
        for (int i = 0; isa_runs(k) && i < 20; i++) {
            struct rng r = rng_stream(9, RNG_TEST, (uint32_t)k, (uint32_t)i);
            struct winograd_shape s = random_shape(&r, isas[k].kernels->block, STORAGE_F32);
            s.epilogue = epilogues[i % 5];
            check_signs(isas[k].kernels, s, &r);
        }
}

Test(winograd, does_not_hide_a_nan)
{
    struct winograd_shape s = { 1, 16, 8, 8, 16, 8, 8, 1, STORAGE_F32, EPILOGUE_RELU, SIGNS_NONE, true };
    for (int k = 0; k < ISAS; k++) {
        if (!isa_runs(k))
            continue;
        struct rng r = rng_stream(8, RNG_TEST, 0, 0);
        struct tensor in = tensor_new(isas[k].kernels, STORAGE_F32, 1, 16, 8, 8, &r, 1),
                      out = tensor_new(isas[k].kernels, STORAGE_F32, 1, 16, 8, 8, NULL, 0);
        float *u = mem_alloc(36 * 256, sizeof *u), *w = mem_alloc(9 * 256, sizeof *w),
              *scratch = mem_alloc(winograd_scratch_floats(&s, 16), 4);
        for (int i = 0; i < 9 * 256; i++)
            w[i] = rng_normal(&r);
        ((float *)in.data)[100] = NAN;
        isas[k].kernels->winograd->weights(w, 16, 16, false, u);
        isas[k].kernels->winograd->run(&s, in.data, u, NULL, out.data, NULL, scratch);
        int nans = 0;
        for (size_t i = 0; i < out.elements; i++)
            nans += isnan(((float *)out.data)[i]);
        cr_expect(nans > 0, "%s", isas[k].name);
        free(u);
        free(w);
        free(scratch);
        free(in.data);
        free(out.data);
    }
}
