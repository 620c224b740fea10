/* What stands in the place of a masked pixel: the choice decides what "masked" means, so it is named in every result.
 */
#ifndef MARGINALIA_DATASETS_BASELINE_H
#define MARGINALIA_DATASETS_BASELINE_H

#include <stdbool.h>
#include <stdint.h>
#include "datasets/dataset.h"

enum baseline {
    BASELINE_MEAN, /* the data set's mean colour (the published choice: 0 after normalisation) */
    BASELINE_BLACK,
    BASELINE_BLUR,      /* the image under a Gaussian of standard deviation (h + w) / 16, edges repeated */
    BASELINE_NOISE,     /* uniform in [0,1], keyed by (seed, image) */
    BASELINE_IMAGE_MEAN /* the mean colour of the image itself */
};

/* Words of the command line, of policies and results; the index is the enum. */
#define BASELINE_WORDS "mean|black|blur|noise|image-mean"
const char *baseline_name(enum baseline b);
bool baseline_parse(const char *word, enum baseline *out);

/* out[c,h,w] for x[c,h,w], image `index` of its split. mean[c]: the data set's. out may not overlap x. */
void baseline_fill(enum baseline b, const float *x, int c, int h, int w, const float *mean, uint64_t seed,
                   int64_t index, float *out);

#endif
