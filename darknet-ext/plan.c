#include "darknet-ext/plan.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/progress.h"

void program_begin(struct program *p, const struct kernels *kernels, enum storage storage, int batch)
{
    *p = (struct program){ .batch = batch, .kernels = kernels, .storage = storage };
    program_phase(p);
}

int program_value(struct program *p, size_t image_bytes)
{
    if (p->n_values == p->room_values)
        p->values = mem_resize(p->values, (size_t)(p->room_values = 2 * p->room_values + 64), sizeof *p->values);
    p->values[p->n_values] = (struct value){ .image_bytes = image_bytes, .same_as = NO_VALUE, .first_op = -1 };
    return p->n_values++;
}

static int storage_of(const struct program *p, int v)
{
    while (p->values[v].same_as != NO_VALUE)
        v = p->values[v].same_as;
    return v;
}

bool program_same_storage(const struct program *p, int a, int b)
{
    return storage_of(p, a) == storage_of(p, b);
}

int program_alias(struct program *p, int of)
{
    int v = program_value(p, p->values[of].image_bytes);
    p->values[v].same_as = storage_of(p, of);
    return v;
}

void program_phase(struct program *p)
{
    if (p->n_phases == p->room_phases)
        p->phases = mem_resize(p->phases, (size_t)(p->room_phases = 2 * p->room_phases + 16), sizeof *p->phases);
    p->phases[p->n_phases++] = (struct phase){ .first_op = p->n_ops };
}

struct op *program_op(struct program *p, op_function *run, const struct graph_node *node)
{
    if (p->n_ops == p->room_ops)
        p->ops = mem_resize(p->ops, (size_t)(p->room_ops = 2 * p->room_ops + 64), sizeof *p->ops);
    struct op *op = &p->ops[p->n_ops++];
    *op = (struct op){ .run = run, .node = node, .phase = p->n_phases - 1 };
    for (int k = 0; k < OP_VALUES; k++)
        op->value[k] = NO_VALUE;
    if (node)
        op->extent = (struct extent){ 0, (node->c + p->kernels->block - 1) / p->kernels->block, node->h, node->w };
    p->phases[p->n_phases - 1].n_ops++;
    return op;
}

static void find_lifetimes(struct program *p)
{
    for (int i = 0; i < p->n_ops; i++)
        for (int k = 0; k < OP_VALUES; k++) {
            if (p->ops[i].value[k] == NO_VALUE)
                continue;
            struct value *v = &p->values[storage_of(p, p->ops[i].value[k])];
            if (v->first_op < 0) {
                v->first_op = i;
                v->first_phase = p->ops[i].phase;
            }
            v->last_op = i;
            v->last_phase = p->ops[i].phase;
        }
}

/* Half of a 1 MB second-level cache holds the largest tensor of a phase, or a convolution's input and output. */
enum { PHASE_BYTES = 512 << 10, GROUP_BYTES = 256 << 10 };

/* So many images, a power of two of at most `most`, that a tensor of `image_bytes` each takes `bytes`. */
static int images_for(size_t image_bytes, size_t bytes, int most)
{
    int images = 1;
    while (images * 2 <= most && (size_t)images * 2 * image_bytes <= bytes)
        images *= 2;
    return images;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t largest_value(const struct program *p, const struct op *op)
{
    size_t largest = 1;
    for (int k = 0; k < OP_VALUES; k++)
        if (op->value[k] != NO_VALUE && !p->values[op->value[k]].streamed)
            largest = larger(largest, p->values[op->value[k]].image_bytes);
    return largest;
}

static size_t weight_bytes(const struct op *op)
{
    const struct conv_shape *s = &op->shape;
    return op->has_conv ? (size_t)s->oc * s->ic / s->groups * s->kh * s->kw * sizeof(float) : 0;
}

/* A phase's chunk: tensors shall stay in the cache, and reading a large weight tensor shall pay; by shapes alone. */
static int natural_chunk(const struct program *p, const struct phase *phase, int most)
{
    size_t largest = 1, weights = 0;
    for (int i = phase->first_op; i < phase->first_op + phase->n_ops; i++) {
        largest = larger(largest, largest_value(p, &p->ops[i]));
        weights = larger(weights, weight_bytes(&p->ops[i]));
    }
    return images_for(largest, larger(weights, PHASE_BYTES), most);
}

/* The same for one convolution of evaluation, whose weights are kept transformed, about four times as large. */
static int natural_part(const struct program *p, const struct op *op, int chunk)
{
    return images_for(largest_value(p, op), larger(4 * weight_bytes(op), GROUP_BYTES), chunk);
}

static void add_group(struct program *p, int first_op)
{
    p->groups = mem_resize(p->groups, (size_t)p->n_groups + 1, sizeof *p->groups);
    p->groups[p->n_groups++] = (struct group){ .first_op = first_op };
}

/* A new group begins at a convolution that wants other parts than the one before. A phase of training is one group: its
 * partial sums belong to chunks. */
static void make_groups(struct program *p, struct phase *phase)
{
    phase->first_group = p->n_groups;
    add_group(p, phase->first_op);
    for (int i = phase->first_op; i < phase->first_op + phase->n_ops; i++) {
        struct op *op = &p->ops[i];
        int wanted = op->has_conv && !p->batch ? natural_part(p, op, phase->chunk) : 0;
        if (wanted && p->groups[p->n_groups - 1].images && p->groups[p->n_groups - 1].images != wanted)
            add_group(p, i);
        struct group *g = &p->groups[p->n_groups - 1];
        g->images = wanted ? wanted : g->images;
        g->n_ops++;
        op->group = p->n_groups - 1;
    }
    phase->n_groups = p->n_groups - phase->first_group;
    for (int k = phase->first_group; k < p->n_groups; k++)
        if (!p->groups[k].images)
            p->groups[k].images = phase->chunk;
}

static bool make_convolutions(struct program *p, int threads, struct err *err)
{
    for (int i = 0; i < p->n_ops; i++) {
        struct op *op = &p->ops[i];
        if (!op->has_conv)
            continue;
        op->shape.n = p->groups[op->group].images;
        if (!conv_new(&op->shape, op->direction, p->kernels, threads, &op->conv, err))
            return false;
    }
    return true;
}

/* Bytes of a value, in whole cache lines. */
static size_t bytes_of(const struct program *p, const struct value *v)
{
    int images = v->in_group ? p->groups[p->ops[v->first_op].group].images
                 : v->local  ? p->phases[v->first_phase].chunk
                             : p->batch;
    return (v->image_bytes * (size_t)images + 63) / 64 * 64;
}

/* First fit: the lowest offset at which v meets no placed value that lives at the same time. Quadratic, run once. */
static void place(const struct program *p, struct value *v, struct value **placed, int n, bool by_phase)
{
    v->offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            struct value *o = placed[i];
            bool together = by_phase ? v->first_phase <= o->last_phase && o->first_phase <= v->last_phase
                                     : v->first_op <= o->last_op && o->first_op <= v->last_op;
            if (together && v->offset < o->offset + bytes_of(p, o) && o->offset < v->offset + bytes_of(p, v)) {
                v->offset = o->offset + bytes_of(p, o);
                moved = true;
            }
        }
    }
}

/* Places the values of phase f (local ones), or those that live in several phases (f < 0); returns the bytes needed. */
static size_t place_all(struct program *p, int f, struct value **placed)
{
    size_t need = 0;
    int n = 0;
    for (int i = 0; i < p->n_values; i++) {
        struct value *v = &p->values[i];
        if (v->same_as != NO_VALUE || v->first_op < 0 || v->local != (f >= 0) || (f >= 0 && v->first_phase != f))
            continue;
        place(p, v, placed, n, f < 0);
        placed[n++] = v;
        need = larger(need, v->offset + bytes_of(p, v));
    }
    return need;
}

/* A value that several groups share lives as long as they run, from the first part of the images to the last: while one
 * part has reached its last operation in a group, another has not begun. */
static void widen(const struct program *p, struct value *v)
{
    const struct group *last = &p->groups[p->ops[v->last_op].group];

    v->first_op = p->groups[p->ops[v->first_op].group].first_op;
    v->last_op = last->first_op + last->n_ops - 1;
}

static void assign_storage(struct program *p)
{
    struct value **placed = mem_alloc((size_t)p->n_values + 1, sizeof *placed);
    for (int i = 0; i < p->n_values; i++) {
        struct value *v = &p->values[i];
        v->local = v->first_phase == v->last_phase;
        v->in_group = v->first_op >= 0 && p->ops[v->first_op].group == p->ops[v->last_op].group;
        if (v->first_op >= 0 && !v->in_group)
            widen(p, v);
    }
    p->batch_bytes = place_all(p, -1, placed);
    for (int f = 0; f < p->n_phases; f++) {
        size_t need = place_all(p, f, placed);
        p->local_bytes = need > p->local_bytes ? need : p->local_bytes;
    }
    free(placed);
    for (int i = 0; i < p->n_values; i++)
        if (p->values[i].same_as != NO_VALUE) {
            p->values[i].local = p->values[p->values[i].same_as].local;
            p->values[i].in_group = p->values[p->values[i].same_as].in_group;
            p->values[i].offset = p->values[p->values[i].same_as].offset;
        }
}

bool program_finish(struct program *p, int threads, int max_chunk, struct err *err)
{
    find_lifetimes(p);
    for (int f = 0; f < p->n_phases; f++) {
        p->phases[f].chunk = natural_chunk(p, &p->phases[f], max_chunk);
        make_groups(p, &p->phases[f]);
    }
    if (!make_convolutions(p, threads, err))
        return false;
    int largest_chunk = 1;
    for (int f = 0; f < p->n_phases; f++)
        largest_chunk = p->phases[f].chunk > largest_chunk ? p->phases[f].chunk : largest_chunk;
    p->batch =
        (p->batch + largest_chunk - 1) / largest_chunk * largest_chunk; /* the last chunk may reach beyond the batch */
    assign_storage(p);
    assert(p->batch_bytes == 0 || p->batch > 0);
    p->next = mem_alloc((size_t)p->n_phases + (size_t)p->n_ops, sizeof *p->next);
    p->batch_arena = p->batch_bytes ? mem_big(p->batch_bytes, 1) : NULL;
    return true;
}

void program_measure(struct program *p, int threads)
{
    free(p->times);
    p->times = mem_alloc((size_t)threads * (size_t)p->n_ops, sizeof *p->times);
}

void program_free(struct program *p)
{
    for (int i = 0; i < p->n_ops; i++)
        conv_free(p->ops[i].conv);
    mem_big_free(p->batch_arena, p->batch_bytes, 1);
    free(p->values);
    free(p->ops);
    free(p->phases);
    free(p->groups);
    free(p->times);
    free(p->next);
    *p = (struct program){ 0 };
}

size_t program_scratch_bytes(const struct program *p)
{
    size_t most = 0;
    for (int i = 0; i < p->n_ops; i++)
        if (p->ops[i].conv && conv_scratch_bytes(p->ops[i].conv) > most)
            most = conv_scratch_bytes(p->ops[i].conv);
    return most;
}

int program_chunks(const struct program *p, int phase, int n)
{
    return (n + p->phases[phase].chunk - 1) / p->phases[phase].chunk;
}

struct running {
    const struct program *program;
    const struct request *request;
    struct team *team;
    struct worker *workers;
    atomic_int *next;
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static void run_op(const struct op *op, const struct pass *pass)
{
    op->run(op, pass);
}

static void run_measured(const struct op *op, const struct pass *pass)
{
    const struct program *p = pass->program;
    struct op_time *t = &p->times[pass->thread * p->n_ops + (int)(op - p->ops)];
    double begin = clock_seconds();
    op->run(op, pass);
    t->seconds += clock_seconds() - begin;
    t->images += op->shared && pass->share ? 0 : pass->valid;
}

/* The chunk's images, a part of the group's size at a time; parts that are all padding are left out. */
static void run_group(const struct program *p, const struct group *g, struct pass *pass, int images)
{
    pass->n = g->images;
    for (int at = 0; at < images; at += g->images) {
        pass->first = pass->chunk_first + at;
        pass->valid = smaller(g->images, images - at);
        for (int i = g->first_op; i < g->first_op + g->n_ops; i++)
            if (!p->ops[i].prologue)
                (p->times ? run_measured : run_op)(&p->ops[i], pass);
    }
}

/* The next chunk of phase `which`, or share of operation `which` - n_phases. */
static int take_next(const struct running *r, int which)
{
    return atomic_fetch_add_explicit(&r->next[which], 1, memory_order_relaxed);
}

static void run_prologue(const struct running *r, int i, struct pass *pass)
{
    const struct program *p = r->program;
    const struct op *op = &p->ops[i];
    pass->first = 0;
    pass->n = pass->valid = r->request->n;
    if (!op->shared)
        op->run(op, pass);
    while (op->shared && (pass->share = take_next(r, p->n_phases + i)) < conv_shares(op->conv))
        (p->times ? run_measured : run_op)(op, pass);
}

static void run_phase(const struct running *r, int f, int thread)
{
    const struct program *p = r->program;
    const struct phase *phase = &p->phases[f];
    struct pass pass = {
        .program = p, .request = r->request, .worker = &r->workers[thread], .thread = thread, .n = phase->chunk
    };
    const struct companion *companion = r->request->companion;
    int chunks = program_chunks(p, f, r->request->n);
    for (int i = phase->first_op; i < phase->first_op + phase->n_ops && p->ops[i].prologue; i++)
        run_prologue(r, i, &pass);
    while ((pass.chunk = take_next(r, f)) < chunks) {
        pass.chunk_first = pass.chunk * phase->chunk;
        for (int g = phase->first_group; g < phase->first_group + phase->n_groups; g++)
            run_group(p, &p->groups[g], &pass, smaller(phase->chunk, r->request->n - pass.chunk_first));
        if (companion && thread == 0)
            companion->after_chunk(companion->self);
    }
}

static void run_member(void *arg, int member, int size)
{
    const struct running *r = arg;
    const struct companion *companion = r->request->companion;
    conv_thread_enter();
    for (int f = 0; f < r->program->n_phases; f++) {
        if (companion)
            companion->before_phase(companion->self, f, member, size);
        run_phase(r, f, member);
        if (f + 1 < r->program->n_phases)
            team_barrier(r->team);
    }
}

void program_run(const struct program *p, const struct request *request, struct team *team, struct worker *workers)
{
    atomic_int *next = p->next;
    for (int f = 0; f < p->n_phases + p->n_ops; f++)
        atomic_init(&next[f], 0);
    struct running r = { p, request, team, workers, next };
    team_run(team, run_member, &r);
}
