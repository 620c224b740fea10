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

/* What a network is opened from. */
struct network_files {
    int n;                                   /* 1: an ordinary network; else the members of an ensemble, */
    const char *const *cfg, *const *weights; /* [n] paths */
    enum combine combine;                    /* whose answers become one like this */
};

/* The door to the framework; bound in main.c, and to planted models in tests. */
struct subject_opener {
    /* Refuses members that take different pictures, tell different classes apart or name different data sets. */
    bool (*open)(const struct network_files *files, int threads, struct network *out, struct err *err);
    void (*close)(struct network *network);
    uint64_t (*state_hash)(const void *self); /* NULL: it has none */
};

struct subject_member {
    char *run;       /* as the ensemble names it; of a single network its run directory or cfg */
    char *directory; /* the run directory, or NULL */
    char *cfg, *weights;
    char cfg_hash[SHA256_HEX], weights_hash[SHA256_HEX];
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
    char *ensemble;           /* its ensemble.conf, or NULL: a single network */
    enum combine combine;
    int n_members; /* >= 1 */
    struct subject_member *member;
    int n_missing;             /* --allow-partial: members left out, */
    char **missing;            /* and why: "member_3 (its final.weights is missing)" */
    const char *cfg, *weights; /* files: the first member's cfg; the weights, or ensemble.conf */
    char *trained_from;        /* the cfg that train was given for the first member, or NULL */
    char *descriptor;          /* of the data set */
    const char *data_dir;      /* --data, or NULL; borrowed from the options */
    /* Of several members: over all their hashes and the rule, so that no other ensemble has the same. */
    char cfg_hash[SHA256_HEX], weights_hash[SHA256_HEX];
    char data_hash[SHA256_HEX];
};

/* A run directory with an ensemble.conf is an ensemble: its members' files are checked as those of a single run are.
 * Refuses weights of a run whose manifest names other ones, and data that do not fit the model. A view's hidden pixels
 * get `baseline`. On failure nothing is left open. */
bool subject_open(const struct subject_options *o, const struct subject_opener *opener, enum baseline baseline,
                  struct subject *s, struct err *err);
void subject_close(struct subject *s);

/* Its network once more; opener->close it. */
bool subject_open_network(const struct subject *s, int threads, struct network *out, struct err *err);

const char *subject_rule(const struct subject *s); /* "logit" or "probability" */
/* The name, with "(2 of 5 members)" when some are left out; free() it. */
char *subject_title(const struct subject *s);

/* Whether there are images at all, n > 0, and the view has masks of all of them in this split: image[n], or the first n
 * when it is NULL. Asked before anything is read. */
bool subject_covers(const struct subject *s, enum split split, const int64_t *image, int64_t n, struct err *err);

/* x[c,h,w] = image i of the split as the model is fed. */
bool subject_read(const struct subject *s, enum split split, int64_t i, float *x, struct err *err);

/* The self-test on a few whole images spread over the split (a view may have masks of some images only). */
bool subject_selftest(const struct subject *s, enum split split, uint64_t seed, struct selftest *out, struct err *err);

#endif
