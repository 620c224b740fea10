/* Wording that checks share: numbers in sentences, and the words that fit an outcome. Every number goes through
 * validate/report/format.h, so that it has the same spelling wherever it stands. All texts returned as char * are to
 * free(). */
#ifndef MARGINALIA_VALIDATE_CHECKS_TEXT_H
#define MARGINALIA_VALIDATE_CHECKS_TEXT_H

#include "validate/checks/check.h"
#include "validate/policy.h"
#include "validate/study.h"

/* The check's own result: "8.8% (95% interval 7.4% to 9.4%, n = 200)", with the decimals that its limit asks for;
 * text_value: "8.8%" alone, spelled alike; text_brackets: the rest. */
char *text_estimate(const struct estimate *e, enum unit unit, const struct policy_check *p);
char *text_brackets(const struct estimate *e, enum unit unit, const struct policy_check *p);
char *text_value(const struct estimate *e, enum unit unit, const struct policy_check *p);

/* A control beside it: "19% (14% to 25%)"; "19%" when low = high. */
char *text_control(const struct estimate *e, enum unit unit);

char *text_number(double value, enum unit unit); /* 2 to 3 figures: "8.8%" */
char *text_level(double probability);            /* as a person would write a threshold: 0.99 -> "99%", 0.5 -> "50%" */
char *text_sure(double probability);             /* a measured one, 0.9931 -> "99%", 0.996 -> "99.6%" */
char *text_n(int64_t n);                         /* "n = 10,000", with no-break spaces */
char *text_class(const struct study *s, int k);  /* the class's name between curly quotes */

/* What the limit asks for, as the end of a fact: "The policy asks for at least 15%."; "" without a limit. */
char *text_limit(const struct estimate *e, enum unit unit, const struct policy_check *p);

/* The words for the status that follows from the estimate: `fail` beyond the limit, `open` when the interval straddles
 * it, `pass` otherwise (so also without a limit). Borrowed. */
const char *text_choose(const struct estimate *e, const struct policy_check *p, const char *pass, const char *fail,
                        const char *open);

/* The paragraph "Do": as text_choose; when the interval straddles the limit it says how many pictures would decide. */
char *text_act(const struct estimate *e, const struct policy_check *p, const char *pass, const char *fail);

/* Sets the description of ROWS from its rows: "50% sure: 3.5% (2.7% to 3.9%); ...". */
void text_describe_rows(struct figure *f);

#endif
