/* A comparison of models as data: A, the baseline, against B, C, ..., on the same pictures, question by question.
 * Made by validate/compare/, printed by validate/report/: all writers print this struct, so they cannot disagree.
 *
 * It stands on struct report (kind REPORT_COMPARE): report.check[] holds one check per candidate and question,
 * candidate by candidate, each in the policy's order; paired[] stands beside it, row by row. In such a check
 *   estimate  is the change from A to the candidate, over pairs, with the simultaneous interval that decides
 *   unit      is that of the change: UNIT_POINTS where the values are shares, UNIT_NUMBER where they are not
 *   side      is the side on which a model is better: SIDE_AT_LEAST: a rise is an improvement
 *   limit     is the change that is still no worse: -margin for SIDE_AT_LEAST, +margin for SIDE_AT_MOST; from the other
 *             side of zero on, beyond the margin there, it is better
 *   status    PASS better or no worse, FAIL worse, INCONCLUSIVE undecided, ERROR, REPORTED when it does not gate
 * Kind, question, asks, measure and details are filled by who measures; found, means, act, fact and figures by
 * comparison_describe(). */
#ifndef MARGINALIA_VALIDATE_COMPARE_COMPARISON_H
#define MARGINALIA_VALIDATE_COMPARE_COMPARISON_H

#include "base/file.h"
#include "validate/report/report.h"

enum { COMPARISON_MOST = 26 }; /* models: A to Z */

/* Of the change that is good for the candidate (turned round where less is better), with its interval [low, high]. What
 * lies within the margin on either side is indifferent: two trainings of one network differ by that much, and pictures
 * cannot tell them from models that are better. So B is better than A exactly when A is worse than B. */
enum change {
    CHANGE_BETTER,    /* low > margin */
    CHANGE_NO_WORSE,  /* otherwise low >= -margin */
    CHANGE_WORSE,     /* high < -margin */
    CHANGE_UNDECIDED, /* anything else, or too few pairs */
    CHANGE_ERROR      /* it could not be measured; never counted as better */
};
const char *change_name(enum change c); /* "better", "no worse", "worse", "undecided", "error" */

/* What goes with report.check[i]. */
struct paired {
    int candidate;        /* its subject, 1 .. n_subjects - 1 */
    enum change change;   /* also of a question that does not gate */
    bool guards;          /* being better here is no evidence of better reasons (accuracy, calibration): it can make the
                             verdict worse or undecided, never better */
    bool counted;         /* each value is 0 or 1: an answer that is right, stays, is lost */
    bool median;          /* the change is the median of the changes; else their mean */
    double margin;        /* >= 0, in the unit of the change: a change of up to this is indifferent; NaN: the policy has
                             none, which counts as 0 */
    enum unit unit;       /* of the values below */
    struct estimate a, b; /* what each model has on these pairs: median or mean, with its own 95 % interval */
    int n;                /* pairs = check.estimate.n; 0 after an error */
    int64_t *image;       /* [n] number in the split; of a made-up picture: of the one it was made from */
    double *value[2];     /* [n] of A, of the candidate */
    int64_t rose, fell;   /* pairs whose value is larger, smaller for the candidate; the others are equal */
    struct estimate second; /* a second look that decides nothing: the mean change where the measure is the median; n =
                               0: none */
    double p_value; /* McNemar's exact test, two-sided, where `counted`; else NaN. The interval holds no change when it
                       is above 1 - confidence */
};

/* A model that is compared. What is not known is NaN or -1. */
struct comparison_subject {
    char letter;          /* 'A' is the baseline */
    char *name;           /* unique among the subjects: "resnet20" */
    char *path;           /* run directory, as given */
    int members;          /* of an ensemble; 1: a single network */
    int64_t parameters;   /* of all members */
    double training_s;    /* computing time of its training by the manifest; an ensemble: the sum over its members */
    int training_threads; /* that it ran with; -1: not known, or not the same for all members */
    double inference_s;   /* one picture in a full batch: median over passes that alternate between the models */
    double inference_low_s, inference_high_s; /* its quartiles */
    double memory_bytes;                      /* by which the process grew for it: parameters and workspace */
    int batch;                                /* pictures per pass */
    char cfg[SHA256_HEX], weights[SHA256_HEX];
    enum exit_status verdict; /* of a candidate against A: EXIT_OK, _FAILED_CHECK, _INCONCLUSIVE, _CANNOT_RUN */
    /* Answers to the sample, in its order: [n_pictures] */
    int *predicted;
    float *confidence;
    int *part;        /* pixels of the deciding part at `threshold`; -1: the whole picture does not reach it */
    float *part_sure; /* probability of the answer when the part is shown alone; NaN where there is none */
};

struct comparison_picture {
    int64_t image; /* number in the split, rising */
    int label;
    const char *class_name; /* of the label; borrowed */
};

struct comparison {
    struct report report;  /* [n_checks] rows; its verdict is that of the whole */
    struct paired *paired; /* [report.n_checks] */
    int n_questions;       /* rows per candidate */
    int n_subjects;
    struct comparison_subject *subject; /* [n_subjects], A first */
    bool needs_better; /* the policy's require = "better": without a better question the verdict is undecided */
    double confidence; /* of each interval: 1 - 0.05 / decisions */
    int decisions;     /* gating questions times candidates (Bonferroni) */
    int draws;         /* bootstrap resamples of each interval */
    const char *const *class_name; /* [classes] of the data set; borrowed */
    int classes;

    /* The pictures whose deciding parts were searched in every model, for the gallery. 0: no question needed any. */
    int n_pictures;
    struct comparison_picture *picture; /* [n_pictures] */
    double threshold;                   /* probability at which the parts above are cut */
    int pixels;                         /* of a picture, h * w */
    int width;                          /* of the border ring that was asked about in pixels; 0: not asked */
    /* Fills *out (alt and caption stay NULL): picture i whole (subject -1), or the deciding part of that subject with
     * all other pixels as the model saw them hidden. Valid until the studies are closed; NULL: there are no pictures.
     */
    void (*show)(void *shower, int i, int subject, struct picture *out);
    /* mask[pixels] = 1 for the deciding part of that subject on picture i; all 0 when it has none. */
    void (*mask)(void *shower, int i, int subject, uint8_t *mask);
    void *shower; /* borrowed */

    int n_former;               /* other policies by which the same models were compared in this directory before: */
    char (*former)[SHA256_HEX]; /* [n_former] their hashes; the report says so */
};

void comparison_free(struct comparison *c); /* what it owns, not c */

/* decide.c: the rules above. margin NaN: as 0. NaN anywhere in the estimate: CHANGE_ERROR. */
enum change comparison_change(const struct estimate *e, enum side good, double margin);
/* Fills every candidate's verdict and that of the report: a gating question worse: EXIT_FAILED_CHECK; else any question
 * with an error: EXIT_CANNOT_RUN; else a gating one undecided, or (needs_better) none that gates and does not only
 * guard better: EXIT_INCONCLUSIVE; else EXIT_OK. Of the whole: EXIT_FAILED_CHECK if any candidate has it, else
 * EXIT_CANNOT_RUN, else EXIT_INCONCLUSIVE, else EXIT_OK. */
void comparison_decide(struct comparison *c);

/* validate/report/compare*.c: texts, figures and gallery of a comparison whose numbers, decisions, provenance and facts
 * of "How this was measured" are there: found, means, act, fact and figures of each check, and of the report lead,
 * steps and gallery. argc, argv: the command line. */
void comparison_describe(struct comparison *c, int argc, char **argv);
/* report.json, compare.html, report.md and report.xml in `directory`. */
bool comparison_save(const struct comparison *c, const char *directory, struct err *err);
/* The table: one line per question and candidate, costs, verdict. */
void comparison_terminal(const struct comparison *c, FILE *out, bool colour);

#endif
