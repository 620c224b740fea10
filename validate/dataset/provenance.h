/* "How this was measured" of a report on a data set. */
#ifndef MARGINALIA_VALIDATE_DATASET_PROVENANCE_H
#define MARGINALIA_VALIDATE_DATASET_PROVENANCE_H

#include "validate/dataset/suite.h"

/* Fills subject, program, data, policy, date, facts and provenance of `out`, whose verdict is set. */
void provenance_fill_dataset(const struct dataset_suite *s, struct report *out);

#endif
