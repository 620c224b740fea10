/* The steps of the study and what they found, from two places.
 *
 * OUT is where tools/reproduce works: OUT/steps.json names every step, whether it was run there or not, with its
 * commands; OUT/STEP/ is what it wrote, beside OUT/STEP.seconds and OUT/STEP.machine.
 *
 * RECORD keeps of each step that was ever run what the page reads of it, in RECORD/STEP.json: a study of many days goes
 * on where OUT is gone, and on other machines. A step that was run in OUT is put on record anew; one that was not
 * stands on the page as it is on record, if its commands are still the same.
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
    bool done;                /* here or on record */
    bool here;                /* in OUT */
    double minutes;           /* the estimate */
    const json_t *commands;   /* array of texts */
    double seconds;           /* wall time; NaN: not known */
    char *machine;            /* "AMD EPYC, 2 processors, ..."; NULL: not known */
    json_t *files;            /* what was read of it up to now, by file name; of a step on record, all that is there */
};

struct runs {
    const char *directory; /* OUT */
    const char *record;    /* RECORD */
    bool tiny;             /* made-up pictures, networks that train in a second */
    json_t *json;
    int n;
    struct step *step; /* [n] in the order of the page */
};

/* Keeps the names of both directories. */
bool runs_open(const char *directory, const char *record, struct runs *out, struct err *err);
void runs_close(struct runs *s); /* accepts a zeroed one */

/* Puts what was read of the steps that were run in OUT on record. */
bool runs_record(const struct runs *s, struct err *err);

/* Formats a name; NULL when there is no such step. */
const struct step *runs_find(const struct runs *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and NULL when it was not run to its end. */
const struct step *runs_done(const struct runs *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- what a step wrote -------------------------------------------------------------------------------------------- */

/* A JSON object with that `schema`, or, schema NULL, a text as a JSON string, from OUT/STEP/FILE or the record. Lists
 * of pictures and the prose of reports are left out (runs_short). Borrowed; NULL: there is no such file, *err. */
const json_t *runs_file(const struct runs *s, const struct step *step, const char *file, const char *schema,
                        struct err *err);
/* "OUT/STEP/FILE", or "RECORD/STEP.json: FILE", for what is wrong in it; free() it. */
char *runs_place(const struct runs *s, const struct step *step, const char *file);
/* The same for what is made of several files: found earlier or on record, NULL: not yet; and takes it. */
const json_t *runs_kept(const struct step *step, const char *file);
void runs_keep(const struct step *step, const char *file, json_t *made);

/* Takes away every list of more than RUNS_LONGEST_LIST values (of `suspects` their number stays) and a report's
 * explanations, so that the record stays small. */
enum { RUNS_LONGEST_LIST = 40 };
void runs_short(json_t *value);

/* An estimate that was not made: its value is NaN, and its n tells why. */
enum { RUNS_NOT_RUN = 0, RUNS_NOT_ASKED = -1, RUNS_NOT_MEASURED = -2 };
struct estimate runs_unknown(void); /* RUNS_NOT_RUN */

/* Right answers by a training's manifest.json: of the final weights, or, draws > 0, of so many draws of input dropout.
 * Of no such draws: not asked. */
bool runs_manifest(const struct runs *s, const struct step *step, int draws, struct estimate *out, struct err *err);

/* A report of `validate`, borrowed, and its first check of a kind ("accuracy") or with an id ("sis.size@0.99"); NULL:
 * none. */
const json_t *runs_report(const struct runs *s, const struct step *step, const char *file, struct err *err);
const json_t *runs_check(const json_t *report, const char *kind_or_id);
/* Its value; NULL is a check that was not asked for. place: of the file. */
bool runs_estimate(const json_t *object, const char *place, struct estimate *out, struct err *err);
/* "share" -> UNIT_SHARE */
enum unit runs_unit(const json_t *check);
const char *runs_text(const json_t *object, const char *key); /* "" when it has none */

#endif
