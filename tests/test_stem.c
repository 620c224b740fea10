/* Backward-data of the first layer against its definition in double precision, on every instruction set. */
#include "darknet-ext/stem.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/rng.h"
#include "tests/isa_fixture.h"

static double gradient_at(const struct stem_shape *s, int B, const float *dy, const float *w, int n, int c, int y,
                          int x)
{
    double sum = 0;
    for (int o = 0; o < s->oc; o++)
        for (int ky = 0; ky < s->kh; ky++)
            for (int kx = 0; kx < s->kw; kx++) {
                int fy = y + s->pad - ky, fx = x + s->pad - kx;
                if (fy < 0 || fx < 0 || fy % s->stride || fx % s->stride || fy / s->stride >= s->oh ||
                    fx / s->stride >= s->ow)
                    continue;
                size_t at = (((size_t)n * (s->oc / B) + o / B) * s->oh + fy / s->stride) * s->ow + fx / s->stride;
                sum += (double)dy[at * B + o % B] * w[(((size_t)o * s->ic + c) * s->kh + ky) * s->kw + kx];
            }
    return sum;
}

static float *random_floats(size_t n, struct rng *r)
{
    float *x = mem_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = rng_normal(r);
    return x;
}

/* Relative L2 error. dx starts full of NaN, and scratch of what a former call may have left. */
static double relative_error(const struct kernels *k, const struct stem_shape *s, struct rng *r)
{
    int B = k->block;
    float *dy = random_floats((size_t)s->n * s->oc * s->oh * s->ow, r);
    float *w = random_floats((size_t)s->oc * s->ic * s->kh * s->kw, r);
    float *u = mem_alloc(stem_weight_floats(s), sizeof *u), *scratch = random_floats(stem_scratch_floats(s, B), r);
    size_t floats = (size_t)s->n * s->ic * s->ih * s->iw;
    float *dx = mem_alloc(floats, sizeof *dx);
    for (size_t i = 0; i < floats; i++)
        dx[i] = NAN;
    k->stem->weights(s, w, u);
    k->stem->backward(s, dy, u, dx, scratch);
    double error = 0, all = 0;
    for (size_t i = 0; i < floats; i++) {
        int x = (int)(i % s->iw), y = (int)(i / s->iw % s->ih), c = (int)(i / s->iw / s->ih % s->ic),
            n = (int)(i / s->iw / s->ih / s->ic);
        double v = gradient_at(s, B, dy, w, n, c, y, x);
        error += (dx[i] - v) * (dx[i] - v);
        all += v * v;
    }
    free(dy);
    free(w);
    free(u);
    free(scratch);
    free(dx);
    if (all == 0) /* with so much padding the kernel may see no pixel at all */
        return error == 0 && (s->pad >= s->kh || s->pad >= s->kw) ? 0 : NAN;
    return sqrt(error / all);
}

static struct stem_shape random_shape(struct rng *r, int B)
{
    struct stem_shape s = { .n = 1 + (int)rng_below(r, 2),
                            .ic = 1 + (int)rng_below(r, STEM_MOST_CHANNELS),
                            .oc = B * (1 + (int)rng_below(r, 3)),
                            .kh = 1 + (int)rng_below(r, 9),
                            .kw = 1 + (int)rng_below(r, 9),
                            .stride = 1 + (int)rng_below(r, 9) };
    int least = s.kh < s.kw ? s.kh : s.kw;
    s.pad = (int)rng_below(r, (uint32_t)least + 2);
    s.ih = s.kh + (int)rng_below(r, 24);
    s.iw = s.kw + (int)rng_below(r, 90);
    s.oh = (s.ih + 2 * s.pad - s.kh) / s.stride + 1;
    s.ow = (s.iw + 2 * s.pad - s.kw) / s.stride + 1;
    return s;
}

Test(stem, gradient_of_the_input_agrees_with_the_definition, .timeout = 120)
{
    for (int k = 0; k < ISAS; k++)
        for (int i = 0; isa_runs(k) && i < 60; i++) {
            struct rng r = rng_stream(9, RNG_TEST, (uint32_t)k, (uint32_t)i);
            struct stem_shape s = random_shape(&r, isas[k].kernels->block);
            double e = relative_error(isas[k].kernels, &s, &r);
            cr_expect(e <= 1e-6, "%s, %dx%dx%d, %dx%d/%d pad %d -> %d: %g", isas[k].name, s.ic, s.ih, s.iw, s.kh, s.kw,
                      s.stride, s.pad, s.oc, e);
        }
}
