#include "validate/report/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/xml.h"

/* Its JPEG writer shifts bits out of an int, which a sanitizer would report as an overflow. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("shift"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC optimize("wrapv")
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

enum { JPEG_QUALITY = 85 };

struct bytes {
    uint8_t *data;
    size_t n, room;
};

static void append(void *self, void *data, int n)
{
    struct bytes *b = self;
    if (b->room - b->n < (size_t)n) {
        b->room = 2 * b->room + (size_t)n;
        b->data = mem_resize(b->data, b->room, 1);
    }
    memcpy(b->data + b->n, data, (size_t)n);
    b->n += (size_t)n;
}

/* RFC 4648, section 4 */
static void write_base64(FILE *out, const uint8_t *data, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t v = (uint32_t)data[i] << 16;
        v |= have > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        v |= have > 2 ? data[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            fputc(k <= have ? digit[v >> (18 - 6 * k) & 63] : '=', out);
    }
}

static int longer_side(const struct picture *p)
{
    return p->w > p->h ? p->w : p->h;
}

/* Mean over the pixels of p that fall onto pixel (x, y) of a picture of w x h, in channel k. */
static uint8_t mean_of_area(const struct picture *p, int w, int h, int x, int y, int k)
{
    int x0 = (int)((int64_t)x * p->w / w), x1 = (int)(((int64_t)x + 1) * p->w / w);
    int y0 = (int)((int64_t)y * p->h / h), y1 = (int)(((int64_t)y + 1) * p->h / h);
    uint64_t sum = 0, n = (uint64_t)(x1 - x0) * (uint64_t)(y1 - y0);
    for (int j = y0; j < y1; j++)
        for (int i = x0; i < x1; i++)
            sum += p->pixels[((size_t)j * (size_t)p->w + (size_t)i) * (size_t)p->channels + (size_t)k];
    return (uint8_t)((sum + n / 2) / n);
}

/* A smaller copy whose longer side is `side`; p is larger. Free pixels. */
static struct picture shrink(const struct picture *p, int side)
{
    int longer = longer_side(p);
    int w = (int)((int64_t)p->w * side / longer), h = (int)((int64_t)p->h * side / longer);
    struct picture s = { .w = w > 0 ? w : 1, .h = h > 0 ? h : 1, .channels = p->channels };
    s.pixels = mem_alloc((size_t)s.w * (size_t)s.h, (size_t)s.channels);
    uint8_t *to = s.pixels;
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
            for (int k = 0; k < s.channels; k++)
                *to++ = mean_of_area(p, s.w, s.h, x, y, k);
    return s;
}

static void encode(struct bytes *file, const struct picture *p, bool jpeg)
{
    if (jpeg)
        stbi_write_jpg_to_func(append, file, p->w, p->h, p->channels, p->pixels, JPEG_QUALITY);
    else
        stbi_write_png_to_func(append, file, p->w, p->h, p->channels, p->pixels, p->w * p->channels);
}

uint8_t *picture_png(const uint8_t *pixels, int w, int h, int channels, size_t *n)
{
    struct bytes file = { 0 };
    stbi_write_png_to_func(append, &file, w, h, channels, pixels, w * channels);
    *n = file.n;
    return file.data;
}

void picture_write_uri(FILE *out, const struct picture *p)
{
    struct bytes file = { 0 };
    bool jpeg = longer_side(p) > PICTURE_EXACT && p->channels == 3; /* JPEG has no transparency */
    if (longer_side(p) > PICTURE_PHOTO) {
        struct picture small = shrink(p, PICTURE_PHOTO);
        encode(&file, &small, jpeg);
        free(small.pixels);
    } else {
        encode(&file, p, jpeg);
    }
    fputs(jpeg ? "data:image/jpeg;base64," : "data:image/png;base64,", out);
    write_base64(out, file.data, file.n);
    free(file.data);
}

void picture_write_img(FILE *out, const struct picture *p, int side, const char *css)
{
    int longer = longer_side(p);
    double scale = longer <= side ? floor((double)side / longer) : (double)side / longer;
    bool photo = longer > PICTURE_EXACT && p->channels == 3;
    const char *alt = p->alt && *p->alt ? p->alt : p->caption && *p->caption ? p->caption : "A picture";
    fputs("<img src=\"", out);
    picture_write_uri(out, p);
    fputs("\" alt=\"", out);
    xml_text(out, alt);
    fprintf(out, "\" width=\"%d\" height=\"%d\"", (int)fmax(1, p->w * scale), (int)fmax(1, p->h * scale));
    if (photo || *css)
        fprintf(out, " class=\"%s%s%s\"", css, photo && *css ? " " : "", photo ? "photo" : "");
    fputs(">", out);
}

struct picture picture_of_heat(const double *share, int w, int h, double most)
{
    static const uint8_t blue[3] = { 48, 140, 204 };
    size_t n = (size_t)w * (size_t)h;
    struct picture p = { .w = w, .h = h, .channels = 4, .pixels = mem_alloc(n, 4) };
    for (size_t i = 0; i < n; i++) {
        double part = share[i] / most;
        memcpy(p.pixels + 4 * i, blue, 3);
        p.pixels[4 * i + 3] = (uint8_t)(part >= 1 ? 255 : part > 0 ? floor(255 * part + 0.5) : 0); /* NaN: 0 */
    }
    return p;
}
