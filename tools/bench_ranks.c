/* Measures training by several ranks, the engine alone (batches are random images, so the loader takes no part):
 *   mpirun -n N bench_ranks CFG THREADS SECONDS
 * prints images per second of all ranks together; the time per step that rank 0 waits at the end of the backward pass,
 * for slower ranks and, once the last rank is there, for gradients; and the time that the same exchange takes when
 * nothing else is done. What of it is not waited for is hidden. All ranks are on one machine, so that they have one
 * clock. */
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "base/settings.h"
#include "darknet-ext/model.h"

enum { WARM_STEPS = 3, ALONE_ROUNDS = 200 };

/* What the model sent in its last step. */
static struct {
    float *x;
    size_t n;
} sent[RANKS_SUMS];
static double came, went;               /* when this rank came to the end of its backward pass, and had all gradients */
static double for_ranks, for_gradients; /* seconds waited */

static void start(int slot, float *x, size_t n)
{
    sent[slot].x = x;
    sent[slot].n = n;
    ranks_sum_start(slot, x, n);
}

static void wait_for(int slot)
{
    if (slot == 0)
        came = clock_seconds();
    ranks_sum_wait(slot);
    went = clock_seconds();
}

/* After each step. */
static void count_waiting(double *arrivals)
{
    for (int r = 0; r < ranks_size(); r++)
        arrivals[r] = r == ranks_number() ? came : 0;
    ranks_sum_doubles(arrivals, (size_t)ranks_size());
    double last = 0;
    for (int r = 0; r < ranks_size(); r++)
        last = arrivals[r] > last ? arrivals[r] : last;
    for_ranks += last - came;
    for_gradients += went > last ? went - last : 0;
}

/* Seconds of one exchange of the same buckets; their contents do not matter. */
static double measure_alone(void)
{
    ranks_barrier();
    double begin = clock_seconds();
    for (int k = 0; k < ALONE_ROUNDS; k++) {
        for (int s = 0; s < RANKS_SUMS; s++)
            if (sent[s].x) {
                for (size_t i = 0; i < sent[s].n; i++)
                    sent[s].x[i] = 0;
                ranks_sum_start(s, sent[s].x, sent[s].n);
            }
        for (int s = 0; s < RANKS_SUMS; s++)
            ranks_sum_wait(s);
    }
    return (clock_seconds() - begin) / ALONE_ROUNDS;
}

static void print_buckets(void)
{
    size_t n = 0, last = 0;
    int buckets = 0;
    for (; buckets < RANKS_SUMS && sent[buckets].x; buckets++)
        n += last = sent[buckets].n;
    printf("%d buckets, %zu bytes, of which the last has %zu\n", buckets, n * sizeof(float), last * sizeof(float));
}

static bool run(struct model *m, struct step *step, double seconds, double *arrivals, struct err *err)
{
    for (int i = 0; i < WARM_STEPS; i++)
        if (!model_train_step(m, step, err))
            return false;
    ranks_barrier();
    double begin = clock_seconds(), now = begin;
    long steps = 0;
    while (!ranks_any(now - begin >= seconds)) {
        if (!model_train_step(m, step, err))
            return false;
        count_waiting(arrivals);
        steps++;
        now = clock_seconds();
    }
    double waiting = for_gradients / (double)steps, alone = ranks_size() > 1 ? measure_alone() : 0;
    if (ranks_number() == 0) {
        printf("%.1f images/s, %d ranks, %.3f ms per step\n", (double)step->whole * (double)steps / (now - begin),
               ranks_size(), 1e3 * (now - begin) / (double)steps);
        if (alone > 0) {
            print_buckets();
            printf(
                "waited %.3f ms per step for slower ranks, %.3f ms for gradients; the exchange alone %.3f ms; hidden "
                "%.1f %%\n",
                1e3 * for_ranks / (double)steps, 1e3 * waiting, 1e3 * alone, 100 * (1 - waiting / alone));
        }
    }
    return true;
}

static bool measure(const struct net_cfg *cfg, int threads, double seconds, struct err *err)
{
    struct exchange exchange = { ranks_number(), ranks_size(),       ranks_sum_doubles, RANKS_SUMS,
                                 start,          ranks_sum_progress, wait_for };
    struct model_options options = { .threads = threads,
                                     .training = true,
                                     .exchange = exchange.ranks > 1 ? &exchange : NULL };
    struct model *m;
    int first = cfg->batch * exchange.number / exchange.ranks;
    int n = cfg->batch * (exchange.number + 1) / exchange.ranks - first;
    size_t floats = (size_t)cfg->c * cfg->h * cfg->w * (size_t)n;
    if (!model_open(cfg, &options, &m, err))
        return false;
    model_initialize(m, 1);
    float *x = mem_alloc(floats, sizeof *x);
    int *label = mem_alloc((size_t)n, sizeof *label);
    struct rng rng = rng_stream(1, RNG_TEST, 0, (uint32_t)exchange.number);
    for (size_t i = 0; i < floats; i++)
        x[i] = rng_unit(&rng);
    for (int i = 0; i < n; i++)
        label[i] = (int)rng_below(&rng, (uint32_t)cfg->classes);
    struct step step = {
        .x = x, .label = label, .n = n, .whole = cfg->batch, .learning_rate = 0.01f, .steps_done = 1000
    };
    double *arrivals = mem_alloc((size_t)exchange.ranks, sizeof *arrivals);
    bool ok = run(m, &step, seconds, arrivals, err);
    free(arrivals);
    free(x);
    free(label);
    model_close(m);
    return ok;
}

static bool bench(int argc, char **argv, struct err *err)
{
    struct net_cfg *cfg;
    long long threads;
    double seconds;
    if (argc != 4 || !parse_int(argv[2], 1, 256, &threads) || !parse_real(argv[3], 0, 1e6, &seconds))
        return err_usage(err, "usage: mpirun -n N bench_ranks CFG THREADS SECONDS");
    if (!cfg_read(argv[1], &cfg, err))
        return false;
    bool ok = measure(cfg, (int)threads, seconds, err);
    cfg_free(cfg);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    bool ok = ranks_begin(&err) && bench(argc, argv, &err), failed = !ok;
    if (ranks_speak(&failed, &err) && failed)
        fprintf(stderr, "bench_ranks: %s\n", err.text);
    enum exit_status status = failed ? err.status : EXIT_OK;
    fflush(stdout);
    ranks_end(status);
    return status;
}
