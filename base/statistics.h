/* Intervals for the figures we publish. */
#ifndef MARGINALIA_BASE_STATISTICS_H
#define MARGINALIA_BASE_STATISTICS_H

#include <stdint.h>

struct interval { double low, high; };

/* 95 % Wilson score interval of a proportion (Wilson 1927); 0 <= k <= n. n = 0 gives [0,1]. */
struct interval wilson(int64_t k, int64_t n);

/* 95 % percentile bootstrap interval of the mean of x[n] (Efron 1979), `draws` resamples keyed by seed. n >= 1. */
struct interval bootstrap_mean(const double *x, int n, int draws, uint64_t seed);

double median(double *x, int n); /* sorts x; n >= 1 */

#endif
