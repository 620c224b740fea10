/* Chooses who runs a convolution: our Winograd kernels where they apply, else oneDNN. */
#include "darknet-ext/conv.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "darknet-ext/conv_onednn.h"
#include "darknet-ext/stem.h"
#include "darknet-ext/winograd.h"

struct conv {
    struct conv_shape shape;
    enum conv_direction direction;
    int block;
    struct onednn_conv *onednn; /* or NULL, then: */
    const struct winograd_kernels *winograd;
    struct winograd_shape pass; /* as a forward convolution */
    bool gathers;
    const struct stem_kernels *stem; /* or NULL; then: */
    struct stem_shape first;
};

static bool choice_is(const char *word)
{
    const char *choice = getenv(CONV_KERNELS);
    return !strcmp(choice ? choice : "auto", word);
}

static bool only_onednn(void)
{
    return choice_is("onednn");
}

static bool check_choice(struct err *err)
{
    return choice_is("auto") || choice_is("own") || choice_is("onednn") ||
           err_usage(err, CONV_KERNELS "=%.40s: not accepted; must be one of auto|onednn|own", getenv(CONV_KERNELS));
}

/* Beyond, the 36 sums of each pair of channels do not stay in the second-level cache. */
static bool has_many_pairs(const struct conv_shape *s)
{
    return (int64_t)s->ic * s->oc > 64 * 64;
}

bool conv_fills_tiles(const struct conv_shape *s)
{
    int rows = (s->oh + 3) / 4 * 4, columns = (s->ow + 3) / 4 * 4;
    return rows * columns <= 2 * s->oh * s->ow;
}

static bool has_winograd(const struct conv_shape *s, const struct kernels *k)
{
    return !only_onednn() && s->kh == 3 && s->kw == 3 && s->stride == 1 && s->pad <= 2 && s->groups == 1 &&
           s->ic % k->block == 0 && s->oc % k->block == 0 && !s->planar_source && !s->float_output;
}

/* Where oneDNN's gradient of each chunk is the alternative, tiles of which a quarter is used still pay. */
bool conv_gathers(const struct conv_shape *s, const struct kernels *k)
{
    int rows = (s->oh + 3) / 4 * 4, columns = (s->ow + 3) / 4 * 4;
    return has_winograd(s, k) && !s->bias && has_many_pairs(s) && rows * columns <= 4 * s->oh * s->ow;
}

static bool tiles_pay(const struct conv_shape *s)
{
    return conv_fills_tiles(s) || choice_is("own");
}

static bool winograd_applies(const struct conv_shape *s, enum conv_direction direction, const struct kernels *k)
{
    switch (direction) {
    case CONV_FORWARD:
    case CONV_BACKWARD_DATA: return has_winograd(s, k) && tiles_pay(s);
    case CONV_BACKWARD_WEIGHTS: return conv_gathers(s, k) || (has_winograd(s, k) && tiles_pay(s) && !s->bias);
    case CONV_GATHER: return true;
    }
    return false;
}

/* The input's gradient in a network's first layer. */
bool conv_writes_planar(const struct conv_shape *s, const struct kernels *k)
{
    return !only_onednn() && s->ic <= STEM_MOST_CHANNELS && s->groups == 1 && s->storage == STORAGE_F32 &&
           s->oc % k->block == 0;
}

static struct winograd_shape winograd_pass(const struct conv_shape *s, enum conv_direction direction)
{
    /* Outputs are kept for the backward pass. With more channels the arithmetic between hides the waiting, and what is
     * asked for at once fills the first-level cache. */
    bool cold = s->training && direction == CONV_FORWARD && s->oc <= 32;
    if (direction != CONV_BACKWARD_DATA)
        return (struct winograd_shape){ s->n,  s->ic,  s->ih,      s->iw,       s->oc,    s->oh,
                                        s->ow, s->pad, s->storage, s->epilogue, s->signs, cold };
    return (struct winograd_shape){ s->n,  s->oc,      s->oh,      s->ow,       s->ic,    s->ih,
                                    s->iw, 2 - s->pad, s->storage, s->epilogue, s->signs, cold };
}

bool conv_has_signs(const struct conv_shape *shape, enum conv_direction direction, const struct kernels *kernels)
{
    return direction != CONV_BACKWARD_WEIGHTS && winograd_applies(shape, direction, kernels);
}

bool conv_new(const struct conv_shape *shape, enum conv_direction direction, const struct kernels *kernels, int threads,
              struct conv **out, struct err *err)
{
    if (!check_choice(err))
        return false;
    struct conv *c = mem_alloc(1, sizeof *c);
    *c = (struct conv){ .shape = *shape, .direction = direction, .block = kernels->block };
    if (winograd_applies(shape, direction, kernels)) {
        c->winograd = kernels->winograd;
        c->pass = winograd_pass(shape, direction);
        c->gathers = direction >= CONV_BACKWARD_WEIGHTS && conv_gathers(shape, kernels);
        assert(c->gathers || direction != CONV_GATHER);
    } else if (direction == CONV_BACKWARD_DATA && shape->planar_source) {
        assert(conv_writes_planar(shape, kernels));
        const struct conv_shape *s = shape;
        c->stem = kernels->stem;
        c->first =
            (struct stem_shape){ s->n, s->ic, s->ih, s->iw, s->oc, s->oh, s->ow, s->kh, s->kw, s->stride, s->pad };
    } else if (!onednn_conv_new(shape, direction, kernels->block, threads, &c->onednn, err)) {
        free(c);
        return false;
    }
    *out = c;
    return true;
}

void conv_free(struct conv *c)
{
    if (c)
        onednn_conv_free(c->onednn);
    free(c);
}

size_t winograd_scratch_floats(const struct winograd_shape *s, int block)
{
    size_t channels = (size_t)s->ic + (size_t)(WINOGRAD_TOGETHER * block);
    return WINOGRAD_POINTS * (WINOGRAD_TILES * channels + WINOGRAD_PAD);
}

/* Odd, since at even numbers the 36 points of a tile fall into few sets of the first-level cache. Both measured. */
int winograd_gradient_group(const struct winograd_shape *s)
{
    return s->ic + s->oc <= 128 ? 33 : 21;
}

size_t winograd_gradient_scratch_floats(const struct winograd_shape *s)
{
    size_t ic = (size_t)s->ic, oc = (size_t)s->oc;
    return WINOGRAD_POINTS * ((size_t)winograd_gradient_group(s) * (ic + oc) + ic * oc);
}

size_t winograd_gathered_floats(const struct winograd_shape *s, int channels)
{
    size_t tiles = (size_t)s->n * (size_t)((s->oh + 3) / 4) * (size_t)((s->ow + 3) / 4);
    return (tiles + WINOGRAD_GATHERED - 1) / WINOGRAD_GATHERED * WINOGRAD_GATHERED_STEP * WINOGRAD_POINTS *
           (size_t)channels;
}

int winograd_shares(const struct winograd_shape *s, int block)
{
    int wide = WINOGRAD_PANEL * block;
    return (s->ic + wide - 1) / wide * ((s->oc + wide - 1) / wide);
}

size_t winograd_share_scratch_floats(int block)
{
    return (size_t)WINOGRAD_PANEL * WINOGRAD_PANEL * WINOGRAD_POINTS * (size_t)block * (size_t)block;
}

size_t stem_weight_floats(const struct stem_shape *s)
{
    return (size_t)s->kh * s->kw * s->oc * STEM_MOST_CHANNELS;
}

int stem_ring_rows(const struct stem_shape *s)
{
    return (s->kh - 1) / s->stride + 1;
}

int stem_ring_left(const struct stem_shape *s)
{
    return (s->kw - 1) / s->stride + 1;
}

/* The last vector of pixels begins within the picture; a tap shifts it by at most pad / stride + 1. */
int stem_ring_width(const struct stem_shape *s, int block)
{
    int seen = (s->iw - 1) / s->stride + 1 + block + s->pad / s->stride + 1;
    return stem_ring_left(s) + (seen > s->ow ? seen : s->ow);
}

size_t stem_scratch_floats(const struct stem_shape *s, int block)
{
    return (size_t)stem_ring_rows(s) * s->oc * stem_ring_width(s, block);
}

size_t conv_scratch_bytes(const struct conv *c)
{
    if (c->stem)
        return stem_scratch_floats(&c->first, c->block) * sizeof(float);
    if (c->onednn)
        return onednn_conv_scratch_bytes(c->onednn);
    if (c->gathers)
        return c->direction == CONV_GATHER ? 0 : sizeof(float) * winograd_share_scratch_floats(c->block);
    return sizeof(float) * (c->direction == CONV_BACKWARD_WEIGHTS ? winograd_gradient_scratch_floats(&c->pass)
                                                                  : winograd_scratch_floats(&c->pass, c->block));
}

/* Whether the weights are kept transformed: the gradient's are plain blocks. */
static bool transformed(const struct conv *c)
{
    return c->winograd && c->direction < CONV_BACKWARD_WEIGHTS;
}

size_t conv_weight_bytes(const struct conv *c)
{
    if (c->stem)
        return stem_weight_floats(&c->first) * sizeof(float);
    size_t pairs = (size_t)c->shape.ic * (size_t)c->shape.oc;
    return c->onednn ? onednn_conv_weight_bytes(c->onednn)
                     : pairs * sizeof(float) * (transformed(c) ? WINOGRAD_POINTS : 9);
}

const char *conv_describe(const struct conv *c)
{
    return c->onednn ? onednn_conv_describe(c->onednn) : c->stem ? "own stem" : "own winograd F(4x4,3x3)";
}

bool conv_uses_own(void)
{
    return !only_onednn();
}

bool conv_same_weights(const struct conv *a, const struct conv *b)
{
    return a->onednn && b->onednn && onednn_conv_same_weights(a->onednn, b->onednn);
}

void conv_run(const struct conv *c, struct conv_thread *t, int thread, void *source, void *weights, float *bias,
              void *destination, void *signs)
{
    if (c->onednn)
        onednn_conv_run(c->onednn, t, thread, source, weights, bias, destination);
    else if (c->stem)
        c->stem->backward(&c->first, destination, weights, source, conv_thread_scratch(t));
    else if (c->direction == CONV_BACKWARD_WEIGHTS)
        c->winograd->gradient->run(&c->pass, source, destination, weights, conv_thread_scratch(t));
    else if (c->direction == CONV_FORWARD)
        c->winograd->run(&c->pass, source, weights, bias, destination, signs, conv_thread_scratch(t));
    else
        c->winograd->run(&c->pass, destination, weights, NULL, source, signs, conv_thread_scratch(t));
}

size_t conv_gathered_bytes(const struct conv_shape *shape, const struct kernels *kernels, int images, bool gradients)
{
    assert(conv_gathers(shape, kernels));
    struct winograd_shape pass = winograd_pass(shape, CONV_GATHER);
    pass.n = images;
    return sizeof(float) * winograd_gathered_floats(&pass, gradients ? shape->oc : shape->ic);
}

void conv_gather(const struct conv *c, const void *source, const void *gradient, int first, int n, void *sources,
                 void *gradients)
{
    struct winograd_shape pass = c->pass;
    pass.n = n;
    c->winograd->gradient->gather(&pass, source, gradient, first, sources, gradients);
}

int conv_shares(const struct conv *c)
{
    return winograd_shares(&c->pass, c->block);
}

void conv_sum(const struct conv *c, struct conv_thread *t, const void *sources, const void *gradients, int n, int share,
              float *weights)
{
    struct winograd_shape pass = c->pass;
    pass.n = n;
    c->winograd->gradient->sum(&pass, sources, gradients, share, weights, conv_thread_scratch(t));
}

/* To a convolution of our own: first into blocks (the stem: plain), then transformed. */
struct conv_pack {
    struct onednn_pack *convert; /* NULL: already so */
    const struct conv *own;      /* NULL: the conversion is all */
    float *between;              /* NULL: no stop on the way */
    size_t floats;
};

static enum onednn_format format_of(const struct conv *c)
{
    return !c || c->stem    ? ONEDNN_PLAIN
           : c->onednn      ? ONEDNN_OF_CONV
           : c->block == 16 ? ONEDNN_BLOCKED_16
                            : ONEDNN_BLOCKED_8;
}

bool conv_pack_new(const struct conv *from, const struct conv *to, int threads, struct conv_pack **out, struct err *err)
{
    const struct conv_shape *shape = from ? &from->shape : &to->shape;
    struct conv_pack *p = mem_alloc(1, sizeof *p);
    p->own = to && (to->stem || transformed(to)) ? to : NULL;
    bool ready = format_of(from) == format_of(to) && !(from && from->onednn);
    if (p->own && !ready) {
        p->floats = (size_t)shape->oc * shape->ic * shape->kh * shape->kw;
        p->between = mem_big(p->floats, sizeof *p->between);
    }
    if (!(p->own && ready) && !onednn_pack_new(shape, from ? from->onednn : NULL, format_of(from),
                                               to ? to->onednn : NULL, format_of(to), threads, &p->convert, err)) {
        conv_pack_free(p);
        return false;
    }
    *out = p;
    return true;
}

void conv_pack_run(const struct conv_pack *p, struct conv_thread *t, int thread, void *from, void *to)
{
    if (p->convert)
        onednn_pack_run(p->convert, t, thread, from, p->between ? p->between : to);
    const float *w = p->between ? p->between : from;
    const struct conv *c = p->own;
    if (c && c->stem)
        c->stem->weights(&c->first, w, to);
    else if (c)
        c->winograd->weights(w, c->shape.oc, c->shape.ic, c->direction == CONV_BACKWARD_DATA, to);
}

void conv_pack_free(struct conv_pack *p)
{
    if (!p)
        return;
    onednn_pack_free(p->convert);
    mem_big_free(p->between, p->floats, sizeof *p->between);
    free(p);
}
