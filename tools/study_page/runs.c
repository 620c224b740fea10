#include "tools/study_page/runs.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/statistics.h"

enum { JSON_LIMIT = 256 << 20, TABLE_LIMIT = 1 << 20, TEXT_LIMIT = 1 << 16, MOST_STEPS = 10000, LONGEST_NAME = 200 };

#define RECORD_SCHEMA "marginalia.study.record/1"

static const char remedy[] = "run tools/reproduce again (--redo STEP makes one step anew)";

struct estimate runs_unknown(void)
{
    return (struct estimate){ (double)NAN, (double)NAN, (double)NAN, 0 };
}

const char *runs_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_schema(const json_t *object, const char *schema, const char *place, struct err *err)
{
    const char *found = runs_text(object, "schema");
    return strcmp(found, schema) == 0 ||
           err_run(err, "%s: schema: it is \"%s\" where \"%s\" is needed; %s", place, found, schema, remedy);
}

/* json_decref it. */
static bool open_json(const char *path, const char *schema, json_t **out, struct err *err)
{
    if (!json_open(path, JSON_LIMIT, out, err))
        return false;
    if (is_schema(*out, schema, path, err))
        return true;
    json_decref(*out);
    *out = NULL;
    return false;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* A name is a file name of OUT and nothing beyond it. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > LONGEST_NAME || *name == '.')
        return false;
    for (const char *p = name; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@", *p))
            return false;
    return true;
}

static bool are_commands(const json_t *list)
{
    size_t i;
    json_t *line;
    json_array_foreach(list, i, line)
    {
        if (!json_is_string(line))
            return false;
    }
    return json_is_array(list);
}

static bool parse_step(const json_t *o, size_t i, const char *path, struct step *s, struct err *err)
{
    const json_t *section = json_object_get(o, "section"), *minutes = json_object_get(o, "minutes");
    *s = (struct step){ .name = runs_text(o, "step"),
                        .state = runs_text(o, "state"),
                        .section = (int)json_integer_value(section),
                        .minutes = json_is_number(minutes) ? json_number_value(minutes) : (double)NAN,
                        .commands = json_object_get(o, "command"),
                        .seconds = (double)NAN };
    s->done = s->here = strcmp(s->state, "done") == 0;
    const char *bad = !is_name(s->name)                                                                ? "step"
                      : !is_name(s->state)                                                             ? "state"
                      : json_integer_value(section) < 1 || json_integer_value(section) > RUNS_SECTIONS ? "section"
                      : !are_commands(s->commands)                                                     ? "command"
                                                                                                       : NULL;
    return !bad || err_run(err, "%s: steps[%zu]: its \"%s\" is not one; %s", path, i, bad, remedy);
}

/* The text of OUT/STEP.ENDING; *out NULL when there is none. free() it. */
static bool read_beside(const struct runs *s, const struct step *step, const char *ending, char **out, struct err *err)
{
    size_t n;
    char *path = mem_format("%s/%s.%s", s->directory, step->name, ending);
    *out = NULL;
    bool ok = !file_exists(path) || file_read(path, TEXT_LIMIT, out, &n, err);
    free(path);
    return ok;
}

static bool read_seconds(const struct runs *s, struct step *step, struct err *err)
{
    char *text;
    if (!read_beside(s, step, "seconds", &text, err))
        return false;
    if (text)
        text[strcspn(text, "\n")] = '\0';
    bool ok = !text || parse_real(text, 0, 1e9, &step->seconds);
    free(text);
    return ok || err_run(err, "%s/%s.seconds:1: it holds no number of seconds; %s", s->directory, step->name, remedy);
}

/* "key: value" lines become "value, key value, ...": the key is kept where the value alone says nothing. */
static bool read_machine(const struct runs *s, struct step *step, struct err *err)
{
    char *text, *rest = NULL;
    if (!read_beside(s, step, "machine", &text, err) || !text)
        return !text;
    char *joined = mem_string("");
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strstr(line, ": ");
        double number;
        bool bare = value && (parse_real(value + 2, -1e300, 1e300, &number) || strncmp(line, "revision: ", 10) == 0);
        if (value)
            *value = '\0';
        char *longer = mem_format("%s%s%s%s%s", joined, *joined ? ", " : "", bare ? line : "", bare ? " " : "",
                                  value ? value + 2 : line);
        free(joined);
        joined = longer;
    }
    free(text);
    step->machine = joined;
    return true;
}

/* What was run here: its files are read when they are asked for. */
static bool open_here(const struct runs *s, struct step *step, struct err *err)
{
    step->files = json_object();
    return read_seconds(s, step, err) && read_machine(s, step, err);
}

static char *record_path(const struct runs *s, const struct step *step)
{
    return mem_format("%s/%s.json", s->record, step->name);
}

/* What was run elsewhere or before, by the same commands. */
static bool open_record(const struct runs *s, struct step *step, struct err *err)
{
    char *path = record_path(s, step);
    json_t *record = NULL;
    bool ok = !file_exists(path) || open_json(path, RECORD_SCHEMA, &record, err);
    if (record && json_equal(json_object_get(record, "command"), step->commands)) {
        const json_t *seconds = json_object_get(record, "seconds");
        step->files = json_incref(json_object_get(record, "files"));
        step->seconds = json_is_number(seconds) ? json_number_value(seconds) : (double)NAN;
        step->machine = mem_string(runs_text(record, "machine"));
        ok = json_is_object(step->files) || err_run(err, "%s: files: it is not an object; %s", path, remedy);
        step->done = ok;
    }
    json_decref(record);
    free(path);
    return ok;
}

static bool read_steps(const char *path, struct runs *s, struct err *err)
{
    const json_t *list = json_object_get(s->json, "steps");
    if (!json_is_array(list) || json_array_size(list) > MOST_STEPS)
        return err_run(err, "%s: steps: it is not a list of at most %d steps; %s", path, MOST_STEPS, remedy);
    size_t n = json_array_size(list);
    s->step = mem_alloc(n, sizeof *s->step);
    for (size_t i = 0; i < n; i++) {
        struct step *step = &s->step[s->n];
        if (!parse_step(json_array_get(list, i), i, path, step, err))
            return false;
        s->n++;
        if (!(step->here ? open_here : open_record)(s, step, err))
            return false;
    }
    return true;
}

bool runs_open(const char *directory, const char *record, struct runs *out, struct err *err)
{
    *out = (struct runs){ .directory = directory, .record = record };
    char *path = file_join(directory, "steps.json");
    bool ok = open_json(path, "marginalia.study/1", &out->json, err) && read_steps(path, out, err);
    if (ok)
        out->tiny = json_is_true(json_object_get(out->json, "tiny"));
    else
        runs_close(out);
    free(path);
    return ok;
}

void runs_close(struct runs *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->step[i].machine);
        json_decref(s->step[i].files);
    }
    free(s->step);
    json_decref(s->json);
    *s = (struct runs){ 0 };
}

bool runs_record(const struct runs *s, struct err *err)
{
    bool ok = file_make_directories(s->record, err);
    for (int i = 0; ok && i < s->n; i++) {
        const struct step *step = &s->step[i];
        if (!step->here)
            continue;
        json_t *record = json_pack("{ss ss sO so ss sO}", "schema", RECORD_SCHEMA, "step", step->name, "command",
                                   step->commands, "seconds", json_finite(step->seconds), "machine",
                                   step->machine ? step->machine : "", "files", step->files);
        char *path = record_path(s, step);
        ok = json_save(record, path, err);
        free(path);
        json_decref(record);
    }
    return ok;
}

static const struct step *find(const struct runs *s, const char *fmt, va_list args)
{
    char name[LONGEST_NAME + 1];
    vsnprintf(name, sizeof name, fmt, args);
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->step[i].name, name) == 0)
            return &s->step[i];
    return NULL;
}

const struct step *runs_find(const struct runs *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const struct step *step = find(s, fmt, args);
    va_end(args);
    return step;
}

const struct step *runs_done(const struct runs *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const struct step *step = find(s, fmt, args);
    va_end(args);
    return step && step->done ? step : NULL;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* What a page of numbers does not need: how a report explains itself. */
static const char *const prose[] = { "asks", "means", "act", "next" };

void runs_short(json_t *value)
{
    const char *key;
    json_t *inner;
    void *next;
    size_t i;
    for (i = 0; i < sizeof prose / sizeof *prose; i++)
        json_object_del(value, prose[i]);
    json_object_foreach_safe(value, next, key, inner)
    {
        size_t n = json_array_size(inner);
        if (strcmp(key, "suspects") == 0)
            json_object_set_new(value, key, json_integer((json_int_t)n));
        else if (n > RUNS_LONGEST_LIST)
            json_object_del(value, key);
        else
            runs_short(inner);
    }
    json_array_foreach(value, i, inner) runs_short(inner);
}

char *runs_place(const struct runs *s, const struct step *step, const char *file)
{
    return step->here ? mem_format("%s/%s/%s", s->directory, step->name, file)
                      : mem_format("%s/%s.json: %s", s->record, step->name, file);
}

const json_t *runs_kept(const struct step *step, const char *file)
{
    return json_object_get(step->files, file);
}

void runs_keep(const struct step *step, const char *file, json_t *made)
{
    json_object_set_new(step->files, file, made);
}

static json_t *read_text(const char *path, struct err *err)
{
    char *text;
    size_t n;
    if (!file_read(path, TABLE_LIMIT, &text, &n, err))
        return NULL;
    json_t *string = json_stringn(text, n);
    free(text);
    if (!string)
        err_run(err, "%s: it is not UTF-8 text; %s", path, remedy);
    return string;
}

/* From OUT. */
static bool read_file(const char *path, const struct step *step, const char *file, const char *schema, struct err *err)
{
    json_t *found = NULL;
    if (!schema)
        found = read_text(path, err);
    else if (open_json(path, schema, &found, err))
        runs_short(found);
    if (found)
        runs_keep(step, file, found);
    return found;
}

const json_t *runs_file(const struct runs *s, const struct step *step, const char *file, const char *schema,
                        struct err *err)
{
    char *place = runs_place(s, step, file);
    bool ok = true;
    if (!runs_kept(step, file))
        ok = step->here ? read_file(place, step, file, schema, err)
                        : err_run(err, "%s: it is not on record; %s", place, remedy);
    const json_t *found = runs_kept(step, file);
    if (ok && schema)
        ok = is_schema(found, schema, place, err);
    else if (ok)
        ok = json_is_string(found) || err_run(err, "%s: it is not a text; %s", place, remedy);
    free(place);
    return ok ? found : NULL;
}

/* --- results ------------------------------------------------------------------------------------------------------ */

/* Right answers as a manifest has them. */
static bool read_accuracy(const json_t *o, const char *path, const char *key, struct estimate *out, struct err *err)
{
    const json_t *correct = json_object_get(o, "test_correct"), *images = json_object_get(o, "test_images");
    int64_t k = json_integer_value(correct), n = json_integer_value(images);
    if (!json_is_integer(correct) || !json_is_integer(images) || n < 1 || k < 0 || k > n)
        return err_run(err, "%s: %s: test_correct of test_images is not a count; %s", path, key, remedy);
    struct interval i = wilson(k, n);
    *out = (struct estimate){ (double)k / (double)n, i.low, i.high, n };
    return true;
}

static bool read_results(const json_t *results, const char *path, int draws, struct estimate *out, struct err *err)
{
    size_t i;
    json_t *sampled;
    *out = runs_unknown();
    out->n = RUNS_NOT_ASKED;
    if (draws == 0)
        return read_accuracy(json_object_get(results, "final"), path, "results.final", out, err);
    json_array_foreach(json_object_get(results, "final_with_input_dropout"), i, sampled)
    {
        if (json_integer_value(json_object_get(sampled, "samples")) == draws)
            return read_accuracy(sampled, path, "results.final_with_input_dropout", out, err);
    }
    return true;
}

bool runs_manifest(const struct runs *s, const struct step *step, int draws, struct estimate *out, struct err *err)
{
    static const char file[] = "manifest.json";
    const json_t *manifest = runs_file(s, step, file, "marginalia.run/1", err);
    if (!manifest)
        return false;
    char *place = runs_place(s, step, file);
    bool ok = strcmp(runs_text(manifest, "status"), "finished") == 0
                  ? read_results(json_object_get(manifest, "results"), place, draws, out, err)
                  : err_run(err, "%s: status: the training is not finished; %s", place, remedy);
    free(place);
    return ok;
}

const json_t *runs_report(const struct runs *s, const struct step *step, const char *file, struct err *err)
{
    const json_t *report = runs_file(s, step, file, "marginalia-report", err);
    if (!report || json_is_array(json_object_get(report, "checks")))
        return report;
    char *place = runs_place(s, step, file);
    err_run(err, "%s: checks: it is not a list; %s", place, remedy);
    free(place);
    return NULL;
}

const json_t *runs_check(const json_t *report, const char *kind_or_id)
{
    size_t i;
    json_t *check;
    json_array_foreach(json_object_get(report, "checks"), i, check)
    {
        if (strcmp(runs_text(check, "kind"), kind_or_id) == 0 || strcmp(runs_text(check, "id"), kind_or_id) == 0)
            return check;
    }
    return NULL;
}

/* Null stands for a number that is not known. */
static bool read_real(const json_t *o, const char *key, const char *place, double *out, struct err *err)
{
    const json_t *value = json_object_get(o, key);
    *out = json_is_number(value) ? json_number_value(value) : (double)NAN;
    return json_is_number(value) || json_is_null(value) ||
           err_run(err, "%s: %s: \"%s\" is not a number; %s", place, *runs_text(o, "id") ? runs_text(o, "id") : "value",
                   key, remedy);
}

bool runs_estimate(const json_t *object, const char *place, struct estimate *out, struct err *err)
{
    *out = runs_unknown();
    out->n = RUNS_NOT_ASKED;
    if (!object)
        return true;
    if (!read_real(object, "value", place, &out->value, err))
        return false;
    out->n = isfinite(out->value) ? json_integer_value(json_object_get(object, "n")) : RUNS_NOT_MEASURED;
    return read_real(object, "low", place, &out->low, err) && read_real(object, "high", place, &out->high, err);
}

enum unit runs_unit(const json_t *check)
{
    static const char *const name[] = { "share", "points", "ratio" };
    enum unit unit = UNIT_SHARE;
    while (unit < UNIT_NUMBER && strcmp(runs_text(check, "unit"), name[unit]) != 0)
        unit++;
    return unit;
}
