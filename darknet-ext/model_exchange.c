/* Training by several ranks: gradients leave in a few stretches ("buckets"), each as soon as the backward pass has left
 * its layers, and travel while the pass goes on. */
#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"
#include "darknet-ext/model_parts.h"

/* A bucket is closed when it has its share of the gradients, or as much as is left for the layers before it: so the
 * last one is small. It is complete at the very end, and what it carries is not hidden. */
static bool is_full(const struct bucket *b, size_t below, size_t share)
{
    size_t n = b->stretch.to - b->stretch.from;
    return n >= share || n >= below;
}

static void make_buckets(struct exchanger *x, const struct parameters *ps, const struct program *train)
{
    int most = x->with->slots < MOST_BUCKETS ? x->with->slots : MOST_BUCKETS;
    size_t share = ps->arena_floats / (size_t)(most / 2); /* which leaves buckets for the small ones at the end */
    struct bucket *b = &x->bucket[0];
    *b = (struct bucket){ .stretch = { ps->arena_floats, ps->arena_floats } };
    for (int i = ps->n_convs - 1; i > 0; i--) { /* the backward pass comes from the end */
        const struct conv_weights *c = &ps->convs[i];
        b->stretch.from = (size_t)(c->w - ps->arena);
        b->ready = c->parts_phase > b->ready ? c->parts_phase : b->ready;
        if (x->n < most - 1 && is_full(b, b->stretch.from, share)) {
            b = &x->bucket[++x->n];
            *b = (struct bucket){ .stretch = { x->bucket[x->n - 1].stretch.from, x->bucket[x->n - 1].stretch.from } };
        }
    }
    b->stretch.from = 0;
    b->ready = train->n_phases - 1;
    x->n++;
}

static void add_chunks(struct exchanger *x, const struct bucket *b, int member, int size)
{
    parameters_accumulate(x->parameters, x->train, x->n_images, true, b->stretch, member, size);
}

static void start(struct exchanger *x, int i)
{
    const struct parameters *ps = x->parameters;
    float *from = ps->accumulated + x->bucket[i].stretch.from, *to = ps->accumulated + x->bucket[i].stretch.to;
    if (i == x->n - 1 && !x->shared_norms) {
        parameters_put_statistics(ps, x->weight);
        from = ps->gathered;
    }
    x->with->start(i, from, (size_t)(to - from));
}

/* The sums of all chunks of all ranks into chunk 0. */
static void share_sums(const struct exchanger *x, const struct norm_state *s, double *sums, int phase)
{
    size_t n = 2 * (size_t)s->padded;
    int chunks = program_chunks(x->train, phase, x->n_images);
    for (int k = 1; k < chunks; k++)
        for (size_t i = 0; i < n; i++)
            sums[i] += sums[(size_t)k * n + i];
    x->with->sum_doubles(sums, n);
}

/* Batch norm's sums that phase f - 1 completed. Member 0 brings them, the others wait. */
static void share_norms(const struct exchanger *x, int f, int member)
{
    bool any = false;
    for (int i = 0; i < x->parameters->n_norms; i++) {
        const struct norm_state *s = &x->parameters->norms[i];
        bool forward = s->forward_phase == f - 1, backward = s->backward_phase == f - 1;
        any = any || forward || backward;
        if (member == 0 && forward)
            share_sums(x, s, s->forward_sums, s->forward_phase);
        if (member == 0 && backward)
            share_sums(x, s, s->backward_sums, s->backward_phase);
    }
    if (any)
        team_barrier(x->team);
}

/* A bucket's chunks are added up by all in the phase after the one that completed it, which saves a barrier; it leaves
 * at the beginning of the next. */
static void before_phase(void *self, int f, int member, int size)
{
    struct exchanger *x = self;
    for (int i = 0; i < x->n; i++) {
        if (member == 0 && x->bucket[i].ready == f - 2)
            start(x, i);
        if (x->bucket[i].ready == f - 1)
            add_chunks(x, &x->bucket[i], member, size);
    }
    if (x->shared_norms)
        share_norms(x, f, member);
}

static void after_chunk(void *self)
{
    const struct exchanger *x = self;
    x->with->progress();
}

void exchanger_open(struct exchanger **out, const struct exchange *with, const struct parameters *ps,
                    const struct program *train, struct team *team, bool sync_bn)
{
    assert(with->ranks >= 2 && with->slots >= 3);
    struct exchanger *x = *out = mem_alloc(1, sizeof *x);
    x->with = with;
    x->parameters = ps;
    x->train = train;
    x->team = team;
    x->shared_norms = sync_bn && ps->n_norms > 0;
    x->companion = (struct companion){ before_phase, after_chunk, x };
    make_buckets(x, ps, train);
}

void exchanger_prepare(struct exchanger *x, struct request *r, int whole)
{
    x->n_images = r->n;
    x->weight = (float)r->n / (float)whole;
    r->companion = &x->companion;
    if (x->shared_norms) {
        r->norm_n = whole;
        r->norm_silent = x->with->number > 0;
    }
}

static void add_last(void *arg, int member, int size)
{
    struct exchanger *x = arg;
    for (int i = 0; i < x->n; i++)
        if (x->bucket[i].ready >= x->train->n_phases - 1)
            add_chunks(x, &x->bucket[i], member, size);
}

void exchanger_finish(struct exchanger *x)
{
    team_run(x->team, add_last, x);
    for (int i = 0; i < x->n; i++)
        if (x->bucket[i].ready >= x->train->n_phases - 2)
            start(x, i);
    for (int i = 0; i < x->n; i++)
        x->with->wait(i);
    if (!x->shared_norms)
        parameters_take_statistics(x->parameters);
}
