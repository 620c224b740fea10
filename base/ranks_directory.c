#include "base/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"

/* A file system over a network may tell of a new file later. */
static const double visible_seconds = 10;

static bool wait_for(const char *path)
{
    for (double end = clock_seconds() + visible_seconds; !file_exists(path);) {
        if (clock_seconds() > end)
            return false;
        nanosleep(&(struct timespec){ 0, 20 * 1000 * 1000 }, NULL);
    }
    return true;
}

static bool seen_by_all(const char *directory, const char *file, struct err *err)
{
    char host[256] = "";
    bool ok = wait_for(file);

    if (!ok) {
        gethostname(host, sizeof host - 1);
        err_usage(err, "%s: rank %d on %s does not see what rank 0 writes there; name a directory that all hosts share",
                  directory, ranks_number(), host);
    }
    return ranks_all_ok(ok, err);
}

/* The name tells the file of this moment from what another job left. */
bool ranks_see_directory(const char *path, struct err *err)
{
    char name[64] = "";

    if (ranks_size() == 1)
        return true;
    if (ranks_number() == 0)
        snprintf(name, sizeof name, ".seen-%ld-%.9f", (long)getpid(), clock_seconds());
    ranks_broadcast(name, sizeof name);
    char *file = file_join(path, name);
    bool ok = ranks_number() != 0 || (file_make_directories(path, err) && file_write(file, "", 0, err));
    ok = ranks_all_ok(ok, err) && seen_by_all(path, file, err);
    if (ranks_number() == 0)
        unlink(file);
    free(file);
    return ok;
}
