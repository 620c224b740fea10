/* The proof behind every number: each subset that a search returned is shown to the model again, and must reach its
 * threshold. */
#ifndef MARGINALIA_VALIDATE_SUFFICIENCY_H
#define MARGINALIA_VALIDATE_SUFFICIENCY_H

#include "validate/sis/store.h"
#include "validate/subject.h"

struct sufficiency {
    int64_t subsets;     /* evaluated again */
    int64_t failed;      /* that do not reach their threshold (or give NaN) */
    int64_t first_image; /* that has one of them */
};

/* Of records[n] at every threshold of `identity`, and of their collections at the largest; the ranks of a job share the
 * records, which all of them have. `stop` is asked between images (NULL: never); then err->status is EXIT_INTERRUPTED.
 */
bool sufficiency_check(const struct subject *s, const struct sis_identity *identity, const struct sis_record *record,
                       int64_t n, bool (*stop)(void), struct sufficiency *out, struct err *err);

#endif
