/* What a part of a picture looks like, as numbers for a linear classifier (base/ridge.h): its colours, what is where,
 * and its edges and textures. The part's pixels are copied out first, so that nothing outside of it has any effect.
 *
 *   colours    mean, standard deviation, minimum and maximum of each channel, and a histogram
 *   cells      mean colour of square cells, as small as `cells` at most allow: for few pixels each pixel is one
 *   filters    responses to random 3 x 3 filters, both signs rectified, averaged over the part's four quadrants; hidden
 *              neighbours have the part's mean colour. Random filters are a
 *              known stand-in for learnt ones (Saxe et al., "On random weights and unsupervised feature learning", ICML
 *              2011); filters cut from the pictures told no more here.
 *
 * Pure: no file, no randomness but the seed's. The number of features does not grow with the pictures' size. */
#ifndef MARGINALIA_VALIDATE_DATASET_FEATURES_H
#define MARGINALIA_VALIDATE_DATASET_FEATURES_H

#include <stdint.h>

enum { FEATURES_TAPS = 9, FEATURES_QUADRANTS = 4 };

struct features {
    int c, h, w;              /* of the pictures; c = 1 or 3 */
    int pixels;               /* of the part */
    int d;                    /* features */
    int bins, cells, filters; /* of the histogram; in use */
    int32_t *place;           /* [pixels] in the picture, quadrant by quadrant */
    int32_t *cell;            /* [pixels] 0..cells-1 */
    float *cell_share;        /* [cells] 1 / its pixels */
    /* Windows in blocks of equal quadrant, filled up with windows that see nothing: [slots] */
    int slots;
    int32_t *neighbour;                   /* [FEATURES_TAPS,slots] 0..pixels; `pixels`: hidden */
    int quadrant_end[FEATURES_QUADRANTS]; /* slots */
    int quadrant_pixels[FEATURES_QUADRANTS];
    float *filter; /* [filters,c,FEATURES_TAPS] of length 1 */
};

/* mask[h*w], 1 = in the part, at least one pixel. cells >= 1: at most so many; filters >= 0. */
void features_open(struct features *f, const uint8_t *mask, int c, int h, int w, int cells, int filters, uint64_t seed);
void features_close(struct features *f);

/* Floats of work space for one call of features_measure. */
int64_t features_scratch(const struct features *f);
/* out[d] of x[c,h,w] in [0,1]. From any thread, with its own scratch. */
void features_measure(const struct features *f, const float *x, float *scratch, float *out);

#endif
