/* A report as data, and its writers. Terminal, HTML, Markdown, JSON and JUnit print the same struct. */
#ifndef MARGINALIA_VALIDATE_REPORT_REPORT_H
#define MARGINALIA_VALIDATE_REPORT_REPORT_H

#include <stdio.h>
#include "validate/checks/check.h"

enum report_kind { REPORT_MODEL, REPORT_DATASET, REPORT_COMPARE };

/* "What to do next": the command may be NULL. */
struct report_step {
    char *text, *command;
};

/* "How this was measured": hash values and commands are set in monospace. */
struct report_fact {
    char *key, *value;
    bool code;
};

/* "See for yourself": each item is one to three pictures side by side and two short lines. */
struct gallery_item {
    int n;
    struct picture picture[3];
    char *line, *note; /* "horse: 99.2%", "n of 1,024 pixels" */
};
struct gallery_group {
    char *heading; /* "Smallest deciding parts" */
    int n;
    struct gallery_item *item;
};

/* A picture of a data set that somebody should look at. */
struct report_suspect {
    const char *check; /* borrowed: the kind of the check that names it */
    const char *split; /* borrowed: "train", "test" */
    int64_t image;     /* its number in the split */
    char *path;        /* the file, or the place in one */
    char *label, *why; /* the name of its class; "same picture as ..." */
};

struct report {
    enum report_kind kind;
    char *subject; /* "resnet20" */
    char *program; /* "validate model, Marginalia 0.1.0" */
    char *data;    /* "CIFAR-10 test, 10,000 pictures" */
    char *policy;  /* "policy: cfg/release.conf" */
    char *date;    /* "21 November 2026, 18:57 UTC"; "" where bytes must repeat */
    char *lead;    /* two or three sentences, ends with the decision */
    enum exit_status verdict;
    const char *passed; /* the word of EXIT_OK where it is not the kind's own: "no worse"; borrowed, or NULL */
    int n_checks;
    struct check *check; /* [n_checks] in the policy's order */
    int n_steps;
    struct report_step *step;
    char *gallery_rule; /* how the pictures were chosen */
    int n_groups;
    struct gallery_group *group;
    int n_suspects;
    struct report_suspect *suspect; /* in the order of the checks' kinds */
    int n_facts;
    struct report_fact *fact;
    json_t *provenance; /* object for report.json: seeds, threads, versions, hashes ... */
};

void report_free(struct report *r); /* what it owns, not r */

/* report.json's schema; raised when a reader of the older one would misunderstand. */
#define REPORT_SCHEMA "marginalia-report"
enum { REPORT_SCHEMA_VERSION = 1 };

/* Each writes one whole document. The caller opens and commits the file (base/file.h). */
void report_html(const struct report *r, FILE *out);
void report_markdown(const struct report *r, FILE *out); /* model card, with model-index front matter */
void report_junit(const struct report *r, FILE *out);
json_t *report_json(const struct report *r); /* new reference */
/* One line per check: status, id, value, interval, limit; then the verdict. Colour only when `colour`. */
void report_terminal(const struct report *r, FILE *out, bool colour);

/* Pages list this many suspects of a kind of check; report.json all. */
enum { REPORT_SUSPECTS_SHOWN = 50 };
/* The first suspect behind i that another kind of check names, or n_suspects. */
int report_suspects_end(const struct report *r, int i);

/* Indices of the checks by status as the table shows them: fail, error, inconclusive, waived, pass, reported; within a
 * status the furthest beyond its limit first. order[n_checks]. */
void report_order(const struct report *r, int *order);
int report_count(const struct report *r, enum check_status status);
/* "yes", "no", "not shown", "not known", "not judged" when no check decides, and what comes before it:
 * "Overinterprets". */
const char *report_word(const struct report *r);
const char *report_noun(const struct report *r);

/* report.json, report.html, report.md and report.xml in `directory`. */
bool report_save(const struct report *r, const char *directory, struct err *err);

#endif
