#include "validate/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/process.h"
#include "base/ranks.h"

static void add_option(struct process_words *w, const char *name, const char *value)
{
    if (value)
        process_add(w, "--%s=%s", name, value);
}

static void add_number(struct process_words *w, const char *name, int64_t value)
{
    if (value > 0)
        process_add(w, "--%s=%lld", name, (long long)value);
}

/* A run directory has a lock from its first moment. */
static bool is_run(const char *directory)
{
    char *lock = file_join(directory, "lock");
    bool yes = file_exists(lock);

    free(lock);
    return yes;
}

/* mode: what to do with a run that is there already; NULL: there is none. */
static void make_words(const struct training *t, const char *mode, struct process_words *w)
{
    add_option(w, "out", t->out);
    add_option(w, "data", t->data);
    add_option(w, "view", t->view);
    add_option(w, "baseline", t->baseline);
    add_option(w, "mask-order", t->mask_order);
    add_option(w, "without", t->without);
    if (t->seed >= 0)
        process_add(w, "--seed=%lld", (long long)t->seed);
    add_number(w, "threads", t->threads);
    add_number(w, "epochs", t->epochs);
    add_number(w, "limit-train", t->limit_train);
    add_number(w, "limit-test", t->limit_test);
    if (mode)
        process_add(w, "--%s", mode);
    process_add(w, "--");
    process_add(w, "%s", t->cfg);
}

/* train's own progress: "epoch 3/30 12 %, ..." while it trains, "epoch 3: loss ..." after an epoch. */
static void tell(void *self, const char *line)
{
    const struct training *t = self;
    long long epoch, epochs;
    double percent;

    if (t->progress && sscanf(line, "epoch %lld/%lld %lf %%", &epoch, &epochs, &percent) == 3 && epoch >= 1 &&
        epoch <= epochs && percent >= 0 && percent <= 100)
        progress_update(t->progress, t->what, (double)(epoch - 1) + percent / 100, (double)epochs, 0, 0, line);
}

static bool make_folder(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash && slash != path ? mem_format("%.*s", (int)(slash - path), path) : NULL;
    bool ok = !folder || file_make_directories(folder, err);

    free(folder);
    return ok;
}

static bool run(const struct training *t, const char *path, const char *mode, struct err *err)
{
    struct process_words words = { 0 };
    char *log = mem_format("%s.log", t->out);
    struct process train = {
        .path = path, .name = "train", .words = &words, .log = log, .tell = tell, .self = (void *)t, .stop = t->stop
    };

    make_words(t, mode, &words);
    bool ok = process_run(&train, err);
    process_words_free(&words);
    free(log);
    return ok;
}

/* What train refuses to resume because it differs is refused as wrong usage; so is what will be refused again. */
static bool run_or_replace(const struct training *t, const char *path, struct err *err)
{
    bool there = is_run(t->out);

    return run(t, path, there ? "resume" : NULL, err) ||
           (there && t->replace && err->status == EXIT_USAGE && run(t, path, "overwrite", err));
}

bool training_run(const struct training *t, struct training_result *out, struct err *err)
{
    char *path = NULL;
    bool ok = process_beside(t->program, "train", &path, err) && make_folder(t->out, err) &&
              run_or_replace(t, path, err) && training_read(t->out, out, err);

    free(path);
    return ok;
}

bool training_run_once(const struct training *t, struct training_result *out, struct err *err)
{
    bool ok = ranks_number() != 0 || training_run(t, out, err);

    if (!ranks_all_ok(ok, err)) /* the others sleep here */
        return false;
    ranks_broadcast(out, sizeof *out);
    return true;
}
