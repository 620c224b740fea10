#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "train/together.h"

static bool is_first_largest(const float *z, int label, int classes)
{
    for (int k = 0; k < classes; k++)
        if (!(k < label ? z[label] > z[k] : z[label] >= z[k]))
            return false;
    return true;
}

static double cross_entropy(const float *z, int label, int classes)
{
    double largest = z[0], sum = 0;

    for (int k = 1; k < classes; k++)
        largest = fmax(largest, z[k]);
    for (int k = 0; k < classes; k++)
        sum += exp(z[k] - largest);
    return log(sum) + largest - z[label];
}

void test_result_add(struct test_result *r, const float *z, const int *label, int n, int classes)
{
    for (int i = 0; i < n; i++) {
        const float *row = z + (int64_t)i * classes;
        r->correct += is_first_largest(row, label[i], classes);
        r->loss_sum += cross_entropy(row, label[i], classes);
    }
    r->images += n;
}

bool evaluate(const struct evaluator *e, int samples, struct test_result *result, bool *stopped, struct err *err)
{
    float *z = mem_alloc((size_t)e->batch * (size_t)e->classes, sizeof *z);
    struct batch b;
    int64_t seen = 0;
    bool ok = true;

    *result = (struct test_result){ 0 };
    *stopped = false;
    loader_seek(e->test, 0, 0);
    while ((ok = loader_next(e->test, &b, err)) && b.whole > 0 && !(*stopped = e->stop())) {
        struct evaluation evaluation = { .x = b.x, .n = b.n, .index = b.index, .seed = e->seed, .samples = samples };
        ok = b.n == 0 || model_logits(e->model, &evaluation, z, err);
        if (!ok)
            break;
        test_result_add(result, z, b.label, b.n, e->classes);
        seen += b.whole;
        if (e->step)
            e->step(e->arg, seen);
    }
    if (ok)
        together_sum(result);
    free(z);
    return ok;
}
