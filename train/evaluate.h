/* How well a model does on the test split. */
#ifndef MARGINALIA_TRAIN_EVALUATE_H
#define MARGINALIA_TRAIN_EVALUATE_H

#include <stdbool.h>
#include <stdint.h>
#include "datasets/loader.h"
#include "darknet-ext/model.h"

struct test_result {
    int64_t images, correct;
    double loss_sum; /* cross-entropy over the images */
};

/* Evaluates batches of `test` from its start until the split ends; of several ranks each its slices of them, and the
 * result is that of all. samples and seed: as in struct evaluation (0:
 * dropout off). `stop` is asked before each batch; when it says true, *stopped is set and the result covers the images
 * so far. */
struct evaluator {
    struct model *model;
    struct loader *test;
    int classes, batch;
    uint64_t seed;
    bool (*stop)(void);
    void (*step)(void *arg, int64_t images); /* called after each batch; may be NULL */
    void *arg;
};
bool evaluate(const struct evaluator *e, int samples, struct test_result *result, bool *stopped, struct err *err);

/* Adds n rows of logits z[n,classes]. An image is correct when its label's logit is the first largest; NaN is never
 * correct. */
void test_result_add(struct test_result *r, const float *z, const int *label, int n, int classes);

#endif
