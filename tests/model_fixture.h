/* Small networks for tests of the engine: one of every construct, random parameters, random images. */
#ifndef MARGINALIA_TESTS_MODEL_FIXTURE_H
#define MARGINALIA_TESTS_MODEL_FIXTURE_H

#include <criterion/criterion.h>
#include "darknet-ext/model.h"

enum { BATCH = 6, CLASSES = 5, PIXELS = 3 * 12 * 12 };

struct net { const char *name, *text; bool darknet_forward, darknet_backward; /* where Darknet itself is right */ };
extern const struct net nets[];
extern const int n_nets;
const char *net_text(const char *name);

struct fixture {
    struct net_cfg *cfg;
    struct model *model;
    float x[BATCH * PIXELS], *values; /* values: the parameters, none at its neutral value */
    int label[BATCH];
};

struct fixture open_net(const char *text, bool training, int threads, enum precision precision);
void close_net(struct fixture *f);

/* One step over the first n images with this learning rate; returns the summed loss. */
double train(struct fixture *f, int n, float learning_rate);

double norm2(const float *a, const float *b, int64_t n); /* |a - b|, b NULL: |a| */

/* |a - b| <= tolerance * |b|, and b is not zero. */
#define CHECK_CLOSE(name, a, b, n, tolerance)                                                                         \
    do {                                                                                                              \
        double check_size = norm2(b, NULL, n), check_diff = norm2(a, b, n);                                           \
        cr_assert(check_size > 1e-7, "%s: nothing to compare, norm %g", name, check_size);                            \
        cr_expect(check_diff <= (tolerance)*check_size, "%s: relative difference %g", name, check_diff / check_size); \
    } while (0)

#endif
