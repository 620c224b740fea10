#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/data_fixture.h"

TestSuite(cifar, .init = fixture_set_up, .fini = fixture_clean_up);

Test(cifar, reads_back_what_was_written)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    fixture_cifar10(3);
    cr_assert(fixture_open(fixture_cifar10_conf, &ds, &err), "%s", err.text);
    cr_assert(ds->count[SPLIT_TRAIN] == 15 && ds->count[SPLIT_TEST] == 3 && ds->classes == 10);
    cr_assert_str_eq(ds->class_names[7], "7");
    for (int i = 0; i < 15; i++) {
        int file = i / 3, record = i % 3;
        cr_assert_eq(ds->label(ds, SPLIT_TRAIN, i), (record + file) % 10);
        cr_assert(ds->read(ds, SPLIT_TRAIN, i, &image, &err));
        cr_assert(image.c == 3 && image.h == 32 && image.w == 32);
        for (int j = 0; j < 3072; j++)
            cr_assert_eq(image.pixels[j], (uint8_t)(record + j + file));
        free(image.pixels);
    }
    cr_assert_eq(ds->label(ds, SPLIT_TEST, 2), 7);
    char *where = ds->where(ds, SPLIT_TRAIN, 7);
    cr_assert_str_eq(where, "data_batch_3.bin#1");
    free(where);
    dataset_close(ds);
}

Test(cifar, finds_the_folder_of_the_official_archive)
{
    struct dataset *ds;
    struct err err;
    fixture_cifar10(1);
    fixture_text("cifar-10-batches-bin/placeholder", "");
    for (int f = 1; f <= 6; f++) {
        char name[32], to[64];
        snprintf(name, sizeof name, f < 6 ? "data_batch_%d.bin" : "test_batch.bin", f);
        snprintf(to, sizeof to, "cifar-10-batches-bin/%s", name);
        cr_assert_eq(rename(fixture_path(name), fixture_path(to)), 0);
    }
    cr_assert(fixture_open(fixture_cifar10_conf, &ds, &err), "%s", err.text);
    cr_assert_eq(ds->count[SPLIT_TRAIN], 5);
    dataset_close(ds);
}

Test(cifar, hundred_uses_the_fine_label)
{
    static uint8_t records[2 * 3074];
    struct dataset *ds;
    struct err err;
    struct image8 image;
    records[0] = 19, records[1] = 99, records[3074] = 3, records[3075] = 42, records[3074 + 2] = 200;
    fixture_write("train.bin", records, sizeof records);
    fixture_write("test.bin", records, 3074);
    cr_assert(fixture_open("format = \"cifar100\"; name = \"x\"; shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5];"
                           "std = [0.25, 0.25, 0.25];", &ds, &err), "%s", err.text);
    cr_assert(ds->classes == 100 && ds->label(ds, SPLIT_TRAIN, 0) == 99 && ds->label(ds, SPLIT_TRAIN, 1) == 42);
    cr_assert(ds->read(ds, SPLIT_TRAIN, 1, &image, &err));
    cr_assert_eq(image.pixels[0], 200);
    free(image.pixels);
    dataset_close(ds);
}

Test(cifar, refuses_a_truncated_file)
{
    uint8_t bytes[3000] = { 0 };
    fixture_cifar10(2);
    fixture_write("data_batch_4.bin", bytes, sizeof bytes);
    fixture_refused(fixture_cifar10_conf, "data_batch_4.bin", "3000 bytes", "3073", "--data DIR", NULL);
    fixture_write("data_batch_4.bin", bytes, 0);
    fixture_refused(fixture_cifar10_conf, "data_batch_4.bin", "0 bytes", NULL);
}

Test(cifar, refuses_a_label_out_of_range)
{
    uint8_t bytes[2 * 3073] = { 0 };
    bytes[3073] = 10;
    fixture_cifar10(2);
    fixture_write("data_batch_5.bin", bytes, sizeof bytes);
    fixture_refused(fixture_cifar10_conf, "data_batch_5.bin", "image 1 has label 10", "0..9", "--data DIR", NULL);
}

Test(cifar, refuses_a_missing_file_and_a_directory)
{
    fixture_cifar10(2);
    cr_assert_eq(remove(fixture_path("test_batch.bin")), 0);
    fixture_refused(fixture_cifar10_conf, "test_batch.bin", "No such file", "--data DIR", NULL);
    fixture_text("test_batch.bin/x", "");
    fixture_refused(fixture_cifar10_conf, "test_batch.bin", "not a regular file", NULL);
}

Test(cifar, refuses_class_names_of_another_number)
{
    fixture_cifar10(1);
    char *text = mem_format("%sclass_names = [\"a\", \"b\"];", fixture_cifar10_conf);
    fixture_refused(text, "class_names has 2 names", "10 classes", NULL);
    free(text);
}

Test(cifar, a_file_that_shrinks_is_an_error_not_a_crash)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    fixture_cifar10(2);
    cr_assert(fixture_open(fixture_cifar10_conf, &ds, &err));
    fixture_write("data_batch_1.bin", "", 0);
    cr_assert_not(ds->read(ds, SPLIT_TRAIN, 1, &image, &err));
    cr_assert(strstr(err.text, "data_batch_1.bin"), "%s", err.text);
    dataset_close(ds);
}

Test(cifar, hash_depends_on_every_byte)
{
    struct dataset *ds;
    struct err err;
    char first[SHA256_HEX], again[SHA256_HEX], other[SHA256_HEX];
    fixture_cifar10(2);
    cr_assert(fixture_open(fixture_cifar10_conf, &ds, &err));
    cr_assert(ds->hash(ds, first, &err) && ds->hash(ds, again, &err));
    dataset_close(ds);
    FILE *f = fopen(fixture_path("data_batch_2.bin"), "r+b");
    fseek(f, 5000, SEEK_SET);
    fputc(99, f);
    fclose(f);
    cr_assert(fixture_open(fixture_cifar10_conf, &ds, &err));
    cr_assert(ds->hash(ds, other, &err));
    cr_assert_str_eq(first, again);
    cr_assert_str_neq(first, other);
    dataset_close(ds);
}

/* Where the real data are at hand: counts, balance, and the mean that the descriptor states. */
Test(cifar, reads_the_real_set)
{
    struct dataset *ds;
    struct err err;
    if (!file_exists("../shared/data/cifar10/data_batch_1.bin"))
        cr_skip_test("no ../shared/data/cifar10");
    cr_assert(dataset_open("datasets/cifar10.conf", "../shared/data/cifar10", &ds, &err), "%s", err.text);
    cr_assert(ds->count[SPLIT_TRAIN] == 50000 && ds->count[SPLIT_TEST] == 10000);
    int count[10] = { 0 };
    double sum = 0;
    for (int i = 0; i < 50000; i++) {
        struct image8 image;
        count[ds->label(ds, SPLIT_TRAIN, i)]++;
        if (i % 10)
            continue;
        cr_assert(ds->read(ds, SPLIT_TRAIN, i, &image, &err));
        for (int j = 0; j < 1024; j++)
            sum += image.pixels[j];
        free(image.pixels);
    }
    for (int k = 0; k < 10; k++)
        cr_assert_eq(count[k], 5000);
    cr_assert_float_eq(sum / (5000 * 1024 * 255.0), ds->mean[0], 0.005);
    dataset_close(ds);
}
