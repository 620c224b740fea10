#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The constants of Philox4x32 and its key schedule (Salmon et al. 2011, section 3.3). */
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u
enum { ROUNDS = 10 };

void rng_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0;
        uint64_t p1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct rng rng_stream(uint64_t seed, uint32_t purpose, uint32_t epoch, uint32_t item)
{
    struct rng r = { .key = { (uint32_t)seed, (uint32_t)(seed >> 32) }, .counter = { 0, purpose, epoch, item } };
    r.used = 4;
    return r;
}

uint32_t rng_u32(struct rng *r)
{
    if (r->used == 4) {
        rng_philox(r->key, r->counter, r->block);
        r->counter[0]++;
        r->used = 0;
    }
    return r->block[r->used++];
}

/* The upper half of word * n, with the few words rejected that would favour some results (Lemire 2019). */
uint32_t rng_below(struct rng *r, uint32_t n)
{
    assert(n >= 1);
    uint32_t threshold = -n % n; /* 2^32 mod n */
    uint64_t product;
    do
        product = (uint64_t)rng_u32(r) * n;
    while ((uint32_t)product < threshold);
    return (uint32_t)(product >> 32);
}

float rng_unit(struct rng *r)
{
    return (float)(rng_u32(r) >> 8) * 0x1p-24f;
}

float rng_normal(struct rng *r)
{
    double radius_unit = (rng_u32(r) + 1.0) * 0x1p-32; /* in (0,1]: its logarithm is finite */
    double angle_unit = rng_u32(r) * 0x1p-32;
    return (float)(sqrt(-2.0 * log(radius_unit)) * cos(2.0 * M_PI * angle_unit));
}

void rng_permutation(struct rng *r, uint32_t n, uint32_t *permutation)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = rng_below(r, i + 1);
        permutation[i] = permutation[j];
        permutation[j] = i;
    }
}
