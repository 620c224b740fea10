/* Convolutions by oneDNN: portable, every shape, and the oracle of every other provider.
 *
 * Facts behind the choices (measured on oneDNN 2.6.3; docs/performance.md):
 * - A primitive's thread count is frozen at creation from omp_get_max_threads of the creating thread, and checked again
 * when it runs: conv_thread_enter sets it to 1 in every thread, ours are the only threads.
 * - convolution_auto picks direct for f32 backward-weights where Winograd is twice as fast, and Winograd for the
 * 3-channel first layer where direct is four times as fast: so the algorithm is chosen here.
 * - Of images so small that most of a 4x4 tile is thrown away, direct is 2.4 times as fast (512 channels, 2x2), but for
 * the gradient of the weights, where it takes twice as long.
 * - In library scratchpad mode the scratch belongs to the creating thread: user mode, one buffer per thread. */
#include "darknet-ext/conv_onednn.h"
#include <assert.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct conv_thread {
    dnnl_stream_t stream;
    void *scratch;
    size_t scratch_bytes;
};

enum { SLOT_SOURCE, SLOT_WEIGHTS, SLOT_BIAS, SLOT_DESTINATION, SLOT_SCRATCH, N_SLOTS };

struct onednn_conv {
    struct conv_shape shape;
    enum conv_direction direction;
    int threads;
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t md[N_SLOTS];
    dnnl_memory_t (*memory)[N_SLOTS]; /* [threads]: handles are set before each run, so threads cannot share them */
    char name[96];
};

static dnnl_engine_t engine;
static dnnl_status_t engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

static void make_engine(void)
{
    omp_set_num_threads(1);
    engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0);
}

static bool engine_ready(struct err *err)
{
    pthread_once(&engine_once, make_engine);
    if (engine_status == dnnl_success)
        return true;
    return err_run(err, "oneDNN: cannot create its CPU engine (status %d); reinstall libdnnl2", (int)engine_status);
}

void conv_thread_enter(void)
{
    omp_set_num_threads(1);
}

bool conv_thread_new(struct conv_thread **out, size_t scratch_bytes, struct err *err)
{
    struct conv_thread *t = mem_alloc(1, sizeof *t);
    if (!engine_ready(err) || dnnl_stream_create(&t->stream, engine, dnnl_stream_default_flags) != dnnl_success) {
        free(t);
        return err_run(err, "oneDNN: cannot create a stream; reinstall libdnnl2");
    }
    t->scratch_bytes = scratch_bytes;
    t->scratch = mem_big(scratch_bytes + 64, 1);
    *out = t;
    return true;
}

void conv_thread_free(struct conv_thread *t)
{
    if (!t)
        return;
    dnnl_stream_destroy(t->stream);
    mem_big_free(t->scratch, t->scratch_bytes + 64, 1);
    free(t);
}

static dnnl_data_type_t data_type(enum storage storage)
{
    return storage == STORAGE_BF16 ? dnnl_bf16 : dnnl_f32;
}

struct descriptors {
    dnnl_memory_desc_t source, weights, bias, destination;
    dnnl_dims_t strides, pad_begin, pad_end;
};

static void describe_weights(const struct conv_shape *s, dnnl_data_type_t type, bool plain, dnnl_memory_desc_t *md)
{
    dnnl_dims_t grouped = { s->groups, s->oc / s->groups, s->ic / s->groups, s->kh, s->kw };
    dnnl_dims_t single = { s->oc, s->ic, s->kh, s->kw };
    if (s->groups > 1)
        dnnl_memory_desc_init_by_tag(md, 5, grouped, type, plain ? dnnl_goihw : dnnl_format_tag_any);
    else
        dnnl_memory_desc_init_by_tag(md, 4, single, type, plain ? dnnl_oihw : dnnl_format_tag_any);
}

static void describe(const struct conv_shape *s, enum conv_direction direction, int block, struct descriptors *d)
{
    dnnl_data_type_t type = data_type(s->storage);
    dnnl_format_tag_t tag = block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    dnnl_dims_t source = { s->n, s->ic, s->ih, s->iw }, destination = { s->n, s->oc, s->oh, s->ow }, bias = { s->oc };
    bool planar = s->planar_source && direction != CONV_BACKWARD_DATA;
    dnnl_memory_desc_init_by_tag(&d->source, 4, source, type, planar ? dnnl_nchw : tag);
    dnnl_memory_desc_init_by_tag(&d->destination, 4, destination,
                                 s->float_output && direction == CONV_FORWARD ? dnnl_f32 : type, tag);
    dnnl_memory_desc_init_by_tag(&d->bias, 1, bias, dnnl_f32, dnnl_x);
    describe_weights(s, direction == CONV_BACKWARD_WEIGHTS ? dnnl_f32 : type, false, &d->weights);
    for (int k = 0; k < 2; k++) {
        d->strides[k] = s->stride;
        d->pad_begin[k] = s->pad;
    }
    d->pad_end[0] = (s->oh - 1) * s->stride + s->kh - s->ih - s->pad;
    d->pad_end[1] = (s->ow - 1) * s->stride + s->kw - s->iw - s->pad;
}

static void append_epilogue(dnnl_primitive_attr_t attributes, enum conv_epilogue epilogue)
{
    dnnl_post_ops_t ops;
    dnnl_post_ops_create(&ops);
    if (epilogue >= EPILOGUE_ADD)
        dnnl_post_ops_append_sum(ops, 1.0f);
    if (epilogue == EPILOGUE_RELU || epilogue == EPILOGUE_ADD_RELU)
        dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
    if (epilogue == EPILOGUE_LEAKY || epilogue == EPILOGUE_ADD_LEAKY)
        dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.1f, 0.0f);
    dnnl_primitive_attr_set_post_ops(attributes, ops);
    dnnl_post_ops_destroy(ops);
}

static dnnl_primitive_desc_t forward_descriptor(const struct conv_shape *s, struct descriptors *d,
                                                dnnl_alg_kind_t algorithm, bool training,
                                                dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t c;
    dnnl_primitive_desc_t pd = NULL;
    if (dnnl_convolution_forward_desc_init(&c, training ? dnnl_forward_training : dnnl_forward_inference, algorithm,
                                           &d->source, &d->weights, s->bias ? &d->bias : NULL, &d->destination,
                                           d->strides, d->pad_begin, d->pad_end) != dnnl_success ||
        dnnl_primitive_desc_create(&pd, &c, attributes, engine, NULL) != dnnl_success)
        return NULL;
    return pd;
}

static dnnl_primitive_desc_t backward_descriptor(const struct conv_shape *s, enum conv_direction direction,
                                                 struct descriptors *d, dnnl_alg_kind_t algorithm,
                                                 dnnl_primitive_attr_t attributes)
{
    struct descriptors f = *d; /* a backward descriptor asks for a forward one of matching types as a hint */
    struct conv_shape forward = *s;
    forward.bias = false;
    describe_weights(s, data_type(s->storage), false, &f.weights);
    dnnl_primitive_desc_t hint = forward_descriptor(&forward, &f, dnnl_convolution_direct, true, NULL), pd = NULL;
    if (!hint)
        return NULL;
    dnnl_convolution_desc_t c;
    dnnl_status_t status =
        direction == CONV_BACKWARD_DATA
            ? dnnl_convolution_backward_data_desc_init(&c, algorithm, &d->source, &d->weights, &d->destination,
                                                       d->strides, d->pad_begin, d->pad_end)
            : dnnl_convolution_backward_weights_desc_init(&c, algorithm, &d->source, &d->weights,
                                                          s->bias ? &d->bias : NULL, &d->destination, d->strides,
                                                          d->pad_begin, d->pad_end);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(&pd, &c, attributes, engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return status == dnnl_success ? pd : NULL;
}

static bool winograd_pays(const struct conv_shape *s, enum conv_direction direction)
{
    return s->kh == 3 && s->kw == 3 && s->stride == 1 && s->groups == 1 && s->ic >= 16 && s->oc >= 16 &&
           s->storage == STORAGE_F32 && !s->planar_source &&
           (direction == CONV_BACKWARD_WEIGHTS || conv_fills_tiles(s));
}

static dnnl_primitive_desc_t choose_descriptor(const struct conv_shape *s, enum conv_direction direction, int block)
{
    struct descriptors d;
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_attr_create(&attributes);
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (direction == CONV_FORWARD)
        append_epilogue(attributes, s->epilogue);
    static const dnnl_alg_kind_t algorithms[] = { dnnl_convolution_winograd, dnnl_convolution_direct };
    dnnl_primitive_desc_t pd = NULL;
    for (int k = winograd_pays(s, direction) ? 0 : 1; k < 2 && !pd; k++) {
        describe(s, direction, block, &d);
        pd = direction == CONV_FORWARD ? forward_descriptor(s, &d, algorithms[k], s->training, attributes)
                                       : backward_descriptor(s, direction, &d, algorithms[k], attributes);
    }
    dnnl_primitive_attr_destroy(attributes);
    return pd;
}

static void query_formats(struct onednn_conv *c)
{
    static const dnnl_query_t queries[3][N_SLOTS] = {
        { dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_weights_md, dnnl_query_dst_md,
          dnnl_query_scratchpad_md },
        { dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_weights_md, dnnl_query_diff_dst_md,
          dnnl_query_scratchpad_md },
        { dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md,
          dnnl_query_scratchpad_md }
    };
    for (int k = 0; k < N_SLOTS; k++) {
        const dnnl_memory_desc_t *md =
            dnnl_primitive_desc_query_md(c->descriptor, queries[c->direction][k], k == SLOT_BIAS);
        if (md)
            c->md[k] = *md;
        for (int t = 0; t < c->threads; t++)
            if (md && dnnl_memory_desc_get_size(md))
                dnnl_memory_create(&c->memory[t][k], md, engine, DNNL_MEMORY_NONE);
    }
    const char *name = NULL;
    dnnl_primitive_desc_query(c->descriptor, dnnl_query_impl_info_str, 0, &name);
    snprintf(c->name, sizeof c->name, "onednn %s", name ? name : "?");
}

bool onednn_conv_new(const struct conv_shape *shape, enum conv_direction direction, int block, int threads,
                     struct onednn_conv **out, struct err *err)
{
    if (!engine_ready(err))
        return false;
    int asked = omp_get_max_threads();
    omp_set_num_threads(1);
    struct onednn_conv *c = mem_alloc(1, sizeof *c);
    *c = (struct onednn_conv){ .shape = *shape, .direction = direction, .threads = threads };
    c->memory = mem_alloc((size_t)threads, sizeof *c->memory);
    c->descriptor = choose_descriptor(shape, direction, block);
    bool ok = c->descriptor && dnnl_primitive_create(&c->primitive, c->descriptor) == dnnl_success;
    if (ok)
        query_formats(c);
    omp_set_num_threads(asked);
    if (!ok) {
        onednn_conv_free(c);
        return err_run(
            err, "oneDNN has no %s convolution %dx%dx%d -> %dx%dx%d, %dx%d/%d in %s on this CPU; use precision=f32",
            direction == CONV_FORWARD ? "forward" : "backward", shape->ic, shape->ih, shape->iw, shape->oc, shape->oh,
            shape->ow, shape->kh, shape->kw, shape->stride, shape->storage == STORAGE_BF16 ? "bf16" : "f32");
    }
    *out = c;
    return true;
}

void onednn_conv_free(struct onednn_conv *c)
{
    if (!c)
        return;
    for (int t = 0; t < c->threads; t++)
        for (int k = 0; k < N_SLOTS; k++)
            if (c->memory[t][k])
                dnnl_memory_destroy(c->memory[t][k]);
    free(c->memory);
    if (c->primitive)
        dnnl_primitive_destroy(c->primitive);
    if (c->descriptor)
        dnnl_primitive_desc_destroy(c->descriptor);
    free(c);
}

size_t onednn_conv_scratch_bytes(const struct onednn_conv *c)
{
    return dnnl_memory_desc_get_size(&c->md[SLOT_SCRATCH]);
}
size_t onednn_conv_weight_bytes(const struct onednn_conv *c)
{
    return dnnl_memory_desc_get_size(&c->md[SLOT_WEIGHTS]);
}
const char *onednn_conv_describe(const struct onednn_conv *c)
{
    return c->name;
}

bool onednn_conv_same_weights(const struct onednn_conv *a, const struct onednn_conv *b)
{
    return dnnl_memory_desc_equal(&a->md[SLOT_WEIGHTS], &b->md[SLOT_WEIGHTS]);
}

void onednn_conv_run(const struct onednn_conv *c, struct conv_thread *t, int thread, void *source, void *weights,
                     float *bias, void *destination)
{
    static const int argument[3][N_SLOTS] = {
        { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD },
        { DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD },
        { DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD }
    };
    void *handle[N_SLOTS] = { source, weights, bias, destination, t->scratch };
    dnnl_exec_arg_t args[N_SLOTS];
    int n = 0;
    for (int k = 0; k < N_SLOTS; k++)
        if (c->memory[thread][k]) {
            dnnl_memory_set_data_handle(c->memory[thread][k], handle[k]);
            args[n++] = (dnnl_exec_arg_t){ argument[c->direction][k], c->memory[thread][k] };
        }
    assert(onednn_conv_scratch_bytes(c) <= t->scratch_bytes);
    dnnl_status_t status = dnnl_primitive_execute(c->primitive, t->stream, n, args);
    assert(status == dnnl_success);
    (void)status;
}

struct onednn_pack {
    dnnl_primitive_t primitive;
    int threads;
    dnnl_memory_t (*memory)[3]; /* [threads] from, to, scratch */
};

/* The format a side of a conversion has: a convolution's, or plain, or blocked both ways. */
static void format_of(const struct onednn_conv *c, const struct conv_shape *shape, enum onednn_format format,
                      dnnl_memory_desc_t *md)
{
    dnnl_dims_t dims = { shape->oc, shape->ic, shape->kh, shape->kw };
    if (format == ONEDNN_OF_CONV)
        *md = c->md[SLOT_WEIGHTS];
    else if (format == ONEDNN_PLAIN)
        describe_weights(shape, dnnl_f32, true, md);
    else
        dnnl_memory_desc_init_by_tag(md, 4, dims, dnnl_f32,
                                     format == ONEDNN_BLOCKED_16 ? dnnl_OIhw16i16o : dnnl_OIhw8i8o);
}

bool onednn_pack_new(const struct conv_shape *shape, const struct onednn_conv *from, enum onednn_format from_format,
                     const struct onednn_conv *to, enum onednn_format to_format, int threads, struct onednn_pack **out,
                     struct err *err)
{
    dnnl_memory_desc_t md[3];
    format_of(from, shape, from_format, &md[0]);
    format_of(to, shape, to_format, &md[1]);
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_attr_create(&attributes);
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    struct onednn_pack *p = mem_alloc(1, sizeof *p);
    dnnl_primitive_desc_t pd = NULL;
    int asked = omp_get_max_threads();
    omp_set_num_threads(1);
    bool ok = engine_ready(err) &&
              dnnl_reorder_primitive_desc_create(&pd, &md[0], engine, &md[1], engine, attributes) == dnnl_success &&
              dnnl_primitive_create(&p->primitive, pd) == dnnl_success;
    omp_set_num_threads(asked);
    dnnl_primitive_attr_destroy(attributes);
    if (!ok) {
        free(p);
        return err_run(err, "oneDNN has no conversion for these weights on this CPU; use precision=f32");
    }
    md[2] = *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->threads = threads;
    p->memory = mem_alloc((size_t)threads, sizeof *p->memory);
    for (int t = 0; t < threads; t++)
        for (int k = 0; k < 3; k++)
            if (dnnl_memory_desc_get_size(&md[k]))
                dnnl_memory_create(&p->memory[t][k], &md[k], engine, DNNL_MEMORY_NONE);
    dnnl_primitive_desc_destroy(pd);
    *out = p;
    return true;
}

void onednn_pack_run(const struct onednn_pack *p, struct conv_thread *t, int thread, void *from, void *to)
{
    static const int argument[3] = { DNNL_ARG_FROM, DNNL_ARG_TO, DNNL_ARG_SCRATCHPAD };
    void *handle[3] = { from, to, t->scratch };
    dnnl_exec_arg_t args[3];
    int n = 0;
    for (int k = 0; k < 3; k++)
        if (p->memory[thread][k]) {
            dnnl_memory_set_data_handle(p->memory[thread][k], handle[k]);
            args[n++] = (dnnl_exec_arg_t){ argument[k], p->memory[thread][k] };
        }
    dnnl_status_t status = dnnl_primitive_execute(p->primitive, t->stream, n, args);
    assert(status == dnnl_success);
    (void)status;
}

void onednn_pack_free(struct onednn_pack *p)
{
    if (!p)
        return;
    for (int t = 0; t < p->threads; t++)
        for (int k = 0; k < 3; k++)
            if (p->memory[t][k])
                dnnl_memory_destroy(p->memory[t][k]);
    free(p->memory);
    dnnl_primitive_destroy(p->primitive);
    free(p);
}

void *conv_thread_scratch(const struct conv_thread *t)
{
    return t->scratch;
}

const char *conv_isa(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = { { dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx" },
                  { dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16" },
                  { dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni" },
                  { dnnl_cpu_isa_avx512_core, "avx512_core" },
                  { dnnl_cpu_isa_avx2_vnni, "avx2_vnni" },
                  { dnnl_cpu_isa_avx2, "avx2" },
                  { dnnl_cpu_isa_avx, "avx" },
                  { dnnl_cpu_isa_sse41, "sse41" } };
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (isa == names[k].isa)
            return names[k].name;
    return "other";
}

bool conv_has_bf16(void)
{
    return dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core && kernels_select()->block == 16;
}

void conv_version(char *text, size_t n)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, n, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}
