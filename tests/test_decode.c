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
        cr_assert(abs(image.pixels[i] - 200) < 6 && abs(image.pixels[256 + i] - 100) < 6 &&
                  abs(image.pixels[512 + i] - 30) < 6);
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

/* Cut anywhere, an image is refused, unless only bytes behind its last pixel are missing; JPEGs are always refused. */
static void check_cuts(const char *path)
{
    struct image8 whole, image;
    struct err err;
    char *bytes;
    size_t n, accepted = 0;
    cr_assert(file_read(path, 1 << 20, &bytes, &n, &err) && decode_bytes((uint8_t *)bytes, n, path, &whole, &err));
    for (size_t keep = 0; keep < n; keep++) {
        uint8_t *cut = malloc(keep + 1); /* its own block, so that a sanitizer sees reads behind it */
        memcpy(cut, bytes, keep);
        if (decode_bytes(cut, keep, "cut", &image, &err)) {
            accepted++;
            cr_assert_eq(memcmp(image.pixels, whole.pixels, (size_t)whole.c * whole.h * whole.w), 0,
                         "%s cut to %zu of %zu", path, keep, n);
            free(image.pixels);
        }
        free(cut);
    }
    cr_assert_leq(accepted, strstr(path, ".png") ? 16 : 0, "%s: %zu cuts were accepted", path, accepted);
    bytes = mem_resize(bytes, n + 3, 1);
    memcpy(bytes + n, "xyz", 3);
    cr_assert(decode_bytes((uint8_t *)bytes, n + 3, path, &image, &err), "bytes behind the end are common: %s",
              err.text);
    free(image.pixels);
    free(whole.pixels);
    free(bytes);
}

Test(decode, refuses_images_cut_anywhere)
{
    uint8_t *pixels = pattern(7 * 5 * 3);
    fixture_image("a.png", 7, 5, 3, pixels);
    fixture_image("a.bmp", 7, 5, 3, pixels);
    fixture_image("a.ppm", 7, 5, 3, pixels);
    fixture_image("a.pgm", 7, 5, 1, pixels);
    fixture_text("comment.pgm", "P5 # a comment\n 2 # 9\n 2\n255\nabcd");
    fixture_write("deep.pgm", "P5 2 1 65535\n\1\2\3\4", 17);
    check_cuts("tests/data/pattern.jpg");
    check_cuts(fixture_path("a.png"));
    check_cuts(fixture_path("a.bmp"));
    check_cuts(fixture_path("a.ppm"));
    check_cuts(fixture_path("a.pgm"));
    check_cuts(fixture_path("comment.pgm"));
    check_cuts(fixture_path("deep.pgm"));
    free(pixels);
}

/* A Huffman table of 4080 codes, for which the decoder has room for 256. */
Test(decode, refuses_a_jpeg_with_oversized_huffman_tables)
{
    uint8_t bytes[2 + 2 + 2 + 17 + 2] = { 0xff, 0xd8, 0xff, 0xc4, 0, 19, 0 };
    memset(bytes + 7, 255, 16);
    fixture_write("hostile.jpg", bytes, sizeof bytes);
    check_refused("hostile.jpg", "a Huffman table of more than 256 codes");
    memmove(bytes + 1, bytes, sizeof bytes - 1); /* fill bytes before the first marker are legal */
    fixture_write("hostile2.jpg", bytes, sizeof bytes);
    check_refused("hostile2.jpg", "a Huffman table of more than 256 codes");
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
    fixture_write("claim.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x20\0\0\0\x20\0\10\2\0\0\0\0\0\0\0", 33);
    check_refused("claim.png", "8192 x 8192 pixels cannot be in 33 bytes");
    fixture_write("chunk.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2\10\2\0\0\0\0\0\0\0\x7f\0\0\0IDATx", 42);
    check_refused("chunk.png", "cut short");
}

Test(decode, refuses_images_without_pixels)
{
    fixture_text("none.ppm", "P6 0 2 255\nxxxxxx");
    check_refused("none.ppm", "0 x 2 pixels");
}

Test(decode, refuses_images_that_claim_to_be_huge)
{
    fixture_text("wide.ppm", "P6 40000 1 255\nxxx");
    check_refused("wide.ppm", "repair, convert or remove it");
    fixture_text("many.ppm", "P6 30000 30000 255\nxxx");
    check_refused("many.ppm", "more than 100 million");
}
