/* A SIS search over pictures of one split: from pictures to records, through a store on disk, so that an interrupted
 * search goes on. The ranks of a job (base/ranks.h) share it: each searches blocks of pictures into a journal of its
 * own, rank 0 joins them, and all get the records. */
#ifndef MARGINALIA_VALIDATE_SEARCH_H
#define MARGINALIA_VALIDATE_SEARCH_H

#include "base/progress.h"
#include "validate/sis/store.h"

/* What is known about a picture before it is searched. */
struct search_picture {
    int label, predicted, target;
};

struct search {
    const struct classifier *model;
    const struct sis_identity *identity; /* of the whole search; decides everything but the pictures */
    const float *mean;                   /* [c] colours of the data set, for the baseline */
    const int64_t *image;                /* [n] numbers in the split, no two equal */
    int64_t n;
    /* x[n,c,h,w] and picture[n] of image[place[0..n-1]], at most model->batch at once. */
    bool (*load)(void *self, const int64_t *place, int n, float *x, struct search_picture *picture, struct err *err);
    void *self;
    const char *directory;     /* of the store; NULL: nothing is kept on disk (only where there is one rank) */
    bool resume;               /* what the directory has is kept */
    struct progress *progress; /* NULL: none; `what` is the stage that it shows */
    const char *what;
    bool (*stop)(void); /* NULL: never */
};

/* out: the records of all pictures, rising image numbers, on all ranks. sis_records_free it. False and EXIT_INTERRUPTED
 * when it was stopped: *done pictures have a record then. */
bool search_run(const struct search *s, struct sis_records *out, int64_t *done, struct err *err);

#endif
