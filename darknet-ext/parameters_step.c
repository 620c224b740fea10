/* What a step does to the parameters and to the statistics of batch norms. */
#include "darknet-ext/parameters.h"
#include <string.h>

enum { PIECE = 4096 }; /* floats summed at a time, so that the sums stay in the cache */

static void share_of(size_t n, int thread, int size, size_t *from, size_t *to)
{
    size_t lines = (n + 15) / 16;
    *from = lines * (size_t)thread / (size_t)size * 16;
    *to = lines * (size_t)(thread + 1) / (size_t)size * 16;
}

int segment_parts(const struct segment *s, const struct program *train, int images)
{
    return s->phase < 0 || s->whole ? 1 : program_chunks(train, s->phase, images);
}

struct slice {
    const struct segment *segment;
    size_t from, n;
    int parts;
};

/* The part of segment s in [from,to); n = 0 when there is none. */
static struct slice slice_of(const struct segment *s, size_t from, size_t to, const struct program *train, int images)
{
    size_t lo = from > s->at ? from : s->at, hi = to < s->at + s->n ? to : s->at + s->n;
    struct slice r = { s, lo, hi > lo ? hi - lo : 0, segment_parts(s, train, images) };
    return r;
}

void parameters_step(const struct parameters *ps, const struct program *train, int n, const struct sgd_step *step,
                     int thread, int size)
{
    size_t from, to;
    share_of(ps->arena_floats, thread, size, &from, &to);
    for (int i = 0; i < ps->n_segments; i++) {
        struct slice r = slice_of(&ps->segments[i], from, to, train, n);
        if (!r.n)
            continue;
        const float *parts = ps->accumulated ? ps->accumulated + r.from : r.segment->parts + (r.from - r.segment->at);
        ps->kernels->sgd(ps->arena + r.from, ps->momentum + r.from, parts, ps->accumulated ? 1 : r.parts,
                         r.segment->part_stride, 1, step->lr, step->momentum, r.segment->decays ? step->decay : 0,
                         step->nesterov, r.n);
    }
}

/* Floats at..at+n-1 of a slice: few enough to stay in the first-level cache while the chunks' gradients are added. */
static void add_parts(const struct parameters *ps, const struct slice *r, size_t at, size_t n, bool first)
{
    const struct storage_kernels *kernels = &ps->kernels->storage[STORAGE_F32];
    float *sum = ps->accumulated + r->from + at;
    const float *part = r->segment->parts + (r->from - r->segment->at) + at;
    if (first)
        memcpy(sum, part, n * sizeof *sum);
    for (int k = first; k < r->parts; k++)
        kernels->add(sum, part + (size_t)k * r->segment->part_stride,
                     (struct extent){ 1, 1, 1, (int)n / ps->kernels->block });
}

void parameters_accumulate(const struct parameters *ps, const struct program *train, int n, bool first,
                           struct stretch stretch, int thread, int size)
{
    size_t from, to;
    share_of(stretch.to - stretch.from, thread, size, &from, &to);
    from += stretch.from;
    to = to + stretch.from < stretch.to ? to + stretch.from : stretch.to;
    for (int i = 0; i < ps->n_segments; i++) {
        struct slice r = slice_of(&ps->segments[i], from, to, train, n);
        for (size_t at = 0; at < r.n; at += PIECE)
            add_parts(ps, &r, at, r.n - at < PIECE ? r.n - at : PIECE, first);
    }
}

void parameters_put_statistics(const struct parameters *ps, float weight)
{
    float *at = ps->gathered;
    for (int i = 0; i < ps->n_norms; i++) {
        const struct norm_state *s = &ps->norms[i];
        for (int k = 0; k < s->padded; k++) {
            at[k] = weight * s->batch_mean[k];
            at[s->padded + k] = weight * s->batch_variance[k];
        }
        at += 2 * s->padded;
    }
}

void parameters_take_statistics(const struct parameters *ps)
{
    const float *at = ps->gathered;
    for (int i = 0; i < ps->n_norms; i++) {
        const struct norm_state *s = &ps->norms[i];
        memcpy(s->batch_mean, at, (size_t)s->padded * sizeof *at);
        memcpy(s->batch_variance, at + s->padded, (size_t)s->padded * sizeof *at);
        at += 2 * s->padded;
    }
}

void parameters_update_statistics(struct parameters *ps, int64_t passes_before)
{
    float rate = 1.0f / (float)(passes_before + 1);
    rate = rate > 0.01f ? rate : 0.01f;
    for (int i = 0; i < ps->n_norms; i++) {
        struct norm_state *s = &ps->norms[i];
        for (int k = 0; k < s->channels; k++) {
            s->running_mean[k] += rate * (s->batch_mean[k] - s->running_mean[k]);
            s->running_variance[k] += rate * (s->batch_variance[k] - s->running_variance[k]);
        }
    }
}
