/* Sufficient input subsets of images under a classifier: feature = pixel with all its channels, many images in
 * lock-step.
 *
 * Methods
 *   backselect  exact local backward selection (Carter et al. 2021, "Overinterpretation", section 3): evaluates every
 *               remaining pixel in every step.
 *   gradient    Batched Gradient (ibid., section S1): removes per_step pixels at once, those whose removal raises the
 *               value most to first order, that is with the largest sum over channels of (baseline - x) * gradient.
 *   screened    the gradient proposes `candidates` pixels, exact evaluation chooses among them: per_step go at once
 *               while many pixels are left, then one by one (images.c says how).
 *
 * Values are ranked and stored either as the margin z_t - logsumexp(others) or as the probability of the target. Both
 * order alike in exact arithmetic; in float32 the probability saturates and ties push subsets towards the lower border.
 * Probability mode is faithful to the published program: float32 softmax and its gradient in float32, which lacks the
 * part of a sure target; first of equals. A threshold on the
 * probability is turned into one on the stored value by sis_threshold().
 *
 * Results do not depend on batch composition, threads or the order of images. */
#ifndef MARGINALIA_VALIDATE_SIS_IMAGES_H
#define MARGINALIA_VALIDATE_SIS_IMAGES_H

#include "base/classifier.h"
#include "validate/sis/sis.h"

enum sis_method { SIS_BACKSELECT, SIS_GRADIENT, SIS_SCREENED };
enum sis_rank { SIS_MARGIN, SIS_PROBABILITY };
#define SIS_METHOD_WORDS "backselect|gradient|screened"
#define SIS_RANK_WORDS "margin|probability"
const char *sis_method_name(enum sis_method m);
const char *sis_rank_name(enum sis_rank r);

struct sis_settings {
    enum sis_method method;
    enum sis_rank rank;
    int per_step;   /* gradient, screened: >= 1 */
    int candidates; /* screened: >= 1 */
};

/* One image to search, filled by the source. */
struct sis_input {
    float *x;        /* [c,h,w] in: room */
    float *baseline; /* [c,h,w] in: room */
    uint8_t *start;  /* [h*w] in: all 1; pixels set to 0 are masked from the beginning and not searched */
    int target;      /* class, 0..K-1 */
};

/* Inputs 0..n-1. `read` and `done` are called from the caller's thread, `read` in rising order, `done` as soon as an
 * image is finished (order is borrowed during the call). */
struct sis_images {
    int64_t n;
    void *self;
    bool (*read)(void *self, int64_t i, struct sis_input *input, struct err *err);
    bool (*done)(void *self, int64_t i, const struct sis_order *order, struct err *err);
    bool (*stop)(void *self); /* asked between calls of the model; true ends the search early. May be NULL */
    /* Told between calls of the model: images done, those in work counted by their share. May be NULL. */
    void (*tell)(void *self, double images_done);
};

struct sis_counts {
    int64_t gradients, evaluations; /* images sent through the model */
    bool stopped;                   /* by `stop`: not all images are done */
};

bool sis_images_run(const struct classifier *model, const struct sis_settings *s, const struct sis_images *images,
                    struct sis_counts *counts, struct err *err);

/* The stored value from which on the probability of the target is at least p, 0 < p < 1. */
double sis_threshold(enum sis_rank rank, double p);

/* The probability that a stored value stands for. */
double sis_probability(enum sis_rank rank, double value);

/* The value of class t under logits z[classes], as stored. */
double sis_value(enum sis_rank rank, const float *z, int classes, int t);

/* x[c,h,w] with the pixels of mask[h*w] kept and the others from the baseline. Pure kernel; out may be either input. */
void sis_apply(const float *x, const float *baseline, const uint8_t *mask, int c, int pixels, float *out);

#endif
