/* The result of one check. Terminal, HTML, Markdown, JSON and JUnit all print this struct, so they cannot disagree. */
#ifndef MARGINALIA_VALIDATE_CHECKS_CHECK_H
#define MARGINALIA_VALIDATE_CHECKS_CHECK_H

#include <jansson.h>
#include "base/err.h"
#include "validate/checks/figure.h"

enum check_status {
    CHECK_PASS,         /* the whole interval is on the good side of the limit */
    CHECK_FAIL,         /* the whole interval is on the bad side */
    CHECK_INCONCLUSIVE, /* the interval straddles the limit, or too few pictures */
    CHECK_ERROR,        /* it could not run; never a pass */
    CHECK_WAIVED,       /* it did not pass, and the user gave a reason to go on */
    CHECK_REPORTED      /* no limit, or the policy says that it does not gate */
};
const char *check_status_name(enum check_status s); /* "pass", ... */

enum side { SIDE_NONE, SIDE_AT_LEAST, SIDE_AT_MOST };

/* A value with its 95 % interval. n: pictures (or what `of` says) it rests on. low = high = value when it was counted
 * over everything there is. */
struct estimate {
    double value, low, high;
    int64_t n;
};

/* One of the three facts on the first screen: a claim in a few words, up to three pictures, one sentence. */
struct fact {
    char *heading, *sentence;
    int n_pictures;
    struct picture picture[3];
};

struct check {
    char *id;       /* "sis.size@0.99": the policy's and --waive's name; unique in a report */
    char *kind;     /* "sis.size" */
    char *question; /* "How little of the picture is enough?" */
    /* Four short paragraphs, plain text: what we do; value, interval, n and the control; what follows and what does
     * not; one step. */
    char *asks, *found, *means, *act;
    char *measure; /* below the value: "of the picture is enough" */
    enum unit unit;
    const char *of; /* "pictures" */
    struct estimate estimate;
    enum side side;
    double limit;
    int64_t needed;                     /* INCONCLUSIVE: pictures that would decide if the value stays; 0: not known */
    bool gates;                         /* its status decides the verdict */
    enum check_status status, unwaived; /* unwaived: before the waiver */
    char *waiver;                       /* the reason, or NULL */
    char *error;                        /* ERROR: file, place, cause and remedy, or NULL */
    struct fact fact;                   /* heading NULL: none */
    int n_figures;
    struct figure *figure;
    json_t *details; /* object: every other number, for report.json; may be NULL */
};

void check_free(struct check *c); /* what it owns, not c */
/* Zeroed; moves the figures added before, so fill one before adding the next. */
struct figure *check_add_figure(struct check *c, enum figure_kind kind);

/* The status that follows from estimate, side and limit. NaN, or n = 0: ERROR. No side: REPORTED. */
enum check_status check_decide(const struct estimate *e, enum side side, double limit);

/* Pictures needed so that an interval that shrinks with the square root of n leaves the limit, rounded up to two
 * figures; 0 when n < 10, when value = limit, or when so many would be needed that no sample decides. */
int64_t check_needed(const struct estimate *e, double limit);

/* Verdict over all checks: EXIT_FAILED_CHECK if one that gates fails, else EXIT_CANNOT_RUN if one has an error (even
 * one that does not gate: what the policy asked to see is missing), else EXIT_INCONCLUSIVE if one that gates is, else
 * EXIT_OK. Nothing was checked (n = 0): EXIT_INCONCLUSIVE. */
enum exit_status check_verdict(const struct check *check, int n);

#endif
