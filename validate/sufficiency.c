#include "validate/sufficiency.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/share.h"

/* Subsets gathered until a batch is full. */
struct gathering {
    const struct subject *subject;
    const struct sis_identity *identity;
    const struct sis_record *all;
    enum baseline baseline;
    enum split split;
    struct sufficiency *out;
    int64_t first; /* record that has the first failure; -1: none */
    size_t floats;
    int pixels, n;
    float *x, *fill;   /* [floats] the image and what is put in the place of its pixels */
    float *batch, *z;  /* [model->batch][floats], [model->batch][K] */
    int *target;       /* [model->batch] */
    double *threshold; /* [model->batch] on the stored value */
    int64_t *record;   /* [model->batch] */
    uint8_t *mask;     /* [pixels] */
};

static void gathering_open(struct gathering *g)
{
    const struct classifier *m = g->subject->model;
    size_t batch = (size_t)m->batch;

    g->pixels = m->h * m->w;
    g->floats = (size_t)m->c * (size_t)g->pixels;
    g->x = mem_alloc(g->floats, sizeof *g->x);
    g->fill = mem_alloc(g->floats, sizeof *g->fill);
    g->batch = mem_big(batch * g->floats, sizeof *g->batch);
    g->z = mem_alloc(batch * (size_t)m->classes, sizeof *g->z);
    g->target = mem_alloc(batch, sizeof *g->target);
    g->threshold = mem_alloc(batch, sizeof *g->threshold);
    g->record = mem_alloc(batch, sizeof *g->record);
    g->mask = mem_alloc((size_t)g->pixels, 1);
}

static void gathering_close(struct gathering *g)
{
    free(g->x);
    free(g->fill);
    mem_big_free(g->batch, (size_t)g->subject->model->batch * g->floats, sizeof *g->batch);
    free(g->z);
    free(g->target);
    free(g->threshold);
    free(g->record);
    free(g->mask);
}

static bool evaluate(struct gathering *g, struct err *err)
{
    const struct classifier *m = g->subject->model;

    if (g->n > 0 && !m->logits(m->self, g->batch, g->n, g->z, err))
        return false;
    for (int i = 0; i < g->n; i++) {
        const float *z = g->z + (size_t)i * (size_t)m->classes;
        double value = sis_value(g->identity->settings.rank, z, m->classes, g->target[i]);
        if (!(value >= g->threshold[i]) && g->out->failed++ == 0)
            g->first = g->record[i];
    }
    g->out->subsets += g->n;
    g->n = 0;
    return true;
}

/* The image of `r` with the pixels of g->mask. */
static bool gather(struct gathering *g, const struct sis_record *r, double threshold, struct err *err)
{
    const struct classifier *m = g->subject->model;

    sis_apply(g->x, g->fill, g->mask, m->c, g->pixels, g->batch + (size_t)g->n * g->floats);
    g->target[g->n] = r->target;
    g->threshold[g->n] = threshold;
    g->record[g->n] = r - g->all;
    return ++g->n < m->batch || evaluate(g, err);
}

static bool gather_sizes(struct gathering *g, const struct sis_record *r, struct err *err)
{
    bool ok = true;

    for (int t = 0; ok && t < g->identity->n_thresholds; t++) {
        double threshold = sis_threshold(g->identity->settings.rank, g->identity->threshold[t]);
        int size = sis_size(&r->order, threshold);
        if (size == SIS_NONE)
            continue;
        sis_mask(&r->order, size, g->pixels, g->mask);
        ok = gather(g, r, threshold, err);
    }
    return ok;
}

static bool gather_collection(struct gathering *g, const struct sis_record *r, struct err *err)
{
    const struct sis_collection *c = &r->collection;
    double largest = g->identity->threshold[g->identity->n_thresholds - 1];
    bool ok = true;

    for (int i = 0; ok && i < c->n; i++) {
        memset(g->mask, 0, (size_t)g->pixels);
        for (int k = 0; k < c->size[i]; k++)
            g->mask[c->subset[i][k]] = 1;
        ok = gather(g, r, sis_threshold(g->identity->settings.rank, largest), err);
    }
    return ok;
}

static bool gather_record(struct gathering *g, const struct sis_record *r, struct err *err)
{
    const struct subject *s = g->subject;

    if (!subject_read(s, g->split, r->image, g->x, err))
        return false;
    baseline_fill(g->baseline, g->x, s->model->c, s->model->h, s->model->w, s->data->mean, g->identity->seed, r->image,
                  g->fill);
    return gather_sizes(g, r, err) && gather_collection(g, r, err);
}

/* The records of this rank; the end is that of all. */
static bool gather_shared(struct gathering *g, int64_t n, bool (*stop)(void), struct err *err)
{
    struct share share;
    int64_t first, count;
    bool ok = true;

    share_begin(&share, n, g->subject->model->batch, stop);
    while (ok && share_next(&share, &first, &count))
        for (int64_t i = first; ok && i < first + count && !share_stopped(&share); i++)
            ok = gather_record(g, &g->all[i], err);
    ok = share_end(&share, ok && evaluate(g, err), err);
    share_free(&share);
    return ok;
}

/* Adds up what the ranks found. */
static void add_up(struct gathering *g)
{
    size_t ranks = (size_t)ranks_size();
    double *x = mem_alloc(2 + ranks, sizeof *x), *first = x + 2;

    x[0] = (double)g->out->subsets;
    x[1] = (double)g->out->failed;
    first[ranks_number()] = (double)(g->first + 1);
    ranks_sum_doubles(x, 2 + ranks);
    g->out->subsets = (int64_t)x[0];
    g->out->failed = (int64_t)x[1];
    g->first = -1;
    for (size_t r = 0; r < ranks; r++)
        if (first[r] > 0 && (g->first < 0 || first[r] - 1 < (double)g->first))
            g->first = (int64_t)first[r] - 1;
    g->out->first_image = g->first < 0 ? 0 : g->all[g->first].image;
    free(x);
}

bool sufficiency_check(const struct subject *s, const struct sis_identity *identity, const struct sis_record *record,
                       int64_t n, bool (*stop)(void), struct sufficiency *out, struct err *err)
{
    struct gathering g = { .subject = s,
                           .identity = identity,
                           .all = record,
                           .out = out,
                           .first = -1,
                           .split = strcmp(identity->split, "test") == 0 ? SPLIT_TEST : SPLIT_TRAIN };

    *out = (struct sufficiency){ 0 };
    if (!baseline_parse(identity->baseline, &g.baseline))
        return err_run(err, "%s: unknown baseline; the results are of another version", identity->baseline);
    gathering_open(&g);
    bool ok = gather_shared(&g, n, stop, err);
    if (ok)
        add_up(&g);
    gathering_close(&g);
    return ok;
}
