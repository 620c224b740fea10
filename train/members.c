#include "train/members.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/classifier.h"
#include "base/mem.h"
#include "base/process.h"
#include "train/run_directory.h"

/* The same program as this one, even if the file has been replaced since. */
static const char ourselves[] = "/proc/self/exe";

enum state { WAITING, RUNNING, TRAINED, FAILED };

struct member {
    int k; /* from 1 */
    enum state state;
    int place; /* while it runs: 0 .. jobs - 1 */
    struct process process;
    struct process_words words;
    struct process_child child;
    char name[24], *log;
    cpu_set_t cpus;
    double epochs, done, before; /* of the training; done so far; done before this start */
    bool seen;
    struct err err;
};

/* All of them. */
struct crew {
    const struct members *m;
    int jobs, threads;
    struct member member[ENSEMBLE_MOST];
    bool taken[ENSEMBLE_MOST]; /* places */
};

void members_share(const struct train_options *o, int n, int *jobs, int *threads_each)
{
    int threads = (int)o->threads;

    *jobs = o->jobs ? (int)o->jobs : threads;
    *jobs = *jobs < n ? *jobs : n;
    *threads_each = threads > *jobs ? threads / *jobs : 1;
}

char *member_directory(const char *directory, int k)
{
    return mem_format("%s/member_%d", directory, k);
}

char *member_log(const char *directory, int k)
{
    return mem_format("%s/member_%d.log", directory, k);
}

/* train's own progress: "epoch 3/30 12 %, ..." in an epoch, "epoch 3: loss ..." after it. */
static void tell(void *self, const char *line)
{
    struct member *member = self;
    long long epoch, epochs;
    double percent;
    char colon;

    if (sscanf(line, "epoch %lld/%lld %lf %%", &epoch, &epochs, &percent) == 3 && epoch >= 1 && epoch <= epochs &&
        percent >= 0 && percent <= 100) {
        member->epochs = (double)epochs;
        member->done = (double)(epoch - 1) + percent / 100;
    } else if (sscanf(line, "epoch %lld%c", &epoch, &colon) == 2 && colon == ':' && epoch >= 1) {
        member->done = (double)epoch;
    } else {
        return;
    }
    if (!member->seen)
        member->before = member->done;
    member->seen = true;
}

/* The threads of place p are kept to processors of their own: each member pins its threads, and would choose the same
 * ones as the others. */
static void choose_cpus(const struct crew *c, struct member *member)
{
    cpu_set_t ours;
    int n = 0, cpu[CPU_SETSIZE];

    member->process.cpus = NULL;
    if (c->jobs == 1 || sched_getaffinity(0, sizeof ours, &ours) != 0)
        return;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &ours))
            cpu[n++] = i;
    CPU_ZERO(&member->cpus);
    for (int t = 0; t < c->threads && n > 0; t++)
        CPU_SET(cpu[(member->place * c->threads + t) % n], &member->cpus);
    if (n > 0)
        member->process.cpus = &member->cpus;
}

static void make_words(const struct crew *c, struct member *member)
{
    struct train_options o = *c->m->options;
    char *directory = member_directory(c->m->directory, member->k);

    o.member = member->k;
    o.jobs = 0;
    o.threads = c->threads;
    o.combine = NULL;
    o.resume = run_directory_exists(directory);
    o.overwrite = false;
    options_words(&o, &member->words);
    process_add(&member->words, "--");
    process_add(&member->words, "%s", o.cfg);
    free(directory);
}

/* "member 3: CAUSE; REMEDY (its whole output is in LOG)" */
static void name_failure(struct member *member)
{
    static const char program[] = "train: ";
    struct err *err = &member->err;
    const char *text =
        strncmp(err->text, program, sizeof program - 1) == 0 ? err->text + sizeof program - 1 : err->text;
    char *named = strncmp(text, member->name, strlen(member->name)) == 0 ? mem_string(text)
                                                                         : mem_format("%s: %s", member->name, text);

    snprintf(err->text, sizeof err->text, "%s", named);
    free(named);
}

static void end(struct crew *c, struct member *member, bool ok)
{
    c->taken[member->place] = false;
    member->state = ok ? TRAINED : FAILED;
    if (ok) {
        member->done = member->epochs;
        progress_line(c->m->progress, "%s of %d is trained", member->name, c->m->n);
    } else if (member->err.status != EXIT_INTERRUPTED) {
        name_failure(member);
        progress_line(c->m->progress, "%s failed; those that run go on, no other is begun", member->name);
    }
    process_words_free(&member->words);
    free(member->log);
    member->log = NULL;
}

static void start(struct crew *c, struct member *member)
{
    const struct members *m = c->m;

    member->place = 0;
    while (c->taken[member->place])
        member->place++;
    snprintf(member->name, sizeof member->name, "member %d", member->k);
    member->log = member_log(m->directory, member->k);
    member->process = (struct process){ .path = ourselves,
                                        .called = m->program,
                                        .name = member->name,
                                        .words = &member->words,
                                        .log = member->log,
                                        .append = m->options->resume,
                                        .tell = tell,
                                        .self = member,
                                        .stop = m->stop };
    make_words(c, member);
    choose_cpus(c, member);
    member->state = RUNNING;
    c->taken[member->place] = true;
    if (!process_start(&member->process, &member->child, &member->err))
        end(c, member, false);
}

/* Begins what there is room for, unless something has gone wrong. Returns how many run. */
static int start_some(struct crew *c)
{
    int running = 0;
    bool well = !c->m->stop();

    for (int i = 0; i < c->m->n; i++) {
        running += c->member[i].state == RUNNING;
        well = well && c->member[i].state != FAILED;
    }
    for (int i = 0; well && i < c->m->n && running < c->jobs; i++)
        if (c->member[i].state == WAITING) {
            start(c, &c->member[i]);
            well = c->member[i].state == RUNNING;
            running += well;
        }
    return running;
}

static void ask_all(struct crew *c)
{
    for (int i = 0; i < c->m->n; i++) {
        struct member *member = &c->member[i];
        bool ok;
        if (member->state == RUNNING && process_ended(&member->child, &ok, &member->err))
            end(c, member, ok);
    }
}

/* "epochs 3 2 - - - of 30": of each member. What was done before this start does not count for the speed. */
static void show(const struct crew *c)
{
    char stage[8 * ENSEMBLE_MOST + 32] = "epochs", *at = stage + strlen(stage);
    double done = 0, epochs = 0, before = 0, total;

    for (int i = 0; i < c->m->n; i++)
        epochs = c->member[i].epochs > epochs ? c->member[i].epochs : epochs;
    for (int i = 0; i < c->m->n; i++) {
        const struct member *member = &c->member[i];
        bool old = member->state == TRAINED && !member->seen; /* it had nothing left to do */
        done += member->state == TRAINED ? epochs : member->done;
        before += old ? epochs : member->before;
        at += member->state == WAITING ? snprintf(at, 8, " -")
                                       : snprintf(at, 8, " %d", (int)(old ? epochs : member->done) % 1000000);
    }
    snprintf(at, 16, " of %.0f", epochs);
    total = epochs * c->m->n;
    if (epochs > 0)
        progress_update(c->m->progress, stage, done, total, done - before, total - before, "");
}

/* The first that failed, or else that the user stopped us. */
static bool conclude(const struct crew *c, struct err *err)
{
    bool all = true;

    for (int i = 0; i < c->m->n; i++) {
        const struct member *member = &c->member[i];
        if (member->state == FAILED && member->err.status != EXIT_INTERRUPTED) {
            *err = member->err;
            return false;
        }
        all = all && member->state == TRAINED;
    }
    if (!all) {
        err_run(err, "interrupted");
        err->status = EXIT_INTERRUPTED;
    }
    return all;
}

bool members_train(const struct members *m, struct err *err)
{
    struct crew *c = mem_alloc(1, sizeof *c);

    c->m = m;
    members_share(m->options, m->n, &c->jobs, &c->threads);
    for (int i = 0; i < m->n; i++)
        c->member[i] = (struct member){ .k = i + 1, .epochs = m->epochs };
    while (start_some(c) > 0) {
        ask_all(c);
        show(c);
        process_pause();
    }
    bool ok = conclude(c, err);
    free(c);
    return ok;
}
