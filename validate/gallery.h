/* "See for yourself": the deciding parts of pictures that are chosen by a rule, not by hand. */
#ifndef MARGINALIA_VALIDATE_GALLERY_H
#define MARGINALIA_VALIDATE_GALLERY_H

#include "validate/report/report.h"
#include "validate/study.h"

/* Smallest, median and largest parts at the largest threshold, then the first pictures in sample order. */
void gallery_fill(const struct study *s, const struct sis_answer *a, struct report *out);

#endif
