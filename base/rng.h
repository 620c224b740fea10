/* Counter-based random numbers: randomness is a value, keyed by (seed, purpose, epoch, item), never by drawing order.
 * So augmentation of image 17 in epoch 3 does not depend on threads, batch size or a resume.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Key = seed;
 * counter words = block number, purpose, epoch, item. */
#ifndef MARGINALIA_BASE_RNG_H
#define MARGINALIA_BASE_RNG_H

#include <stdint.h>

/* What a stream is for. A layer or other sub-stream number goes above the low byte: RNG_DROPOUT | layer << 8. */
enum rng_purpose {
    RNG_INIT = 1,      /* initial weights; item = layer */
    RNG_SHUFFLE,       /* order of images in an epoch */
    RNG_AUGMENT,       /* random resized crop; item = image */
    RNG_INPUT_DROPOUT, /* item = image; at test time epoch = sample number */
    RNG_DROPOUT,       /* | layer << 8; item = image */
    RNG_PLANTED,       /* generated data sets; item = image */
    RNG_BOOTSTRAP,
    RNG_TEST,
    RNG_SAMPLE,   /* which images a validation looks at; made-up images: item = image */
    RNG_BASELINE, /* noise in the place of masked pixels; item = image */
    RNG_CHECK,    /* random parts of pictures in validation, | what << 8; item = image */
    RNG_VIEW, /* which pixels a masked view shows; epoch = split, item = image */
    RNG_FIX, /* whose border a picture of a cleaned copy gets, | split << 8; item = image */
    RNG_AUGMENT_WALK /* the order of an image's flips and crops; item = image */
};

struct rng {
    uint32_t key[2], counter[4], block[4];
    int used; /* words of block already handed out, 0..4 */
};

struct rng rng_stream(uint64_t seed, uint32_t purpose, uint32_t epoch, uint32_t item);
uint32_t rng_u32(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* uniform in 0..n-1, unbiased; n >= 1 */
float rng_unit(struct rng *r);                 /* uniform in [0,1), 24 bits */
float rng_normal(struct rng *r);               /* N(0,1) by Box-Muller, no state kept between calls */

/* The bare function, for tests against published vectors and for kernels that draw many at once. */
void rng_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* permutation[0..n-1] = a random order of 0..n-1 (Fisher-Yates). */
void rng_permutation(struct rng *r, uint32_t n, uint32_t *permutation);

#endif
