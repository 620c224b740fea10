/* Measures the engine alone: bench_engine CFG train|logits|gradient f32|bf16 THREADS SECONDS prints images per second;
 * --profile: and where the time goes. Batches are random images, so the loader takes no part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/settings.h"
#include "darknet-ext/model.h"

static const char *const works[] = { "train", "logits", "gradient" };

static bool run_once(struct model *m, int work, struct step *step, const struct evaluation *e, int *target, float *g,
                     float *z, struct err *err)
{
    if (work == 0)
        return model_train_step(m, step, err);
    if (work == 1)
        return model_logits(m, e, z, err);
    return model_gradient(m, e->x, e->n, SCALAR_MARGIN, target, g, z, err);
}

static bool measure(const struct net_cfg *cfg, int work, const struct model_options *options, double seconds, int batch,
                    bool profile, struct err *err)
{
    struct model *m;
    if (!model_open(cfg, options, &m, err))
        return false;
    model_initialize(m, 1);
    size_t image = (size_t)cfg->c * cfg->h * cfg->w;
    float *x = mem_alloc(image * (size_t)batch, sizeof *x), *g = mem_alloc(image * (size_t)batch, sizeof *g);
    float *z = mem_alloc((size_t)batch * cfg->classes, sizeof *z);
    int *label = mem_alloc((size_t)batch, sizeof *label);
    struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
    for (size_t i = 0; i < image * (size_t)batch; i++)
        x[i] = rng_unit(&rng);
    for (int i = 0; i < batch; i++)
        label[i] = (int)rng_below(&rng, (uint32_t)cfg->classes);
    struct step step = { .x = x, .label = label, .n = batch, .learning_rate = 0.01f, .steps_done = 1000 };
    struct evaluation e = { .x = x, .n = batch, .samples = 0 };
    bool ok = run_once(m, work, &step, &e, label, g, z, err) && run_once(m, work, &step, &e, label, g, z, err);
    if (profile)
        model_measure(m);
    double start = clock_seconds();
    long images = 0;
    while (ok && clock_seconds() - start < seconds) {
        ok = run_once(m, work, &step, &e, label, g, z, err);
        images += batch;
    }
    if (ok)
        printf("%.1f\n", (double)images / (clock_seconds() - start));
    if (ok && profile)
        model_print_profile(m, stdout);
    free(x);
    free(g);
    free(z);
    free(label);
    model_close(m);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err;
    struct net_cfg *cfg;
    long long threads;
    double seconds;
    int work = 0;
    while (argc > 2 && work < 3 && strcmp(argv[2], works[work]))
        work++;
    bool profile = argc == 7 && !strcmp(argv[6], "--profile");
    if ((argc != 6 && !profile) || work == 3 || !parse_int(argv[4], 1, 256, &threads) || !parse_real(argv[5], 0, 1e6, &seconds)) {
        fprintf(stderr, "usage: bench_engine CFG train|logits|gradient f32|bf16 THREADS SECONDS [--profile]\n");
        return EXIT_USAGE;
    }
    struct model_options options = { .threads = (int)threads,
                                     .precision = strcmp(argv[3], "bf16") ? PRECISION_F32 : PRECISION_BF16,
                                     .training = work == 0 };
    if (!cfg_read(argv[1], &cfg, &err) || !measure(cfg, work, &options, seconds, cfg->batch, profile, &err)) {
        fprintf(stderr, "bench_engine: %s\n", err.text);
        return err.status;
    }
    cfg_free(cfg);
    return EXIT_OK;
}
