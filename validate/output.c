#include "validate/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

static const char *const sis_files[] = { "sis.json", "sis.jsonl", "masks.npz", "sis.partial" };
static const char *const report_files[] = { "report.json", "report.html", "compare.html", "report.md", "report.xml" };
enum {
    N_SIS_FILES = sizeof sis_files / sizeof *sis_files,
    N_REPORT_FILES = sizeof report_files / sizeof *report_files
};

/* Beside sis.partial: of the further processes of a job. */
static const char journal_prefix[] = "sis.partial.";

/* What study.c keeps its searches in. */
static const char search_prefix[] = "sis-";

/* Opens (with `flags`) and locks a file; *lock = -1 when it does not exist. */
static bool take_lock(const char *path, int flags, int *lock, struct err *err)
{
    *lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
    if (*lock < 0 && errno == ENOENT && !(flags & O_CREAT))
        return true;
    if (*lock < 0)
        return err_run(err, "%s: cannot be written (%s); check the permissions, or choose another directory with --out",
                       path, strerror(errno));
    if (file_lock(*lock))
        return true;
    close(*lock);
    *lock = -1;
    return err_run(err, "%s: another process is writing to this directory; wait for it, or choose another with --out",
                   path);
}

static bool remove_file(const char *directory, const char *name, struct err *err)
{
    char *path = file_join(directory, name);
    bool ok = unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR ||
              err_run(err, "%s: cannot be removed (%s); check the permissions", path, strerror(errno));

    free(path);
    return ok;
}

static bool remove_journals(const char *path, struct err *err)
{
    DIR *directory = opendir(path);
    bool ok = true;

    if (!directory)
        return true;
    for (struct dirent *entry; ok && (entry = readdir(directory));)
        if (strncmp(entry->d_name, journal_prefix, sizeof journal_prefix - 1) == 0)
            ok = remove_file(path, entry->d_name, err);
    closedir(directory);
    return ok;
}

bool output_clear_sis(const char *directory, struct err *err)
{
    char *partial = file_join(directory, "sis.partial");
    int lock;
    bool ok = take_lock(partial, 0, &lock, err) && remove_journals(directory, err);

    for (int i = 0; ok && i < N_SIS_FILES; i++)
        ok = remove_file(directory, sis_files[i], err);
    if (lock >= 0)
        close(lock);
    free(partial);
    return ok;
}

/* Calls clear for each search that a study left in the directory; with clear NULL: whether there is one. */
static bool for_searches(const char *path, bool (*clear)(const char *directory, struct err *err), struct err *err)
{
    DIR *directory = opendir(path);
    bool ok = true, found = false;

    if (!directory)
        return clear
                   ? err_run(err, "%s: cannot be read (%s); choose another directory with --out", path, strerror(errno))
                   : false;
    for (struct dirent *entry; ok && (entry = readdir(directory));) {
        if (strncmp(entry->d_name, search_prefix, sizeof search_prefix - 1) != 0)
            continue;
        char *inside = file_join(path, entry->d_name);
        found = true;
        ok = !clear || clear(inside, err);
        if (clear && ok)
            rmdir(inside); /* stays when it holds what is not ours */
        free(inside);
    }
    closedir(directory);
    return clear ? ok : found;
}

static bool has_report(const char *path)
{
    bool found = for_searches(path, NULL, NULL);

    for (int i = 0; i < N_REPORT_FILES; i++) {
        char *file = file_join(path, report_files[i]);
        found = found || file_exists(file);
        free(file);
    }
    return found;
}

static bool clear_report(const char *path, struct err *err)
{
    bool ok = for_searches(path, output_clear_sis, err);

    for (int i = 0; ok && i < N_REPORT_FILES; i++)
        ok = remove_file(path, report_files[i], err);
    return ok;
}

bool output_open(struct output *o, const char *path, bool resume, bool overwrite, struct err *err)
{
    *o = (struct output){ .lock = -1 };
    if (!resume && !overwrite && has_report(path))
        return err_usage(err,
                         "%s: holds a report, or an unfinished one; --resume continues it, --overwrite replaces "
                         "it, --out names another directory",
                         path);
    if (!file_make_directories(path, err))
        return false;
    char *lock = file_join(path, "lock");
    bool ok = take_lock(lock, O_CREAT, &o->lock, err) && (!overwrite || clear_report(path, err));
    free(lock);
    o->path = mem_string(path);
    if (!ok)
        output_close(o);
    return ok;
}

void output_close(struct output *o)
{
    if (o->lock >= 0)
        close(o->lock);
    free(o->path);
    *o = (struct output){ .lock = -1 };
}
