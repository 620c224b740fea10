#include "datasets/baseline.h"

#include <criterion/criterion.h>
#include <string.h>

Test(baseline, words_and_enum_agree)
{
    enum baseline b;

    for (int i = 0; i <= BASELINE_IMAGE_MEAN; i++) {
        cr_assert(baseline_parse(baseline_name((enum baseline)i), &b));
        cr_assert_eq(b, (enum baseline)i);
        cr_assert_not_null(strstr(BASELINE_WORDS, baseline_name((enum baseline)i)));
    }
    cr_assert_not(baseline_parse("grey", &b));
}

Test(baseline, fills_what_it_says)
{
    float x[2 * 4 * 4], out[2 * 4 * 4], again[2 * 4 * 4];
    const float mean[2] = { 0.25f, 0.75f };

    for (int i = 0; i < 32; i++)
        x[i] = (float)i / 32;
    baseline_fill(BASELINE_MEAN, x, 2, 4, 4, mean, 1, 0, out);
    cr_assert(out[0] == 0.25f && out[15] == 0.25f && out[16] == 0.75f && out[31] == 0.75f);
    baseline_fill(BASELINE_BLACK, x, 2, 4, 4, mean, 1, 0, out);
    cr_assert(out[0] == 0 && out[31] == 0);
    baseline_fill(BASELINE_IMAGE_MEAN, x, 2, 4, 4, mean, 1, 0, out);
    cr_assert_float_eq(out[3], 7.5 / 32, 1e-6);
    cr_assert_float_eq(out[20], 23.5 / 32, 1e-6);
    baseline_fill(BASELINE_NOISE, x, 2, 4, 4, mean, 1, 7, out);
    baseline_fill(BASELINE_NOISE, x, 2, 4, 4, mean, 1, 7, again);
    cr_assert_eq(memcmp(out, again, sizeof out), 0);
    baseline_fill(BASELINE_NOISE, x, 2, 4, 4, mean, 1, 8, again);
    cr_assert_neq(memcmp(out, again, sizeof out), 0);
}

Test(baseline, a_blur_keeps_a_plain_picture_and_smooths_an_edge)
{
    float x[16 * 16], out[16 * 16];

    for (int i = 0; i < 256; i++)
        x[i] = 0.375f;
    baseline_fill(BASELINE_BLUR, x, 1, 16, 16, NULL, 1, 0, out);
    for (int i = 0; i < 256; i++)
        cr_assert_float_eq(out[i], 0.375f, 1e-5);
    for (int i = 0; i < 256; i++)
        x[i] = i % 16 < 8 ? 0 : 1;
    baseline_fill(BASELINE_BLUR, x, 1, 16, 16, NULL, 1, 0, out);
    for (int i = 3; i < 14; i++)
        cr_assert_gt(out[i], out[i - 1]);
    cr_assert_float_eq(out[7] + out[8], 1, 1e-5);
    cr_assert_lt(out[8] - out[7], 0.25);
}
