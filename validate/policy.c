#include "validate/policy.h"

#include <assert.h>
#include <libconfig.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/settings.h"
#include "validate/checks/checks.h"
#include "validate/dataset/dataset_checks.h"

enum { POLICY_LIMIT_BYTES = 1 << 20, MAX_CHECKS = 200, MAX_PICTURES = INT32_MAX, MAX_PIXELS = 1 << 24 };

enum key_kind {
    KEY_TEXT,
    KEY_COUNT,      /* int64_t within min..max */
    KEY_INT,        /* int within min..max */
    KEY_SHARE,      /* double within (0,1) */
    KEY_FLAG,       /* bool */
    KEY_CHOICE,     /* enum: the index among `words` */
    KEY_THRESHOLDS, /* of struct policy */
    KEY_LIMIT,      /* of struct policy_check; min: the enum side */
    KEY_OTHER       /* read elsewhere */
};

/* One key of a group: where its value goes. */
struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    double min, max;
    const char *words;
    int takes; /* of a check: needs this of its type; 0: all take it */
};

const struct policy_kind policy_of_models = { check_types, "cfg/release.conf", "validate model", "model", true };
const struct policy_kind policy_of_datasets = { dataset_check_types, "cfg/dataset.conf", "validate dataset", "data set",
                                                false };

#define POLICY(member) offsetof(struct policy, member)
#define CHECK(member) offsetof(struct policy_check, member)

static const struct key root_keys[] = {
    { "name", KEY_TEXT, POLICY(name), 0, 0, NULL, 0 },
    { "sample", KEY_OTHER, 0, 0, 0, NULL, 0 },
    { "sis", KEY_OTHER, 0, 0, 0, NULL, 0 },
    { "checks", KEY_OTHER, 0, 0, 0, NULL, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
static const struct key sample_keys[] = {
    { "quick", KEY_COUNT, POLICY(quick), 0, MAX_PICTURES, NULL, 0 },
    { "full", KEY_COUNT, POLICY(full), 0, MAX_PICTURES, NULL, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
static const struct key sis_keys[] = {
    { "method", KEY_CHOICE, POLICY(sis.method), 0, 0, SIS_METHOD_WORDS, 0 },
    { "per_step", KEY_INT, POLICY(sis.per_step), 1, MAX_PIXELS, NULL, 0 },
    { "candidates", KEY_INT, POLICY(sis.candidates), 1, MAX_PIXELS, NULL, 0 },
    { "rank", KEY_CHOICE, POLICY(sis.rank), 0, 0, SIS_RANK_WORDS, 0 },
    { "baseline", KEY_CHOICE, POLICY(baseline), 0, 0, BASELINE_WORDS, 0 },
    { "thresholds", KEY_THRESHOLDS, 0, 0, 0, NULL, 0 },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};
static const struct key check_keys[] = {
    { "check", KEY_OTHER, 0, 0, 0, NULL, 0 },
    { "at_least", KEY_LIMIT, 0, SIDE_AT_LEAST, 0, NULL, 0 },
    { "at_most", KEY_LIMIT, 0, SIDE_AT_MOST, 0, NULL, 0 },
    { "gates", KEY_FLAG, CHECK(gates), 0, 0, NULL, 0 },
    { "quick", KEY_COUNT, CHECK(quick), 0, MAX_PICTURES, NULL, 0 },
    { "full", KEY_COUNT, CHECK(full), 0, MAX_PICTURES, NULL, 0 },
    { "threshold", KEY_SHARE, CHECK(threshold), 0, 0, NULL, TAKES_THRESHOLD },
    { "fraction", KEY_SHARE, CHECK(fraction), 0, 0, NULL, TAKES_FRACTION },
    { "width", KEY_INT, CHECK(width), 1, 1 << 15, NULL, TAKES_WIDTH },
    { "properties", KEY_CHOICE, CHECK(properties), 0, 0, PROPERTIES_WORDS, TAKES_PROPERTIES },
    { NULL, KEY_OTHER, 0, 0, 0, NULL, 0 },
};

static_assert(sizeof(enum sis_method) == sizeof(unsigned) && sizeof(enum sis_rank) == sizeof(unsigned) &&
                  sizeof(enum baseline) == sizeof(unsigned) && sizeof(enum properties) == sizeof(unsigned),
              "KEY_CHOICE writes an unsigned");

/* Where a value stands, for messages. */
struct place {
    const struct policy_kind *kind;
    const char *path;
    int line;
    const char *key;
};

static struct place place_of(const struct policy *p, const config_setting_t *setting)
{
    return (struct place){ p->kind, p->path, (int)config_setting_source_line(setting), config_setting_name(setting) };
}

/* Always false. */
static bool refuse(const struct place *at, const char *cause, struct err *err)
{
    return err_usage(err, "%s:%d: %s %s", at->path, at->line, at->key, cause);
}

/* "did you mean X?" for a misspelt word, else where to read on. */
static const char *hint(const struct place *at, const char *text, const char *words, char *buffer, int n)
{
    char word[64];
    if (nearest_word(text, words, word, sizeof word))
        snprintf(buffer, (size_t)n, "did you mean %s?", word);
    else
        snprintf(buffer, (size_t)n, "%s shows every key", at->kind->example);
    return buffer;
}

/* `words` with one more at its end; frees the old text. */
static char *append_word(char *words, const char *word)
{
    char *longer = mem_format("%s%s%s", words, *words ? "|" : "", word);
    free(words);
    return longer;
}

static bool refuse_key(const struct place *at, const struct key *keys, struct err *err)
{
    char buffer[96], *words = mem_string("");
    for (const struct key *key = keys; key->name; key++)
        words = append_word(words, key->name);
    err_usage(err, "%s:%d: unknown key %s; %s", at->path, at->line, at->key,
              hint(at, at->key, words, buffer, sizeof buffer));
    free(words);
    return false;
}

static bool read_text(const struct place *at, const config_setting_t *setting, char **out, struct err *err)
{
    if (config_setting_type(setting) != CONFIG_TYPE_STRING)
        return refuse(at, "takes a text in quotes", err);
    const char *text = config_setting_get_string(setting);
    if (text[strspn(text, " \t\n")] == '\0')
        return refuse(at, "is empty; fill it in", err);
    *out = mem_string(text);
    return true;
}

static bool read_count(const struct place *at, const config_setting_t *setting, double min, double max, int64_t *out,
                       struct err *err)
{
    int type = config_setting_type(setting);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return refuse(at, "takes a whole number", err);
    *out = config_setting_get_int64(setting);
    if (!((double)*out >= min && (double)*out <= max))
        return err_usage(err, "%s:%d: %s = %lld is outside %.0f..%.0f", at->path, at->line, at->key, (long long)*out,
                         min, max);
    return true;
}

static bool read_share(const struct place *at, const config_setting_t *setting, double *out, struct err *err)
{
    if (!config_setting_is_number(setting))
        return refuse(at, "takes a number", err);
    *out = config_setting_get_float(setting);
    char text[32];
    snprintf(text, sizeof text, "%.15g", *out); /* as ids and results write it */
    if (strtod(text, NULL) != *out)
        return refuse(at, "has more than 15 digits", err);
    return (*out > 0 && *out < 1) ||
           err_usage(err, "%s:%d: %s = %g is not between 0 and 1", at->path, at->line, at->key, *out);
}

static bool read_flag(const struct place *at, const config_setting_t *setting, bool *out, struct err *err)
{
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
        return refuse(at, "takes true or false", err);
    *out = config_setting_get_bool(setting);
    return true;
}

static bool read_choice(const struct place *at, const config_setting_t *setting, const char *words, unsigned *out,
                        struct err *err)
{
    char *text, buffer[96];
    if (!read_text(at, setting, &text, err))
        return false;
    size_t n = strlen(text);
    const char *word = words;
    for (*out = 0; *word && !(strcspn(word, "|") == n && memcmp(word, text, n) == 0); ++*out)
        word += strcspn(word, "|") + (word[strcspn(word, "|")] == '|');
    bool ok = *word || err_usage(err, "%s:%d: %s = \"%s\" is none of %s; %s", at->path, at->line, at->key, text, words,
                                 hint(at, text, words, buffer, sizeof buffer));
    free(text);
    return ok;
}

static bool read_thresholds(const struct place *at, const config_setting_t *setting, struct policy *p, struct err *err)
{
    bool array = config_setting_is_array(setting) || config_setting_is_list(setting);
    int n = array ? config_setting_length(setting) : 0;
    if (n < 1 || n > SIS_MAX_THRESHOLDS)
        return refuse(at, "takes an array of 1..16 probabilities, such as [0.5, 0.9, 0.99]", err);
    for (int i = 0; i < n; i++) {
        if (!read_share(at, config_setting_get_elem(setting, (unsigned)i), &p->threshold[i], err))
            return false;
        if (i && !(p->threshold[i] > p->threshold[i - 1]))
            return refuse(at, "must rise from one to the next", err);
    }
    p->n_thresholds = n;
    return true;
}

/* What a limit can be, and how to say so. */
static bool check_range(const struct place *at, enum unit unit, double limit, struct err *err)
{
    double low = unit == UNIT_POINTS ? -1 : unit == UNIT_NUMBER ? -1e100 : 0;
    double high = unit == UNIT_RATIO || unit == UNIT_NUMBER ? 1e100 : 1;
    const char *meaning = unit == UNIT_SHARE    ? "it is a share: 0.15 means 15%"
                          : unit == UNIT_POINTS ? "it is a difference of shares: 0.02 means 2 points"
                          : unit == UNIT_RATIO  ? "it is a ratio: 1.1 means a tenth more"
                                                : "it is a number";
    return (limit >= low && limit <= high) || err_usage(err, "%s:%d: %s = %g is outside %g..%g; %s", at->path, at->line,
                                                        at->key, limit, low, high, meaning);
}

static bool read_limit(const struct place *at, const config_setting_t *setting, enum side side, struct policy_check *c,
                       struct err *err)
{
    if (!config_setting_is_number(setting))
        return refuse(at, "takes a number", err);
    if (c->side != SIDE_NONE)
        return refuse(at, "is a second limit; at_least and at_most exclude each other", err);
    if (c->type->good != SIDE_NONE && c->type->good != side)
        return err_usage(err, "%s:%d: %s would want a worse model: %s is better when it is %s; write %s", at->path,
                         at->line, at->key, c->type->kind, side == SIDE_AT_LEAST ? "small" : "large",
                         side == SIDE_AT_LEAST ? "at_most" : "at_least");
    c->side = side;
    c->limit = config_setting_get_float(setting);
    return check_range(at, c->type->unit, c->limit, err);
}

/* `base`: struct policy or struct policy_check, as the table says. */
static bool read_value(const struct place *at, const struct key *key, const config_setting_t *setting, void *base,
                       struct err *err)
{
    char *field = (char *)base + key->offset;
    int64_t whole = 0;
    switch (key->kind) {
    case KEY_TEXT: return read_text(at, setting, (char **)field, err);
    case KEY_COUNT: return read_count(at, setting, key->min, key->max, (int64_t *)field, err);
    case KEY_INT:
        if (!read_count(at, setting, key->min, key->max, &whole, err))
            return false;
        *(int *)field = (int)whole;
        return true;
    case KEY_SHARE: return read_share(at, setting, (double *)field, err);
    case KEY_FLAG: return read_flag(at, setting, (bool *)field, err);
    case KEY_CHOICE: return read_choice(at, setting, key->words, (unsigned *)field, err);
    case KEY_THRESHOLDS: return read_thresholds(at, setting, base, err);
    case KEY_LIMIT: return read_limit(at, setting, (enum side)key->min, base, err);
    case KEY_OTHER: return true;
    }
    return true;
}

/* What a check of this type takes beside the keys of all, in words. */
static const char *parameters_of(const struct check_type *type)
{
    static const char *const words[16] = { "none of threshold, fraction, width",
                                           "threshold",
                                           "fraction",
                                           "threshold and fraction",
                                           "width",
                                           "threshold and width",
                                           "fraction and width",
                                           "threshold, fraction and width",
                                           "properties" };
    return words[type->takes];
}

/* Reads all members of a group; `type`: the check that it describes, or NULL. */
static bool read_group(const struct policy *p, const config_setting_t *group, const struct key *keys,
                       const struct check_type *type, void *base, struct err *err)
{
    if (!config_setting_is_group(group)) {
        struct place at = place_of(p, group);
        return err_usage(err, "%s:%d: %s takes a group: { key = value; ... }", p->path, at.line,
                         at.key ? at.key : "checks");
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        struct place at = place_of(p, setting);
        const struct key *key = keys;
        while (key->name && strcmp(key->name, at.key) != 0)
            key++;
        if (!key->name)
            return refuse_key(&at, keys, err);
        if (key->takes && !(type->takes & key->takes))
            return err_usage(err, "%s:%d: %s has no use for %s; it takes %s", p->path, at.line, type->kind, at.key,
                             parameters_of(type));
        if (!read_value(&at, key, setting, base, err))
            return false;
    }
    return true;
}

static bool find_type(const struct policy *p, const config_setting_t *group, struct policy_check *c, struct err *err)
{
    const config_setting_t *setting = config_setting_is_group(group) ? config_setting_get_member(group, "check") : NULL;
    if (!setting)
        return err_usage(err, "%s:%d: check is missing; write { check = \"accuracy\"; ... }", p->path,
                         (int)config_setting_source_line(group));
    struct place at = place_of(p, setting);
    char *kind = NULL, buffer[96];
    c->line = at.line;
    if (!read_text(&at, setting, &kind, err))
        return false;
    c->type = check_type_find(p->kind->types, kind);
    if (!c->type) {
        char *words = mem_string("");
        for (const struct check_type *type = p->kind->types; type->kind; type++)
            words = append_word(words, type->kind);
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
    if (!read_group(p, group, check_keys, type, c, err))
        return false;
    if (!gates)
        c->gates = c->side != SIDE_NONE;
    else if (c->gates && c->side == SIDE_NONE)
        return err_usage(err, "%s:%d: gates = true needs a limit; add at_least or at_most", p->path,
                         (int)config_setting_source_line(gates));
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
    struct place at = place_of(p, idle);
    return err_usage(err, "%s:%d: method = \"%s\" has no use for %s; remove it", p->path, at.line,
                     sis_method_name(p->sis.method), at.key);
}

static bool read_root(struct policy *p, const config_setting_t *root, struct err *err)
{
    const config_setting_t *sample = config_setting_get_member(root, "sample");
    const config_setting_t *sis = config_setting_get_member(root, "sis");
    if (!read_group(p, root, root_keys, NULL, p, err))
        return false;
    if (!p->name)
        return err_usage(err, "%s:1: name is missing; add name = \"release\";", p->path);
    if (sample && !read_group(p, sample, sample_keys, NULL, p, err))
        return false;
    if (sis && !p->kind->searches)
        return err_usage(err, "%s:%d: a policy on data sets has no use for sis; remove it", p->path,
                         (int)config_setting_source_line(sis));
    if (sis && !(read_group(p, sis, sis_keys, NULL, p, err) && check_method(p, sis, err)))
        return false;
    return read_checks(p, config_setting_get_member(root, "checks"), err);
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
        words = append_word(words, p->check[i].id);
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
