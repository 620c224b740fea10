/* Results of `validate sis` on disk: what is added is what is read, whatever interrupts the writer. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "tests/results_fixture.h"

static struct err err;

TestSuite(sis_store, .init = results_set_up, .fini = results_clean_up);

Test(sis_store, what_is_read_is_what_was_added)
{
    struct sis_identity d = results_identity(1, 1);
    struct sis_records r;
    results_make("out", &d);
    cr_assert_eq(results_count_files("out"), 3, "the journal is gone");
    cr_assert(sis_records_read("out", &r, &err), "%s", err.text);
    cr_assert_eq(r.n, RESULTS_IMAGES);
    cr_assert_str_eq(r.identity.model, "runs/a");
    cr_assert(r.identity.seed == 7 && r.identity.threshold[1] == 0.9 && r.identity.settings.per_step == 2);
    for (int i = 0; i < RESULTS_IMAGES; i++) {
        struct sis_record want = results_record(i), *have = &r.record[i];
        cr_assert(have->image == want.image && have->label == want.label && have->predicted == want.predicted &&
                  have->target == want.target && have->confidence == want.confidence && have->blank == want.blank);
        cr_assert_eq(memcmp(have->order.order, want.order.order, RESULTS_PIXELS * sizeof(uint32_t)), 0);
        cr_assert_eq(memcmp(have->order.removed, want.order.removed, RESULTS_STATES * sizeof(uint32_t)), 0);
        cr_assert_eq(memcmp(have->order.value, want.order.value, RESULTS_STATES * sizeof(double)), 0);
        cr_assert_eq(have->collection.n, want.collection.n);
        for (int k = 0; k < want.collection.n; k++)
            cr_assert(have->collection.size[k] == want.collection.size[k] &&
                      have->collection.value[k] == want.collection.value[k]);
        if (want.collection.n == 2)
            cr_assert(have->collection.subset[1][0] == 4 && have->collection.subset[1][1] == 5, "rising");
        sis_record_free(&want);
    }
    sis_records_free(&r);
}

Test(sis_store, lines_are_as_documented)
{
    struct sis_identity d = results_identity(1, 1);
    size_t n;
    results_make("out", &d);
    char *text = results_content("out", "sis.jsonl", &n), *line = strtok(text, "\n");
    for (int i = 0; i < 2; i++)
        line = strtok(NULL, "\n");
    struct sis_record r = results_record(2);
    char *want =
        mem_format("{\"image\":5,\"label\":2,\"predicted\":0,\"target\":0,\"confidence\":%.17g,\"blank\":%.17g,"
                   "\"size\":{\"0.5\":2,\"0.9\":2},\"order\":2,\"collection\":[1,2]}",
                   r.confidence, r.blank);
    cr_expect_str_eq(line, want);
    for (int i = 0; i < 4; i++)
        line = strtok(NULL, "\n");
    cr_expect(strstr(line, "\"size\":{\"0.5\":null,\"0.9\":null},\"order\":6,\"collection\":[]}"), "%s", line);
    sis_record_free(&r);
    free(want);
    free(text);
}

Test(sis_store, resume_refuses_another_question_and_names_the_first_difference)
{
    struct sis_identity d = results_identity(1, 1);
    struct sis_store *s = results_open("begun", &d, false);
    results_add(s, 0);
    sis_store_close(s);
    results_make("done", &d);
    for (int what = 0; what < RESULTS_CHANGES; what++) {
        struct sis_identity other = results_identity(1, 1);
        results_change(&other, what);
        for (int k = 0; k < 2; k++) {
            cr_expect_not(sis_store_open(k ? "done" : "begun", &other, true, &s, &err), "change %d", what);
            char *part = mem_format(": %s is ", results_changed[what]);
            results_expect_text(&err, part);
            results_expect_text(&err, k ? "done" : "begun/sis.partial");
            cr_expect_eq(err.status, EXIT_USAGE);
            free(part);
        }
    }
    cr_assert_eq(results_count_files("done"), 3, "a refusal leaves no journal behind");
    struct sis_identity renamed = results_identity(1, 1);
    renamed.model = "../elsewhere/runs/a";
    s = results_open("begun", &renamed, true);
    cr_assert(sis_store_has(s, results_images[0]), "a name for people decides nothing");
    sis_store_close(s);
}

Test(sis_store, existing_results_are_not_overwritten_unasked)
{
    struct sis_identity d = results_identity(1, 1);
    struct sis_store *s = results_open("out", &d, false);
    results_add(s, 0);
    sis_store_close(s);
    cr_assert_not(sis_store_open("out", &d, false, &s, &err));
    results_expect_text(&err, "out: already holds SIS results; --resume goes on with them, --overwrite replaces them, "
                              "--out names another directory");
    results_make("done", &d);
    cr_assert_not(sis_store_open("done", &d, false, &s, &err));
    results_expect_text(&err, "done: already holds SIS results");
    cr_assert_eq(results_count_files("done"), 3);
    s = results_open("done", &d, true);
    cr_assert(sis_store_finished(s));
    sis_store_close(s);
    cr_assert_eq(results_count_files("done"), 3);
}

Test(sis_store, a_directory_has_one_writer)
{
    struct sis_identity d = results_identity(1, 1);
    struct sis_store *first = results_open("out", &d, false), *second;
    cr_assert_not(sis_store_open("out", &d, true, &second, &err));
    results_expect_text(&err, "out: another validation is writing");
    sis_store_close(first);
    sis_store_close(results_open("out", &d, true));
}

Test(sis_store, leftovers_of_a_killed_writer_go)
{
    struct sis_identity d = results_identity(1, 1);
    cr_assert(file_make_directories("out", &err) && file_write("out/masks.npz.tmp-1", "x", 1, &err) &&
              file_write("out/mine.tmp-1", "x", 1, &err));
    results_make("out", &d);
    cr_assert_eq(results_count_files("out"), 4);
    cr_assert(file_exists("out/mine.tmp-1"));
}

/* Cuts the journal of three images at every byte: what is whole stays, the run goes on, the results are the same. */
Test(sis_store, a_kill_at_any_byte_loses_at_most_the_record_it_tore, .timeout = 120)
{
    struct sis_identity d = results_identity(1, 1);
    size_t n, end[4] = { 0 };
    char *text = NULL;
    results_make("whole", &d);
    struct sis_store *s = results_open("full", &d, false);
    for (int i = 0; i <= 3; i++) {
        text = (free(text), results_content("full", "sis.partial", &n));
        end[i] = n;
        if (i < 3)
            results_add(s, i);
    }
    sis_store_close(s);
    cr_assert_eq(mkdir("cut", 0700), 0);
    for (size_t cut = 0; cut <= n; cut++) {
        results_put("cut/sis.partial", text, cut);
        s = results_open("cut", &d, true);
        for (int i = 0; i < RESULTS_IMAGES; i++)
            cr_assert_eq(sis_store_has(s, results_images[i]), i < 3 && cut >= end[i + 1], "image %d, cut at %zu", i,
                         cut);
        if (cut % 300 == 0 || cut == n) {
            for (int i = 0; i < RESULTS_IMAGES; i++)
                if (!sis_store_has(s, results_images[i]))
                    results_add(s, i);
            cr_assert(sis_store_finish(s, RESULTS_IMAGES, &err), "%s", err.text);
            results_expect_same("whole", "cut");
            unlink("cut/sis.json");
        }
        sis_store_close(s);
    }
    free(text);
}

Test(sis_store, zeros_after_a_power_cut_are_a_torn_tail)
{
    struct sis_identity d = results_identity(1, 1);
    struct sis_store *s = results_open("out", &d, false);
    results_add(s, 0);
    sis_store_close(s);
    struct stat info;
    cr_assert_eq(stat("out/sis.partial", &info), 0);
    cr_assert_eq(truncate("out/sis.partial", info.st_size + 5000), 0);
    s = results_open("out", &d, true);
    cr_assert(sis_store_has(s, results_images[0]));
    sis_store_close(s);
    struct stat after;
    cr_assert_eq(stat("out/sis.partial", &after), 0);
    cr_assert_eq(after.st_size, info.st_size);
}

/* Whatever byte of the journal is wrong, it is refused with its place, or costs no more than the last record. */
Test(sis_store, damage_in_the_middle_is_refused_with_its_place, .timeout = 120)
{
    struct sis_identity d = results_identity(1, 1);
    size_t n, last = 0;
    struct sis_store *s = results_open("full", &d, false);
    results_add(s, 0);
    results_add(s, 1);
    char *text = results_content("full", "sis.partial", &last);
    free(text);
    results_add(s, 2);
    sis_store_close(s);
    text = results_content("full", "sis.partial", &n);
    cr_assert_eq(mkdir("bad", 0700), 0);
    for (size_t i = 0; i < n; i++) {
        text[i] ^= 0x10;
        results_put("bad/sis.partial", text, n);
        text[i] ^= 0x10;
        if (sis_store_open("bad", &d, true, &s, &err)) {
            cr_assert(i >= last && sis_store_has(s, results_images[1]) && !sis_store_has(s, results_images[2]),
                      "byte %zu", i);
            sis_store_close(s);
        } else {
            cr_assert(strncmp(err.text, "bad/sis.partial: byte ", 22) == 0, "byte %zu: %s", i, err.text);
            cr_assert_eq(err.status, EXIT_CANNOT_RUN);
        }
    }
    free(text);
}

Test(sis_store, a_record_that_is_wrong_never_gets_in)
{
    struct sis_identity d = results_identity(1, 1);
    struct sis_store *s = results_open("out", &d, false);
    for (int what = 0; what < 12; what++) {
        struct sis_record r = results_record(5);
        switch (what) {
        case 0: r.order.value[1] = NAN; break;
        case 1: r.order.value[1] = INFINITY; break;
        case 2: r.confidence = NAN; break;
        case 3: r.blank = 1.5; break;
        case 4: r.order.order[0] = r.order.order[1]; break;
        case 5: r.order.order[0] = RESULTS_PIXELS; break;
        case 6: r.order.removed[1] = 4; break;
        case 7: r.order.features = RESULTS_PIXELS - 1; break;
        case 8: r.label = 3; break;
        case 9: r.collection.subset[1][0] = r.collection.subset[0][0]; break;
        case 10: r.collection.value[0] = 1; break;
        case 11: r.image = -1; break;
        }
        cr_expect_not(sis_store_add(s, &r, &err), "case %d", what);
        cr_expect(strncmp(err.text, "out: image ", 11) == 0 && err.status == EXIT_CANNOT_RUN, "%s", err.text);
        r.order.features = RESULTS_PIXELS;
        sis_record_free(&r);
    }
    results_add(s, 5);
    struct sis_record again = results_record(5);
    cr_assert_not(sis_store_add(s, &again, &err));
    results_expect_text(&err, "image 100 is there twice");
    sis_record_free(&again);
    cr_assert_not(sis_store_finish(s, RESULTS_IMAGES, &err));
    results_expect_text(&err, "1 of 7 images are done");
    sis_store_close(s);
}

Test(sis_store, other_images_than_asked_for_are_refused)
{
    struct sis_identity d = results_identity(1, 1);
    int64_t others[RESULTS_IMAGES] = { 1, 3, 5, 8, 13, 100, 4000 };
    sis_images_hash(others, RESULTS_IMAGES, d.images);
    struct sis_store *s = results_open("out", &d, false);
    for (int i = 0; i < RESULTS_IMAGES; i++)
        results_add(s, i);
    cr_assert_not(sis_store_finish(s, RESULTS_IMAGES, &err));
    results_expect_text(&err, "its images are not those of images_sha256");
    sis_store_close(s);
}

Test(sis_store, the_hash_of_the_images_does_not_depend_on_their_order)
{
    char a[SHA256_HEX], b[SHA256_HEX], c[SHA256_HEX];
    sis_images_hash((int64_t[]){ 3, 1, 2 }, 3, a);
    sis_images_hash((int64_t[]){ 1, 2, 3 }, 3, b);
    sis_images_hash((int64_t[]){ 1, 2, 4 }, 3, c);
    cr_assert_str_eq(a, b);
    cr_assert_str_neq(a, c);
    /* sha256sum of the 24 bytes */
    cr_assert_str_eq(a, "e2e2033ae7e19d680599d4eb0a1359a2b48ec5baac75066c317fbf85159c54ef");
}

Test(sis_store, a_probability_ranked_run_comes_back)
{
    struct sis_identity d = results_identity(1, 1);
    d.settings.rank = SIS_PROBABILITY;
    d.collection = false;
    struct sis_store *s = results_open("out", &d, false);
    for (int i = 0; i < RESULTS_IMAGES; i++) {
        struct sis_record r = results_record(i);
        sis_collection_free(&r.collection);
        for (int k = 0; k < RESULTS_STATES; k++)
            r.order.value[k] = (float)(0.9 - 0.2 * k);
        cr_assert(sis_store_add(s, &r, &err), "%s", err.text);
        sis_record_free(&r);
    }
    cr_assert(sis_store_finish(s, RESULTS_IMAGES, &err), "%s", err.text);
    sis_store_close(s);
    struct sis_records r;
    cr_assert(sis_records_read("out", &r, &err), "%s", err.text);
    cr_assert_eq(sis_size(&r.record[0].order, sis_threshold(SIS_PROBABILITY, 0.5)), 2);
    sis_records_free(&r);
}
