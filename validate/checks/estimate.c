#include "validate/checks/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct estimate estimate_share(int64_t k, int64_t n)
{
    struct interval i = wilson(k, n);
    return (struct estimate){ n ? (double)k / (double)n : (double)NAN, i.low, i.high, n };
}

/* A percentile interval can miss the value of a skewed statistic; what was found is always inside. */
static struct estimate around(double value, struct interval i, int n)
{
    return (struct estimate){ value, fmin(i.low, value), fmax(i.high, value), n };
}

struct estimate estimate_statistic(statistic f, void *sample, double value, int n, struct interval range, uint64_t seed)
{
    return around(value, n < ESTIMATE_FEW ? range : bootstrap(f, sample, n, ESTIMATE_DRAWS, seed), n);
}

struct estimate estimate_median(const double *x, int n, struct interval range, uint64_t seed)
{
    if (n == 0)
        return (struct estimate){ (double)NAN, range.low, range.high, 0 };
    double *sorted = mem_alloc((size_t)n, sizeof *sorted);
    memcpy(sorted, x, (size_t)n * sizeof *sorted);
    double value = median(sorted, n);
    free(sorted);
    return around(value, n < ESTIMATE_FEW ? range : bootstrap_median(x, n, ESTIMATE_DRAWS, seed), n);
}

struct estimate estimate_mean(const double *x, int n, struct interval range, uint64_t seed)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return around(sum / n, n < ESTIMATE_FEW ? range : bootstrap_mean(x, n, ESTIMATE_DRAWS, seed), n);
}

enum tone estimate_tone(const struct estimate *e, const struct policy_check *p)
{
    enum check_status status = check_decide(e, p->side, p->limit);
    return status == CHECK_FAIL ? TONE_ALERT : status == CHECK_INCONCLUSIVE ? TONE_OPEN : TONE_DATA;
}
