/* What tools/reproduce left in a directory OUT: OUT/steps.json names every step of the study, whether it was run or
 * not, with its commands; OUT/STEP/ is what it wrote, beside OUT/STEP.seconds and OUT/STEP.machine.
 *
 * A file that is missing, torn or somebody else's is an error: "FILE: place: cause; remedy". A step that was not run is
 * none. */
#ifndef MARGINALIA_TOOLS_STUDY_PAGE_RUNS_H
#define MARGINALIA_TOOLS_STUDY_PAGE_RUNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "validate/checks/check.h"

enum { RUNS_SECTIONS = 8 };

struct step {
    const char *name, *state; /* of the JSON, which is kept */
    int section;              /* 1..RUNS_SECTIONS */
    bool done;
    double minutes;         /* the estimate */
    const json_t *commands; /* array of texts */
    double seconds;         /* wall time; NaN: not known */
    char *machine;          /* "AMD EPYC, 2 processors, ..."; NULL: not known */
};

struct runs {
    const char *directory; /* OUT */
    bool tiny;             /* made-up pictures, networks that train in a second */
    json_t *json;
    int n;
    struct step *step; /* [n] in the order of the page */
};

bool runs_open(const char *directory, struct runs *out, struct err *err);
void runs_close(struct runs *s); /* accepts a zeroed one */

/* Formats a name; NULL when there is no such step. */
const struct step *runs_find(const struct runs *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and NULL when it was not run to its end. */
const struct step *runs_done(const struct runs *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *runs_path(const struct runs *s, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* free() it */

/* --- what a step wrote -------------------------------------------------------------------------------------------- */

/* Opens a JSON object whose `schema` is that. json_decref it. */
bool runs_json(const char *path, const char *schema, json_t **out, struct err *err);

/* An estimate that was not made: its value is NaN, and its n tells why. */
enum { RUNS_NOT_RUN = 0, RUNS_NOT_ASKED = -1, RUNS_NOT_MEASURED = -2 };
struct estimate runs_unknown(void); /* RUNS_NOT_RUN */

/* Right answers by a run's manifest.json: of the final weights, or, draws > 0, of so many draws of input dropout. Of no
 * such draws: not asked. */
bool runs_manifest(const char *path, int draws, struct estimate *out, struct err *err);

/* A report of `validate`, and its first check of a kind ("accuracy") or with an id ("sis.size@0.99"); NULL: none. */
#define RUNS_REPORT "marginalia-report"
bool runs_report(const char *path, json_t **out, struct err *err);
const json_t *runs_check(const json_t *report, const char *kind_or_id);
/* Its value; NULL is a check that was not asked for. */
bool runs_estimate(const json_t *object, const char *path, struct estimate *out, struct err *err);
/* "share" -> UNIT_SHARE */
enum unit runs_unit(const json_t *check);
const char *runs_text(const json_t *object, const char *key); /* "" when it has none */

#endif
