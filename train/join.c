#include "train/join.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/ensemble_file.h"
#include "base/mem.h"
#include "darknet-ext/cfg.h"
#include "train/run_directory.h"
#include "train/run_status.h"

struct joined {
    const char *given; /* as the user wrote it */
    char *real;        /* without links and dots */
    struct run_status status;
    struct net_cfg *cfg;
};

static bool resolve(const char *path, char **real, struct err *err)
{
    *real = realpath(path, NULL);
    return *real || err_usage(err, "%s: %s; name the directory of a run", path, strerror(errno));
}

static bool has_file(const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    bool there = file_exists(path);

    free(path);
    return there;
}

static bool read_cfg(struct joined *run, struct err *err)
{
    char *path = file_join(run->given, RUN_CFG);
    bool ok = cfg_read(path, &run->cfg, err);

    free(path);
    return ok;
}

static bool open_run(struct joined *run, const char *given, struct err *err)
{
    run->given = given;
    if (!resolve(given, &run->real, err))
        return false;
    if (has_file(given, ENSEMBLE_FILE))
        return err_usage(err, "%s: is an ensemble itself; name its members (%s/member_1 ...)", given, given);
    if (!run_status_read(given, &run->status, err))
        return false;
    if (!*run->status.status)
        return err_usage(err, "%s: has no " RUN_MANIFEST "; name the directory of a run that train made", given);
    if (!run_status_finished(&run->status))
        return err_run(err, "%s: is not finished (%s); finish it with --resume", given, run->status.status);
    return run_status_check_weights(&run->status, given, err) && read_cfg(run, err);
}

static const char *data_hash(const struct joined *run)
{
    const char *hash = json_string_value(json_object_get(json_object_get(run->status.settings, "data"), "sha256"));

    return hash ? hash : "";
}

static bool check_pair(const struct joined *a, const struct joined *b, struct err *err)
{
    const struct net_cfg *p = a->cfg, *q = b->cfg;

    if (strcmp(a->real, b->real) == 0 || strcmp(a->status.hash, b->status.hash) == 0)
        return err_usage(err, "%s: is the same network as %s; name each once", b->given, a->given);
    if (p->w != q->w || p->h != q->h || p->c != q->c || p->classes != q->classes)
        return err_usage(err,
                         "%s: takes images of %dx%dx%d and tells %d classes apart, %s takes %dx%dx%d and tells %d; "
                         "join those that agree",
                         b->given, q->w, q->h, q->c, q->classes, a->given, p->w, p->h, p->c, p->classes);
    return strcmp(data_hash(a), data_hash(b)) == 0 ||
           err_usage(err,
                     "%s: was trained on other data than %s (SHA-256 %.12s..., %.12s...); join those of one data "
                     "set",
                     b->given, a->given, data_hash(b), data_hash(a));
}

static bool open_runs(const struct train_options *o, struct joined *run, struct err *err)
{
    for (int i = 0; i < o->n_runs; i++) {
        if (!open_run(&run[i], o->run[i], err))
            return false;
        for (int k = 0; k < i; k++)
            if (!check_pair(&run[k], &run[i], err))
                return false;
    }
    return true;
}

static bool check_place(const struct train_options *o, struct err *err)
{
    if (run_directory_exists(o->join))
        return err_usage(err, "%s: is the directory of a run; choose another for the ensemble", o->join);
    return o->overwrite || !has_file(o->join, ENSEMBLE_FILE) ||
           err_usage(err, "%s: there is an ensemble already; --overwrite replaces it", o->join);
}

/* The way from one folder to another, both without links and dots: "../../runs/a". free() it. */
static char *relative_path(const char *from, const char *to)
{
    size_t common = 0, i = 0;

    for (; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/')
            common = i;
    if ((!from[i] || from[i] == '/') && (!to[i] || to[i] == '/'))
        common = i;
    char *path = mem_string("");
    for (const char *rest = from + common; (rest = strchr(rest, '/')) && rest[1]; rest++) {
        char *longer = mem_format("../%s", path);
        free(path);
        path = longer;
    }
    const char *down = to + common + (to[common] == '/');
    char *whole = mem_format("%s%s", path, *down || *path ? down : ".");
    free(path);
    return whole;
}

static bool write_file(const struct train_options *o, const struct joined *run, struct err *err)
{
    char *from = NULL, *path[ENSEMBLE_MOST] = { NULL };
    bool ok = file_make_directories(o->join, err) && resolve(o->join, &from, err);

    for (int i = 0; ok && i < o->n_runs; i++)
        path[i] = relative_path(from, run[i].real);
    ok = ok && ensemble_file_write(
                   o->join, path, o->n_runs,
                   o->combine && strcmp(o->combine, "probability") == 0 ? COMBINE_PROBABILITY : COMBINE_LOGIT, err);
    for (int i = 0; i < o->n_runs; i++)
        free(path[i]);
    free(from);
    return ok;
}

bool join_runs(const struct train_options *o, struct err *err)
{
    struct joined *run = mem_alloc((size_t)o->n_runs, sizeof *run);
    bool ok = check_place(o, err) && open_runs(o, run, err) && write_file(o, run, err);

    for (int i = 0; i < o->n_runs; i++) {
        cfg_free(run[i].cfg);
        run_status_free(&run[i].status);
        free(run[i].real);
    }
    free(run);
    return ok;
}
