/* What the checks of one validation share: the model, the pictures of the sample, and everything measured once and used
 * by several checks. A check asks for what it needs; what is there already is not measured again. Stored in
 * `directory`, so that an interrupted validation goes on where it stopped. */
#ifndef MARGINALIA_VALIDATE_STUDY_H
#define MARGINALIA_VALIDATE_STUDY_H

#include "base/classifier.h"
#include "base/progress.h"
#include "datasets/picture.h"
#include "validate/sis/store.h"

/* The model's answers on whole pictures. */
struct answers {
    int64_t n;
    int64_t *image; /* number in the split */
    int *label, *predicted;
    float *confidence; /* probability of the predicted class */
    float *truth;      /* probability of the label's class */
    float *brier;      /* sum over classes of (p - [class = label])^2, of one picture */
};

/* WRONG: drawn for each picture among the classes that are neither predicted nor right (of two: not predicted). */
enum study_target { TARGET_PREDICTED, TARGET_TRUE, TARGET_WRONG };

/* One SIS search over the first n pictures of the sample. */
struct sis_question {
    enum sis_rank rank;
    enum baseline baseline;
    enum study_target target;
    int n;
};

struct sis_answer {
    struct sis_records records; /* rising image numbers */
    int *row;                   /* [records.n] row of the sample */
};

/* How a twin of the model is trained (validate/trainer.h). Borrowed. */
struct recipe {
    const char *program;    /* argv[0] of validate; NULL: there is none */
    const char *cfg;        /* the model's; of an ensemble the first member's */
    int members;            /* of the ensemble; 1: a single network */
    const char *descriptor; /* of the data set */
    const char *data;       /* --data, or NULL */
    int threads;
};

struct study {
    const struct classifier *model; /* borrowed, as all pointers up to `identity` */
    const struct dataset *data;
    enum split split;
    const struct augment *geometry; /* how a picture of the set becomes the model's input; NULL: resized to its size */
    const struct masked_view *view; /* what the model sees of it; NULL: everything */
    const char *directory;          /* for SIS stores; NULL: nothing is kept */
    struct progress *progress;
    bool (*stop)(void);                  /* NULL: never */
    const struct sis_identity *identity; /* what all searches of this validation have in common */
    uint64_t seed;
    bool resume;
    struct recipe recipe;
    int searched;  /* pictures of the sample for the search that most checks share; 0: all of them */
    int64_t whole; /* pictures for checks on whole pictures; all of them when there are not more */

    /* The sample: `n` pictures drawn without replacement, in drawing order; held in memory. */
    int n;
    int64_t *image;
    float *x; /* [n,c,h,w] */
    int *label, *predicted, *wrong;
    float *confidence;

    struct study_memory *memory; /* what was measured; private to study.c */
};

/* Draws the sample (keyed by seed), reads its pictures and asks the model about them. The fields up to `whole` are the
 * caller's; n_sample is at most the split's size, or the sample is the whole split. */
bool study_open(struct study *s, int64_t n_sample, struct err *err);
void study_close(struct study *s);

/* Answers on the first `whole` pictures in a fixed random order; measured once. */
const struct answers *study_answers(struct study *s, struct err *err);

/* The search that most checks share (the policy's rank and baseline, predicted class) is made once, over the
 * first `searched` pictures, if no more are asked for; the answer has the first n. NULL and err when it cannot be had;
 * err->status EXIT_INTERRUPTED when the user stopped it. */
const struct sis_answer *study_sis(struct study *s, const struct sis_question *q, struct err *err);

bool study_has_searched(const struct study *s); /* whether any search has been made */

/* z[n,K] = logits of n made-up pictures: make(self, i, x) fills x[c,h,w] of number i. `what` is for the progress line.
 */
bool study_logits(struct study *s, const char *what, int64_t n, void (*make)(void *self, int64_t i, float *x),
                  void *self, float *z, struct err *err);

/* Pixels of one picture, floats of one picture; row r of the sample. */
int study_pixels(const struct study *s);
size_t study_floats(const struct study *s);
const float *study_x(const struct study *s, int row);

/* Small things that every check needs. Probability of class t under z[classes], in double. */
double softmax_of(const float *z, int classes, int t);
int argmax_of(const float *z, int classes); /* first of equals */

#endif
