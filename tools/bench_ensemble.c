/* Measures what an ensemble costs: bench_ensemble CFG MEMBERS THREADS SECONDS opens one network and MEMBERS of them,
 * with random weights, and asks both in turn about a batch of random images for SECONDS each work. Printed are the
 * medians, their ratio, and how the process grew. At most 5.2 times one member's time is expected of five, and of the
 * memory the members' parameters and one workspace. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/settings.h"
#include "base/statistics.h"
#include "darknet-ext/ensemble.h"
#include "darknet-ext/weights.h"

enum { MOST_PASSES = 10000, ONE = 0, MANY = 1 };

struct bench {
    int members, threads;
    double seconds;
    char directory[64];
    const char *cfg[ENSEMBLE_MOST];
    char *weights[ENSEMBLE_MOST];
    double megabytes; /* of a member's weights file */
    float *x, *z, *g;
    int *target;
};

/* Random weights as files, since that is what an ensemble is opened from. */
static bool write_members(struct bench *b, const struct net_cfg *cfg, struct err *err)
{
    struct model_options options = { .threads = 1, .precision = PRECISION_F32 };
    float *values = mem_alloc((size_t)cfg->stored, sizeof *values);
    struct model *m;
    bool ok = model_open(cfg, &options, &m, err);

    b->megabytes = 4e-6 * (double)cfg->stored;
    for (int i = 0; ok && i < b->members; i++) {
        b->cfg[i] = cfg->path;
        b->weights[i] = mem_format("%s/%d.weights", b->directory, i);
        model_initialize(m, (uint64_t)i + 1);
        model_get_parameters(m, values);
        ok = weights_write(b->weights[i], cfg, values, 0, err);
    }
    if (ok)
        model_close(m);
    free(values);
    return ok;
}

static void make_batch(struct bench *b, const struct classifier *c)
{
    size_t images = (size_t)c->batch, floats = (size_t)c->c * (size_t)c->h * (size_t)c->w;
    struct rng rng = rng_stream(1, RNG_TEST, 0, 0);

    b->x = mem_alloc(images * floats, sizeof *b->x);
    b->g = mem_alloc(images * floats, sizeof *b->g);
    b->z = mem_alloc(images * (size_t)c->classes, sizeof *b->z);
    b->target = mem_alloc(images, sizeof *b->target);
    for (size_t i = 0; i < images * floats; i++)
        b->x[i] = rng_unit(&rng);
}

static void free_bench(struct bench *b)
{
    for (int i = 0; i < b->members; i++) {
        if (b->weights[i])
            unlink(b->weights[i]);
        free(b->weights[i]);
    }
    rmdir(b->directory);
    free(b->x);
    free(b->z);
    free(b->g);
    free(b->target);
}

static bool open_members(const struct bench *b, int n, struct ensemble **out, struct err *err)
{
    struct ensemble_options o = { .n = n,
                                  .cfg = b->cfg,
                                  .weights = (const char *const *)b->weights,
                                  .combine = COMBINE_LOGIT,
                                  .threads = b->threads };
    return ensemble_open(&o, out, err);
}

static bool ask(const struct bench *b, struct ensemble *e, bool gradient, struct err *err)
{
    struct classifier c = ensemble_classifier(e);

    return gradient ? c.gradient(c.self, b->x, c.batch, SCALAR_MARGIN, b->target, b->g, NULL, err)
                    : c.logits(c.self, b->x, c.batch, b->z, err);
}

/* Megabytes of this process that are in memory and stem from no file. */
static double own_memory(void)
{
    long long size = 0, resident = 0, shared = 0;
    malloc_trim(0);
    FILE *f = fopen("/proc/self/statm", "re");

    if (f && fscanf(f, "%lld %lld %lld", &size, &resident, &shared) != 3)
        resident = shared = 0;
    if (f)
        fclose(f);
    return 1e-6 * (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE);
}

/* By how much the process grows for n members that have answered: grown[0], and given gradients, too: grown[1]. *out
 * stays open. */
static bool measure_memory(const struct bench *b, int n, struct ensemble **out, double grown[2], struct err *err)
{
    double before = own_memory();

    if (!open_members(b, n, out, err))
        return false;
    for (int gradient = 0; gradient < 2; gradient++) {
        if (!ask(b, *out, gradient, err))
            return false;
        grown[gradient] = own_memory() - before;
    }
    return true;
}

static void print_memory(const struct bench *b, const char *work, double one, double many)
{
    printf("%-24s one member %8.1f MB, %d members %8.1f MB: %.1f MB for each further one (weights file %.1f MB)\n",
           work, one, b->members, many, (many - one) / (b->members - 1), b->megabytes);
}

/* Both in turn, so that what slows the machine down slows both. */
static bool measure_time(const struct bench *b, struct ensemble *const *e, bool gradient, struct err *err)
{
    static double took[2][MOST_PASSES];
    double start = clock_seconds(), middle[2];
    int n = 0;

    for (; n < MOST_PASSES && (n < 3 || clock_seconds() - start < b->seconds); n++)
        for (int k = ONE; k <= MANY; k++) {
            double begin = clock_seconds();
            if (!ask(b, e[k], gradient, err))
                return false;
            took[k][n] = clock_seconds() - begin;
        }
    for (int k = ONE; k <= MANY; k++)
        middle[k] = median(took[k], n);
    printf("%-24s one member %8.3f ms, %d members %8.3f ms: %.2f times (medians of %d batches)\n",
           gradient ? "time, input gradient" : "time, logits", 1e3 * middle[ONE], b->members, 1e3 * middle[MANY],
           middle[MANY] / middle[ONE], n);
    return true;
}

static bool measure(struct bench *b, struct err *err)
{
    struct ensemble *e[2] = { NULL, NULL };
    double first[2], one[2], many[2];

    if (!open_members(b, 1, &e[ONE], err))
        return false;
    struct classifier c = ensemble_classifier(e[ONE]);
    make_batch(b, &c);
    ensemble_close(e[ONE]);
    e[ONE] = NULL;
    /* the first also pays for what all share, such as code made at run time */
    bool ok = measure_memory(b, 1, &e[ONE], first, err);
    ensemble_close(e[ONE]);
    e[ONE] = NULL;
    ok = ok && measure_memory(b, 1, &e[ONE], one, err) && measure_memory(b, b->members, &e[MANY], many, err);
    if (ok) {
        print_memory(b, "memory, logits", one[0], many[0]);
        print_memory(b, "memory, with gradients", one[1], many[1]);
    }
    ok = ok && measure_time(b, e, false, err) && measure_time(b, e, true, err);
    ensemble_close(e[ONE]);
    ensemble_close(e[MANY]);
    return ok;
}

int main(int argc, char **argv)
{
    struct bench b = { .directory = "/tmp/bench_ensemble.XXXXXX" };
    struct net_cfg *cfg;
    struct err err;
    long long members, threads;

    if (argc != 5 || !parse_int(argv[2], 2, ENSEMBLE_MOST, &members) || !parse_int(argv[3], 1, 256, &threads) ||
        !parse_real(argv[4], 0, 1e6, &b.seconds)) {
        fprintf(stderr, "usage: bench_ensemble CFG MEMBERS THREADS SECONDS\n");
        return EXIT_USAGE;
    }
    b.members = (int)members;
    b.threads = (int)threads;
    if (!cfg_read(argv[1], &cfg, &err)) {
        fprintf(stderr, "bench_ensemble: %s\n", err.text);
        return err.status;
    }
    bool ok = mkdtemp(b.directory) ? write_members(&b, cfg, &err) && measure(&b, &err)
                                   : err_run(&err, "%s: cannot be made; check the folder", b.directory);
    free_bench(&b);
    cfg_free(cfg);
    if (!ok)
        fprintf(stderr, "bench_ensemble: %s\n", err.text);
    return ok ? EXIT_OK : err.status;
}
