/* Models and pictures whose answers are known, for tests of the checks.
 *
 * Every model is linear: z_k = scale * (bias_k + sum over pixels of weight_k * (x - PLANTED_GREY)), so that logits,
 * gradients and the smallest sufficient part can be worked out by hand. In the pictures channel k belongs to class k
 * (three classes, three channels), and what carries no colour is PLANTED_GREY, which is also the data set's mean: a
 * hidden pixel adds nothing. */
#ifndef MARGINALIA_TESTS_PLANTED_CLASSIFIER_H
#define MARGINALIA_TESTS_PLANTED_CLASSIFIER_H

#include "base/classifier.h"
#include "datasets/dataset.h"
#include "validate/checks/checks.h"
#include "validate/study.h"

enum { PLANTED_CLASSES = 3, PLANTED_SIDE = 8, PLANTED_PIXELS = PLANTED_SIDE * PLANTED_SIDE };
#define PLANTED_GREY (128.0f / 255.0f)

struct planted_model {
    struct classifier classifier; /* self points here */
    float *weight;                /* [K, c*h*w] */
    float *bias;                  /* [K] */
    float scale;
    int64_t asked; /* pictures seen by logits and gradient */
};

/* Constant: gives every class the same probability until weights or biases are set. */
struct planted_model *planted_model_new(void);
void planted_model_free(struct planted_model *m);

/* Whether a pixel belongs to a region of the picture. */
typedef bool (*planted_region)(int y, int x);
bool planted_border(int y, int x); /* ring one pixel wide: 28 of 64 */
bool planted_centre(int y, int x); /* square of 4 x 4: 16 of 64 */
bool planted_all(int y, int x);

/* Adds `gain` to the weight of class k on channel k at the pixels of a region: the class's colour counts there. */
void planted_model_reads(struct planted_model *m, planted_region region, float gain);

/* Three classes of pictures PLANTED_SIDE wide, n in the test split (and none in the other). `border` and `centre`: how
 * far the class's channel lies above PLANTED_GREY in that region, 0..0.49; noise: half-width of uniform noise on every
 * value. Labels go round: i % 3; a picture i with mislabelled > 0 and i % mislabelled == 0 shows the next class's
 * colour instead. */
struct planted_pictures {
    int n;
    float border, centre, noise;
    int mislabelled;
};
struct dataset *planted_dataset(const struct planted_pictures *pictures); /* dataset_close() it */

/* A study of the first `n` pictures of the sample with gradient SIS, one pixel per step, ranked by margin, mean colour,
 * thresholds 0.5, 0.9, 0.99. Fails the test when it cannot be opened. */
struct planted_study {
    struct study study;
    struct sis_identity identity;
};
void planted_study_open(struct planted_study *s, struct planted_model *m, struct dataset *data, int n);
void planted_study_close(struct planted_study *s);

/* The policy's row for a check of this kind with the type's defaults and a limit; id is set. */
struct policy_check planted_policy(const char *kind, enum side side, double limit);

/* Runs the check, completes what is the caller's by check_decide(), and fails the test when a text is missing, is not
 * one line, or holds "nan" or "inf". False and err when the check could not run. check_free() it. */
bool planted_run(struct planted_study *s, const struct policy_check *p, int n, struct check *out, struct err *err);

#endif
