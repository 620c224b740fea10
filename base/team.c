#include "base/team.h"

#include <assert.h>
#include <fenv.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum { SPINS = 2000, YIELDS = 50, CACHE_LINE = 64 };

/* A number that only grows, and the threads that sleep until it changes. */
struct signal {
    _Alignas(CACHE_LINE) atomic_uint value;
    atomic_uint sleepers;
};

struct worker {
    struct team *team;
    int member;
    pthread_t thread;
};

struct team {
    struct signal start, met;
    _Alignas(CACHE_LINE) atomic_int arrived;
    int threads, started, spins;
    bool stop;
    void (*work)(void *arg, int member, int size);
    void *arg;
    struct worker *workers; /* [threads]; 0 is the caller and stays unused */
};

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void futex(atomic_uint *word, int operation, unsigned value)
{
    syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void signal_raise(struct signal *s)
{
    atomic_fetch_add(&s->value, 1);
    /* Who counts itself a sleeper after this look finds the new value in the kernel's check, and does not sleep. */
    if (atomic_load(&s->sleepers))
        futex(&s->value, FUTEX_WAKE, INT_MAX);
}

static void signal_wait(struct signal *s, unsigned old, int spins)
{
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&s->value, memory_order_acquire) != old)
            return;
        pause_cpu();
    }
    for (int i = 0; i < YIELDS; i++) {
        if (atomic_load_explicit(&s->value, memory_order_acquire) != old)
            return;
        sched_yield();
    }
    atomic_fetch_add(&s->sleepers, 1);
    while (atomic_load(&s->value) == old)
        futex(&s->value, FUTEX_WAIT, old);
    atomic_fetch_sub(&s->sleepers, 1);
}

void team_barrier(struct team *team)
{
    unsigned meeting = atomic_load_explicit(&team->met.value, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) + 1 < team->threads) {
        signal_wait(&team->met, meeting, team->spins);
    } else {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed); /* published by the raise */
        signal_raise(&team->met);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct team *team = worker->team;
    fesetenv(FE_DFL_ENV);
    for (unsigned seen = 0;; seen++) {
        signal_wait(&team->start, seen, team->spins);
        if (team->stop)
            return NULL;
        team->work(team->arg, worker->member, team->threads);
        team_barrier(team);
    }
}

void team_run(struct team *team, void (*work)(void *arg, int member, int size), void *arg)
{
    if (team->threads > 1) {
        team->work = work;
        team->arg = arg;
        signal_raise(&team->start);
    }
    work(arg, 0, team->threads);
    team_barrier(team);
}

/* The t-th CPU of the mask alone, or false when the mask has fewer. */
static bool nth_cpu(const cpu_set_t *mask, int t, cpu_set_t *one)
{
    CPU_ZERO(one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, mask) && t-- == 0) {
            CPU_SET(cpu, one);
            return true;
        }
    return false;
}

static void pin_workers(struct team *team)
{
    cpu_set_t mask, one;
    if (sched_getaffinity(0, sizeof mask, &mask) || CPU_COUNT(&mask) < team->threads)
        return;
    for (int t = 1; t < team->threads; t++)
        if (nth_cpu(&mask, t, &one))
            pthread_setaffinity_np(team->workers[t].thread, sizeof one, &one);
}

/* Signals stay with the caller's thread: workers are created with all of them blocked. */
static int start_workers(struct team *team)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    for (team->started = 1; team->started < team->threads; team->started++) {
        struct worker *worker = &team->workers[team->started];
        worker->team = team;
        worker->member = team->started;
        failure = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (failure)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

bool team_new(int threads, bool pin, struct team **out, struct err *err)
{
    assert(threads >= 1);
    struct team *team = mem_big(1, sizeof *team); /* aligned to cache lines */
    team->threads = threads;
    team->spins = threads <= team_available_cpus() ? SPINS : 0; /* spinning would keep the awaited thread off its CPU */
    team->workers = mem_alloc((size_t)threads, sizeof *team->workers);
    int failure = start_workers(team);
    if (failure) {
        err_run(err, "cannot start thread %d of %d: %s; use fewer threads (--threads)", team->started + 1, threads,
                strerror(failure));
        team_free(team);
        return false;
    }
    if (pin)
        pin_workers(team);
    *out = team;
    return true;
}

void team_free(struct team *team)
{
    if (!team)
        return;
    team->stop = true;
    signal_raise(&team->start);
    for (int t = 1; t < team->started; t++)
        pthread_join(team->workers[t].thread, NULL);
    free(team->workers);
    mem_big_free(team, 1, sizeof *team);
}

int team_size(const struct team *team)
{
    return team->threads;
}

int team_available_cpus(void)
{
    cpu_set_t mask;
    int n = sched_getaffinity(0, sizeof mask, &mask) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&mask);
    return n >= 1 ? n : 1;
}
