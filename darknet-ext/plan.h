/* A program: how a graph is executed. Phases follow each other with a barrier between; within a phase every chunk of
 * images runs through the phase's operations in order, on one thread, so that what one operation writes the next reads
 * from the cache. A barrier is needed only where batch statistics must be complete: before each batch norm, forward and
 * backward.
 *
 * Chunks are fixed by the shapes and the batch, never by the number of threads, and partial sums are kept per chunk and
 * added in chunk order: results do not depend on the number of threads.
 *
 * A phase of evaluation is cut into groups of operations. Each takes the chunk's images in parts of its own size: few
 * where images are large, so that what is passed on stays in the cache, many where weights are large, so that they are
 * read seldom.
 *
 * Values are tensors of one batch. One used in a single group exists per thread and part, one used in a single phase
 * per thread and chunk; one used in several exists for the whole batch. Storage is assigned by lifetime, so values that
 * do not live together share memory. */
#ifndef MARGINALIA_DARKNET_EXT_PLAN_H
#define MARGINALIA_DARKNET_EXT_PLAN_H

#include <stddef.h>
#include <stdint.h>
#include "base/classifier.h"
#include "base/team.h"
#include "darknet-ext/conv.h"
#include "darknet-ext/graph.h"
#include "darknet-ext/kernels.h"

enum { OP_VALUES = 6, NO_VALUE = -1 };

struct value {
    size_t image_bytes;    /* images lie next to each other, without gaps */
    int same_as;           /* shares the storage of this value, or NO_VALUE */
    int first_op, last_op; /* filled by program_finish */
    int first_phase, last_phase;
    bool local, in_group;
    bool streamed; /* not meant to stay in a cache: takes no part in the choice of chunks */
    size_t offset; /* in the thread's arena, or in the batch arena */
};

struct program;
struct worker;
struct request;
struct dn_network;

/* What an operation gets: images first..first+n-1 of the batch, of which the first `valid` are real (the rest of the
 * last chunk is padding: finite, and without influence). chunk_first: the first image of the chunk. A prologue gets all
 * images of the batch, and its share. */
struct pass {
    const struct program *program;
    const struct request *request;
    struct worker *worker;
    int thread, chunk, chunk_first, first, n, valid, share;
};

struct op;
typedef void op_function(const struct op *op, const struct pass *p);

struct op {
    op_function *run;
    bool prologue; /* runs at the start of its phase, not per chunk: once in every thread, */
    bool shared;   /* or, if shared, share by share of its convolution, each in whichever thread is free */
    int phase, group;
    int value[OP_VALUES]; /* meaning by operation */
    const struct graph_node *node;
    struct extent extent; /* of the node's output per image; n is set when run */
    /* convolutions */
    bool has_conv;
    enum conv_direction direction;
    struct conv_shape shape;
    struct conv *conv;
    void *weights; /* packed for this conv */
    float *bias;
    struct conv_weights *owner;
    /* batch norm */
    struct norm_state *norm;
    /* the rest */
    enum slope slope;
    struct mapping map;
    size_t part_floats; /* backward-weights: distance of two chunks' gradients */
};

struct group {
    int first_op, n_ops, images; /* images: a power of two, as `chunk` */
};

/* What an operation took in one thread. */
struct op_time {
    double seconds;
    int64_t images;
};

struct phase {
    int first_op, n_ops, chunk;
    int first_group, n_groups;
    size_t local_bytes;
};

struct program {
    int batch; /* images the batch arena holds; 0: no value lives longer than a phase, any number of images */
    int n_values, n_ops, n_phases, n_groups, room_values, room_ops, room_phases;
    struct value *values;
    struct op *ops;
    struct phase *phases;
    struct group *groups;
    size_t batch_bytes, local_bytes; /* of the batch arena; of a thread's arena */
    char *batch_arena;
    struct op_time *times; /* [threads][n_ops], or NULL: not measured */
    _Atomic int *next; /* [n_phases + n_ops] the next chunk of a phase, or share of an operation, nobody has taken */
    const struct kernels *kernels;
    enum storage storage;
};

/* Per thread, shared by all programs of a model, and of models that borrow it; grows to what the largest needs. */
struct worker {
    struct conv_thread *conv_thread;
    size_t scratch_bytes; /* of conv_thread */
    char *arena;
    size_t arena_bytes;
    float *coefficients; /* [n_coefficients] batch-norm coefficients of the step in progress */
    size_t n_coefficients;
    float *scratch; /* two images of scratch_half floats, for masks and conversions */
    size_t scratch_half;
};

/* What is done beside a program, on the threads that run it. */
struct companion {
    /* Before each phase, in every member of the team; what all phases before it wrote is there. It may meet the others
     * at the team's barrier. */
    void (*before_phase)(void *self, int phase, int member, int size);
    void (*after_chunk)(void *self); /* in member 0 */
    void *self;
};

/* What the caller of a model asked for; operations read inputs and write results here. */
struct request {
    const float *x; /* [n,c,h,w] */
    int n;
    const int *label;     /* training: labels; gradient: target class */
    const int64_t *index; /* keys of dropout masks, NULL: all alike */
    uint64_t seed;
    uint32_t epoch;            /* or sample number */
    bool training, drop_input; /* apply [dropout] layers; apply [input_dropout] */
    int norm_n;                /* batch norm: over these n images, where more than this pass's have a part in the batch;
                                * the sums over all of them stand in the place of chunk 0's. 0: this pass's alone */
    bool norm_silent;          /* then: another rank hands in the gradients of scales and shifts */
    const struct companion *companion; /* or NULL */
    float label_smoothing, loss_scale;
    const float *teacher; /* [n,K] logits to be followed, or NULL */
    float distill_weight, distill_temperature;
    double *loss;
    int *correct; /* [n] */
    float *z;     /* [n,K] */
    enum scalar scalar;
    const float *dz; /* [n,K] gradient at the logits, NULL: of `scalar` at this pass's logits */
    float *g;        /* [n,c,h,w] */
    float g_scale;
    bool g_add;
    const struct net_cfg *cfg;
    const struct graph *graph;
    struct dn_network **darknet; /* [threads, graph->n] for the layers that Darknet runs, else NULL */
};

/* Building. */
void program_begin(struct program *p, const struct kernels *kernels, enum storage storage, int batch);
int program_value(struct program *p, size_t image_bytes);
int program_alias(struct program *p, int of);
bool program_same_storage(const struct program *p, int a, int b);
void program_phase(struct program *p);
struct op *program_op(struct program *p, op_function *run, const struct graph_node *node);
/* Chunks, convolutions, storage. max_chunk: no phase gets larger ones. */
bool program_finish(struct program *p, int threads, int max_chunk, struct err *err);
void program_free(struct program *p);
size_t program_scratch_bytes(const struct program *p); /* largest need of its convolutions */

int program_chunks(const struct program *p, int phase, int n);

/* From now on every operation's time is kept (of prologues: of those with shares). */
void program_measure(struct program *p, int threads);

/* Runs the program on request->n images with the team; workers: [team_size]. */
void program_run(const struct program *p, const struct request *request, struct team *team, struct worker *workers);

/* The first image of a value that several phases share. */
static inline void *pass_whole(const struct pass *p, int v)
{
    return p->program->batch_arena + p->program->values[v].offset;
}

static inline void *pass_value(const struct pass *p, int v)
{
    if (v == NO_VALUE)
        return NULL;
    const struct value *value = &p->program->values[v];
    int before = value->in_group ? 0 : value->local ? p->first - p->chunk_first : p->first;
    return (value->local ? p->worker->arena : p->program->batch_arena) + value->offset +
           (size_t)before * value->image_bytes;
}

#endif
