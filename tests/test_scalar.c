/* The gradients at the logits of the scalars that are asked of a model, by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include "darknet-ext/ops.h"

enum { K = 4, TARGET = 2 };

static double value_of(enum scalar scalar, const double *z)
{
    double others = 0;
    for (int c = 0; c < K; c++)
        others += c == TARGET ? 0 : exp(z[c]);
    double p = exp(z[TARGET]) / (exp(z[TARGET]) + others);
    return scalar == SCALAR_LOGIT         ? z[TARGET]
           : scalar == SCALAR_PROBABILITY ? p
           : scalar == SCALAR_LOSS        ? -log(p)
                                          : z[TARGET] - log(others);
}

Test(scalar, gradients_are_central_differences)
{
    static const enum scalar scalars[] = { SCALAR_MARGIN, SCALAR_PROBABILITY, SCALAR_LOGIT, SCALAR_LOSS };
    static const float z[K] = { 0.5f, -1, 1.25f, 2 };
    for (int i = 0; i < 4; i++) {
        float d[K];
        scalar_gradient(scalars[i], z, K, TARGET, d);
        cr_expect(fabsf(d[TARGET]) > 0.1f, "scalar %d: no gradient", i);
        for (int c = 0; c < K; c++) {
            double up[K], down[K], step = 1e-4;
            for (int k = 0; k < K; k++)
                up[k] = down[k] = z[k];
            up[c] += step;
            down[c] -= step;
            double slope = (value_of(scalars[i], up) - value_of(scalars[i], down)) / (2 * step);
            cr_expect(fabs(d[c] - slope) <= 1e-6, "scalar %d, class %d: %g, not %g", i, c, (double)d[c], slope);
        }
    }
}

/* What sets the published ranking apart from that by margin: of the target nothing is left, of the others all. */
Test(scalar, a_sure_target_has_no_float32_probability_gradient_but_a_margin)
{
    static const float z[K] = { 0, 1, 22, 2 };
    float probability[K], margin[K];
    scalar_gradient(SCALAR_PROBABILITY, z, K, TARGET, probability);
    scalar_gradient(SCALAR_MARGIN, z, K, TARGET, margin);
    double rest = 0;
    for (int c = 0; c < K; c++) {
        rest += c == TARGET ? 0 : margin[c];
        double p = exp(z[c] - 22.0);
        cr_expect(c == TARGET || fabs(probability[c] + p) <= 1e-6 * p, "class %d: %g", c, (double)probability[c]);
    }
    cr_expect(probability[TARGET] == 0);
    cr_expect(margin[TARGET] == 1 && fabs(rest + 1) <= 1e-6);
}
