/* The only way a number reaches a report: half rounds up, U+2212 for minus, thousands with a comma, no "nan". All
 * return texts to free(). */
#ifndef MARGINALIA_VALIDATE_REPORT_FORMAT_H
#define MARGINALIA_VALIDATE_REPORT_FORMAT_H

#include <stdint.h>
#include "validate/checks/check.h"

/* A value with `decimals` behind the point, in its unit: "8.8%", "+2.4 points", "2.7\u00d7" (the sign), "0.031". "not
 * measured" when it is not finite. */
char *format_value(double value, enum unit unit, int decimals);

/* Decimals for an estimate and its limit: value and bounds share them, and they are enough to tell the nearer bound
 * from the limit (1.14 against 1.10, not 1.1 against 1.1); 2 to 3 figures otherwise. */
int format_decimals(const struct estimate *e, enum unit unit, enum side side, double limit);

/* Decimals that write a finite limit as the policy does. */
int format_exact_decimals(double limit, enum unit unit);

/* "62% to 75%"; "" when low = high = value. */
char *format_interval(const struct estimate *e, enum unit unit, int decimals);
/* "at most 1.10x", "at least 15%"; "" without a limit. Exact: a share has as many decimals as its limit needs, anything
 * else at least `decimals`. */
char *format_limit(enum side side, double limit, enum unit unit, int decimals);
char *format_count(int64_t n); /* "10,000" */

/* A change: a rise carries its sign in every unit. "+0.2 points", "+0.06"; "\u22120.4 to +1.6", without the unit. */
char *format_change(double change, enum unit unit, int decimals);
char *format_change_interval(const struct estimate *e, enum unit unit, int decimals);

/* Two to three figures in the unit that fits: "1.32 ms", "41 s", "2 h 6 min"; "not known" when it is not finite. */
char *format_duration(double seconds);
char *format_bytes(double bytes); /* "2.1 MB", of a million */

#endif
