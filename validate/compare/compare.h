/* One comparison: the questions of a policy, asked of every model on the same pictures. */
#ifndef MARGINALIA_VALIDATE_COMPARE_COMPARE_H
#define MARGINALIA_VALIDATE_COMPARE_COMPARE_H

#include "validate/compare/comparison.h"
#include "validate/plan.h"

/* A model on its way through a comparison. */
struct contender {
    const struct subject *subject; /* borrowed, as what follows */
    const struct selftest *selftest;
    const char *path;      /* as given */
    const char *directory; /* for its searches */
    struct study study;
    struct sis_identity identity;
    const struct sis_answer *answer; /* the search that most questions share, or NULL; borrowed from the study */
    struct sufficiency again;        /* every subset of it, shown again */
};

struct compare {
    /* Set by the caller; borrowed. */
    int n; /* 2 .. COMPARISON_MOST, the baseline first */
    struct contender *contender;
    const struct policy *policy;
    struct progress *progress;
    bool (*stop)(void);
    int argc; /* the command line, for the report */
    char **argv;
    bool full, resume;
    int64_t images; /* of the sample, whatever the policy says; 0: as it says */
    uint64_t seed;
    int threads;
    double start; /* clock_seconds() */
    int n_former; /* struct comparison */
    const char (*former)[SHA256_HEX];
};

/* Models that do not belong together: other input shapes, classes, data or views, the same model twice. EXIT_USAGE. */
bool compare_fits(const struct subject *a, const struct subject *b, struct err *err);

/* Asks every question of every model and fills the comparison, texts and all. What cannot be measured is an error in
 * it, not of this function. False: nothing could be measured, a subset did not reach its threshold again, or the user
 * stopped it (EXIT_INTERRUPTED). */
bool compare_run(struct compare *c, struct comparison *out, struct err *err);

/* costs.c: fills parameters, training, inference and memory. x: pictures of the sample. */
void costs_measure(const struct compare *c, struct comparison *out);

/* provenance.c: head, facts and provenance of out->report, whose verdict is set. */
void compare_provenance(const struct compare *c, struct comparison *out);

/* pictures.c: the searched pictures, each model's answers and parts, and how they are shown, as long as `c` lives. */
void compare_pictures(struct compare *c, struct comparison *out);

#endif
