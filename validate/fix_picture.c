#include "validate/fix_picture.h"

#include <assert.h>
#include <string.h>

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

int fix_ring_width(const struct image8 *picture, int h, int w, int width)
{
    /* width * min(picture h / h, picture w / w), in whole numbers */
    bool by_height = (int64_t)picture->h * w <= (int64_t)picture->w * h;
    int64_t side = by_height ? picture->h : picture->w, of = by_height ? h : w;
    int64_t ring = (width * side + of - 1) / of;

    return ring > 1 ? (int)ring : 1;
}

bool fix_ring_fits(const struct image8 *picture, int ring)
{
    return ring < (smaller(picture->h, picture->w) + 1) / 2;
}

void fix_crop(struct image8 *picture, int ring)
{
    int h = picture->h - 2 * ring, w = picture->w - 2 * ring;
    uint8_t *to = picture->pixels;

    assert(h > 0 && w > 0);
    for (int c = 0; c < picture->c; c++)
        for (int y = 0; y < h; y++, to += w) {
            size_t row = (size_t)c * (size_t)picture->h + (size_t)(y + ring);
            memmove(to, picture->pixels + row * (size_t)picture->w + ring, (size_t)w);
        }
    picture->h = h;
    picture->w = w;
}

/* Where coordinate t of a side with n pixels and a ring of r lies on one with m pixels and a ring of s: rings on rings,
 * what is between them between. */
static int place_on(int t, int n, int r, int m, int s)
{
    if (t < r)
        return (int)((int64_t)t * s / r);
    if (t >= n - r)
        return m - 1 - (int)((int64_t)(n - 1 - t) * s / r);
    return s + (int)((int64_t)(t - r) * (m - 2 * s) / (n - 2 * r));
}

/* Channel c of `channels` as the picture has them. */
static uint8_t colour_at(const struct image8 *p, int y, int x, int c, int channels)
{
    size_t plane = (size_t)p->h * (size_t)p->w, at = (size_t)y * (size_t)p->w + (size_t)x;

    if (p->c == channels)
        return p->pixels[(size_t)c * plane + at];
    if (p->c == 1)
        return p->pixels[at];
    return (uint8_t)((299 * p->pixels[at] + 587 * p->pixels[plane + at] + 114 * p->pixels[2 * plane + at] + 500) /
                     1000);
}

void fix_exchange_ring(struct image8 *picture, int ring, const struct image8 *donor, int donor_ring)
{
    int h = picture->h, w = picture->w;

    assert(fix_ring_fits(picture, ring) && fix_ring_fits(donor, donor_ring));
    for (int c = 0; c < picture->c; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                if (y >= ring && y < h - ring && x == ring)
                    x = w - ring; /* over the inside */
                int from_y = place_on(y, h, ring, donor->h, donor_ring);
                int from_x = place_on(x, w, ring, donor->w, donor_ring);
                picture->pixels[((size_t)c * (size_t)h + (size_t)y) * (size_t)w + (size_t)x] =
                    colour_at(donor, from_y, from_x, c, picture->c);
            }
}
