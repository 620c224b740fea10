#include "validate/sis/store_parts.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/settings.h"

static const double sync_seconds = 2;

static const char *const results[] = { STORE_ARRAYS, STORE_LINES, STORE_IDENTITY };
enum { N_RESULTS = sizeof results / sizeof results[0] };

struct sis_store {
    char *directory;
    struct sis_identity identity;
    struct store_journal journal;
    bool finished;
    double synced; /* clock_seconds() */
    int64_t n;
    int64_t *image; /* [n] rising: what the journal holds */
};

/* "masks.npz.tmp-123": left by a writer that was killed. */
static bool is_temporary(const char *name)
{
    for (int i = 0; i < N_RESULTS; i++) {
        size_t n = strlen(results[i]);
        if (strncmp(name, results[i], n) == 0 && strncmp(name + n, ".tmp-", 5) == 0)
            return true;
    }
    return false;
}

/* The number of the writer whose journal this is: "sis.partial.12". 0: it is none. */
static int writer_of(const char *name)
{
    static const char prefix[] = STORE_PARTIAL ".";
    size_t n = sizeof prefix - 1;
    long long writer = 0;
    return strncmp(name, prefix, n) == 0 && parse_int(name + n, 1, INT_MAX, &writer) ? (int)writer : 0;
}

/* Calls visit for every name in the directory. */
static bool for_names(const char *path, bool (*visit)(void *self, const char *path, const char *name, struct err *err),
                      void *self, struct err *err)
{
    DIR *directory = opendir(path);
    bool ok = true;
    if (!directory)
        return err_run(err, "%s: cannot be read (%s); choose another directory with --out", path, strerror(errno));
    for (struct dirent *entry; ok && (entry = readdir(directory));)
        ok = visit(self, path, entry->d_name, err);
    closedir(directory);
    return ok;
}

static bool remove_file(const char *directory, const char *name, struct err *err)
{
    char *path = file_join(directory, name);
    bool ok = unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR ||
              err_run(err, "%s: cannot be removed (%s); check the permissions", path, strerror(errno));
    free(path);
    return ok;
}

static bool remove_temporary(void *self, const char *path, const char *name, struct err *err)
{
    (void)self;
    return !is_temporary(name) || remove_file(path, name, err);
}

static bool count_writer(void *self, const char *path, const char *name, struct err *err)
{
    int *n = self;
    (void)path, (void)err;
    *n += writer_of(name) > 0;
    return true;
}

static bool holds(const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    bool yes = file_exists(path);
    free(path);
    return yes;
}

static bool refuse_existing(const char *directory, bool fresh, struct err *err)
{
    int writers = 0;
    if (!for_names(directory, count_writer, &writers, err))
        return false;
    bool found = !fresh || writers > 0;
    for (int i = 0; i < N_RESULTS; i++)
        found = found || holds(directory, results[i]);
    return !found || err_usage(err,
                               "%s: already holds SIS results; --resume goes on with them, --overwrite replaces "
                               "them, --out names another directory",
                               directory);
}

bool store_claim(const char *directory, bool resume, struct store_journal *j, bool *fresh, struct err *err)
{
    if (!file_make_directories(directory, err) || !store_journal_open(j, directory, 0, fresh, err))
        return false;
    if (for_names(directory, remove_temporary, NULL, err) && (resume || refuse_existing(directory, *fresh, err)))
        return true;
    if (*fresh)
        store_journal_remove(j);
    else
        store_journal_close(j);
    return false;
}

/* Position at which `image` is or would be. */
static int64_t find(const struct sis_store *s, int64_t image)
{
    int64_t low = 0, high = s->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (s->image[middle] < image)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool sis_store_has(const struct sis_store *s, int64_t image)
{
    int64_t at = find(s, image);
    return at < s->n && s->image[at] == image;
}

static void remember(struct sis_store *s, int64_t image)
{
    int64_t at = find(s, image);
    if ((s->n & (s->n - 1)) == 0) /* room for the next power of two */
        s->image = mem_resize(s->image, (size_t)(s->n ? 2 * s->n : 1), sizeof *s->image);
    memmove(s->image + at + 1, s->image + at, (size_t)(s->n - at) * sizeof *s->image);
    s->image[at] = image;
    s->n++;
}

static bool refuse_repeated(const struct sis_store *s, int64_t image, struct err *err)
{
    return err_run(err, "%s: image %lld is there twice; remove the file to begin anew", s->journal.path,
                   (long long)image);
}

static bool take_number(void *self, struct sis_record *r, struct err *err)
{
    struct sis_store *s = self;
    int64_t image = r->image;
    sis_record_free(r);
    if (sis_store_has(s, image))
        return refuse_repeated(s, image, err);
    remember(s, image);
    return true;
}

/* A record of another writer becomes ours. It is there already when we were killed before that journal was removed. */
static bool take_over(void *self, struct sis_record *r, struct err *err)
{
    struct sis_store *s = self;
    bool ok = sis_store_has(s, r->image) || store_journal_append(&s->journal, r, err);
    if (ok && !sis_store_has(s, r->image))
        remember(s, r->image);
    sis_record_free(r);
    return ok;
}

static bool take_in_writer(void *self, const char *path, const char *name, struct err *err)
{
    struct sis_store *s = self;
    struct store_journal other;
    bool fresh;
    int writer = writer_of(name);
    if (writer == 0)
        return true;
    if (!store_journal_open(&other, path, writer, &fresh, err))
        return false;
    bool ok = (fresh || store_journal_resume(&other, &s->identity, take_over, s, err)) &&
              store_journal_sync(&s->journal, err);
    if (ok)
        store_journal_remove(&other);
    else
        store_journal_close(&other);
    return ok;
}

static bool take_in_writers(struct sis_store *s, struct err *err)
{
    return for_names(s->directory, take_in_writer, s, err);
}

static const char same_remedy[] = "--resume goes on with the same model, data and settings only; --out names another "
                                  "directory";

/* A finished directory must answer the same question. */
static bool check_finished(struct sis_store *s, struct err *err)
{
    struct sis_identity there;
    bool ok = store_identity_read(s->directory, &there, err);
    if (ok) {
        json_t *a = store_identity_json(&s->identity), *b = store_identity_json(&there);
        ok = store_identity_same(a, b, NULL, s->directory, same_remedy, err);
        json_decref(a);
        json_decref(b);
    }
    store_identity_clear(&there);
    s->finished = ok;
    return ok;
}

static bool start(struct sis_store *s, bool fresh, struct err *err)
{
    if (!holds(s->directory, STORE_IDENTITY))
        return (fresh ? store_journal_begin(&s->journal, &s->identity, err)
                      : store_journal_resume(&s->journal, &s->identity, take_number, s, err)) &&
               take_in_writers(s, err);
    bool ok = check_finished(s, err);
    if (ok || fresh)
        store_journal_remove(&s->journal);
    return ok;
}

/* An owned copy that was checked as if it came from a file. */
static bool take_identity(struct sis_store *s, const struct sis_identity *identity, struct err *err)
{
    json_t *root = store_identity_json(identity);
    bool ok = root ? store_identity_parse(root, s->directory, &s->identity, err)
                   : err_usage(err, "%s: the name of the model or of the data is not UTF-8; rename it", s->directory);
    json_decref(root);
    return ok;
}

static struct sis_store *new_store(const char *directory)
{
    struct sis_store *s = mem_alloc(1, sizeof *s);
    s->journal.fd = -1;
    s->directory = mem_string(directory);
    s->synced = clock_seconds();
    return s;
}

bool sis_store_join(const char *directory, const struct sis_identity *identity, int writer, struct sis_store **out,
                    struct err *err)
{
    bool fresh;
    struct sis_store *s = new_store(directory);
    assert(writer >= 1);
    if (take_identity(s, identity, err) && store_journal_open(&s->journal, directory, writer, &fresh, err) &&
        (fresh ||
         err_run(err, "%s: was written by nobody of this job; start it again with --resume", s->journal.path)) &&
        store_journal_begin(&s->journal, &s->identity, err)) {
        *out = s;
        return true;
    }
    sis_store_close(s);
    return false;
}

bool sis_store_sync(struct sis_store *s, struct err *err)
{
    return s->finished || store_journal_sync(&s->journal, err);
}

bool sis_store_open(const char *directory, const struct sis_identity *identity, bool resume, struct sis_store **out,
                    struct err *err)
{
    bool fresh;
    struct sis_store *s = new_store(directory);
    if (take_identity(s, identity, err) && store_claim(directory, resume, &s->journal, &fresh, err) &&
        start(s, fresh, err)) {
        *out = s;
        return true;
    }
    sis_store_close(s);
    return false;
}

bool sis_store_finished(const struct sis_store *s)
{
    return s->finished;
}

bool sis_store_add(struct sis_store *s, const struct sis_record *r, struct err *err)
{
    assert(!s->finished);
    if (!store_record_check(r, &s->identity, s->directory, err))
        return false;
    if (sis_store_has(s, r->image))
        return refuse_repeated(s, r->image, err);
    if (!store_journal_append(&s->journal, r, err))
        return false;
    remember(s, r->image);
    if (clock_seconds() - s->synced < sync_seconds)
        return true;
    s->synced = clock_seconds();
    return store_journal_sync(&s->journal, err);
}

/* For store_journal_resume: keeps the records; there is room for all that were counted. */
struct collector {
    struct sis_records *records;
    int64_t room;
};

static bool take_record(void *self, struct sis_record *r, struct err *err)
{
    struct collector *c = self;
    if (c->records->n == c->room) {
        sis_record_free(r);
        return err_run(err, "the journal grew while it was read; nobody but one validation may write to it");
    }
    c->records->record[c->records->n++] = *r;
    return true;
}

static int compare_records(const void *a, const void *b)
{
    int64_t x = ((const struct sis_record *)a)->image, y = ((const struct sis_record *)b)->image;
    return (x > y) - (x < y);
}

bool sis_store_finish(struct sis_store *s, int64_t expected, struct err *err)
{
    assert(!s->finished);
    if (!take_in_writers(s, err))
        return false;
    if (s->n != expected)
        return err_run(err, "%s: %lld of %lld images are done; run it again with --resume", s->directory,
                       (long long)s->n, (long long)expected);
    struct sis_records all = { .identity = s->identity };
    struct collector c = { &all, s->n };
    all.record = mem_alloc((size_t)s->n + 1, sizeof *all.record);
    bool ok = store_journal_resume(&s->journal, &s->identity, take_record, &c, err);
    if (ok) {
        qsort(all.record, (size_t)all.n, sizeof *all.record, compare_records);
        ok = sis_records_write(s->directory, &all, err);
    }
    all.identity = (struct sis_identity){ 0 }; /* the store's */
    sis_records_free(&all);
    if (ok)
        store_journal_remove(&s->journal);
    s->finished = ok;
    return ok;
}

void sis_store_close(struct sis_store *s)
{
    if (!s)
        return;
    store_journal_close(&s->journal);
    store_identity_clear(&s->identity);
    free(s->image);
    free(s->directory);
    free(s);
}
