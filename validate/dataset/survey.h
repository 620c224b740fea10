/* What the checks of `validate dataset` share: one pass over every picture of both splits for what needs no model
 * (facts), and a random sample of pictures for what does (probes). Checks ask for what they need; what is there already
 * is not made again. */
#ifndef MARGINALIA_VALIDATE_DATASET_SURVEY_H
#define MARGINALIA_VALIDATE_DATASET_SURVEY_H

#include "base/progress.h"
#include "base/team.h"
#include "datasets/picture.h"

enum picture_state { PICTURE_GOOD, PICTURE_UNREADABLE, PICTURE_BLANK };

/* One picture, about 120 bytes. Colours and brightness in [0,1]; what a packed format does not have is 0. */
struct picture_facts {
    uint8_t content[16]; /* a hash of shape and pixels: the same for exact duplicates (facts.h says how it is made) */
    uint64_t look[4];    /* perceptual hash (validate/dataset/look.h) */
    int64_t file_bytes;
    int32_t label;
    uint16_t h, w;        /* as stored */
    uint8_t c, state;     /* enum picture_state */
    uint8_t jpeg_quality; /* 1..100 by its quantisation tables; 0: no JPEG */
    uint32_t encoder;     /* a hash of what an encoder leaves in a JPEG's header (tables, subsampling, markers) */
    float brightness, contrast, sharpness, saturation, colour[3],
        border[3]; /* means; border: of the outermost pixels */
};

/* A picture that could not be used, and why. */
struct complaint {
    enum split split;
    int64_t image;
    char *text; /* names the file */
};

struct survey {
    /* Borrowed, set by the caller. */
    const struct dataset *data;
    const char *descriptor;         /* its path, for training */
    const char *data_dir;           /* --data, or NULL */
    const struct masked_view *view; /* --view, or NULL */
    const char *masks[2];           /* --masks: directories of `validate sis`, by split; NULL */
    const char *cfg;                /* --cfg: the network that --full trains; NULL: a small one made for this set */
    const char *directory;          /* of the report: trainings and files go there */
    const char *program;            /* argv[0], beside which `train` is found */
    struct progress *progress;      /* may be NULL */
    bool (*stop)(void);             /* NULL: never */
    struct team *team;
    uint64_t seed;
    bool full;
    bool replace; /* trainings of other settings in the directory are replaced; false: refused */

    /* Filled by survey_open. */
    struct augment geometry; /* of the sample's pictures */
    enum split split;        /* that the sample is drawn from: train, or test when there is no other */

    /* Filled by survey_facts: [count[split]] or NULL when the split is empty. */
    struct picture_facts *facts[2];
    int n_complaints; /* the first 1,000 */
    struct complaint *complaint;

    /* Filled by survey_sample: readable pictures in rising order of image number. */
    int n;
    int64_t *image;
    int *label;
    uint8_t *fold; /* 0..SURVEY_FOLDS-1, drawn at random */

    struct duplicates *duplicates; /* NULL until duplicates_find() (duplicates.h) */
    struct survey_memory *memory;  /* private */
};

enum { SURVEY_FOLDS = 5 };

/* `s`: zeroed but for what the caller sets. */
bool survey_open(struct survey *s, struct err *err);
void survey_close(struct survey *s);

/* One pass over all pictures of both splits, on all threads; each file is read once. Made once. A picture that cannot
 * be read is a complaint, not a failure. False: interrupted (EXIT_INTERRUPTED), or not one picture is readable. */
bool survey_facts(struct survey *s, struct err *err);

/* Draws `n` pictures (0: all) from the split, keyed by the seed. A later call with a larger n adds to what is there
 * (folds stay, places k change); one with a smaller n finds its sample made. Needs no survey_facts: a picture that
 * cannot be read is replaced by the next one drawn. (Unless the facts are there or the set is packed, each picture is
 * read once to see whether it can be.) */
bool survey_sample(struct survey *s, int64_t n, struct err *err);

/* What a pass makes: item i of an array for number i. */
struct survey_made {
    void *array;
    size_t size; /* of an item, in bytes */
};

/* visit(self, worker, i, x): picture row[i] of the sample as x[c,h,w], for i = 0..n-1, from worker 0..threads-1; several
 * at once, in no particular order. It fills item i of made[n_made]. The ranks of a job share it, as in survey_share.
 * `what` is for the progress line. */
bool survey_visit(struct survey *s, const char *what, const int *row, int n,
                  void (*visit)(void *self, int worker, int i, const float *x), void *self,
                  const struct survey_made *made, int n_made, struct err *err);

/* One picture of any split as it is stored. */
bool survey_read(struct survey *s, enum split split, int64_t image, struct image8 *out, struct err *err);

/* Who always names the most frequent class of the sample is right in this share. */
double survey_majority(const struct survey *s);

/* work(self, worker, i, err) for i = 0..n-1 on the whole team, several at once; numbers are handed out in rising order.
 * False: interrupted, or a work was false; the error is that of the smallest such i, and no further work is begun. */
bool survey_each(const struct survey *s, const char *what, int64_t n,
                 bool (*work)(void *self, int worker, int64_t i, struct err *err), void *self, struct err *err);

/* The same, and the ranks of a job (base/ranks.h) share the numbers: item i of made[n_made] is all that work(i) leaves
 * behind, and in the end all ranks have all items. Of several ranks that fail, the first says why. */
bool survey_share(const struct survey *s, const char *what, int64_t n,
                  bool (*work)(void *self, int worker, int64_t i, struct err *err), void *self,
                  const struct survey_made *made, int n_made, struct err *err);

/* Fills err with EXIT_INTERRUPTED and returns false when the user asked to stop. Several ranks go on until their next
 * survey_share: they stop together. */
bool survey_goes_on(const struct survey *s, struct err *err);
/* The same for all ranks together, which all call it. */
bool survey_all_go_on(const struct survey *s, struct err *err);
void survey_tell(const struct survey *s, const char *what, double done, double total);

/* Pictures that somebody should look at, for --export-suspects and the report: collected by checks. */
struct suspect {
    enum split split;
    int64_t image;
    const char *check; /* borrowed: its kind */
    char *why;         /* owned: "same picture as train/cat/3.png, other label" */
};
void survey_suspect(struct survey *s, enum split split, int64_t image, const char *check, char *why);
int survey_suspects(const struct survey *s, const struct suspect **out);

#endif
