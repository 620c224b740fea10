#include "validate/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/settings.h"
#include "validate/compare/measures.h"
#include "validate/dataset/dataset_checks.h"
#include "validate/policy_parts.h"

enum { POLICY_LIMIT_BYTES = 1 << 20, MAX_CHECKS = 200, MAX_PICTURES = INT32_MAX, MAX_PIXELS = 1 << 24 };

const struct policy_kind policy_of_models = { check_types, "cfg/release.conf", "validate model", "model", true, false };
const struct policy_kind policy_of_datasets = {
    dataset_check_types, "cfg/dataset.conf", "validate dataset", "data set", false, false
};
const struct policy_kind policy_of_comparisons = {
    comparison_types, "cfg/compare.conf", "validate compare", "comparison", true, true
};

#define POLICY(member) offsetof(struct policy, member)
#define CHECK(member) offsetof(struct policy_check, member)

#define ROOT_KEYS                                                                                                      \
    { "name", KEY_TEXT, POLICY(name), 0, 0, NULL, 0 }, { "sample", KEY_OTHER, 0, 0, 0, NULL, 0 },                      \
        { "sis", KEY_OTHER, 0, 0, 0, NULL, 0 },                                                                        \
    {                                                                                                                  \
        "checks", KEY_OTHER, 0, 0, 0, NULL, 0                                                                          \
    }

static const struct policy_key root_keys[] = { ROOT_KEYS, { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 } };
static const struct policy_key comparison_root_keys[] = {
    ROOT_KEYS,
    { "require", KEY_CHOICE, POLICY(require), 0, 0, REQUIREMENT_WORDS, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
static const struct policy_key sample_keys[] = {
    { "quick", KEY_COUNT, POLICY(quick), 0, MAX_PICTURES, NULL, 0 },
    { "full", KEY_COUNT, POLICY(full), 0, MAX_PICTURES, NULL, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
static const struct policy_key sis_keys[] = {
    { "method", KEY_CHOICE, POLICY(sis.method), 0, 0, SIS_METHOD_WORDS, 0 },
    { "per_step", KEY_INT, POLICY(sis.per_step), 1, MAX_PIXELS, NULL, 0 },
    { "candidates", KEY_INT, POLICY(sis.candidates), 1, MAX_PIXELS, NULL, 0 },
    { "rank", KEY_CHOICE, POLICY(sis.rank), 0, 0, SIS_RANK_WORDS, 0 },
    { "baseline", KEY_CHOICE, POLICY(baseline), 0, 0, BASELINE_WORDS, 0 },
    { "thresholds", KEY_THRESHOLDS, 0, 0, 0, NULL, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
#define CHECK_KEYS                                                                                                     \
    { "check", KEY_OTHER, 0, 0, 0, NULL, 0 }, { "gates", KEY_FLAG, CHECK(gates), 0, 0, NULL, 0 },                      \
        { "quick", KEY_COUNT, CHECK(quick), 0, MAX_PICTURES, NULL, 0 },                                                \
        { "full", KEY_COUNT, CHECK(full), 0, MAX_PICTURES, NULL, 0 },                                                  \
        { "threshold", KEY_SHARE, CHECK(threshold), 0, 0, NULL, TAKES_THRESHOLD },                                     \
        { "fraction", KEY_SHARE, CHECK(fraction), 0, 0, NULL, TAKES_FRACTION },                                        \
    {                                                                                                                  \
        "width", KEY_INT, CHECK(width), 1, 1 << 15, NULL, TAKES_WIDTH                                                  \
    }

static const struct policy_key check_keys[] = {
    CHECK_KEYS,
    { "at_least", KEY_LIMIT, 0, SIDE_AT_LEAST, 0, NULL, 0 },
    { "at_most", KEY_LIMIT, 0, SIDE_AT_MOST, 0, NULL, 0 },
    { "properties", KEY_CHOICE, CHECK(properties), 0, 0, PROPERTIES_WORDS, TAKES_PROPERTIES },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
static const struct policy_key comparison_check_keys[] = {
    CHECK_KEYS,
    { "no_worse_than", KEY_MARGIN, 0, 0, 0, NULL, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};

static bool find_type(const struct policy *p, const config_setting_t *group, struct policy_check *c, struct err *err)
{
    const config_setting_t *setting = config_setting_is_group(group) ? config_setting_get_member(group, "check") : NULL;
    if (!setting)
        return err_usage(err, "%s:%d: check is missing; write { check = \"accuracy\"; ... }", p->path,
                         (int)config_setting_source_line(group));
    struct policy_place at = policy_place_of(p, setting);
    char *kind = NULL, buffer[96];
    c->line = at.line;
    if (!policy_read_text(&at, setting, &kind, err))
        return false;
    c->type = check_type_find(p->kind->types, kind);
    if (!c->type) {
        char *words = mem_string("");
        for (const struct check_type *type = p->kind->types; type->kind; type++)
            words = policy_append_word(words, type->kind);
        if (nearest_word(kind, words, buffer, sizeof buffer))
            err_usage(err, "%s:%d: unknown check %s; did you mean %s?", at.path, at.line, kind, buffer);
        else
            err_usage(err, "%s:%d: unknown check %s; %s --list-checks lists them", at.path, at.line, kind,
                      p->kind->command);
        free(words);
    }
    free(kind);
    return c->type;
}

static char *make_id(const struct policy_check *c)
{
    static const char *const properties[] = { "file", "picture" };
    char *values[4] = { 0 };
    int n = 0;
    if (c->type->takes & TAKES_WIDTH)
        values[n++] = mem_format("%d", c->width);
    if (c->type->takes & TAKES_FRACTION)
        values[n++] = mem_format("%.15g", c->fraction);
    if (c->type->takes & TAKES_THRESHOLD)
        values[n++] = mem_format("%.15g", c->threshold);
    if (c->type->takes & TAKES_PROPERTIES)
        values[n++] = mem_string(properties[c->properties]);
    char *id = mem_string(c->type->kind);
    for (int i = 0; i < n; i++) {
        char *longer = mem_format("%s%s%s", id, i ? "," : "@", values[i]);
        free(id);
        free(values[i]);
        id = longer;
    }
    return id;
}

static bool read_check(struct policy *p, const config_setting_t *group, struct err *err)
{
    struct policy_check *c = &p->check[p->n++];
    if (!find_type(p, group, c, err))
        return false;
    const struct check_type *type = c->type;
    const config_setting_t *gates = config_setting_get_member(group, "gates");
    c->threshold = type->threshold;
    c->fraction = type->fraction;
    c->width = type->width;
    c->quick = type->quick >= 0 ? type->quick : p->quick;
    c->full = type->full >= 0 ? type->full : p->full;
    c->margin = (double)NAN;
    if (!policy_read_group(p, group, p->kind->compares ? comparison_check_keys : check_keys, type, c, err))
        return false;
    if (!gates)
        c->gates = c->side != SIDE_NONE;
    else if (c->gates && c->side == SIDE_NONE)
        return err_usage(err, "%s:%d: gates = true needs a limit; add %s", p->path,
                         (int)config_setting_source_line(gates),
                         p->kind->compares ? "no_worse_than" : "at_least or at_most");
    c->id = make_id(c);
    for (int i = 0; i < p->n - 1; i++)
        if (strcmp(p->check[i].id, c->id) == 0)
            return err_usage(err, "%s:%d: %s is there already, in line %d; remove one of them", p->path, c->line, c->id,
                             p->check[i].line);
    return true;
}

static bool read_checks(struct policy *p, const config_setting_t *list, struct err *err)
{
    int n = list && config_setting_is_list(list) ? config_setting_length(list) : 0;
    if (n < 1 || n > MAX_CHECKS)
        return err_usage(err, "%s:%d: checks takes a list of 1..%d groups: ( { check = \"accuracy\"; ... }, ... )",
                         p->path, list ? (int)config_setting_source_line(list) : 1, MAX_CHECKS);
    p->check = mem_alloc((size_t)n, sizeof *p->check);
    for (int i = 0; i < n; i++)
        if (!read_check(p, config_setting_get_elem(list, (unsigned)i), err))
            return false;
    return true;
}

/* A number that the method makes no use of would only look like a setting. */
static bool check_method(const struct policy *p, const config_setting_t *sis, struct err *err)
{
    const config_setting_t *per_step = config_setting_get_member(sis, "per_step");
    const config_setting_t *candidates = config_setting_get_member(sis, "candidates");
    const config_setting_t *idle = p->sis.method == SIS_BACKSELECT && per_step ? per_step
                                   : p->sis.method != SIS_SCREENED             ? candidates
                                                                               : NULL;
    if (!idle)
        return true;
    struct policy_place at = policy_place_of(p, idle);
    return err_usage(err, "%s:%d: method = \"%s\" has no use for %s; remove it", p->path, at.line,
                     sis_method_name(p->sis.method), at.key);
}

/* A comparison in which nothing can be better has no good verdict to give; one in which nothing can be worse, no other.
 */
static bool check_deciders(const struct policy *p, struct err *err)
{
    bool any = !p->kind->compares, evidence = any || p->require == REQUIRE_NO_WORSE;
    for (int i = 0; i < p->n; i++) {
        any |= p->check[i].gates;
        evidence |= p->check[i].gates && !p->check[i].type->guards;
    }
    if (!any)
        return err_usage(err, "%s:1: no question decides; give one of them no_worse_than", p->path);
    return evidence || err_usage(err,
                                 "%s:1: require = \"better\", but no question that decides can show it; give one other "
                                 "than accuracy and calibration no_worse_than, or write require = \"no_worse\"",
                                 p->path);
}

static bool read_root(struct policy *p, const config_setting_t *root, struct err *err)
{
    const config_setting_t *sample = config_setting_get_member(root, "sample");
    const config_setting_t *sis = config_setting_get_member(root, "sis");
    if (!policy_read_group(p, root, p->kind->compares ? comparison_root_keys : root_keys, NULL, p, err))
        return false;
    if (!p->name)
        return err_usage(err, "%s:1: name is missing; add name = \"release\";", p->path);
    if (sample && !policy_read_group(p, sample, sample_keys, NULL, p, err))
        return false;
    if (sis && !p->kind->searches)
        return err_usage(err, "%s:%d: a policy on data sets has no use for sis; remove it", p->path,
                         (int)config_setting_source_line(sis));
    if (sis && !(policy_read_group(p, sis, sis_keys, NULL, p, err) && check_method(p, sis, err)))
        return false;
    return read_checks(p, config_setting_get_member(root, "checks"), err) && check_deciders(p, err);
}

static struct policy *new_policy(const struct policy_kind *kind, const char *path, const char *text, size_t n)
{
    struct policy *p = mem_alloc(1, sizeof *p);
    *p = (struct policy){ .kind = kind,
                          .path = mem_string(path),
                          .quick = 400,
                          .sis = { SIS_GRADIENT, SIS_MARGIN, 8, 32 },
                          .baseline = BASELINE_MEAN,
                          .n_thresholds = 3,
                          .threshold = { 0.5, 0.9, 0.99 } };
    struct sha256 *s = sha256_new();
    sha256_add(s, text, n);
    sha256_finish(s, p->hash);
    return p;
}

bool policy_parse(const struct policy_kind *kind, const char *path, const char *text, size_t n, struct policy **out,
                  struct err *err)
{
    if (!conf_check_text(path, text, n, err))
        return false;
    config_t config;
    struct policy *p = new_policy(kind, path, text, n);
    config_init(&config);
    config_set_auto_convert(&config, CONFIG_TRUE);
    bool ok = config_read_string(&config, text)
                  ? read_root(p, config_root_setting(&config), err)
                  : err_usage(err, "%s:%d: %s; %s shows how a policy is written", path, config_error_line(&config),
                              config_error_text(&config), kind->example);
    config_destroy(&config);
    if (ok)
        *out = p;
    else
        policy_free(p);
    return ok;
}

bool policy_read(const struct policy_kind *kind, const char *path, struct policy **out, struct err *err)
{
    char *text;
    size_t n;
    if (!file_read(path, POLICY_LIMIT_BYTES, &text, &n, err))
        return false;
    bool ok = policy_parse(kind, path, text, n, out, err);
    free(text);
    return ok;
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n + p->n_left_out; i++)
        free(p->check[i].id);
    free(p->check);
    free(p->name);
    free(p->path);
    free(p);
}

static bool can_run(const struct check_type *type, bool full, bool two_splits)
{
    return (full || !type->full_only) && (two_splits || !type->two_splits);
}

void policy_choose(struct policy *p, bool full, bool two_splits)
{
    struct policy_check *chosen = mem_alloc((size_t)p->n, sizeof *chosen);
    int n = 0, last = p->n;
    for (int i = 0; i < p->n; i++)
        if (can_run(p->check[i].type, full, two_splits))
            chosen[n++] = p->check[i];
    for (int i = p->n - 1; i >= 0; i--)
        if (!can_run(p->check[i].type, full, two_splits))
            chosen[--last] = p->check[i];
    free(p->check);
    p->check = chosen;
    p->n_left_out = p->n - n;
    p->n = n;
}

/* "did you mean ID?", "" when nothing looks alike. A kind stands for the first check of it. */
static char *suggest_id(const struct policy *p, const char *id)
{
    char near[64], *words = mem_string("");
    const char *found = NULL;
    size_t n = strlen(id);
    for (int i = p->n - 1; i >= 0; i--) {
        words = policy_append_word(words, p->check[i].id);
        if (n && strncmp(p->check[i].id, id, n) == 0 && p->check[i].id[n] == '@')
            found = p->check[i].id;
    }
    if (!found)
        found = nearest_word(id, words, near, sizeof near);
    free(words);
    return found ? mem_format("; did you mean %s?", found) : mem_string("; its checks are listed in the report");
}

bool policy_waiver(const struct policy *p, const char *text, struct waiver *out, struct err *err)
{
    const char *equals = strchr(text, '=');
    const char *reason = equals ? equals + 1 + strspn(equals + 1, " \t") : "";
    if (!*reason)
        return err_usage(err, "--waive %s: a reason is missing; write --waive CHECK=REASON", text);
    char *id = mem_format("%.*s", (int)(equals - text), text);
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->check[i].id, id) == 0) {
            *out = (struct waiver){ id, mem_string(reason) };
            return true;
        }
    char *near = suggest_id(p, id);
    err_usage(err, "--waive %s: %s has no such check%s", id, p->path, near);
    free(near);
    free(id);
    return false;
}
