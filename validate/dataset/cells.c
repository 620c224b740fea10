#include "validate/dataset/cells.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_DIMS = 3, PICTURES_PER_CELL = 4 };

/* One property's ranks: of equal values, the first; and which of the different values it is, in rising order. */
struct ranks {
    uint32_t *rank, *distinct; /* [n] */
    uint32_t n_distinct;
};

struct cells {
    const struct cell_problem *p;
    struct ranks dim[MOST_DIMS];
    uint32_t *cell, n_cells; /* [n] of the level that is tried */
    uint32_t *order, *start; /* pictures sorted by cell; [n_cells + 1] */
    int *count;              /* [classes] zero between uses */
    int *most_frequent;      /* [folds] class in the other folds */
    int64_t *best;           /* [folds] right answers when one is left out, at the best level so far; -1: none */
    int *answer;
};

static int compare_values(const void *x, const void *y, void *self)
{
    const double *const *column = self;
    const double a = (*column)[*(const uint32_t *)x], b = (*column)[*(const uint32_t *)y];
    return (a > b) - (a < b);
}

static void make_ranks(const struct cell_problem *p, int dim, struct ranks *r)
{
    uint32_t n = (uint32_t)p->n;
    double *column = mem_alloc(n, sizeof *column);
    uint32_t *order = mem_alloc(n, sizeof *order);
    for (uint32_t i = 0; i < n; i++) {
        column[i] = p->value[(size_t)i * (size_t)p->dims + (size_t)dim];
        order[i] = i;
    }
    qsort_r(order, n, sizeof *order, compare_values, &column);
    r->rank = mem_alloc(n, sizeof *r->rank);
    r->distinct = mem_alloc(n, sizeof *r->distinct);
    for (uint32_t k = 0; k < n; k++) {
        bool same = k > 0 && !(column[order[k]] > column[order[k - 1]]);
        r->n_distinct += !same;
        r->rank[order[k]] = same ? r->rank[order[k - 1]] : k;
        r->distinct[order[k]] = r->n_distinct - 1;
    }
    free(order);
    free(column);
}

/* --- one level of cells ------------------------------------------------------------------------------------------- */

static void sort_by_cell(struct cells *c)
{
    uint32_t n = (uint32_t)c->p->n;
    c->start = mem_resize(c->start, (size_t)c->n_cells + 1, sizeof *c->start);
    memset(c->start, 0, ((size_t)c->n_cells + 1) * sizeof *c->start);
    for (uint32_t i = 0; i < n; i++)
        c->start[c->cell[i]]++;
    for (uint32_t k = 1; k <= c->n_cells; k++)
        c->start[k] += c->start[k - 1];
    for (uint32_t i = n; i-- > 0;)
        c->order[--c->start[c->cell[i]]] = i;
}

/* The most frequent class of a cell's pictures outside of the fold, and how often the two most frequent ones occur. */
struct top {
    int class, first, second;
};

static struct top find_top(const struct cells *c, uint32_t cell, int fold)
{
    const struct cell_problem *p = c->p;
    struct top top = { .class = c->most_frequent[fold] };
    for (uint32_t k = c->start[cell]; k < c->start[cell + 1]; k++)
        c->count[p->label[c->order[k]]] += p->fold[c->order[k]] != fold;
    for (uint32_t k = c->start[cell]; k < c->start[cell + 1]; k++) {
        int class = p->label[c->order[k]], count = c->count[class];
        c->count[class] = 0; /* each class is looked at once */
        if (count > top.first || (count == top.first && count > 0 && class < top.class)) {
            top.second = top.first;
            top.first = count;
            top.class = class;
        } else if (count > top.second) {
            top.second = count;
        }
    }
    return top;
}

/* Right answers in a cell if each of its pictures had been left out: who is of the most frequent class is told by the
 * rest only when that is the most frequent class of the rest. A picture alone is told what is most frequent. */
static int64_t left_out(const struct cells *c, const struct top *top, int fold)
{
    if (top->first == 1 && top->second == 0)
        return top->class == c->most_frequent[fold];
    return top->first - 1 > top->second ? top->first : 0;
}

static void answer_fold(struct cells *c, int fold)
{
    const struct cell_problem *p = c->p;
    for (uint32_t cell = 0; cell < c->n_cells; cell++) {
        struct top top = find_top(c, cell, fold);
        for (uint32_t k = c->start[cell]; k < c->start[cell + 1]; k++)
            if (p->fold[c->order[k]] == fold)
                c->answer[c->order[k]] = top.class;
    }
}

/* Each fold takes this level if it tells the other folds' pictures better than the levels before. */
static void try_level(struct cells *c)
{
    sort_by_cell(c);
    for (int fold = 0; fold < c->p->folds; fold++) {
        int64_t right = 0;
        for (uint32_t cell = 0; cell < c->n_cells; cell++) {
            struct top top = find_top(c, cell, fold);
            right += left_out(c, &top, fold);
        }
        if (right > c->best[fold]) {
            c->best[fold] = right;
            answer_fold(c, fold);
        }
    }
}

/* --- levels ------------------------------------------------------------------------------------------------------- */

/* q cells of equal size along each dimension. */
static void cut_evenly(struct cells *c, uint32_t q)
{
    uint32_t n = (uint32_t)c->p->n;
    c->n_cells = 1;
    memset(c->cell, 0, n * sizeof *c->cell);
    for (int dim = 0; dim < c->p->dims; dim++) {
        for (uint32_t i = 0; i < n; i++)
            c->cell[i] = c->cell[i] * q + (uint32_t)((uint64_t)c->dim[dim].rank[i] * q / n);
        c->n_cells *= q;
    }
}

/* From a single cell, which stays when finer ones tell no more. */
static void try_levels(struct cells *c)
{
    uint32_t most = (uint32_t)c->p->n / PICTURES_PER_CELL;
    cut_evenly(c, 1);
    try_level(c);
    if (c->p->dims == 1 && (c->p->category || c->dim[0].n_distinct <= most)) {
        memcpy(c->cell, c->dim[0].distinct, (size_t)c->p->n * sizeof *c->cell);
        c->n_cells = c->dim[0].n_distinct;
        try_level(c);
    }
    for (uint32_t q = 2; !c->p->category; q *= 2) {
        uint64_t cells = 1;
        for (int dim = 0; dim < c->p->dims; dim++)
            cells *= q;
        if (cells > most)
            return;
        cut_evenly(c, q);
        try_level(c);
    }
}

static int most_frequent(const struct cell_problem *p, int fold, int *count)
{
    int most = 0;
    memset(count, 0, (size_t)p->classes * sizeof *count);
    for (int i = 0; i < p->n; i++)
        count[p->label[i]] += p->fold[i] != fold;
    for (int k = 1; k < p->classes; k++)
        most = count[k] > count[most] ? k : most;
    memset(count, 0, (size_t)p->classes * sizeof *count);
    return most;
}

bool cells_cross_validate(const struct cell_problem *p, int *answer)
{
    struct cells c = { .p = p, .answer = answer };
    bool varies = false;
    assert(p->n > 0 && p->dims >= 1 && p->dims <= MOST_DIMS && p->folds >= 2);
    for (int dim = 0; dim < p->dims; dim++) {
        make_ranks(p, dim, &c.dim[dim]);
        varies = varies || c.dim[dim].n_distinct > 1;
    }
    if (varies) {
        c.cell = mem_alloc((size_t)p->n, sizeof *c.cell);
        c.order = mem_alloc((size_t)p->n, sizeof *c.order);
        c.count = mem_alloc((size_t)p->classes, sizeof *c.count);
        c.most_frequent = mem_alloc((size_t)p->folds, sizeof *c.most_frequent);
        c.best = mem_alloc((size_t)p->folds, sizeof *c.best);
        for (int fold = 0; fold < p->folds; fold++) {
            c.most_frequent[fold] = most_frequent(p, fold, c.count);
            c.best[fold] = -1;
        }
        try_levels(&c);
    }
    for (int dim = 0; dim < p->dims; dim++) {
        free(c.dim[dim].rank);
        free(c.dim[dim].distinct);
    }
    free(c.best);
    free(c.most_frequent);
    free(c.count);
    free(c.start);
    free(c.order);
    free(c.cell);
    return varies;
}
