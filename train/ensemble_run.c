#include "train/ensemble_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/ensemble_file.h"
#include "base/mem.h"
#include "darknet-ext/ensemble.h"
#include "train/members.h"
#include "train/setup.h"

enum { CFG_MOST = 1 << 20 };

/* --- beginning ---------------------------------------------------------------------------------------------------- */

/* What is of one network. */
static bool check_options(const struct ensemble_run *r, struct err *err)
{
    const char *path = r->cfg->path;

    if (r->options->export_stock)
        return err_usage(err,
                         "%s: stock Darknet knows no ensembles; export a member instead, when it is trained: "
                         "--member 1 --weights .../member_1/final.weights --export-stock DIR",
                         path);
    if (r->options->darknet_log)
        return err_usage(err,
                         "%s: Darknet's log tells of one network; leave out --darknet-log, or train the members "
                         "one by one with --member",
                         path);
    return true;
}

bool ensemble_run_open(struct ensemble_run *r, struct err *err)
{
    struct setup s;

    r->directory = (struct run_directory){ .lock = -1, .turn = -1 };
    if (!setup_cfg(r->options, &r->cfg, err) || !check_options(r, err) || !setup_open(r->options, &s, err))
        return false;
    setup_close(&s);
    return true;
}

static void forget_members(struct ensemble_run *r)
{
    for (int i = 0; i < ENSEMBLE_MOST; i++)
        run_status_free(&r->member[i]);
}

void ensemble_run_close(struct ensemble_run *r)
{
    forget_members(r);
    run_directory_close(&r->directory);
    cfg_free(r->cfg);
    r->cfg = NULL;
}

static bool write_cfg(const struct ensemble_run *r, struct err *err)
{
    char *path = run_file(&r->directory, RUN_CFG), *text = cfg_resolved_text(r->cfg);
    bool ok = file_write(path, text, strlen(text), err);

    free(text);
    free(path);
    return ok;
}

/* Takes away what former members left, so that all are trained again, also when this start is interrupted. */
static bool clear_members(const struct ensemble_run *r, struct err *err)
{
    bool ok = true;

    for (int k = 1; ok && k <= r->cfg->members; k++) {
        char *path = member_directory(r->directory.path, k);
        struct run_directory d;
        if (run_directory_exists(path)) {
            ok = run_directory_open(&d, path, RUN_OVERWRITE, err);
            run_directory_close(&d);
        }
        free(path);
    }
    return ok;
}

static bool open_directory(struct ensemble_run *r, struct err *err)
{
    const struct train_options *o = r->options;
    enum run_mode mode = o->resume ? RUN_RESUME : o->overwrite ? RUN_OVERWRITE : RUN_NEW;
    char *path = options_directory(o);
    bool ok = run_directory_open(&r->directory, path, mode, err) && (!o->overwrite || clear_members(r, err));

    free(path);
    return ok;
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

static bool read_members(struct ensemble_run *r, int *unfinished, struct err *err)
{
    bool ok = true;

    forget_members(r);
    *unfinished = 0;
    for (int i = 0; ok && i < r->cfg->members; i++) {
        char *path = member_directory(r->directory.path, i + 1);
        ok = run_status_read(path, &r->member[i], err);
        *unfinished += !run_status_finished(&r->member[i]);
        free(path);
    }
    return ok;
}

static bool same_text(const char *path, const char *text)
{
    struct err ignored;
    char *there;
    size_t n;
    bool same = false;

    if (file_read(path, CFG_MOST, &there, &n, &ignored)) {
        same = strcmp(there, text) == 0;
        free(there);
    }
    return same;
}

/* Whether the ensemble's resolved.cfg is that of this cfg. */
static bool same_cfg(const struct ensemble_run *r)
{
    char *path = run_file(&r->directory, RUN_CFG), *text = cfg_resolved_text(r->cfg);
    bool same = same_text(path, text);

    free(text);
    free(path);
    return same;
}

static bool manifest_says_finished(const struct ensemble_run *r)
{
    char *path = run_file(&r->directory, RUN_MANIFEST);
    struct err ignored;
    json_t *root = NULL;
    bool yes = json_open(path, CFG_MOST, &root, &ignored);
    const char *status = yes ? json_string_value(json_object_get(root, "status")) : NULL;

    yes = status && strcmp(status, "finished") == 0;
    json_decref(root);
    free(path);
    return yes;
}

static bool same_weights(const struct ensemble_run *r, const struct ensemble_file *f)
{
    bool same = f->n == r->cfg->members && f->combine == r->cfg->combine;

    for (int i = 0; same && i < f->n; i++)
        same = strcmp(f->member[i].hash, r->member[i].hash) == 0;
    return same;
}

/* Whether these members are this ensemble already. */
static bool was_finished(const struct ensemble_run *r)
{
    char *path = run_file(&r->directory, ENSEMBLE_FILE);
    struct ensemble_file *f = NULL;
    struct err ignored;
    bool yes =
        manifest_says_finished(r) && same_cfg(r) && ensemble_file_read(path, false, &f, &ignored) && same_weights(r, f);

    ensemble_file_free(f);
    free(path);
    return yes;
}

/* --- whether they belong together --------------------------------------------------------------------------------- */

/* The cfg that member k must have been trained by, in its words. */
static bool expected_cfg(const struct ensemble_run *r, int k, const char *path, char **text, struct err *err)
{
    struct train_options o = *r->options;
    struct net_cfg *cfg, *there;

    o.member = k;
    o.combine = NULL;
    if (!setup_cfg(&o, &cfg, err))
        return false;
    bool ok = cfg_read(path, &there, err);
    if (ok && cfg->teacher && !cfg->teacher_hash && there->teacher_hash) /* known only when the teacher was opened */
        cfg->teacher_hash = mem_string(there->teacher_hash);
    if (ok)
        *text = cfg_resolved_text(cfg);
    cfg_free(there);
    cfg_free(cfg);
    return ok;
}

static bool check_cfg(const struct ensemble_run *r, int k, const char *directory, struct err *err)
{
    char *path = file_join(directory, RUN_CFG), *text = NULL;
    bool ok = expected_cfg(r, k, path, &text, err) &&
              (same_text(path, text) ||
               err_usage(err, "%s: is not what %s says of member %d; train it again with --member %d --overwrite", path,
                         r->cfg->path, k, k));

    free(text);
    free(path);
    return ok;
}

static bool check_members(const struct ensemble_run *r, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < r->cfg->members; i++) {
        char *path = member_directory(r->directory.path, i + 1);
        ok = check_cfg(r, i + 1, path, err) && run_status_check_weights(&r->member[i], path, err) &&
             (json_equal(r->member[i].settings, r->member[0].settings) ||
              err_usage(err,
                        "%s: was trained with other data, images of them, initial weights or teacher than member_1; "
                        "train it again with --member %d --overwrite",
                        path, i + 1));
        free(path);
    }
    return ok;
}

static bool write_ensemble_file(const struct ensemble_run *r, struct err *err)
{
    char *run[ENSEMBLE_MOST];

    for (int i = 0; i < r->cfg->members; i++)
        run[i] = mem_format("member_%d", i + 1);
    bool ok = ensemble_file_write(r->directory.path, run, r->cfg->members, r->cfg->combine, err);
    for (int i = 0; i < r->cfg->members; i++)
        free(run[i]);
    return ok;
}

/* --- all together ------------------------------------------------------------------------------------------------- */

static bool open_together(const struct ensemble_run *r, struct ensemble **out, struct err *err)
{
    char *path = run_file(&r->directory, ENSEMBLE_FILE);
    const char *cfg[ENSEMBLE_MOST], *weights[ENSEMBLE_MOST];
    struct ensemble_file *f;
    bool ok = ensemble_file_read(path, false, &f, err);

    free(path);
    if (!ok)
        return false;
    for (int i = 0; i < f->n; i++) {
        cfg[i] = f->member[i].cfg;
        weights[i] = f->member[i].weights;
    }
    struct ensemble_options o = {
        .n = f->n, .cfg = cfg, .weights = weights, .combine = f->combine, .threads = (int)r->options->threads
    };
    ok = ensemble_open(&o, out, err);
    ensemble_file_free(f);
    return ok;
}

/* Pictures as a single run's test sees them; input dropout as the cfg says. */
static bool test_all(struct ensemble_run *r, struct setup *s, const struct classifier *c, bool *stopped,
                     struct err *err)
{
    float *z = mem_alloc((size_t)s->cfg->batch * (size_t)c->classes, sizeof *z);
    struct batch b;
    bool ok;

    r->test = (struct test_result){ 0 };
    loader_seek(s->test, 0, 0);
    while ((ok = loader_next(s->test, &b, err)) && b.n > 0 && !(*stopped = r->stop())) {
        ok = c->logits(c->self, b.x, b.n, z, err);
        if (!ok)
            break;
        test_result_add(&r->test, z, b.label, b.n, c->classes);
        progress_update(r->progress, "test of the ensemble", (double)r->test.images, (double)s->images[SPLIT_TEST], 0,
                        0, "");
    }
    free(z);
    return ok;
}

static bool test_together(struct ensemble_run *r, bool *stopped, struct err *err)
{
    struct ensemble *e = NULL;
    struct setup s;

    *stopped = false;
    if (!setup_open_test(r->options, &s, err))
        return false;
    bool ok = !s.test || open_together(r, &e, err);
    if (ok && s.test) {
        struct classifier c = ensemble_classifier(e);
        ok = test_all(r, &s, &c, stopped, err);
    }
    ensemble_close(e);
    setup_close(&s);
    return ok;
}

/* The manifest says "finished" last: whatever is left undone before, a resume does. */
static bool make_ensemble(struct ensemble_run *r, enum ensemble_end *end, struct err *err)
{
    bool stopped = false;

    if (!check_members(r, err) || !write_cfg(r, err) || !write_ensemble_file(r, err) ||
        !test_together(r, &stopped, err))
        return false;
    *end = stopped ? ENSEMBLE_STOPPED : ENSEMBLE_FINISHED;
    return ensemble_manifest_write(r, stopped ? "interrupted" : "finished", NULL, err);
}

bool ensemble_run_finish(struct ensemble_run *r, enum ensemble_end *end, struct err *err)
{
    int unfinished;

    if (!read_members(r, &unfinished, err))
        return false;
    if (unfinished) {
        *end = ENSEMBLE_UNFINISHED;
        return true;
    }
    if (was_finished(r)) {
        *end = ENSEMBLE_WAS_FINISHED;
        return true;
    }
    return make_ensemble(r, end, err);
}

static bool train_members(struct ensemble_run *r, struct err *err)
{
    struct members m = { .options = r->options,
                         .program = r->argv[0],
                         .directory = r->directory.path,
                         .n = r->cfg->members,
                         .epochs = r->cfg->epochs,
                         .progress = r->progress,
                         .stop = r->stop };

    return members_train(&m, err);
}

/* Tells the manifest how it ended; keeps err. */
static void note_failure(struct ensemble_run *r, const struct err *err)
{
    bool interrupted = err->status == EXIT_INTERRUPTED;
    struct err ignored;
    int unfinished;

    if (read_members(r, &unfinished, &ignored))
        ensemble_manifest_write(r, interrupted ? "interrupted" : "failed", interrupted ? NULL : err->text, &ignored);
}

bool ensemble_run_train(struct ensemble_run *r, enum ensemble_end *end, struct err *err)
{
    int unfinished;

    if (!open_directory(r, err) || !read_members(r, &unfinished, err))
        return false;
    bool before = unfinished == 0 && was_finished(r);
    if (!before && (!write_cfg(r, err) || !ensemble_manifest_write(r, "running", NULL, err)))
        return false;
    if (train_members(r, err) && ensemble_run_finish(r, end, err))
        return true;
    note_failure(r, err);
    *end = ENSEMBLE_STOPPED;
    return err->status == EXIT_INTERRUPTED;
}
