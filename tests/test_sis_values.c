#include "validate/sis/images.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/model_fixture.h"

/* A value read off the gradient's pass is one that logits reach again, bit for bit: a subset suffices when it is
 * evaluated anew. */
Test(sis_values, the_engine_gives_one_value_by_both_ways)
{
    for (int i = 0; i < n_nets; i++) {
        struct fixture f = open_net(nets[i].text, false, 2, PRECISION_F32);
        struct classifier c = model_classifier(f.model);
        float z[BATCH * CLASSES], again[BATCH * CLASSES], *g = mem_alloc(BATCH * PIXELS, sizeof *g);
        struct err err;
        cr_assert(c.gradient(c.self, f.x, BATCH, SCALAR_MARGIN, f.label, g, z, &err), "%s: %s", nets[i].name, err.text);
        cr_assert(c.logits(c.self, f.x, BATCH, again, &err), "%s: %s", nets[i].name, err.text);
        cr_expect_eq(memcmp(z, again, (size_t)BATCH * (size_t)c.classes * sizeof *z), 0, "%s", nets[i].name);
        free(g);
        close_net(&f);
    }
}

Test(sis_values, thresholds_mean_the_same_in_both_ranks)
{
    float z[3] = { 2.5f, -1, 0.25f };

    for (int t = 0; t < 3; t++) {
        double m = sis_value(SIS_MARGIN, z, 3, t), p = sis_value(SIS_PROBABILITY, z, 3, t);
        cr_assert_float_eq(1 / (1 + exp(-m)), p, 1e-6);
        cr_assert_float_eq(sis_threshold(SIS_MARGIN, p), m, 1e-5);
        cr_assert(sis_threshold(SIS_PROBABILITY, p) == p);
    }
    cr_assert_float_eq(sis_threshold(SIS_MARGIN, 0.9), 2.1972246, 1e-6);
}
