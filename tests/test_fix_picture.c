#include "validate/fix_picture.h"

#include <criterion/criterion.h>

Test(fix_picture, a_ring_is_scaled_like_the_picture_and_rounded_up)
{
    cr_assert_eq(fix_ring_width(&(struct image8){ .h = 32, .w = 32 }, 32, 32, 2), 2);
    cr_assert_eq(fix_ring_width(&(struct image8){ .h = 500, .w = 375 }, 224, 224, 2), 4); /* 3.35 */
    cr_assert_eq(fix_ring_width(&(struct image8){ .h = 375, .w = 500 }, 224, 224, 2), 4);
    cr_assert_eq(fix_ring_width(&(struct image8){ .h = 8, .w = 8 }, 32, 32, 2), 1);
    cr_assert_not(fix_ring_fits(&(struct image8){ .h = 4, .w = 9 }, 2));
    cr_assert(fix_ring_fits(&(struct image8){ .h = 5, .w = 9 }, 2));
}

/* p[y,x] = start + 16 y + x */
static struct image8 numbered(int h, int w, int start, uint8_t *pixels)
{
    for (int i = 0; i < h * w; i++)
        pixels[i] = (uint8_t)(start + i / w * 16 + i % w);
    return (struct image8){ .c = 1, .h = h, .w = w, .pixels = pixels };
}

Test(fix_picture, a_ring_comes_pixel_by_pixel_and_keeps_to_its_sides)
{
    uint8_t a[9 * 9], b[9 * 9], c[5 * 7];
    struct image8 p = numbered(9, 9, 0, a), same = numbered(9, 9, 100, b), small = numbered(5, 7, 100, c);

    fix_exchange_ring(&p, 2, &same, 2);
    for (int y = 0; y < 9; y++)
        for (int x = 0; x < 9; x++)
            cr_assert_eq(a[y * 9 + x], (y < 2 || y > 6 || x < 2 || x > 6 ? 100 : 0) + 16 * y + x);
    fix_exchange_ring(&p, 2, &small, 1); /* 2 pixels of a side from 1, 5 between from 3 or 5 */
    static const int rows[9] = { 0, 0, 1, 1, 2, 2, 3, 4, 4 }, columns[9] = { 0, 0, 1, 2, 3, 4, 5, 6, 6 };
    for (int y = 0; y < 9; y++)
        for (int x = 0; x < 9; x++)
            if (y < 2 || y > 6 || x < 2 || x > 6)
                cr_assert_eq(a[y * 9 + x], 100 + 16 * rows[y] + columns[x], "at %d,%d", y, x);
}
