/* Every word that depends on the kind of a report or on a status stands in the tables of words.c, and a check's numbers
 * are spelled once, here, for all writers. */
#ifndef MARGINALIA_VALIDATE_REPORT_WORDS_H
#define MARGINALIA_VALIDATE_REPORT_WORDS_H

#include "validate/report/report.h"

/* The statuses in the order in which a report shows them. */
enum { N_STATUSES = 6 };
extern const enum check_status words_statuses[N_STATUSES];

const char *words_counted(enum check_status s);                    /* "failed", as in "5 failed" */
char *words_counts(const struct report *r);                        /* "5 failed, 1 waived"; free() it */
const char *words_command(enum report_kind kind);                  /* "validate model" */
const char *words_name(enum report_kind kind);                     /* "model" */
const char *words_verdict_class(const struct report *r);           /* "bad", "good" or "open" */
const char *words_exit(enum report_kind kind, enum exit_status s); /* "a check failed" */

/* A word and its meaning, for readers who meet it here first; ends with a NULL word. */
struct words_entry {
    const char *word, *meaning;
};
const struct words_entry *words_glossary(enum report_kind kind); /* may be empty */

/* The numbers of one check as every writer prints them; all texts are owned. */
struct result {
    char *value;    /* "8.8%"; "not measured" */
    char *interval; /* "7.4% to 9.4%"; "" when everything was counted, or nothing */
    char *limit;    /* "at least 15%"; "" without */
    char *n;        /* "n = 200", no-break spaces */
    char *needed;   /* "about 900", or "" */
};
struct result result_of(const struct check *c);
void result_free(struct result *t);

/* "7.4% to 9.4%, n = 200", or what stands for it; free() it. */
char *result_basis(const struct check *c, const struct result *t);

#endif
