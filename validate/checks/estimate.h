/* Estimates with their 95 % intervals, as every check needs them. */
#ifndef MARGINALIA_VALIDATE_CHECKS_ESTIMATE_H
#define MARGINALIA_VALIDATE_CHECKS_ESTIMATE_H

#include "base/statistics.h"
#include "validate/checks/check.h"
#include "validate/policy.h"

/* Below this number a bootstrap says nothing: the interval is then everything that is possible at all (`range`), so
 * that a limit inside the range is never decided by a handful of pictures. */
enum { ESTIMATE_FEW = 10, ESTIMATE_DRAWS = 2000 };

/* k of n, with Wilson's interval. */
struct estimate estimate_share(int64_t k, int64_t n);

/* Of x[n] by bootstrap over pictures. n = 0: a value that is not a number, which check_decide() takes for an error. */
struct estimate estimate_median(const double *x, int n, struct interval range, uint64_t seed);
struct estimate estimate_mean(const double *x, int n, struct interval range, uint64_t seed);
struct estimate estimate_statistic(statistic f, void *sample, double value, int n, struct interval range,
                                   uint64_t seed);

/* How a figure shows it: beyond the limit, undecided, or measured. */
enum tone estimate_tone(const struct estimate *e, const struct policy_check *p);

#endif
