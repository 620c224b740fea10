/* Per-picture numbers of the checks that have some, kept in their details so that the next release can be compared with
 * this one picture by picture:
 *   "pictures": { "sha256": of the data set, the image numbers and the view, "combine": "mean" or "median", "value": [...] }
 * A value is null for a picture that does not count. */
#ifndef MARGINALIA_VALIDATE_PICTURES_H
#define MARGINALIA_VALIDATE_PICTURES_H

#include "validate/checks/checks.h"

/* Adds them to c->details where the check's kind has them. n: pictures of the sample that it used. */
bool pictures_add(struct study *s, const struct policy_check *p, int64_t n, struct check *c, struct err *err);

#endif
