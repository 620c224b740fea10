/* What the ranks of a job (base/ranks.h) must have in common before they work together. All ranks make these calls; one
 * rank alone agrees with itself. */
#ifndef MARGINALIA_VALIDATE_TOGETHER_H
#define MARGINALIA_VALIDATE_TOGETHER_H

#include "validate/subject.h"

/* The same model, data set, view, instruction set and program. */
bool together_subject(const struct subject *s, struct err *err);

#endif
