/* What can be said about one picture without a model and without looking at others. */
#ifndef MARGINALIA_VALIDATE_DATASET_FACTS_H
#define MARGINALIA_VALIDATE_DATASET_FACTS_H

#include "base/image.h"
#include "validate/dataset/survey.h"

/* Fills content, look, h, w, c, state and all that is seen; leaves label and what only files have.
 *
 * content is over every pixel, 128 bits; not SHA-256, which takes a fifth of a decoder's time. The rest rests on a
 * thumbnail of 32 x 32 areas of equal size and on its luma 0.299 R + 0.587 G + 0.114 B: brightness and colour are its
 * means, contrast the standard deviation of luma, saturation the mean of (max - min) / max over the channels. Of areas
 * more than 4 pixels high, 4 rows are looked at. sharpness: mean absolute difference of neighbouring pixels (right and
 * below) in the second channel, or the only one, along 32 rows. border: mean of the outermost pixels. Blank: no channel
 * of the thumbnail varies by more than 2/255, and sharpness is below 1/255. */
void facts_measure(const struct image8 *in, struct picture_facts *f);

#endif
