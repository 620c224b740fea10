#include <criterion/criterion.h>
#include <fenv.h>
#include <float.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "base/team.h"

enum { MOST = 8 };

static struct team *make(int threads)
{
    struct team *team;
    struct err err;
    cr_assert(team_new(threads, false, &team, &err), "%s", err.text);
    cr_assert_eq(team_size(team), threads);
    return team;
}

static void count_member(void *arg, int member, int size)
{
    int *count = arg;
    cr_assert(member < size);
    count[member]++;
}

Test(team, every_member_works_once_per_run)
{
    for (int threads = 1; threads <= MOST; threads++) {
        int count[MOST] = { 0 };
        struct team *team = make(threads);
        for (int i = 0; i < 100; i++)
            team_run(team, count_member, count);
        team_free(team);
        for (int t = 0; t < MOST; t++)
            cr_assert_eq(count[t], t < threads ? 100 : 0, "member %d of %d", t, threads);
    }
}

/* Each round every member writes its cell, meets the others, and sums all cells: a barrier that lets one pass too early
 * leaves an old number in some sum. */
struct rounds { int rounds; int cell[2][MOST]; long wrong[MOST]; };

static void play_rounds(struct team *team, struct rounds *r, int member, int size)
{
    for (int i = 1; i <= r->rounds; i++) {
        r->cell[i % 2][member] = i;
        team_barrier(team);
        for (int t = 0; t < size; t++)
            r->wrong[member] += r->cell[i % 2][t] != i;
    }
}

struct game { struct team *team; struct rounds rounds; };

static void play(void *arg, int member, int size)
{
    struct game *game = arg;
    play_rounds(game->team, &game->rounds, member, size);
}

Test(team, barrier_holds_until_all_have_come)
{
    for (int threads = 1; threads <= MOST; threads += threads < 4 ? 1 : 4) {
        struct game game = { make(threads), { .rounds = threads <= 2 ? 20000 : 1000 } };
        team_run(game.team, play, &game);
        for (int t = 0; t < threads; t++)
            cr_assert_eq(game.rounds.wrong[t], 0, "member %d of %d", t, threads);
        team_free(game.team);
    }
}

static void sleep_alone(void *arg, int member, int size)
{
    (void)size;
    struct team **team = arg;
    if (member == 1)
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    team_barrier(*team);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Test(team, waiting_sleeps)
{
    struct team *team = make(2);
    double before = cpu_seconds();
    for (int i = 0; i < 5; i++)
        team_run(team, sleep_alone, &team);
    cr_assert(cpu_seconds() - before < 0.25, "%g s of processor time in 0.5 s of waiting", cpu_seconds() - before);
    team_free(team);
}

static void divide_denormal(void *arg, int member, int size)
{
    (void)size;
    volatile float *out = arg, tiny = FLT_MIN;
    out[member] = tiny / 2;
}

Test(team, workers_keep_denormals_even_when_their_creator_does_not)
{
#if defined(__SSE__)
    float out[2] = { 0 };
    unsigned usual = _mm_getcsr();
    _mm_setcsr(usual | 0x8040); /* flush to zero, denormals are zero: what loading libdarknet does */
    struct team *team = make(2);
    team_run(team, divide_denormal, out);
    _mm_setcsr(usual); /* or the comparisons below would take denormals for zero */
    cr_assert_eq(out[0], 0, "this test did not turn denormals off");
    cr_assert(out[1] > 0);
    team_free(team);
#endif
}

static void check_mask(void *arg, int member, int size)
{
    (void)size;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ((int *)arg)[member] = sigismember(&mask, SIGINT);
}

Test(team, signals_are_left_to_the_caller)
{
    int blocked[2] = { -1, -1 };
    struct team *team = make(2);
    team_run(team, check_mask, blocked);
    team_free(team);
    cr_assert_eq(blocked[0], 0);
    cr_assert_eq(blocked[1], 1);
}

Test(team, failure_to_start_threads_is_an_error_that_says_what_to_do)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    cr_assert_eq(pthread_attr_setstacksize(&attributes, (size_t)1 << 46), 0);
    cr_assert_eq(pthread_setattr_default_np(&attributes), 0);
    struct team *team = NULL;
    struct err err;
    cr_assert_not(team_new(4, false, &team, &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert(strstr(err.text, "thread 2 of 4") && strstr(err.text, "--threads"), "%s", err.text);
}

static void note_cpus(void *arg, int member, int size)
{
    (void)size;
    sched_getaffinity(0, sizeof(cpu_set_t), (cpu_set_t *)arg + member);
}

Test(team, pinning_binds_the_workers_and_not_the_caller)
{
    int threads = team_available_cpus() < MOST ? team_available_cpus() : MOST;
    cpu_set_t before, cpus[MOST];
    sched_getaffinity(0, sizeof before, &before);
    struct team *team;
    struct err err;
    cr_assert(team_new(threads, true, &team, &err));
    team_run(team, note_cpus, cpus);
    team_free(team);
    cr_assert(CPU_EQUAL(&before, &cpus[0]));
    for (int t = 1; t < threads; t++) {
        cr_assert_eq(CPU_COUNT(&cpus[t]), 1);
        for (int other = 1; other < t; other++)
            cr_assert_not(CPU_EQUAL(&cpus[t], &cpus[other]));
    }
}

Test(team, free_accepts_null)
{
    team_free(NULL);
}
