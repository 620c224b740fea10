#include "validate/policy_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"

static_assert(sizeof(enum sis_method) == sizeof(unsigned) && sizeof(enum sis_rank) == sizeof(unsigned) &&
                  sizeof(enum baseline) == sizeof(unsigned) && sizeof(enum properties) == sizeof(unsigned) &&
                  sizeof(enum requirement) == sizeof(unsigned),
              "KEY_CHOICE writes an unsigned");

struct policy_place policy_place_of(const struct policy *p, const config_setting_t *setting)
{
    return (struct policy_place){ p->kind, p->path, (int)config_setting_source_line(setting),
                                  config_setting_name(setting) };
}

/* Always false. */
static bool refuse(const struct policy_place *at, const char *cause, struct err *err)
{
    return err_usage(err, "%s:%d: %s %s", at->path, at->line, at->key, cause);
}

/* "did you mean X?" for a misspelt word, else where to read on. */
static const char *hint(const struct policy_place *at, const char *text, const char *words, char *buffer, int n)
{
    char word[64];
    if (nearest_word(text, words, word, sizeof word))
        snprintf(buffer, (size_t)n, "did you mean %s?", word);
    else
        snprintf(buffer, (size_t)n, "%s shows every key", at->kind->example);
    return buffer;
}

char *policy_append_word(char *words, const char *word)
{
    char *longer = mem_format("%s%s%s", words, *words ? "|" : "", word);
    free(words);
    return longer;
}

static bool refuse_key(const struct policy_place *at, const struct policy_key *keys, struct err *err)
{
    char buffer[96], *words = mem_string("");
    for (const struct policy_key *key = keys; key->name; key++)
        words = policy_append_word(words, key->name);
    err_usage(err, "%s:%d: unknown key %s; %s", at->path, at->line, at->key,
              hint(at, at->key, words, buffer, sizeof buffer));
    free(words);
    return false;
}

bool policy_read_text(const struct policy_place *at, const config_setting_t *setting, char **out, struct err *err)
{
    if (config_setting_type(setting) != CONFIG_TYPE_STRING)
        return refuse(at, "takes a text in quotes", err);
    const char *text = config_setting_get_string(setting);
    if (text[strspn(text, " \t\n")] == '\0')
        return refuse(at, "is empty; fill it in", err);
    *out = mem_string(text);
    return true;
}

static bool read_count(const struct policy_place *at, const config_setting_t *setting, double min, double max,
                       int64_t *out, struct err *err)
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

static bool read_share(const struct policy_place *at, const config_setting_t *setting, double *out, struct err *err)
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

static bool read_flag(const struct policy_place *at, const config_setting_t *setting, bool *out, struct err *err)
{
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
        return refuse(at, "takes true or false", err);
    *out = config_setting_get_bool(setting);
    return true;
}

static bool read_choice(const struct policy_place *at, const config_setting_t *setting, const char *words,
                        unsigned *out, struct err *err)
{
    char *text, buffer[96];
    if (!policy_read_text(at, setting, &text, err))
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

static bool read_thresholds(const struct policy_place *at, const config_setting_t *setting, struct policy *p,
                            struct err *err)
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
static bool check_range(const struct policy_place *at, enum unit unit, double limit, struct err *err)
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

static bool read_limit(const struct policy_place *at, const config_setting_t *setting, enum side side,
                       struct policy_check *c, struct err *err)
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

/* What may be lost, in the unit of a change. */
static bool read_margin(const struct policy_place *at, const config_setting_t *setting, struct policy_check *c,
                        struct err *err)
{
    if (!config_setting_is_number(setting))
        return refuse(at, "takes a number", err);
    bool share = c->type->unit == UNIT_SHARE;
    double most = share ? 1 : 1e100;
    c->margin = config_setting_get_float(setting);
    if (!(c->margin >= 0 && c->margin <= most))
        return err_usage(err, "%s:%d: %s = %g is outside 0..%g; a change of up to it is indifferent%s",
                         at->path, at->line, at->key, c->margin, most, share ? ": 0.01 means 1 point" : "");
    c->side = c->type->good;
    c->limit = c->side == SIDE_AT_LEAST ? -c->margin : c->margin;
    return true;
}

/* `base`: struct policy or struct policy_check, as the table says. */
static bool read_value(const struct policy_place *at, const struct policy_key *key, const config_setting_t *setting,
                       void *base, struct err *err)
{
    char *field = (char *)base + key->offset;
    int64_t whole = 0;
    switch (key->kind) {
    case KEY_TEXT: return policy_read_text(at, setting, (char **)field, err);
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
    case KEY_MARGIN: return read_margin(at, setting, base, err);
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

bool policy_read_group(const struct policy *p, const config_setting_t *group, const struct policy_key *keys,
                       const struct check_type *type, void *base, struct err *err)
{
    if (!config_setting_is_group(group)) {
        struct policy_place at = policy_place_of(p, group);
        return err_usage(err, "%s:%d: %s takes a group: { key = value; ... }", p->path, at.line,
                         at.key ? at.key : "checks");
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        struct policy_place at = policy_place_of(p, setting);
        const struct policy_key *key = keys;
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
