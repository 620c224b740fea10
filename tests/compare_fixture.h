/* A synthetic comparison of models, as validate/compare/ would hand it to the writers. */
#ifndef MARGINALIA_TESTS_COMPARE_FIXTURE_H
#define MARGINALIA_TESTS_COMPARE_FIXTURE_H

#include "validate/compare/comparison.h"

/* Six questions about each candidate: five measured on pairs (sis.size, border.share, dilation, accuracy, rubbish,
 * which does not gate) and one error. `gain` is what a candidate truly has over the baseline, in units in which 1 is
 * found for sure and 0 is nothing. Decided and described. comparison_free() it. */
struct comparison fixture_comparison(int candidates, double gain);

/* The same without its error, so that the verdict is about pairs. */
struct comparison fixture_comparison_clean(int candidates, double gain);

/* Two models and not one question. */
struct comparison fixture_comparison_empty(void);

/* Names with <&", bytes that are not UTF-8, NaN, n = 0, rows without values, costs that are not known. */
struct comparison fixture_comparison_hostile(void);

#endif
