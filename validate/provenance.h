/* "How this was measured": everything that someone needs to trust a report and to repeat it. */
#ifndef MARGINALIA_VALIDATE_PROVENANCE_H
#define MARGINALIA_VALIDATE_PROVENANCE_H

#include "validate/suite.h"

/* Fills subject, program, data, policy, date, facts and provenance of `out`, whose verdict is set. */
void provenance_fill(const struct suite *s, struct report *out);

#endif
