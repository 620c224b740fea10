/* The parts of comparison_describe(). */
#ifndef MARGINALIA_VALIDATE_REPORT_COMPARE_PARTS_H
#define MARGINALIA_VALIDATE_REPORT_COMPARE_PARTS_H

#include "validate/report/compare_words.h"

/* Figures of one row: pictures of where the deciding pixels are, pairs as dots, both values as rows. */
void compare_figures(struct comparison *c, int row);

/* The pictures of a row's fact. */
void compare_fact_pictures(struct comparison *c, int row);

/* Deciding parts of both models on the same pictures, by rule. */
void compare_gallery(struct comparison *c);

/* A picture on which the baseline and a candidate have a deciding part. */
struct growth {
    int picture, growth; /* pixels that the part of the candidate has more */
};
/* list[n_pictures], the largest growth first; returns how many. */
int compare_pairs(const struct comparison *c, int subject, struct growth *list);

/* With their text for readers who cannot see; no caption. */
void compare_show_whole(const struct comparison *c, int i, struct picture *out);
void compare_show_part(const struct comparison *c, int i, int subject, struct picture *out);
char *compare_pixels(const struct comparison *c, int i, int subject); /* "88 pixels of resnet20"; free() it */

/* Lead and steps. */
void compare_summary(struct comparison *c, int argc, char **argv);

/* share[pixels] of how many of the pictures have each pixel in the deciding part of that subject; returns the number of
 * pictures that have such a part. */
int compare_heat(const struct comparison *c, int subject, double *share);

#endif
