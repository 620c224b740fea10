#include "validate/previous.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "validate/report/format.h"
#include "validate/report/words.h"

enum { LIMIT_BYTES = 256 << 20, MOST_CHECKS = 1000, LONGEST_ID = 200, MOST_VALUES = 50 * 1000 * 1000, DRAWS = 2000 };

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool damaged(const struct previous *p, const char *what, struct err *err)
{
    return err_usage(err, "%s: %s; give a report.json that %s has written", p->path, what, words_command(p->kind));
}

static bool read_unit(const json_t *o, enum unit *out)
{
    static const char *const names[] = {
        [UNIT_SHARE] = "share", [UNIT_POINTS] = "points", [UNIT_RATIO] = "ratio", [UNIT_NUMBER] = "number"
    };
    const char *name = json_string_value(json_object_get(o, "unit"));

    for (int i = 0; name && i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum unit)i;
            return true;
        }
    return false;
}

/* A number, or null for one that was not measured. */
static bool read_number(const json_t *o, const char *key, double *out)
{
    const json_t *j = json_object_get(o, key);

    *out = json_is_number(j) ? json_number_value(j) : (double)NAN;
    return json_is_number(j) || json_is_null(j);
}

static bool read_estimate(const json_t *o, struct estimate *e)
{
    const json_t *n = json_object_get(o, "n");

    if (!read_number(o, "value", &e->value) || !read_number(o, "low", &e->low) || !read_number(o, "high", &e->high) ||
        !json_is_integer(n) || json_integer_value(n) < 0)
        return false;
    e->n = json_integer_value(n);
    if (e->n > 0 && e->low <= e->value && e->value <= e->high)
        return true;
    e->value = NAN; /* not measured, or not in order: nothing to compare with */
    return true;
}

static bool read_values(const json_t *list, struct previous_check *c)
{
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n > MOST_VALUES)
        return false;
    c->value = mem_alloc(n, sizeof *c->value);
    c->n_values = (int)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *j = json_array_get(list, i);
        if (!json_is_number(j) && !json_is_null(j))
            return false;
        c->value[i] = json_is_number(j) ? json_number_value(j) : (double)NAN;
    }
    return true;
}

/* Only checks on models keep numbers of single pictures. */
static bool read_pictures(const json_t *details, struct previous_check *c)
{
    const json_t *o = json_object_get(details, "pictures");
    const char *hash = json_string_value(json_object_get(o, "sha256"));
    const char *combine = json_string_value(json_object_get(o, "combine"));

    if (!o)
        return true;
    if (!hash || strlen(hash) != SHA256_HEX - 1 || !combine)
        return false;
    memcpy(c->pictures, hash, SHA256_HEX);
    c->median = strcmp(combine, "median") == 0;
    return (c->median || strcmp(combine, "mean") == 0) && read_values(json_object_get(o, "value"), c);
}

static bool is_known(const struct previous *p, const char *id)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->check[i].id, id) == 0)
            return true;
    return false;
}

static bool read_check(struct previous *p, const json_t *o, struct err *err)
{
    const char *id = json_string_value(json_object_get(o, "id"));
    struct previous_check *c = &p->check[p->n];

    if (!id || !*id || strlen(id) > LONGEST_ID)
        return damaged(p, "a check has no id", err);
    if (is_known(p, id))
        return damaged(p, "holds a check twice", err);
    c->id = mem_string(id);
    p->n++;
    if (read_unit(o, &c->unit) && read_estimate(o, &c->estimate) &&
        (p->kind != REPORT_MODEL || read_pictures(json_object_get(o, "details"), c)))
        return true;
    return err_usage(err, "%s: check %s is damaged; give a report.json that %s has written", p->path, id,
                     words_command(p->kind));
}

static bool check_schema(const struct previous *p, const json_t *root, struct err *err)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const json_t *version = json_object_get(root, "version");

    if (!schema || strcmp(schema, REPORT_SCHEMA) != 0)
        return damaged(p, "is no report of this program", err);
    if (!json_is_integer(version) || json_integer_value(version) != REPORT_SCHEMA_VERSION)
        return err_usage(err,
                         "%s: has version %lld of the report's schema, this program reads %d; validate the last "
                         "release again with this program",
                         p->path, (long long)json_integer_value(version), REPORT_SCHEMA_VERSION);
    return (kind && strcmp(kind, words_name(p->kind)) == 0) || damaged(p, "is a report on something else", err);
}

static bool read_root(struct previous *p, const json_t *root, struct err *err)
{
    const json_t *list = json_object_get(root, "checks");
    const char *subject = json_string_value(json_object_get(root, "subject"));
    size_t n = json_array_size(list);

    if (!check_schema(p, root, err))
        return false;
    if (!json_is_array(list) || n > MOST_CHECKS || !subject)
        return damaged(p, "has no checks, or too many", err);
    p->subject = mem_string(subject);
    p->check = mem_alloc(n, sizeof *p->check);
    for (size_t i = 0; i < n; i++)
        if (!read_check(p, json_array_get(list, i), err))
            return false;
    return true;
}

bool previous_read(const char *path, enum report_kind kind, struct previous **out, struct err *err)
{
    json_t *root;

    if (!json_open(path, LIMIT_BYTES, &root, err))
        return false;
    struct previous *p = mem_alloc(1, sizeof *p);
    p->path = mem_string(path);
    p->kind = kind;
    bool ok = read_root(p, root, err);
    json_decref(root);
    if (ok)
        *out = p;
    else
        previous_free(p);
    return ok;
}

void previous_free(struct previous *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n; i++) {
        free(p->check[i].id);
        free(p->check[i].value);
    }
    free(p->check);
    free(p->path);
    free(p->subject);
    free(p);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* Differences of the pictures that count in both; their number, 0: not the same pictures. */
static int pair(const struct previous_check *old, const json_t *pictures, double **difference)
{
    const char *hash = json_string_value(json_object_get(pictures, "sha256"));
    const json_t *value = json_object_get(pictures, "value");
    int n = 0;

    *difference = NULL;
    if (!hash || strcmp(hash, old->pictures) != 0 || json_array_size(value) != (size_t)old->n_values)
        return 0;
    *difference = mem_alloc((size_t)old->n_values + 1, sizeof **difference);
    for (int i = 0; i < old->n_values; i++) {
        const json_t *now = json_array_get(value, (size_t)i);
        if (json_is_number(now) && isfinite(old->value[i]))
            (*difference)[n++] = json_number_value(now) - old->value[i];
    }
    return n;
}

static struct estimate paired(const struct previous_check *old, double *difference, int n, uint64_t seed)
{
    struct interval bounds =
        old->median ? bootstrap_median(difference, n, DRAWS, seed) : bootstrap_mean(difference, n, DRAWS, seed);
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += difference[i];
    return (struct estimate){
        .value = old->median ? median(difference, n) : sum / n, .low = bounds.low, .high = bounds.high, .n = n
    };
}

/* Difference of two independent estimates: each bound is as far away as the two near halves together, in squares. */
static struct estimate unpaired(const struct estimate *old, const struct estimate *now)
{
    double value = now->value - old->value;

    return (struct estimate){ .value = value,
                              .low = value - hypot(now->value - now->low, old->high - old->value),
                              .high = value + hypot(now->high - now->value, old->value - old->low),
                              .n = now->n < old->n ? now->n : old->n };
}

static const struct previous_check *find(const struct previous *p, const struct check *now)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->check[i].id, now->id) == 0 && p->check[i].unit == now->unit &&
            isfinite(p->check[i].estimate.value))
            return &p->check[i];
    return NULL;
}

static bool is_worse(const struct estimate *e, enum side good)
{
    return good == SIDE_AT_LEAST ? !(e->high >= 0) : good == SIDE_AT_MOST ? !(e->low <= 0) : false;
}

static void write_texts(const struct previous *p, const struct previous_check *old, const struct check *now,
                        bool same_pictures, bool worse, struct check *out)
{
    int decimals = format_decimals(&out->estimate, out->unit, SIDE_AT_LEAST, 0);
    char *change = format_value(out->estimate.value, out->unit, decimals);
    char *interval = format_interval(&out->estimate, out->unit, decimals);
    char *before =
        format_value(old->estimate.value, now->unit, format_decimals(&old->estimate, now->unit, SIDE_NONE, 0));
    char *after =
        format_value(now->estimate.value, now->unit, format_decimals(&now->estimate, now->unit, SIDE_NONE, 0));

    out->question = mem_format("No worse than the last release? %s", now->question);
    out->measure = mem_string("change since the last release");
    out->asks = mem_format("We compare %s with %s, the last release. It is worse only if the whole interval of the "
                           "change lies on the worse side.",
                           now->id, p->subject);
    out->found = mem_format("%s now, %s then. The change is %s%s%s%s%s", after, before, change,
                            *interval ? " (95% interval " : "", interval, *interval ? ")" : "",
                            same_pictures ? ", taken picture by picture over the same pictures."
                                          : "; the two were measured on other pictures, or no numbers of single "
                                            "pictures were kept, so they are compared as independent.");
    out->means = mem_string(worse ? "This release is worse than the last one in this respect."
                                  : "No decline was shown. A decline smaller than the interval would not be seen.");
    out->act =
        mem_string(worse ? "Find out what changed since the last release before this one goes out." : "Nothing to do.");
    free(change);
    free(interval);
    free(before);
    free(after);
}

bool previous_compare(const struct previous *p, const struct check *now, enum side good, uint64_t seed,
                      struct check *out)
{
    const struct previous_check *old = find(p, now);

    if (!old || !isfinite(now->estimate.value))
        return false;
    double *difference;
    int n = pair(old, json_object_get(now->details, "pictures"), &difference);
    *out = (struct check){ .id = mem_format("%s.previous", now->id),
                           .kind = mem_string("previous"),
                           .unit = now->unit == UNIT_SHARE   ? UNIT_POINTS
                                   : now->unit == UNIT_RATIO ? UNIT_NUMBER
                                                             : now->unit,
                           .of = now->of,
                           .gates = now->gates };
    out->estimate = n > 0 ? paired(old, difference, n, seed) : unpaired(&old->estimate, &now->estimate);
    free(difference);
    bool worse = is_worse(&out->estimate, good);
    out->status = !out->gates ? CHECK_REPORTED : worse ? CHECK_FAIL : CHECK_PASS;
    out->unwaived = out->status;
    write_texts(p, old, now, n > 0, worse, out);
    out->details = json_pack("{s:b, s:o, s:b}", "same_pictures", n > 0, "last_release",
                             json_finite(old->estimate.value), "worse", worse);
    return true;
}
