/* Which words make this sentence a complaint? The sufficient input subset of a function that is no network.
 *
 *   cc -I/usr/local/include/marginalia sis_of_a_function.c -L/usr/local/lib -lmarginalia -lm -o sis_of_a_function */
#include <math.h>
#include <stdio.h>
#include "validate/sis/sis.h"

static const char *const word[] = { "the", "soup", "was", "not", "good", "and", "cold" };
enum { WORDS = sizeof word / sizeof word[0] };

/* How sure we are, for each mask: `cold` counts, and `not` with `good`, but neither of these alone. */
static bool complaint(void *context, const uint8_t *mask, int n, double *value, struct err *err)
{
    (void)context, (void)err;
    for (int i = 0; i < n; i++, mask += WORDS)
        value[i] = 0.1 + 0.5 * (mask[3] && mask[4]) + 0.3 * mask[6];
    return true;
}

int main(void)
{
    struct sis_problem problem = { .f = complaint, .features = WORDS, .batch = 64, .bound = INFINITY };
    struct sis_order order;
    struct err err;

    if (!sis_backselect(&problem, NULL, &order, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return err.status;
    }
    for (int t = 0; t < 3; t++) {
        double threshold = (double[]){ 0.5, 0.8, 0.95 }[t];
        int size = sis_size(&order, threshold);
        printf("%.2f:", threshold);
        for (int i = 0; i < size; i++)
            printf(" %s", word[order.order[WORDS - 1 - i]]);
        printf(size < 0 ? " no subset, the whole does not reach it\n" : "\n");
    }
    sis_order_free(&order);
    return 0;
}
