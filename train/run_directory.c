#include "train/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "base/ensemble_file.h"
#include "base/mem.h"

static const char *const our_files[] = { RUN_LOCK, RUN_CHECKPOINT, RUN_CFG, RUN_MANIFEST, RUN_FINAL, RUN_BEST,
                                         RUN_JSONL, RUN_SUMMARY, RUN_CURVE, RUN_EVENTS, RUN_TURN, ENSEMBLE_FILE };
enum { N_OUR_FILES = sizeof our_files / sizeof our_files[0] };

char *run_file(const struct run_directory *d, const char *name)
{
    return file_join(d->path, name);
}

/* "checkpoint.bin.tmp-4711": what base/file.h writes to before it renames. */
static bool is_temporary_of(const char *name, const char *ours)
{
    static const char mark[] = ".tmp-";
    size_t n = strlen(ours);

    if (strncmp(name, ours, n) != 0 || strncmp(name + n, mark, sizeof mark - 1) != 0)
        return false;
    name += n + sizeof mark - 1;
    return *name && name[strspn(name, "0123456789")] == '\0';
}

static bool is_temporary(const char *name)
{
    for (int i = 0; i < N_OUR_FILES; i++)
        if (is_temporary_of(name, our_files[i]))
            return true;
    return false;
}

static bool is_ours(const char *name)
{
    for (int i = 0; i < N_OUR_FILES; i++)
        if (strcmp(name, our_files[i]) == 0)
            return true;
    return false;
}

/* Calls unlink for the temporary files of a run and, with `all`, for its files but the lock. */
static bool remove_files(const char *path, bool all, struct err *err)
{
    DIR *directory = opendir(path);
    bool ok = true;

    if (!directory)
        return err_run(err, "%s: cannot be read (%s); choose another directory with --out", path, strerror(errno));
    for (struct dirent *entry; ok && (entry = readdir(directory));) {
        bool remove = is_temporary(entry->d_name) ||
                      (all && is_ours(entry->d_name) && strcmp(entry->d_name, RUN_LOCK) != 0);
        if (remove && unlinkat(dirfd(directory), entry->d_name, 0) != 0 && errno != ENOENT)
            ok = err_run(err, "%s/%s: cannot be removed (%s); check the permissions", path, entry->d_name,
                         strerror(errno));
    }
    closedir(directory);
    return ok;
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    int entries = 0;

    if (!directory)
        return false;
    for (struct dirent *entry; (entry = readdir(directory));)
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return entries == 0;
}

/* Every run directory has a lock from its first moment. */
bool run_directory_exists(const char *path)
{
    char *lock = file_join(path, RUN_LOCK);
    bool yes = file_exists(lock);

    free(lock);
    return yes;
}

static bool check_mode(const char *path, enum run_mode mode, bool exists, struct err *err)
{
    if (mode == RUN_NEW && exists && !is_empty(path))
        return err_usage(err, "%s: already exists; --resume continues that run, --overwrite replaces it, --out names "
                         "another directory", path);
    if (mode == RUN_RESUME && !run_directory_exists(path))
        return err_usage(err, "%s: there is no run to resume; leave out --resume, or name the run with --out", path);
    return true;
}

static bool open_lock(const struct run_directory *d, const char *name, int *lock, struct err *err)
{
    char *path = run_file(d, name);

    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*lock < 0)
        err_run(err, "%s: cannot be written (%s); check the permissions, or choose another directory with --out", path,
                strerror(errno));
    free(path);
    return *lock >= 0;
}

static bool take_lock(struct run_directory *d, struct err *err)
{
    return open_lock(d, RUN_LOCK, &d->lock, err) &&
           (flock(d->lock, LOCK_EX | LOCK_NB) == 0 ||
            err_run(err, "%s: another training is writing to this directory; wait for it, or choose another with "
                    "--out", d->path));
}

bool run_directory_open(struct run_directory *d, const char *path, enum run_mode mode, struct err *err)
{
    bool exists = file_exists(path);

    *d = (struct run_directory){ .lock = -1, .turn = -1, .created = !exists };
    if (!check_mode(path, mode, exists, err) || !file_make_directories(path, err))
        return false;
    d->path = mem_string(path);
    if (take_lock(d, err) && remove_files(path, mode == RUN_OVERWRITE, err))
        return true;
    run_directory_close(d);
    return false;
}

void run_directory_close(struct run_directory *d)
{
    if (d->turn >= 0)
        close(d->turn);
    if (d->lock >= 0)
        close(d->lock);
    free(d->path);
    *d = (struct run_directory){ .lock = -1, .turn = -1 };
}

bool run_directory_share(struct run_directory *d, const char *path, bool *led, struct err *err)
{
    *d = (struct run_directory){ .lock = -1, .turn = -1 };
    *led = false;
    if (!file_make_directories(path, err))
        return false;
    d->path = mem_string(path);
    bool ok = open_lock(d, RUN_LOCK, &d->lock, err);
    *led = ok && flock(d->lock, LOCK_SH | LOCK_NB) != 0;
    if (!ok || *led)
        run_directory_close(d);
    return ok;
}

bool run_directory_wait_turn(struct run_directory *d, bool (*stop)(void), bool *stopped, struct err *err)
{
    const struct timespec pause = { .tv_nsec = 50000000 };

    *stopped = false;
    if (!open_lock(d, RUN_TURN, &d->turn, err))
        return false;
    while (flock(d->turn, LOCK_EX | LOCK_NB) != 0 && !*stopped) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_run(err, "%s: cannot be locked (%s); start again with --resume", d->path, strerror(errno));
        nanosleep(&pause, NULL);
        *stopped = stop();
    }
    return true;
}

void run_directory_discard(struct run_directory *d)
{
    struct err ignored;

    if (!d->path)
        return;
    remove_files(d->path, true, &ignored);
    char *lock = run_file(d, RUN_LOCK);
    unlink(lock);
    free(lock);
    if (d->created)
        rmdir(d->path);
    run_directory_close(d);
}
