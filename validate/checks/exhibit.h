/* Example pictures: collected, shown to the model, and hung in a figure or a fact with what the model said to each. */
#ifndef MARGINALIA_VALIDATE_CHECKS_EXHIBIT_H
#define MARGINALIA_VALIDATE_CHECKS_EXHIBIT_H

#include "validate/checks/probe.h"

enum { EXHIBIT_MAX = 9 };

struct exhibit {
    struct probe *probe;
    int n;
    struct exhibit_item {
        int i;      /* picture of the probe */
        char *what; /* "52 pixels"; NULL: the whole picture */
        float *x;   /* [c,h,w] what the model is shown */
    } item[EXHIBIT_MAX];
};

/* Both are left out when EXHIBIT_MAX are there. what is taken over. mask NULL: the whole picture, what is NULL. */
void exhibit_add(struct exhibit *e, int i, const uint8_t *mask, char *what);
/* One that is made otherwise: returns x to fill, or NULL. */
float *exhibit_add_made(struct exhibit *e, int i, char *what);

/* Asks the model and hands the pictures over, with caption and alternative text; the exhibit is empty after that. */
bool exhibit_hang(struct exhibit *e, struct figure *f, struct err *err);
bool exhibit_hang_fact(struct exhibit *e, struct fact *fact, struct err *err); /* the first three that fit */
void exhibit_close(struct exhibit *e);

/* "52 pixels", "1 pixel" */
char *exhibit_pixels(int m);

#endif
