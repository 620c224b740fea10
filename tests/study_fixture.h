/* Records of searches with parts that are known. */
#ifndef MARGINALIA_TESTS_STUDY_FIXTURE_H
#define MARGINALIA_TESTS_STUDY_FIXTURE_H

#include "tools/study_page/sis_summary.h"
#include "validate/sis/store.h"

/* Pictures of 12 x 12: 128 pixels within 4 of the edge, 48 in the lower 4 rows, 16 in the middle. */
enum { SIDE = 12, PIXELS = SIDE * SIDE };

/* A picture whose `size` pixels from `first` on reach the probability 0.9 alone; the whole one has `whole`. Free it
 * with sis_record_free. */
struct sis_record study_record(int64_t image, bool right, int first, int size, double whole);

/* What a search of such pictures, ranked by probability, is summarized to at the thresholds 0.5 and 0.9. Frees the
 * records; sis_summary_free it. */
struct sis_summary study_summary(struct sis_record *record, int n);

#endif
