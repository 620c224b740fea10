/* What the checks have in common that show a model made-up parts of pictures: which pixels are kept, what the model
 * answers, and how that is counted. */
#ifndef MARGINALIA_VALIDATE_CHECKS_PROBE_H
#define MARGINALIA_VALIDATE_CHECKS_PROBE_H

#include "validate/checks/estimate.h"
#include "validate/policy.h"
#include "validate/study.h"

/* The pictures of one check: the first n of the sample, or those of one SIS search over them. */
struct probe {
    struct study *study;
    const struct policy_check *policy;
    struct check *check;          /* what is to be filled */
    const struct sis_answer *sis; /* borrowed from the study; NULL: no search */
    enum sis_rank rank;           /* of that search */
    enum baseline baseline;
    int n;               /* pictures */
    int *row;            /* [n] of the sample */
    int64_t *image;      /* [n] number in the split */
    int *label, *answer; /* [n] answer: to the whole picture */
    int n_kept;          /* texts to free in the end */
    char **kept;
};

/* Without a search: picture i is row i of the sample. n <= 0, or more than there are: the whole sample. */
void probe_open(struct probe *p, struct study *s, const struct policy_check *policy, int64_t n, struct check *check);
/* With one; picture i is record i, in rising order of image number. False when there is none. */
bool probe_search(struct probe *p, enum study_target target, enum sis_rank rank, int n, struct err *err);
enum sis_rank probe_rank(const struct study *s); /* the policy's */
void probe_close(struct probe *p);

/* Takes a text over and frees it in probe_close: for numbers that go into sentences. */
const char *probe_keep(struct probe *p, char *text);

/* Pixels that `fraction` of a picture is: rounded up, 1 at least. */
int probe_share(const struct study *s, double fraction);
/* mask[pixels]: the m pixels of picture i that were removed last. */
void probe_ranked(const struct probe *p, int i, int m, uint8_t *mask);
/* Size of the smallest part of picture i that reaches the probability; SIS_NONE when the whole does not. */
int probe_size(const struct probe *p, int i, double probability);
/* Adds m random pixels of the pool (region_draw), keyed by seed, image and `what`. */
enum { DRAW_SUBSET, DRAW_RING, DRAW_SIS, DRAW_DILATION, DRAW_COLOURS, DRAW_WRONG };
struct rng probe_stream(const struct probe *p, int i, uint32_t what);
void probe_random(const struct probe *p, int i, uint32_t what, const uint8_t *pool, int m, uint8_t *mask);

/* x[c,h,w] = the pixels of mask of picture i, the others hidden; mask NULL: nothing hidden. */
void probe_show(const struct probe *p, int i, const uint8_t *mask, float *x);

/* Asks the model about n made-up pictures: answer[n], and probability[n] of class wanted[n] (NULL: of the answer);
 * either may be NULL. */
bool probe_ask(struct probe *p, int n, void (*make)(void *self, int64_t i, float *x), void *self, int *answer,
               const int *wanted, double *probability, struct err *err);

/* Answers equal to right[n], as a proportion. */
struct estimate probe_equal(const int *answer, const int *right, int n);
/* What who always names the most frequent of class[n] gets: the share of that class. */
struct estimate probe_majority(const struct probe *p, const int *class);
/* A bootstrap is blind where all pictures are alike. Its interval then reaches as far as an event that is seen in none
 * of n pictures may be frequent: 3/n of the range (Hanley and Lippman-Hand 1983). */
struct estimate probe_widen(struct estimate e, struct interval range);

/* {"value", "low", "high", "n"}; what is not finite is null. */
json_t *probe_json(const struct estimate *e);
json_t *probe_number(double value); /* null when not finite */

/* Point k of a curve with a band: series x[k], y[k], low[k], high[k]. */
void probe_point(struct figure_series *series, int k, double x, const struct estimate *y);

/* A sentence with what the policy asks for behind it. Takes the sentence over. */
char *probe_with_limit(const struct probe *p, const struct estimate *e, enum unit unit, char *sentence);

/* The paragraph "Do": `bad` beyond the limit, `good` within it, how many pictures would decide in between. Without a
 * limit what was found decides: `worrying`. */
char *probe_act(const struct probe *p, const struct estimate *e, bool worrying, const char *good, const char *bad);

#endif
