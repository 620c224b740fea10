#include "tools/study_page/sis_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/statistics.h"
#include "datasets/region.h"
#include "tools/study_page/runs.h"

enum { DRAWS = 1000, SEED = 1 };
static const double where_wanted = 0.9;

/* --- sizes -------------------------------------------------------------------------------------------------------- */

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the order statistics that hold the median in 95 % of samples whatever the distribution is: of n pictures, n/2
 * and 1.96 standard deviations of a count to either side lie below it. */
static struct estimate estimate_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, compare_reals);
    double half = 1.96 / (2 * sqrt(n));
    return (struct estimate){ quantile(x, n, 0.5), quantile(x, n, fmax(0, 0.5 - half)),
                              quantile(x, n, fmin(1, 0.5 + half)), n };
}

static struct estimate estimate_mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    struct interval i = bootstrap_mean(x, n, DRAWS, SEED);
    return (struct estimate){ sum / n, i.low, i.high, n };
}

static struct sizes summarize_sizes(const struct sis_records *r, int group, double threshold)
{
    double *size = mem_alloc((size_t)r->n, sizeof *size);
    int n = 0;
    int64_t all = 0;
    for (int64_t i = 0; i < r->n; i++) {
        const struct sis_record *record = &r->record[i];
        if ((record->predicted != record->label) != (group == GROUP_WRONG))
            continue;
        int found = sis_size(&record->order, threshold);
        all++;
        if (found != SIS_NONE)
            size[n++] = found;
    }
    struct interval reached = wilson(n, all);
    struct sizes s = { { all ? (double)n / (double)all : (double)NAN, reached.low, reached.high, all },
                       runs_unknown(),
                       runs_unknown() };
    if (n) {
        s.mean = estimate_mean(size, n);
        s.median = estimate_median(size, n);
    }
    free(size);
    return s;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static int fill_region(int h, int w, int region, uint8_t *mask)
{
    int deep = SEARCH_BORDER < h ? SEARCH_BORDER : h;
    if (region == REGION_BORDER && 2 * deep < h && 2 * deep < w)
        return region_ring(h, w, deep, mask);
    int first = region == REGION_LOWER ? h - deep : 0, rows = region == REGION_BORDER ? h : deep;
    memset(mask, 0, (size_t)h * (size_t)w);
    memset(mask + first * w, 1, (size_t)rows * (size_t)w);
    return rows * w;
}

struct tally {
    int n;
    double *inside, *total; /* [n] deciding pixels of each picture: in the region, in all */
};

static double share_of(void *sample, const uint32_t *pick, int n)
{
    const struct tally *t = sample;
    double inside = 0, total = 0;
    for (int i = 0; i < n; i++) {
        inside += t->inside[pick[i]];
        total += t->total[pick[i]];
    }
    return inside / total;
}

static struct estimate estimate_share(struct tally *t)
{
    if (!t->n)
        return runs_unknown();
    uint32_t *all = mem_alloc((size_t)t->n, sizeof *all);
    for (int i = 0; i < t->n; i++)
        all[i] = (uint32_t)i;
    struct interval i = bootstrap(share_of, t, t->n, DRAWS, SEED);
    struct estimate e = { share_of(t, all, t->n), i.low, i.high, t->n };
    free(all);
    return e;
}

/* The deciding pixels of record i in mask; returns how many, 0 when it has none. */
static int deciding(const struct sis_records *r, int64_t i, double threshold, int pixels, uint8_t *mask)
{
    int size = sis_size(&r->record[i].order, threshold);
    if (size > 0)
        sis_mask(&r->record[i].order, size, pixels, mask);
    return size > 0 ? size : 0;
}

static void summarize_region(const struct sis_records *r, double threshold, int region, struct sis_summary *out)
{
    int pixels = out->h * out->w;
    uint8_t *place = mem_alloc((size_t)pixels, 1), *mask = mem_alloc((size_t)pixels, 1);
    struct tally t = { 0, mem_alloc((size_t)r->n, sizeof(double)), mem_alloc((size_t)r->n, sizeof(double)) };
    out->area[region] = (double)fill_region(out->h, out->w, region, place) / pixels;
    for (int64_t i = 0; i < r->n; i++) {
        int size = deciding(r, i, threshold, pixels, mask);
        if (!size)
            continue;
        t.inside[t.n] = region_overlap(mask, place, pixels);
        t.total[t.n++] = size;
    }
    out->share[region] = estimate_share(&t);
    free(t.total);
    free(t.inside);
    free(mask);
    free(place);
}

static void summarize_heat(const struct sis_records *r, double threshold, struct sis_summary *out)
{
    int pixels = out->h * out->w;
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    out->heat = mem_alloc((size_t)pixels, sizeof *out->heat);
    for (int64_t i = 0; i < r->n; i++) {
        if (!deciding(r, i, threshold, pixels, mask))
            continue;
        out->n_where++;
        for (int k = 0; k < pixels; k++)
            out->heat[k] += mask[k];
    }
    for (int k = 0; out->n_where && k < pixels; k++)
        out->heat[k] /= (double)out->n_where;
    free(mask);
}

/* --- both --------------------------------------------------------------------------------------------------------- */

/* "gradient, 8 pixels a step, ranked by margin, hidden ones black"; where they are the mean picture's, as everywhere
 * but where something else is tried, that is left out. */
static char *method_text(const struct sis_identity *d)
{
    const struct sis_settings *s = &d->settings;
    char step[64] = "";
    if (s->method != SIS_BACKSELECT)
        snprintf(step, sizeof step, ", %d pixel%s a step", s->per_step, s->per_step == 1 ? "" : "s");
    bool usual = !strcmp(d->baseline, "mean");
    return mem_format("%s%s, ranked by %s%s%s", s->method == SIS_BACKSELECT ? "exact" : sis_method_name(s->method),
                      step, sis_rank_name(s->rank), usual ? "" : ", hidden ones ", usual ? "" : d->baseline);
}

void sis_summarize(const struct sis_records *r, struct sis_summary *out)
{
    const struct sis_identity *d = &r->identity;
    *out = (struct sis_summary){ .n = r->n, .h = d->h, .w = d->w, .n_thresholds = d->n_thresholds };
    out->method = method_text(d);
    for (int t = 0; t < d->n_thresholds; t++) {
        out->threshold[t] = d->threshold[t];
        if (!(fabs(out->where - where_wanted) <= fabs(d->threshold[t] - where_wanted)))
            out->where = d->threshold[t];
        for (int g = 0; g < GROUPS; g++)
            out->sizes[t][g] = summarize_sizes(r, g, sis_threshold(d->settings.rank, d->threshold[t]));
    }
    double value = sis_threshold(d->settings.rank, out->where);
    for (int region = 0; region < REGIONS; region++)
        summarize_region(r, value, region, out);
    summarize_heat(r, value, out);
}

bool sis_summary_read(const char *directory, struct sis_summary *out, struct err *err)
{
    struct sis_records r;
    *out = (struct sis_summary){ 0 };
    if (!sis_records_read(directory, &r, err))
        return false;
    sis_summarize(&r, out);
    sis_records_free(&r);
    return true;
}

void sis_summary_free(struct sis_summary *s)
{
    free(s->method);
    free(s->heat);
    *s = (struct sis_summary){ 0 };
}
