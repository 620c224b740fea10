/* Results of several shards, put together. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "base/file.h"
#include "base/mem.h"
#include "tests/results_fixture.h"

static struct err err;

TestSuite(sis_merge, .init = results_set_up, .fini = results_clean_up);

Test(sis_merge, merged_shards_are_the_unsharded_run_byte_for_byte)
{
    struct sis_identity whole = results_identity(1, 1);
    results_make("whole", &whole);
    for (int shard = 1; shard <= 3; shard++) {
        struct sis_identity d = results_identity(shard, 3);
        results_make((const char *[]){ "a", "b", "c" }[shard - 1], &d);
    }
    cr_assert(sis_merge((char *[]){ "c", "a", "b" }, 3, "merged", &err), "%s", err.text);
    results_expect_same("whole", "merged");
    cr_assert_eq(results_count_files("merged"), 3);
}

Test(sis_merge, more_shards_than_images_merge_too)
{
    struct sis_identity whole = results_identity(1, 1);
    char *names[9];
    results_make("whole", &whole);
    for (int shard = 1; shard <= 9; shard++) {
        struct sis_identity d = results_identity(shard, 9);
        names[shard - 1] = mem_format("s%d", shard);
        results_make(names[shard - 1], &d);
    }
    cr_assert(sis_merge(names, 9, "merged", &err), "%s", err.text);
    results_expect_same("whole", "merged");
    for (int i = 0; i < 9; i++)
        free(names[i]);
}

Test(sis_merge, every_position_belongs_to_one_shard)
{
    for (int64_t n = 0; n < 20; n++)
        for (int shards = 1; shards < 8; shards++) {
            int64_t count[8] = { 0 };
            for (int64_t p = 0; p < n; p++)
                count[sis_shard_of(p, shards)]++;
            for (int s = 1; s <= shards; s++)
                cr_assert_eq(sis_shard_images(n, s, shards), count[s]);
        }
}

Test(sis_merge, merge_names_what_does_not_fit)
{
    struct sis_identity d = results_identity(1, 3);
    results_make("a", &d);
    d.shard = 2;
    results_make("b", &d);
    d.shard = 3;
    results_make("c", &d);
    results_make("c2", &d);
    cr_assert_not(sis_merge((char *[]){ "a", "c" }, 2, "out", &err));
    results_expect_text(&err, "a: shard 2 of 3 is missing");
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert_not(sis_merge((char *[]){ "a", "b" }, 2, "out", &err));
    results_expect_text(&err, "shard 3 of 3 is missing");
    cr_assert_not(sis_merge((char *[]){ "b", "c" }, 2, "out", &err));
    results_expect_text(&err, "shard 1 of 3 is missing");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c2", "c" }, 4, "out", &err));
    results_expect_text(&err, "c2: is shard 3 of 3, and so is c;");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "a" }, 3, "out", &err));
    results_expect_text(&err, "a: is shard 1 of 3, and so is a;");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "no-such" }, 3, "out", &err));
    results_expect_text(&err, "no-such/sis.json");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c" }, 0, "out", &err));
    cr_assert_not(file_exists("out"));
    cr_assert(sis_merge((char *[]){ "a", "b", "c" }, 3, "out", &err), "%s", err.text);
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c" }, 3, "out", &err));
    results_expect_text(&err, "out: already holds SIS results");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c" }, 3, "a", &err));
    results_expect_text(&err, "a: already holds SIS results");
}

Test(sis_merge, merge_refuses_mixed_models_and_settings)
{
    struct sis_identity d = results_identity(1, 2);
    results_make("a", &d);
    for (int what = 0; what < RESULTS_CHANGES - 1; what++) {
        struct sis_identity other = results_identity(2, 2);
        results_change(&other, what);
        if (what == 6 || what == 12 || what == 13 || what >= 15) /* these records do not suit such questions */
            continue;
        char *path = mem_format("b%d", what), *part = mem_format("%s: %s is ", path, results_changed[what]);
        results_make(path, &other);
        cr_expect_not(sis_merge((char *[]){ "a", path }, 2, "out", &err), "change %d", what);
        results_expect_text(&err, part);
        free(path);
        free(part);
    }
}
