#include "darknet-ext/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { VERSION_BYTES = 12, SEEN_BYTES = 8, OLD_SEEN_BYTES = 4 };

struct weights_layout weights_layout(const struct net_cfg *cfg, int layer)
{
    const struct layer_cfg *l = &cfg->layers[layer];
    struct weights_layout at = { -1, -1, -1, -1, -1, l->out_c };
    int64_t next = 0;
    for (int i = 0; i < layer; i++)
        next += cfg->layers[i].stored;
    if (l->kind == LAYER_CONVOLUTIONAL || l->kind == LAYER_CONNECTED) {
        at.biases = next;
        next += at.outputs;
    }
    if (l->kind == LAYER_CONNECTED) {
        at.weights = next;
        next += l->weights;
    }
    if (l->batch_normalize || l->kind == LAYER_BATCHNORM) {
        at.scales = next;
        at.mean = at.scales + at.outputs;
        at.variance = at.mean + at.outputs;
        next = at.variance + at.outputs;
    }
    if (l->kind == LAYER_CONVOLUTIONAL)
        at.weights = next;
    return at;
}

/* read() until n bytes are there. */
static bool read_bytes(int fd, const char *path, void *out, size_t n, struct err *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = read(fd, (char *)out + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_run(err, "%s: cannot read: %s; check the disk", path, strerror(errno));
        if (got == 0)
            return err_run(err, "%s: became shorter while it was read; try again", path);
        done += (size_t)got;
    }
    return true;
}

static int last_layer_with_weights(const struct net_cfg *cfg)
{
    for (int i = cfg->n - 1; i >= 0; i--)
        if (cfg->layers[i].weights > 0)
            return i;
    return 0;
}

/* The number of classes with which the last layer would fill the file, or 0. */
static int64_t classes_that_fit(const struct net_cfg *cfg, int64_t stored)
{
    const struct layer_cfg *l = &cfg->layers[last_layer_with_weights(cfg)];
    int64_t per_class = l->stored / l->out_c, others = cfg->stored - l->stored;
    bool fits = l->out_c == cfg->classes && l->groups <= 1 && stored > others && (stored - others) % per_class == 0;
    return fits ? (stored - others) / per_class : 0;
}

/* The layer after whose numbers a file of this size ends, or -1. */
static int layer_that_ends(const struct net_cfg *cfg, int64_t stored)
{
    for (int i = 0; i < cfg->n && stored > 0; i++) {
        stored -= cfg->layers[i].stored;
        if (stored == 0)
            return i;
    }
    return -1;
}

static bool refuse_size(const char *path, const struct net_cfg *cfg, int64_t bytes, int64_t wanted, struct err *err)
{
    int64_t extra = bytes - wanted, stored = cfg->stored + extra / 4;
    int64_t classes = extra % 4 ? 0 : classes_that_fit(cfg, stored);
    int layer = extra % 4 ? -1 : layer_that_ends(cfg, stored);
    char cause[200];
    if (classes >= 2)
        snprintf(cause, sizeof cause, "it fits the same network with %" PRId64 " classes instead of %d", classes,
                 cfg->classes);
    else if (layer >= 0)
        snprintf(cause, sizeof cause, "it ends after layer %d [%s]: a backbone, or truncated there", layer,
                 cfg->layers[layer].type);
    else if (extra < 0)
        snprintf(cause, sizeof cause, "truncated, or of another cfg");
    else
        snprintf(cause, sizeof cause, "of another cfg, or with something appended");
    return err_usage(err,
                     "%s: %" PRId64 " bytes, but %s needs %" PRId64
                     ": %s; give the cfg these weights were trained with, or "
                     "copy the file again",
                     path, bytes, cfg->path, wanted, cause);
}

/* Leaves the file at the first number. */
static bool read_header(int fd, const char *path, const struct net_cfg *cfg, int64_t bytes, uint64_t *seen,
                        struct err *err)
{
    int32_t version[3];
    uint32_t old_seen;
    if (bytes < VERSION_BYTES + OLD_SEEN_BYTES)
        return err_usage(err, "%s: only %" PRId64 " bytes, shorter than a weights header; copy the file again", path,
                         bytes);
    if (!read_bytes(fd, path, version, VERSION_BYTES, err))
        return false;
    if (version[0] != 0 || version[1] < 0 || version[1] > 2)
        return err_usage(
            err, "%s: header says version %d.%d.%d, and only 0.1 and 0.2 are known; is this a Darknet weights file?",
            path, version[0], version[1], version[2]);
    int seen_bytes = version[1] >= 2 ? SEEN_BYTES : OLD_SEEN_BYTES;
    int64_t wanted = VERSION_BYTES + seen_bytes + 4 * cfg->stored;
    if (bytes != wanted)
        return refuse_size(path, cfg, bytes, wanted, err);
    if (seen_bytes == SEEN_BYTES)
        return read_bytes(fd, path, seen, SEEN_BYTES, err);
    if (!read_bytes(fd, path, &old_seen, OLD_SEEN_BYTES, err))
        return false;
    *seen = old_seen;
    return true;
}

static bool check_numbers(const char *path, const struct net_cfg *cfg, const float *values, struct err *err)
{
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        for (int64_t k = 0; k < l->stored; k++)
            if (!isfinite(values[k]))
                return err_usage(err,
                                 "%s: number %" PRId64 " of layer %d [%s] is %f; the training diverged or the file is "
                                 "damaged: use an earlier checkpoint",
                                 path, k, i, l->type, (double)values[k]);
        values += l->stored;
    }
    return true;
}

static bool check_variances(const char *path, const struct net_cfg *cfg, const float *values, struct err *err)
{
    for (int i = 0; i < cfg->n; i++) {
        struct weights_layout at = weights_layout(cfg, i);
        for (int64_t k = 0; at.variance >= 0 && k < at.outputs; k++)
            if (!(values[at.variance + k] >= 0))
                return err_usage(
                    err, "%s: variance %" PRId64 " of layer %d [%s] is %g; the weights are of another cfg or damaged",
                    path, k, i, cfg->layers[i].type, (double)values[at.variance + k]);
    }
    return true;
}

static bool read_all(int fd, const char *path, const struct net_cfg *cfg, float *values, uint64_t *seen,
                     struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return err_usage(err, "%s: not a regular file; give a Darknet weights file", path);
    return read_header(fd, path, cfg, status.st_size, seen, err)
        && read_bytes(fd, path, values, (size_t)cfg->stored * sizeof *values, err)
        && check_numbers(path, cfg, values, err)
        && check_variances(path, cfg, values, err);
}

bool weights_read(const char *path, const struct net_cfg *cfg, float *values, uint64_t *seen, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
    if (fd < 0)
        return err_usage(err, "%s: cannot open: %s; give an existing weights file", path, strerror(errno));
    bool ok = read_all(fd, path, cfg, values, seen, err);
    close(fd);
    return ok;
}

bool weights_write(const char *path, const struct net_cfg *cfg, const float *values, uint64_t seen, struct err *err)
{
    static const int32_t version[3] = { 0, 2, 0 };
    struct file_writer w;
    if (!file_begin(&w, path, err))
        return false;
    fwrite(version, sizeof version, 1, w.stream); /* file_commit checks them all */
    fwrite(&seen, sizeof seen, 1, w.stream);
    fwrite(values, sizeof *values, (size_t)cfg->stored, w.stream);
    return file_commit(&w, err);
}
