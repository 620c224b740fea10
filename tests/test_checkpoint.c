#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "train/checkpoint.h"

enum { STORED = 5 };

static char directory[64], path[96];

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "%s", "/tmp/checkpoint-XXXXXX");
    cr_assert(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/checkpoint.bin", directory);
}

static void remove_directory(void)
{
    unlink(path);
    cr_assert_eq(rmdir(directory), 0, "a temporary file was left");
}

TestSuite(checkpoint, .init = make_directory, .fini = remove_directory);

static float parameters[STORED] = { 1, 2, 3, 4, 5 }, momentum[STORED] = { -1, -2, -3, -4, -5 };
static struct epoch_record epochs[2] = { { .epoch = 1, .loss = 2.5 }, { .epoch = 2, .loss = 1.5, .wall_time = 7 } };

static struct checkpoint sample(void)
{
    return (struct checkpoint){ .position = { .epoch = 2, .batch = 3, .loss_sum = .1, .average_loss = -1 },
        .identity = (char *)"seed=1\nbatch=8\n", .host = (char *)"threads=2\n", .records = { 2, 2, epochs },
        .stored = STORED, .parameters = parameters, .momentum = momentum };
}

static void write_sample(void)
{
    struct checkpoint c = sample();
    struct err err;

    cr_assert(checkpoint_write(path, &c, &err), "%s", err.text);
}

/* Reads back; `into` has arrays of its own. */
static bool read_back(const char *identity, struct checkpoint *into, struct err *err)
{
    static float p[STORED], m[STORED];

    *into = (struct checkpoint){ .stored = STORED, .parameters = p, .momentum = m };
    return checkpoint_read(path, identity, into, err);
}

static void expect_refusal(enum exit_status status, const char *identity, const char *words)
{
    struct checkpoint c;
    struct err err;

    cr_assert(!read_back(identity, &c, &err));
    cr_assert_eq(err.status, status);
    cr_assert(strstr(err.text, words), "%s", err.text);
    cr_assert(strstr(err.text, path) && strchr(err.text, ';'), "%s", err.text);
}

/* Changes the byte at `offset` (from the end when negative). */
static void damage(long offset)
{
    FILE *f = fopen(path, "r+b");

    fseek(f, offset, offset < 0 ? SEEK_END : SEEK_SET);
    int byte = getc(f);
    fseek(f, -1, SEEK_CUR);
    putc(byte ^ 1, f);
    fclose(f);
}

Test(checkpoint, what_was_written_is_read)
{
    struct checkpoint c;
    struct err err;

    write_sample();
    cr_assert(read_back("seed=1\nbatch=8\n", &c, &err), "%s", err.text);
    cr_assert_eq(c.position.epoch, 2);
    cr_assert_eq(c.position.batch, 3);
    cr_assert_eq(c.position.loss_sum, .1);
    cr_assert_str_eq(c.host, "threads=2\n");
    cr_assert_eq(c.records.n, 2);
    cr_assert_eq(c.records.record[1].wall_time, 7);
    cr_assert_arr_eq(c.parameters, parameters, sizeof parameters);
    cr_assert_arr_eq(c.momentum, momentum, sizeof momentum);
    records_add(&c.records, &epochs[0]);
    cr_assert_eq(c.records.record[1].loss, 1.5);
    cr_assert_eq(c.records.record[2].loss, 2.5);
    checkpoint_free(&c);
}

Test(checkpoint, other_settings_are_refused_and_named)
{
    write_sample();
    expect_refusal(EXIT_USAGE, "seed=1\nbatch=9\n", "started with `batch=8`, now it is `batch=9`");
    expect_refusal(EXIT_USAGE, "seed=1\n", "started with `batch=8`, now it is `(nothing)`");
    expect_refusal(EXIT_USAGE, "seed=1\nbatch=8\nmore=1\n", "started with `(nothing)`, now it is `more=1`");
    expect_refusal(EXIT_USAGE, "seed=1\nbatch=8", "started with");
}

Test(checkpoint, every_single_damaged_byte_is_noticed)
{
    char *bytes;
    size_t n;
    struct err err;

    write_sample();
    cr_assert(file_read(path, 1 << 20, &bytes, &n, &err));
    for (size_t i = 0; i < n; i++) {
        struct checkpoint c;
        damage((long)i);
        cr_assert(!read_back("seed=1\nbatch=8\n", &c, &err), "byte %zu", i);
        damage((long)i);
    }
    free(bytes);
}

Test(checkpoint, every_truncation_is_noticed)
{
    char *bytes;
    size_t n;
    struct err err;

    write_sample();
    cr_assert(file_read(path, 1 << 20, &bytes, &n, &err));
    for (size_t i = 0; i < n; i++) {
        struct checkpoint c;
        cr_assert(file_write(path, bytes, i, &err));
        cr_assert(!read_back("seed=1\nbatch=8\n", &c, &err), "%zu bytes", i);
    }
    free(bytes);
    expect_refusal(EXIT_CANNOT_RUN, "seed=1\nbatch=8\n", "truncated");
}

Test(checkpoint, foreign_and_longer_files_are_refused)
{
    struct err err;

    cr_assert(file_write(path, "PNG and so on, long enough", 26, &err));
    expect_refusal(EXIT_CANNOT_RUN, "", "is not a checkpoint");
    write_sample();
    FILE *f = fopen(path, "ab");
    putc(0, f);
    fclose(f);
    expect_refusal(EXIT_CANNOT_RUN, "seed=1\nbatch=8\n", "damaged");
}

Test(checkpoint, another_network_is_refused)
{
    struct checkpoint c = sample();
    struct err err;

    c.stored = STORED - 1;
    cr_assert(checkpoint_write(path, &c, &err));
    expect_refusal(EXIT_CANNOT_RUN, "seed=1\nbatch=8\n", "another network");
}

Test(checkpoint, a_failed_write_keeps_the_old_file)
{
    struct checkpoint c = sample();
    struct err err;

    write_sample();
    c.position.epoch = 9;
    cr_assert(!checkpoint_write("/nonexistent/checkpoint.bin", &c, &err));
    cr_assert(read_back("seed=1\nbatch=8\n", &c, &err));
    cr_assert_eq(c.position.epoch, 2);
    checkpoint_free(&c);
}
