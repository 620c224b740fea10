/* Data sets that are drawn by a test: smooth backgrounds in random colours with noise, a disc in the middle, and a mark
 * somewhere. In a share of the pictures the disc or the mark has a colour that stands for the label, else one that
 * stands for a random class. */
#ifndef MARGINALIA_TESTS_DRAWN_FIXTURE_H
#define MARGINALIA_TESTS_DRAWN_FIXTURE_H

#include "validate/dataset/dataset_checks.h"

enum drawn_mark { MARK_NONE, MARK_FRAME, MARK_CORNER, MARK_INSIDE };

struct drawn {
    int n, side, classes, channels;
    double disc; /* share of the pictures whose disc tells the label; < 0: no disc */
    enum drawn_mark mark;
    double share; /* the same of the mark */
    uint64_t seed;
    /* Filled by drawn_open. */
    struct dataset data;
    struct survey survey;
};

/* MARK_FRAME: 2 pixels wide; MARK_CORNER: bottom right, 4 x 4 pixels; MARK_INSIDE: 4 x 4, a quarter in from the top
 * left corner. Zeroes: channels 3, seed 1. */
void drawn_open(struct drawn *d, int threads);
void drawn_close(struct drawn *d);

/* Runs a check of dataset_check_types and sets its status. False: refused, with err. */
bool drawn_run(struct drawn *d, const char *kind, int width, double limit, struct check *out, struct err *err);
/* The same, which must not be refused. */
void drawn_check(struct drawn *d, const char *kind, int width, double limit, struct check *out);

double drawn_detail(const struct check *c, const char *key, const char *part); /* details.key.part, or .key */

#endif
