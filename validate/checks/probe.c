#include "validate/checks/probe.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "validate/checks/checks.h"
#include "datasets/region.h"
#include "validate/checks/text.h"

enum sis_rank probe_rank(const struct study *s)
{
    return s->identity->settings.rank;
}

/* Looks the pictures up; with a search they stand in its order. */
static void fill(struct probe *p)
{
    const struct study *s = p->study;
    p->row = mem_resize(p->row, (size_t)p->n, sizeof *p->row);
    p->image = mem_resize(p->image, (size_t)p->n, sizeof *p->image);
    p->label = mem_resize(p->label, (size_t)p->n, sizeof *p->label);
    p->answer = mem_resize(p->answer, (size_t)p->n, sizeof *p->answer);
    for (int i = 0; i < p->n; i++) {
        int row = p->row[i] = p->sis ? p->sis->row[i] : i;
        p->image[i] = s->image[row];
        p->label[i] = s->label[row];
        p->answer[i] = s->predicted[row];
    }
}

void probe_open(struct probe *p, struct study *s, const struct policy_check *policy, int64_t n, struct check *check)
{
    *p = (struct probe){ .study = s, .policy = policy, .check = check, .baseline = BASELINE_MEAN };
    p->n = n > 0 && n < s->n ? (int)n : s->n;
    check->kind = mem_string(policy->type->kind);
    check->of = "pictures";
    if (s->identity->baseline)
        baseline_parse(s->identity->baseline, &p->baseline);
    fill(p);
}

bool probe_search(struct probe *p, enum study_target target, enum sis_rank rank, int n, struct err *err)
{
    struct sis_question question = { rank, p->baseline, target, n };
    p->sis = study_sis(p->study, &question, err);
    if (!p->sis)
        return false;
    p->rank = rank;
    p->n = (int)p->sis->records.n;
    if (p->n == 0)
        return err_run(err, "%s: the sample holds no picture to search; take a larger one", p->policy->id);
    fill(p);
    return true;
}

void probe_close(struct probe *p)
{
    for (int i = 0; i < p->n_kept; i++)
        free(p->kept[i]);
    free(p->kept);
    free(p->row);
    free(p->image);
    free(p->label);
    free(p->answer);
}

const char *probe_keep(struct probe *p, char *text)
{
    p->kept = mem_resize(p->kept, (size_t)p->n_kept + 1, sizeof *p->kept);
    return p->kept[p->n_kept++] = text;
}

int probe_share(const struct study *s, double fraction)
{
    int pixels = study_pixels(s), m = (int)ceil(fraction * pixels - 1e-9); /* 0.07 * 100 is a little above 7 */
    return m < 1 ? 1 : m > pixels ? pixels : m;
}

void probe_ranked(const struct probe *p, int i, int m, uint8_t *mask)
{
    sis_mask(&p->sis->records.record[i].order, m, study_pixels(p->study), mask);
}

int probe_size(const struct probe *p, int i, double probability)
{
    return sis_size(&p->sis->records.record[i].order, sis_threshold(p->rank, probability));
}

struct rng probe_stream(const struct probe *p, int i, uint32_t what)
{
    return rng_stream(p->study->seed, RNG_CHECK | what << 8, 0, (uint32_t)p->image[i]);
}

void probe_random(const struct probe *p, int i, uint32_t what, const uint8_t *pool, int m, uint8_t *mask)
{
    struct rng r = probe_stream(p, i, what);
    region_draw(pool, study_pixels(p->study), m, &r, mask);
}

void probe_show(const struct probe *p, int i, const uint8_t *mask, float *x)
{
    const struct study *s = p->study;
    const struct classifier *model = s->model;
    size_t pixels = (size_t)study_pixels(s);
    const float *whole = study_x(s, p->row[i]);
    if (mask)
        baseline_fill(p->baseline, whole, model->c, model->h, model->w, s->data->mean, s->seed, p->image[i], x);
    for (size_t k = 0; k < study_floats(s); k++)
        if (!mask || mask[k % pixels])
            x[k] = whole[k];
}

bool probe_ask(struct probe *p, int n, void (*make)(void *self, int64_t i, float *x), void *self, int *answer,
               const int *wanted, double *probability, struct err *err)
{
    int classes = p->study->model->classes;
    float *z = mem_alloc((size_t)n * (size_t)classes, sizeof *z);
    bool asked = study_logits(p->study, p->policy->id, n, make, self, z, err);
    for (int i = 0; asked && i < n; i++) {
        const float *row = z + (size_t)i * (size_t)classes;
        if (answer)
            answer[i] = argmax_of(row, classes);
        if (probability)
            probability[i] = softmax_of(row, classes, wanted ? wanted[i] : argmax_of(row, classes));
    }
    free(z);
    return asked;
}

struct estimate probe_equal(const int *answer, const int *right, int n)
{
    int k = 0;
    for (int i = 0; i < n; i++)
        k += answer[i] == right[i];
    return estimate_share(k, n);
}

struct estimate probe_majority(const struct probe *p, const int *class)
{
    int *count = mem_alloc((size_t)p->study->model->classes, sizeof *count), most = 0;
    for (int i = 0; i < p->n; i++) {
        int k = ++count[class[i]];
        most = k > most ? k : most;
    }
    free(count);
    return estimate_share(most, p->n);
}

struct estimate probe_widen(struct estimate e, struct interval range)
{
    if (e.n > 0 && !(e.high > e.low)) {
        double unseen = 3.0 / (double)e.n * (range.high - range.low);
        e.low = fmax(range.low, e.low - unseen);
        e.high = fmin(range.high, e.high + unseen);
    }
    return e;
}

json_t *probe_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *probe_json(const struct estimate *e)
{
    json_t *object = json_object();
    json_object_set_new(object, "value", probe_number(e->value));
    json_object_set_new(object, "low", probe_number(e->low));
    json_object_set_new(object, "high", probe_number(e->high));
    json_object_set_new(object, "n", json_integer(e->n));
    return object;
}

void probe_point(struct figure_series *series, int k, double x, const struct estimate *y)
{
    if (!series->low) {
        series->low = mem_alloc((size_t)series->n, sizeof *series->low);
        series->high = mem_alloc((size_t)series->n, sizeof *series->high);
    }
    series->x[k] = x;
    series->y[k] = y->value;
    series->low[k] = y->low;
    series->high[k] = y->high;
}

char *probe_act(const struct probe *p, const struct estimate *e, bool worrying, const char *good, const char *bad)
{
    if (p->policy->side == SIDE_NONE)
        return mem_string(worrying ? bad : good);
    return text_act(e, p->policy, good, bad);
}

char *probe_with_limit(const struct probe *p, const struct estimate *e, enum unit unit, char *sentence)
{
    char *limit = text_limit(e, unit, p->policy), *text = mem_format("%s%s%s", sentence, *limit ? " " : "", limit);
    free(limit);
    free(sentence);
    return text;
}
