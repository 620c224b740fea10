#include "validate/dataset/duplicates_search.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ROWS = LOOK_FREQUENCIES, BUCKETS = 1 << LOOK_FREQUENCIES, SHARE = 64, DISTANCES = SEARCH_RADIUS + 1 };

static const uint64_t odd = UINT64_C(0xaaaaaaaaaaaaaaaa); /* frequencies whose sign turns with the picture */

/* What one thread found. */
struct found {
    int64_t n, room;
    struct look_pair *pair;
    int64_t count[DISTANCES]; /* pairs, stored or not */
};

struct search {
    const uint64_t (*look)[LOOK_WORDS];
    uint32_t n;
    uint64_t turned; /* of each word, the bits that a mirror turns; 0 when there is none */
    int radius, row;
    int64_t most;                   /* pairs to store */
    uint32_t *start;                /* [BUCKETS + 1] of each bucket of this row in the two below */
    uint32_t *number;               /* [n] of the picture */
    uint64_t (*sorted)[LOOK_WORDS]; /* [n] its hash: comparing then reads straight on */
    bool (*crowded)[BUCKETS];       /* [ROWS] */
    struct found *found;            /* [threads] */
    atomic_uint next;               /* bucket to be looked at */
};

static uint32_t row_of(const uint64_t look[LOOK_WORDS], int row)
{
    return (uint32_t)(look[row / 4] >> 16 * (row % 4)) & (BUCKETS - 1);
}

static void count_buckets(const struct search *s, int row)
{
    memset(s->start, 0, (BUCKETS + 1) * sizeof *s->start);
    for (uint32_t i = 0; i < s->n; i++)
        s->start[row_of(s->look[i], row) + 1]++;
}

static void find_crowds(const struct search *s)
{
    for (int row = 0; row < ROWS; row++) {
        count_buckets(s, row);
        for (int b = 0; b < BUCKETS; b++)
            s->crowded[row][b] = s->start[b + 1] > SEARCH_CROWD;
    }
}

static void fill_buckets(const struct search *s)
{
    uint32_t *end = s->start + 1; /* of bucket b; moves down to its start */
    count_buckets(s, s->row);
    for (int b = 1; b < BUCKETS; b++)
        end[b] += end[b - 1];
    for (uint32_t i = s->n; i-- > 0;) {
        uint32_t at = --end[row_of(s->look[i], s->row)];
        s->number[at] = i;
        memcpy(s->sorted[at], s->look[i], sizeof s->look[i]);
    }
    memmove(s->start, end, BUCKETS * sizeof *end);
    s->start[BUCKETS] = s->n;
}

/* Whether an earlier row has found this pair already. */
static bool known(const struct search *s, const uint64_t *x, const uint64_t *y)
{
    for (int row = 0; row < s->row; row++) {
        uint32_t one = row_of(x, row), other = row_of(y, row), difference = one ^ other ^ (s->turned & (BUCKETS - 1));
        if ((difference & (difference - 1)) == 0 && !s->crowded[row][one] && !s->crowded[row][other])
            return true;
    }
    return false;
}

static int bits_between(const uint64_t *x, const uint64_t *y, uint64_t turned)
{
    int distance = 0;
    for (int k = 0; k < LOOK_WORDS && distance <= SEARCH_RADIUS; k++)
        distance += __builtin_popcountll(x[k] ^ y[k] ^ turned);
    return distance;
}

static void compare(const struct search *s, uint32_t i, uint32_t j, struct found *f)
{
    int distance = bits_between(s->sorted[i], s->sorted[j], s->turned);
    if (distance > s->radius || known(s, s->sorted[i], s->sorted[j]))
        return;
    f->count[distance]++;
    if (f->n == s->most)
        return;
    if (f->n == f->room) {
        f->room = f->room ? 2 * f->room : 1024;
        f->pair = mem_resize(f->pair, (size_t)f->room, sizeof *f->pair);
    }
    uint32_t a = s->number[i], b = s->number[j];
    f->pair[f->n++] = (struct look_pair){ a < b ? a : b, a < b ? b : a, (uint8_t)distance, s->turned != 0 };
}

/* Every two buckets are met from either side; once is enough. */
static void compare_buckets(const struct search *s, uint32_t one, uint32_t other, struct found *f)
{
    if (other < one || s->crowded[s->row][other])
        return;
    for (uint32_t i = s->start[one]; i < s->start[one + 1]; i++)
        for (uint32_t j = one == other ? i + 1 : s->start[other]; j < s->start[other + 1]; j++)
            compare(s, i, j, f);
}

static void search_buckets(void *arg, int member, int size)
{
    struct search *s = arg;
    uint32_t turned = (uint32_t)(s->turned & (BUCKETS - 1));
    (void)size;
    for (uint32_t from; (from = atomic_fetch_add(&s->next, SHARE)) < BUCKETS;)
        for (uint32_t b = from; b < from + SHARE; b++) {
            if (s->start[b] == s->start[b + 1] || s->crowded[s->row][b])
                continue;
            compare_buckets(s, b, b ^ turned, &s->found[member]);
            for (int bit = 0; bit < LOOK_FREQUENCIES; bit++)
                compare_buckets(s, b, b ^ turned ^ 1u << bit, &s->found[member]);
        }
}

static bool search_rows(const struct survey *survey, struct search *s, struct err *err)
{
    for (s->row = 0; s->row < ROWS; s->row++) {
        survey_tell(survey, s->turned ? "mirrored copies" : "near duplicates", s->row, ROWS);
        fill_buckets(s);
        atomic_store(&s->next, 0);
        team_run(survey->team, search_buckets, s);
        if (!survey_goes_on(survey, err))
            return false;
    }
    return true;
}

/* The largest radius that does not find more than `most` pairs. */
static int fitting_radius(const struct search *s, int threads)
{
    int64_t sum = 0;
    for (int d = 0; d <= s->radius; d++) {
        for (int t = 0; t < threads; t++)
            sum += s->found[t].count[d];
        if (sum > s->most)
            return d - 1;
    }
    return s->radius;
}

static int by_numbers(const void *x, const void *y)
{
    const struct look_pair *p = x, *q = y;
    return p->a != q->a ? (p->a > q->a) - (p->a < q->a) : (p->b > q->b) - (p->b < q->b);
}

static void collect(const struct search *s, int threads, struct look_pairs *out)
{
    for (int t = 0; t < threads; t++)
        out->n += s->found[t].n;
    out->pair = mem_alloc((size_t)out->n, sizeof *out->pair);
    struct look_pair *at = out->pair;
    for (int t = 0; t < threads; t++)
        for (int64_t i = 0; i < s->found[t].n; i++)
            *at++ = s->found[t].pair[i];
    qsort(out->pair, (size_t)out->n, sizeof *out->pair, by_numbers);
    out->radius = s->radius;
}

static void forget(struct search *s, int threads)
{
    for (int t = 0; t < threads; t++)
        free(s->found[t].pair);
    memset(s->found, 0, (size_t)threads * sizeof *s->found);
}

/* A second time with the radius that fits, when the first found too much. */
static bool search_all(const struct survey *survey, struct search *s, struct err *err)
{
    int threads = team_size(survey->team);
    if (!search_rows(survey, s, err))
        return false;
    int radius = fitting_radius(s, threads);
    if (radius == s->radius)
        return true;
    s->radius = radius;
    forget(s, threads);
    return radius < 0 || search_rows(survey, s, err);
}

bool look_search(const struct survey *survey, const uint64_t (*look)[LOOK_WORDS], uint32_t n, bool mirrored,
                 struct look_pairs *out, struct err *err)
{
    struct search s = { .look = look, .n = n, .turned = mirrored ? odd : 0, .radius = SEARCH_RADIUS };
    s.most = (int64_t)SEARCH_PAIRS * n;
    s.start = mem_alloc(BUCKETS + 1, sizeof *s.start);
    s.number = mem_big(n, sizeof *s.number);
    s.sorted = mem_big(n, sizeof *s.sorted);
    s.crowded = mem_alloc(ROWS, sizeof *s.crowded);
    s.found = mem_alloc((size_t)team_size(survey->team), sizeof *s.found);
    *out = (struct look_pairs){ 0 };
    find_crowds(&s);
    bool ok = search_all(survey, &s, err);
    if (ok)
        collect(&s, team_size(survey->team), out);
    forget(&s, team_size(survey->team));
    free(s.found);
    free(s.crowded);
    mem_big_free(s.sorted, n, sizeof *s.sorted);
    mem_big_free(s.number, n, sizeof *s.number);
    free(s.start);
    return ok;
}
