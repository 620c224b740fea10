/* The sections of the page, and the models that most of them are about. */
#ifndef MARGINALIA_TOOLS_STUDY_PAGE_SECTIONS_H
#define MARGINALIA_TOOLS_STUDY_PAGE_SECTIONS_H

#include "tools/study_page/page.h"

/* The page DIR/results.md and its drawings, from OUT. The old page stays as it was when OUT cannot be read. */
bool study_page(const char *out, const char *directory, struct err *err);

/* Each writes what its steps found; false: a file of a step that was run cannot be read. */
bool section_accuracy(struct page *p, struct err *err);    /* 1 */
bool section_subsets(struct page *p, struct err *err);     /* 2 */
bool section_transfer(struct page *p, struct err *err);    /* 3 */
bool section_retraining(struct page *p, struct err *err);  /* 4 */
bool section_mitigations(struct page *p, struct err *err); /* 5 */
bool section_borders(struct page *p, struct err *err);     /* 6 */
bool section_power(struct page *p, struct err *err);       /* 7 */
bool section_speed(struct page *p, struct err *err);       /* 8 */

/* After all sections: an item of what differs, if steps were made of networks that have been trained anew since. */
void name_mixed_networks(struct page *p);

/* Models that differ in their seed alone. */
struct family {
    const char *name, *brief; /* "ResNet-20, input dropout", "dropout" */
    const char *prefix;       /* models are PREFIX_1, PREFIX_2, ..., */
    int seeds;                /* or, 0, PREFIX alone */
};
enum {
    FAMILY_PLAIN,
    FAMILY_DROPOUT,
    FAMILY_ENSEMBLE_3,
    FAMILY_ENSEMBLE_5,
    FAMILY_DISTILLED,
    FAMILY_RESNET18,
    FAMILY_VGG16,
    FAMILIES
};
enum { MOST_SEEDS = 8 }; /* and most of whatever is averaged */
extern const struct family families[FAMILIES];

int family_models(const struct family *f);                                    /* 1 at least */
const char *family_model(struct page *p, const struct family *f, int number); /* number 1.. family_models() */

/* One number of several models that differ in their seed; unknown where a step was not run. */
struct values {
    int n;
    struct estimate of[MOST_SEEDS];
};
int values_known(const struct values *v);
/* Of those that are known: "91.0% (90.4% to 91.5%); 90.2% (...)", and their seeds: "1, 3 of 5". None known: why. */
const char *values_text(struct page *p, const struct values *v, enum unit unit);
const char *values_seeds(struct page *p, const struct values *v);
/* Mean and range of the known ones; of a single one the value and its interval. n: how many are known. */
struct estimate values_summary(const struct values *v);
/* The summary in words where there are several: "mean 91.0% (90.8% to 91.2%)"; else "". */
const char *values_mean(struct page *p, const struct values *v, enum unit unit);
int64_t values_pictures(const struct values *v); /* n of the first that is known; 0: none */

/* A plot with a row for each of several values that are known: their mean and range, or value and interval. Shares
 * begin at the last multiple of 20 % below the lowest. */
struct bars {
    struct figure figure;
};
void bars_begin(struct bars *b, const char *heading, const char *label, enum unit unit);
void bars_add(struct bars *b, const char *name, const struct values *v, enum tone tone);
void bars_show(struct page *p, const char *name, struct bars *b); /* nothing when there is no row; frees b */

/* The check of a kind, or an id, of OUT/STEP/FILE; unknown when STEP was not run. */
bool read_check(const struct runs *s, const char *step, const char *file, const char *kind, struct estimate *out,
                struct err *err);
/* Right answers of a training OUT/STEP/manifest.json; unknown when it was not run. */
bool read_training(const struct runs *s, const char *step, int draws, struct estimate *out, struct err *err);
/* Right answers of a model on whole pictures: a network's by its manifest, an ensemble's by its report. */
bool read_accuracy(struct page *p, const char *model, struct estimate *out, struct err *err);

#endif
