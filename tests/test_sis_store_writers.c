/* Several processes that write into one SIS directory: each a journal of its own, taken in by who holds it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tests/identity_fixture.h"
#include "tests/results_fixture.h"
#include "validate/output.h"
#include "validate/sis/store.h"

enum { H = 2, W = 3, PIXELS = H * W, IMAGES = 6 };

static struct err err;

TestSuite(sis_store_writers, .init = results_set_up, .fini = results_clean_up);

static const int64_t numbers[IMAGES] = { 1, 4, 6, 9, 70, 71 };

static struct sis_identity identity(uint64_t seed)
{
    struct sis_identity d = identity_of(H, W, numbers, IMAGES);

    d.settings = (struct sis_settings){ SIS_GRADIENT, SIS_MARGIN, 3, 1 };
    d.seed = seed;
    d.collection = false;
    return d;
}

static struct sis_store *hold(bool resume)
{
    struct sis_identity d = identity(7);
    struct sis_store *s = NULL;
    cr_assert(sis_store_open("out", &d, resume, &s, &err), "%s", err.text);
    return s;
}

static struct sis_store *join(int writer, uint64_t seed)
{
    struct sis_identity d = identity(seed);
    struct sis_store *s = NULL;
    cr_assert(sis_store_join("out", &d, writer, &s, &err), "%s", err.text);
    return s;
}

static void add(struct sis_store *s, int i)
{
    uint32_t order[PIXELS], removed[] = { 0, 3, 6 };
    double value[] = { 2 + i, 1, -1 };
    struct rng r = rng_stream(3, RNG_TEST, 0, (uint32_t)i);
    rng_permutation(&r, PIXELS, order);
    struct sis_record x = { .image = numbers[i],
                            .label = i % 3,
                            .confidence = 0.5,
                            .blank = 0.25,
                            .order = { PIXELS, order, 3, removed, value } };
    cr_assert(sis_store_add(s, &x, &err), "%s", err.text);
}

static void leave_store(struct sis_store *s)
{
    cr_assert(sis_store_sync(s, &err), "%s", err.text);
    sis_store_close(s);
}

static void finish(struct sis_store *s)
{
    cr_assert(sis_store_finish(s, IMAGES, &err), "%s", err.text);
    sis_store_close(s);
}

/* The result of all images is in out/, that of one writer in alone/. */
static void expect_whole(void)
{
    static const char *const names[] = { "sis.json", "sis.jsonl", "masks.npz" };
    cr_assert_eq(results_count_files("out"), 3);
    cr_assert_eq(rename("out", "shared"), 0);
    struct sis_store *s = hold(false);
    for (int i = 0; i < IMAGES; i++)
        add(s, i);
    finish(s);
    for (int k = 0; k < 3; k++) {
        char *a = file_join("out", names[k]), *b = file_join("shared", names[k]), one[SHA256_HEX], other[SHA256_HEX];
        cr_assert(file_sha256(a, one, &err) && file_sha256(b, other, &err));
        cr_expect_str_eq(one, other, "%s differs", names[k]);
        free(a);
        free(b);
    }
}

Test(sis_store_writers, what_they_wrote_is_taken_in_at_the_end)
{
    struct sis_store *s = hold(false), *one = join(1, 7), *three = join(3, 7), *idle = join(12, 7);
    add(three, 5);
    add(one, 2);
    add(s, 0);
    add(one, 1);
    add(s, 4);
    add(three, 3);
    leave_store(one);
    leave_store(three);
    leave_store(idle);
    finish(s);
    expect_whole();
}

Test(sis_store_writers, what_they_left_when_killed_is_taken_in_on_resume)
{
    struct sis_store *s = hold(false), *two = join(2, 7);
    add(s, 1);
    add(two, 3);
    add(two, 0);
    sis_store_close(s);
    sis_store_close(two);
    s = hold(true);
    cr_assert_eq(results_count_files("out"), 1, "their journals are gone");
    for (int i = 0; i < IMAGES; i++)
        cr_assert_eq(sis_store_has(s, numbers[i]), i == 0 || i == 1 || i == 3);
    add(s, 2);
    add(s, 4);
    sis_store_close(s);
    s = hold(true); /* and what was taken in is in the holder's own journal */
    cr_assert(sis_store_has(s, numbers[3]) && sis_store_has(s, numbers[4]));
    add(s, 5);
    finish(s);
    expect_whole();
}

Test(sis_store_writers, what_was_taken_in_before_a_kill_counts_once)
{
    struct sis_store *s = hold(false), *two = join(2, 7);
    add(s, 1);
    add(s, 3);
    add(two, 3);
    add(two, 0);
    sis_store_close(two);
    for (int i = 2; i < IMAGES; i++)
        if (i != 3)
            add(s, i);
    finish(s);
    expect_whole();
}

Test(sis_store_writers, a_torn_end_is_dropped)
{
    struct sis_store *s = hold(false), *two = join(2, 7);
    struct stat info;
    add(s, 1);
    add(two, 3);
    add(two, 0);
    sis_store_close(s);
    sis_store_close(two);
    cr_assert(stat("out/sis.partial.2", &info) == 0 && truncate("out/sis.partial.2", info.st_size - 5) == 0);
    s = hold(true);
    cr_assert(sis_store_has(s, numbers[3]) && !sis_store_has(s, numbers[0]));
    sis_store_close(s);
}

static void expect_refused(const char *part)
{
    struct sis_identity d = identity(7);
    struct sis_store *s;
    cr_assert(!sis_store_open("out", &d, true, &s, &err));
    cr_expect(strstr(err.text, part), "'%s' lacks '%s'", err.text, part);
}

Test(sis_store_writers, a_journal_of_another_search_is_refused_by_name)
{
    struct sis_store *s = hold(false), *two = join(2, 8);
    add(two, 3);
    sis_store_close(s);
    sis_store_close(two);
    expect_refused("out/sis.partial.2");
    expect_refused("seed");
}

Test(sis_store_writers, one_that_still_writes_is_not_taken_from)
{
    struct sis_store *s = hold(false), *two = join(2, 7);
    sis_store_close(s);
    expect_refused("another validation is writing");
    sis_store_close(two);
    sis_store_close(hold(true));
}

Test(sis_store_writers, what_they_left_is_neither_overwritten_nor_joined_unasked)
{
    struct sis_identity d = identity(7);
    struct sis_store *s = hold(false), *two = join(2, 7);
    add(two, 3);
    sis_store_close(s);
    sis_store_close(two);
    cr_assert(!sis_store_join("out", &d, 2, &s, &err));
    cr_expect(strstr(err.text, "--resume"), "%s", err.text);
    cr_assert_eq(unlink("out/sis.partial"), 0);
    cr_assert(!sis_store_open("out", &d, false, &s, &err));
    cr_expect(strstr(err.text, "--overwrite"), "%s", err.text);
    s = hold(true);
    cr_assert(sis_store_has(s, numbers[3]));
    sis_store_close(s);
}

Test(sis_store_writers, overwriting_takes_all_of_it_away)
{
    struct sis_store *s = hold(false), *two = join(2, 7);
    sis_store_close(s);
    sis_store_close(two);
    cr_assert(output_clear_sis("out", &err), "%s", err.text);
    cr_assert_eq(results_count_files("out"), 0);
}
