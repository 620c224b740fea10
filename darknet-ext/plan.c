#include "darknet-ext/plan.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

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

/* A chunk should keep a phase's largest tensor within half of a 1 MB second-level cache, and should be large enough
 * that reading a large weight tensor pays; both by shapes alone. */
static int natural_chunk(const struct program *p, const struct phase *phase, int max_chunk)
{
    enum { CACHE_BYTES = 512 << 10 };
    size_t largest = 1, weights = 0;
    for (int i = phase->first_op; i < phase->first_op + phase->n_ops; i++) {
        const struct op *op = &p->ops[i];
        for (int k = 0; k < OP_VALUES; k++)
            if (op->value[k] != NO_VALUE && p->values[op->value[k]].image_bytes > largest)
                largest = p->values[op->value[k]].image_bytes;
        size_t w =
            op->has_conv ? (size_t)op->shape.oc * op->shape.ic / op->shape.groups * op->shape.kh * op->shape.kw * 4 : 0;
        weights = w > weights ? w : weights;
    }
    size_t target = weights > CACHE_BYTES ? weights : CACHE_BYTES;
    int chunk = 1;
    while (chunk * 2 <= max_chunk && (size_t)chunk * 2 * largest <= target)
        chunk *= 2;
    return chunk;
}

static bool make_convolutions(struct program *p, int threads, struct err *err)
{
    for (int i = 0; i < p->n_ops; i++) {
        struct op *op = &p->ops[i];
        if (!op->has_conv)
            continue;
        op->shape.n = p->phases[op->phase].chunk;
        if (!conv_new(&op->shape, op->direction, p->kernels, threads, &op->conv, err))
            return false;
    }
    return true;
}

/* Bytes of a value for so many images, in whole cache lines. */
static size_t bytes_of(const struct value *v, int images)
{
    return (v->image_bytes * (size_t)images + 63) / 64 * 64;
}

/* First fit: the lowest offset at which v meets no placed value that lives at the same time. Quadratic, run once. */
static void place(struct value *v, struct value **placed, int n, bool by_phase, int images)
{
    v->offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            struct value *o = placed[i];
            bool together = by_phase ? v->first_phase <= o->last_phase && o->first_phase <= v->last_phase
                                     : v->first_op <= o->last_op && o->first_op <= v->last_op;
            if (together && v->offset < o->offset + bytes_of(o, images) &&
                o->offset < v->offset + bytes_of(v, images)) {
                v->offset = o->offset + bytes_of(o, images);
                moved = true;
            }
        }
    }
}

/* Places the values of phase f (local ones), or those that live in several phases (f < 0); returns the bytes needed. */
static size_t place_all(struct program *p, int f, struct value **placed)
{
    size_t need = 0;
    int n = 0, images = f < 0 ? p->batch : p->phases[f].chunk;
    for (int i = 0; i < p->n_values; i++) {
        struct value *v = &p->values[i];
        if (v->same_as != NO_VALUE || v->first_op < 0 || v->local != (f >= 0) || (f >= 0 && v->first_phase != f))
            continue;
        place(v, placed, n, f < 0, images);
        placed[n++] = v;
        need = v->offset + bytes_of(v, images) > need ? v->offset + bytes_of(v, images) : need;
    }
    return need;
}

static void assign_storage(struct program *p)
{
    struct value **placed = mem_alloc((size_t)p->n_values + 1, sizeof *placed);
    for (int i = 0; i < p->n_values; i++)
        p->values[i].local = p->values[i].first_phase == p->values[i].last_phase;
    p->batch_bytes = place_all(p, -1, placed);
    for (int f = 0; f < p->n_phases; f++) {
        size_t need = place_all(p, f, placed);
        p->local_bytes = need > p->local_bytes ? need : p->local_bytes;
    }
    free(placed);
    for (int i = 0; i < p->n_values; i++)
        if (p->values[i].same_as != NO_VALUE) {
            p->values[i].local = p->values[p->values[i].same_as].local;
            p->values[i].offset = p->values[p->values[i].same_as].offset;
        }
}

bool program_finish(struct program *p, int threads, int max_chunk, struct err *err)
{
    find_lifetimes(p);
    for (int f = 0; f < p->n_phases; f++)
        p->phases[f].chunk = natural_chunk(p, &p->phases[f], max_chunk);
    if (!make_convolutions(p, threads, err))
        return false;
    int largest_chunk = 1;
    for (int f = 0; f < p->n_phases; f++)
        largest_chunk = p->phases[f].chunk > largest_chunk ? p->phases[f].chunk : largest_chunk;
    p->batch =
        (p->batch + largest_chunk - 1) / largest_chunk * largest_chunk; /* the last chunk may reach beyond the batch */
    assign_storage(p);
    assert(p->batch_bytes == 0 || p->batch > 0);
    p->next = mem_alloc((size_t)p->n_phases, sizeof *p->next);
    p->batch_arena = p->batch_bytes ? mem_big(p->batch_bytes, 1) : NULL;
    return true;
}

void program_free(struct program *p)
{
    for (int i = 0; i < p->n_ops; i++)
        conv_free(p->ops[i].conv);
    mem_big_free(p->batch_arena, p->batch_bytes, 1);
    free(p->values);
    free(p->ops);
    free(p->phases);
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

static void run_phase(const struct running *r, int f, int thread)
{
    const struct phase *phase = &r->program->phases[f];
    struct pass pass = {
        .program = r->program, .request = r->request, .worker = &r->workers[thread], .thread = thread, .n = phase->chunk
    };
    int first = phase->first_op, end = first + phase->n_ops, chunks = program_chunks(r->program, f, r->request->n);
    for (; first < end && r->program->ops[first].prologue; first++)
        r->program->ops[first].run(&r->program->ops[first], &pass);
    const struct companion *companion = r->request->companion;
    while ((pass.chunk = atomic_fetch_add_explicit(&r->next[f], 1, memory_order_relaxed)) < chunks) {
        pass.first = pass.chunk * phase->chunk;
        pass.valid = r->request->n - pass.first < phase->chunk ? r->request->n - pass.first : phase->chunk;
        for (int i = first; i < end; i++)
            r->program->ops[i].run(&r->program->ops[i], &pass);
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
    for (int f = 0; f < p->n_phases; f++)
        atomic_init(&next[f], 0);
    struct running r = { p, request, team, workers, next };
    team_run(team, run_member, &r);
}
