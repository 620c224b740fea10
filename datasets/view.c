#include "datasets/view_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/region.h"

struct masked_view {
    struct view_spec spec;
    struct augment frame;
    enum baseline baseline;
    enum mask_order order;
    uint64_t seed;
    float mean[3];                        /* by channel of the frame */
    int pixels, part;                     /* of the frame; random: of them shown */
    uint8_t *fixed;                       /* [pixels], the mask of every image; NULL: each has its own */
    struct view_masks *masks[VIEW_FILES]; /* by enum split */
    struct view_memo *memo;               /* of what is drawn; NULL: none */
    char *text;
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

static bool refuse(const struct view_options *o, const char *cause, struct err *err)
{
    return err_usage(err, "view %.200s: %s, at %d x %d pixels", o->text, cause, o->frame->h, o->frame->w);
}

/* Rings: all within `offset + width` of the edge, without what is within `offset`. */
static bool open_ring(const struct view_options *o, struct masked_view *v, struct err *err)
{
    int h = v->frame.h, w = v->frame.w, side = h < w ? h : w;
    int64_t inner = 2 * ((int64_t)v->spec.offset + v->spec.width);

    if (inner >= side)
        return refuse(o, "the ring meets itself in the middle; width and offset must be less than half of the side",
                      err);
    v->fixed = mem_alloc((size_t)v->pixels, 1);
    region_ring(h, w, v->spec.offset + v->spec.width, v->fixed);
    uint8_t *outside = mem_alloc((size_t)v->pixels, 1);
    region_ring(h, w, v->spec.offset, outside);
    for (int i = 0; i < v->pixels; i++)
        v->fixed[i] &= !outside[i];
    free(outside);
    return true;
}

static bool open_share(const struct view_options *o, struct masked_view *v, struct err *err)
{
    v->part = (int)lround(v->spec.share * v->pixels);
    if (v->part < 1 || v->part >= v->pixels)
        return refuse(
            o, v->part < 1 ? "shows no pixel; choose a larger share" : "hides no pixel; choose a smaller share", err);
    if (v->spec.kind == VIEW_CENTER) {
        v->fixed = mem_alloc((size_t)v->pixels, 1);
        region_centre(v->frame.h, v->frame.w, 0, v->part, v->fixed);
    }
    return v->spec.kind != VIEW_SEGMENT || v->pixels >= 4 || refuse(o, "there are no regions", err);
}

static bool open_masks(const struct view_options *o, struct masked_view *v, struct err *err)
{
    char hash[SHA256_HEX];

    if (!o->data->hash(o->data, hash, err))
        return false;
    for (int i = 0; i < v->spec.n_files; i++) {
        struct view_masks *m;
        if (!view_masks_open(v->spec.file[i], &v->spec, hash, v->frame.h, v->frame.w, &m, err))
            return false;
        struct view_masks **place = &v->masks[view_masks_split(m)];
        if (*place) {
            view_masks_close(m);
            return err_usage(err, "%s: has masks of the %s split, as the file before it; name one file for each split",
                             v->spec.file[i], place == &v->masks[SPLIT_TEST] ? "test" : "train");
        }
        *place = m;
    }
    return true;
}

static bool is_drawn(const struct masked_view *v)
{
    return v->spec.kind == VIEW_RANDOM || v->spec.kind == VIEW_SEGMENT || v->spec.values == VIEW_SHUFFLED ||
           v->baseline == BASELINE_NOISE;
}

/* Everything that decides what is shown; files by their content. */
static char *describe(const struct masked_view *v)
{
    char *spec = view_spec_text(&v->spec),
         *seed = is_drawn(v) ? mem_format(", seed %llu", (unsigned long long)v->seed) : mem_string("");
    char *files = mem_string("");

    for (int i = 0; i < VIEW_FILES; i++)
        if (v->masks[i]) {
            char *more =
                mem_format("%s, %s masks %s", files, i == SPLIT_TEST ? "test" : "train", view_masks_hash(v->masks[i]));
            free(files);
            files = more;
        }
    char *text = mem_format("%s%s%s, hidden: %s, masks %s", spec, files, seed, baseline_name(v->baseline),
                            v->order == MASK_BEFORE ? "move with the picture" : "stay while the picture moves");
    free(files);
    free(seed);
    free(spec);
    return text;
}

/* The data set's mean colour in the frame's channels. */
static void set_mean(struct masked_view *v, const struct dataset *data)
{
    const float *m = data->mean;

    for (int c = 0; c < v->frame.c; c++)
        v->mean[c] = data->c == v->frame.c ? m[c] : data->c == 1 ? m[0] : 0.299f * m[0] + 0.587f * m[1] + 0.114f * m[2];
}

bool view_open(const struct view_options *o, struct masked_view **out, struct err *err)
{
    struct masked_view *v = mem_alloc(1, sizeof *v);

    *out = NULL;
    *v = (struct masked_view){ .frame = *o->frame,
                               .baseline = o->baseline,
                               .order = o->order,
                               .seed = o->seed,
                               .pixels = o->frame->h * o->frame->w };
    bool ok = view_spec_parse(o->text, &v->spec, err);
    if (ok)
        ok = v->spec.kind == VIEW_RING    ? open_ring(o, v, err)
             : v->spec.kind == VIEW_MASKS ? open_masks(o, v, err)
                                          : open_share(o, v, err);
    if (!ok) {
        view_close(v);
        return false;
    }
    if (v->spec.kind == VIEW_RANDOM || v->spec.kind == VIEW_SEGMENT)
        v->memo = view_memo_new(o->data->count, v->pixels);
    set_mean(v, o->data);
    v->text = describe(v);
    *out = v;
    return true;
}

void view_close(struct masked_view *v)
{
    if (!v)
        return;
    for (int i = 0; i < VIEW_FILES; i++)
        view_masks_close(v->masks[i]);
    view_spec_clear(&v->spec);
    view_memo_free(v->memo);
    free(v->fixed);
    free(v->text);
    free(v);
}

const char *view_text(const struct masked_view *v)
{
    return v->text;
}

/* --- masks -------------------------------------------------------------------------------------------------------- */

static bool find_in_file(const struct masked_view *v, enum split split, int64_t image, uint8_t *mask, struct err *err)
{
    if (!v->masks[split])
        return err_usage(err, "%s: has no masks of the %s split, which is read, too; name a second file with them",
                         v->spec.file[0], split == SPLIT_TEST ? "test" : "train");
    return view_masks_find(v->masks[split], image, mask, err);
}

bool view_covers(const struct masked_view *v, enum split split, int64_t image, struct err *err)
{
    return v->spec.kind != VIEW_MASKS || find_in_file(v, split, image, NULL, err);
}

bool view_mask(const struct masked_view *v, enum split split, int64_t image, const float *x, uint8_t *mask,
               struct err *err)
{
    struct rng r = rng_stream(v->seed, RNG_VIEW, (uint32_t)split, (uint32_t)image);

    if (v->spec.kind == VIEW_MASKS)
        return find_in_file(v, split, image, mask, err);
    if (v->fixed) {
        memcpy(mask, v->fixed, (size_t)v->pixels);
    } else if (v->spec.kind == VIEW_RANDOM) {
        memset(mask, 0, (size_t)v->pixels);
        region_draw(NULL, v->pixels, v->part, &r, mask);
    } else {
        view_segment(x, v->frame.c, v->frame.h, v->frame.w, v->spec.share, &r, mask);
    }
    return true;
}

/* --- applying ----------------------------------------------------------------------------------------------------- */

/* Where a pixel of the output comes from: a row or column of the frame, or one of these. */
enum { BEYOND_FRAME = -1, BEYOND_PICTURE = -2 };

/* at[n] along one side: the rectangle begins at `start` and is `length` long, px of the input, the frame's the same. */
static void map_side(int *at, int n, int shift, bool flip, float start, float length, float frame_start,
                     float frame_length)
{
    for (int i = 0; i < n; i++) {
        int place = (flip ? n - 1 - i : i) + shift;
        double input = start + (place + 0.5) * length / n;
        double cell = floor((input - frame_start) * n / frame_length);
        at[i] = place < 0 || place >= n ? BEYOND_PICTURE : cell >= 0 && cell < n ? (int)cell : BEYOND_FRAME;
    }
}

/* What becomes of a pixel of the output. */
enum { PIXEL_HIDDEN, PIXEL_SHOWN, PIXEL_PAD };

/* from[pixels]: the pixel of the frame that each pixel of the output comes from, or one of the above. */
static void trace(const struct masked_view *v, const struct image8 *in, const struct placement *p, int *from)
{
    int h = v->frame.h, w = v->frame.w, *row = mem_alloc((size_t)h + (size_t)w, sizeof *row), *column = row + h;
    struct placement f = augment_test_placement(&v->frame, in->h, in->w);

    map_side(row, h, p->dy, false, p->y0, p->rh, f.y0, f.rh);
    map_side(column, w, p->dx, p->flip, p->x0, p->rw, f.x0, f.rw);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            from[y * w + x] = row[y] == BEYOND_PICTURE || column[x] == BEYOND_PICTURE ? BEYOND_PICTURE
                              : row[y] < 0 || column[x] < 0                           ? BEYOND_FRAME
                                                                                      : row[y] * w + column[x];
    free(row);
}

/* fate[n]: the mask carried along. */
static void carry(const uint8_t *mask, const int *from, int n, uint8_t *fate)
{
    for (int i = 0; i < n; i++)
        fate[i] = from[i] >= 0 ? mask[from[i]] : from[i] == BEYOND_PICTURE ? PIXEL_PAD : PIXEL_HIDDEN;
}

static bool in_test_geometry(const struct masked_view *v, const struct image8 *in, const struct placement *p)
{
    struct placement f = augment_test_placement(&v->frame, in->h, in->w);

    return !p->flip && !p->dy && !p->dx && p->y0 == f.y0 && p->x0 == f.x0 && p->rh == f.rh && p->rw == f.rw;
}

static void hide_plane(float *x, const uint8_t *fate, int n, float value)
{
    for (int i = 0; i < n; i++)
        x[i] = fate[i] ? x[i] : value;
}

static void hide_by(const struct masked_view *v, int64_t image, const uint8_t *fate, float *x)
{
    size_t n = (size_t)v->frame.c * (size_t)v->pixels;
    float *fill = mem_alloc(n, sizeof *fill);

    baseline_fill(v->baseline, x, v->frame.c, v->frame.h, v->frame.w, v->mean, v->seed, image, fill);
    for (size_t i = 0; i < n; i++)
        x[i] = fate[i % (size_t)v->pixels] ? x[i] : fill[i];
    free(fill);
}

static void paint(const struct masked_view *v, int64_t image, const uint8_t *fate, float *x)
{
    if (v->baseline == BASELINE_MEAN || v->baseline == BASELINE_BLACK)
        for (int c = 0; c < v->frame.c; c++)
            hide_plane(x + (size_t)c * (size_t)v->pixels, fate, v->pixels,
                       v->baseline == BASELINE_MEAN ? v->mean[c] : 0);
    else
        hide_by(v, image, fate, x);
    for (int i = 0; v->spec.values == VIEW_WHITE && i < v->frame.c * v->pixels; i++)
        if (fate[i % v->pixels] == PIXEL_SHOWN)
            x[i] = 1;
}

/* The mask of an image that may have been read in another geometry; segments are found in the test geometry. */
static bool mask_of(const struct masked_view *v, enum split split, int64_t image, const struct image8 *in, bool plain,
                    const float *x, uint8_t *mask, struct err *err)
{
    float *frame = NULL;

    if (view_memo_recall(v->memo, split, image, mask))
        return true;
    if (v->spec.kind == VIEW_SEGMENT && !plain) {
        frame = mem_alloc((size_t)v->frame.c * (size_t)v->pixels, sizeof *frame);
        augment_image(&v->frame, in, NULL, frame);
    }
    bool ok = view_mask(v, split, image, frame ? frame : x, mask, err);
    free(frame);
    if (ok)
        view_memo_keep(v->memo, split, image, mask);
    return ok;
}

/* other[pixels]: whose value a shown pixel gets, dealt out among the shown ones once for each image. */
static void deal_out(const struct masked_view *v, enum split split, int64_t image, const uint8_t *mask, uint32_t *other)
{
    struct rng r = rng_stream(v->seed, RNG_VIEW, (uint32_t)split, (uint32_t)image);
    uint32_t *place = mem_alloc(2 * (size_t)v->pixels, sizeof *place), *order = place + v->pixels, n = 0;

    for (int k = 0; k < v->pixels; k++)
        if (mask[k])
            place[n++] = (uint32_t)k;
    rng_permutation(&r, n, order);
    for (uint32_t i = 0; i < n; i++)
        other[place[i]] = place[order[i]];
    free(place);
}

/* Shown pixels of x get each other's values as the frame has them; with from NULL x itself is taken for the frame. */
static void shuffle(const struct masked_view *v, enum split split, int64_t image, const struct image8 *in,
                    const uint8_t *mask, const int *from, float *x)
{
    size_t pixels = (size_t)v->pixels, n = (size_t)v->frame.c * pixels;
    uint32_t *other = mem_alloc(pixels, sizeof *other);
    float *frame = mem_alloc(n, sizeof *frame);

    deal_out(v, split, image, mask, other);
    if (from)
        augment_image(&v->frame, in, NULL, frame);
    else
        memcpy(frame, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        int k = from ? from[i % pixels] : (int)(i % pixels);
        if (k >= 0 && mask[k])
            x[i] = frame[i - i % pixels + other[k]];
    }
    free(frame);
    free(other);
}

bool view_apply(const struct masked_view *v, enum split split, int64_t image, const struct image8 *in,
                const struct placement *p, float *x, struct err *err)
{
    size_t pixels = (size_t)v->pixels;
    uint8_t *own = mem_alloc(2 * pixels, 1), *carried = own + pixels;
    const uint8_t *mask = v->fixed ? v->fixed : own, *fate = mask;
    bool plain = in_test_geometry(v, in, p);
    bool ok = v->fixed || mask_of(v, split, image, in, plain, x, own, err);
    int *from = ok && v->order == MASK_BEFORE && !plain ? mem_alloc(pixels, sizeof *from) : NULL;

    if (from) {
        trace(v, in, p, from);
        carry(mask, from, v->pixels, carried);
        fate = carried;
    }
    if (ok)
        paint(v, image, fate, x);
    if (ok && v->spec.values == VIEW_SHUFFLED)
        shuffle(v, split, image, in, mask, from, x);
    free(from);
    free(own);
    return ok;
}
