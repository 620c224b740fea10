#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { DRAWS = 100000 };

/* Known answers published with Random123 (kat_vectors, philox4x32 10). */
Test(rng, philox_gives_the_published_answers)
{
    const struct { uint32_t key[2], counter[4], out[4]; } known[] = {
        { { 0, 0 }, { 0, 0, 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u }, { ~0u, ~0u, ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0xa4093822, 0x299f31d0 },
          { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        rng_philox(known[i].key, known[i].counter, out);
        cr_assert_arr_eq(out, known[i].out, sizeof out, "vector %zu", i);
    }
}

Test(rng, same_key_gives_same_stream)
{
    struct rng a = rng_stream(42, RNG_AUGMENT, 3, 17), b = rng_stream(42, RNG_AUGMENT, 3, 17);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(rng_u32(&a), rng_u32(&b));
}

Test(rng, every_part_of_the_key_counts)
{
    struct rng streams[] = {
        rng_stream(1, RNG_TEST, 0, 0), rng_stream(2, RNG_TEST, 0, 0), rng_stream(1ull << 32 | 1, RNG_TEST, 0, 0),
        rng_stream(1, RNG_SHUFFLE, 0, 0), rng_stream(1, RNG_TEST | 1 << 8, 0, 0), rng_stream(1, RNG_TEST, 1, 0),
        rng_stream(1, RNG_TEST, 0, 1),
    };
    enum { N = sizeof streams / sizeof *streams };
    uint32_t first[N];
    for (int i = 0; i < N; i++) {
        first[i] = rng_u32(&streams[i]);
        for (int j = 0; j < i; j++)
            cr_assert_neq(first[i], first[j], "streams %d and %d", i, j);
    }
}

Test(rng, words_of_a_stream_are_the_blocks_in_order)
{
    struct rng r = rng_stream(5, RNG_TEST, 6, 7);
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t want[4];
        rng_philox((uint32_t[]){ 5, 0 }, (uint32_t[]){ block, RNG_TEST, 6, 7 }, want);
        for (int i = 0; i < 4; i++)
            cr_assert_eq(rng_u32(&r), want[i], "block %u word %d", block, i);
    }
}

Test(rng, unit_is_in_range_and_uniform)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        float u = rng_unit(&r);
        cr_assert(u >= 0 && u < 1);
        sum += u;
        squares += (double)u * u;
    }
    /* Four standard errors: sqrt(1/12/n) and sqrt(4/45/n). */
    cr_assert_float_eq(sum / DRAWS, 0.5, 4 * sqrt(1.0 / 12 / DRAWS));
    cr_assert_float_eq(squares / DRAWS, 1.0 / 3, 4 * sqrt(4.0 / 45 / DRAWS));
}

Test(rng, normal_has_the_moments_of_the_normal_distribution)
{
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    double sum = 0, squares = 0, fourth = 0;
    int beyond_two = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = rng_normal(&r);
        cr_assert(isfinite(x));
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
        beyond_two += fabs(x) > 2;
    }
    cr_assert_float_eq(sum / DRAWS, 0, 4 * sqrt(1.0 / DRAWS));
    cr_assert_float_eq(squares / DRAWS, 1, 4 * sqrt(2.0 / DRAWS));
    cr_assert_float_eq(fourth / DRAWS, 3, 4 * sqrt(96.0 / DRAWS));
    cr_assert_float_eq((double)beyond_two / DRAWS, 0.0455, 4 * sqrt(0.0455 / DRAWS));
}

Test(rng, below_is_uniform_and_in_range)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    int count[7] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        uint32_t k = rng_below(&r, 7);
        cr_assert_lt(k, 7);
        count[k]++;
    }
    double chi = 0, want = DRAWS / 7.0;
    for (int k = 0; k < 7; k++)
        chi += (count[k] - want) * (count[k] - want) / want;
    cr_assert(chi < 22.46, "chi-squared %g, 6 degrees of freedom, p = 0.001", chi);
    cr_assert_eq(rng_below(&r, 1), 0);
}

/* With n = 3 * 2^30, word % n would favour the lower third, and word * n >> 32 alone the multiples of 3. */
Test(rng, below_is_unbiased_for_large_n)
{
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    int low = 0, multiples = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint32_t k = rng_below(&r, 3u << 30);
        low += k < 1u << 30;
        multiples += k % 3 == 0;
    }
    cr_assert_float_eq((double)low / DRAWS, 1.0 / 3, 4 * sqrt(2.0 / 9 / DRAWS));
    cr_assert_float_eq((double)multiples / DRAWS, 1.0 / 3, 4 * sqrt(2.0 / 9 / DRAWS));
}

Test(rng, permutation_holds_every_number_once)
{
    enum { N = 1000 };
    uint32_t p[N];
    bool seen[N] = { false };
    struct rng r = rng_stream(1, RNG_SHUFFLE, 2, 0);
    rng_permutation(&r, N, p);
    int at_home = 0;
    for (int i = 0; i < N; i++) {
        cr_assert_lt(p[i], N);
        cr_assert_not(seen[p[i]]);
        seen[p[i]] = true;
        at_home += p[i] == (uint32_t)i;
    }
    cr_assert_lt(at_home, 10);
}

Test(rng, all_orders_of_three_are_equally_frequent)
{
    int count[27] = { 0 };
    for (uint32_t i = 0; i < 6000; i++) {
        uint32_t p[3];
        struct rng r = rng_stream(9, RNG_SHUFFLE, i, 0);
        rng_permutation(&r, 3, p);
        count[p[0] * 9 + p[1] * 3 + p[2]]++;
    }
    const int orders[] = { 5, 7, 11, 15, 19, 21 };
    for (int k = 0; k < 6; k++)
        cr_assert(abs(count[orders[k]] - 1000) < 4 * 29, "order %d: %d times", orders[k], count[orders[k]]);
}
