/* Words and numbers of a comparison (validate/compare/comparison.h), spelled once for the page, the terminal, the model
 * card and its JUnit file. All texts returned as char * are to free(). */
#ifndef MARGINALIA_VALIDATE_REPORT_COMPARE_WORDS_H
#define MARGINALIA_VALIDATE_REPORT_COMPARE_WORDS_H

#include "validate/compare/comparison.h"

/* What can come of a row, in the order in which a report shows it: worse, error, undecided, better, no worse, and
 * reported when the policy does not let it decide. */
enum { COMPARE_OUTCOMES = 6 };
struct compare_outcome {
    enum check_status status;   /* whose mark it has */
    const char *word, *counted; /* "worse"; "could not run", as in "1 could not run" */
};
extern const struct compare_outcome compare_outcomes[COMPARE_OUTCOMES];

int compare_outcome(const struct comparison *c, int row);
char *compare_word(const struct comparison *c, int row); /* "worse"; "reported: better" */

/* Rows of one candidate, or of all (candidate 0), with this outcome; all such counts in words: "1 better, 4 undecided".
 */
int compare_count(const struct comparison *c, int candidate, int outcome);
char *compare_counts(const struct comparison *c, int candidate);

/* order[]: the rows of one candidate, by outcome, equal ones as the policy has them. Returns how many. */
int compare_order(const struct comparison *c, int candidate, int *order);

/* The numbers of a row as every writer prints them. */
struct pair_text {
    char *a, *b;       /* "9.0%"; "" after an error */
    char *change;      /* "+0.2 points"; "not measured" */
    char *interval;    /* "−0.4 to +1.6" */
    char *n;           /* "n = 100 pairs" */
    char *rose, *fell; /* pairs: "50", "43" */
    char *loss;        /* the change that is still no worse: "down to −1.0 points"; "" without a margin */
    char *gain;        /* and beyond which it is better: "above +1.0 points" */
};
struct pair_text pair_text_of(const struct comparison *c, int row);
void pair_text_free(struct pair_text *t);

/* "95% interval", or "joint 95% interval" when several questions decide together. */
const char *compare_interval(const struct comparison *c);

/* The candidate and the baseline of a row; "resnet20_dropout". Borrowed. */
const char *compare_candidate(const struct comparison *c, int row);
const char *compare_baseline(const struct comparison *c);

/* What is said of a kind of question. In the sentences {A} and {B} stand for the two names, {a} and {b} for their
 * values, {c} for the change, {r} and {f} for the pairs in which the candidate has more and less. */
struct question_words {
    const char *kind;
    const char *ways;                  /* which pairs went which way, a whole sentence */
    const char *found;                 /* one sentence without its full stop */
    const char *better, *worse, *open; /* what the candidate does: "decides on larger parts"; what is open */
    const char *heading[CHANGE_ERROR]; /* of a fact, by enum change */
    const char *means_better, *means_worse;
    const char *act; /* what to do when it is worse */
};
const struct question_words *compare_question(const char *kind); /* never NULL */

/* A text with its {A} {B} {a} {b} {c} {r} {f} filled in. */
char *compare_fill(const struct comparison *c, int row, const char *text);

/* What a model costs: its value and what stands beside it. */
enum { COSTS = 4 };
extern const char *const cost_names[COSTS]; /* "Training", "One picture", "Memory", "Parameters" */
struct cost_text {
    char *value, *beside; /* "1.3 ms"; "5.0× A, quartiles 1.2 ms to 1.4 ms", or "" */
};
struct cost_text cost_text_of(const struct comparison *c, int subject, int cost);
void cost_text_free(struct cost_text *t);
/* What the costs are, in a sentence or two. */
char *cost_caption(const struct comparison *c);

/* The word of one candidate's verdict, and its class: report_word(), words_verdict_class() of it alone. */
const char *compare_verdict(const struct comparison *c, int candidate);
const char *compare_verdict_class(const struct comparison *c, int candidate);

#endif
