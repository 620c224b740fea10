/* How several copies of one model, each in a process of its own ("ranks"), train it together: what the engine asks of
 * whoever started them. All copies call the same functions in the same order, from the thread that calls the model. */
#ifndef MARGINALIA_DARKNET_EXT_EXCHANGE_H
#define MARGINALIA_DARKNET_EXT_EXCHANGE_H

#include <stddef.h>

struct exchange {
    int number, ranks;                        /* this copy's, and how many there are */
    void (*sum_doubles)(double *x, size_t n); /* x[i] = sum over the ranks, the same bytes on all of them */
    /* The same for floats, in the background: `slots` at a time, numbered from 0; x is left alone until wait. */
    int slots;
    void (*start)(int slot, float *x, size_t n);
    void (*progress)(void); /* called often while the model computes */
    void (*wait)(int slot);
};

#endif
