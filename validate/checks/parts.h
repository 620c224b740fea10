/* The deciding parts (SIS) of the sample's pictures at one threshold, as checks use them: sizes, masks, pictures. */
#ifndef MARGINALIA_VALIDATE_CHECKS_PARTS_H
#define MARGINALIA_VALIDATE_CHECKS_PARTS_H

#include "validate/checks/check.h"
#include "validate/study.h"

struct part {
    const struct sis_record *record; /* borrowed from the study */
    int row;                         /* of the sample */
    int size;                        /* pixels, 0..h*w */
};

/* Of those among the first n pictures of the sample that reach the threshold, in rising order of image number. */
struct parts {
    enum baseline baseline;
    enum sis_rank rank;
    double threshold; /* probability */
    int n, asked;     /* asked: pictures searched */
    struct part *part;
};

/* Target: the predicted class; ranked as the validation's identity says. */
bool parts_find(struct study *s, enum baseline b, double threshold, int64_t n, struct parts *out, struct err *err);
void parts_free(struct parts *p);

/* The baseline that all checks use but those that compare baselines. */
enum baseline parts_baseline(const struct study *s);
bool parts_right(const struct study *s, const struct part *p);           /* the picture is answered right */
double parts_share(const struct study *s, const struct part *p);         /* size / pixels */
double parts_probability(const struct parts *all, const struct part *p); /* of the answer, shown the part alone */

/* Three ways to show picture `row` of the sample. alt and caption are taken over. `kept`: the part alone, the others
 * have the baseline that the model saw; `dimmed`: the part on the darkened picture. mask[h*w]: 1 = kept. */
void picture_whole(struct picture *p, const struct study *s, int row, char *alt, char *caption);
void picture_kept(struct picture *p, const struct study *s, int row, const uint8_t *mask, enum baseline b, char *alt,
                  char *caption);
void picture_dimmed(struct picture *p, const struct study *s, int row, const uint8_t *mask, char *alt, char *caption);

/* Sets the fact's three pictures: the whole picture, the part at full size, the part on the dimmed picture. */
void parts_fact(struct fact *fact, const struct study *s, const struct parts *all, const struct part *p);

#endif
