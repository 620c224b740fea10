#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/mem.h"
#include "tests/data_fixture.h"

TestSuite(idx, .init = fixture_set_up, .fini = fixture_clean_up);

static void check_content(int n, int h, int w)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    cr_assert(fixture_open(fixture_idx_conf, &ds, &err), "%s", err.text);
    cr_assert(ds->count[SPLIT_TRAIN] == n && ds->count[SPLIT_TEST] == n && ds->classes == 10);
    for (int i = 0; i < n; i++) {
        cr_assert_eq(ds->label(ds, SPLIT_TRAIN, i), i % 10);
        cr_assert(ds->read(ds, SPLIT_TRAIN, i, &image, &err));
        cr_assert(image.c == 1 && image.h == h && image.w == w);
        for (int j = 0; j < h * w; j++)
            cr_assert_eq(image.pixels[j], (uint8_t)(i + j));
        free(image.pixels);
    }
    dataset_close(ds);
}

static void gzip(const char *name)
{
    struct err err;
    char *bytes, *packed = mem_format("%s.gz", fixture_path(name));
    size_t n;
    cr_assert(file_read(fixture_path(name), 1 << 20, &bytes, &n, &err));
    gzFile gz = gzopen(packed, "wb");
    cr_assert(gz && gzwrite(gz, bytes, (unsigned)n) == (int)n && gzclose(gz) == Z_OK);
    remove(fixture_path(name));
    free(packed);
    free(bytes);
}

static void patch(const char *name, long at, int byte)
{
    FILE *f = fopen(fixture_path(name), "r+b");
    cr_assert(f && fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) == 0 && fputc(byte, f) == byte && fclose(f) == 0);
}

static void set_length(const char *name, int change)
{
    struct err err;
    char *bytes;
    size_t n;
    cr_assert(file_read(fixture_path(name), 1 << 20, &bytes, &n, &err));
    bytes = mem_resize(bytes, n + 16, 1);
    fixture_write(name, bytes, n + (size_t)change);
    free(bytes);
}

Test(idx, reads_plain_files)
{
    fixture_idx(12, 5, 7);
    check_content(12, 5, 7);
}

Test(idx, reads_gzipped_files_and_mixtures)
{
    fixture_idx(12, 5, 7);
    gzip("train-images-idx3-ubyte");
    gzip("t10k-labels-idx1-ubyte");
    check_content(12, 5, 7);
}

Test(idx, gzipping_does_not_change_the_hash)
{
    struct dataset *ds;
    struct err err;
    char plain[SHA256_HEX], packed[SHA256_HEX];
    fixture_idx(3, 4, 4);
    cr_assert(fixture_open(fixture_idx_conf, &ds, &err) && ds->hash(ds, plain, &err));
    dataset_close(ds);
    gzip("train-images-idx3-ubyte");
    cr_assert(fixture_open(fixture_idx_conf, &ds, &err) && ds->hash(ds, packed, &err));
    cr_assert_str_eq(plain, packed);
    char *where = ds->where(ds, SPLIT_TRAIN, 2);
    cr_assert_str_eq(where, "train-images-idx3-ubyte.gz#2");
    free(where);
    dataset_close(ds);
}

Test(idx, reads_files_that_the_descriptor_names)
{
    struct dataset *ds;
    struct err err;
    fixture_idx(3, 4, 4);
    rename(fixture_path("train-images-idx3-ubyte"), fixture_path("a"));
    char *text = mem_format("%strain_images = \"a\";", fixture_idx_conf);
    cr_assert(fixture_open(text, &ds, &err), "%s", err.text);
    dataset_close(ds);
    free(text);
}

Test(idx, refuses_wrong_magic)
{
    fixture_idx(3, 4, 4);
    patch("train-images-idx3-ubyte", 3, 1);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "not an IDX file of images", "00 00 08 01",
                    "--data DIR", NULL);
    fixture_idx(3, 4, 4);
    patch("t10k-labels-idx1-ubyte", 2, 13);
    fixture_refused(fixture_idx_conf, "t10k-labels-idx1-ubyte", "not an IDX file of labels", "00 00 0d 01", NULL);
}

Test(idx, refuses_short_long_and_empty_files)
{
    fixture_idx(3, 4, 4);
    set_length("train-images-idx3-ubyte", -1);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "cut short, it should hold 48 bytes", NULL);
    set_length("train-images-idx3-ubyte", 2);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "1 bytes too many", NULL);
    fixture_text("train-images-idx3-ubyte", "");
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "too short to be an IDX file", NULL);
}

Test(idx, refuses_damaged_gzip)
{
    fixture_idx(3, 4, 4);
    gzip("train-images-idx3-ubyte");
    patch("train-images-idx3-ubyte.gz", -6, 0x55); /* inside the checksum */
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte.gz", "damaged gzip data", NULL);
    fixture_idx(5000, 4, 4); /* so large that the checksum is met behind the last item */
    gzip("train-images-idx3-ubyte");
    patch("train-images-idx3-ubyte.gz", -6, 0x55);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte.gz", "damaged gzip data", NULL);
    set_length("train-images-idx3-ubyte.gz", -12);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte.gz", "cut short", NULL);
    fixture_write("train-images-idx3-ubyte.gz", "\x1f\x8b\x08\0\0\0", 6);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte.gz", "damaged gzip data", NULL);
}

Test(idx, refuses_bytes_behind_the_last_item_of_a_gzip)
{
    fixture_idx(5000, 4, 4);
    set_length("train-images-idx3-ubyte", 1);
    gzip("train-images-idx3-ubyte");
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte.gz", "too long behind its last item", NULL);
}

Test(idx, refuses_a_gzip_whose_header_promises_too_much_before_allocating)
{
    fixture_idx(3, 4, 4);
    patch("train-images-idx3-ubyte", 4, 0x7f); /* 2 billion images of 16 bytes */
    gzip("train-images-idx3-ubyte");
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte.gz", "more than 256 MB; gunzip it", NULL);
}

Test(idx, refuses_impossible_counts_and_sizes)
{
    fixture_idx(3, 4, 4);
    patch("train-images-idx3-ubyte", 4, 0xff);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "holds 4278190083 items", NULL);
    fixture_idx(3, 4, 4);
    patch("train-images-idx3-ubyte", 7, 0);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "holds 0 items", NULL);
    fixture_idx(3, 4, 4);
    patch("train-images-idx3-ubyte", 13, 1);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte", "images of 4 x 65540", NULL);
    fixture_idx(3, 4, 4);
    patch("train-images-idx3-ubyte", 11, 0);
    fixture_refused(fixture_idx_conf, "images of 0 x 4", NULL);
}

Test(idx, refuses_counts_that_differ_and_labels_out_of_range)
{
    fixture_idx(3, 4, 4);
    patch("train-labels-idx1-ubyte", 7, 2);
    set_length("train-labels-idx1-ubyte", -1);
    fixture_refused(fixture_idx_conf, "train-images-idx3-ubyte: 3 images", "train-labels-idx1-ubyte has 2 labels",
                    NULL);
    fixture_idx(3, 4, 4);
    patch("train-labels-idx1-ubyte", 10, 10);
    fixture_refused(fixture_idx_conf, "train-labels-idx1-ubyte", "label 2 is 10", "0..9", NULL);
}

Test(idx, refuses_missing_files)
{
    fixture_idx(3, 4, 4);
    remove(fixture_path("t10k-images-idx3-ubyte"));
    fixture_refused(fixture_idx_conf, "t10k-images-idx3-ubyte: No such file", "--data DIR", NULL);
}

Test(idx, reads_the_real_mnist)
{
    struct dataset *ds;
    struct err err;
    if (!file_exists("../shared/data/mnist/train-images-idx3-ubyte.gz"))
        cr_skip_test("no ../shared/data/mnist");
    cr_assert(dataset_open("datasets/mnist.conf", "../shared/data/mnist", &ds, &err), "%s", err.text);
    cr_assert(ds->count[SPLIT_TRAIN] == 60000 && ds->count[SPLIT_TEST] == 10000);
    cr_assert(ds->label(ds, SPLIT_TRAIN, 0) == 5 && ds->label(ds, SPLIT_TEST, 0) == 7);
    double sum = 0;
    for (int i = 0; i < 60000; i++) {
        struct image8 image;
        cr_assert(ds->read(ds, SPLIT_TRAIN, i, &image, &err));
        for (int j = 0; j < 784; j++)
            sum += image.pixels[j];
        free(image.pixels);
    }
    cr_assert_float_eq(sum / (60000 * 784 * 255.0), ds->mean[0], 0.0001);
    dataset_close(ds);
}
