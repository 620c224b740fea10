/* Shapes, parameters and multiply-adds of each layer as Darknet computes them, and the rules that keep them
 * meaningful. */
#include "darknet-ext/cfg_parts.h"

#include <stdlib.h>

static const int64_t max_macs = (int64_t)1 << 50; /* per image: months per training epoch */

static bool set_output(const struct cfg_place *at, struct layer_cfg *l, int64_t c, int64_t h, int64_t w)
{
    if (c < 1 || h < 1 || w < 1 || c > CFG_MAX_SHAPE || h > CFG_MAX_SHAPE || w > CFG_MAX_SHAPE)
        return cfg_refuse(at, NULL, "[%s] on %dx%dx%d would give %lldx%lldx%lld; each must be within 1..%d", l->type,
                          l->w, l->h, l->c, (long long)w, (long long)h, (long long)c, CFG_MAX_SHAPE);
    l->out_c = (int)c;
    l->out_h = (int)h;
    l->out_w = (int)w;
    return true;
}

/* biases; with batch normalisation also scales, mean and variance (the last two are stored, not learned) */
static void count_numbers(struct layer_cfg *l)
{
    int64_t outputs = l->out_c;
    l->parameters = l->weights + outputs * (l->batch_normalize ? 2 : 1);
    l->stored = l->weights + outputs * (l->batch_normalize ? 4 : 1);
}

static bool shape_convolutional(const struct cfg_place *at, struct layer_keys *keys)
{
    struct layer_cfg *l = &keys->layer;
    if (keys->pad_half) {
        if (cfg_find(at->section, "padding") && l->pad != l->size / 2)
            return cfg_refuse(at, "padding", "padding=%d, but pad=1 means size/2=%d; keep one", l->pad, l->size / 2);
        l->pad = l->size / 2;
    }
    if (l->pad >= l->size)
        return cfg_refuse(at, "padding",
                          "padding=%d is not smaller than size=%d, so border outputs would see no pixel; "
                          "lower it",
                          l->pad, l->size);
    if (l->c % l->groups || l->filters % l->groups)
        return cfg_refuse(at, "groups",
                          "groups=%d does not divide the %d input channels and %d filters; choose a common divisor",
                          l->groups, l->c, l->filters);
    int h = l->h + 2 * l->pad - l->size, w = l->w + 2 * l->pad - l->size;
    if (h < 0 || w < 0)
        return cfg_refuse(at, "size", "size=%d is larger than the padded %dx%d input; make it smaller", l->size,
                          l->w + 2 * l->pad, l->h + 2 * l->pad);
    if (!set_output(at, l, l->filters, h / l->stride + 1, w / l->stride + 1))
        return false;
    l->weights = (int64_t)l->filters * (l->c / l->groups) * l->size * l->size;
    count_numbers(l);
    return true;
}

static bool shape_connected(const struct cfg_place *at, struct layer_cfg *l)
{
    if (!set_output(at, l, l->filters, 1, 1))
        return false;
    l->weights = (int64_t)l->c * l->h * l->w * l->filters;
    count_numbers(l);
    return true;
}

/* A layer number from the file: relative when negative. Must name an earlier layer. */
static bool resolve_from(const struct cfg_place *at, const char *key, int i, int *from)
{
    int absolute = *from < 0 ? i + *from : *from;
    if (absolute < 0 || absolute >= i)
        return cfg_refuse(
            at, key, "%s=%d in layer %d points to layer %d, which is not before it; layers count from 0 after [net]",
            key, *from, i, absolute);
    *from = absolute;
    return true;
}

/* Darknet takes every stride-th pixel of the larger map, so one side must be a multiple of the other, alike in h and
 * w. */
static bool ratio_fits(int from_w, int from_h, int w, int h)
{
    if (from_w >= w)
        return from_w % w == 0 && from_h % h == 0 && from_w / w == from_h / h;
    return w % from_w == 0 && h % from_h == 0 && w / from_w == h / from_h;
}

static bool shape_shortcut(const struct cfg_place *at, const struct net_cfg *cfg, int i, struct layer_cfg *l)
{
    if (!resolve_from(at, "from", i, &l->from[0]))
        return false;
    const struct layer_cfg *from = &cfg->layers[l->from[0]];
    if (!ratio_fits(from->out_w, from->out_h, l->w, l->h))
        return cfg_refuse(at, "from",
                          "layer %d gives %dx%d, which is no whole multiple or fraction of the %dx%d here; "
                          "check the strides between them",
                          l->from[0], from->out_w, from->out_h, l->w, l->h);
    bool same = from->out_c == l->c && from->out_h == l->h && from->out_w == l->w;
    if (l->alpha != 1 && !same)
        return cfg_refuse(at, "alpha",
                          "alpha=%g between different shapes: Darknet's gradient does not match its output then; "
                          "leave alpha=1",
                          l->alpha);
    return set_output(at, l, l->c, l->h, l->w);
}

static bool shape_route(const struct cfg_place *at, const struct net_cfg *cfg, int i, struct layer_cfg *l)
{
    int64_t c = 0;
    for (int k = 0; k < l->n_from; k++) {
        if (!resolve_from(at, "layers", i, &l->from[k]))
            return false;
        const struct layer_cfg *first = &cfg->layers[l->from[0]], *from = &cfg->layers[l->from[k]];
        if (from->out_h != first->out_h || from->out_w != first->out_w)
            return cfg_refuse(at, "layers",
                              "layers %d and %d give %dx%d and %dx%d; only maps of one size can be joined", l->from[0],
                              l->from[k], first->out_w, first->out_h, from->out_w, from->out_h);
        c += from->out_c;
    }
    const struct layer_cfg *first = &cfg->layers[l->from[0]];
    return set_output(at, l, c, first->out_h, first->out_w);
}

/* True when the first and the last window along a side of n pixels hold at least one of them. */
static bool windows_see_pixels(int n, const struct layer_cfg *l)
{
    int before = l->pad / 2, last = (n + l->pad - l->size) / l->stride * l->stride - before;
    return l->size > before && last < n;
}

static bool shape_maxpool(const struct cfg_place *at, struct layer_cfg *l)
{
    if (!cfg_find(at->section, "padding"))
        l->pad = l->size - 1;
    int h = l->h + l->pad - l->size, w = l->w + l->pad - l->size;
    if (h < 0 || w < 0)
        return cfg_refuse(at, "size", "size=%d is larger than the padded %dx%d input; make it smaller", l->size,
                          l->w + l->pad, l->h + l->pad);
    if (!windows_see_pixels(l->h, l) || !windows_see_pixels(l->w, l))
        return cfg_refuse(at, "padding", "padding=%d puts whole windows outside the %dx%d input; lower it", l->pad,
                          l->w, l->h);
    return set_output(at, l, l->c, h / l->stride + 1, w / l->stride + 1);
}

static bool shape_batchnorm(const struct cfg_place *at, struct layer_cfg *l)
{
    l->parameters = l->c; /* scales; Darknet's file has no shift for this layer */
    l->stored = 3 * (int64_t)l->c;
    return set_output(at, l, l->c, l->h, l->w);
}

static bool shape_reorg(const struct cfg_place *at, struct layer_cfg *l)
{
    int64_t s = l->stride;
    if (l->c % (s * s) || (!l->reverse && (l->h % s || l->w % s)))
        return cfg_refuse(at, "stride",
                          "stride=%d: reorg needs channels (%d) divisible by its square and %dx%d by itself; "
                          "choose another",
                          l->stride, l->c, l->w, l->h);
    return l->reverse ? set_output(at, l, l->c / (s * s), l->h * s, l->w * s)
                      : set_output(at, l, l->c * s * s, l->h / s, l->w / s);
}

static bool has_weights_before(const struct net_cfg *cfg, int i)
{
    for (int k = 0; k < i; k++)
        if (cfg->layers[k].stored > 0)
            return true;
    return false;
}

/* [normalize] and [input_dropout] work on pixels: before anything is learned, once each. */
static bool check_input_layer(const struct cfg_place *at, const struct net_cfg *cfg, int i, const struct layer_cfg *l)
{
    if (has_weights_before(cfg, i))
        return cfg_refuse(at, NULL, "[%s] stands after a layer with weights; move it to the start", l->type);
    for (int k = 0; k < i; k++)
        if (cfg->layers[k].kind == l->kind)
            return cfg_refuse(at, NULL, "a second [%s] (the first is in line %d); keep one", l->type,
                              cfg->layers[k].line);
    return true;
}

static bool shape_normalize(const struct cfg_place *at, struct layer_keys *keys)
{
    struct layer_cfg *l = &keys->layer;
    if (keys->n_mean != l->c || keys->n_std != l->c)
        return cfg_refuse(at, keys->n_mean != l->c ? "mean" : "std",
                          "%d means and %d stds for %d channels; give one per channel", keys->n_mean, keys->n_std,
                          l->c);
    return set_output(at, l, l->c, l->h, l->w);
}

/* What the keys of [input_dropout] say together; l has its shape. */
static bool check_input_dropout(const struct cfg_place *at, const struct net_cfg *cfg, const struct layer_cfg *l)
{
    int side = l->block > 1 ? l->block : l->patch;
    if (l->samples > 1 && !l->at_test)
        return cfg_refuse(at, "samples", "samples=%d means nothing with at_test=0; set at_test=1 or remove it",
                          l->samples);
    if (l->block > 1 && l->patch > 1)
        return cfg_refuse(at, "patch", "block= and patch= are two ways to drop squares; keep one");
    if (side > l->h || side > l->w)
        return cfg_refuse(at, l->block > 1 ? "block" : "patch", "squares of %d pixels do not fit into %dx%d; make them "
                          "smaller", side, l->w, l->h);
    if (l->rescale && l->fill != DROPOUT_MEAN)
        return cfg_refuse(at, "rescale", "rescale=1 makes up for pixels that are 0, but fill=%s puts others in their "
                          "place; keep one", dropout_fill_name(l->fill));
    if (l->ramp > 0 && l->schedule == DROPOUT_CONSTANT)
        return cfg_refuse(at, "ramp", "ramp= means nothing with schedule=constant; set schedule=linear or remove it");
    if (l->schedule == DROPOUT_LINEAR && l->ramp <= 0 && cfg->epochs == 0)
        return cfg_refuse(at, "schedule", "schedule=linear over the whole training needs epochs= in [net]; add it, or "
                          "set ramp= to a number of epochs");
    return true;
}

static bool shape_by_kind(const struct cfg_place *at, struct net_cfg *cfg, int i, struct layer_keys *keys)
{
    struct layer_cfg *l = &keys->layer;
    switch (l->kind) {
    case LAYER_NORMALIZE:
        return check_input_layer(at, cfg, i, l) && shape_normalize(at, keys);
    case LAYER_INPUT_DROPOUT:
        return check_input_layer(at, cfg, i, l) && check_input_dropout(at, cfg, l) &&
               set_output(at, l, l->c, l->h, l->w);
    case LAYER_CONVOLUTIONAL:
        return shape_convolutional(at, keys);
    case LAYER_CONNECTED:
        return shape_connected(at, l);
    case LAYER_BATCHNORM:
        return shape_batchnorm(at, l);
    case LAYER_DROPOUT:
        if (i == 0)
            return cfg_refuse(
                at, NULL, "[dropout] as first layer: Darknet reads before its layer table there; use [input_dropout]");
        return set_output(at, l, l->c, l->h, l->w);
    case LAYER_ACTIVATION: case LAYER_SOFTMAX:
        return set_output(at, l, l->c, l->h, l->w);
    case LAYER_SHORTCUT:
        return shape_shortcut(at, cfg, i, l);
    case LAYER_MAXPOOL:
        return shape_maxpool(at, l);
    case LAYER_AVGPOOL:
        return set_output(at, l, l->c, 1, 1);
    case LAYER_ROUTE:
        return shape_route(at, cfg, i, l);
    case LAYER_DARKNET:
        return l->type[0] == 'r' ? shape_reorg(at, l)
                                 : set_output(at, l, l->c, (int64_t)l->h * l->stride, (int64_t)l->w * l->stride);
    }
    return false;
}

static bool check_sizes(const struct cfg_place *at, struct net_cfg *cfg, struct layer_cfg *l)
{
    int64_t outputs = (int64_t)l->out_c * l->out_h * l->out_w; /* at most 10^15 */
    int batch = cfg->batch / cfg->subdivisions;
    if (outputs > INT32_MAX / batch)
        return cfg_refuse(at, NULL,
                          "[%s] gives %lld numbers per image, more than 2^31 in a batch of %d; make it or the batch "
                          "smaller",
                          l->type, (long long)outputs, batch);
    if (l->stored > INT32_MAX || cfg->stored + l->stored > INT32_MAX)
        return cfg_refuse(at, NULL, "[%s] brings the network to %lld parameters, more than 2^31; make it smaller",
                          l->type, (long long)(cfg->stored + l->stored));
    l->macs = l->weights * (l->kind == LAYER_CONVOLUTIONAL ? (int64_t)l->out_h * l->out_w : 1);
    if (l->macs > max_macs - cfg->macs)
        return cfg_refuse(at, NULL, "[%s] brings the network over 10^15 multiply-adds per image; make it smaller",
                          l->type);
    cfg->parameters += l->parameters;
    cfg->stored += l->stored;
    cfg->macs += l->macs;
    return true;
}

bool cfg_shape_layer(const struct cfg_place *at, struct net_cfg *cfg, int i, struct layer_keys *keys)
{
    struct layer_cfg *l = &keys->layer, *before = i ? &cfg->layers[i - 1] : NULL;
    l->c = before ? before->out_c : cfg->c;
    l->h = before ? before->out_h : cfg->h;
    l->w = before ? before->out_w : cfg->w;
    if (before && before->kind == LAYER_SOFTMAX)
        return cfg_refuse(at, NULL, "[%s] stands after [softmax] of line %d; [softmax] must be the last section",
                          l->type, before->line);
    if (!shape_by_kind(at, cfg, i, keys) || !check_sizes(at, cfg, l))
        return false;
    cfg->has_darknet_layer |= l->kind == LAYER_DARKNET;
    cfg->layers[i] = *l;
    return true;
}

bool cfg_check_network(const struct cfg_place *last, struct net_cfg *cfg)
{
    const struct layer_cfg *l = &cfg->layers[cfg->n - 1];
    if (l->out_h != 1 || l->out_w != 1)
        return cfg_refuse(last, NULL,
                          "the last layer gives a %dx%d map for each class instead of one number; put [avgpool] or "
                          "[connected] before it",
                          l->out_w, l->out_h);
    if (l->out_c < 2)
        return cfg_refuse(last, NULL,
                          "the network has one output; a classifier needs one for each of at least 2 classes");
    if (cfg->stored == 0)
        return cfg_refuse(last, NULL,
                          "no layer has weights, so there is nothing to train; add [convolutional] or [connected]");
    cfg->classes = l->out_c;
    return true;
}
