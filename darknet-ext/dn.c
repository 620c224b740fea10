#include "darknet-ext/dn.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "darknet-ext/dn_library.h"
#include "darknet-ext/weights.h"

/* The functions of the library that we call. */
static struct {
    network *(*parse)(char *path);
    void (*forward)(network *net);
    void (*backward)(network *net);
    void (*free)(network *net);
} library;

struct dn_network {
    network *net;
    float *truth;              /* Darknet's own, taken out so that [softmax] computes no loss */
    const struct net_cfg *cfg; /* borrowed */
    bool whole;                /* layers are those of cfg; otherwise one layer without weights */
};

/* ISO C has no cast from an object pointer to a function pointer, so dlsym's result is copied. */
static bool find(void *handle, const char *path, const char *name, void *function, struct err *err)
{
    void *symbol = dlsym(handle, name);
    if (!symbol)
        return err_run(err, "%s: has no %s; is this Darknet's library?", path, name);
    memcpy(function, &symbol, sizeof symbol);
    return true;
}

static bool find_all(void *handle, const char *path, struct err *err)
{
    int *gpu = NULL;
    if (!find(handle, path, "parse_network_cfg", &library.parse, err)
        || !find(handle, path, "forward_network", &library.forward, err)
        || !find(handle, path, "backward_network", &library.backward, err)
        || !find(handle, path, "free_network", &library.free, err)
        || !find(handle, path, "gpu_index", &gpu, err))
        return false;
    *gpu = -1; /* as Darknet's own main does on a machine without GPU */
    return true;
}

static bool load_library(struct err *err)
{
    static void *handle;
    static bool ready;
    if (ready)
        return true;
    const char *path = getenv("MARGINALIA_DARKNET");
    if (!path || !*path)
        path = DARKNET_LIBRARY;
    setenv("OPENBLAS_NUM_THREADS", "1", 0); /* may come along with it, and would start idle threads */
    fenv_t floating_point;
    fegetenv(&floating_point);
    handle = dn_library_open(path, "libopencv_"); /* we read and show no pictures with it */
    fesetenv(&floating_point); /* the library is linked with a start-up that flushes denormals to zero */
    if (!handle)
        return err_run(err, "%s; install the package darknet, or set MARGINALIA_DARKNET to its libdarknet.so",
                       dlerror());
    ready = find_all(handle, path, err);
    return ready;
}

/* Parses the text in memory: Darknet wants a file name, and gets that of a memfd. */
static network *parse_file(int fd)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fflush(stderr);
    int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (saved >= 0 && null >= 0)
        dup2(null, STDERR_FILENO);
    network *net = library.parse(path);
    fflush(stderr);
    if (saved >= 0 && null >= 0)
        dup2(saved, STDERR_FILENO);
    if (saved >= 0)
        close(saved);
    if (null >= 0)
        close(null);
    return net;
}

static bool parse_text(const char *text, network **out, struct err *err)
{
    int fd = memfd_create("cfg", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
    if (!file)
        return err_run(err, "memfd: cannot hand the network to Darknet: %s; free some memory or files",
                       strerror(errno));
    bool written = fputs(text, file) >= 0 && fflush(file) == 0;
    if (written)
        *out = parse_file(fd);
    fclose(file);
    return written || err_run(err, "memfd: cannot hand the network to Darknet: %s; free some memory", strerror(errno));
}

/* What Darknet would allocate without checking: int sizes overflow, and calloc's NULL is used. */
static bool check_memory(const struct net_cfg *cfg, int batch, struct err *err)
{
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        int size, padding;
        cfg_stock_kernel(l, &size, &padding);
        int64_t outputs = (int64_t)l->out_c * l->out_h * l->out_w;
        int64_t columns =
            l->kind == LAYER_CONVOLUTIONAL ? (int64_t)l->out_h * l->out_w * size * size * (l->c / l->groups) : 0;
        if (outputs > INT_MAX / batch || columns > INT_MAX)
            return err_usage(err, "%s:%d: [%s] is too large for Darknet's 32-bit sizes; make it or the batch smaller",
                             cfg->path, l->line, l->type);
    }
    return true;
}

/* Darknet leaves out_c of [softmax] and nweights of [connected] at 0, so those are compared by other fields. */
static bool same_layer(const struct layer_cfg *l, const layer *d)
{
    int size, padding;
    int64_t outputs = (int64_t)l->out_c * l->out_h * l->out_w;
    if (d->outputs != outputs || !d->forward)
        return false;
    if (l->kind == LAYER_CONVOLUTIONAL) {
        cfg_stock_kernel(l, &size, &padding);
        if (d->type != CONVOLUTIONAL || d->nweights != l->weights / (l->size * l->size) * size * size)
            return false;
    }
    if (l->kind == LAYER_CONNECTED && (d->type != CONNECTED || (int64_t)d->inputs * d->outputs != l->weights))
        return false;
    return l->kind == LAYER_SOFTMAX ? d->type == SOFTMAX
                                    : d->out_c == l->out_c && d->out_h == l->out_h && d->out_w == l->out_w;
}

static bool compare_layers(const struct dn_network *dn, struct err *err)
{
    const struct net_cfg *cfg = dn->cfg;
    if (dn->net->n != cfg->n)
        return err_run(err, "%s: Darknet sees %d layers, not %d; report this as a bug", cfg->path, dn->net->n, cfg->n);
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        const layer *d = &dn->net->layers[i];
        if (!same_layer(l, d))
            return err_run(err,
                           "%s:%d: Darknet gives layer %d [%s] %dx%dx%d outputs and %d weights, not %dx%dx%d and %lld; "
                           "report this as a bug",
                           cfg->path, l->line, i, l->type, d->out_w, d->out_h, d->out_c, d->nweights, l->out_w,
                           l->out_h, l->out_c, (long long)l->weights);
    }
    return true;
}

/* Frees text. */
static bool open_text(const struct net_cfg *cfg, char *text, int batch, bool whole, struct dn_network **out,
                      struct err *err)
{
    network *net = NULL;
    *out = NULL;
    bool ok = check_memory(cfg, batch, err) && load_library(err) && parse_text(text, &net, err);
    free(text);
    if (!ok)
        return false;
    struct dn_network *dn = mem_alloc(1, sizeof *dn);
    *dn = (struct dn_network){ .net = net, .truth = net->truth, .cfg = cfg, .whole = whole };
    net->truth = NULL;
    net->delta = mem_alloc((size_t)net->batch * (size_t)net->inputs, sizeof *net->delta);
    if (whole && !compare_layers(dn, err)) {
        dn_close(dn);
        return false;
    }
    *out = dn;
    return true;
}

bool dn_open(const struct net_cfg *cfg, int batch, struct dn_network **out, struct err *err)
{
    return open_text(cfg, cfg_stock_text(cfg, batch), batch, true, out, err);
}

bool dn_open_layer(const struct net_cfg *cfg, int i, int batch, struct dn_network **out, struct err *err)
{
    return open_text(cfg, cfg_stock_layer_text(cfg, i, batch), batch, false, out, err);
}

bool dn_check(const struct net_cfg *cfg, struct err *err)
{
    struct dn_network *dn;
    if (!dn_open(cfg, 1, &dn, err))
        return false;
    dn_close(dn);
    return true;
}

void dn_close(struct dn_network *dn)
{
    if (!dn)
        return;
    network *net = dn->net;
    for (int i = 0; i < net->n; i++)
        free(net->layers[i].loss); /* this and the rest: what free_network forgets */
    free(net->workspace);
    free(net->seen);
    free(net->t);
    free(net->cost);
    free(net->steps);
    free(net->scales);
    free(net->delta);
    net->truth = dn->truth;
    library.free(net);
    free(dn);
}

/* --- parameters --- */

static void copy(float *out, const float *in, int64_t n)
{
    if (out && in)
        memcpy(out, in, (size_t)n * sizeof *out);
}

/* The stock text gives weights to these two kinds of layers only. */
static bool has_weights(const layer *d)
{
    return d->type == CONVOLUTIONAL || d->type == CONNECTED;
}

static int64_t n_weights(const layer *d)
{
    return d->type == CONVOLUTIONAL ? d->nweights : (int64_t)d->inputs * d->outputs;
}

void dn_set_parameters(struct dn_network *dn, const float *values)
{
    int64_t n;
    float *all = weights_stock_values(dn->cfg, values, &n);
    const float *next = all;
    for (int i = 0; i < dn->net->n; i++) {
        layer *d = &dn->net->layers[i];
        if (!has_weights(d))
            continue;
        float *before = d->type == CONNECTED ? d->weights : NULL, *after = d->type == CONNECTED ? NULL : d->weights;
        float *arrays[] = { d->biases, before, d->scales, d->rolling_mean, d->rolling_variance, after };
        for (int k = 0; k < 6; k++)
            if (arrays[k]) {
                int64_t length = arrays[k] == d->weights ? n_weights(d) : d->out_c;
                copy(arrays[k], next, length);
                next += length;
            }
    }
    free(all);
}

/* The centre of each stock kernel where it is wider than ours. */
static void copy_kernels(const struct layer_cfg *l, float *out, const float *in)
{
    int size, padding;
    cfg_stock_kernel(l, &size, &padding);
    if (l->kind != LAYER_CONVOLUTIONAL || size == l->size) {
        copy(out, in, l->weights);
        return;
    }
    for (int64_t k = 0; k < l->weights; k++)
        out[k] = in[k * size * size + size * size / 2];
}

void dn_get_gradients(const struct dn_network *dn, float *gradients)
{
    const struct net_cfg *cfg = dn->cfg;
    memset(gradients, 0, (size_t)cfg->stored * sizeof *gradients);
    for (int i = 0; i < cfg->n; i++) {
        struct weights_layout at = weights_layout(cfg, i);
        const layer *d = &dn->net->layers[i];
        if (at.biases >= 0)
            copy(gradients + at.biases, d->bias_updates, at.outputs);
        if (at.scales >= 0)
            copy(gradients + at.scales, d->scale_updates, at.outputs);
        if (at.weights >= 0)
            copy_kernels(&cfg->layers[i], gradients + at.weights, d->weight_updates);
    }
}

void dn_get_statistics(const struct dn_network *dn, float *values)
{
    for (int i = 0; i < dn->cfg->n; i++) {
        struct weights_layout at = weights_layout(dn->cfg, i);
        if (at.mean < 0)
            continue;
        copy(values + at.mean, dn->net->layers[i].rolling_mean, at.outputs);
        copy(values + at.variance, dn->net->layers[i].rolling_variance, at.outputs);
    }
}

/* --- running --- */

void dn_forward(struct dn_network *dn, const float *x, bool train)
{
    copy(dn->net->input, x, (int64_t)dn->net->batch * dn->net->inputs);
    dn->net->train = train;
    library.forward(dn->net);
}

const float *dn_output(const struct dn_network *dn, int i)
{
    return dn->net->layers[i].output;
}

const float *dn_logits(const struct dn_network *dn)
{
    int last = dn->net->n - 1;
    if (dn->net->layers[last].type != SOFTMAX)
        return dn_output(dn, last);
    return last > 0 ? dn_output(dn, last - 1) : dn->net->input;
}

static void clear(float *out, int64_t n)
{
    if (out)
        memset(out, 0, (size_t)n * sizeof *out);
}

/* Darknet adds to every gradient, and its layers scale `delta` in place, so all start at zero. */
static void clear_gradients(network *net)
{
    clear(net->delta, (int64_t)net->batch * net->inputs);
    for (int i = 0; i < net->n; i++) {
        layer *d = &net->layers[i];
        clear(d->delta, (int64_t)net->batch * d->outputs);
        if (!has_weights(d))
            continue;
        clear(d->bias_updates, d->out_c);
        clear(d->scale_updates, d->out_c);
        clear(d->weight_updates, n_weights(d));
    }
}

/* Darknet's delta is minus the gradient, but every layer is linear in it, so the sign goes in and comes out unchanged;
 * and [softmax] hands its delta on as it is, so that dz may be put there. */
void dn_backward(struct dn_network *dn, const float *dz, float *dx)
{
    network *net = dn->net;
    layer *last = &net->layers[net->n - 1];
    clear_gradients(net);
    copy(last->delta, dz, (int64_t)net->batch * last->outputs);
    library.backward(net);
    copy(dx, net->delta, (int64_t)net->batch * net->inputs);
}
