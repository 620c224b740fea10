/* Intervals for the figures we publish. */
#ifndef MARGINALIA_BASE_STATISTICS_H
#define MARGINALIA_BASE_STATISTICS_H

#include <stdint.h>

struct interval { double low, high; };

/* 95 % Wilson score interval of a proportion (Wilson 1927); 0 <= k <= n. n = 0 gives [0,1]. */
struct interval wilson(int64_t k, int64_t n);

/* 95 % interval of the difference k1/n1 - k2/n2 of two independent proportions, from their Wilson intervals (Newcombe
 * 1998, method 10). Of two counts on the same things it is too wide when they tend to fall together. n = 0 gives
 * [-1,1]. */
struct interval newcombe(int64_t k1, int64_t n1, int64_t k2, int64_t n2);

/* Interval, at a confidence in (0,1) such as 0.95, of the difference of two proportions of the same n things: `gained`
 * things count in the first only, `lost` ones in the second only (Agresti and Min, "Simple improved confidence intervals
 * for comparing matched proportions", 2005: half a thing is added to each of the four cells). n = 0 gives [-1,1]. */
struct interval paired_difference(int64_t gained, int64_t lost, int64_t n, double confidence);

/* The z below which this share of the standard normal distribution lies; share in (0,1). */
double normal_quantile(double share);

/* 95 % percentile bootstrap interval of the mean of x[n] (Efron 1979), `draws` resamples keyed by seed. n >= 1. */
struct interval bootstrap_mean(const double *x, int n, int draws, uint64_t seed);

/* The same of the median. */
struct interval bootstrap_median(const double *x, int n, int draws, uint64_t seed);

/* The same of any statistic of n things that were sampled together: it is asked for the value of the resample that
 * holds thing pick[i], i = 0..n-1 (some of them several times). The value must be finite. */
typedef double (*statistic)(void *sample, const uint32_t *pick, int n);
struct interval bootstrap(statistic f, void *sample, int n, int draws, uint64_t seed);

/* bootstrap(), and those of the mean and the median, at a confidence in (0,1). The tails are widened as few things ask
 * for (Hesterberg, "What teachers should know about the bootstrap", 2015: expanded percentiles); bounds that lie beyond
 * all draws are the outermost ones. n >= 2. */
struct interval bootstrap_at(double confidence, statistic f, void *sample, int n, int draws, uint64_t seed);
struct interval bootstrap_mean_at(double confidence, const double *x, int n, int draws, uint64_t seed);
struct interval bootstrap_median_at(double confidence, const double *x, int n, int draws, uint64_t seed);

/* Two-sided p-value of McNemar's test on matched proportions (1947), exact: of `gained` + `lost` things that changed, is
 * it by chance that so many went one way? 1 when none changed. */
double mcnemar(int64_t gained, int64_t lost);

double median(double *x, int n); /* sorts x; n >= 1 */
double quantile(const double *x, int n, double q); /* x sorted, 0 <= q <= 1; linear between order statistics */

#endif
