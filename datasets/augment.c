#include "datasets/augment.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The largest centred rectangle with the output's aspect ratio, made smaller by the margin. */
static struct placement centre_view(const struct augment *a, const struct image8 *in, float margin)
{
    float fit_h = (float)in->h / (float)a->h, fit_w = (float)in->w / (float)a->w;
    float scale = (fit_h < fit_w ? fit_h : fit_w) / margin;
    struct placement v = { .rh = (float)a->h * scale, .rw = (float)a->w * scale };
    v.y0 = ((float)in->h - v.rh) / 2;
    v.x0 = ((float)in->w - v.rw) / 2;
    return v;
}

/* A rectangle of random area and aspect ratio that fits into the image; after ten misses the centred one. */
static struct placement random_view(const struct augment *a, const struct image8 *in, struct rng *r)
{
    const float ratio_log = logf(4.0f / 3.0f);
    for (int attempt = 0; attempt < 10; attempt++) {
        float area = (float)in->h * (float)in->w * (a->crop_area_min + (1 - a->crop_area_min) * rng_unit(r));
        float ratio = expf(ratio_log * (2 * rng_unit(r) - 1));
        int h = (int)lroundf(sqrtf(area / ratio)), w = (int)lroundf(sqrtf(area * ratio));
        if (h < 1 || w < 1 || h > in->h || w > in->w)
            continue;
        uint32_t y = rng_below(r, (uint32_t)(in->h - h + 1)), x = rng_below(r, (uint32_t)(in->w - w + 1));
        return (struct placement){ .y0 = (float)y, .x0 = (float)x, .rh = (float)h, .rw = (float)w };
    }
    return centre_view(a, in, 1);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Number `at` of a drawn walk through 0..n-1 that meets each once in n steps. */
static uint32_t walk(struct rng *r, uint32_t n, uint32_t at)
{
    uint32_t first = rng_below(r, n), step;
    do
        step = 1 + rng_below(r, n);
    while (common_divisor(step, n) != 1);
    return (uint32_t)((first + (uint64_t)step * at) % n);
}

/* Epoch n q + k shows column k and row k + q of the image's two walks: a Latin square, all pairs in n^2 epochs. */
static void choose_crop(const struct augment *a, struct rng *r, uint32_t epoch, struct placement *v)
{
    uint32_t n = 2 * (uint32_t)a->crop_pad + 1;
    v->dx = (int)walk(r, n, epoch % n) - a->crop_pad;
    v->dy = (int)walk(r, n, (epoch % n + epoch / n) % n) - a->crop_pad;
}

static struct placement choose_view(const struct augment *a, const struct image8 *in, const struct showing *s)
{
    if (!s)
        return centre_view(a, in, a->test_resize);
    struct rng now = rng_stream(s->seed, RNG_AUGMENT, s->epoch, s->image);
    struct rng always = rng_stream(s->seed, RNG_AUGMENT_WALK, 0, s->image);
    struct placement v = a->random_resized_crop ? random_view(a, in, &now) : centre_view(a, in, 1);
    v.flip = a->flip && ((rng_u32(&always) + s->epoch) & 1);
    if (a->crop_pad > 0)
        choose_crop(a, &always, s->epoch, &v);
    return v;
}

/* out[h,w] = the rectangle of one plane, at the output's size; exact where no resizing is needed. */
static void show_plane(const struct augment *a, const struct placement *v, const uint8_t *plane, int ih, int iw,
                       float *out)
{
    bool whole = v->rh == (float)a->h && v->rw == (float)a->w && v->y0 == floorf(v->y0) && v->x0 == floorf(v->x0);
    if (!whole) {
        resize_plane(out, a->h, a->w, plane, ih, iw, v->y0, v->x0, v->rh, v->rw);
        return;
    }
    for (int y = 0; y < a->h; y++) {
        const uint8_t *row = plane + (size_t)(y + (int)v->y0) * (size_t)iw + (size_t)v->x0;
        for (int x = 0; x < a->w; x++)
            out[y * a->w + x] = (float)row[x] / 255.0f;
    }
}

/* out[y,x] = out[y+dy,x+dx], `pad` where that is outside. Rows are visited so that none is overwritten before it is
 * read. */
static void shift_plane(float *out, int h, int w, int dy, int dx, float pad)
{
    int from = dx > 0 ? dx : 0, to = dx < 0 ? -dx : 0, n = w - abs(dx);
    for (int step = 0; step < h; step++) {
        int y = dy < 0 ? h - 1 - step : step, source = y + dy;
        float *row = out + (size_t)y * (size_t)w;
        bool inside = source >= 0 && source < h && n > 0;
        if (inside)
            memmove(row + to, out + (size_t)source * (size_t)w + from, (size_t)n * sizeof *row);
        for (int x = 0; x < w; x++)
            if (!inside || x < to || x >= to + n)
                row[x] = pad;
    }
}

static void flip_plane(float *out, int h, int w)
{
    for (int y = 0; y < h; y++) {
        float *row = out + (size_t)y * (size_t)w;
        for (int x = 0; x < w / 2; x++) {
            float other = row[w - 1 - x];
            row[w - 1 - x] = row[x];
            row[x] = other;
        }
    }
}

/* The luma plane of an RGB image, rounded to bytes. free() it. */
static uint8_t *make_grey(const struct image8 *in)
{
    size_t n = (size_t)in->h * (size_t)in->w;
    uint8_t *grey = mem_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        grey[i] = (uint8_t)((299 * in->pixels[i] + 587 * in->pixels[n + i] + 114 * in->pixels[2 * n + i] + 500) / 1000);
    return grey;
}

struct placement augment_image(const struct augment *a, const struct image8 *in, const struct showing *s, float *out)
{
    assert((a->c == 1 || a->c == 3) && (in->c == 1 || in->c == 3) && in->h >= 1 && in->w >= 1);
    size_t n = (size_t)in->h * (size_t)in->w, area = (size_t)a->h * (size_t)a->w;
    struct placement v = choose_view(a, in, s);
    uint8_t *grey = in->c > a->c ? make_grey(in) : NULL;
    for (int c = 0; c < a->c; c++) {
        float *plane = out + (size_t)c * area;
        show_plane(a, &v, grey ? grey : in->pixels + (in->c == 3 ? (size_t)c * n : 0), in->h, in->w, plane);
        if (v.dy || v.dx)
            shift_plane(plane, a->h, a->w, v.dy, v.dx, a->pad[c]);
        if (v.flip)
            flip_plane(plane, a->h, a->w);
    }
    free(grey);
    return v;
}

struct placement augment_test_placement(const struct augment *a, int in_h, int in_w)
{
    struct image8 size = { .c = 1, .h = in_h, .w = in_w };
    return centre_view(a, &size, a->test_resize);
}
