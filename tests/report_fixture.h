/* A synthetic report with all statuses, all kinds of figures and pictures that look like pictures. */
#ifndef MARGINALIA_TESTS_REPORT_FIXTURE_H
#define MARGINALIA_TESTS_REPORT_FIXTURE_H

#include "validate/report/report.h"

/* report_free() it. */
struct report fixture_report(void);

/* A picture of 32 x 32, or with `keep` about that many of its pixels, most of them near the border. */
struct picture fixture_picture(uint64_t seed, int keep, const char *alt, const char *caption);

/* No checks, no pictures, no steps, no facts. */
struct report fixture_report_empty(void);

/* What a hostile data set or a broken check could bring: names with <&", bytes that are not UTF-8, NaN, n = 0, figures
 * without rows, points or axes. */
struct report fixture_report_hostile(void);

#endif
