/* What images.c and images_work.c share: the images that are searched at the same time, and the memory of a search. */
#ifndef MARGINALIA_VALIDATE_SIS_IMAGES_PARTS_H
#define MARGINALIA_VALIDATE_SIS_IMAGES_PARTS_H

#include <stddef.h>
#include "validate/sis/images.h"

/* One image in work. Its pixels are row j of the arrays of struct images_run, j being its place among the works. */
struct images_work {
    int64_t input;
    int left;               /* pixels that are not removed yet */
    int state;              /* the state `current` is in */
    bool valued;            /* whether the value of that state is known */
    struct sis_order order; /* up to that state */
    /* The candidates of this step: how many are proposed, in a call, and answered; the best answer, -1: none yet. */
    int proposed, asked, answered, best;
};

struct images_run {
    const struct classifier *model;
    const struct sis_settings *settings;
    const struct sis_images *images;
    struct sis_counts *counts;
    int64_t next, finished; /* inputs read, inputs done */
    int pixels;
    size_t floats; /* of one image */
    int capacity, n;
    struct images_work *work;          /* [capacity], n in work */
    float *x, *baseline, *current, *g; /* [capacity][floats] */
    uint8_t *kept;                     /* [capacity][pixels] */
    int *candidate;                    /* [capacity][pixels] pixels, rising */
    double *value;                     /* [capacity][pixels] of the image without that candidate */
    float *score;                      /* [pixels] */
    int *target;                       /* [capacity] */
    float *z;                          /* [max(capacity, batch)][K] */
    /* The call of `logits` that is being gathered. */
    int rows;
    float *row;             /* [batch][floats] */
    int *row_work, *row_at; /* [batch] work and candidate that a row is of; -1: the work as it is */
};

/* The first four fields are the caller's. */
void images_open(struct images_run *r);
void images_close(struct images_run *r);

/* Reads inputs until every place is taken or none is left. */
bool images_fill(struct images_run *r, struct err *err);
/* Place j is free: the last work moves there, so that rows 0..n-1 stay one batch. */
void images_leave(struct images_run *r, int j);

/* Rows of work j. */
uint8_t *images_kept(const struct images_run *r, int j);
int *images_candidates(const struct images_run *r, int j);
double *images_values(const struct images_run *r, int j);

/* Pixel i of an image, of work j, becomes that of its baseline. */
void images_mask_pixel(const struct images_run *r, int j, int i, float *image);

#endif
