/* One pass over the numbers 0..n-1 that the ranks of a job make together (base/ranks.h): blocks of numbers are handed
 * out one after the other, large ones first and ever smaller ones toward the end, so that a rank that is slow gets
 * less and all end at about the same time. Which rank gets what depends on timing; what is made of a number may not.
 *
 * All ranks make the same calls of share_begin, share_end, share_exchange, share_spread and share_free, from the thread
 * that calls base/ranks.h; one pass at a time. Of one rank alone the first block is everything, and nothing is
 * exchanged. */
#ifndef MARGINALIA_BASE_SHARE_H
#define MARGINALIA_BASE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { SHARE_LIMIT = (1 << 27) - 1 }; /* n at most */

/* Private. */
struct share {
    int64_t n, most;
    bool (*stop)(void);
    int64_t block, at; /* number of the block that begins at `at`: the last one looked at */
    int64_t seen;      /* the counter that the ranks share, when last looked at */
    double looked;     /* clock_seconds() */
    bool stopped;
    int64_t n_mine, *mine; /* [n_mine] blocks that this rank got */
    int64_t n_blocks;
    int *owner; /* [n_blocks] NULL: not known yet */
};

/* most: numbers of a block at most, >= 1: what a rank does fastest at once. stop: asks whether the user wants an end
 * (NULL: never). */
void share_begin(struct share *s, int64_t n, int64_t most, bool (*stop)(void));

/* The next numbers of this rank: first..first+count-1. False: there are none left, or the pass ends early. */
bool share_next(struct share *s, int64_t *first, int64_t *count);

/* Says that `count` more numbers are done, and hears how many all ranks have done. */
void share_done(struct share *s, int64_t count);
int64_t share_all_done(const struct share *s);

/* Whether the pass ends early, because a rank was asked to stop or has failed. Cheap; looks at the others five times a
 * second. */
bool share_stopped(struct share *s);

/* The end of the pass on all ranks. `ok` and err: of this rank; the result is the same on all: false with the first
 * failure, or with EXIT_INTERRUPTED when a rank was asked to stop. */
bool share_end(struct share *s, bool ok, struct err *err);

/* After it succeeded: array[n] of items of `size` bytes, of which each rank has filled those of its numbers, becomes
 * whole on all ranks. */
void share_exchange(struct share *s, void *array, size_t size);
/* And bytes[n] of the rank that had number i become everybody's. */
void share_spread(struct share *s, int64_t i, void *bytes, size_t n);
void share_free(struct share *s);

#endif
