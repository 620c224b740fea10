#include "train/schedule.h"

#include <assert.h>
#include <math.h>

struct schedule schedule_new(const struct net_cfg *cfg, int64_t batches_per_epoch)
{
    int64_t by_epochs = cfg->epochs * batches_per_epoch;
    int64_t total = cfg->epochs > 0 ? by_epochs : cfg->max_batches;

    assert(batches_per_epoch >= 1);
    if (cfg->max_batches > 0 && cfg->max_batches < total)
        total = cfg->max_batches;
    return (struct schedule){ .cfg = cfg, .batches_per_epoch = batches_per_epoch, .total = total };
}

static double rate_steps(const struct net_cfg *cfg, int64_t t)
{
    double rate = cfg->learning_rate;

    for (int i = 0; i < cfg->n_steps && cfg->steps[i] <= t; i++)
        rate *= cfg->scales[i];
    return rate;
}

static double rate_poly(const struct schedule *s, int64_t t)
{
    int64_t end = s->cfg->max_batches > 0 ? s->cfg->max_batches : s->total;

    return s->cfg->learning_rate * pow(1 - (double)t / (double)end, s->cfg->power);
}

/* cosine and onecycle */
static double rate_warmed(const struct schedule *s, int64_t t)
{
    double r = s->cfg->learning_rate;
    int64_t warm = llround(s->cfg->warmup * (double)s->batches_per_epoch);

    if (t <= warm)
        return r * (double)t / (double)warm;
    double q = (double)(t - 1 - warm) / (double)(s->total - warm);
    return s->cfg->policy == LR_COSINE ? r * (1 + cos(M_PI * q)) / 2 : r * (1 - q);
}

static double rate_by_policy(const struct schedule *s, int64_t t)
{
    const struct net_cfg *cfg = s->cfg;
    double r = cfg->learning_rate;

    switch (cfg->policy) {
    case LR_CONSTANT: return r;
    case LR_STEP:     return r * pow(cfg->scale, (double)(t / cfg->step));
    case LR_STEPS:    return rate_steps(cfg, t);
    case LR_EXP:      return r * pow(cfg->gamma, (double)t);
    case LR_POLY:     return rate_poly(s, t);
    case LR_SIG:      return r / (1 + exp(cfg->gamma * (double)(t - cfg->step)));
    case LR_COSINE:
    case LR_ONECYCLE: return rate_warmed(s, t);
    }
    assert(!"a policy of cfg.h");
    return 0;
}

float schedule_rate(const struct schedule *s, int64_t t)
{
    assert(t >= 1);
    if (t < s->cfg->burn_in)
        return (float)(s->cfg->learning_rate * pow((double)t / s->cfg->burn_in, s->cfg->power));
    return (float)rate_by_policy(s, t);
}
