#include "base/statistics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

static const double z95 = 1.959963984540054; /* 97.5 % quantile of the standard normal distribution */

struct interval wilson(int64_t k, int64_t n)
{
    assert(k >= 0 && k <= n);
    double count = (double)n, share = (double)k / count, zz = z95 * z95;
    double centre = (share + zz / (2 * count)) / (1 + zz / count);
    double half = z95 / (1 + zz / count) * sqrt(share * (1 - share) / count + zz / (4 * count * count));
    /* At the ends the formula gives exactly 0 and 1, but for rounding; n = 0 is both ends. */
    return (struct interval){ k == 0 ? 0 : centre - half, k == n ? 1 : centre + half };
}

struct interval newcombe(int64_t k1, int64_t n1, int64_t k2, int64_t n2)
{
    struct interval a = wilson(k1, n1), b = wilson(k2, n2);
    /* n = 0: not a number, for which fmax and fmin take the end. */
    double p = (double)k1 / (double)n1, q = (double)k2 / (double)n2;
    return (struct interval){ fmax(-1, p - q - hypot(p - a.low, b.high - q)),
                              fmin(1, p - q + hypot(a.high - p, q - b.low)) };
}

struct interval paired_difference(int64_t gained, int64_t lost, int64_t n, double confidence)
{
    assert(gained >= 0 && lost >= 0 && gained + lost <= n && confidence > 0 && confidence < 1);
    double count = (double)n + 2, first = ((double)gained + 0.5) / count, second = ((double)lost + 0.5) / count;
    double z = normal_quantile(0.5 + confidence / 2), difference = first - second;
    double half = z * sqrt((first + second - difference * difference) / count);
    return n == 0 ? (struct interval){ -1, 1 }
                  : (struct interval){ fmax(-1, difference - half), fmin(1, difference + half) };
}

double normal_quantile(double share)
{
    assert(share > 0 && share < 1);
    double low = -40, high = 40; /* halving is slow and exact */
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2)) / 2 < share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile(const double *x, int n, double q)
{
    assert(n >= 1 && q >= 0 && q <= 1);
    double place = q * (n - 1);
    int i = (int)place;
    return i + 1 < n ? x[i] + (place - i) * (x[i + 1] - x[i]) : x[n - 1];
}

/* The statistic of `draws` resamples, sorted; free() it. */
static double *resample(statistic f, void *sample, int n, int draws, uint64_t seed)
{
    assert(n >= 1 && draws >= 1);
    double *value = mem_alloc((size_t)draws, sizeof *value);
    uint32_t *pick = mem_alloc((size_t)n, sizeof *pick);
    for (int draw = 0; draw < draws; draw++) {
        struct rng r = rng_stream(seed, RNG_BOOTSTRAP, (uint32_t)draw, 0);
        for (int i = 0; i < n; i++)
            pick[i] = rng_below(&r, (uint32_t)n);
        value[draw] = f(sample, pick, n);
    }
    qsort(value, (size_t)draws, sizeof *value, compare);
    free(pick);
    return value;
}

struct interval bootstrap(statistic f, void *sample, int n, int draws, uint64_t seed)
{
    double *value = resample(f, sample, n, draws, seed);
    struct interval interval = { quantile(value, draws, 0.025), quantile(value, draws, 0.975) };
    free(value);
    return interval;
}

/* Percentiles behave as if the standard deviation were known and divided by n: what Student's t with n - 1 degrees of
 * freedom asks for (Abramowitz and Stegun 26.7.5) is put in the place of the normal quantile. */
static double expanded_tail(double confidence, int n)
{
    double z = normal_quantile(0.5 + confidence / 2), v = n - 1, zz = z * z;
    double t = z + z * (zz + 1) / (4 * v) + z * ((5 * zz + 16) * zz + 3) / (96 * v * v);
    return erfc(t * sqrt(n / v) / sqrt(2)) / 2;
}

struct interval bootstrap_at(double confidence, statistic f, void *sample, int n, int draws, uint64_t seed)
{
    assert(n >= 2 && confidence > 0 && confidence < 1);
    double *value = resample(f, sample, n, draws, seed), tail = expanded_tail(confidence, n);
    struct interval interval = { quantile(value, draws, tail), quantile(value, draws, 1 - tail) };
    free(value);
    return interval;
}

double mcnemar(int64_t gained, int64_t lost)
{
    assert(gained >= 0 && lost >= 0);
    double n = (double)(gained + lost), few = (double)(gained < lost ? gained : lost), p = 0;
    for (double k = 0; k <= few; k++)
        p += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
    return fmin(1, 2 * p);
}

static double mean_of(void *sample, const uint32_t *pick, int n)
{
    const double *x = sample;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[pick[i]];
    return sum / n;
}

struct interval bootstrap_mean(const double *x, int n, int draws, uint64_t seed)
{
    return bootstrap(mean_of, (void *)x, n, draws, seed);
}

struct median_sample {
    const double *x;
    double *scratch; /* [n] */
};

static double median_of(void *sample, const uint32_t *pick, int n)
{
    struct median_sample *s = sample;
    for (int i = 0; i < n; i++)
        s->scratch[i] = s->x[pick[i]];
    return median(s->scratch, n);
}

struct interval bootstrap_median(const double *x, int n, int draws, uint64_t seed)
{
    struct median_sample sample = { x, mem_alloc((size_t)n, sizeof *x) };
    struct interval interval = bootstrap(median_of, &sample, n, draws, seed);
    free(sample.scratch);
    return interval;
}

struct interval bootstrap_mean_at(double confidence, const double *x, int n, int draws, uint64_t seed)
{
    return bootstrap_at(confidence, mean_of, (void *)x, n, draws, seed);
}

struct interval bootstrap_median_at(double confidence, const double *x, int n, int draws, uint64_t seed)
{
    struct median_sample sample = { x, mem_alloc((size_t)n, sizeof *x) };
    struct interval interval = bootstrap_at(confidence, median_of, &sample, n, draws, seed);
    free(sample.scratch);
    return interval;
}

double median(double *x, int n)
{
    assert(n >= 1);
    qsort(x, (size_t)n, sizeof *x, compare);
    return quantile(x, n, 0.5);
}
