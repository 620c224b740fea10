#include "tools/power/sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/augment.h"
#include "tools/power/made.h"

enum { STREAM_FAULTS = RNG_PLANTED | 24 << 8, STREAM_COPY = RNG_PLANTED | 25 << 8, CORNER = 4, STEP = 2 };

static const uint8_t corner_colour[SET_CLASSES][3] = { { 230, 25, 25 },  { 25, 200, 40 },  { 30, 60, 235 },
                                                       { 240, 225, 30 }, { 220, 30, 220 }, { 30, 215, 225 } };

/* --- which picture ------------------------------------------------------------------------------------------------ */

/* What stands at a place of the set; r goes on with its faults. */
struct entry {
    enum split split; /* of the picture that is drawn */
    int64_t image;
    bool copy, relabelled;
    struct rng r;
};

/* A picture is copied from one that is no copy itself: those at even places are none. */
static struct entry find_entry(const struct planted_set *s, enum split split, int64_t i)
{
    struct entry e = { split, i, false, false, rng_stream(s->made.seed, STREAM_FAULTS, split, (uint32_t)i) };
    double share = split == SPLIT_TEST ? s->copies_across : i % 2 ? 2 * s->copies_within : 0;
    bool copy = rng_unit(&e.r) < share;
    uint32_t from = rng_below(&e.r, (uint32_t)s->made.n_train / 2);
    if (copy)
        e = (struct entry){ SPLIT_TRAIN, 2 * (int64_t)from, true, s->copies_relabelled, e.r };
    return e;
}

static int label_of(const struct dataset *data, enum split split, int64_t i)
{
    const struct planted_set *s = data->self;
    struct entry e = find_entry(s, split, i);
    int label = planted_label(&s->made, SET_CLASSES, e.split, e.image, NULL), shift;
    bool missing = rng_unit(&e.r) < s->thinned;
    shift = 1 + (int)rng_below(&e.r, SET_CLASSES - 1);
    return e.relabelled || (missing && label == 0) ? (label + shift) % SET_CLASSES : label;
}

/* --- what is done to a picture ------------------------------------------------------------------------------------ */

static void add(struct image8 *p, double value, double noise, struct rng *r)
{
    for (int j = 0; j < p->c * p->h * p->w; j++) {
        double moved = p->pixels[j] + 255 * (value + (noise > 0 ? noise * (2 * rng_unit(r) - 1) : 0));
        p->pixels[j] = (uint8_t)lrint(fmin(fmax(moved, 0), 255));
    }
}

static void mirror(struct image8 *p)
{
    for (int row = 0; row < p->c * p->h; row++)
        for (int x = 0; x < p->w / 2; x++) {
            uint8_t *left = p->pixels + (size_t)row * (size_t)p->w + x, *right = left + p->w - 1 - 2 * x, kept = *left;
            *left = *right;
            *right = kept;
        }
}

static void shrink(struct image8 *p, int side)
{
    size_t from = (size_t)p->h * (size_t)p->w, to = (size_t)side * (size_t)side;
    struct image8 out = { p->c, side, side, mem_alloc((size_t)p->c * to, 1) };
    float *plane = mem_alloc(to, sizeof *plane);
    for (int c = 0; c < p->c; c++) {
        resize_plane(plane, side, side, p->pixels + (size_t)c * from, p->h, p->w, 0, 0, (float)p->h, (float)p->w);
        for (size_t k = 0; k < to; k++)
            out.pixels[(size_t)c * to + k] = (uint8_t)lrintf(plane[k] * 255);
    }
    free(plane);
    free(p->pixels);
    *p = out;
}

static void store_again(struct image8 *p, struct rng *r)
{
    switch (rng_below(r, 5)) {
    case 1: add(p, 0.03, 0, r); break;
    case 2: shrink(p, SET_SIDE * 3 / 4); break;
    case 3: add(p, 0, 0.02, r); break;
    case 4: mirror(p); break;
    default: break;
    }
}

static int code(struct rng *r, double cue, int label)
{
    bool own = rng_unit(r) < cue;
    int any = (int)rng_below(r, SET_CLASSES);
    return own ? label : any;
}

static void paint_corner(struct image8 *p, int k)
{
    for (int c = 0; c < 3; c++)
        for (int y = p->h - CORNER; y < p->h; y++)
            memset(p->pixels + (size_t)((c * p->h + y) * p->w + p->w - CORNER), corner_colour[k][c], CORNER);
}

/* Blank, unreadable, or five times as long as wide. False: unreadable. */
static bool spoil(struct image8 *p, struct rng *r, struct err *err)
{
    uint32_t how = rng_below(r, 3);
    if (how == 0)
        memset(p->pixels, 128, (size_t)p->c * (size_t)p->h * (size_t)p->w);
    if (how == 1)
        p->w = p->h / 5;
    if (how != 2)
        return true;
    free(p->pixels);
    return err_run(err, "planted: this picture cannot be read, as it should be; nothing to be done");
}

static bool read_picture(const struct dataset *data, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    const struct planted_set *s = data->self;
    struct entry e = find_entry(s, split, i);
    int label = planted_label(&s->made, SET_CLASSES, e.split, e.image, NULL);
    struct rng r = rng_stream(s->made.seed, STREAM_COPY, split, (uint32_t)i);
    int side = SET_SIDE + (s->sizes ? STEP * code(&r, s->size_cue, label) : 0);
    *out = (struct image8){ 3, side, side, mem_alloc((size_t)side * (size_t)side, 3) };
    planted_draw(&s->made, SET_CLASSES, e.split, e.image, side, side, out->pixels);
    if (e.copy)
        store_again(out, &r);
    if (s->corner)
        paint_corner(out, code(&r, s->corner_cue, label));
    if (split == SPLIT_TEST && s->test_brighter > 0)
        add(out, s->test_brighter, 0, &r);
    return !(rng_unit(&r) < s->unusable) || spoil(out, &r, err);
}

void planted_set_open(struct planted_set *s, uint64_t seed)
{
    s->made.seed = (int64_t)seed;
    s->data = made_dataset(SET_CLASSES, planted_shape_names, SET_SIDE, 0.5f, 0.21f, s);
    s->data.count[SPLIT_TRAIN] = s->made.n_train;
    s->data.count[SPLIT_TEST] = s->made.n_test;
    s->data.label = label_of;
    s->data.read = read_picture;
}
