/* What element-wise kernels promise beyond what a whole network shows, for every instruction set that this CPU runs. */
#include <criterion/criterion.h>
#include <math.h>
#include "tests/isa_fixture.h"

Test(model_kernels, bf16_rounds_to_nearest_even_and_keeps_nan_and_infinity)
{
    static const struct {
        uint32_t bits;
        uint16_t stored;
    } cases[] = { { 0x3f800000, 0x3f80 }, { 0x3f808000, 0x3f80 }, { 0x3f808001, 0x3f81 }, { 0x3f818000, 0x3f82 },
                  { 0x3f817fff, 0x3f81 }, { 0xbf808001, 0xbf81 }, { 0x7f7fffff, 0x7f80 }, { 0xff800000, 0xff80 } };
    for (int i = 0; i < ISAS; i++) {
        if (!isa_runs(i))
            continue;
        const struct storage_kernels *k = &isas[i].kernels->storage[STORAGE_BF16];
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            uint32_t in[17];
            uint16_t out[17];
            for (int l = 0; l < 17; l++) /* whole vectors and a tail */
                in[l] = cases[c].bits;
            k->from_float(out, (const float *)in, 17);
            cr_expect(out[0] == cases[c].stored && out[16] == cases[c].stored, "%s: %x -> %x, %x", isas[i].name,
                      cases[c].bits, out[0], out[16]);
        }
        uint32_t nan[17];
        uint16_t stored[17];
        float back[17];
        for (int l = 0; l < 17; l++)
            nan[l] = l % 2 ? 0x7f800001 : 0xffffffff; /* cut off or rounded, they would be infinity and zero */
        k->from_float(stored, (const float *)nan, 17);
        k->to_float(back, stored, 17);
        for (int l = 0; l < 17; l++)
            cr_expect(isnan(back[l]), "%s: a NaN became %g", isas[i].name, (double)back[l]);
    }
}

/* On a constant image every element of a window is its maximum. */
Test(model_kernels, maxpool_gives_each_gradient_to_the_first_maximum_only)
{
    for (int i = 0; i < ISAS; i++) {
        if (!isa_runs(i))
            continue;
        const struct kernels *k = isas[i].kernels;
        float in[4 * 4 * 16], d_in[4 * 4 * 16], d_out[2 * 2 * 16];
        for (int j = 0; j < 16 * k->block; j++)
            in[j] = 1;
        for (int j = 0; j < 4 * k->block; j++)
            d_out[j] = (float)(1 + j / k->block);
        k->storage[STORAGE_F32].maxpool_backward(d_in, in, d_out, 2, 2, 0, (struct extent){ 1, 1, 4, 4 }, 2, 2);
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 4; x++)
                cr_expect_eq(d_in[(y * 4 + x) * k->block], y % 2 || x % 2 ? 0 : (float)(1 + y + x / 2), "%s: %d,%d",
                             isas[i].name, y, x);
    }
}
