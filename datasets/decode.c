#include "datasets/decode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"

/* stb_image computes with wrapping integers and copies nothing from or to NULL + 0 (an empty IDAT chunk); the fuzzer's
 * sanitizer shall look for worse. */
#ifdef __clang__
#pragma clang attribute push(                                                                                          \
    __attribute__((no_sanitize("signed-integer-overflow", "shift", "pointer-overflow", "nonnull-attribute"))),         \
    apply_to = function)
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#define STBI_NO_GIF
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 32768
/* Version 2.27 declares this function under one name and defines it under another. */
#define stbi_set_unpremultiply_on_load_thread stbi__unpremultiply_on_load_thread
#include <stb/stb_image.h>
#pragma GCC diagnostic pop
#ifdef __clang__
#pragma clang attribute pop
#endif

enum { PIXEL_LIMIT = 100000000 };

/* What the densest format can say: deflate's 1,032 bytes from one, in a PNG of one bit per pixel. */
enum { PIXELS_PER_BYTE = 1032 * 8 };

bool decode_knows(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static unsigned byte_at(const uint8_t *bytes, size_t n, size_t i)
{
    return i < n ? bytes[i] : 0;
}

/* A Huffman segment starts at `at` (its length). Version 2.27 writes past its tables when one counts more than 256
 * codes. */
static bool huffman_fits(const uint8_t *bytes, size_t n, size_t at)
{
    size_t end = at + (byte_at(bytes, n, at) << 8 | byte_at(bytes, n, at + 1));
    for (size_t i = at + 2; i < end && i < n;) {
        unsigned codes = 0;
        for (int k = 1; k <= 16; k++)
            codes += byte_at(bytes, n, i + k);
        if (codes > 256)
            return false;
        i += 17 + codes;
    }
    return true;
}

/* The next marker at or behind *at, which is left behind it; 0 at the end of the file. Fill bytes, coded data (FF 00)
 * and restart markers are passed over. */
static unsigned next_marker(const uint8_t *bytes, size_t n, size_t *at)
{
    while (*at + 1 < n) {
        unsigned marker = bytes[*at] == 0xff ? bytes[*at + 1] : 0;
        *at += marker == 0xff ? 1 : marker ? 2 : 1;
        if (marker != 0 && marker != 0xff && !(marker >= 0xd0 && marker <= 0xd7))
            return marker;
    }
    return 0;
}

/* Whether all Huffman tables of a JPEG fit; true of other formats. */
static bool jpeg_is_safe(const uint8_t *bytes, size_t n)
{
    size_t at = 0;
    while (byte_at(bytes, n, at) == 0xff)
        at++;
    if (at == 0 || byte_at(bytes, n, at++) != 0xd8)
        return true; /* no start-of-image marker */
    for (unsigned marker; (marker = next_marker(bytes, n, &at)) && marker != 0xd9;) {
        if (marker == 0xc4 && !huffman_fits(bytes, n, at))
            return false;
        at += marker == 0xd8 ? 0 : byte_at(bytes, n, at) << 8 | byte_at(bytes, n, at + 1);
    }
    return true;
}

/* The bytes that a PGM or PPM must have: three numbers with blanks and comments, one blank, the pixels. stb_image would
 * leave the pixels that are missing undefined. */
static size_t pnm_bytes(const uint8_t *bytes, size_t n, size_t samples)
{
    size_t at = 2;
    unsigned most = 0;
    for (int number = 0; number < 3; number++) {
        while (at < n && !isdigit(bytes[at]))
            if (bytes[at++] == '#')
                while (at < n && bytes[at] != '\n' && bytes[at] != '\r')
                    at++;
        for (most = 0; at < n && isdigit(bytes[at]); at++)
            most = most > 6553 ? 65536 : most * 10 + bytes[at] - '0';
    }
    return at + 1 + samples * (most > 255 ? 2 : 1);
}

/* The same for an uncompressed BMP, of which stb_image would make missing pixels black. */
static size_t bmp_bytes(const uint8_t *bytes, size_t n, size_t w, size_t h)
{
    size_t start = 0, depth = byte_at(bytes, n, 14) == 12 ? 24 : 28; /* OS/2's header is shorter */
    size_t bits = byte_at(bytes, n, depth) | byte_at(bytes, n, depth + 1) << 8;
    for (int k = 3; k >= 0; k--)
        start = start << 8 | byte_at(bytes, n, 10 + (size_t)k);
    return start + (w * bits + 31) / 32 * 4 * h;
}

/* Whether a PNG's chunk says it is longer than the file: stb_image would allocate up to 4 GB for it before it looks. */
static bool png_is_cut(const uint8_t *bytes, size_t n)
{
    for (size_t at = 8, length; at + 8 <= n; at += 12 + length) {
        length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > n - at - 8)
            return true;
    }
    return false;
}

/* What a PNG's header says; 0 for other files. stb_image calls those unknown that are too large for it. */
static int64_t png_pixels(const uint8_t *bytes, size_t n)
{
    uint32_t side[2] = { 0 };
    for (int k = 0; n >= 24 && memcmp(bytes, "\x89PNG", 4) == 0 && k < 8; k++)
        side[k / 4] = side[k / 4] << 8 | bytes[16 + k];
    return side[0] > INT32_MAX || side[1] > INT32_MAX ? INT64_MAX : (int64_t)side[0] * side[1];
}

static bool is_cut(const uint8_t *bytes, size_t n, size_t w, size_t h, int c)
{
    if (n > 8 && memcmp(bytes, "\x89PNG", 4) == 0)
        return png_is_cut(bytes, n);
    if (n > 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6'))
        return n < pnm_bytes(bytes, n, w * h * (size_t)c);
    return n > 2 && bytes[0] == 'B' && bytes[1] == 'M' && n < bmp_bytes(bytes, n, w, h);
}

static void to_planes(uint8_t *out, const uint8_t *in, size_t pixels, int c)
{
    for (int k = 0; k < c; k++)
        for (size_t i = 0; i < pixels; i++)
            out[(size_t)k * pixels + i] = in[i * (size_t)c + (size_t)k];
}

bool decode_bytes(const uint8_t *bytes, size_t n, const char *path, struct image8 *out, struct err *err)
{
    static const char remedy[] = "repair, convert or remove it";
    int w, h, found;
    if (n > DECODE_LIMIT_BYTES)
        return err_run(err, "%s: more than %d MB; %s", path, DECODE_LIMIT_BYTES >> 20, remedy);
    if (!jpeg_is_safe(bytes, n))
        return err_run(err, "%s: damaged JPEG (a Huffman table of more than 256 codes); %s", path, remedy);
    if (png_pixels(bytes, n) > PIXEL_LIMIT)
        return err_run(err, "%s: more than %d million pixels; %s", path, PIXEL_LIMIT / 1000000, remedy);
    if (!stbi_info_from_memory(bytes, (int)n, &w, &h, &found))
        return err_run(err, "%s: not a readable JPEG, PNG, BMP, PPM or PGM (%s); %s", path, stbi_failure_reason(),
                       remedy);
    if (w < 1 || h < 1)
        return err_run(err, "%s: %d x %d pixels; %s", path, w, h, remedy);
    if ((int64_t)w * h > PIXEL_LIMIT)
        return err_run(err, "%s: %d x %d pixels are more than %d million; %s", path, w, h, PIXEL_LIMIT / 1000000,
                       remedy);
    if ((size_t)w * (size_t)h / PIXELS_PER_BYTE > n)
        return err_run(err, "%s: %d x %d pixels cannot be in %zu bytes; %s", path, w, h, n, remedy);
    if (is_cut(bytes, n, (size_t)w, (size_t)h, found))
        return err_run(err, "%s: the file is cut short; %s", path, remedy);
    int c = found <= 2 ? 1 : 3;
    stbi_uc *pixels = stbi_load_from_memory(bytes, (int)n, &w, &h, &found, c);
    if (!pixels)
        return err_run(err, "%s: damaged image (%s); %s", path, stbi_failure_reason(), remedy);
    *out = (struct image8){ c, h, w, pixels };
    if (c == 3) {
        out->pixels = mem_alloc((size_t)w * (size_t)h, 3);
        to_planes(out->pixels, pixels, (size_t)w * (size_t)h, 3);
        stbi_image_free(pixels);
    }
    return true;
}

bool decode_file(const char *path, struct image8 *out, struct err *err)
{
    char *bytes = NULL;
    size_t n = 0;
    if (!file_read(path, DECODE_LIMIT_BYTES, &bytes, &n, err))
        return false;
    bool ok = decode_bytes((const uint8_t *)bytes, n, path, out, err);
    free(bytes);
    return ok;
}
