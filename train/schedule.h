/* The learning rate of every batch.
 *
 * Batches are counted from 1: the first update of a training is batch 1, because Darknet adds to `seen` before it asks
 * for the rate. So `steps=N` already holds for update N, and the first update of a burn-in gets (1/burn_in)^power.
 * Darknet's policies mean what they mean there; cosine and onecycle are ours and have a linear warm-up per batch. */
#ifndef MARGINALIA_TRAIN_SCHEDULE_H
#define MARGINALIA_TRAIN_SCHEDULE_H

#include <stdint.h>
#include "darknet-ext/cfg.h"

struct schedule {
    const struct net_cfg *cfg; /* borrowed */
    int64_t batches_per_epoch; /* >= 1 */
    int64_t total;             /* batches of the whole training, >= 1 */
};

/* The training is `epochs` long, or `max_batches`, or the shorter of both when the cfg gives both; 0 when it gives
 * neither. */
struct schedule schedule_new(const struct net_cfg *cfg, int64_t batches_per_epoch);

/* Learning rate of batch t = 1..total.
 *
 * W = warmup * batches_per_epoch (rounded) batches of warm-up, r = learning_rate, T = total:
 *   t <= W   r * t / W
 *   cosine   r * (1 + cos(pi * q)) / 2,   q = (t-1-W) / (T-W), so that batch W+1 gets r and no batch gets 0
 *   onecycle r * (1 - q): the triangle of Smith and Topin, "Super-convergence" (2018), without a change of momentum
 * sig is Darknet's formula on signed numbers: Darknet subtracts unsigned ones, which gives 0 before `step`. */
float schedule_rate(const struct schedule *s, int64_t t);

#endif
