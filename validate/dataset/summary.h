/* What a report on a data set says before its table: the lead, and what to do next. */
#ifndef MARGINALIA_VALIDATE_DATASET_SUMMARY_H
#define MARGINALIA_VALIDATE_DATASET_SUMMARY_H

#include "validate/dataset/suite.h"

/* From the checks, the suspects and the verdict of `out`. */
void summary_fill_dataset(const struct dataset_suite *s, struct report *out);

#endif
