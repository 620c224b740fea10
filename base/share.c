#include "base/share.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/ranks.h"

/* The counter of base/ranks.h holds three numbers: blocks handed out, numbers done, and who wants an end. */
enum { DONE_BIT = 25, STOP_BIT = 52, LEAST_BLOCK_BITS = 23 };
static const int64_t block_mask = (INT64_C(1) << DONE_BIT) - 1;
static const int64_t done_mask = (INT64_C(1) << (STOP_BIT - DONE_BIT)) - 1;
static const int64_t stop_mark = INT64_C(1) << STOP_BIT;

static const double look_seconds = 0.2;

static int64_t size_at(const struct share *s, int64_t at)
{
    int64_t left = s->n - at, halves = 2 * (int64_t)ranks_size(), part = (left + halves - 1) / halves;
    int64_t least = (s->n >> LEAST_BLOCK_BITS) + 1; /* so that the counter has room for all */

    if (ranks_size() == 1)
        return left;
    part = part < s->most ? part : s->most;
    part = part > least ? part : least;
    return part < left ? part : left;
}

void share_begin(struct share *s, int64_t n, int64_t most, bool (*stop)(void))
{
    assert(n >= 0 && n <= SHARE_LIMIT && most >= 1);
    *s = (struct share){ .n = n, .most = most, .stop = stop, .looked = clock_seconds() };
    ranks_claim_begin();
}

static void look(struct share *s, int64_t seen)
{
    s->seen = seen;
    s->looked = clock_seconds();
    s->stopped = s->stopped || seen >= stop_mark;
}

bool share_stopped(struct share *s)
{
    if (s->stopped)
        return true;
    if (s->stop && s->stop()) {
        ranks_claim(stop_mark);
        s->stopped = true;
    } else if (clock_seconds() - s->looked >= look_seconds) {
        look(s, ranks_claim(0));
    }
    return s->stopped;
}

static void keep(struct share *s, int64_t block)
{
    if ((s->n_mine & (s->n_mine - 1)) == 0) /* room for the next power of two */
        s->mine = mem_resize(s->mine, (size_t)(s->n_mine ? 2 * s->n_mine : 1), sizeof *s->mine);
    s->mine[s->n_mine++] = block;
}

bool share_next(struct share *s, int64_t *first, int64_t *count)
{
    if (share_stopped(s) || s->at >= s->n)
        return false;
    look(s, ranks_claim(1));
    int64_t block = s->seen & block_mask;
    for (; s->block < block && s->at < s->n; s->block++)
        s->at += size_at(s, s->at);
    if (s->stopped || s->at >= s->n)
        return false;
    *first = s->at;
    *count = size_at(s, s->at);
    keep(s, block);
    return true;
}

void share_done(struct share *s, int64_t count)
{
    look(s, ranks_claim(count << DONE_BIT) + (count << DONE_BIT));
}

int64_t share_all_done(const struct share *s)
{
    return s->seen >> DONE_BIT & done_mask;
}

bool share_end(struct share *s, bool ok, struct err *err)
{
    if (!ok)
        ranks_claim(stop_mark); /* nobody begins anything more */
    ranks_claim_end();
    if (!ranks_all_ok(ok, err))
        return false;
    if (!ranks_any(s->stopped))
        return true;
    err_run(err, "interrupted");
    err->status = EXIT_INTERRUPTED;
    return false;
}

/* --- exchange ----------------------------------------------------------------------------------------------------- */

static void find_owners(struct share *s)
{
    int64_t n = 0;

    for (int64_t at = 0; at < s->n; at += size_at(s, at))
        n++;
    double *owner = mem_alloc((size_t)n, sizeof *owner);
    for (int64_t i = 0; i < s->n_mine; i++)
        owner[s->mine[i]] = ranks_number();
    ranks_sum_doubles(owner, (size_t)n);
    s->n_blocks = n;
    s->owner = mem_alloc((size_t)n, sizeof *s->owner);
    for (int64_t b = 0; b < n; b++)
        s->owner[b] = (int)owner[b];
    free(owner);
}

/* start[ranks + 1]: where the items of each rank begin, in bytes, when they stand one rank after the other. */
static void find_starts(const struct share *s, size_t size, size_t *start)
{
    for (int64_t b = 0, at = 0; b < s->n_blocks; b++) {
        int64_t count = size_at(s, at);
        start[s->owner[b] + 1] += (size_t)count * size;
        at += count;
    }
    for (int r = 0; r < ranks_size(); r++)
        start[r + 1] += start[r];
}

/* Block by block between the array and its copy in the order of the ranks; `out`: of our own blocks, into the copy. */
static void move(const struct share *s, char *array, size_t size, const size_t *start, char *sorted, bool out)
{
    size_t ranks = (size_t)ranks_size(), *next = mem_alloc(ranks, sizeof *next);

    memcpy(next, start, ranks * sizeof *next);
    for (int64_t b = 0, at = 0; b < s->n_blocks; b++) {
        int owner = s->owner[b];
        size_t bytes = (size_t)size_at(s, at) * size;
        char *here = array + (size_t)at * size, *there = sorted + next[owner];
        if (out && owner == ranks_number())
            memcpy(there, here, bytes);
        else if (!out)
            memcpy(here, there, bytes);
        next[owner] += bytes;
        at += size_at(s, at);
    }
    free(next);
}

void share_exchange(struct share *s, void *array, size_t size)
{
    if (ranks_size() == 1 || s->n == 0)
        return;
    if (!s->owner)
        find_owners(s);
    size_t *start = mem_alloc((size_t)ranks_size() + 1, sizeof *start);
    char *sorted = mem_big((size_t)s->n, size);
    find_starts(s, size, start);
    move(s, array, size, start, sorted, true);
    ranks_gather(sorted, start);
    move(s, array, size, start, sorted, false);
    mem_big_free(sorted, (size_t)s->n, size);
    free(start);
}

void share_spread(struct share *s, int64_t i, void *bytes, size_t n)
{
    assert(i >= 0 && i < s->n);
    if (ranks_size() == 1)
        return;
    if (!s->owner)
        find_owners(s);
    int64_t block = 0;
    for (int64_t end = size_at(s, 0); end <= i; block++)
        end += size_at(s, end);
    size_t *start = mem_alloc((size_t)ranks_size() + 1, sizeof *start);
    for (int r = s->owner[block] + 1; r <= ranks_size(); r++)
        start[r] = n;
    ranks_gather(bytes, start);
    free(start);
}

void share_free(struct share *s)
{
    free(s->mine);
    free(s->owner);
    *s = (struct share){ 0 };
}
