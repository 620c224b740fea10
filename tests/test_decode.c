#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/decode.h"
#include "tests/data_fixture.h"

TestSuite(decode, .init = fixture_set_up, .fini = fixture_clean_up);

static uint8_t *pattern(size_t n)
{
    uint8_t *pixels = mem_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    return pixels;
}

/* pixels [h,w,stored], of which the first c channels must come back as planes. */
static void check_exact(const char *name, int h, int w, int stored, int c)
{
    struct image8 image;
    struct err err;
    uint8_t *pixels = pattern((size_t)h * (size_t)w * (size_t)stored);
    fixture_image(name, h, w, stored, pixels);
    cr_assert(decode_file(fixture_path(name), &image, &err), "%s", err.text);
    cr_assert(image.c == c && image.h == h && image.w == w, "%s: %d %d %d", name, image.c, image.h, image.w);
    for (int k = 0; k < c; k++)
        for (int i = 0; i < h * w; i++)
            cr_assert_eq(image.pixels[k * h * w + i], pixels[i * stored + k], "%s: channel %d pixel %d", name, k, i);
    free(image.pixels);
    free(pixels);
}

Test(decode, lossless_formats_come_back_exactly_as_planes)
{
    check_exact("rgb.png", 5, 3, 3, 3);
    check_exact("rgb.bmp", 5, 3, 3, 3);
    check_exact("rgb.ppm", 5, 3, 3, 3);
}

Test(decode, grey_stays_one_channel)
{
    check_exact("grey.png", 4, 6, 1, 1);
    check_exact("grey.pgm", 4, 6, 1, 1);
}

Test(decode, transparency_is_dropped)
{
    check_exact("rgba.png", 4, 6, 4, 3);
    check_exact("greya.png", 4, 6, 2, 1);
}

Test(decode, jpeg_comes_back_nearly)
{
    struct image8 image;
    struct err err;
    cr_assert(decode_file("tests/data/flat.jpg", &image, &err), "%s", err.text);
    cr_assert(image.c == 3 && image.h == 16 && image.w == 16);
    for (int i = 0; i < 256; i++)
        cr_assert(abs(image.pixels[i] - 200) < 6 && abs(image.pixels[256 + i] - 100) < 6 && abs(image.pixels[512 + i] - 30) < 6);
    free(image.pixels);
}

Test(decode, knows_its_endings_in_any_case)
{
    cr_assert(decode_knows("a.JPEG") && decode_knows("a.b.Png") && decode_knows(".jpg") && decode_knows("x.pgm"));
    cr_assert(!decode_knows("a.gif") && !decode_knows("jpg") && !decode_knows("a.jpg.txt") && !decode_knows(""));
}

static void check_refused(const char *name, const char *part)
{
    struct image8 image;
    struct err err;
    cr_assert_not(decode_file(fixture_path(name), &image, &err), "%s was accepted", name);
    cr_assert(strstr(err.text, name), "no path: %s", err.text);
    cr_assert(strstr(err.text, part), "%s is not in: %s", part, err.text);
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
}

/* Every JPEG that lost its end is refused, wherever it was cut. */
Test(decode, refuses_a_jpeg_cut_anywhere)
{
    struct image8 image;
    struct err err;
    char *bytes;
    size_t n;
    cr_assert(file_read("tests/data/pattern.jpg", 1 << 20, &bytes, &n, &err));
    for (size_t keep = 0; keep < n; keep++)
        cr_assert_not(decode_bytes((uint8_t *)bytes, keep, "cut.jpg", &image, &err), "cut to %zu of %zu", keep, n);
    cr_assert(strstr(err.text, "cut.jpg: JPEG without its end"), "%s", err.text);
    bytes = mem_resize(bytes, n + 3, 1);
    memcpy(bytes + n, "xyz", 3);
    cr_assert(decode_bytes((uint8_t *)bytes, n + 3, "longer.jpg", &image, &err), "bytes behind the end are common: %s", err.text);
    free(image.pixels);
    free(bytes);
}

Test(decode, refuses_what_is_no_image)
{
    fixture_text("text.jpg", "this is no image");
    check_refused("text.jpg", "not a readable JPEG");
    fixture_text("empty.png", "");
    check_refused("empty.png", "empty.png");
    check_refused("missing.png", "No such file");
    fixture_text("folder.png/x", "");
    check_refused("folder.png", "folder.png");
    fixture_write("cut.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\4\10\2\0\0", 29);
    check_refused("cut.png", "repair, convert or remove it");
}

Test(decode, refuses_images_that_claim_to_be_huge)
{
    fixture_text("wide.ppm", "P6 40000 1 255\nxxx");
    check_refused("wide.ppm", "repair, convert or remove it");
    fixture_text("many.ppm", "P6 30000 30000 255\nxxx");
    check_refused("many.ppm", "more than 100 million");
}
