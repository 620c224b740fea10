#include "validate/dataset/facts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/augment.h"
#include "validate/dataset/look.h"

enum { SIDE = LOOK_SIDE, AREAS = SIDE * SIDE, ROWS = 4, CHUNK = 16, MAX_SIDE = 32768 };

/* --- content ------------------------------------------------------------------------------------------------------ */

static uint64_t load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Both halves of a product, folded: every bit of a and b reaches every bit of the result. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Four chains that do not wait for each other, each over 16 of 64 bytes. Odd constants: digits of pi. Made for telling
 * pictures apart at the speed of memory, not to withstand who forges a picture with the same number. */
static void hash_content(const uint8_t *p, size_t n, const uint64_t shape[2], uint8_t out[16])
{
    static const uint64_t key[4] = { 0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1, 0x082efa98ec4e6c89 };
    uint64_t lane[4] = { shape[0] ^ key[0], shape[1] ^ key[1], shape[0] ^ key[2], shape[1] ^ key[3] };
    uint8_t last[64] = { 0 };
    for (; n >= sizeof last; p += sizeof last, n -= sizeof last)
        for (int k = 0; k < 4; k++)
            lane[k] = fold(lane[k] ^ load(p + 16 * k), load(p + 16 * k + 8) ^ key[k]) + key[k];
    memcpy(last, p, n);
    for (int k = 0; k < 4; k++)
        lane[k] = fold(lane[k] ^ load(last + 16 * k), load(last + 16 * k + 8) ^ key[k]) + key[k];
    uint64_t first = fold(lane[0] ^ key[1], lane[1] ^ key[2]), second = fold(lane[2] ^ key[3], lane[3] ^ key[0]);
    uint64_t half[2] = { fold(first ^ key[0], second ^ key[3]), fold(first + key[1], second ^ key[2]) };
    memcpy(out, half, sizeof half);
}

/* --- thumbnail ---------------------------------------------------------------------------------------------------- */

/* sum[x] = a[x] + b[x] + c[x] + d[x], in chunks whose length the compiler knows, so that it uses vectors. */
static void add_rows(uint16_t *restrict sum, const uint8_t *const row[ROWS], int w)
{
    const uint8_t *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    int x = 0;
    for (; x + CHUNK <= w; x += CHUNK)
        for (int k = 0; k < CHUNK; k++)
            sum[x + k] = (uint16_t)(a[x + k] + b[x + k] + c[x + k] + d[x + k]);
    for (; x < w; x++)
        sum[x] = (uint16_t)(a[x] + b[x] + c[x] + d[x]);
}

/* The sum of n >= 1 numbers below 2^14, four at a time: a product with ones puts the sum of all four into the
 * uppermost. Up to three numbers behind the last are read and shifted out. */
static int sum_up(const uint16_t *x, int n)
{
    const uint64_t ones = 0x0001000100010001;
    uint64_t four, sum = 0;
    for (; n > 4; n -= 4, x += 4) {
        memcpy(&four, x, sizeof four);
        sum += four * ones >> 48;
    }
    memcpy(&four, x, sizeof four);
    return (int)(sum + ((four << 16 * (4 - n)) * ones >> 48));
}

/* Means over areas with whole pixels as borders, from four rows of each. */
static void area_means(const uint8_t *plane, int h, int w, float *out)
{
    uint16_t column[MAX_SIDE + 3];
    int edge[SIDE + 1], sum[SIDE];
    float inverse[SIDE];
    memset(column + w, 0, 3 * sizeof *column);
    for (int x = 0; x <= SIDE; x++)
        edge[x] = x * w / SIDE;
    for (int x = 0; x < SIDE; x++)
        inverse[x] = 1.0f / (float)(ROWS * 255 * (edge[x + 1] - edge[x]));
    for (int y = 0; y < SIDE; y++, out += SIDE) {
        const uint8_t *row[ROWS];
        int from = y * h / SIDE, rows = (y + 1) * h / SIDE - from;
        for (int k = 0; k < ROWS; k++)
            row[k] = plane + (size_t)(from + k * rows / ROWS) * (size_t)w;
        add_rows(column, row, w);
        for (int x = 0; x < SIDE; x++)
            sum[x] = sum_up(column + edge[x], edge[x + 1] - edge[x]);
        for (int x = 0; x < SIDE; x++)
            out[x] = (float)sum[x] * inverse[x];
    }
}

/* Small areas whose borders are not between pixels: there these matter, and the pixels are weighted. */
static bool areas_are_whole(int n)
{
    return n == SIDE || n == 2 * SIDE || n >= 4 * SIDE;
}

static void make_thumbnail(const uint8_t *plane, int h, int w, float out[AREAS])
{
    if (areas_are_whole(h) && areas_are_whole(w))
        area_means(plane, h, w, out);
    else
        resize_plane(out, SIDE, SIDE, plane, h, w, 0, 0, (float)h, (float)w);
}

/* --- what is seen ------------------------------------------------------------------------------------------------- */

/* Loops over areas have partial sums, so that the compiler may use vectors. */
enum { LANES = 8 };

static float mean_of(const float *x)
{
    float sum[LANES] = { 0 }, total = 0;
    for (int i = 0; i < AREAS; i += LANES)
        for (int k = 0; k < LANES; k++)
            sum[k] += x[i + k];
    for (int k = 0; k < LANES; k++)
        total += sum[k];
    return total / AREAS;
}

static float deviation_of(const float *x, float mean)
{
    float square[AREAS];
    for (int i = 0; i < AREAS; i++)
        square[i] = (x[i] - mean) * (x[i] - mean);
    return sqrtf(mean_of(square));
}

static float range_of(const float *x)
{
    float least = x[0], most = x[0];
    for (int i = 1; i < AREAS; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    return most - least;
}

static float saturation_of(float thumbnail[3][AREAS])
{
    const float nothing = 1e-9f; /* black has no saturation */
    float saturation[AREAS];
    for (int i = 0; i < AREAS; i++) {
        float r = thumbnail[0][i], g = thumbnail[1][i], b = thumbnail[2][i];
        float most = r > g ? r : g, least = r > g ? g : r;
        most = most > b ? most : b;
        least = least < b ? least : b;
        saturation[i] = (most - least) / (most + nothing);
    }
    return mean_of(saturation);
}

/* The sum of |a - b|, in chunks as above. */
static int difference(const uint8_t *a, const uint8_t *b, int n)
{
    int sum = 0, x = 0;
    for (; x + CHUNK <= n; x += CHUNK)
        for (int k = 0; k < CHUNK; k++)
            sum += abs(a[x + k] - b[x + k]);
    for (; x < n; x++)
        sum += abs(a[x] - b[x]);
    return sum;
}

static float sharpness_of(const uint8_t *plane, int h, int w)
{
    int64_t sum = 0, n = 0;
    for (int k = 0; k < SIDE; k++) {
        int y = k * h / SIDE;
        const uint8_t *row = plane + (size_t)y * (size_t)w;
        sum += difference(row, row + 1, w - 1);
        n += w - 1;
        if (y + 1 < h) {
            sum += difference(row, row + w, w);
            n += w;
        }
    }
    return n ? (float)sum / (float)(n * 255) : 0;
}

static float border_of(const uint8_t *plane, int h, int w)
{
    int64_t sum = 0, n = 0;
    for (int y = 0; y < h; y++) {
        int step = y == 0 || y == h - 1 || w == 1 ? 1 : w - 1;
        for (int x = 0; x < w; x += step, n++)
            sum += plane[(size_t)y * (size_t)w + (size_t)x];
    }
    return (float)sum / (float)(n * 255);
}

static void measure_channels(const struct image8 *in, float thumbnail[3][AREAS], struct picture_facts *f)
{
    size_t pixels = (size_t)in->h * (size_t)in->w;
    for (int k = 0; k < 3; k++) {
        if (k < in->c) {
            const uint8_t *plane = in->pixels + (size_t)k * pixels;
            make_thumbnail(plane, in->h, in->w, thumbnail[k]);
            f->colour[k] = mean_of(thumbnail[k]);
            f->border[k] = border_of(plane, in->h, in->w);
        } else { /* grey: the same in all three */
            memcpy(thumbnail[k], thumbnail[0], sizeof thumbnail[0]);
            f->colour[k] = f->colour[0];
            f->border[k] = f->border[0];
        }
    }
}

static bool is_blank(float thumbnail[3][AREAS], float sharpness)
{
    const float step = 1.0f / 255;
    bool flat = sharpness < step;
    for (int k = 0; flat && k < 3; k++)
        flat = range_of(thumbnail[k]) <= 2 * step;
    return flat;
}

void facts_measure(const struct image8 *in, struct picture_facts *f)
{
    float thumbnail[3][AREAS], luma[AREAS];
    size_t pixels = (size_t)in->h * (size_t)in->w;
    const uint64_t shape[2] = { (uint64_t)in->c, (uint64_t)in->h << 32 | (uint64_t)in->w };
    assert((in->c == 1 || in->c == 3) && in->h >= 1 && in->h <= MAX_SIDE && in->w >= 1 && in->w <= MAX_SIDE);
    hash_content(in->pixels, pixels * (size_t)in->c, shape, f->content);
    f->c = (uint8_t)in->c;
    f->h = (uint16_t)in->h;
    f->w = (uint16_t)in->w;
    measure_channels(in, thumbnail, f);
    for (int i = 0; i < AREAS; i++)
        luma[i] = 0.299f * thumbnail[0][i] + 0.587f * thumbnail[1][i] + 0.114f * thumbnail[2][i];
    look_hash(luma, f->look);
    f->brightness = mean_of(luma);
    f->contrast = deviation_of(luma, f->brightness);
    f->saturation = in->c == 3 ? saturation_of(thumbnail) : 0;
    f->sharpness = sharpness_of(in->pixels + (in->c == 3 ? pixels : 0), in->h, in->w);
    f->state = is_blank(thumbnail, f->sharpness) ? PICTURE_BLANK : PICTURE_GOOD;
}
