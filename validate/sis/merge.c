/* Shards joined into the result of the whole run. */
#include "validate/sis/store_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct shard {
    const char *directory;
    struct sis_records records;
    int64_t next; /* first record that is not joined yet */
};

static int compare_shards(const void *a, const void *b)
{
    const struct shard *x = a, *y = b;
    int i = x->records.identity.shard, k = y->records.identity.shard;
    return i != k ? (i > k) - (i < k) : strcmp(x->directory, y->directory);
}

/* All but the number of the shard must be the same. */
static bool check_same(const struct shard *a, const struct shard *b, struct err *err)
{
    json_t *first = store_identity_json(&a->records.identity), *other = store_identity_json(&b->records.identity);
    char *remedy = mem_format("here is %s; merge shards of one run only", a->directory);
    bool ok = store_identity_same(first, other, "shard", b->directory, remedy, err);
    free(remedy);
    json_decref(first);
    json_decref(other);
    return ok;
}

/* Shards sorted by number: each of 1..shards once. */
static bool check_numbers(const struct shard *shard, int n, struct err *err)
{
    int shards = shard[0].records.identity.shards, wanted = 1;
    for (int i = 0; i < n; i++, wanted++) {
        int number = shard[i].records.identity.shard;
        if (i && number == shard[i - 1].records.identity.shard)
            return err_usage(err, "%s: is shard %d of %d, and so is %s; name each shard once", shard[i].directory,
                             number, shards, shard[i - 1].directory);
        if (number != wanted)
            break;
    }
    return wanted == shards + 1 ||
           err_usage(err, "%s: shard %d of %d is missing beside it; name the directories of all shards",
                     shard[0].directory, wanted, shards);
}

/* Takes the records in turn: the image at position p of the whole list is the next one of its shard. A shard holds as
 * many as it must, which was checked when it was read. */
static bool join(struct shard *shard, int n, struct sis_records *out, struct err *err)
{
    int64_t total = shard[0].records.identity.n_images;
    out->record = mem_alloc((size_t)total + 1, sizeof *out->record);
    for (int64_t p = 0; p < total; p++) {
        struct shard *s = &shard[sis_shard_of(p, n) - 1];
        struct sis_record *r = &s->records.record[s->next++];
        if (p && r->image <= out->record[p - 1].image)
            return err_run(err, "%s: image %lld belongs to another shard; make the shards again", s->directory,
                           (long long)r->image);
        out->record[p] = *r;
        out->n = p + 1;
        *r = (struct sis_record){ 0 };
    }
    return true;
}

static bool write_joined(const char *directory, const struct sis_records *r, struct err *err)
{
    struct store_journal lock;
    bool fresh;
    if (!store_claim(directory, false, &lock, &fresh, err))
        return false;
    bool ok = sis_records_write(directory, r, err);
    store_journal_remove(&lock);
    return ok;
}

static bool merge(struct shard *shard, int n, const char *directory, struct err *err)
{
    for (int i = 1; i < n; i++)
        if (!check_same(&shard[0], &shard[i], err))
            return false;
    qsort(shard, (size_t)n, sizeof *shard, compare_shards);
    if (!check_numbers(shard, n, err))
        return false;
    struct sis_records all = { .identity = shard[0].records.identity };
    all.identity.shard = all.identity.shards = 1;
    bool ok = join(shard, n, &all, err) && write_joined(directory, &all, err);
    all.identity = (struct sis_identity){ 0 }; /* the first shard's */
    sis_records_free(&all);
    return ok;
}

bool sis_merge(char *const *directory, int n, const char *out, struct err *err)
{
    bool ok = n >= 1 || err_usage(err, "%s: nothing to merge; name the directories of all shards", out);
    struct shard *shard = mem_alloc((size_t)n + 1, sizeof *shard);
    for (int i = 0; ok && i < n; i++) {
        shard[i].directory = directory[i];
        ok = sis_records_read(directory[i], &shard[i].records, err);
    }
    ok = ok && merge(shard, n, out, err);
    for (int i = 0; i < n; i++)
        sis_records_free(&shard[i].records);
    free(shard);
    return ok;
}
