/* report.json of a comparison: that of every report, and what only pairs have. docs/report_json.md describes the
 * fields.
 */
#include "validate/report/compare_save.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "validate/report/compare_words.h"

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *estimate_json(const struct estimate *e)
{
    return json_pack("{s:o, s:o, s:o, s:I}", "value", json_finite(e->value), "low", json_finite(e->low), "high",
                     json_finite(e->high), "n", (json_int_t)e->n);
}

static json_t *count_json(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

static json_t *values_json(const struct paired *p, int side)
{
    json_t *list = json_array();
    for (int i = 0; i < p->n && p->value[side]; i++)
        json_array_append_new(list, json_finite(p->value[side][i]));
    return list;
}

static json_t *images_json(const struct paired *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->n && p->image; i++)
        json_array_append_new(list, json_integer(p->image[i]));
    return list;
}

/* Beside "unit", which is that of the change. */
static const char *unit_name(enum unit unit)
{
    static const char *const name[] = {
        [UNIT_SHARE] = "share", [UNIT_POINTS] = "points", [UNIT_RATIO] = "ratio", [UNIT_NUMBER] = "number"
    };
    return name[unit];
}

static json_t *pairs_json(const struct comparison *c, int row)
{
    const struct paired *p = &c->paired[row];
    char letter[] = { c->subject[p->candidate].letter, '\0' };
    json_t *j = json_object();
    set(j, "candidate", json_string(letter));
    set(j, "change", json_string(change_name(p->change)));
    set(j, "guards", json_boolean(p->guards));
    set(j, "statistic", json_string(p->median ? "median" : "mean"));
    set(j, "margin", json_finite(p->margin));
    set(j, "unit", json_string(unit_name(p->unit)));
    set(j, "baseline_value", estimate_json(&p->a));
    set(j, "candidate_value", estimate_json(&p->b));
    set(j, "rose", json_integer(p->rose));
    set(j, "fell", json_integer(p->fell));
    set(j, "mean_change", p->second.n > 0 ? estimate_json(&p->second) : json_null());
    set(j, "mcnemar_p", json_finite(p->p_value));
    set(j, "images", images_json(p));
    set(j, "baseline_values", values_json(p, 0));
    set(j, "candidate_values", values_json(p, 1));
    return j;
}

/* A name may hold bytes that JSON cannot. */
static json_t *text_json(const char *text)
{
    json_t *j = text ? json_string(text) : json_null();
    return j ? j : json_string("(not UTF-8)");
}

static json_t *model_json(const struct comparison *c, int i)
{
    const struct comparison_subject *s = &c->subject[i];
    char letter[] = { s->letter, '\0' };
    json_t *j = json_object();
    set(j, "letter", json_string(letter));
    set(j, "name", text_json(s->name));
    set(j, "path", text_json(s->path));
    set(j, "verdict", i ? json_string(compare_verdict(c, i)) : json_null());
    set(j, "exit_status", i ? json_integer(s->verdict) : json_null());
    set(j, "members", count_json(s->members));
    set(j, "parameters", count_json(s->parameters));
    set(j, "training_s", json_finite(s->training_s));
    set(j, "training_threads", count_json(s->training_threads));
    set(j, "inference_s", json_finite(s->inference_s));
    set(j, "inference_low_s", json_finite(s->inference_low_s));
    set(j, "inference_high_s", json_finite(s->inference_high_s));
    set(j, "batch", count_json(s->batch));
    set(j, "memory_bytes", json_finite(s->memory_bytes));
    set(j, "cfg_sha256", text_json(s->cfg));
    set(j, "weights_sha256", text_json(s->weights));
    return j;
}

static json_t *former_json(const struct comparison *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->n_former; i++)
        json_array_append_new(list, text_json(c->former[i]));
    return list;
}

static json_t *whole_json(const struct comparison *c)
{
    json_t *j = json_object(), *models = json_array();
    for (int i = 0; i < c->n_subjects; i++)
        json_array_append_new(models, model_json(c, i));
    set(j, "models", models);
    set(j, "needs_better", json_boolean(c->needs_better));
    set(j, "confidence", json_finite(c->confidence));
    set(j, "decisions", json_integer(c->decisions));
    set(j, "draws", json_integer(c->draws));
    set(j, "former_policies", former_json(c));
    return j;
}

json_t *comparison_json(const struct comparison *c)
{
    json_t *j = report_json(&c->report), *checks = json_object_get(j, "checks");
    set(j, "comparison", whole_json(c));
    for (int i = 0; i < c->report.n_checks; i++)
        set(json_array_get(checks, (size_t)i), "pairs", pairs_json(c, i));
    return j;
}
