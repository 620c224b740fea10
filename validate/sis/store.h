/* SIS results on disk: a directory with
 *   sis.json    what was asked (struct sis_identity), without which the numbers mean nothing
 *   sis.jsonl   one line per image, in rising order of image number
 *   masks.npz   orders, values and masks, readable by NumPy (docs/sis_files.md)
 *   sis.partial while it runs: finished images, each with its checksum; a torn tail is dropped on resume
 *   sis.partial.1, .2, ... the same of further processes that work on the same search
 * The three results are written whole when all images are done; they depend on nothing but the identity, so shards that
 * are merged give the bytes of an unsharded run. */
#ifndef MARGINALIA_VALIDATE_SIS_STORE_H
#define MARGINALIA_VALIDATE_SIS_STORE_H

#include "base/file.h"
#include "validate/sis/images.h"

enum { SIS_MAX_THRESHOLDS = 16 };

/* Everything that decides a result. Texts are owned. */
struct sis_identity {
    char *model;              /* name, for people */
    char weights[SHA256_HEX]; /* SHA-256 of the weights file; of the members' hashes for an ensemble */
    char cfg[SHA256_HEX];
    char *data; /* name, for people */
    char data_hash[SHA256_HEX];
    char *split; /* "test" or "train" */
    int h, w, k; /* image size, classes */
    struct sis_settings settings;
    char *target;   /* "predicted", "true", "wrong" (drawn for each picture) or a class number */
    char *baseline; /* baseline_name() */
    char *view;     /* view_text() of what the model saw of each picture; NULL: everything */
    uint64_t seed;
    int n_thresholds;
    double threshold[SIS_MAX_THRESHOLDS]; /* probabilities, rising, each in (0,1) */
    bool collection;                      /* SIS collections at the largest threshold */
    int64_t n_images;                     /* of the whole, unsharded run */
    char images[SHA256_HEX];              /* of the list of image numbers of the whole run */
    int shard, shards;                    /* 1..shards; 1 of 1 when unsharded */
};

/* All of it as one text, to be compared; free() it. */
char *sis_identity_text(const struct sis_identity *identity);

struct sis_record {
    int64_t image; /* number in its split */
    int label, predicted, target;
    double confidence; /* probability of the target on the whole image */
    double blank;      /* and on the baseline alone */
    struct sis_order order;
    struct sis_collection collection; /* n = 0 when not asked for */
};

struct sis_records {
    struct sis_identity identity;
    int64_t n;
    struct sis_record *record; /* [n] rising image numbers */
};

/* Shards. The image list of the whole run is taken in rising order without repeats; the image at position p = 0, 1, ...
 * of it belongs to shard (p mod shards) + 1. */
int sis_shard_of(int64_t position, int shards);
int64_t sis_shard_images(int64_t n_images, int shard, int shards); /* how many of them are this shard's */
/* For sis_identity.images: SHA-256 over the list as little-endian int64. Any order gives the same. */
void sis_images_hash(const int64_t *image, int64_t n, char hex[SHA256_HEX]);

struct sis_store;

/* Opens a directory for writing and locks it. Finished images of an earlier, interrupted run, whoever wrote them, are
 * kept when `resume` is set and the identity is the same; without `resume` an existing result is refused, with the ways
 * out. A finished run with the same identity and `resume` is no error (store_finished). */
bool sis_store_open(const char *directory, const struct sis_identity *identity, bool resume, struct sis_store **out,
                    struct err *err);
/* A further writer, 1, 2, ..., of a directory that sis_store_open holds, with images that nobody has yet. What it adds
 * is on the disk after sis_store_sync; the holder takes it in when it finishes, or is opened again. */
bool sis_store_join(const char *directory, const struct sis_identity *identity, int writer, struct sis_store **out,
                    struct err *err);
bool sis_store_sync(struct sis_store *s, struct err *err);
bool sis_store_finished(const struct sis_store *s);
bool sis_store_has(const struct sis_store *s, int64_t image);
/* Appends a record and flushes it (not to the disk each time: at most once in two seconds). */
bool sis_store_add(struct sis_store *s, const struct sis_record *r, struct err *err);
/* Writes the three results from all records, of closed further writers, too, and takes the journals away. `expected`
 * images must be there. */
bool sis_store_finish(struct sis_store *s, int64_t expected, struct err *err);
void sis_store_close(struct sis_store *s); /* accepts NULL */

/* Reads a finished directory; everything is checked against everything (an order is a permutation, sizes follow from
 * the values). The subsets of a collection come back in rising order of features. sis_records_free when done. */
bool sis_records_read(const char *directory, struct sis_records *out, struct err *err);
void sis_records_free(struct sis_records *r);
bool sis_records_write(const char *directory, const struct sis_records *r, struct err *err);
void sis_record_free(struct sis_record *r);

/* The rank 0 of a job (base/ranks.h) has read them; all get them. */
void sis_records_broadcast(struct sis_records *r);

/* Joins finished shards into `out`, which may not hold results. Refuses gaps, overlaps, and shards of different models,
 * data or settings, naming the first difference. */
bool sis_merge(char *const *directory, int n, const char *out, struct err *err);

#endif
