#include "validate/together.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/version.h"

/* A file system over a network may tell of a new file later. */
static const double visible_seconds = 10;

bool together_subject(const struct subject *s, struct err *err)
{
    char *model = mem_format("%s %s", s->cfg_hash, s->weights_hash);
    char *isa = mem_format("%s, %s", s->network.isa ? s->network.isa : "", s->network.engine ? s->network.engine : "");
    bool ok = ranks_agree("model", model, err) && ranks_agree("data set", s->data_hash, err) &&
              ranks_agree("view", s->view ? view_text(s->view) : "", err) &&
              ranks_agree("instruction set (MARGINALIA_ISA sets the same everywhere)", isa, err) &&
              ranks_agree("version of this program", version_string(), err);

    free(isa);
    free(model);
    return ok;
}

static bool wait_for(const char *path)
{
    for (double end = clock_seconds() + visible_seconds; !file_exists(path);) {
        if (clock_seconds() > end)
            return false;
        nanosleep(&(struct timespec){ 0, 20 * 1000 * 1000 }, NULL);
    }
    return true;
}

/* The name tells the file of this moment from what another job left. */
bool together_directory(const char *path, struct err *err)
{
    char name[64] = "", host[256] = "";
    bool ok = true;

    if (ranks_size() == 1)
        return true;
    if (ranks_number() == 0)
        snprintf(name, sizeof name, ".seen-%ld-%.9f", (long)getpid(), clock_seconds());
    ranks_broadcast(name, sizeof name);
    char *file = file_join(path, name);
    if (ranks_number() == 0)
        ok = file_make_directories(path, err) && file_write(file, "", 0, err);
    if (ranks_all_ok(ok, err)) {
        if (!wait_for(file)) {
            gethostname(host, sizeof host - 1);
            ok = err_usage(err,
                           "%s: rank %d on %s does not see what rank 0 writes there; name a directory that all hosts "
                           "share",
                           path, ranks_number(), host);
        }
        ok = ranks_all_ok(ok, err);
        if (ranks_number() == 0)
            unlink(file);
    } else {
        ok = false;
    }
    free(file);
    return ok;
}
