#include "tests/results_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tests/data_fixture.h"
#include "tests/identity_fixture.h"

enum { H = 2, W = 3 };

const int64_t results_images[RESULTS_IMAGES] = { 2, 3, 5, 8, 13, 100, 4000 };

void results_set_up(void)
{
    fixture_set_up();
    cr_assert_eq(chdir(fixture_path(".")), 0);
}

void results_clean_up(void)
{
    cr_assert_eq(chdir("/"), 0);
    fixture_clean_up();
}

struct sis_identity results_identity(int shard, int shards)
{
    struct sis_identity d = identity_of(H, W, results_images, RESULTS_IMAGES);

    d.n_thresholds = 2;
    d.threshold[1] = 0.9;
    d.shard = shard;
    d.shards = shards;
    return d;
}

struct sis_record results_record(int i)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, (uint32_t)i);
    struct sis_record x = { .image = results_images[i],
                            .label = i % 3,
                            .predicted = (i + 1) % 3,
                            .target = i % 2,
                            .confidence = rng_unit(&r),
                            .blank = rng_unit(&r) };
    x.order = (struct sis_order){ .features = RESULTS_PIXELS, .states = RESULTS_STATES };
    x.order.order = mem_alloc(RESULTS_PIXELS, sizeof(uint32_t));
    x.order.removed = mem_alloc(RESULTS_STATES, sizeof(uint32_t));
    x.order.value = mem_alloc(RESULTS_STATES, sizeof(double));
    rng_permutation(&r, RESULTS_PIXELS, x.order.order);
    for (int s = 0; s < RESULTS_STATES; s++) {
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

struct sis_store *results_open(const char *path, const struct sis_identity *d, bool resume)
{
    struct sis_store *s = NULL;
    struct err err;
    cr_assert(sis_store_open(path, d, resume, &s, &err), "%s", err.text);
    return s;
}

void results_add(struct sis_store *s, int i)
{
    struct sis_record r = results_record(i);
    struct err err;
    cr_assert(sis_store_add(s, &r, &err), "%s", err.text);
    sis_record_free(&r);
}

void results_make(const char *path, const struct sis_identity *d)
{
    struct sis_store *s = results_open(path, d, false);
    struct err err;
    int n = 0;
    for (int i = RESULTS_IMAGES - 1; i >= 0; i--)
        if (sis_shard_of(i, d->shards) == d->shard) {
            results_add(s, i);
            n++;
        }
    cr_assert(sis_store_finish(s, n, &err), "%s", err.text);
    sis_store_close(s);
}

char *results_content(const char *path, const char *name, size_t *n)
{
    char *file = file_join(path, name), *text;
    struct err err;
    cr_assert(file_read(file, 1 << 20, &text, n, &err), "%s", err.text);
    free(file);
    return text;
}

void results_expect_same(const char *a, const char *b)
{
    static const char *const names[] = { "sis.json", "sis.jsonl", "masks.npz" };
    for (int i = 0; i < 3; i++) {
        size_t n, m;
        char *x = results_content(a, names[i], &n), *y = results_content(b, names[i], &m);
        cr_expect(n == m && memcmp(x, y, n) == 0, "%s and %s differ in %s", a, b, names[i]);
        free(x);
        free(y);
    }
}

void results_put(const char *path, const void *bytes, size_t n)
{
    FILE *out = fopen(path, "w");
    cr_assert(out && fwrite(bytes, 1, n, out) == n && fclose(out) == 0);
}

int results_count_files(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

void results_expect_text(const struct err *err, const char *part)
{
    cr_expect(strstr(err->text, part), "'%s' lacks '%s'", err->text, part);
}

void results_change(struct sis_identity *d, int what)
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

const char *const results_changed[RESULTS_CHANGES] = {
    "weights_sha256", "cfg_sha256", "data_sha256", "split",      "classes", "method",     "rank",
    "per_step",       "candidates", "target",      "baseline",   "seed",    "thresholds", "thresholds",
    "images_sha256",  "images",     "height",      "collection", "shards",
};
