/* Linear probes: how well do parts of the pictures tell their labels? A linear classifier (base/ridge.h) on each part's
 * features, cross-validated over the survey's folds, so that every picture is told by a classifier that has not seen
 * it. What a probe can tell, a network can learn; what it cannot, a network may still find. */
#ifndef MARGINALIA_VALIDATE_DATASET_LINEAR_PROBE_H
#define MARGINALIA_VALIDATE_DATASET_LINEAR_PROBE_H

#include "validate/checks/check.h"
#include "validate/dataset/survey.h"

/* More pictures than these add nothing but memory: at 100,000 the interval of a share is 0.6 points wide. */
enum { LINEAR_PROBE_MOST = 100000 };

/* The pictures of the probes: all of the survey's sample, or as many as fit, drawn at random. */
struct linear_probe {
    struct survey *survey;
    int n, h, w;
    int *row;              /* [n] of the sample, rising */
    int *label, *shuffled; /* [n] shuffled: the same labels, each at a random picture */
    uint8_t *fold;
    bool few;        /* less than ten pictures for each class that occurs: nothing can be learnt from so few */
    int n_needed;    /* pictures that would not be few */
    double majority; /* right when the most frequent class is always named */
};

/* What was told from a part. */
struct told {
    int *answer; /* [n] the class; -1: none */
    int right;   /* answers that are the label */
    int *nested; /* with `nested`: [SURVEY_FOLDS,n] by what has not seen fold g either (base/ridge.h), else NULL */
};
void told_free(struct told *t);

/* A part of all pictures. */
struct probed_part {
    const uint8_t *mask;        /* [h*w], 1 = in the part; borrowed */
    int cells, filters;         /* features_open */
    bool shuffle;               /* also tell the shuffled labels */
    bool nested;                /* also tell each fold without another one */
    struct told told, shuffled; /* filled by linear_probe_ask, shuffled only with `shuffle`; told_free them */
};

/* Draws the survey's sample of n pictures (0: all). */
bool linear_probe_open(struct linear_probe *p, struct survey *s, int64_t n, struct err *err);
void linear_probe_close(struct linear_probe *p); /* accepts one that was zeroed */

/* Fills the parts. Reads the pictures once, or more often when the features of all parts do not fit into 384 MiB.
 * `what` is for the progress line. */
bool linear_probe_ask(struct linear_probe *p, const char *what, struct probed_part *part, int n_parts, struct err *err);

/* Share of right answers, with Wilson's interval. */
struct estimate linear_probe_share(const struct linear_probe *p, int right);

/* Mean over the pictures of x[n], -1..1, by bootstrap. Nothing is known (-1 to 1) when the pictures are few. */
struct estimate linear_probe_mean(const struct linear_probe *p, const double *x);

/* Which part of the errors of always naming the most frequent class is avoided: 1 - error / majority's error; 0 where
 * there is no error to avoid. */
double linear_probe_improvement(const struct linear_probe *p, double right);

#endif
