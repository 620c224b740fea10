#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "train/records.h"
#include "train/run_directory.h"

static char directory[64];

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "%s", "/tmp/records-XXXXXX");
    cr_assert(mkdtemp(directory));
}

static void remove_directory(void)
{
    static const char *const names[] = { RUN_JSONL, RUN_SUMMARY, RUN_CURVE, RUN_EVENTS };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = file_join(directory, names[i]);
        unlink(path);
        free(path);
    }
    cr_assert_eq(rmdir(directory), 0, "a file was left");
}

TestSuite(records, .init = make_directory, .fini = remove_directory);

static struct epoch_record sample(int epoch)
{
    return (struct epoch_record){ .epoch = epoch, .images = 64, .loss = 1.5 / epoch, .train_accuracy = .5,
        .test_images = 8, .test_correct = 2, .test_loss = .25, .learning_rate = .1, .images_per_second = 1000,
        .seconds = 2, .wall_time = 1e9 + epoch };
}

/* The file's text; free() it. */
static char *text_of(const char *name, size_t *n)
{
    char *path = file_join(directory, name), *text;
    struct err err;

    cr_assert(file_read(path, 1 << 20, &text, n, &err), "%s", err.text);
    free(path);
    return text;
}

static void expect_text(const char *name, const char *wanted)
{
    size_t n;
    char *text = text_of(name, &n);

    cr_assert_str_eq(text, wanted);
    free(text);
}

static void append(struct records *r, struct epoch_record record)
{
    struct err err;

    records_add(r, &record);
    cr_assert(records_append(r, directory, true, "a run", &err), "%s", err.text);
}

Test(records, one_epoch_is_one_line_and_one_row)
{
    struct records r = { 0 };

    append(&r, sample(1));
    expect_text(RUN_JSONL, "{\"epoch\":1,\"loss\":1.5,\"train_accuracy\":0.5,\"test_loss\":0.25,\"test_accuracy\":0.25,"
                "\"learning_rate\":0.10000000000000001,\"images_per_second\":1000.0,\"seconds\":2.0,\"images\":64}\n");
    expect_text(RUN_SUMMARY, "epoch,loss,train_accuracy,test_loss,test_accuracy,learning_rate,images_per_second,"
                "seconds,images\n1,1.5,0.5,0.25,0.25,0.1,1000,2,64\n");
    records_free(&r);
}

Test(records, without_a_test_split_the_figures_are_null_and_empty)
{
    struct epoch_record record = sample(1);
    struct records r = { 0 };

    record.test_images = 0;
    cr_assert(isnan(record_test_accuracy(&record)));
    append(&r, record);
    expect_text(RUN_JSONL, "{\"epoch\":1,\"loss\":1.5,\"train_accuracy\":0.5,\"test_loss\":null,\"test_accuracy\":null,"
                "\"learning_rate\":0.10000000000000001,\"images_per_second\":1000.0,\"seconds\":2.0,\"images\":64}\n");
    expect_text(RUN_SUMMARY, "epoch,loss,train_accuracy,test_loss,test_accuracy,learning_rate,images_per_second,"
                "seconds,images\n1,1.5,0.5,,,0.1,1000,2,64\n");
    records_free(&r);
}

/* What a resume does must give what appending gave, whatever a kill left in the files. */
Test(records, writing_all_gives_the_bytes_that_appending_gave)
{
    static const char *const names[] = { RUN_JSONL, RUN_SUMMARY, RUN_CURVE, RUN_EVENTS };
    char *appended[4];
    size_t n[4], m;
    struct records r = { 0 };
    struct err err;

    for (int epoch = 1; epoch <= 100; epoch++)
        append(&r, sample(epoch));
    for (int i = 0; i < 4; i++)
        appended[i] = text_of(names[i], &n[i]);
    append(&r, sample(101)); /* after the last checkpoint, say */
    r.n--;
    cr_assert(records_write(&r, directory, true, "a run", &err), "%s", err.text);
    for (int i = 0; i < 4; i++) {
        char *text = text_of(names[i], &m);
        cr_assert_eq(m, n[i], "%s", names[i]);
        cr_assert_arr_eq(text, appended[i], n[i], "%s", names[i]);
        free(text);
        free(appended[i]);
    }
    records_free(&r);
}

Test(records, no_epoch_yet_writes_nothing)
{
    struct records r = { 0 };
    struct err err;

    cr_assert(records_write(&r, directory, true, "a run", &err));
}

Test(records, a_directory_that_is_gone_is_an_error)
{
    struct records r = { 0 };
    struct epoch_record record = sample(1);
    struct err err;

    records_add(&r, &record);
    cr_assert(!records_write(&r, "/nonexistent", true, "a run", &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    records_free(&r);
}
