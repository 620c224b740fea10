/* Pictures made from pictures: what several questions show a model in the place of a whole picture. x[c,h,w] out; i is
 * a picture of the probe, `row` one of the sample. */
#ifndef MARGINALIA_VALIDATE_CHECKS_MADE_H
#define MARGINALIA_VALIDATE_CHECKS_MADE_H

#include "validate/checks/probe.h"

/* The best m pixels, the others hidden. */
void made_best(const struct probe *p, int i, int m, float *x);
/* The same with the best pixels painted in one colour (0 black, 1 white). */
void made_painted(const struct probe *p, int i, int m, float colour, float *x);
/* The same with the colours of the best pixels permuted among them (all channels of a pixel move together). */
void made_shuffled(const struct probe *p, int i, int m, float *x);
/* mask[h*w] = the deciding part at the policy's threshold with its eight neighbours. The part has a pixel at least. */
void made_neighbours(const struct probe *p, int i, uint8_t *mask);

/* Pictures without an object. BLANK: of one colour; the last two are the same for every row. */
enum made_rubbish { RUBBISH_NOISE, RUBBISH_SHUFFLED, RUBBISH_OWN_MEAN, RUBBISH_SET_MEAN, RUBBISH_BLACK, RUBBISH_KINDS };
void made_rubbish(const struct study *s, enum made_rubbish kind, int row, float *x);

#endif
