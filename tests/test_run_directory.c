#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "train/run_directory.h"

static char root[64], run[96];

static void make_root(void)
{
    snprintf(root, sizeof root, "%s", "/tmp/run-directory-XXXXXX");
    cr_assert(mkdtemp(root));
    snprintf(run, sizeof run, "%s/run", root);
}

static void remove_root(void)
{
    static const char *const names[] = { RUN_LOCK, RUN_TURN, RUN_CHECKPOINT, RUN_FINAL, "notes.txt", "final.weights.tmp-x" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = file_join(run, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(run);
    cr_assert_eq(rmdir(root), 0, "a file was left");
}

TestSuite(run_directory, .init = make_root, .fini = remove_root);

static void make_file(const char *name)
{
    char *path = file_join(run, name);
    struct err err;

    cr_assert(file_write(path, "x", 1, &err), "%s", err.text);
    free(path);
}

static bool has(const char *name)
{
    char *path = file_join(run, name);
    bool yes = file_exists(path);

    free(path);
    return yes;
}

static void open_and_close(enum run_mode mode)
{
    struct run_directory d;
    struct err err;

    cr_assert(run_directory_open(&d, run, mode, &err), "%s", err.text);
    run_directory_close(&d);
}

static void expect_refusal(enum run_mode mode, enum exit_status status, const char *words)
{
    struct run_directory d;
    struct err err;

    cr_assert(!run_directory_open(&d, run, mode, &err));
    cr_assert_eq(err.status, status);
    cr_assert(strstr(err.text, words), "%s", err.text);
}

Test(run_directory, a_new_one_is_made_with_its_parents_and_not_used_twice)
{
    open_and_close(RUN_NEW);
    cr_assert(has(RUN_LOCK));
    expect_refusal(RUN_NEW, EXIT_USAGE, "--resume continues that run, --overwrite replaces it");
}

Test(run_directory, an_empty_one_counts_as_new)
{
    struct err err;

    cr_assert(file_make_directories(run, &err));
    open_and_close(RUN_NEW);
}

Test(run_directory, a_foreign_file_is_enough_to_refuse)
{
    struct err err;

    cr_assert(file_make_directories(run, &err));
    make_file("notes.txt");
    expect_refusal(RUN_NEW, EXIT_USAGE, "already exists");
}

Test(run_directory, resume_needs_one_and_keeps_its_files)
{
    expect_refusal(RUN_RESUME, EXIT_USAGE, "no run to resume");
    open_and_close(RUN_NEW);
    make_file(RUN_CHECKPOINT);
    make_file(RUN_CHECKPOINT ".tmp-123");
    open_and_close(RUN_RESUME);
    cr_assert(has(RUN_CHECKPOINT));
    cr_assert(!has(RUN_CHECKPOINT ".tmp-123"), "the leftover of a killed write should be gone");
}

Test(run_directory, a_directory_that_is_no_run_is_not_resumed)
{
    struct err err;

    cr_assert(file_make_directories(run, &err));
    make_file("notes.txt");
    expect_refusal(RUN_RESUME, EXIT_USAGE, "no run to resume");
    cr_assert(!has(RUN_LOCK), "the refused one must not have written anything");
}

Test(run_directory, overwrite_removes_our_files_and_no_others)
{
    open_and_close(RUN_NEW);
    make_file(RUN_CHECKPOINT);
    make_file(RUN_FINAL);
    make_file("notes.txt");
    make_file("final.weights.tmp-x");
    open_and_close(RUN_OVERWRITE);
    cr_assert(!has(RUN_CHECKPOINT) && !has(RUN_FINAL));
    cr_assert(has("notes.txt") && has("final.weights.tmp-x"));
}

Test(run_directory, a_held_lock_keeps_a_second_training_out)
{
    struct run_directory d;
    struct err err;

    cr_assert(run_directory_open(&d, run, RUN_NEW, &err));
    make_file(RUN_CHECKPOINT);
    expect_refusal(RUN_OVERWRITE, EXIT_CANNOT_RUN, "another training");
    expect_refusal(RUN_RESUME, EXIT_CANNOT_RUN, "another training");
    cr_assert(has(RUN_CHECKPOINT), "the refused one must not have removed anything");
    run_directory_close(&d);
    open_and_close(RUN_RESUME);
}

static bool impatient(void)
{
    return true;
}

static bool patient(void)
{
    return false;
}

Test(run_directory, members_share_one_and_keep_a_training_of_all_out)
{
    struct run_directory one, other, all;
    struct err err;
    bool led;

    cr_assert(run_directory_share(&one, run, &led, &err) && !led, "%s", err.text);
    cr_assert(run_directory_exists(run));
    cr_assert(run_directory_share(&other, run, &led, &err) && !led, "%s", err.text);
    run_directory_close(&other);
    expect_refusal(RUN_RESUME, EXIT_CANNOT_RUN, "another training is writing");
    run_directory_close(&one);
    cr_assert(run_directory_open(&all, run, RUN_RESUME, &err), "%s", err.text);
    cr_assert(run_directory_share(&one, run, &led, &err) && led, "a training of all leads, and is not noticed");
    cr_assert_null(one.path);
    run_directory_close(&all);
}

Test(run_directory, members_take_turns)
{
    struct run_directory one, other;
    struct err err;
    bool led, stopped;

    cr_assert(run_directory_share(&one, run, &led, &err) && run_directory_share(&other, run, &led, &err));
    cr_assert(run_directory_wait_turn(&one, patient, &stopped, &err) && !stopped, "%s", err.text);
    cr_assert(run_directory_wait_turn(&other, impatient, &stopped, &err) && stopped);
    run_directory_close(&other);
    run_directory_close(&one);
    cr_assert(run_directory_share(&other, run, &led, &err));
    cr_assert(run_directory_wait_turn(&other, patient, &stopped, &err) && !stopped, "the turn was not given back");
    run_directory_close(&other);
}

Test(run_directory, discard_leaves_nothing_of_ours)
{
    struct run_directory d;
    struct err err;

    cr_assert(run_directory_open(&d, run, RUN_NEW, &err));
    make_file(RUN_CHECKPOINT);
    make_file(RUN_CHECKPOINT ".tmp-1");
    run_directory_discard(&d);
    cr_assert(!file_exists(run));
}

Test(run_directory, discard_keeps_what_is_not_ours)
{
    struct run_directory d;
    struct err err;

    cr_assert(run_directory_open(&d, run, RUN_NEW, &err));
    make_file("notes.txt");
    run_directory_discard(&d);
    cr_assert(has("notes.txt") && !has(RUN_LOCK));
}

Test(run_directory, a_file_in_its_place_is_refused)
{
    struct err err;

    cr_assert(file_write(run, "x", 1, &err));
    expect_refusal(RUN_OVERWRITE, EXIT_CANNOT_RUN, run);
    expect_refusal(RUN_NEW, EXIT_USAGE, run);
    unlink(run);
}
