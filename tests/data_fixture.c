#include "tests/data_fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

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

#define SHAPE_RGB "shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n"

const char fixture_cifar10_conf[] = "format = \"cifar10\"; name = \"tiny\";\n" SHAPE_RGB;
const char fixture_idx_conf[] =
    "format = \"idx\"; name = \"tiny\"; classes = 10; shape = [1, 28, 28]; mean = [0.1]; std = [0.3];\n";
const char fixture_folder_conf[] = "format = \"folder\"; name = \"tiny\";\n" SHAPE_RGB;

static char directory[256];

void fixture_set_up(void)
{
    const char *place = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/marginalia-XXXXXX", place && *place ? place : "/tmp");
    cr_assert(mkdtemp(directory), "%s", directory);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void fixture_clean_up(void)
{
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fixture_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void make_parent(const char *path)
{
    struct err err;
    char *parent = mem_string(path);
    *strrchr(parent, '/') = 0;
    cr_assert(file_make_directories(parent, &err));
    free(parent);
}

void fixture_write(const char *name, const void *bytes, size_t n)
{
    const char *path = fixture_path(name);
    make_parent(path);
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

void fixture_text(const char *name, const char *text)
{
    fixture_write(name, text, strlen(text));
}

void fixture_image(const char *name, int h, int w, int c, const uint8_t *pixels)
{
    const char *path = fixture_path(name), *ending = strrchr(name, '.');
    make_parent(path);
    if (strcmp(ending, ".png") == 0)
        cr_assert(stbi_write_png(path, w, h, c, pixels, w * c));
    else if (strcmp(ending, ".bmp") == 0)
        cr_assert(stbi_write_bmp(path, w, h, c, pixels));
    else {
        FILE *f = fopen(path, "wb");
        cr_assert(f);
        fprintf(f, "P%d %d %d 255\n", c == 1 ? 5 : 6, w, h);
        fwrite(pixels, (size_t)c, (size_t)h * (size_t)w, f);
        fclose(f);
    }
}

void fixture_jpeg(const char *name, int h, int w, int c, const uint8_t *pixels, int quality)
{
    const char *path = fixture_path(name);
    make_parent(path);
    cr_assert(stbi_write_jpg(path, w, h, c, pixels, quality));
}

void fixture_copy(const char *name, const char *from)
{
    struct err err;
    char *bytes;
    size_t n;
    cr_assert(file_read(from, 1 << 20, &bytes, &n, &err), "%s", err.text);
    fixture_write(name, bytes, n);
    free(bytes);
}

bool fixture_open(const char *text, struct dataset **out, struct err *err)
{
    char *all = mem_format("%sdirectory = \"%s\";\n", text, directory);
    fixture_text("set.conf", all);
    free(all);
    return dataset_open(fixture_path("set.conf"), NULL, out, err);
}

void fixture_refused(const char *text, ...)
{
    struct dataset *ds;
    struct err err;
    cr_assert_not(fixture_open(text, &ds, &err), "was accepted: %s", text);
    cr_assert_null(ds);
    cr_assert(err.status == EXIT_USAGE || err.status == EXIT_CANNOT_RUN);
    cr_assert_null(strchr(err.text, '\n'), "more than one line: %s", err.text);
    va_list parts;
    va_start(parts, text);
    for (const char *part; (part = va_arg(parts, const char *));)
        cr_assert(strstr(err.text, part), "\"%s\" is not in: %s", part, err.text);
    va_end(parts);
}

void fixture_cifar10(int images)
{
    static const char *const names[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin" };
    uint8_t *bytes = mem_alloc((size_t)images, 3073);
    for (int f = 0; f < 6; f++) {
        for (int i = 0; i < images; i++) {
            bytes[i * 3073] = (uint8_t)((i + f) % 10);
            for (int j = 0; j < 3072; j++)
                bytes[i * 3073 + 1 + j] = (uint8_t)(i + j + f);
        }
        fixture_write(names[f], bytes, (size_t)images * 3073);
    }
    free(bytes);
}

static void put_number(uint8_t *at, int number)
{
    for (int k = 0; k < 4; k++)
        at[k] = (uint8_t)((unsigned)number >> (24 - 8 * k));
}

void fixture_idx(int n, int h, int w)
{
    size_t size = (size_t)n * (size_t)h * (size_t)w;
    uint8_t *images = mem_alloc(16 + size, 1), *labels = mem_alloc(8 + (size_t)n, 1);
    put_number(images, 0x803), put_number(images + 4, n), put_number(images + 8, h), put_number(images + 12, w);
    put_number(labels, 0x801), put_number(labels + 4, n);
    for (int i = 0; i < n; i++) {
        labels[8 + i] = (uint8_t)(i % 10);
        for (int j = 0; j < h * w; j++)
            images[16 + i * h * w + j] = (uint8_t)(i + j);
    }
    fixture_write("train-images-idx3-ubyte", images, 16 + size);
    fixture_write("t10k-images-idx3-ubyte", images, 16 + size);
    fixture_write("train-labels-idx1-ubyte", labels, 8 + (size_t)n);
    fixture_write("t10k-labels-idx1-ubyte", labels, 8 + (size_t)n);
    free(images);
    free(labels);
}
