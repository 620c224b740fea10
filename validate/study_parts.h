/* What study.c and study_search.c share: what a study remembers. */
#ifndef MARGINALIA_VALIDATE_STUDY_PARTS_H
#define MARGINALIA_VALIDATE_STUDY_PARTS_H

#include "validate/study.h"

struct found; /* study_search.c: a search that has been made */

/* Searches and answers that are there already. */
struct study_memory {
    bool answered;
    struct answers answers;
    int n;
    struct found **search; /* [n] */
};

void study_forget_searches(struct study_memory *m);

/* Fills err with EXIT_INTERRUPTED; returns false. */
bool study_interrupted(struct err *err);
bool study_asked_to_stop(const struct study *s);
void study_tell(const struct study *s, const char *what, double done, double total);

#endif
