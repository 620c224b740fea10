#include "datasets/region.h"

#include <assert.h>
#include <string.h>

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

bool region_ring_fits(int h, int w, int width)
{
    int64_t inner_h = (int64_t)h - 2 * (int64_t)width, inner_w = (int64_t)w - 2 * (int64_t)width;
    return width >= 1 && inner_h > 0 && inner_w > 0 && 2 * inner_h * inner_w >= (int64_t)h * w;
}

int region_ring(int h, int w, int width, uint8_t *mask)
{
    int pixels = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            bool inside = smaller(smaller(y, h - 1 - y), smaller(x, w - 1 - x)) < width;
            mask[y * w + x] = inside;
            pixels += inside;
        }
    return pixels;
}

void region_centre(int h, int w, int margin, int pixels, uint8_t *mask)
{
    int room_h = h - 2 * margin, room_w = w - 2 * margin, columns = 1;
    assert(pixels >= 0 && pixels <= (int64_t)room_h * room_w);
    memset(mask, 0, (size_t)h * (size_t)w);
    while (columns < room_w && ((int64_t)columns * columns < pixels || (int64_t)columns * room_h < pixels))
        columns++;
    int rows = (pixels + columns - 1) / columns;
    for (int row = 0; row < rows; row++) {
        int length = smaller(columns, pixels - row * columns);
        memset(mask + ((h - rows) / 2 + row) * w + (w - length) / 2, 1, (size_t)length);
    }
}

/* Selection sampling: each pixel of the pool in turn is taken with probability wanted / left. */
void region_draw(const uint8_t *pool, int pixels, int m, struct rng *r, uint8_t *mask)
{
    int left = pool ? region_count(pool, pixels) : pixels, wanted = m;
    assert(m >= 0 && m <= left);
    for (int i = 0; wanted > 0; i++) {
        if (pool && !pool[i])
            continue;
        if (rng_below(r, (uint32_t)left) < (uint32_t)wanted) {
            mask[i] = 1;
            wanted--;
        }
        left--;
    }
}

void region_dilate(const uint8_t *mask, int h, int w, uint8_t *out)
{
    memset(out, 0, (size_t)h * (size_t)w);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            if (!mask[y * w + x])
                continue;
            int left = x > 0 ? x - 1 : 0, right = smaller(x + 1, w - 1);
            for (int near = y > 0 ? y - 1 : 0; near <= smaller(y + 1, h - 1); near++)
                memset(out + near * w + left, 1, (size_t)(right - left + 1));
        }
}

int region_count(const uint8_t *mask, int pixels)
{
    int count = 0;
    for (int i = 0; i < pixels; i++)
        count += mask[i] != 0;
    return count;
}

int region_overlap(const uint8_t *a, const uint8_t *b, int pixels)
{
    int count = 0;
    for (int i = 0; i < pixels; i++)
        count += a[i] && b[i];
    return count;
}

double region_ratio(double inside, double total, int area, int pixels)
{
    assert(total > 0 && area > 0);
    return inside / total / ((double)area / pixels);
}
