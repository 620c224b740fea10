/* What a report says before its table: the lead, and what to do next. */
#ifndef MARGINALIA_VALIDATE_SUMMARY_H
#define MARGINALIA_VALIDATE_SUMMARY_H

#include "validate/suite.h"

/* From the checks and the verdict of `out`. */
void summary_fill(const struct suite *s, struct report *out);

#endif
