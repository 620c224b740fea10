#include "base/ridge.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK = 256, MAX_FOLDS = 16 };

/* LAPACK, Fortran's calling convention: solves a x = b for a positive definite
 * a[n,n] (its `uplo` half), b[nrhs,n] in C's order; both are overwritten, b by
 * x. */
extern void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b,
                   const int *ldb, int *info);

/* Column sums over some rows of z, the features on the scale of all rows: (x -
 * mean) / std. */
struct sums {
    int64_t n;
    double *gram;  /* [d,d], upper half: sum of z_j z_k */
    double *total; /* [d] */
};

/* Answer = argmax_k weight[k] . z + bias[k]. */
struct linear {
    double *weight; /* [k,d] */
    double *bias;   /* [k] */
};

struct work {
    const struct ridge_problem *p;
    int k;                /* classes that occur */
    int *class_of;        /* [k] the class of each */
    int *column;          /* [n] 0..k-1, the row's class among them */
    double *mean, *scale; /* [d] z = (x - mean) * scale; scale 0: the same in all rows */
    struct sums fold[MAX_FOLDS];
    bool solved[MAX_FOLDS];
    int *answer, *nested; /* nested may be NULL */
};

static bool is_finite(const struct ridge_problem *p, struct err *err)
{
    for (int64_t i = 0; i < (int64_t)p->n * p->d; i++)
        if (!isfinite(p->x[i]))
            return err_run(err,
                           "feature %d of row %d is not a finite number; look at the "
                           "picture it was taken from",
                           (int)(i % p->d), (int)(i / p->d));
    return true;
}

/* Two passes, so that a constant column has variance 0 exactly. A column that
 * varies by less than floats tell apart counts as constant. */
static void measure_scale(struct work *w)
{
    const struct ridge_problem *p = w->p;
    for (int i = 0; i < p->n; i++)
        for (int j = 0; j < p->d; j++)
            w->mean[j] += p->x[(int64_t)i * p->d + j];
    for (int j = 0; j < p->d; j++)
        w->mean[j] /= p->n;
    for (int i = 0; i < p->n; i++)
        for (int j = 0; j < p->d; j++) {
            double z = p->x[(int64_t)i * p->d + j] - w->mean[j];
            w->scale[j] += z * z;
        }
    for (int j = 0; j < p->d; j++) {
        double std = sqrt(w->scale[j] / p->n);
        w->scale[j] = std > 1e-7 * fabs(w->mean[j]) ? 1 / std : 0;
    }
}

/* Only classes that occur have an output: there may be far more classes than
 * rows. */
static void number_classes(struct work *w)
{
    const struct ridge_problem *p = w->p;
    int *column_of = mem_alloc((size_t)p->classes, sizeof *column_of);
    for (int i = 0; i < p->n; i++) {
        assert(p->label[i] >= 0 && p->label[i] < p->classes);
        if (column_of[p->label[i]] == 0) {
            w->class_of[w->k] = p->label[i];
            column_of[p->label[i]] = ++w->k;
        }
        w->column[i] = column_of[p->label[i]] - 1;
    }
    free(column_of);
}

static void standardise(const struct work *w, int row, double *z)
{
    const float *x = w->p->x + (int64_t)row * w->p->d;
    for (int j = 0; j < w->p->d; j++)
        z[j] = (x[j] - w->mean[j]) * w->scale[j];
}

/* The next rows of fold f from *next on, at most BLOCK: z[rows,d] and their
 * numbers. Returns how many. */
static int gather(const struct work *w, int f, int *next, double *z, int *row)
{
    int n = 0;
    for (; *next < w->p->n && n < BLOCK; ++*next)
        if (w->p->fold[*next] == f) {
            standardise(w, *next, z + (int64_t)n * w->p->d);
            row[n++] = *next;
        }
    return n;
}

static void sum_fold(struct work *w, int f, double *z)
{
    int d = w->p->d, next = 0, row[BLOCK];
    struct sums *s = &w->fold[f];
    for (int n; (n = gather(w, f, &next, z, row)) > 0; s->n += n) {
        if (d > 0)
            cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, n, 1, z, d, 1, s->gram, d);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < d; j++)
                s->total[j] += z[(int64_t)i * d + j];
    }
}

static struct sums sums_new(int d)
{
    return (struct sums){ 0, mem_big((size_t)d * (size_t)d, sizeof(double)), mem_alloc((size_t)d, sizeof(double)) };
}

static void sums_free(struct sums *s, int d)
{
    mem_big_free(s->gram, (size_t)d * (size_t)d, sizeof(double));
    free(s->total);
}

/* Two folds are left out, f and g; they may be the same. */
static struct sums sums_of_others(const struct work *w, int f, int g)
{
    int d = w->p->d;
    struct sums t = sums_new(d);
    for (int k = 0; k < w->p->folds; k++) {
        if (k == f || k == g)
            continue;
        t.n += w->fold[k].n;
        for (int64_t i = 0; i < (int64_t)d * d; i++)
            t.gram[i] += w->fold[k].gram[i];
        for (int j = 0; j < d; j++)
            t.total[j] += w->fold[k].total[j];
    }
    return t;
}

/* t: sums become means m and the correlation matrix of the rows it was summed
 * over; scale[j] = 1 / standard deviation, 0 where there is none: such a
 * feature is left out, its weight becomes 0. lambda is on the diagonal then. */
static void correlate(struct sums *t, int d, double lambda, double *scale)
{
    for (int j = 0; j < d; j++) {
        t->total[j] /= (double)t->n;
        double variance = t->gram[(int64_t)j * d + j] / (double)t->n - t->total[j] * t->total[j];
        scale[j] = variance > 1e-10 ? 1 / sqrt(variance) : 0; /* 1 over all rows */
    }
    for (int j = 0; j < d; j++) {
        double *row = t->gram + (int64_t)j * d;
        for (int k = j; k < d; k++)
            row[k] = (row[k] / (double)t->n - t->total[j] * t->total[k]) * scale[j] * scale[k];
        row[j] = 1 + lambda;
    }
}

/* weight[k,d] = the mean of z over the rows of class k outside of folds f and g, times
 * their share (kept in bias[k]). */
static void sum_classes(const struct work *w, int f, int g, int64_t n, struct linear *m, double *z)
{
    int d = w->p->d;
    for (int i = 0; i < w->p->n; i++) {
        if (w->p->fold[i] == f || w->p->fold[i] == g)
            continue;
        double *weight = m->weight + (int64_t)w->column[i] * d;
        standardise(w, i, z);
        for (int j = 0; j < d; j++)
            weight[j] += z[j] / (double)n;
        m->bias[w->column[i]] += 1 / (double)n;
    }
}

static bool fit(const struct work *w, int f, int g, struct linear *m, double *z)
{
    int d = w->p->d, info = 0;
    struct sums t = sums_of_others(w, f, g);
    double *scale = mem_alloc((size_t)d, sizeof *scale);
    correlate(&t, d, w->p->lambda, scale);
    sum_classes(w, f, g, t.n, m, z);
    for (int k = 0; k < w->k; k++)
        for (int j = 0; j < d; j++) {
            double *weight = &m->weight[(int64_t)k * d + j];
            *weight = (*weight - m->bias[k] * t.total[j]) * scale[j];
        }
    if (d > 0)
        dposv_("L", &d, &w->k, t.gram, &d, m->weight, &d, &info); /* C's upper half is Fortran's lower */
    for (int k = 0; k < w->k; k++)
        for (int j = 0; j < d; j++) {
            double *weight = &m->weight[(int64_t)k * d + j];
            *weight *= scale[j];
            m->bias[k] -= *weight * t.total[j];
        }
    free(scale);
    sums_free(&t, d);
    return info == 0;
}

static void answer_fold(const struct work *w, int f, const struct linear *m, double *z, int *answer)
{
    int d = w->p->d, next = 0, row[BLOCK];
    double *score = mem_alloc((size_t)BLOCK * (size_t)w->k, sizeof *score);
    for (int n; (n = gather(w, f, &next, z, row)) > 0;) {
        for (int i = 0; i < n; i++)
            memcpy(score + (int64_t)i * w->k, m->bias, (size_t)w->k * sizeof *score);
        if (d > 0)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, w->k, d, 1, z, d, m->weight, d, 1, score, w->k);
        for (int i = 0; i < n; i++) {
            int best = 0;
            for (int k = 1; k < w->k; k++)
                if (score[(int64_t)i * w->k + k] > score[(int64_t)i * w->k + best])
                    best = k;
            answer[row[i]] = w->class_of[best];
        }
    }
    free(score);
}

/* answer[] of the rows of fold f, told by what was fitted on all folds but f and g. */
static bool solve_without(const struct work *w, int f, int g, double *z, int *answer)
{
    size_t d = (size_t)w->p->d, k = (size_t)w->k;
    if (w->fold[f].n == 0 || w->fold[f].n + (g == f ? 0 : w->fold[g].n) == w->p->n)
        return true; /* nothing to tell, or nothing to learn from */
    struct linear m = { mem_alloc(k * d, sizeof(double)), mem_alloc(k, sizeof(double)) };
    bool ok = fit(w, f, g, &m, z);
    answer_fold(w, f, &m, z, answer);
    free(m.weight);
    free(m.bias);
    return ok;
}

static void solve_fold(struct work *w, int f, double *z)
{
    w->solved[f] = solve_without(w, f, f, z, w->answer);
    for (int g = 0; w->nested && g < w->p->folds; g++)
        if (g != f && !solve_without(w, f, g, z, w->nested + (int64_t)g * w->p->n))
            w->solved[f] = false;
}

/* A fold is one member's from beginning to end, so the sums do not depend on
 * the number of threads. */
static void run_folds(void *arg, int member, int size, void (*step)(struct work *w, int f, double *z))
{
    struct work *w = arg;
    double *z = mem_alloc((size_t)BLOCK * (size_t)w->p->d, sizeof *z);
    for (int f = member; f < w->p->folds; f += size)
        step(w, f, z);
    free(z);
}

static void sum_folds(void *arg, int member, int size)
{
    run_folds(arg, member, size, sum_fold);
}

static void solve_folds(void *arg, int member, int size)
{
    run_folds(arg, member, size, solve_fold);
}

static void work_open(struct work *w, const struct ridge_problem *p, int *answer, int *nested)
{
    *w = (struct work){ .p = p, .answer = answer, .nested = nested };
    w->class_of = mem_alloc((size_t)p->n, sizeof(int));
    w->column = mem_alloc((size_t)p->n, sizeof(int));
    w->mean = mem_alloc((size_t)p->d, sizeof(double));
    w->scale = mem_alloc((size_t)p->d, sizeof(double));
    for (int f = 0; f < p->folds; f++)
        w->fold[f] = sums_new(p->d);
    for (int i = 0; i < p->n; i++) {
        assert(p->fold[i] < p->folds);
        answer[i] = -1;
    }
    for (int64_t i = 0; nested && i < (int64_t)p->folds * p->n; i++)
        nested[i] = -1;
    number_classes(w);
    measure_scale(w);
}

static void work_close(struct work *w)
{
    for (int f = 0; f < w->p->folds; f++)
        sums_free(&w->fold[f], w->p->d);
    free(w->class_of);
    free(w->column);
    free(w->mean);
    free(w->scale);
}

bool ridge_cross_validate_nested(const struct ridge_problem *p, struct team *team, int *answer, int *nested,
                                 struct err *err)
{
    struct work w;
    assert(p->n >= 2 && p->d >= 0 && p->classes >= 1 && p->folds >= 2 && p->folds <= MAX_FOLDS && p->lambda > 0);
    if (!is_finite(p, err))
        return false;
    openblas_set_num_threads(1);
    work_open(&w, p, answer, nested);
    team_run(team, sum_folds, &w);
    team_run(team, solve_folds, &w);
    bool ok = true;
    for (int f = 0; f < p->folds; f++)
        ok = ok && w.solved[f];
    work_close(&w);
    return ok || err_run(err,
                         "the ridge regression has no stable solution; take a "
                         "larger lambda than %g",
                         p->lambda);
}

bool ridge_cross_validate(const struct ridge_problem *p, struct team *team, int *answer, struct err *err)
{
    return ridge_cross_validate_nested(p, team, answer, NULL, err);
}
