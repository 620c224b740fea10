/* Superpixels: SLIC (Achanta, Shaji, Smith, Lucchi, Fua, Suesstrunk: "SLIC superpixels compared to state-of-the-art
 * superpixel methods", PAMI 2012), k-means over colour and place that starts from a grid and looks for a pixel's centre
 * nearby only. Here colours are RGB in [0,1], the number of iterations is fixed, and a segment may have islands. */
#include "datasets/view_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SEGMENTS = 64, ITERATIONS = 5, COLOURS = 3 };

/* How far apart in colour two pixels are as far apart as two neighbouring centres: 10 of 100 in the paper's CIELAB. */
static const float compactness = 0.1f;

struct centre {
    float y, x, colour[COLOURS];
};

struct segmentation {
    const float *image; /* [c,h,w] */
    int c, h, w, rows, columns, n;
    float step;            /* between centres, px */
    struct centre *centre; /* [n] */
    int *label;            /* [h*w] the centre of each pixel */
    float *distance;       /* [h*w] to it, squared */
};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* Centres in the middle of the cells of a grid; each pixel belongs to its cell. */
static void start(struct segmentation *s)
{
    s->step = sqrtf((float)s->h * (float)s->w / SEGMENTS);
    s->rows = clamp((int)lroundf((float)s->h / s->step), 1, s->h);
    s->columns = clamp((int)lroundf((float)s->w / s->step), 1, s->w);
    s->n = s->rows * s->columns;
    s->centre = mem_alloc((size_t)s->n, sizeof *s->centre);
    s->label = mem_alloc((size_t)s->h * (size_t)s->w, sizeof *s->label);
    s->distance = mem_alloc((size_t)s->h * (size_t)s->w, sizeof *s->distance);
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            s->label[y * s->w + x] =
                (int)((int64_t)y * s->rows / s->h) * s->columns + (int)((int64_t)x * s->columns / s->w);
}

/* Each centre becomes the mean of its pixels; one that has lost them all stays where it is. */
static void move_centres(struct segmentation *s)
{
    struct centre *sum = mem_alloc((size_t)s->n, sizeof *sum);
    int *count = mem_alloc((size_t)s->n, sizeof *count), area = s->h * s->w;

    for (int i = 0; i < area; i++) {
        struct centre *k = &sum[s->label[i]];
        count[s->label[i]]++;
        k->y += (float)(i / s->w);
        k->x += (float)(i % s->w);
        for (int c = 0; c < s->c; c++)
            k->colour[c] += s->image[c * area + i];
    }
    for (int i = 0; i < s->n; i++) {
        float one = count[i] ? 1 / (float)count[i] : 0;
        if (count[i])
            s->centre[i] =
                (struct centre){ sum[i].y * one,
                                 sum[i].x * one,
                                 { sum[i].colour[0] * one, sum[i].colour[1] * one, sum[i].colour[2] * one } };
    }
    free(sum);
    free(count);
}

/* The pixels of one row within the window of centre k that are nearer to it than to their own. */
static void claim_row(struct segmentation *s, int k, int y, int from, int to)
{
    const struct centre *centre = &s->centre[k];
    float place = compactness * compactness / (s->step * s->step), dy = (float)y - centre->y;
    int area = s->h * s->w;

    for (int x = from; x < to; x++) {
        int i = y * s->w + x;
        float dx = (float)x - centre->x, d = place * (dy * dy + dx * dx);
        for (int c = 0; c < s->c; c++) {
            float e = s->image[c * area + i] - centre->colour[c];
            d += e * e;
        }
        if (d < s->distance[i]) {
            s->distance[i] = d;
            s->label[i] = k;
        }
    }
}

static void claim_pixels(struct segmentation *s)
{
    for (int i = 0; i < s->h * s->w; i++)
        s->distance[i] = INFINITY;
    for (int k = 0; k < s->n; k++) {
        const struct centre *centre = &s->centre[k];
        int top = clamp((int)ceilf(centre->y - s->step), 0, s->h),
            left = clamp((int)ceilf(centre->x - s->step), 0, s->w);
        int bottom = clamp((int)floorf(centre->y + s->step) + 1, 0, s->h);
        int right = clamp((int)floorf(centre->x + s->step) + 1, 0, s->w);
        for (int y = top; y < bottom; y++)
            claim_row(s, k, y, left, right);
    }
}

static int show(const struct segmentation *s, int k, uint8_t *mask)
{
    int shown = 0;

    for (int i = 0; i < s->h * s->w; i++)
        if (s->label[i] == k) {
            mask[i] = 1;
            shown++;
        }
    return shown;
}

static void draw(const struct segmentation *s, double share, struct rng *r, uint8_t *mask)
{
    uint32_t *order = mem_alloc((size_t)s->n, sizeof *order);
    int wanted = (int)ceil(share * s->h * s->w), shown = 0;

    rng_permutation(r, (uint32_t)s->n, order);
    memset(mask, 0, (size_t)s->h * (size_t)s->w);
    for (int i = 0; i < s->n - 1 && shown < wanted; i++)
        shown += show(s, (int)order[i], mask);
    free(order);
}

void view_segment(const float *x, int c, int h, int w, double share, struct rng *r, uint8_t *mask)
{
    struct segmentation s = { .image = x, .c = c, .h = h, .w = w };

    assert(c >= 1 && c <= COLOURS && (int64_t)h * w >= 4);
    start(&s);
    for (int i = 0; i < ITERATIONS; i++) {
        move_centres(&s);
        claim_pixels(&s);
    }
    draw(&s, share, r, mask);
    free(s.centre);
    free(s.label);
    free(s.distance);
}
