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
    const float *image; /* [c,h,w], c is 1 or 3 */
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

/* Adds pixel i in column x of row y to the sums of its centre. */
static void add_pixel(const struct segmentation *s, struct centre *sum, int *count, int y, int x)
{
    int i = y * s->w + x, area = s->h * s->w, k = s->label[i];

    count[k]++;
    sum[k].y += (float)y;
    sum[k].x += (float)x;
    for (int c = 0; c < COLOURS; c++)
        sum[k].colour[c] += s->image[(s->c == COLOURS ? c * area : 0) + i];
}

/* Each centre becomes the mean of its pixels; one that has lost them all stays where it is. */
static void move_centres(struct segmentation *s)
{
    struct centre *sum = mem_alloc((size_t)s->n, sizeof *sum);
    int *count = mem_alloc((size_t)s->n, sizeof *count);

    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            add_pixel(s, sum, count, y, x);
    for (int k = 0; k < s->n; k++)
        if (count[k]) {
            float one = 1 / (float)count[k];
            s->centre[k] = (struct centre){ .y = sum[k].y * one, .x = sum[k].x * one };
            for (int c = 0; c < COLOURS; c++)
                s->centre[k].colour[c] = sum[k].colour[c] * one;
        }
    free(sum);
    free(count);
}

/* The pixels of row y within the window of centre k that are nearer to it than to their own. Grey is a colour of three
 * equal channels. */
static void claim_row(struct segmentation *s, int k, int y, int from, int to)
{
    const struct centre centre = s->centre[k];
    float place = compactness * compactness / (s->step * s->step), dy = (float)y - centre.y;
    size_t area = (size_t)s->h * (size_t)s->w, row = (size_t)y * (size_t)s->w;
    const float *a = s->image + row, *b = a + (s->c == COLOURS ? area : 0), *c = b + (s->c == COLOURS ? area : 0);
    float *distance = s->distance + row;
    int *label = s->label + row;

    for (int x = from; x < to; x++) {
        float dx = (float)x - centre.x, da = a[x] - centre.colour[0], db = b[x] - centre.colour[1];
        float dc = c[x] - centre.colour[2], d = da * da + db * db + dc * dc + place * (dy * dy + dx * dx);
        bool nearer = d < distance[x];
        distance[x] = nearer ? d : distance[x];
        label[x] = nearer ? k : label[x];
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

static void draw(const struct segmentation *s, double share, struct rng *r, uint8_t *mask)
{
    uint32_t *order = mem_alloc((size_t)s->n, sizeof *order);
    int *size = mem_alloc((size_t)s->n, sizeof *size), area = s->h * s->w, shown = 0;
    bool *chosen = mem_alloc((size_t)s->n, sizeof *chosen);

    for (int i = 0; i < area; i++)
        size[s->label[i]]++;
    rng_permutation(r, (uint32_t)s->n, order);
    for (int i = 0; i < s->n - 1 && shown < share * area; i++) {
        chosen[order[i]] = true;
        shown += size[order[i]];
    }
    for (int i = 0; i < area; i++)
        mask[i] = chosen[s->label[i]];
    free(order);
    free(size);
    free(chosen);
}

void view_segment(const float *x, int c, int h, int w, double share, struct rng *r, uint8_t *mask)
{
    struct segmentation s = { .image = x, .c = c, .h = h, .w = w };

    assert((c == 1 || c == COLOURS) && (int64_t)h * w >= 4);
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
