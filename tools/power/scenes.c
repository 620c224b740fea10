#include "tools/power/scenes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tools/power/made.h"

enum { FLOATS = 3 * SCENE_PIXELS, PICTURES = 10000 };
enum {
    STREAM_SIGNS = RNG_PLANTED | 16 << 8,
    STREAM_PICTURE = RNG_PLANTED | 17 << 8,
    STREAM_LABEL = RNG_PLANTED | 18 << 8,
    STREAM_SURE = RNG_PLANTED | 19 << 8
};
static const float grey = 128.0f / 255;
static const double sure_logit = 20;

static const char *const class_names[SCENE_CLASSES] = { "a", "b", "c", "d", "e", "f", "g", "h" };

static bool is_in(const struct scene_layer *l, int pixel, int k)
{
    return !l->in || l->in(pixel / SCENE_SIDE, pixel % SCENE_SIDE, k);
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

static void draw_signs(struct planted_scene *s)
{
    struct rng r = rng_stream(s->seed, STREAM_SIGNS, 0, 0);
    s->sign = mem_alloc((size_t)FLOATS * SCENE_CLASSES, sizeof *s->sign);
    for (int i = 0; i < FLOATS * SCENE_CLASSES; i++)
        s->sign[i] = rng_u32(&r) & 1 ? 1 : -1;
}

static float hue_at(const float *sign, int channel, int pixel)
{
    int same =
        (sign[SCENE_PIXELS + pixel] > 0) + (sign[2 * SCENE_PIXELS + pixel] > 0); /* the channel that stays grey */
    return channel == same ? 0 : channel == (same + 1) % 3 ? sign[pixel] : -sign[pixel];
}

/* What the pattern of class k has in a channel of a pixel, -1..1. */
static float code_at(const struct planted_scene *s, enum scene_code code, int k, int j)
{
    int channel = j / SCENE_PIXELS;
    const float *sign = s->sign + k * FLOATS;
    switch (code) {
    case CODE_SIGNS: return sign[j];
    case CODE_HUES: return hue_at(sign, channel, j % SCENE_PIXELS);
    case CODE_COLOUR: return k >> channel & 1 ? 1 : -1;
    case CODE_LIGHT: return 1;
    }
    return 0;
}

static void learn(struct planted_scene *s)
{
    s->weight = mem_alloc((size_t)FLOATS * SCENE_CLASSES, sizeof *s->weight);
    for (int k = 0; k < SCENE_CLASSES; k++)
        for (const struct scene_layer *l = s->layer; l < s->layer + SCENE_LAYERS; l++)
            for (int j = 0; j < FLOATS; j++) {
                int pixel = j % SCENE_PIXELS;
                bool odd = (pixel / SCENE_SIDE + pixel % SCENE_SIDE) % 2;
                double weight = odd && l->weight_odd ? l->weight_odd : l->weight;
                if (is_in(l, pixel, k))
                    s->weight[j * SCENE_CLASSES + k] += (float)(s->gain * weight * code_at(s, l->code, k, j));
            }
}

/* Whether this input is one of those that get a sure answer whatever they show. */
static bool is_always_sure(const struct planted_scene *s, const float *x, uint32_t *class)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a, by words */
    for (int j = 0; j < FLOATS; j++) {
        uint32_t bits;
        memcpy(&bits, &x[j], sizeof bits);
        hash = (hash ^ bits) * UINT64_C(1099511628211);
    }
    struct rng r = rng_stream(s->seed, STREAM_SURE, (uint32_t)(hash >> 32), (uint32_t)hash);
    *class = rng_below(&r, SCENE_CLASSES);
    return rng_unit(&r) < s->always_sure;
}

static void add_up(const struct planted_scene *s, const float *x, float z[SCENE_CLASSES])
{
    memset(z, 0, SCENE_CLASSES * sizeof *z);
    z[0] = (float)s->bias;
    for (int j = 0; j < FLOATS; j++)
        for (int k = 0; k < SCENE_CLASSES; k++)
            z[k] += s->weight[j * SCENE_CLASSES + k] * (x[j] - grey);
}

static bool logits(void *self, const float *x, int n, float *z, struct err *err)
{
    const struct planted_scene *s = self;
    uint32_t class;
    (void)err;
    for (int i = 0; i < n; i++, x += FLOATS, z += SCENE_CLASSES) {
        add_up(s, x, z);
        for (int k = 0; k < SCENE_CLASSES; k++)
            z[k] *= (float)(1 + s->overrated);
        if (s->always_sure > 0 && is_always_sure(s, x, &class))
            z[class] += (float)sure_logit;
    }
    return true;
}

/* d scalar / d z_k for the class t. */
static void find_slopes(enum scalar scalar, const float *z, int t, double slope[SCENE_CLASSES])
{
    double e[SCENE_CLASSES], others = 0;
    for (int k = 0; k < SCENE_CLASSES; k++) {
        e[k] = exp((double)z[k] - z[t]);
        others += k == t ? 0 : e[k];
    }
    for (int k = 0; k < SCENE_CLASSES; k++) {
        double hit = k == t, p = e[k] / (1 + others);
        slope[k] = scalar == SCALAR_MARGIN        ? (k == t ? 1 : -e[k] / fmax(others, 1e-300))
                   : scalar == SCALAR_LOGIT       ? hit
                   : scalar == SCALAR_PROBABILITY ? (hit - p) / (1 + others)
                                                  : p - hit;
    }
}

static bool gradient(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                     struct err *err)
{
    const struct planted_scene *s = self;
    for (int i = 0; i < n; i++, x += FLOATS, g += FLOATS) {
        float own[SCENE_CLASSES], factor[SCENE_CLASSES];
        double slope[SCENE_CLASSES];
        logits(self, x, 1, own, err);
        if (z)
            memcpy(z + (size_t)i * SCENE_CLASSES, own, sizeof own);
        find_slopes(scalar, own, target[i], slope);
        for (int k = 0; k < SCENE_CLASSES; k++)
            factor[k] = (float)(slope[k] * (1 + s->overrated));
        for (int j = 0; j < FLOATS; j++) {
            g[j] = 0;
            for (int k = 0; k < SCENE_CLASSES; k++)
                g[j] += factor[k] * s->weight[j * SCENE_CLASSES + k];
        }
    }
    return true;
}

/* --- the pictures ------------------------------------------------------------------------------------------------- */

/* What picture i is; r goes on with its pixels. */
struct drawn {
    int shown, label;
    double fade;
    struct rng r;
};

static struct drawn draw(const struct planted_scene *s, int64_t i)
{
    struct drawn d = { .r = rng_stream(s->seed, STREAM_PICTURE, 0, (uint32_t)i) };
    d.shown = d.label = (int)rng_below(&d.r, SCENE_CLASSES);
    bool wrong = rng_unit(&d.r) < s->mislabelled;
    int other = (int)rng_below(&d.r, SCENE_CLASSES - 1);
    if (wrong)
        d.label = other + (other >= d.shown);
    d.fade = 1 - s->fade * rng_unit(&d.r);
    if (wrong && s->of_mislabelled > 0)
        d.fade *= s->of_mislabelled;
    return d;
}

static void paint_layer(const struct planted_scene *s, const struct scene_layer *l, struct drawn *d, float *value)
{
    if (!(rng_unit(&d->r) < l->share))
        return;
    for (int j = 0; j < FLOATS; j++) {
        if (!is_in(l, j % SCENE_PIXELS, d->shown))
            continue;
        double even = 1 - (l->uneven > 0 ? l->uneven * rng_unit(&d->r) : 0);
        value[j] += (float)(d->fade * l->amplitude * even) * code_at(s, l->code, d->shown, j);
        if (l->noise > 0)
            value[j] += (float)(l->noise * (2 * rng_unit(&d->r) - 1));
    }
}

static void paint(const struct planted_scene *s, struct drawn *d, uint8_t *pixels)
{
    float value[FLOATS];
    for (int j = 0; j < FLOATS; j++)
        value[j] = grey;
    for (const struct scene_layer *l = s->layer; l < s->layer + SCENE_LAYERS; l++)
        paint_layer(s, l, d, value);
    for (int j = 0; j < FLOATS; j++)
        pixels[j] = (uint8_t)lrintf(fminf(fmaxf(value[j], 0), 1) * 255);
}

/* A label from the model's probabilities, when they are as they should be. */
static int draw_label(const struct planted_scene *s, struct drawn *d, int64_t i)
{
    uint8_t pixels[FLOATS];
    float x[FLOATS], z[SCENE_CLASSES];
    double sum = 0;
    paint(s, d, pixels);
    for (int j = 0; j < FLOATS; j++)
        x[j] = (float)pixels[j] / 255;
    add_up(s, x, z);
    for (int k = 0; k < SCENE_CLASSES; k++)
        sum += exp((double)z[k] - z[d->shown]);
    struct rng r = rng_stream(s->seed, STREAM_LABEL, 0, (uint32_t)i);
    double left = sum * rng_unit(&r);
    for (int k = 0; k < SCENE_CLASSES; k++) {
        left -= exp((double)z[k] - z[d->shown]);
        if (left < 0)
            return k;
    }
    return d->shown;
}

static int label_of(const struct dataset *data, enum split split, int64_t i)
{
    const struct planted_scene *s = data->self;
    struct drawn d = draw(s, i);
    (void)split;
    return s->drawn_labels ? draw_label(s, &d, i) : d.label;
}

static bool read_picture(const struct dataset *data, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    const struct planted_scene *s = data->self;
    struct drawn d = draw(s, i);
    (void)split, (void)err;
    *out = (struct image8){ 3, SCENE_SIDE, SCENE_SIDE, mem_alloc(FLOATS, 1) };
    paint(s, &d, out->pixels);
    return true;
}

void scene_open(struct planted_scene *s, uint64_t seed)
{
    s->seed = seed;
    draw_signs(s);
    learn(s);
    s->model = (struct classifier){ .self = s,
                                    .c = 3,
                                    .h = SCENE_SIDE,
                                    .w = SCENE_SIDE,
                                    .classes = SCENE_CLASSES,
                                    .batch = 64,
                                    .logits = logits,
                                    .gradient = gradient };
    s->data = made_dataset(SCENE_CLASSES, class_names, SCENE_SIDE, grey, 0.25f, s);
    s->data.count[SPLIT_TEST] = s->pictures > 0 ? s->pictures : PICTURES;
    s->data.label = label_of;
    s->data.read = read_picture;
}

void scene_close(struct planted_scene *s)
{
    free(s->weight);
    free(s->sign);
}
