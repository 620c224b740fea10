#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "validate/fix_parts.h"

enum { MANIFEST_LIMIT_BYTES = 256 << 20, OPEN_FOLDERS = 16 };

static const char lock_name[] = "lock";

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *place)
{
    (void)s, (void)kind, (void)place;
    return remove(path);
}

/* With all that is in it; links are removed, not followed. */
static bool remove_tree(const char *path, struct err *err)
{
    return nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0 ||
           err_run(err, "%s: cannot be removed (%s); remove it", path, strerror(errno));
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    bool empty = directory != NULL;

    for (struct dirent *e; empty && (e = readdir(directory));)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (directory)
        closedir(directory);
    return empty;
}

static bool is_copy(const char *path)
{
    char *manifest = file_join(path, "manifest.json");
    json_t *root = NULL;
    struct err ignored;
    bool ok = json_open(manifest, MANIFEST_LIMIT_BYTES, &root, &ignored);
    const char *schema = ok ? json_string_value(json_object_get(root, "schema")) : NULL;
    bool copy = schema && strcmp(schema, FIX_SCHEMA) == 0;

    if (ok)
        json_decref(root);
    free(manifest);
    return copy;
}

/* Only a former copy is ever replaced. */
static bool check_old(const struct fix *f, struct err *err)
{
    if (!file_exists(f->directory) || is_empty(f->directory))
        return true;
    if (!is_copy(f->directory))
        return err_usage(err, "%s: exists and is no cleaned copy; choose another directory with --out", f->directory);
    return f->overwrite ||
           err_usage(err, "%s: holds a cleaned copy; --overwrite replaces it, --out names another", f->directory);
}

/* The path without links, also when its last parts do not exist yet; free() it. NULL: it has no parent. */
static char *real_path(const char *path)
{
    char *real = realpath(path, NULL);
    const char *slash = strrchr(path, '/');

    if (real || !*path)
        return real;
    char *parent = slash ? mem_format("%.*s", (int)(slash - path) + (slash == path), path) : mem_string(".");
    char *above = real_path(parent), *whole = above ? file_join(above, slash ? slash + 1 : path) : NULL;
    free(above);
    free(parent);
    return whole;
}

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/' || (n && folder[n - 1] == '/'));
}

/* Nothing is written into the original, and the original is not inside of what is replaced. */
static bool check_apart(const struct fix *f, struct err *err)
{
    char *copy = real_path(f->directory), *original = f->data->directory ? realpath(f->data->directory, NULL) : NULL;
    bool apart = !copy || !original || (!is_below(copy, original) && !is_below(original, copy));

    free(original);
    free(copy);
    return apart || err_usage(err,
                              "%s: is inside the data set, or the data set inside it; choose a directory apart "
                              "from it with --out",
                              f->directory);
}

static bool take_lock(struct fix_work *w, struct err *err)
{
    char *path = file_join(w->directory, lock_name);

    w->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    bool ok = w->lock >= 0 && flock(w->lock, LOCK_EX | LOCK_NB) == 0;
    free(path);
    return ok || err_run(err,
                         "%s: another process is writing there, or it cannot be written; wait, or choose another "
                         "directory with --out",
                         w->directory);
}

/* What an earlier run left that was killed, is taken away. */
static bool clear_partial(struct fix_work *w, struct err *err)
{
    char *path = file_join(w->directory, lock_name);
    bool ours = file_exists(path);

    free(path);
    if (!ours)
        return err_run(err, "%s: exists and is in the way; remove it", w->directory);
    if (!take_lock(w, err))
        return false;
    close(w->lock);
    w->lock = -1;
    return remove_tree(w->directory, err);
}

bool fix_open_directory(struct fix_work *w, struct err *err)
{
    const char *path = w->fix->directory;
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    w->directory = mem_format("%.*s" FIX_PARTIAL, (int)n, path);
    bool ok = check_old(w->fix, err) && check_apart(w->fix, err) &&
              (!file_exists(w->directory) || clear_partial(w, err)) && file_make_directories(w->directory, err) &&
              take_lock(w, err);
    if (!ok) {
        if (w->lock >= 0)
            close(w->lock);
        free(w->directory);
        w->directory = NULL;
    }
    return ok;
}

static void close_directory(struct fix_work *w)
{
    if (w->lock >= 0)
        close(w->lock);
    free(w->directory);
    w->lock = -1;
    w->directory = NULL;
}

/* The lock stays held, but its file is not part of the copy. */
static bool settle(struct fix_work *w, struct err *err)
{
    char *lock = file_join(w->directory, lock_name);
    bool ok = syncfs(w->lock) == 0 && unlink(lock) == 0;

    free(lock);
    return ok || err_run(err, "%s: cannot be written (%s); check the disk", w->directory, strerror(errno));
}

bool fix_commit_directory(struct fix_work *w, struct err *err)
{
    size_t n = strlen(w->directory) - strlen(FIX_PARTIAL);
    char *final = mem_format("%.*s", (int)n, w->directory), *old = mem_format("%s.old-%ld", final, (long)getpid());
    bool replaces = file_exists(final) && !is_empty(final);
    bool ok = settle(w, err);

    if (ok && replaces && rename(final, old) != 0)
        ok = err_run(err, "%s: cannot be replaced (%s); check the permissions", final, strerror(errno));
    if (ok && rename(w->directory, final) != 0) {
        ok = err_run(err, "%s: cannot be named %s (%s); check the permissions", w->directory, final, strerror(errno));
        if (replaces)
            rename(old, final);
    }
    ok = ok && (!replaces || remove_tree(old, err));
    if (ok)
        close_directory(w);
    free(old);
    free(final);
    return ok;
}

void fix_abandon_directory(struct fix_work *w)
{
    struct err ignored;

    remove_tree(w->directory, &ignored);
    close_directory(w);
}
