#include "base/ensemble_file.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"

enum { LIMIT_BYTES = 1 << 20, HASH_DIGITS = SHA256_HEX - 1 };

static const char example[] = "{ run = \"member_1\"; weights_sha256 = \"...\"; }";

/* ---- the text ---- */

static bool read_text(const char *path, const config_setting_t *setting, const char **out, struct err *err)
{
    if (config_setting_type(setting) != CONFIG_TYPE_STRING || !*config_setting_get_string(setting))
        return err_usage(err, "%s:%d: %s takes a text in quotes", path, (int)config_setting_source_line(setting),
                         config_setting_name(setting));
    *out = config_setting_get_string(setting);
    return true;
}

static bool read_combine(struct ensemble_file *f, const config_setting_t *setting, struct err *err)
{
    const char *word = "";

    if (!read_text(f->path, setting, &word, err))
        return false;
    f->combine = strcmp(word, "probability") == 0 ? COMBINE_PROBABILITY : COMBINE_LOGIT;
    return f->combine == COMBINE_PROBABILITY || strcmp(word, "logit") == 0 ||
           err_usage(err, "%s:%d: combine = \"%s\" is none of %s; choose one of them", f->path,
                     (int)config_setting_source_line(setting), word, COMBINE_WORDS);
}

static bool read_hash(const char *path, const config_setting_t *setting, char hash[SHA256_HEX], struct err *err)
{
    const char *text = "";

    if (!read_text(path, setting, &text, err))
        return false;
    if (strlen(text) != HASH_DIGITS || strspn(text, "0123456789abcdef") != HASH_DIGITS)
        return err_usage(err, "%s:%d: weights_sha256 is no SHA-256; it has 64 digits of 0-9 and a-f", path,
                         (int)config_setting_source_line(setting));
    memcpy(hash, text, SHA256_HEX);
    return true;
}

/* From the folder that the file is in. */
static char *place_of(const char *path, const char *run)
{
    const char *slash = strrchr(path, '/');

    if (*run == '/' || !slash)
        return mem_string(run);
    char *folder = mem_format("%.*s", (int)(slash + 1 - path), path), *place = file_join(folder, run);
    free(folder);
    return place;
}

static bool read_member(const char *path, const config_setting_t *group, struct ensemble_entry *e, struct err *err)
{
    const char *run = NULL;

    e->line = (int)config_setting_source_line(group);
    if (!config_setting_is_group(group))
        return err_usage(err, "%s:%d: a member is a group; write %s", path, e->line, example);
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(setting);
        if (strcmp(key, "run") != 0 && strcmp(key, "weights_sha256") != 0)
            return err_usage(err, "%s:%d: unknown key %s; a member has run and weights_sha256", path,
                             (int)config_setting_source_line(setting), key);
        if (!(*key == 'r' ? read_text(path, setting, &run, err) : read_hash(path, setting, e->hash, err)))
            return false;
    }
    if (!run || !*e->hash)
        return err_usage(err, "%s:%d: the member has no %s; write %s", path, e->line, run ? "weights_sha256" : "run",
                         example);
    e->run = mem_string(run);
    e->directory = place_of(path, run);
    e->cfg = file_join(e->directory, "resolved.cfg");
    e->weights = file_join(e->directory, "final.weights");
    return true;
}

/* Whether member i is none of those before it. */
static bool check_new(const struct ensemble_file *f, int i, struct err *err)
{
    const struct ensemble_entry *e = &f->member[i];

    for (int k = 0; k < i; k++) {
        const struct ensemble_entry *other = &f->member[k];
        if (strcmp(e->directory, other->directory) == 0 || strcmp(e->hash, other->hash) == 0)
            return err_usage(err, "%s:%d: %s is the member of line %d once more; name each run once", f->path, e->line,
                             e->run, other->line);
    }
    return true;
}

static bool read_members(struct ensemble_file *f, const config_setting_t *list, struct err *err)
{
    int n = config_setting_is_list(list) ? config_setting_length(list) : 0;

    if (n < 1 || n > ENSEMBLE_MOST)
        return err_usage(err, "%s:%d: members takes a list of 1..%d runs; write members = ( %s, ... );", f->path,
                         (int)config_setting_source_line(list), ENSEMBLE_MOST, example);
    f->member = mem_alloc((size_t)n, sizeof *f->member);
    for (int i = 0; i < n; i++) {
        f->n = i + 1;
        if (!read_member(f->path, config_setting_get_elem(list, (unsigned)i), &f->member[i], err) ||
            !check_new(f, i, err))
            return false;
    }
    return true;
}

static bool read_root(struct ensemble_file *f, const config_setting_t *root, struct err *err)
{
    bool combine = false;

    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
        const char *key = config_setting_name(setting);
        if (strcmp(key, "combine") != 0 && strcmp(key, "members") != 0)
            return err_usage(err, "%s:%d: unknown key %s; an ensemble has combine and members", f->path,
                             (int)config_setting_source_line(setting), key);
        combine |= *key == 'c';
        if (!(*key == 'c' ? read_combine(f, setting, err) : read_members(f, setting, err)))
            return false;
    }
    return (combine && f->n) ||
           err_usage(err, "%s: no %s; an ensemble has combine and members", f->path, combine ? "members" : "combine");
}

bool ensemble_file_parse(const char *path, const char *text, size_t n, struct ensemble_file **out, struct err *err)
{
    if (!conf_check_text(path, text, n, err))
        return false;
    struct ensemble_file *f = mem_alloc(1, sizeof *f);
    config_t conf;
    f->path = mem_string(path);
    config_init(&conf);
    bool ok = config_read_string(&conf, text)
                  ? read_root(f, config_root_setting(&conf), err)
                  : err_usage(err, "%s:%d: %s; put it right, or write the file anew with tools/make-ensemble", path,
                              config_error_line(&conf), config_error_text(&conf));
    config_destroy(&conf);
    if (ok)
        *out = f;
    else
        ensemble_file_free(f);
    return ok;
}

static void clear_entry(struct ensemble_entry *e)
{
    free(e->run);
    free(e->directory);
    free(e->cfg);
    free(e->weights);
}

void ensemble_file_free(struct ensemble_file *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->n; i++)
        clear_entry(&f->member[i]);
    for (int i = 0; i < f->n_missing; i++)
        free(f->missing[i]);
    free(f->missing);
    free(f->member);
    free(f->path);
    free(f);
}

/* ---- the files it names ---- */

static bool is_ensemble(const char *directory)
{
    char *inside = file_join(directory, ENSEMBLE_FILE);
    bool is = file_exists(inside);

    free(inside);
    return is;
}

/* *cause: what keeps this member out, or NULL when its files are those that
 * were meant. */
static bool look_at(const struct ensemble_entry *e, const char **cause, struct err *err)
{
    char hash[SHA256_HEX];

    *cause = !file_exists(e->weights) ? "its final.weights is missing"
             : !file_exists(e->cfg)   ? "its resolved.cfg is missing"
                                      : NULL;
    if (*cause)
        return true;
    if (!file_sha256(e->weights, hash, err))
        return false;
    if (strcmp(hash, e->hash) != 0)
        *cause = "its final.weights is another one";
    return true;
}

/* Leaves member i out. */
static void leave_out(struct ensemble_file *f, int i, const char *cause)
{
    f->missing[f->n_missing++] = mem_format("%s (%s)", f->member[i].run, cause);
    clear_entry(&f->member[i]);
    memmove(&f->member[i], &f->member[i + 1], (size_t)(f->n - i - 1) * sizeof *f->member);
    f->n--;
}

static bool check_files(struct ensemble_file *f, bool allow_partial, struct err *err)
{
    const char *cause;

    f->missing = mem_alloc((size_t)f->n, sizeof *f->missing);
    for (int i = 0; i < f->n;) {
        const struct ensemble_entry *e = &f->member[i];
        if (is_ensemble(e->directory))
            return err_usage(err, "%s:%d: %s is an ensemble itself; name its members one by one", f->path, e->line,
                             e->run);
        if (!look_at(e, &cause, err))
            return false;
        if (cause && !(allow_partial && f->n > 1))
            return err_run(err, "%s:%d: member %s: %s; finish its training (train --resume) or restore it%s", f->path,
                           e->line, e->run, cause,
                           allow_partial ? ", since no other is there" : ", or leave it out with --allow-partial");
        if (cause)
            leave_out(f, i, cause);
        else
            i++;
    }
    return true;
}

bool ensemble_file_read(const char *path, bool allow_partial, struct ensemble_file **out, struct err *err)
{
    char *text;
    size_t n;

    if (!file_read(path, LIMIT_BYTES, &text, &n, err))
        return false;
    bool ok = ensemble_file_parse(path, text, n, out, err);
    free(text);
    if (ok && !check_files(*out, allow_partial, err)) {
        ensemble_file_free(*out);
        *out = NULL;
        return false;
    }
    return ok;
}

/* ---- writing ---- */

/* As libconfig reads it back. */
static void put_text(FILE *out, const char *text)
{
    putc('"', out);
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == '"' || *s == '\\')
            fprintf(out, "\\x%02x", *s);
        else
            putc(*s, out);
    putc('"', out);
}

static bool put_member(FILE *out, const char *path, const char *run, bool last, struct err *err)
{
    char hash[SHA256_HEX], *directory = place_of(path, run), *weights = file_join(directory, "final.weights");
    bool ok = (!is_ensemble(directory) ||
               err_usage(err, "%s: is an ensemble itself; name its members one by one", directory)) &&
              file_sha256(weights, hash, err);

    if (ok) {
        fputs("  { run = ", out);
        put_text(out, run);
        fprintf(out, "; weights_sha256 = \"%s\"; }%s\n", hash, last ? "" : ",");
    }
    free(weights);
    free(directory);
    return ok;
}

static bool write_text(FILE *out, const char *path, char *const *run, int n, enum combine combine, struct err *err)
{
    fprintf(out, "# %d networks that answer as one: the mean of their %s.\ncombine = \"%s\";\nmembers = (\n", n,
            combine == COMBINE_LOGIT ? "logits" : "probabilities", combine == COMBINE_LOGIT ? "logit" : "probability");
    for (int i = 0; i < n; i++)
        if (!put_member(out, path, run[i], i == n - 1, err))
            return false;
    fputs(");\n", out);
    return true;
}

/* Whether what is about to be written can be read. */
static bool check_written(const char *path, const char *text, size_t n, struct err *err)
{
    struct ensemble_file *f = NULL;
    bool ok = ensemble_file_parse(path, text, n, &f, err) && check_files(f, false, err);

    ensemble_file_free(f);
    return ok;
}

bool ensemble_file_write(const char *directory, char *const *run, int n, enum combine combine, struct err *err)
{
    char *path = file_join(directory, ENSEMBLE_FILE), *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out) {
        free(path);
        return err_run(err, "%s: no memory for its text; free some", directory);
    }
    bool ok = file_make_directories(directory, err) && write_text(out, path, run, n, combine, err);
    if (fclose(out) != 0)
        ok = err_run(err, "%s: no memory for its text; free some", directory);
    ok = ok && check_written(path, text, length, err) && file_write(path, text, length, err);
    free(text);
    free(path);
    return ok;
}
