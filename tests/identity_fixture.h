/* The identity of a made-up search, without the library of tests, so that fuzz targets have it, too. */
#ifndef MARGINALIA_TESTS_IDENTITY_FIXTURE_H
#define MARGINALIA_TESTS_IDENTITY_FIXTURE_H

#include <string.h>

#include "validate/sis/store.h"

/* Pictures of h x w pixels, n of them with these numbers, in one shard, at one threshold. What a test wants otherwise
 * it sets. */
static inline struct sis_identity identity_of(int h, int w, const int64_t *images, int n)
{
    struct sis_identity d = { .model = "runs/a",
                              .data = "cifar10",
                              .split = "test",
                              .h = h,
                              .w = w,
                              .k = 3,
                              .settings = { SIS_GRADIENT, SIS_MARGIN, 2, 32 },
                              .target = "predicted",
                              .baseline = "mean",
                              .seed = 7,
                              .n_thresholds = 1,
                              .threshold = { 0.5 },
                              .collection = true,
                              .n_images = n,
                              .shard = 1,
                              .shards = 1 };

    memset(d.weights, 'a', SHA256_HEX - 1);
    memset(d.cfg, 'b', SHA256_HEX - 1);
    memset(d.data_hash, 'c', SHA256_HEX - 1);
    sis_images_hash(images, n, d.images);
    return d;
}

#endif
