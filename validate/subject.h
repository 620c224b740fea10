/* What a command judges: a model as a struct classifier, its data, and where both come from. */
#ifndef MARGINALIA_VALIDATE_SUBJECT_H
#define MARGINALIA_VALIDATE_SUBJECT_H

#include "base/classifier.h"
#include "datasets/picture.h"
#include "validate/options.h"
#include "validate/selftest.h"

/* A network and its weights, opened by whoever knows the framework. Texts are owned by it. */
struct network {
    void *self;
    struct classifier classifier;
    const char *dataset; /* descriptor, as the cfg names it; NULL: it names none */
    float test_resize;   /* struct augment */
    int64_t parameters;
    const char *isa, *engine;
};

/* The door to the framework; bound in main.c, and to planted models in tests. */
struct subject_opener {
    bool (*open)(const char *cfg, const char *weights, int threads, struct network *out, struct err *err);
    void (*close)(struct network *network);
    uint64_t (*state_hash)(const void *self); /* NULL: it has none */
};

struct subject {
    const struct subject_opener *opener;
    struct network network;
    const struct classifier *model; /* network.classifier */
    struct dataset *data;
    struct augment geometry;  /* from an image of the data set to what the model is fed, as its training tested it */
    struct masked_view *view; /* what the model sees of it; NULL: everything */
    char *name;               /* of the run directory, or of the cfg */
    char *directory;          /* the run directory, or NULL */
    char *cfg, *weights;      /* files */
    char *trained_from;       /* the cfg that train was given, or NULL */
    char *descriptor;         /* of the data set */
    const char *data_dir;     /* --data, or NULL; borrowed from the options */
    char cfg_hash[SHA256_HEX], weights_hash[SHA256_HEX], data_hash[SHA256_HEX];
};

/* Refuses weights of a run whose manifest names other ones, and data that do not fit the model. A view's hidden pixels
 * get `baseline`. On failure nothing is left open. */
bool subject_open(const struct subject_options *o, const struct subject_opener *opener, enum baseline baseline,
                  struct subject *s, struct err *err);
void subject_close(struct subject *s);

/* Whether the view has masks of all these images of the split: image[n], or the first n when it is NULL. Asked before a
 * long search. */
bool subject_covers(const struct subject *s, enum split split, const int64_t *image, int64_t n, struct err *err);

/* x[c,h,w] = image i of the split as the model is fed. */
bool subject_read(const struct subject *s, enum split split, int64_t i, float *x, struct err *err);

/* The self-test on a few whole images spread over the split (a view may have masks of some images only). */
bool subject_selftest(const struct subject *s, enum split split, uint64_t seed, struct selftest *out, struct err *err);

#endif
