/* Pictures of a data set in a report, whole or a part alone, and the words that go with them. */
#ifndef MARGINALIA_VALIDATE_DATASET_SHOWN_H
#define MARGINALIA_VALIDATE_DATASET_SHOWN_H

#include "validate/checks/check.h"
#include "validate/dataset/survey.h"

/* Texts that go into sentences, to free all at once. */
struct kept {
    int n;
    char **text;
};
const char *kept_add(struct kept *k, char *text); /* takes the text over */
void kept_free(struct kept *k);

/* Adds a picture of the sample (row of the survey's sample) as a network would see it, grey where mask[h*w] is 0; mask
 * NULL: whole. alt and caption are taken over, even when it cannot be read. */
bool shown_add(struct survey *s, struct figure *f, int row, const uint8_t *mask, char *alt, char *caption,
               struct err *err);
/* The same into a fact that has less than three. */
bool shown_add_fact(struct survey *s, struct fact *fact, int row, const uint8_t *mask, char *alt, char *caption,
                    struct err *err);

/* Adds the mean picture of each of n groups: group[i] 0..n-1 of row i of the sample, -1: none; of the first `most` rows
 * of each group. alt and caption are then the caller's to set. */
bool shown_add_means(struct survey *s, struct figure *f, const int *group, int n, int most, struct err *err);

char *shown_class(const struct survey *s, int class); /* its name between curly quotes */

#endif
