/* Measures searches for sufficient input subsets: bench_sis CFG METHOD THREADS IMAGES PIXELS prints, per second, the
 * images searched (gradient with 8 pixels a step; screened with 32 candidates) or the masked images evaluated
 * (backselect). Random weights and images; PIXELS of each image are searched, 0: all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/settings.h"
#include "darknet-ext/model.h"
#include "validate/sis/images.h"

struct bench {
    const struct net_cfg *cfg;
    size_t pixels;
};

static bool read_random(void *self, int64_t i, struct sis_input *input, struct err *err)
{
    const struct bench *b = self;
    size_t plane = (size_t)b->cfg->h * (size_t)b->cfg->w;
    struct rng rng = rng_stream(1, RNG_TEST, 0, (uint32_t)i);

    (void)err;
    for (size_t k = 0; k < plane * (size_t)b->cfg->c; k++) {
        input->x[k] = rng_unit(&rng);
        input->baseline[k] = 0.5f;
    }
    for (size_t k = b->pixels; k < plane; k++)
        input->start[k] = 0;
    input->target = (int)rng_below(&rng, (uint32_t)b->cfg->classes);
    return true;
}

static bool drop(void *self, int64_t i, const struct sis_order *order, struct err *err)
{
    (void)self, (void)i, (void)order, (void)err;
    return true;
}

static bool measure(const struct net_cfg *cfg, enum sis_method method, int threads, int64_t images, size_t pixels,
                    struct err *err)
{
    struct model_options options = { .threads = threads, .precision = PRECISION_F32 };
    struct sis_settings settings = { method, SIS_MARGIN, method == SIS_SCREENED ? 4 : 8, 32 };
    struct bench bench = { cfg, pixels ? pixels : (size_t)cfg->h * (size_t)cfg->w };
    struct sis_images source = { .n = images, .self = &bench, .read = read_random, .done = drop };
    struct sis_counts counts;
    struct model *m;

    if (!model_open(cfg, &options, &m, err))
        return false;
    model_initialize(m, 1);
    struct classifier c = model_classifier(m);
    double start = clock_seconds();
    bool ok = sis_images_run(&c, &settings, &source, &counts, err);
    double seconds = clock_seconds() - start;
    if (ok)
        printf("%.2f\n", (double)(method == SIS_BACKSELECT ? counts.evaluations : images) / seconds);
    model_close(m);
    return ok;
}

int main(int argc, char **argv)
{
    long long threads, images, pixels;
    struct net_cfg *cfg;
    struct err err;
    int method = 0;

    while (argc > 2 && method < 3 && strcmp(argv[2], sis_method_name((enum sis_method)method)))
        method++;
    if (argc != 6 || method == 3 || !parse_int(argv[3], 1, 256, &threads) || !parse_int(argv[4], 1, 1 << 20, &images) ||
        !parse_int(argv[5], 0, 1 << 20, &pixels)) {
        fprintf(stderr, "usage: bench_sis CFG " SIS_METHOD_WORDS " THREADS IMAGES PIXELS\n");
        return EXIT_USAGE;
    }
    if (!cfg_read(argv[1], &cfg, &err) ||
        !measure(cfg, (enum sis_method)method, (int)threads, images, (size_t)pixels, &err)) {
        fprintf(stderr, "bench_sis: %s\n", err.text);
        return err.status;
    }
    cfg_free(cfg);
    return EXIT_OK;
}
