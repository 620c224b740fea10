#include "validate/dataset/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/dataset/duplicates_compare.h"
#include "validate/dataset/duplicates_search.h"

enum { BATCH = 16384 }; /* pictures whose pixels are held at once: 48 MB */

struct candidate {
    struct duplicate_pair pair;
    uint32_t group; /* of pictures that candidates connect: what is read together */
};

struct finder {
    struct survey *survey;
    struct duplicates *d;
    uint32_t n_looks;
    uint32_t *picture; /* [n_looks] the first with this look */
    uint64_t (*look)[LOOK_WORDS];
    int64_t n, room;
    struct candidate *candidate;
    uint32_t *alike; /* [n] candidates that a picture is in */
    /* the batch that is being compared */
    struct candidate *begin;
    uint32_t n_read, *read, *place; /* read[n_read]: pictures; place[n]: of each in small[] */
    struct small_copy *small;       /* [BATCH] */
};

enum split duplicates_split(const struct duplicates *d, uint32_t picture)
{
    return picture < d->n_train ? SPLIT_TRAIN : SPLIT_TEST;
}

int64_t duplicates_image(const struct duplicates *d, uint32_t picture)
{
    return picture < d->n_train ? picture : picture - d->n_train;
}

static const struct picture_facts *facts_of(const struct finder *f, uint32_t picture)
{
    return &f->survey->facts[duplicates_split(f->d, picture)][duplicates_image(f->d, picture)];
}

/* --- groups: every picture points to an earlier one of its group, the first to itself ----------------------------- */

static uint32_t find_first(uint32_t *first, uint32_t i)
{
    while (first[i] != i)
        i = first[i] = first[first[i]];
    return i;
}

static void join(uint32_t *first, uint32_t a, uint32_t b)
{
    a = find_first(first, a);
    b = find_first(first, b);
    if (a < b)
        first[b] = a;
    else
        first[a] = b;
}

static void flatten(uint32_t *first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        first[i] = find_first(first, (uint32_t)i);
}

static void everyone_alone(uint32_t *first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        first[i] = (uint32_t)i;
}

/* --- candidates --------------------------------------------------------------------------------------------------- */

static void add_candidate(struct finder *f, uint32_t a, uint32_t b, bool equal, bool mirrored)
{
    if (f->n == f->room) {
        f->room = f->room ? 2 * f->room : 1024;
        f->candidate = mem_resize(f->candidate, (size_t)f->room, sizeof *f->candidate);
    }
    f->candidate[f->n++].pair = (struct duplicate_pair){ a < b ? a : b, a < b ? b : a, 0, equal, mirrored };
}

static int by_look(const void *x, const void *y, void *self)
{
    uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
    const struct picture_facts *a = facts_of(self, i), *b = facts_of(self, j);
    for (int k = 0; k < LOOK_WORDS; k++)
        if (a->look[k] != b->look[k])
            return a->look[k] < b->look[k] ? -1 : 1;
    int content = memcmp(a->content, b->content, sizeof a->content);
    return content ? content : (i > j) - (i < j);
}

/* Pictures of the same look stand together and are compared with their neighbours; the first of them stands for all in
 * the search. */
static void match_equal_looks(struct finder *f, const uint32_t *order, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const struct picture_facts *this = facts_of(f, order[i]), *last = i ? facts_of(f, order[i - 1]) : NULL;
        if (last && memcmp(this->look, last->look, sizeof this->look) == 0) {
            add_candidate(f, order[i - 1], order[i], memcmp(this->content, last->content, sizeof this->content) == 0,
                          false);
            continue;
        }
        f->picture[f->n_looks] = order[i];
        memcpy(f->look[f->n_looks++], this->look, sizeof this->look);
    }
}

static void list_looks(struct finder *f)
{
    int64_t n = 0;
    uint32_t *order = mem_big((size_t)f->d->n, sizeof *order);
    for (int64_t i = 0; i < f->d->n; i++)
        if (facts_of(f, (uint32_t)i)->state == PICTURE_GOOD)
            order[n++] = (uint32_t)i;
    qsort_r(order, (size_t)n, sizeof *order, by_look, f);
    f->picture = mem_alloc((size_t)n, sizeof *f->picture);
    f->look = mem_alloc((size_t)n, sizeof *f->look);
    match_equal_looks(f, order, n);
    mem_big_free(order, (size_t)f->d->n, sizeof *order);
}

static bool search_looks(struct finder *f, bool mirrored, int *radius, struct err *err)
{
    struct look_pairs found;
    if (!look_search(f->survey, (const uint64_t(*)[LOOK_WORDS])f->look, f->n_looks, mirrored, &found, err))
        return false;
    for (int64_t i = 0; i < found.n; i++)
        add_candidate(f, f->picture[found.pair[i].a], f->picture[found.pair[i].b], false, mirrored);
    *radius = found.radius;
    free(found.pair);
    return true;
}

/* What belongs together is read together. Of a pair that is alike both plain and mirrored, the plain one comes first.
 */
static int by_group(const void *x, const void *y)
{
    const struct candidate *p = x, *q = y;
    if (p->group != q->group)
        return p->group < q->group ? -1 : 1;
    if (p->pair.a != q->pair.a)
        return p->pair.a < q->pair.a ? -1 : 1;
    if (p->pair.b != q->pair.b)
        return p->pair.b < q->pair.b ? -1 : 1;
    return p->pair.mirrored - q->pair.mirrored;
}

static void order_candidates(struct finder *f)
{
    uint32_t *first = f->d->first; /* free until the groups are made */
    everyone_alone(first, f->d->n);
    f->alike = mem_big((size_t)f->d->n, sizeof *f->alike);
    for (int64_t i = 0; i < f->n; i++) {
        const struct duplicate_pair *p = &f->candidate[i].pair;
        join(first, p->a, p->b);
        f->alike[p->a] += !p->equal;
        f->alike[p->b] += !p->equal;
    }
    for (int64_t i = 0; i < f->n; i++)
        f->candidate[i].group = find_first(first, f->candidate[i].pair.a);
    if (f->n > 0)
        qsort(f->candidate, (size_t)f->n, sizeof *f->candidate, by_group);
}

/* --- confirmation by pixels --------------------------------------------------------------------------------------- */

static bool read_small(void *self, int worker, int64_t i, struct err *err)
{
    struct finder *f = self;
    struct image8 picture;
    uint32_t number = f->read[i];
    (void)worker;
    if (!survey_read(f->survey, duplicates_split(f->d, number), duplicates_image(f->d, number), &picture, err))
        return false;
    copy_shrink(&picture, &f->small[i]);
    free(picture.pixels);
    return true;
}

static bool compare_pair(void *self, int worker, int64_t i, struct err *err)
{
    struct finder *f = self;
    struct duplicate_pair *p = &f->begin[i].pair;
    (void)worker, (void)err;
    if (!p->equal)
        p->left = (float)copy_difference(&f->small[f->place[p->a]], &f->small[f->place[p->b]], p->mirrored);
    return true;
}

/* Puts a picture on the list of those to read, unless it is there. */
static void want(struct finder *f, uint32_t picture)
{
    if (f->place[picture] < f->n_read && f->read[f->place[picture]] == picture)
        return;
    f->place[picture] = f->n_read;
    f->read[f->n_read++] = picture;
}

/* Compares the candidates from `from` on whose pictures fit into one batch; *to: the first that was not. */
static bool compare_batch(struct finder *f, int64_t from, int64_t *to, struct err *err)
{
    int64_t i = from;
    f->n_read = 0;
    for (; i < f->n && f->n_read + 2 <= BATCH; i++)
        if (!f->candidate[i].pair.equal) {
            want(f, f->candidate[i].pair.a);
            want(f, f->candidate[i].pair.b);
        }
    *to = i;
    f->begin = f->candidate + from;
    const struct survey_made made = { f->small, sizeof *f->small };
    return survey_share(f->survey, "reading pictures that look alike", f->n_read, read_small, f, &made, 1, err) &&
           survey_each(f->survey, "comparing pictures that look alike", i - from, compare_pair, f, err);
}

static bool compare_candidates(struct finder *f, struct err *err)
{
    bool ok = true;
    f->small = mem_big(BATCH, sizeof *f->small);
    f->read = mem_alloc(BATCH, sizeof *f->read);
    f->place = mem_big((size_t)f->d->n, sizeof *f->place);
    for (int64_t from = 0; ok && from < f->n;)
        ok = compare_batch(f, from, &from, err);
    mem_big_free(f->place, (size_t)f->d->n, sizeof *f->place);
    free(f->read);
    mem_big_free(f->small, BATCH, sizeof *f->small);
    return ok;
}

static bool is_copy(const struct finder *f, const struct duplicate_pair *p)
{
    bool few = f->alike[p->a] <= DUPLICATE_FEW && f->alike[p->b] <= DUPLICATE_FEW;
    return p->equal || p->left <= (few ? DUPLICATE_ALIKE : DUPLICATE_SAME);
}

static int by_pictures(const void *x, const void *y)
{
    const struct duplicate_pair *p = x, *q = y;
    return p->a != q->a ? (p->a > q->a) - (p->a < q->a) : (p->b > q->b) - (p->b < q->b);
}

static void keep_copies(struct finder *f)
{
    struct duplicates *d = f->d;
    everyone_alone(d->first, d->n);
    d->n_candidates = f->n;
    d->pair = mem_alloc((size_t)f->n, sizeof *d->pair);
    for (int64_t i = 0; i < f->n; i++) {
        const struct duplicate_pair *p = &f->candidate[i].pair, *last = d->n_pairs ? &d->pair[d->n_pairs - 1] : NULL;
        if (!is_copy(f, p) || (last && last->a == p->a && last->b == p->b))
            continue;
        join(d->first, p->a, p->b);
        d->pair[d->n_pairs++] = *p;
    }
    flatten(d->first, d->n);
    qsort(d->pair, (size_t)d->n_pairs, sizeof *d->pair, by_pictures);
}

static bool find(struct finder *f, struct err *err)
{
    list_looks(f);
    if (!search_looks(f, false, &f->d->radius, err) || !search_looks(f, true, &f->d->radius_mirrored, err))
        return false;
    order_candidates(f);
    if (!compare_candidates(f, err))
        return false;
    keep_copies(f);
    return true;
}

bool duplicates_find(struct survey *s, const struct duplicates **out, struct err *err)
{
    if (!s->duplicates) {
        if (!survey_facts(s, err))
            return false;
        struct duplicates *d = mem_alloc(1, sizeof *d);
        struct finder f = { .survey = s, .d = d };
        d->n_train = s->data->count[SPLIT_TRAIN];
        d->n = d->n_train + s->data->count[SPLIT_TEST];
        d->first = mem_alloc((size_t)d->n, sizeof *d->first);
        bool ok = find(&f, err);
        mem_big_free(f.alike, (size_t)d->n, sizeof *f.alike);
        free(f.candidate);
        free(f.look);
        free(f.picture);
        if (!ok) {
            duplicates_free(d);
            return false;
        }
        s->duplicates = d;
    }
    *out = s->duplicates;
    return true;
}

void duplicates_free(struct duplicates *d)
{
    if (!d)
        return;
    free(d->pair);
    free(d->first);
    free(d);
}
