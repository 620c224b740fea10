/* The files that a model is made of: those of one run, or of the members of an ensemble. */
#include "validate/subject_parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/ensemble_file.h"
#include "base/json.h"
#include "base/mem.h"

enum { MANIFEST_LIMIT = 4 << 20 };

/* The last part of a path, without ".cfg"; free() it. */
static char *name_of(const char *path)
{
    size_t end = strlen(path);

    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (end - start > 4 && strncmp(path + end - 4, ".cfg", 4) == 0)
        end -= 4;
    return mem_format("%.*s", (int)(end - start), path + start);
}

static const char *string_at(const json_t *root, const char *a, const char *b, const char *c)
{
    const json_t *at = json_object_get(root, a);

    at = json_object_get(at, b);
    return json_string_value(c ? json_object_get(at, c) : at);
}

/* What the run's manifest says about the weights and the cfg. */
static bool read_manifest(struct subject *s, const struct subject_member *m, bool check_weights, struct err *err)
{
    const char *otherwise = s->ensemble ? "" : ", or name the weights with --weights";
    char *path = file_join(m->directory, "manifest.json");
    json_t *root;

    if (!json_open(path, MANIFEST_LIMIT, &root, err)) {
        free(path);
        return false;
    }
    const char *cfg = string_at(root, "cfg", "path", NULL), *hash = string_at(root, "results", "final", "sha256");
    if (cfg && !s->trained_from)
        s->trained_from = mem_string(cfg);
    bool ok = true;
    if (check_weights && !hash)
        ok = err_run(err, "%s: this run is not finished; end it with train --resume%s", path, otherwise);
    else if (check_weights && strcmp(hash, m->weights_hash) != 0)
        ok = err_run(err, "%s: is not the file that %s tells of; restore it%s", m->weights, path, otherwise);
    json_decref(root);
    free(path);
    return ok;
}

/* A run without a manifest was not made by train. */
static bool check_run(const char *run, struct err *err)
{
    char *manifest = file_join(run, "manifest.json");
    bool ok = file_exists(manifest) ||
              err_usage(err,
                        "%s: is no run directory of train (it has no manifest.json); name one, or give --cfg and "
                        "--weights",
                        run);

    free(manifest);
    return ok;
}

static bool hash_files(struct subject_member *m, struct err *err)
{
    return file_sha256(m->cfg, m->cfg_hash, err) && file_sha256(m->weights, m->weights_hash, err);
}

/* ---- one network ---- */

static bool find_single(const struct subject_options *o, struct subject *s, struct err *err)
{
    struct subject_member *m = s->member = mem_alloc(1, sizeof *m);

    if (o->run && !check_run(o->run, err))
        return false;
    s->n_members = 1;
    m->run = mem_string(o->run ? o->run : o->cfg);
    m->directory = o->run ? mem_string(o->run) : NULL;
    m->cfg = o->cfg ? mem_string(o->cfg) : file_join(o->run, "resolved.cfg");
    m->weights = o->weights ? mem_string(o->weights) : file_join(o->run, "final.weights");
    if (o->run && !o->weights && !file_exists(m->weights))
        return err_run(err,
                       "%s: does not exist, so this run is not finished; end it with train --resume, or name "
                       "weights with --weights",
                       m->weights);
    return hash_files(m, err) && (!o->run || read_manifest(s, m, !o->weights, err));
}

/* ---- an ensemble ---- */

static bool find_member(struct subject *s, const struct ensemble_entry *e, struct subject_member *m, struct err *err)
{
    m->run = mem_string(e->run);
    m->directory = mem_string(e->directory);
    m->cfg = mem_string(e->cfg);
    m->weights = mem_string(e->weights);
    return check_run(m->directory, err) && hash_files(m, err) && read_manifest(s, m, true, err);
}

static bool find_members(struct subject *s, const struct ensemble_file *f, struct err *err)
{
    s->combine = f->combine;
    s->member = mem_alloc((size_t)f->n, sizeof *s->member);
    s->missing = mem_alloc((size_t)f->n_missing + 1, sizeof *s->missing);
    for (int i = 0; i < f->n_missing; i++)
        s->missing[s->n_missing++] = mem_string(f->missing[i]);
    for (int i = 0; i < f->n; i++)
        if (!find_member(s, &f->member[i], &s->member[s->n_members++], err))
            return false;
    return true;
}

static bool find_ensemble(const struct subject_options *o, struct subject *s, struct err *err)
{
    struct ensemble_file *f = NULL;

    if (o->cfg || o->weights)
        return err_usage(
            err, "%s: is an ensemble, whose members have files of their own; leave out --cfg and --weights", o->run);
    bool ok = ensemble_file_read(s->ensemble, o->allow_partial, &f, err) && find_members(s, f, err);
    ensemble_file_free(f);
    return ok;
}

/* One member left is that network. Otherwise everything that decides an answer: the members, their order, which
 * rounding depends on, and the rule. */
static void hash_members(struct subject *s)
{
    const struct subject_member *first = &s->member[0];

    memcpy(s->cfg_hash, first->cfg_hash, sizeof s->cfg_hash);
    memcpy(s->weights_hash, first->weights_hash, sizeof s->weights_hash);
    if (s->n_members == 1)
        return;
    struct sha256 *cfg = sha256_new(), *weights = sha256_new();
    const char *rule = subject_rule(s);
    sha256_add(weights, rule, strlen(rule) + 1);
    for (int i = 0; i < s->n_members; i++) {
        sha256_add(cfg, s->member[i].cfg_hash, SHA256_HEX);
        sha256_add(weights, s->member[i].weights_hash, SHA256_HEX);
    }
    sha256_finish(cfg, s->cfg_hash);
    sha256_finish(weights, s->weights_hash);
}

bool subject_find_files(const struct subject_options *o, struct subject *s, struct err *err)
{
    char *ensemble = o->run ? file_join(o->run, ENSEMBLE_FILE) : NULL;

    if (ensemble && file_exists(ensemble))
        s->ensemble = ensemble;
    else
        free(ensemble);
    s->name = name_of(o->run ? o->run : o->cfg);
    s->directory = o->run ? mem_string(o->run) : NULL;
    if (!(s->ensemble ? find_ensemble(o, s, err) : find_single(o, s, err)))
        return false;
    s->cfg = s->member[0].cfg;
    s->weights = s->ensemble ? s->ensemble : s->member[0].weights;
    hash_members(s);
    return true;
}

void subject_free_files(struct subject *s)
{
    for (int i = 0; i < s->n_members; i++) {
        free(s->member[i].run);
        free(s->member[i].directory);
        free(s->member[i].cfg);
        free(s->member[i].weights);
    }
    for (int i = 0; i < s->n_missing; i++)
        free(s->missing[i]);
    free(s->member);
    free(s->missing);
    free(s->ensemble);
    free(s->name);
    free(s->directory);
    free(s->trained_from);
}

const char *subject_rule(const struct subject *s)
{
    return s->combine == COMBINE_LOGIT ? "logit" : "probability";
}

char *subject_title(const struct subject *s)
{
    return s->n_missing > 0 ? mem_format("%s (%d of %d members)", s->name, s->n_members, s->n_members + s->n_missing)
                            : mem_string(s->name);
}

bool subject_open_network(const struct subject *s, int threads, struct network *out, struct err *err)
{
    size_t n = (size_t)s->n_members;
    const char **cfg = mem_alloc(n, sizeof *cfg), **weights = mem_alloc(n, sizeof *weights);

    for (size_t i = 0; i < n; i++) {
        cfg[i] = s->member[i].cfg;
        weights[i] = s->member[i].weights;
    }
    struct network_files files = { .n = s->n_members, .cfg = cfg, .weights = weights, .combine = s->combine };
    bool ok = s->opener->open(&files, threads, out, err);
    free(cfg);
    free(weights);
    return ok;
}
