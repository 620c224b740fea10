/* Rules between the keys of [net]. */
#include "darknet-ext/cfg_parts.h"

static bool check_batch(const struct cfg_place *at, const struct net_cfg *net)
{
    if (net->batch % net->subdivisions)
        return cfg_refuse(at, "subdivisions",
                          "batch=%d is not divisible by subdivisions=%d; Darknet would train with %d images",
                          net->batch, net->subdivisions, net->batch / net->subdivisions * net->subdivisions);
    if (net->c == 2)
        return cfg_refuse(at, "channels", "channels=2: images are grey or RGB; write 1 or 3");
    if ((int64_t)net->h * net->w * net->c * net->batch > INT32_MAX)
        return cfg_refuse(at, "batch", "a batch of %d images of %dx%dx%d is more than 2^31 numbers; make it smaller",
                          net->batch, net->w, net->h, net->c);
    return true;
}

static bool check_steps(const struct cfg_place *at, const struct net_keys *keys)
{
    const struct net_cfg *net = &keys->net;
    if (net->policy != LR_STEPS)
        return true;
    if (net->n_steps != keys->n_scales)
        return cfg_refuse(at, "scales", "%d steps but %d scales; give one scale for each step", net->n_steps,
                          keys->n_scales);
    for (int i = 1; i < net->n_steps; i++)
        if (net->steps[i] <= net->steps[i - 1])
            return cfg_refuse(at, "steps", "steps must grow, but %d follows %d; sort them", net->steps[i],
                              net->steps[i - 1]);
    return true;
}

static bool check_length(const struct cfg_place *at, const struct net_cfg *net)
{
    if (net->epochs && net->max_batches)
        return cfg_refuse(at, "max_batches", "epochs=%d and max_batches=%d both say how long to train; keep one",
                          net->epochs, net->max_batches);
    if (net->epochs && !(net->warmup < (float)net->epochs) && net->warmup > 0)
        return cfg_refuse(at, "warmup", "warmup=%g is not shorter than epochs=%d; shorten it", net->warmup,
                          net->epochs);
    if (net->max_batches && net->burn_in >= net->max_batches)
        return cfg_refuse(at, "burn_in", "burn_in=%d is not shorter than max_batches=%d; shorten it", net->burn_in,
                          net->max_batches);
    return true;
}

static bool check_augmentation(const struct cfg_place *at, const struct net_keys *keys)
{
    const struct net_cfg *net = &keys->net;
    if (net->random_resized_crop && net->crop_pad)
        return cfg_refuse(at, "crop_pad", "crop_pad= and random_resized_crop=1 are two ways to crop; keep one");
    if (net->crop_pad >= net->h || net->crop_pad >= net->w)
        return cfg_refuse(at, "crop_pad", "crop_pad=%d would crop images of %dx%d away; make it smaller", net->crop_pad,
                          net->w, net->h);
    if (keys->min_crop && keys->min_crop != net->w)
        return cfg_refuse(at, "min_crop",
                          "min_crop=%d is refused: Darknet's random scaling is not available; remove it and use "
                          "random_resized_crop=1 or crop_pad=",
                          keys->min_crop);
    if (keys->max_crop && keys->max_crop != net->w)
        return cfg_refuse(at, "max_crop",
                          "max_crop=%d is refused: Darknet's random scaling is not available; remove it and use "
                          "random_resized_crop=1 or crop_pad=",
                          keys->max_crop);
    return true;
}

static bool check_teacher(const struct cfg_place *at, const struct net_cfg *net)
{
    if (net->teacher && net->label_smoothing > 0)
        return cfg_refuse(at, "label_smoothing", "label_smoothing=%g and teacher= both soften the labels; keep one",
                          net->label_smoothing);
    return true;
}

bool cfg_check_net(const struct cfg_place *at, const struct net_keys *keys)
{
    const struct net_cfg *net = &keys->net;
    if (!check_batch(at, net) || !check_steps(at, keys) || !check_length(at, net) || !check_augmentation(at, keys) ||
        !check_teacher(at, net))
        return false;
    if (keys->inputs && keys->inputs != net->h * net->w * net->c)
        return cfg_refuse(at, "inputs", "inputs=%d differs from height*width*channels=%d; remove it", keys->inputs,
                          net->h * net->w * net->c);
    if (net->nesterov && net->momentum <= 0)
        return cfg_refuse(at, "nesterov", "nesterov=1 needs momentum above 0; set momentum=0.9 or nesterov=0");
    return true;
}
