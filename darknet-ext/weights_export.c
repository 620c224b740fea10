/* A network for stock Darknet: cfg_stock_text and the numbers that go with it. */
#include "darknet-ext/weights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* How many floats layer l has in the stock layout. */
static int64_t stock_stored(const struct layer_cfg *l)
{
    int size, padding;
    switch (l->kind) {
    case LAYER_NORMALIZE: return 2 * (int64_t)l->c; /* biases, weights */
    case LAYER_BATCHNORM: return 5 * (int64_t)l->c; /* biases, scales, mean, variance, weights */
    case LAYER_CONVOLUTIONAL:
        cfg_stock_kernel(l, &size, &padding);
        return l->stored - l->weights + l->weights / ((int64_t)l->size * l->size) * size * size;
    default: return l->stored;
    }
}

static void fill(float *out, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = value;
}

/* x' = x/std + (-mean/std) */
static void stock_normalize(const struct layer_cfg *l, float *out)
{
    for (int k = 0; k < l->c; k++) {
        out[k] = (float)(-(double)l->mean[k] / (double)l->std[k]);
        out[l->c + k] = (float)(1 / (double)l->std[k]);
    }
}

static void stock_batchnorm(const struct layer_cfg *l, const float *values, float *out)
{
    fill(out, l->c, 0);
    memcpy(out + l->c, values, 3 * (size_t)l->c * sizeof *out);
    fill(out + 4 * (int64_t)l->c, l->c, 1);
}

/* 1x1 kernels become the centre of 3x3 kernels where cfg_stock_kernel says so. */
static void stock_convolutional(const struct layer_cfg *l, const float *values, float *out)
{
    int size, padding;
    cfg_stock_kernel(l, &size, &padding);
    int64_t others = l->stored - l->weights, area = (int64_t)size * size;
    memcpy(out, values, (size_t)others * sizeof *out);
    if (size == l->size) {
        memcpy(out + others, values + others, (size_t)l->weights * sizeof *out);
        return;
    }
    fill(out + others, l->weights * area, 0);
    for (int64_t k = 0; k < l->weights; k++)
        out[others + k * area + area / 2] = values[others + k];
}

float *weights_stock_values(const struct net_cfg *cfg, const float *values, int64_t *n)
{
    *n = 0;
    for (int i = 0; i < cfg->n; i++)
        *n += stock_stored(&cfg->layers[i]);
    float *all = mem_alloc((size_t)*n, sizeof *all), *out = all;
    for (int i = 0; i < cfg->n; i++) {
        const struct layer_cfg *l = &cfg->layers[i];
        if (l->kind == LAYER_NORMALIZE)
            stock_normalize(l, out);
        else if (l->kind == LAYER_BATCHNORM)
            stock_batchnorm(l, values, out);
        else if (l->kind == LAYER_CONVOLUTIONAL)
            stock_convolutional(l, values, out);
        else if (l->stored > 0)
            memcpy(out, values, (size_t)l->stored * sizeof *out);
        out += stock_stored(l);
        values += l->stored;
    }
    return all;
}

static bool write_stock_weights(const char *path, const struct net_cfg *cfg, const float *values, uint64_t seen,
                                struct err *err)
{
    struct net_cfg stock = { 0 };
    float *all = weights_stock_values(cfg, values, &stock.stored);
    bool ok = weights_write(path, &stock, all, seen, err);
    free(all);
    return ok;
}

/* One name per line, so a line end inside a name becomes a blank. */
static bool write_names(const char *path, char *const *names, int n, struct err *err)
{
    struct file_writer w;
    if (!file_begin(&w, path, err))
        return false;
    for (int i = 0; i < n; i++) {
        for (const char *c = names[i]; *c; c++)
            fputc(*c == '\n' || *c == '\r' ? ' ' : *c, w.stream);
        fputc('\n', w.stream);
    }
    return file_commit(&w, err);
}

static bool write_text(const char *path, const char *text, struct err *err)
{
    return file_write(path, text, strlen(text), err);
}

/* DIR/NAME without its ending, absolute: the .data file refers to the names from anywhere. free() it. */
static char *export_base(const char *directory, const char *name, struct err *err)
{
    char *absolute = realpath(directory, NULL);
    if (!absolute) {
        err_run(err, "%s: cannot resolve: %s; check the directory", directory, strerror(errno));
        return NULL;
    }
    char *base = file_join(absolute, name);
    free(absolute);
    if (strpbrk(base, " \t\n")) {
        err_usage(err,
                  "%s: stock Darknet drops blanks from the paths in its .data files; export to a directory without",
                  base);
        free(base);
        return NULL;
    }
    return base;
}

bool weights_export_stock(const char *directory, const char *name, const struct net_cfg *cfg, const float *values,
                          uint64_t seen, char *const *class_names, struct err *err)
{
    if (!file_make_directories(directory, err))
        return false;
    char *base = export_base(directory, name, err);
    if (!base)
        return false;
    char *cfg_path = mem_format("%s.cfg", base), *weights_path = mem_format("%s.weights", base);
    char *data_path = mem_format("%s.data", base), *names_path = mem_format("%s.names", base);
    char *text = cfg_stock_text(cfg, 1);
    char *data = mem_format("classes=%d\nnames=%s\nlabels=%s\ntop=%d\n", cfg->classes, names_path, names_path,
                            cfg->classes < 5 ? cfg->classes : 5);
    bool ok = write_text(cfg_path, text, err) && write_stock_weights(weights_path, cfg, values, seen, err)
           && write_names(names_path, class_names, cfg->classes, err) && write_text(data_path, data, err);
    free(data);
    free(text);
    free(names_path);
    free(data_path);
    free(weights_path);
    free(cfg_path);
    free(base);
    return ok;
}

char *weights_export_command(const char *directory, const char *name)
{
    char *base = file_join(directory, name);
    char *command = mem_format("darknet classifier predict %s.data %s.cfg %s.weights IMAGE", base, base, base);
    free(base);
    return command;
}
