#include "validate/sis/images.h"

#include <math.h>
#include <stddef.h>

const char *sis_method_name(enum sis_method m)
{
    static const char *const names[] = { "backselect", "gradient", "screened" };
    return names[m];
}

const char *sis_rank_name(enum sis_rank r)
{
    return r == SIS_MARGIN ? "margin" : "probability";
}

double sis_threshold(enum sis_rank rank, double p)
{
    return rank == SIS_MARGIN ? log(p / (1 - p)) : p;
}

double sis_probability(enum sis_rank rank, double value)
{
    return rank == SIS_MARGIN ? 1 / (1 + exp(-value)) : value;
}

static double margin(const float *z, int classes, int t)
{
    double most = -INFINITY, sum = 0;

    for (int k = 0; k < classes; k++)
        if (k != t && z[k] > most)
            most = z[k];
    for (int k = 0; k < classes; k++)
        if (k != t)
            sum += exp(z[k] - most);
    return z[t] - (most + log(sum));
}

/* In float32 on purpose: its saturation is what the published program ranks by. */
static double probability(const float *z, int classes, int t)
{
    float most = z[0], sum = 0;

    for (int k = 1; k < classes; k++)
        most = z[k] > most ? z[k] : most;
    for (int k = 0; k < classes; k++)
        sum += expf(z[k] - most);
    return (double)(expf(z[t] - most) / sum);
}

double sis_value(enum sis_rank rank, const float *z, int classes, int t)
{
    return rank == SIS_MARGIN ? margin(z, classes, t) : probability(z, classes, t);
}

void sis_apply(const float *x, const float *baseline, const uint8_t *mask, int c, int pixels, float *out)
{
    for (int k = 0; k < c; k++)
        for (int i = 0; i < pixels; i++)
            out[(size_t)k * (size_t)pixels + (size_t)i] =
                (mask[i] ? x : baseline)[(size_t)k * (size_t)pixels + (size_t)i];
}
