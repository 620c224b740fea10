#include "datasets/planted.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/readers.h"

/* Sub-streams of RNG_PLANTED: the order of shapes in a block (item = block), the label and its codes, the picture. */
enum {
    STREAM_BLOCK = RNG_PLANTED | 1 << 8,
    STREAM_CODES = RNG_PLANTED | 2 << 8,
    STREAM_PICTURE = RNG_PLANTED | 3 << 8
};

const char *const planted_shape_names[PLANTED_MAX_CLASSES] = {
    "disc", "square", "triangle", "ring", "cross", "bars", "star", "crescent", "frame", "dumbbell",
};

/* Border colour of each class: far apart, and all of them different from the middle greys of the background. */
static const uint8_t code_colour[PLANTED_MAX_CLASSES][3] = {
    { 230, 25, 25 },  { 25, 200, 40 },   { 30, 60, 235 }, { 240, 225, 30 }, { 220, 30, 220 },
    { 30, 215, 225 }, { 250, 250, 250 }, { 5, 5, 5 },     { 250, 130, 0 },  { 110, 50, 10 },
};

/* ---- labels and codes ---- */

/* What image i is, before any pixel is drawn. */
struct codes {
    int shape, label, border, texture, brightness;
};

static int other_class(struct rng *r, int k, int classes)
{
    int other = (int)rng_below(r, (uint32_t)classes - 1);
    return other + (other >= k);
}

static int cue_code(struct rng *r, double cue, int label, int classes)
{
    bool own = rng_unit(r) < cue;
    int any = (int)rng_below(r, (uint32_t)classes);
    return own ? label : any;
}

static double cue_in(const struct planted *p, enum split split, double cue)
{
    return split == SPLIT_TEST && cue > 0 && p->cue_in_test >= 0 ? p->cue_in_test : cue;
}

static struct codes draw_codes(const struct planted *p, int classes, enum split split, int64_t i)
{
    uint32_t order[PLANTED_MAX_CLASSES];
    struct rng block = rng_stream((uint64_t)p->seed, STREAM_BLOCK, split, (uint32_t)(i / classes));
    rng_permutation(&block, (uint32_t)classes, order);
    struct rng r = rng_stream((uint64_t)p->seed, STREAM_CODES, split, (uint32_t)i);
    struct codes codes;
    codes.shape = (int)order[i % classes];
    bool wrong = rng_unit(&r) < p->label_noise && split == SPLIT_TRAIN;
    int other = other_class(&r, codes.shape, classes);
    codes.label = wrong ? other : codes.shape;
    codes.border = cue_code(&r, cue_in(p, split, p->border_cue), codes.label, classes);
    codes.texture = cue_code(&r, cue_in(p, split, p->texture_cue), codes.label, classes);
    codes.brightness = cue_code(&r, cue_in(p, split, p->property_cue), codes.label, classes);
    return codes;
}

int planted_label(const struct planted *p, int classes, enum split split, int64_t i, int *shape)
{
    struct codes codes = draw_codes(p, classes, split, i);
    if (shape)
        *shape = codes.shape;
    return codes.label;
}

/* ---- shapes: (u,v) in units of the radius of the disc of equal area ---- */

static bool in_triangle(float u, float v)
{
    const float inradius = 0.7776f; /* equilateral, area 3 sqrt(3) inradius^2 = pi */
    return v <= inradius && fabsf(u) * 0.8660254f - v * 0.5f <= inradius;
}

static bool in_cross(float u, float v)
{
    const float arm = 1.189f, half = 0.396f; /* five squares of side 0.7927: area pi */
    float a = fabsf(u), b = fabsf(v);
    return (a <= arm && b <= half) || (b <= arm && a <= half);
}

/* A pentagram: inside at least four of the five half-planes that its edges bound. */
static bool in_star(float u, float v)
{
    static const float normal[5][2] = {
        { 1, 0 }, { 0.30902f, 0.95106f }, { -0.80902f, 0.58779f }, { -0.80902f, -0.58779f }, { 0.30902f, -0.95106f }
    };
    int inside = 0;
    for (int k = 0; k < 5; k++)
        inside += u * normal[k][0] + v * normal[k][1] <= 0.517f;
    return inside >= 4;
}

static bool in_crescent(float u, float v)
{
    float cut = (u - 0.75f) * (u - 0.75f) + v * v;
    return u * u + v * v <= 1.33f * 1.33f && cut > 0.99f * 0.99f;
}

bool planted_inside(int k, float u, float v)
{
    float radius2 = u * u + v * v, a = fabsf(u), b = fabsf(v), side = a > b ? a : b;
    switch (k) {
    case 0: return radius2 <= 1;
    case 1: return side <= 0.8862f;
    case 2: return in_triangle(u, v);
    case 3: return radius2 <= 1.25f * 1.25f && radius2 >= 0.75f * 0.75f;
    case 4: return in_cross(u, v);
    case 5: return b <= 1.15f && ((a >= 0.39f && a <= 1.073f));
    case 6: return in_star(u, v);
    case 7: return in_crescent(u, v);
    case 8: return side <= 1.1f && side >= 0.652f;
    case 9: return (a - 0.85f) * (a - 0.85f) + v * v <= 0.691f * 0.691f || (a <= 0.85f && b <= 0.2f);
    }
    return false;
}

const float planted_shape_reach[PLANTED_MAX_CLASSES] = { 1,     1.26f, 1.56f, 1.26f, 1.26f,
                                                         1.58f, 1.68f, 1.34f, 1.56f, 1.55f };
static const float largest_reach = 1.68f; /* rules the position of all, so that it tells nothing about the class */

/* ---- the picture ---- */

struct picture {
    int h, w, border, shape, texture;
    float background[3], contrast[3], shape_colour[3]; /* 0..255 */
    float y, x, radius, cosine, sine;                  /* the shape, px */
    float phase_y, phase_x, wave_number;               /* the texture, radians and radians per px */
    float noise;                                       /* standard deviation, 0..255 */
};

static float between(struct rng *r, float low, float high)
{
    return low + (high - low) * rng_unit(r);
}

/* A shape colour that a person tells from the background. */
static void draw_colours(struct picture *g, struct rng *r)
{
    for (int c = 0; c < 3; c++) {
        g->background[c] = between(r, 50, 205);
        g->contrast[c] = between(r, 14, 30) * (rng_u32(r) & 1 ? 1.0f : -1.0f);
    }
    float distance2;
    do {
        distance2 = 0;
        for (int c = 0; c < 3; c++) {
            g->shape_colour[c] = between(r, 0, 255);
            float d = g->shape_colour[c] - g->background[c];
            distance2 += d * d;
        }
    } while (distance2 < 110 * 110);
}

static struct picture draw_picture(const struct planted *p, struct codes codes, struct rng *r, int h, int w)
{
    static const float wavelength[3] = { 5, 9, 3 }; /* px of a 32-pixel image */
    int side = h < w ? h : w;
    float room = (float)(side - 2 * (int)p->border_width);
    struct picture g = {
        .h = h, .w = w, .border = (int)p->border_width, .shape = codes.shape, .texture = codes.texture
    };
    draw_colours(&g, r);
    g.radius = between(r, 0.18f, 0.29f) * room;
    float margin = (float)g.border + g.radius * largest_reach;
    g.y = between(r, margin, (float)h - margin);
    g.x = between(r, margin, (float)w - margin);
    float angle = between(r, 0, 6.2831853f);
    g.cosine = cosf(angle);
    g.sine = sinf(angle);
    g.phase_y = between(r, 0, 6.2831853f);
    g.phase_x = between(r, 0, 6.2831853f);
    g.wave_number = 6.2831853f * 32 / (wavelength[codes.texture / 4] * (float)side);
    g.noise = (float)p->noise * 255;
    return g;
}

/* wave[w] = the texture in row y, -1..1: stripes across, stripes upright, chequers or slanted chequers. None of them
 * changes its kind when the image is mirrored, so flipping keeps the code. */
static void texture_row(const struct picture *g, int y, const float *across, float *wave)
{
    float down = sinf(g->wave_number * (float)y + g->phase_y);
    int kind = g->texture % 4;
    for (int x = 0; x < g->w; x++)
        wave[x] = kind == 0 ? down : kind == 1 ? across[x] : kind == 2 ? down * across[x] : (down + across[x]) / 2;
}

/* cover[w] = the part of each pixel of row y that the shape covers, 0..1, from four samples. */
static void shape_row(const struct picture *g, int y, float *cover)
{
    float extent = g->radius * planted_shape_reach[g->shape], dy = (float)y + 0.5f - g->y;
    int first = (int)floorf(g->x - extent), last = (int)ceilf(g->x + extent);
    memset(cover, 0, (size_t)g->w * sizeof *cover);
    if (fabsf(dy) > extent + 1)
        return;
    for (int x = first > 0 ? first : 0; x < g->w && x <= last; x++) {
        for (int sample = 0; sample < 4; sample++) {
            float px = ((float)x + 0.25f + 0.5f * (float)(sample & 1) - g->x) / g->radius;
            float py = (dy - 0.25f + 0.5f * (float)(sample >> 1)) / g->radius;
            cover[x] += 0.25f * planted_inside(g->shape, g->cosine * px + g->sine * py, g->cosine * py - g->sine * px);
        }
    }
}

/* Nearly normal, mean 0, variance 1: the sum of four uniform bytes (Irwin-Hall), at one random word each. */
static float fast_normal(struct rng *r)
{
    uint32_t word = rng_u32(r);
    int sum = (int)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
    return (float)(sum - 510) * (1 / 147.8f);
}

static uint8_t to_byte(float x)
{
    return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5f);
}

/* One row of one channel: background, shape over it, border over both, noise over all. */
static void paint_row(const struct picture *g, int c, int y, const float *wave, const float *cover, float border_colour,
                      struct rng *r, uint8_t *row)
{
    int edge = y < g->border || y >= g->h - g->border ? g->w : g->border; /* columns of the border at either side */
    for (int x = 0; x < g->w; x++) {
        float behind = g->background[c] + g->contrast[c] * wave[x];
        float value = behind + cover[x] * (g->shape_colour[c] - behind);
        if (x < edge || x >= g->w - edge)
            value = border_colour;
        row[x] = to_byte(value + g->noise * fast_normal(r));
    }
}

/* From dark to light, not so far that shapes drown in black or white. */
double planted_brightness(int k, int classes)
{
    const double darkest = 75, lightest = 180;
    return darkest + (lightest - darkest) * k / (classes - 1);
}

/* The mean luma of pixels whose values are counted by channel, once `shift` was added to each value and the sum clipped
 * to 0..255. */
static double shifted_luma(const int64_t count[3][256], int64_t pixels, int shift)
{
    static const int weight[3] = { 299, 587, 114 }; /* thousandths */
    int64_t sum = 0;
    for (int c = 0; c < 3; c++)
        for (int value = 0; value < 256; value++) {
            int moved = value + shift;
            sum += weight[c] * count[c][value] * (moved < 0 ? 0 : moved > 255 ? 255 : moved);
        }
    return (double)sum / 1000 / (double)pixels;
}

/* Adds the same to all values of pixels[3,plane], so that their mean luma is the stated one or less than one step below
 * it. */
static void shift_brightness(double luma, uint8_t *pixels, size_t plane)
{
    int64_t count[3][256] = { { 0 } };
    int low = -255, high = 255; /* the luma rises with the shift; it is at most the wanted one at `low` */
    for (size_t i = 0; i < 3 * plane; i++)
        count[i / plane][pixels[i]]++;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (shifted_luma((const int64_t(*)[256])count, (int64_t)plane, middle) <= luma)
            low = middle;
        else
            high = middle;
    }
    for (size_t i = 0; i < 3 * plane; i++)
        pixels[i] = to_byte((float)(pixels[i] + low));
}

void planted_draw(const struct planted *p, int classes, enum split split, int64_t i, int h, int w, uint8_t *pixels)
{
    enum { MAX_SIDE = 4096 };
    assert(h >= 16 && w >= 16 && h <= MAX_SIDE && w <= MAX_SIDE);
    float across[MAX_SIDE], wave[MAX_SIDE], cover[MAX_SIDE];
    struct codes codes = draw_codes(p, classes, split, i);
    struct rng r = rng_stream((uint64_t)p->seed, STREAM_PICTURE, split, (uint32_t)i);
    struct picture g = draw_picture(p, codes, &r, h, w);
    for (int x = 0; x < w; x++)
        across[x] = sinf(g.wave_number * (float)x + g.phase_x);
    for (int y = 0; y < h; y++) {
        texture_row(&g, y, across, wave);
        shape_row(&g, y, cover);
        for (int c = 0; c < 3; c++)
            paint_row(&g, c, y, wave, cover, code_colour[codes.border][c], &r, pixels + ((size_t)c * h + y) * w);
    }
    if (p->property_cue > 0)
        shift_brightness(planted_brightness(codes.brightness, classes), pixels, (size_t)h * (size_t)w);
}

/* ---- as a data set ---- */

struct planted_set {
    struct planted knobs;
};

static int set_label(const struct dataset *ds, enum split split, int64_t i)
{
    const struct planted_set *s = ds->self;
    return planted_label(&s->knobs, ds->classes, split, i, NULL);
}

static bool set_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    (void)err;
    const struct planted_set *s = ds->self;
    *out = (struct image8){ 3, ds->h, ds->w, mem_alloc((size_t)ds->h * (size_t)ds->w, 3) };
    planted_draw(&s->knobs, ds->classes, split, i, ds->h, ds->w, out->pixels);
    return true;
}

static char *set_where(const struct dataset *ds, enum split split, int64_t i)
{
    return mem_format("%s %s#%lld", ds->name, split == SPLIT_TRAIN ? "train" : "test", (long long)i);
}

/* Over what defines every image: the generator's version and its knobs. What is not used is not named, so that a set
 * keeps its hash when the generator learns something new. */
static bool set_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    (void)err;
    const struct planted *p = &((const struct planted_set *)ds->self)->knobs;
    char *property = p->property_cue > 0 ? mem_format(", property %.17g", p->property_cue) : mem_string("");
    char *text = mem_format(
        "planted 1: %d x %d, %d classes, %lld + %lld images, seed %lld, border %lld px %.17g, texture %.17g, "
        "in test %.17g, label noise %.17g, noise %.17g%s",
        ds->h, ds->w, ds->classes, (long long)p->n_train, (long long)p->n_test, (long long)p->seed,
        (long long)p->border_width, p->border_cue, p->texture_cue, p->cue_in_test, p->label_noise, p->noise, property);
    struct sha256 *sum = sha256_new();
    sha256_add(sum, text, strlen(text));
    sha256_finish(sum, hex);
    free(text);
    free(property);
    return true;
}

static void set_close(struct dataset *ds)
{
    free(ds->self);
    ds->self = NULL;
}

bool planted_open(const struct descriptor *d, struct dataset *ds, struct err *err)
{
    if (!dataset_set_classes(d, ds, (int)d->classes, planted_shape_names, err))
        return false;
    struct planted_set *s = mem_alloc(1, sizeof *s);
    s->knobs = d->planted;
    ds->self = s;
    ds->count[SPLIT_TRAIN] = d->planted.n_train;
    ds->count[SPLIT_TEST] = d->planted.n_test;
    ds->label = set_label;
    ds->read = set_read;
    ds->where = set_where;
    ds->hash = set_hash;
    ds->close = set_close;
    return true;
}
