#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/npz.h"
#include "base/rng.h"
#include "validate/sis/store.h"

enum { H = 2, W = 3, PIXELS = H * W, STATES = 4, IMAGES = 7 };

static char directory[64];
static struct err err;

static void enter(void)
{
    strcpy(directory, "/tmp/marginalia-test-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

/* The test directory holds files and one level of directories. */
static void leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    char *command[] = { "rm", "-r", directory, NULL };
    pid_t pid = fork();
    if (pid == 0)
        execvp("rm", command);
    waitpid(pid, NULL, 0);
}

TestSuite(sis_store, .init = enter, .fini = leave);

static const int64_t numbers[IMAGES] = { 2, 3, 5, 8, 13, 100, 4000 };

static struct sis_identity identity(int shard, int shards)
{
    struct sis_identity d = {
        .model = "runs/a",
        .data = "cifar10",
        .split = "test",
        .h = H,
        .w = W,
        .k = 3,
        .settings = { SIS_GRADIENT, SIS_MARGIN, 2, 32 },
        .target = "predicted",
        .baseline = "mean",
        .seed = 7,
        .n_thresholds = 2,
        .threshold = { 0.5, 0.9 },
        .collection = true,
        .n_images = IMAGES,
        .shard = shard,
        .shards = shards,
    };
    memset(d.weights, 'a', SHA256_HEX - 1);
    memset(d.cfg, 'b', SHA256_HEX - 1);
    memset(d.data_hash, 'c', SHA256_HEX - 1);
    sis_images_hash(numbers, IMAGES, d.images);
    return d;
}

/* A record as a search might find it: sizes 0, 2, 4, 6 and none all occur, and so do collections of 0..2 subsets. */
static struct sis_record record(int i)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, (uint32_t)i);
    struct sis_record x = { .image = numbers[i],
                            .label = i % 3,
                            .predicted = (i + 1) % 3,
                            .target = i % 2,
                            .confidence = rng_unit(&r),
                            .blank = rng_unit(&r) };
    x.order = (struct sis_order){ .features = PIXELS, .states = STATES };
    x.order.order = mem_alloc(PIXELS, sizeof(uint32_t));
    x.order.removed = mem_alloc(STATES, sizeof(uint32_t));
    x.order.value = mem_alloc(STATES, sizeof(double));
    rng_permutation(&r, PIXELS, x.order.order);
    for (int s = 0; s < STATES; s++) {
        x.order.removed[s] = 2 * (uint32_t)s;
        x.order.value[s] = i == 6 ? -1.0 / 3 : s <= i ? 3 + 0.1 * s : -0.1;
    }
    struct sis_collection *c = &x.collection;
    c->size = mem_alloc(2, sizeof *c->size);
    c->subset = mem_alloc(2, sizeof *c->subset);
    c->value = mem_alloc(2, sizeof *c->value);
    for (c->n = 0; c->n < i % 3; c->n++) {
        c->size[c->n] = 1 + c->n;
        c->value[c->n] = 2.5 + i + c->n;
        c->subset[c->n] = mem_alloc(2, sizeof(uint32_t));
        c->subset[c->n][0] = c->n ? 5 : 1;
        c->subset[c->n][1] = 4;
    }
    return x;
}

static struct sis_store *open_store(const char *path, const struct sis_identity *d, bool resume)
{
    struct sis_store *s = NULL;
    cr_assert(sis_store_open(path, d, resume, &s, &err), "%s", err.text);
    return s;
}

static void add(struct sis_store *s, int i)
{
    struct sis_record r = record(i);
    cr_assert(sis_store_add(s, &r, &err), "%s", err.text);
    sis_record_free(&r);
}

/* A finished directory with the images of one shard, found in another order. */
static void make(const char *path, const struct sis_identity *d)
{
    struct sis_store *s = open_store(path, d, false);
    int n = 0;
    for (int i = IMAGES - 1; i >= 0; i--)
        if (sis_shard_of(i, d->shards) == d->shard) {
            add(s, i);
            n++;
        }
    cr_assert(sis_store_finish(s, n, &err), "%s", err.text);
    sis_store_close(s);
}

static char *content(const char *path, const char *name, size_t *n)
{
    char *file = file_join(path, name), *text;
    cr_assert(file_read(file, 1 << 20, &text, n, &err), "%s", err.text);
    free(file);
    return text;
}

static void expect_same_files(const char *a, const char *b)
{
    static const char *const names[] = { "sis.json", "sis.jsonl", "masks.npz" };
    for (int i = 0; i < 3; i++) {
        size_t n, m;
        char *x = content(a, names[i], &n), *y = content(b, names[i], &m);
        cr_expect(n == m && memcmp(x, y, n) == 0, "%s and %s differ in %s", a, b, names[i]);
        free(x);
        free(y);
    }
}

/* Without the fsync of file_write: there are thousands of these. */
static void put(const char *path, const void *bytes, size_t n)
{
    FILE *out = fopen(path, "w");
    cr_assert(out && fwrite(bytes, 1, n, out) == n && fclose(out) == 0);
}

static int count_files(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void expect_text(const char *part)
{
    cr_expect(strstr(err.text, part), "'%s' lacks '%s'", err.text, part);
}

Test(sis_store, what_is_read_is_what_was_added)
{
    struct sis_identity d = identity(1, 1);
    struct sis_records r;
    make("out", &d);
    cr_assert_eq(count_files("out"), 3, "the journal is gone");
    cr_assert(sis_records_read("out", &r, &err), "%s", err.text);
    cr_assert_eq(r.n, IMAGES);
    cr_assert_str_eq(r.identity.model, "runs/a");
    cr_assert(r.identity.seed == 7 && r.identity.threshold[1] == 0.9 && r.identity.settings.per_step == 2);
    for (int i = 0; i < IMAGES; i++) {
        struct sis_record want = record(i), *have = &r.record[i];
        cr_assert(have->image == want.image && have->label == want.label && have->predicted == want.predicted &&
                  have->target == want.target && have->confidence == want.confidence && have->blank == want.blank);
        cr_assert_eq(memcmp(have->order.order, want.order.order, PIXELS * sizeof(uint32_t)), 0);
        cr_assert_eq(memcmp(have->order.removed, want.order.removed, STATES * sizeof(uint32_t)), 0);
        cr_assert_eq(memcmp(have->order.value, want.order.value, STATES * sizeof(double)), 0);
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
    struct sis_identity d = identity(1, 1);
    size_t n;
    make("out", &d);
    char *text = content("out", "sis.jsonl", &n), *line = strtok(text, "\n");
    for (int i = 0; i < 2; i++)
        line = strtok(NULL, "\n");
    struct sis_record r = record(2);
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

Test(sis_store, merged_shards_are_the_unsharded_run_byte_for_byte)
{
    struct sis_identity whole = identity(1, 1);
    make("whole", &whole);
    for (int shard = 1; shard <= 3; shard++) {
        struct sis_identity d = identity(shard, 3);
        make((const char *[]){ "a", "b", "c" }[shard - 1], &d);
    }
    cr_assert(sis_merge((char *[]){ "c", "a", "b" }, 3, "merged", &err), "%s", err.text);
    expect_same_files("whole", "merged");
    cr_assert_eq(count_files("merged"), 3);
}

Test(sis_store, more_shards_than_images_merge_too)
{
    struct sis_identity whole = identity(1, 1);
    char *names[9];
    make("whole", &whole);
    for (int shard = 1; shard <= 9; shard++) {
        struct sis_identity d = identity(shard, 9);
        names[shard - 1] = mem_format("s%d", shard);
        make(names[shard - 1], &d);
    }
    cr_assert(sis_merge(names, 9, "merged", &err), "%s", err.text);
    expect_same_files("whole", "merged");
    for (int i = 0; i < 9; i++)
        free(names[i]);
}

Test(sis_store, every_position_belongs_to_one_shard)
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

Test(sis_store, merge_names_what_does_not_fit)
{
    struct sis_identity d = identity(1, 3);
    make("a", &d);
    d.shard = 2;
    make("b", &d);
    d.shard = 3;
    make("c", &d);
    make("c2", &d);
    cr_assert_not(sis_merge((char *[]){ "a", "c" }, 2, "out", &err));
    expect_text("a: shard 2 of 3 is missing");
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert_not(sis_merge((char *[]){ "a", "b" }, 2, "out", &err));
    expect_text("shard 3 of 3 is missing");
    cr_assert_not(sis_merge((char *[]){ "b", "c" }, 2, "out", &err));
    expect_text("shard 1 of 3 is missing");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c2", "c" }, 4, "out", &err));
    expect_text("c2: is shard 3 of 3, and so is c;");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "a" }, 3, "out", &err));
    expect_text("a: is shard 1 of 3, and so is a;");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "no-such" }, 3, "out", &err));
    expect_text("no-such/sis.json");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c" }, 0, "out", &err));
    cr_assert_not(file_exists("out"));
    cr_assert(sis_merge((char *[]){ "a", "b", "c" }, 3, "out", &err), "%s", err.text);
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c" }, 3, "out", &err));
    expect_text("out: already holds SIS results");
    cr_assert_not(sis_merge((char *[]){ "a", "b", "c" }, 3, "a", &err));
    expect_text("a: already holds SIS results");
}

/* Each change of the identity that a result depends on. */
static void change(struct sis_identity *d, int what)
{
    switch (what) {
    case 0: d->weights[3] = '0'; break;
    case 1: d->cfg[0] = '0'; break;
    case 2: d->data_hash[63] = '0'; break;
    case 3: d->split = "train"; break;
    case 4: d->k = 4; break;
    case 5: d->settings.method = SIS_SCREENED; break;
    case 6: d->settings.rank = SIS_PROBABILITY; break;
    case 7: d->settings.per_step = 3; break;
    case 8: d->settings.candidates = 3; break;
    case 9: d->target = "1"; break;
    case 10: d->baseline = "blur"; break;
    case 11: d->seed = 8; break;
    case 12: d->threshold[1] = 0.95; break;
    case 13: d->n_thresholds = 1; break;
    case 14: d->images[0] = d->images[0] == '0' ? '1' : '0'; break;
    case 15: d->n_images = 8; break;
    case 16: d->h = 3, d->w = 2; break;
    case 17: d->collection = false; break;
    case 18: d->shards = 2; break;
    }
}
enum { CHANGES = 19 };
static const char *const changed[CHANGES] = {
    "weights_sha256", "cfg_sha256", "data_sha256", "split",      "classes", "method",     "rank",
    "per_step",       "candidates", "target",      "baseline",   "seed",    "thresholds", "thresholds",
    "images_sha256",  "images",     "height",      "collection", "shards",
};

Test(sis_store, resume_refuses_another_question_and_names_the_first_difference)
{
    struct sis_identity d = identity(1, 1);
    struct sis_store *s = open_store("begun", &d, false);
    add(s, 0);
    sis_store_close(s);
    make("done", &d);
    for (int what = 0; what < CHANGES; what++) {
        struct sis_identity other = identity(1, 1);
        change(&other, what);
        for (int k = 0; k < 2; k++) {
            cr_expect_not(sis_store_open(k ? "done" : "begun", &other, true, &s, &err), "change %d", what);
            char *part = mem_format(": %s is ", changed[what]);
            expect_text(part);
            expect_text(k ? "done" : "begun/sis.partial");
            cr_expect_eq(err.status, EXIT_USAGE);
            free(part);
        }
    }
    cr_assert_eq(count_files("done"), 3, "a refusal leaves no journal behind");
    struct sis_identity renamed = identity(1, 1);
    renamed.model = "../elsewhere/runs/a";
    s = open_store("begun", &renamed, true);
    cr_assert(sis_store_has(s, numbers[0]), "a name for people decides nothing");
    sis_store_close(s);
}

Test(sis_store, merge_refuses_mixed_models_and_settings)
{
    struct sis_identity d = identity(1, 2);
    make("a", &d);
    for (int what = 0; what < CHANGES - 1; what++) {
        struct sis_identity other = identity(2, 2);
        change(&other, what);
        if (what == 6 || what == 12 || what == 13 || what >= 15) /* these records do not suit such questions */
            continue;
        char *path = mem_format("b%d", what), *part = mem_format("%s: %s is ", path, changed[what]);
        make(path, &other);
        cr_expect_not(sis_merge((char *[]){ "a", path }, 2, "out", &err), "change %d", what);
        expect_text(part);
        free(path);
        free(part);
    }
}

Test(sis_store, existing_results_are_not_overwritten_unasked)
{
    struct sis_identity d = identity(1, 1);
    struct sis_store *s = open_store("out", &d, false);
    add(s, 0);
    sis_store_close(s);
    cr_assert_not(sis_store_open("out", &d, false, &s, &err));
    expect_text("out: already holds SIS results; --resume goes on with them, --overwrite replaces them, "
                "--out names another directory");
    make("done", &d);
    cr_assert_not(sis_store_open("done", &d, false, &s, &err));
    expect_text("done: already holds SIS results");
    cr_assert_eq(count_files("done"), 3);
    s = open_store("done", &d, true);
    cr_assert(sis_store_finished(s));
    sis_store_close(s);
    cr_assert_eq(count_files("done"), 3);
}

Test(sis_store, a_directory_has_one_writer)
{
    struct sis_identity d = identity(1, 1);
    struct sis_store *first = open_store("out", &d, false), *second;
    cr_assert_not(sis_store_open("out", &d, true, &second, &err));
    expect_text("out: another validation is writing");
    sis_store_close(first);
    sis_store_close(open_store("out", &d, true));
}

Test(sis_store, leftovers_of_a_killed_writer_go)
{
    struct sis_identity d = identity(1, 1);
    cr_assert(file_make_directories("out", &err) && file_write("out/masks.npz.tmp-1", "x", 1, &err) &&
              file_write("out/mine.tmp-1", "x", 1, &err));
    make("out", &d);
    cr_assert_eq(count_files("out"), 4);
    cr_assert(file_exists("out/mine.tmp-1"));
}

/* Cuts the journal of three images at every byte: what is whole stays, the run goes on, the results are the same. */
Test(sis_store, a_kill_at_any_byte_loses_at_most_the_record_it_tore, .timeout = 120)
{
    struct sis_identity d = identity(1, 1);
    size_t n, end[4] = { 0 };
    char *text = NULL;
    make("whole", &d);
    struct sis_store *s = open_store("full", &d, false);
    for (int i = 0; i <= 3; i++) {
        text = (free(text), content("full", "sis.partial", &n));
        end[i] = n;
        if (i < 3)
            add(s, i);
    }
    sis_store_close(s);
    cr_assert_eq(mkdir("cut", 0700), 0);
    for (size_t cut = 0; cut <= n; cut++) {
        put("cut/sis.partial", text, cut);
        s = open_store("cut", &d, true);
        for (int i = 0; i < IMAGES; i++)
            cr_assert_eq(sis_store_has(s, numbers[i]), i < 3 && cut >= end[i + 1], "image %d, cut at %zu", i, cut);
        if (cut % 300 == 0 || cut == n) {
            for (int i = 0; i < IMAGES; i++)
                if (!sis_store_has(s, numbers[i]))
                    add(s, i);
            cr_assert(sis_store_finish(s, IMAGES, &err), "%s", err.text);
            expect_same_files("whole", "cut");
            unlink("cut/sis.json");
        }
        sis_store_close(s);
    }
    free(text);
}

Test(sis_store, zeros_after_a_power_cut_are_a_torn_tail)
{
    struct sis_identity d = identity(1, 1);
    struct sis_store *s = open_store("out", &d, false);
    add(s, 0);
    sis_store_close(s);
    struct stat info;
    cr_assert_eq(stat("out/sis.partial", &info), 0);
    cr_assert_eq(truncate("out/sis.partial", info.st_size + 5000), 0);
    s = open_store("out", &d, true);
    cr_assert(sis_store_has(s, numbers[0]));
    sis_store_close(s);
    struct stat after;
    cr_assert_eq(stat("out/sis.partial", &after), 0);
    cr_assert_eq(after.st_size, info.st_size);
}

/* Whatever byte of the journal is wrong, it is refused with its place, or costs no more than the last record. */
Test(sis_store, damage_in_the_middle_is_refused_with_its_place, .timeout = 120)
{
    struct sis_identity d = identity(1, 1);
    size_t n, last = 0;
    struct sis_store *s = open_store("full", &d, false);
    add(s, 0);
    add(s, 1);
    char *text = content("full", "sis.partial", &last);
    free(text);
    add(s, 2);
    sis_store_close(s);
    text = content("full", "sis.partial", &n);
    cr_assert_eq(mkdir("bad", 0700), 0);
    for (size_t i = 0; i < n; i++) {
        text[i] ^= 0x10;
        put("bad/sis.partial", text, n);
        text[i] ^= 0x10;
        if (sis_store_open("bad", &d, true, &s, &err)) {
            cr_assert(i >= last && sis_store_has(s, numbers[1]) && !sis_store_has(s, numbers[2]), "byte %zu", i);
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
    struct sis_identity d = identity(1, 1);
    struct sis_store *s = open_store("out", &d, false);
    for (int what = 0; what < 12; what++) {
        struct sis_record r = record(5);
        switch (what) {
        case 0: r.order.value[1] = NAN; break;
        case 1: r.order.value[1] = INFINITY; break;
        case 2: r.confidence = NAN; break;
        case 3: r.blank = 1.5; break;
        case 4: r.order.order[0] = r.order.order[1]; break;
        case 5: r.order.order[0] = PIXELS; break;
        case 6: r.order.removed[1] = 4; break;
        case 7: r.order.features = PIXELS - 1; break;
        case 8: r.label = 3; break;
        case 9: r.collection.subset[1][0] = r.collection.subset[0][0]; break;
        case 10: r.collection.value[0] = 1; break;
        case 11: r.image = -1; break;
        }
        cr_expect_not(sis_store_add(s, &r, &err), "case %d", what);
        cr_expect(strncmp(err.text, "out: image ", 11) == 0 && err.status == EXIT_CANNOT_RUN, "%s", err.text);
        r.order.features = PIXELS;
        sis_record_free(&r);
    }
    add(s, 5);
    struct sis_record again = record(5);
    cr_assert_not(sis_store_add(s, &again, &err));
    expect_text("image 100 is there twice");
    sis_record_free(&again);
    cr_assert_not(sis_store_finish(s, IMAGES, &err));
    expect_text("1 of 7 images are done");
    sis_store_close(s);
}

Test(sis_store, other_images_than_asked_for_are_refused)
{
    struct sis_identity d = identity(1, 1);
    int64_t others[IMAGES] = { 1, 3, 5, 8, 13, 100, 4000 };
    sis_images_hash(others, IMAGES, d.images);
    struct sis_store *s = open_store("out", &d, false);
    for (int i = 0; i < IMAGES; i++)
        add(s, i);
    cr_assert_not(sis_store_finish(s, IMAGES, &err));
    expect_text("its images are not those of images_sha256");
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

/* A finished directory in which `from` is replaced by `to` in one of the two text files. */
static void expect_refused(const char *name, const char *from, const char *to, const char *part)
{
    struct sis_records r;
    size_t n;
    char *text = content("out", name, &n), *path = file_join("out", name), *at = strstr(text, from);
    cr_assert_not_null(at, "%s is not in %s", from, name);
    char *new = mem_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    put(path, new, strlen(new));
    cr_expect_not(sis_records_read("out", &r, &err), "%s instead of %s was accepted", to, from);
    expect_text(part);
    cr_expect_eq(err.status, EXIT_CANNOT_RUN);
    put(path, text, n);
    free(text);
    free(path);
    free(new);
}

Test(sis_store, a_changed_identity_is_refused)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        { "marginalia/sis", "marginalia/sos", "out/sis.json: schema is not marginalia/sis" },
        { "\"version\": 1", "\"version\": 2", "out/sis.json: version is not 1" },
        { "{", "[{", "out/sis.json:" },
        { "\"height\": 2", "\"height\": 0", "out/sis.json: height is out of range" },
        { "\"height\": 2", "\"height\": 2.0", "out/sis.json: height is not a whole number" },
        { "\"height\": 2", "\"hight\": 2", "out/sis.json: height is missing" },
        { "\"height\": 2", "\"height\": 2, \"depth\": 2", "out/sis.json: the list of keys has one that does not" },
        { "\"height\": 2", "\"height\": 65536, \"x\": 1", "out/sis.json: the list of keys" },
        { "\"height\": 2", "\"height\": 60000", "out/masks.npz: order is <u2 with 2 dimensions, not <u4" },
        { "\"classes\": 3", "\"classes\": 2", "out: image 3: a class is not one of the model's" },
        { "\"aaa", "\"Aaa", "out/sis.json: weights_sha256 is no SHA-256" },
        { "\"test\"", "\"validation\"", "out/sis.json: split is neither test nor train" },
        { "\"gradient\"", "\"gradients\"", "out/sis.json: method is none of backselect|gradient|screened" },
        { "\"margin\"", "\"logit\"", "out/sis.json: rank is none of margin|probability" },
        { "\"margin\"", "\"probability\"", "out: image 2: a value is no probability" },
        { "\"predicted\"", "\"3\"", "out/sis.json: target is none of" },
        { "\"mean\"", "\"meanest\"", "out/sis.json: baseline is none of mean|" },
        { "0.90000000000000002", "1.5", "out/sis.json: thresholds is not" },
        { "0.90000000000000002", "0.5", "out/sis.json: thresholds is not" },
        { "0.90000000000000002", "0.9000000000000001", "out/sis.json: thresholds has more than 15 digits" },
        { "0.90000000000000002", "0.91", "out/masks.npz: threshold does not follow" },
        { "\"collection\": true", "\"collection\": false", "out: image 3: has a collection that was not asked" },
        { "\"images\": 7", "\"images\": 6", "out/sis.jsonl:7: has more lines than images" },
        { "\"images\": 7", "\"images\": 8", "out/sis.jsonl:8: the file ends before its last image" },
        { "\"images\": 7", "\"images\": 2000000000", "out/sis.jsonl: is too short for 2000000000 images" },
        { "\"shard\": 1", "\"shard\": 2", "out/sis.json: shard is larger than shards" },
        { "\"seed\": 7", "\"seed\": -7", "out/sis.json: seed is out of range" },
    };
    struct sis_identity d = identity(1, 1);
    make("out", &d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused("sis.json", cases[i].from, cases[i].to, cases[i].part);
}

Test(sis_store, changed_lines_are_refused)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        { "\"image\":3", "\"image\":4", "out: its images are not those" },
        { "\"image\":3", "\"image\":2", "out: image 2: is not above the one before" },
        { "\"label\":1", "\"label\":4294967297", "out/sis.jsonl:2: does not agree with masks.npz" },
        { "\"label\":1", "\"label\":7", "out: image 3: a class is not" },
        { "\"confidence\":0", "\"confidence\":1", "out: image 2: a confidence is not within 0..1" },
        { "\"confidence\":", "\"confidence\":NaN", "out/sis.jsonl:1: is no line" },
        { "\"0.9\":6", "\"0.9\":4", "out/sis.jsonl:1: does not agree" },
        { "\"0.9\":4", "\"0.9\":null", "out/sis.jsonl:2: does not agree" },
        { "\"order\":1", "\"order\":2", "out/sis.jsonl:2: does not agree" },
        { "[1]", "[2]", "out/sis.jsonl:2: does not agree" },
        { "[1]", "[]", "out/masks.npz: collection_mask has" },
        { "[1]", "1", "out/sis.jsonl:2: is no line" },
        { "\n", " ", "out/sis.jsonl:1: is no line" },
        { "{", "", "out/sis.jsonl:1: is no line" },
        { "\"label\"", "\"image\"", "out/sis.jsonl:1: is no line" },
        { "\"label\"", "\"extra\":1,\"label\"", "out/sis.jsonl:1: does not agree" },
    };
    struct sis_identity d = identity(1, 1);
    make("out", &d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused("sis.jsonl", cases[i].from, cases[i].to, cases[i].part);
}

/* What a hand that knows npz may have done to the arrays. */
static void spoil(struct npz *z, int what)
{
    struct npz_array *image = &z->array[0], *order = &z->array[1], *removed = &z->array[2], *value = &z->array[3];
    struct npz_array *size = &z->array[4], *mask = &z->array[5], *threshold = &z->array[6];
    struct npz_array *c_image = &z->array[7], *c_mask = &z->array[8], *c_value = &z->array[9];
    switch (what) {
    case 0: ((int64_t *)image->data)[0] = 1; break;
    case 1: ((uint16_t *)order->data)[0] = ((uint16_t *)order->data)[1]; break;
    case 2: ((uint16_t *)order->data)[0] = 65535; break;
    case 3: ((uint32_t *)removed->data)[1] = 1; break;
    case 4: ((uint32_t *)removed->data)[3] = 7; break;
    case 5: ((double *)value->data)[0] = NAN; break;
    case 6: ((double *)value->data)[7] = 9; break;
    case 7: ((int64_t *)size->data)[0] = 5; break;
    case 8: ((uint8_t *)mask->data)[0] ^= 1; break;
    case 9: ((double *)threshold->data)[0] = 0.6; break;
    case 10: ((int64_t *)c_image->data)[0] = 2; break;
    case 11: ((uint8_t *)c_mask->data)[0] ^= 1; break;
    case 12: memset(c_mask->data, 0, npz_bytes(c_mask)); break;
    case 13: ((double *)c_value->data)[0] = 0; break;
    case 14: z->n--; break;
    case 15: strcpy(mask->name, "masks"); break;
    case 16: order->shape[0]--; break;
    case 17: removed->shape[0] = 0; break;
    case 18: size->type = NPZ_F64; break;
    case 19: ((double *)value->data)[0] += 1e-12; break; /* nothing else follows from it: not seen */
    }
}

Test(sis_store, changed_arrays_are_refused)
{
    enum { SPOILS = 20 };
    static const char *const part[SPOILS] = {
        "masks.npz: image does not follow",
        "order does not hold every pixel once",
        "every pixel once",
        "masks.npz: ",
        "states do not rise",
        "NaN or infinite",
        "does not",
        "masks.npz: size does not follow",
        "masks.npz: mask does not follow",
        "masks.npz: threshold does not follow",
        "masks.npz: collection_image does not follow",
        "sis.jsonl:",
        "collection are empty",
        "does not reach the threshold",
        "masks.npz: has no array collection_value",
        "has no array mask",
        "masks.npz: order has 6 items in dimension 0, not 7",
        "masks.npz: value has 4 items in dimension 1, not 0",
        "masks.npz: size is <f8",
        NULL,
    };
    struct sis_identity d = identity(1, 1);
    struct sis_records r;
    make("out", &d);
    for (int what = 0; what < SPOILS; what++) {
        struct npz z;
        cr_assert(npz_read("out/masks.npz", 1 << 20, &z, &err), "%s", err.text);
        int n = z.n;
        size_t length;
        char *good = content("out", "masks.npz", &length);
        spoil(&z, what);
        cr_assert(npz_write("out/masks.npz", z.array, z.n, &err), "%s", err.text);
        bool ok = sis_records_read("out", &r, &err);
        cr_expect_eq(ok, part[what] == NULL, "case %d: %s", what, err.text);
        if (ok)
            sis_records_free(&r);
        else
            expect_text(part[what]);
        put("out/masks.npz", good, length);
        free(good);
        z.n = n;
        npz_free(&z);
    }
}

Test(sis_store, truncated_results_are_refused)
{
    static const char *const names[] = { "sis.json", "sis.jsonl", "masks.npz" };
    struct sis_identity d = identity(1, 1);
    struct sis_records r;
    make("out", &d);
    for (int i = 0; i < 3; i++) {
        size_t n;
        char *text = content("out", names[i], &n), *path = file_join("out", names[i]);
        for (size_t cut = 0; cut < n - (i == 0); cut += 7) { /* sis.json is whole without its final newline */
            put(path, text, cut);
            cr_expect_not(sis_records_read("out", &r, &err), "%zu bytes of %s were enough", cut, names[i]);
            expect_text(path);
            cr_expect_eq(err.status, EXIT_CANNOT_RUN);
        }
        unlink(path);
        cr_expect_not(sis_records_read("out", &r, &err));
        expect_text(path);
        put(path, text, n);
        free(text);
        free(path);
    }
    cr_assert(sis_records_read("out", &r, &err), "%s", err.text);
    sis_records_free(&r);
}

Test(sis_store, a_probability_ranked_run_comes_back)
{
    struct sis_identity d = identity(1, 1);
    d.settings.rank = SIS_PROBABILITY;
    d.collection = false;
    struct sis_store *s = open_store("out", &d, false);
    for (int i = 0; i < IMAGES; i++) {
        struct sis_record r = record(i);
        sis_collection_free(&r.collection);
        for (int k = 0; k < STATES; k++)
            r.order.value[k] = (float)(0.9 - 0.2 * k);
        cr_assert(sis_store_add(s, &r, &err), "%s", err.text);
        sis_record_free(&r);
    }
    cr_assert(sis_store_finish(s, IMAGES, &err), "%s", err.text);
    sis_store_close(s);
    struct sis_records r;
    cr_assert(sis_records_read("out", &r, &err), "%s", err.text);
    cr_assert_eq(sis_size(&r.record[0].order, sis_threshold(SIS_PROBABILITY, 0.5)), 2);
    sis_records_free(&r);
}
