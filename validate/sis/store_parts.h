/* What the files of the SIS store share; not for others. */
#ifndef MARGINALIA_VALIDATE_SIS_STORE_PARTS_H
#define MARGINALIA_VALIDATE_SIS_STORE_PARTS_H

#include <jansson.h>
#include "base/npz.h"
#include "validate/sis/store.h"

#define STORE_IDENTITY "sis.json"
#define STORE_LINES "sis.jsonl"
#define STORE_ARRAYS "masks.npz"
#define STORE_PARTIAL "sis.partial"

/* Identity: store_identity.c. */
/* New reference; NULL when a name is not UTF-8. */
json_t *store_identity_json(const struct sis_identity *identity);
/* Every key and nothing else, each within its range. `path` is for messages. sis_identity_clear it, also after a
 * failure. */
bool store_identity_parse(const json_t *root, const char *path, struct sis_identity *out, struct err *err);
bool store_identity_read(const char *directory, struct sis_identity *out, struct err *err);
void store_identity_clear(struct sis_identity *identity);
/* Names the first key in which two identities differ; `model`, `data` (names for people) do not count, nor does `skip`
 * (NULL: none). `place` says where `there` comes from, `remedy` what to do. */
bool store_identity_same(const json_t *here, const json_t *there, const char *skip, const char *place,
                         const char *remedy, struct err *err);
/* "0.99": the shortest text of a threshold. */
struct store_text {
    char text[32];
};
struct store_text store_threshold_text(double p);

/* Records: store_record.c. */
/* One record by itself: an order of all h*w features, rising states, finite values, classes within k, disjoint
 * collection. `place` is for messages. */
bool store_record_check(const struct sis_record *r, const struct sis_identity *identity, const char *place,
                        struct err *err);
/* All of them: as many as the shard must have, rising, the same states, and the list of the identity. */
bool store_records_check(const struct sis_records *r, const char *place, struct err *err);
/* Bytes for the journal, little-endian; free() them. */
unsigned char *store_record_pack(const struct sis_record *r, size_t *n);
/* False: they are not a record. sis_record_free it after success only. */
bool store_record_unpack(const unsigned char *bytes, size_t n, struct sis_record *out);

/* Journal: store_journal.c. An open, locked sis.partial, or sis.partial.N of writer N >= 1. */
struct store_journal {
    char *path;
    int fd;      /* -1: none */
    int64_t end; /* bytes that are whole records */
};
/* Opens or makes it and takes the lock; *fresh: there was none, or nothing in it. */
bool store_journal_open(struct store_journal *j, const char *directory, int writer, bool *fresh, struct err *err);
bool store_journal_begin(struct store_journal *j, const struct sis_identity *identity, struct err *err);
/* Gives every whole record to `take`, which owns it; drops a torn tail. Refuses another identity, and damage that is
 * not at the end. */
bool store_journal_resume(struct store_journal *j, const struct sis_identity *identity,
                          bool (*take)(void *self, struct sis_record *r, struct err *err), void *self, struct err *err);
bool store_journal_append(struct store_journal *j, const struct sis_record *r, struct err *err);
bool store_journal_sync(struct store_journal *j, struct err *err);
void store_journal_remove(struct store_journal *j); /* takes the file away */
void store_journal_close(struct store_journal *j);

/* Results: store_results.c, store_arrays.c. */
enum { STORE_MAX_ARRAYS = 10 };
struct store_arrays {
    int n;
    struct npz_array array[STORE_MAX_ARRAYS]; /* data is owned */
};
/* What masks.npz holds for these records, which were checked. */
void store_arrays_build(const struct sis_records *r, struct store_arrays *out);
void store_arrays_free(struct store_arrays *a);
/* Fills order and collection of r->record[n], whose collection.n says how many subsets each has. */
bool store_arrays_fill(const struct npz *z, const char *path, struct sis_records *r, struct err *err);
/* Unpacked bytes at most, for n images and m subsets. */
size_t store_arrays_limit(const struct sis_identity *identity, int64_t n, int64_t m);

/* Makes the directory and takes its lock: store.c. Without `resume` refuses what holds results or a journal. */
bool store_claim(const char *directory, bool resume, struct store_journal *j, bool *fresh, struct err *err);

#endif
