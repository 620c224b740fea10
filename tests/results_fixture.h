/* Small results of `validate sis`, written and read back in a directory of the test's own. */
#ifndef MARGINALIA_TESTS_RESULTS_FIXTURE_H
#define MARGINALIA_TESTS_RESULTS_FIXTURE_H

#include "validate/sis/store.h"

/* Pictures of 2 x 3 pixels. */
enum { RESULTS_PIXELS = 6, RESULTS_STATES = 4, RESULTS_IMAGES = 7, RESULTS_CHANGES = 19 };
extern const int64_t results_images[RESULTS_IMAGES]; /* their numbers in the split, rising */

void results_set_up(void);   /* makes the directory and goes there; use as Criterion's .init */
void results_clean_up(void); /* removes it; use as .fini */

/* The same question for every shard. */
struct sis_identity results_identity(int shard, int shards);
/* Each change of the identity that a result depends on, 0..RESULTS_CHANGES-1, and the key that it changes. */
void results_change(struct sis_identity *d, int what);
extern const char *const results_changed[RESULTS_CHANGES];

/* Image i as a search might find it: sizes 0, 2, 4, 6 and none all occur, and so do collections of 0..2 subsets.
 * sis_record_free it. */
struct sis_record results_record(int i);

/* These fail the test when they cannot. */
struct sis_store *results_open(const char *path, const struct sis_identity *d, bool resume);
void results_add(struct sis_store *s, int i); /* image i */
/* A finished directory with the images of one shard, found in another order. */
void results_make(const char *path, const struct sis_identity *d);
char *results_content(const char *path, const char *name, size_t *n); /* of a file; free() it */
/* Without the fsync of file_write: there are thousands of these. */
void results_put(const char *path, const void *bytes, size_t n);
int results_count_files(const char *path); /* of a directory, but hidden ones */

void results_expect_same(const char *a, const char *b); /* two directories hold the same results, byte for byte */
void results_expect_text(const struct err *err, const char *part);

#endif
