/* Measures what a view costs in the loader: bench_views DESCRIPTOR DIRECTORY IMAGES ROUNDS reads the first IMAGES
 * training images (0: all) once in each round, whole and under each view in turn, mirrored and cropped as for
 * CIFAR-10, with one reader thread. Printed are the images per second, the median of the rounds but the first with
 * their lowest and highest, and the median of the processor's time for an image; the first round is apart, because
 * masks that are drawn are remembered from then on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/progress.h"
#include "base/settings.h"
#include "datasets/loader.h"

enum { BATCH = 128, AHEAD = 2, CROP_PAD = 4, SEED = 1, MOST_ROUNDS = 1000 };

static struct {
    const char *name; /* of the view; NULL: the whole picture */
    enum baseline baseline;
    struct masked_view *view;
    double rate[MOST_ROUNDS]; /* images per second */
    double cost[MOST_ROUNDS]; /* microseconds of the processor for an image */
} cases[] = {
    { .name = NULL },
    { .name = "border:4" },
    { .name = "center:0.25" },
    { .name = "random:0.05" },
    { .name = "segment:0.05" },
    { .name = "border:4", .baseline = BASELINE_NOISE },
    { .name = "border:4", .baseline = BASELINE_BLUR },
};
enum { CASES = sizeof cases / sizeof *cases };

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool open_views(const struct dataset *data, const struct augment *frame, struct err *err)
{
    for (int k = 0; k < CASES; k++) {
        struct view_options o = {
            .text = cases[k].name, .data = data, .frame = frame, .baseline = cases[k].baseline, .seed = SEED
        };
        if (o.text && !view_open(&o, &cases[k].view, err))
            return false;
    }
    return true;
}

/* A loader of its own for each epoch, so that none reads ahead while another is measured. */
static bool read_epoch(const struct loader_options *o, double *rate, double *cost, struct err *err)
{
    double start = clock_seconds(), processor = processor_seconds();
    struct loader *l;
    struct batch b;
    int64_t images = 0;
    if (!loader_open(o, &l, err))
        return false;
    bool ok = true;
    for (int i = loader_batches(l); ok && i > 0; i--) {
        ok = loader_next(l, &b, err);
        images += b.n;
    }
    *rate = (double)images / (clock_seconds() - start);
    *cost = 1e6 * (processor_seconds() - processor) / (double)images;
    loader_close(l);
    return ok;
}

static bool measure(struct loader_options *o, int rounds, struct err *err)
{
    double rate, cost;
    bool ok = read_epoch(o, &rate, &cost, err); /* the files are in memory from here on */
    for (int round = 0; ok && round < rounds; round++)
        for (int k = 0; ok && k < CASES; k++) {
            o->view = cases[k].view;
            ok = read_epoch(o, &cases[k].rate[round], &cases[k].cost[round], err);
        }
    return ok;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare);
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

static void print_table(int rounds)
{
    printf("%-14s %-6s %10s %10s %20s %9s\n", "view", "hidden", "first", "images/s", "(low to high)", "us/image");
    for (int k = 0; k < CASES; k++) {
        double *rate = cases[k].rate + 1, middle = median(rate, rounds - 1);
        char spread[40];
        snprintf(spread, sizeof spread, "(%.0f to %.0f)", rate[0], rate[rounds - 2]);
        printf("%-14s %-6s %10.0f %10.0f %20s %9.1f\n", cases[k].name ? cases[k].name : "whole",
               cases[k].name ? baseline_name(cases[k].baseline) : "-", cases[k].rate[0], middle, spread,
               median(cases[k].cost + 1, rounds - 1));
    }
}

static bool run(const char *descriptor, const char *directory, int64_t images, int rounds, struct err *err)
{
    struct dataset *data;
    if (!dataset_open(descriptor, directory, &data, err))
        return false;
    struct augment a = {
        .c = data->c, .h = data->h, .w = data->w, .flip = true, .crop_pad = CROP_PAD, .test_resize = 1
    };
    memcpy(a.pad, data->mean, sizeof a.pad);
    struct loader_options o = { .dataset = data,
                                .split = SPLIT_TRAIN,
                                .augment = a,
                                .training = true,
                                .seed = SEED,
                                .batch = BATCH,
                                .threads = 1,
                                .ahead = AHEAD,
                                .limit = images };
    bool ok = open_views(data, &a, err) && measure(&o, rounds, err);
    if (ok)
        print_table(rounds);
    for (int k = 0; k < CASES; k++)
        view_close(cases[k].view);
    dataset_close(data);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err;
    long long images, rounds;
    if (argc != 5 || !parse_int(argv[3], 0, 1LL << 31, &images) || !parse_int(argv[4], 2, MOST_ROUNDS, &rounds)) {
        fprintf(stderr, "usage: bench_views DESCRIPTOR DIRECTORY IMAGES ROUNDS\n");
        return EXIT_USAGE;
    }
    if (!run(argv[1], argv[2], images, (int)rounds, &err)) {
        fprintf(stderr, "bench_views: %s\n", err.text);
        return err.status;
    }
    return EXIT_OK;
}
