/* Measures what the processor can do at best: bench_peak THREADS SECONDS prints the GF/s of all threads together that
 * do nothing but f32 multiply-adds in registers, with the widest vectors the engine would use here. What a second
 * thread adds to that, no program can exceed on the machine of that minute. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/settings.h"
#include "base/team.h"
#include "darknet-ext/kernels.h"

/* Enough chains of multiply-adds to hide the latency of two units of four cycles each. */
enum { CHAINS = 12, REPEATS = 100000 };

struct peak {
    double seconds;
    int lanes;
    double operations_per_second; /* of one member */
    volatile float sink;          /* results are used, so they are computed */
};

/* The same loop for both widths: vectors of `lanes` floats. */
#define REPEAT_MULTIPLY_ADDS(vector, splat, multiply_add)                                                              \
    vector chain[CHAINS], a = splat(0.999999f), b = splat(1e-6f);                                                      \
    for (int i = 0; i < CHAINS; i++)                                                                                   \
        chain[i] = splat(1 + (float)i);                                                                                \
    for (int k = 0; k < REPEATS; k++)                                                                                  \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) chain[i] = multiply_add(chain[i], a, b);             \
    float sum = 0;                                                                                                     \
    for (int i = 0; i < CHAINS; i++)                                                                                   \
        sum += ((float *)&chain[i])[0];                                                                                \
    return sum

__attribute__((target("avx512f"), optimize("O3"))) static float repeat_16(void)
{
    REPEAT_MULTIPLY_ADDS(__m512, _mm512_set1_ps, _mm512_fmadd_ps);
}

__attribute__((target("avx2,fma"), optimize("O3"))) static float repeat_8(void)
{
    REPEAT_MULTIPLY_ADDS(__m256, _mm256_set1_ps, _mm256_fmadd_ps);
}

static void measure(void *arg, int member, int size)
{
    struct peak *p = (struct peak *)arg + member;
    (void)size;
    double start = clock_seconds(), now = start, operations = 0;
    for (; now - start < p->seconds; now = clock_seconds()) {
        p->sink = p->lanes == 16 ? repeat_16() : repeat_8();
        operations += 2.0 * REPEATS * CHAINS * p->lanes;
    }
    p->operations_per_second = operations / (now - start);
}

int main(int argc, char **argv)
{
    struct err err;
    long long threads;
    double seconds, total = 0;
    if (argc != 3 || !parse_int(argv[1], 1, 256, &threads) || !parse_real(argv[2], 0.001, 1e6, &seconds)) {
        fprintf(stderr, "usage: bench_peak THREADS SECONDS\n");
        return EXIT_USAGE;
    }
    if (kernels_select() == &kernels_portable) {
        fprintf(stderr, "bench_peak: needs AVX-512, or AVX2 and FMA\n");
        return EXIT_CANNOT_RUN;
    }
    struct peak *p = mem_alloc((size_t)threads, sizeof *p);
    for (int t = 0; t < threads; t++)
        p[t] = (struct peak){ .seconds = seconds, .lanes = kernels_select()->block };
    struct team *team;
    if (!team_new((int)threads, true, &team, &err)) {
        fprintf(stderr, "bench_peak: %s\n", err.text);
        return err.status;
    }
    team_run(team, measure, p);
    for (int t = 0; t < threads; t++)
        total += p[t].operations_per_second;
    printf("%.1f\n", 1e-9 * total);
    team_free(team);
    free(p);
    return EXIT_OK;
}
