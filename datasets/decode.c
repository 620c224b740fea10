#include "datasets/decode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"

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

enum { FILE_LIMIT_BYTES = 256 << 20, PIXEL_LIMIT = 100000000 };

bool decode_knows(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* stb_image fills what is missing of a JPEG with grey and reports success. Inside the coded picture FF is always followed by
 * 00 or a restart marker, so a whole file has FF D9 (end of image) behind its last FF DA (start of scan). */
static bool jpeg_is_cut(const uint8_t *bytes, size_t n)
{
    if (n < 4 || bytes[0] != 0xff || bytes[1] != 0xd8)
        return false;
    for (size_t i = n - 1; i >= 1; i--) {
        if (bytes[i - 1] != 0xff)
            continue;
        if (bytes[i] == 0xd9)
            return false;
        if (bytes[i] == 0xda)
            return true;
    }
    return true;
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
    if (n > FILE_LIMIT_BYTES)
        return err_run(err, "%s: more than %d MB; %s", path, FILE_LIMIT_BYTES >> 20, remedy);
    if (!stbi_info_from_memory(bytes, (int)n, &w, &h, &found))
        return err_run(err, "%s: not a readable JPEG, PNG, BMP, PPM or PGM (%s); %s", path, stbi_failure_reason(), remedy);
    if ((int64_t)w * h > PIXEL_LIMIT)
        return err_run(err, "%s: %d x %d pixels are more than %d million; %s", path, w, h, PIXEL_LIMIT / 1000000, remedy);
    if (jpeg_is_cut(bytes, n))
        return err_run(err, "%s: JPEG without its end, so it is cut short; %s", path, remedy);
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
    if (!file_read(path, FILE_LIMIT_BYTES, &bytes, &n, err))
        return false;
    bool ok = decode_bytes((const uint8_t *)bytes, n, path, out, err);
    free(bytes);
    return ok;
}
