/* "What to do next": steps that reports on models and on data sets have in common. */
#ifndef MARGINALIA_VALIDATE_STEPS_H
#define MARGINALIA_VALIDATE_STEPS_H

#include "validate/report/report.h"

enum { STEPS_MOST = 6 }; /* room that r->step needs; what is too much is left out */

/* Takes over both texts; the command may be NULL. */
void steps_add(struct report *r, char *text, char *command);

/* What the failed checks ask for, the furthest beyond its limit first; each text once. `said`: the kind of check whose
 * advice the caller gives, or NULL. */
void steps_add_failures(struct report *r, const char *said);
/* How to run those that could not. */
void steps_add_errors(struct report *r, int argc, char **argv);
/* How to settle the inconclusive ones: --full, or more of `pictures` ("test pictures"). */
void steps_add_undecided(struct report *r, int argc, char **argv, bool full, const char *pictures);

char *steps_count(int n); /* "3 checks", "1 check"; free() it */

#endif
