/* report.json; docs/report_json.md describes every field. */
#include "validate/report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "validate/report/words.h"

/* A string, or null. Bytes that are not UTF-8, which JSON cannot hold, become '?'. */
static json_t *text(const char *s)
{
    if (!s)
        return json_null();
    json_t *j = json_string(s);
    if (j)
        return j;
    char *plain = mem_string(s);
    for (char *p = plain; *p; p++)
        *p = (unsigned char)*p < 0x80 ? *p : '?';
    j = json_string(plain);
    free(plain);
    return j;
}

static const char *unit_name(enum unit unit)
{
    static const char *const name[] = {
        [UNIT_SHARE] = "share", [UNIT_POINTS] = "points", [UNIT_RATIO] = "ratio", [UNIT_NUMBER] = "number"
    };
    return name[unit];
}

static const char *side_name(enum side side)
{
    static const char *const name[] = {
        [SIDE_NONE] = "none", [SIDE_AT_LEAST] = "at_least", [SIDE_AT_MOST] = "at_most"
    };
    return name[side];
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *check_json(const struct check *c)
{
    json_t *j = json_object();
    bool limited = c->side != SIDE_NONE;
    set(j, "id", text(c->id));
    set(j, "kind", text(c->kind));
    set(j, "question", text(c->question));
    set(j, "status", text(check_status_name(c->status)));
    set(j, "gates", json_boolean(c->gates));
    set(j, "unit", text(unit_name(c->unit)));
    set(j, "measure", text(c->measure));
    set(j, "value", json_finite(c->estimate.value));
    set(j, "low", json_finite(c->estimate.low));
    set(j, "high", json_finite(c->estimate.high));
    set(j, "n", json_integer(c->estimate.n));
    set(j, "of", text(c->of));
    set(j, "side", text(side_name(c->side)));
    set(j, "limit", limited ? json_finite(c->limit) : json_null());
    set(j, "needed", c->status == CHECK_INCONCLUSIVE && c->needed > 0 ? json_integer(c->needed) : json_null());
    set(j, "unwaived", c->status == CHECK_WAIVED ? text(check_status_name(c->unwaived)) : json_null());
    set(j, "waiver", text(c->waiver));
    set(j, "error", text(c->error));
    set(j, "asks", text(c->asks));
    set(j, "found", text(c->found));
    set(j, "means", text(c->means));
    set(j, "act", text(c->act));
    set(j, "details", c->details ? json_incref(c->details) : json_object());
    return j;
}

static json_t *counts_json(const struct report *r)
{
    json_t *j = json_object();
    for (int i = 0; i < N_STATUSES; i++)
        set(j, check_status_name(words_statuses[i]), json_integer(report_count(r, words_statuses[i])));
    return j;
}

static json_t *steps_json(const struct report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_steps; i++) {
        json_t *j = json_object();
        set(j, "text", text(r->step[i].text));
        set(j, "command", text(r->step[i].command));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *suspects_json(const struct report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_suspects; i++) {
        const struct report_suspect *s = &r->suspect[i];
        json_t *j = json_object();
        set(j, "check", text(s->check));
        set(j, "split", text(s->split));
        set(j, "image", json_integer(s->image));
        set(j, "path", text(s->path));
        set(j, "class", text(s->label));
        set(j, "why", text(s->why));
        json_array_append_new(list, j);
    }
    return list;
}

json_t *report_json(const struct report *r)
{
    json_t *j = json_object(), *checks = json_array();
    for (int i = 0; i < r->n_checks; i++)
        json_array_append_new(checks, check_json(&r->check[i]));
    set(j, "schema", text(REPORT_SCHEMA));
    set(j, "version", json_integer(REPORT_SCHEMA_VERSION));
    set(j, "kind", text(words_name(r->kind)));
    set(j, "subject", text(r->subject));
    set(j, "verdict", text(report_word(r)));
    set(j, "exit_status", json_integer(r->verdict));
    set(j, "program", text(r->program));
    set(j, "data", text(r->data));
    set(j, "policy", text(r->policy));
    set(j, "date", text(r->date));
    set(j, "lead", text(r->lead));
    set(j, "counts", counts_json(r));
    set(j, "checks", checks);
    set(j, "next", steps_json(r));
    if (r->kind == REPORT_DATASET)
        set(j, "suspects", suspects_json(r));
    set(j, "provenance", r->provenance ? json_incref(r->provenance) : json_object());
    return j;
}
