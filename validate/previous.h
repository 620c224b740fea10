/* The last release's report.json, and whether this model is worse than that one. */
#ifndef MARGINALIA_VALIDATE_PREVIOUS_H
#define MARGINALIA_VALIDATE_PREVIOUS_H

#include "base/file.h"
#include "validate/report/report.h"

struct previous_check {
    char *id;
    enum unit unit;
    struct estimate estimate;  /* NaN: it was not measured */
    char pictures[SHA256_HEX]; /* validate/pictures.h; "": no per-picture numbers */
    bool median;               /* how they combine; else by their mean */
    int n_values;
    double *value; /* [n_values] NaN: does not count */
};

struct previous {
    enum report_kind kind;
    char *path, *subject;
    int n;
    struct previous_check *check;
};

/* Refuses what is no report of this kind, and other versions of the schema. Every size and type is checked. */
bool previous_read(const char *path, enum report_kind kind, struct previous **out, struct err *err);
void previous_free(struct previous *p); /* accepts NULL */

/* "No worse than the last release" for one check of this one: fills out ("ID.previous") with the change, this release
 * minus the last. Over the same pictures the change is taken picture by picture and its interval is a bootstrap over
 * pictures; otherwise the two are independent and their intervals are combined (Zou and Donner 2008). It fails only
 * when the whole interval lies on the worse side; `good` is the better one. False: there is nothing to compare with. */
bool previous_compare(const struct previous *p, const struct check *now, enum side good, uint64_t seed,
                      struct check *out);

#endif
