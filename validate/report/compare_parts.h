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

/* Lead and steps. */
void compare_summary(struct comparison *c, int argc, char **argv);

/* share[pixels] of how many of the pictures have each pixel in the deciding part of that subject; returns the number of
 * pictures that have such a part. */
int compare_heat(const struct comparison *c, int subject, double *share);

#endif
