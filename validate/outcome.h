/* From what a check measured to what the report says of it: limit, status, waiver, and the comparison with the last
 * report. Of models and of data sets alike. */
#ifndef MARGINALIA_VALIDATE_OUTCOME_H
#define MARGINALIA_VALIDATE_OUTCOME_H

#include "validate/policy.h"
#include "validate/previous.h"
#include "validate/report/report.h"
#include "validate/waivers.h"

/* Pictures that a check uses, out of `count`. */
int64_t outcome_pictures(const struct policy_check *p, bool full, int64_t count);

/* Completes a check that has run, or did not (ok false, why): id, limit, status and, when it did not pass, the waiver
 * that the user gave. */
void outcome_complete(const struct policy_check *p, bool ok, const struct err *why, const struct waivers *waivers,
                      struct check *out);

/* Adds behind the policy's checks, which are r->check[0..p->n-1], one for each that `previous` (or NULL) has, too.
 * r->check has room for twice as many. Which side is better: the type says. */
void outcome_compare(const struct policy *p, const struct previous *previous, const struct waivers *waivers,
                     uint64_t seed, struct report *r);

#endif
