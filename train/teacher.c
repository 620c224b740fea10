#include "train/teacher.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/ensemble_file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/progress.h"
#include "train/run_directory.h"

enum { MANIFEST_LIMIT = 1 << 22 };

static bool is_there(const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    bool yes = file_exists(path);

    free(path);
    return yes;
}

static bool add_member(struct teacher *t, const char *directory, struct err *err)
{
    struct teacher_member *m = &t->member[t->n++];

    m->directory = mem_string(directory);
    m->cfg = file_join(directory, RUN_CFG);
    m->weights = file_join(directory, RUN_FINAL);
    return file_sha256(m->cfg, m->cfg_hash, err) && file_sha256(m->weights, m->weights_hash, err);
}

static bool list_ensemble(struct teacher *t, struct err *err)
{
    char *path = file_join(t->path, ENSEMBLE_FILE);
    struct ensemble_file *file = NULL;
    bool ok = ensemble_file_read(path, false, &file, err);

    free(path);
    if (!ok)
        return false;
    t->combine = file->combine;
    t->member = mem_alloc((size_t)file->n, sizeof *t->member);
    for (int i = 0; ok && i < file->n; i++)
        ok = add_member(t, file->member[i].directory, err);
    ensemble_file_free(file);
    return ok;
}

static bool list_members(struct teacher *t, struct err *err)
{
    if (is_there(t->path, ENSEMBLE_FILE))
        return list_ensemble(t, err);
    if (!is_there(t->path, RUN_CFG))
        return err_usage(err, "%s: the teacher is no run directory of train (it has neither %s nor %s); name one",
                         t->path, RUN_CFG, ENSEMBLE_FILE);
    if (!is_there(t->path, RUN_FINAL))
        return err_run(err, "%s: the teacher's training is not finished (there is no %s); end it with train --resume",
                       t->path, RUN_FINAL);
    t->member = mem_alloc(1, sizeof *t->member);
    return add_member(t, t->path, err);
}

static bool open_members(struct teacher *t, struct model *beside, int threads, struct err *err)
{
    const char *cfg[ENSEMBLE_MOST], *weights[ENSEMBLE_MOST];
    struct ensemble_options o = { .n = t->n, .cfg = cfg, .weights = weights, .combine = t->combine,
                                  .threads = threads, .beside = beside };

    assert(t->n <= ENSEMBLE_MOST);
    for (int i = 0; i < t->n; i++) {
        cfg[i] = t->member[i].cfg;
        weights[i] = t->member[i].weights;
    }
    if (!ensemble_open(&o, &t->ensemble, err))
        return false;
    t->classifier = ensemble_classifier(t->ensemble);
    return true;
}

static bool check_fit(const struct teacher *t, const struct net_cfg *student, struct err *err)
{
    const struct classifier *m = &t->classifier;

    if (m->c == student->c && m->h == student->h && m->w == student->w && m->classes == student->classes)
        return true;
    return err_usage(err, "%s: the student sees %dx%dx%d and tells %d classes, its teacher %s sees %dx%dx%d and tells "
                     "%d; choose a teacher of the same shape", student->path, student->w, student->h, student->c,
                     student->classes, t->member[0].cfg, m->w, m->h, m->c, m->classes);
}

/* Over the lines of the identity: what the answers depend on. */
static bool check_hash(struct teacher *t, const struct net_cfg *student, struct err *err)
{
    char *lines = teacher_identity(t);
    struct sha256 *digest = sha256_new();

    sha256_add(digest, lines, strlen(lines));
    sha256_finish(digest, t->hash);
    free(lines);
    return !student->teacher_hash || strcmp(student->teacher_hash, t->hash) == 0 ||
           err_usage(err, "%s: %s is another teacher than the one with teacher_sha256=%.12s... (its SHA-256 is "
                     "%.12s...); name that one, or remove teacher_sha256=", student->path, t->path,
                     student->teacher_hash, t->hash);
}

bool teacher_open(const struct net_cfg *student, struct model *beside, int threads, struct teacher **out,
                  struct err *err)
{
    struct teacher *t = mem_alloc(1, sizeof *t);

    *out = NULL;
    t->path = mem_string(student->teacher);
    t->z = mem_alloc((size_t)student->batch * (size_t)student->classes, sizeof *t->z);
    if (list_members(t, err) && check_hash(t, student, err) && open_members(t, beside, threads, err) &&
        check_fit(t, student, err)) {
        *out = t;
        return true;
    }
    teacher_close(t);
    return false;
}

void teacher_close(struct teacher *t)
{
    if (!t)
        return;
    ensemble_close(t->ensemble);
    for (int i = 0; i < t->n; i++) {
        free(t->member[i].directory);
        free(t->member[i].cfg);
        free(t->member[i].weights);
    }
    free(t->member);
    free(t->path);
    free(t->z);
    free(t);
}

static const char *text_at(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));

    return text ? text : "";
}

static bool check_manifest(const struct teacher_member *m, const char *path, const struct net_cfg *student,
                           const char *name, const char *hash, struct err *err)
{
    json_t *root;

    if (!json_open(path, MANIFEST_LIMIT, &root, err))
        return false;
    const json_t *data = json_object_get(root, "data");
    const char *learned = text_at(data, "name"), *learned_hash = text_at(data, "sha256");
    const char *weights = text_at(json_object_get(json_object_get(root, "results"), "final"), "sha256");
    bool ok = true;
    if (strcmp(text_at(root, "status"), "finished") != 0)
        ok = err_run(err, "%s: the teacher's training is not finished; end it with train --resume", path);
    else if (strcmp(weights, m->weights_hash) != 0)
        ok = err_run(err, "%s: are not the weights that the teacher's training ended with, by its %s; restore them",
                     m->weights, RUN_MANIFEST);
    else if (strcmp(learned, name) != 0)
        ok = err_usage(err, "%s: the data set is %.80s, but the teacher of %s learned %.80s; choose a teacher that "
                       "learned the same", student->path, name, path, learned);
    else if (strcmp(learned_hash, hash) != 0)
        ok = err_usage(err, "%s: data set %.80s holds other pictures or labels (SHA-256 %.12s...) than the %.80s of "
                       "the teacher's %s (%.12s...); choose a teacher that learned the same", student->path, name, hash,
                       learned, path, learned_hash);
    json_decref(root);
    return ok;
}

bool teacher_check_data(const struct teacher *t, const struct net_cfg *student, const char *name, const char *hash,
                        struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < t->n; i++) {
        char *path = file_join(t->member[i].directory, RUN_MANIFEST);
        ok = check_manifest(&t->member[i], path, student, name, hash, err);
        free(path);
    }
    return ok;
}

bool teacher_answer(struct teacher *t, const float *x, int n, const float **z, struct err *err)
{
    double begin = clock_seconds();

    if (!t->classifier.logits(t->classifier.self, x, n, t->z, err))
        return false;
    for (size_t i = 0; i < (size_t)n * (size_t)t->classifier.classes; i++)
        if (!isfinite(t->z[i]))
            return err_run(err, "%s: the teacher's answer is not a finite number; choose another", t->path);
    t->seconds += clock_seconds() - begin;
    t->images += n;
    *z = t->z;
    return true;
}

double teacher_images_per_second(const struct teacher *t)
{
    return t->seconds > 0 ? (double)t->images / t->seconds : 0;
}

char *teacher_identity(const struct teacher *t)
{
    char *text = mem_format("teacher_combine=%s\n", combine_name(t->combine));

    for (int i = 0; i < t->n; i++) {
        char *longer = mem_format("%steacher_%d_weights_sha256=%s\nteacher_%d_cfg_sha256=%s\n", text, i + 1,
                                  t->member[i].weights_hash, i + 1, t->member[i].cfg_hash);
        free(text);
        text = longer;
    }
    return text;
}
