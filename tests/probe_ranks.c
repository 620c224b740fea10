/* What base/ranks.h promises of several ranks, tried under mpirun: prints what it found as rank 0, exits 0 when all
 * held. `probe_ranks all` tries everything that ends well; the other words are ways to fail. */
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/ranks.h"
#include "base/team.h"

enum { LONG = 300000, CLAIMS = 1000 };

static int failures;

static void expect(bool true_here, const char *what)
{
    bool everywhere = !ranks_any(!true_here);
    if (ranks_number() == 0)
        printf("%s %s\n", everywhere ? "ok" : "not ok", what);
    failures += !everywhere;
}

static void wait_ms(int ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static void try_words(void)
{
    char *text = mem_alloc(LONG, 1);
    if (ranks_number() == 0)
        memset(text, 'x', LONG - 1);
    ranks_broadcast(text, LONG);
    expect(strlen(text) == LONG - 1 && text[LONG - 2] == 'x', "rank 0's bytes reach all");
    free(text);

    struct err err = { 0 };
    int last = ranks_size() - 1;
    expect(ranks_any(ranks_number() == last) && !ranks_any(false), "any is true when one is");
    expect(ranks_agree("cfg", "the same", &err), "the same text agrees");
    bool agree = ranks_agree("cfg", ranks_number() == last ? "the sane" : "the same", &err);
    char expected[80];
    snprintf(expected, sizeof expected, "rank %d has another cfg than rank 0;", last);
    expect(!agree && strncmp(err.text, expected, strlen(expected)) == 0, "a rank that differs is named on all");
    expect(ranks_all_ok(true, &err), "all ok");
    err_run(&err, "rank %d failed", ranks_number());
    bool ok = ranks_all_ok(ranks_number() == 0, &err);
    expect(!ok && strcmp(err.text, "rank 1 failed") == 0, "the first failure is everyone's");
}

static void try_doubles(void)
{
    int size = ranks_size();
    double *x = mem_alloc(LONG, sizeof *x);
    bool same = true;
    for (int i = 0; i < LONG; i++)
        x[i] = pow(-0.1, ranks_number()) * (i + 0.1);
    ranks_sum_doubles(x, LONG);
    for (int i = 0; i < LONG; i++) {
        double expected = i + 0.1;
        for (int r = 1; r < size; r++)
            expected += pow(-0.1, r) * (i + 0.1);
        same = same && x[i] == expected;
    }
    expect(same, "doubles are summed in the order of the ranks");
    free(x);
}

static void try_floats(void)
{
    int size = ranks_size();
    float *x = mem_alloc(RANKS_SUMS * LONG, sizeof *x);
    for (size_t i = 0; i < (size_t)RANKS_SUMS * LONG; i++)
        x[i] = (float)(i % 1000 + (size_t)ranks_number());
    for (int slot = 0; slot < RANKS_SUMS; slot++)
        ranks_sum_start(slot, x + (size_t)slot * LONG, (size_t)(LONG - slot));
    for (int i = 0; i < 100; i++)
        ranks_sum_progress();
    bool right = true;
    for (int slot = RANKS_SUMS - 1; slot >= 0; slot--) {
        ranks_sum_wait(slot);
        for (size_t i = (size_t)slot * LONG; i < (size_t)(slot + 1) * LONG - (size_t)slot; i++)
            right = right && x[i] == (float)((i % 1000) * (size_t)size + (size_t)(size * (size - 1) / 2));
    }
    expect(right, "floats are summed in the background");
    free(x);
}

/* Ranks claim at their own pace; who has which number is summed up afterwards. */
static void try_claims(void)
{
    double *taken = mem_alloc(CLAIMS, sizeof *taken), mine = 0, all;
    ranks_claim_begin();
    if (ranks_number() == 0)
        wait_ms(100); /* the counter is in its memory; the others do not wait for it */
    for (int64_t first; (first = ranks_claim(3)) < CLAIMS; mine++) {
        for (int64_t i = first; i < first + 3 && i < CLAIMS; i++)
            taken[i]++;
        if (ranks_number() == 1)
            wait_ms(20); /* more than others lose to other work on a busy machine */
    }
    ranks_claim_end();
    ranks_sum_doubles(taken, CLAIMS);
    bool once = true;
    for (int i = 0; i < CLAIMS; i++)
        once = once && taken[i] == 1;
    expect(once, "every number is claimed once");
    all = mine;
    ranks_sum_doubles(&all, 1);
    expect(ranks_number() != 1 || mine < all / ranks_size(), "who is slow claims less");
    free(taken);
}

static void try_waiting(void)
{
    ranks_barrier();
    clock_t before = clock();
    if (ranks_number() == 0)
        wait_ms(500);
    ranks_barrier();
    double burnt = (double)(clock() - before) / CLOCKS_PER_SEC;
    expect(burnt < 0.2, "a barrier sleeps");
}

static void try_processors(void)
{
    double cpus = team_available_cpus(), all = cpus;
    ranks_sum_doubles(&all, 1);
    expect(ranks_on_host() == ranks_size(), "all ranks are on this host");
    expect(cpus >= 1 && all <= fmax(ranks_size(), (double)sysconf(_SC_NPROCESSORS_ONLN)), "processors are divided");
    expect(!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMIX_RANK"), "children do not think that they are ranks");
}

static enum exit_status fail_by(const char *way)
{
    bool mine = ranks_number() == ranks_size() - 1;
    if (strcmp(way, "together") == 0)
        return EXIT_INTERRUPTED;
    if (mine && strcmp(way, "alone") == 0)
        return EXIT_CANNOT_RUN;
    if (mine && strcmp(way, "killed") == 0)
        raise(SIGKILL);
    ranks_barrier(); /* nobody comes out of it */
    printf("passed a barrier that a rank never came to\n");
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct err err;
    if (!ranks_begin(&err)) {
        fprintf(stderr, "%s\n", err.text);
        ranks_end(err.status);
        return err.status;
    }
    enum exit_status status = EXIT_OK;
    if (argc == 2 && strcmp(argv[1], "all") != 0) {
        status = fail_by(argv[1]);
    } else {
        try_words();
        try_doubles();
        try_floats();
        try_claims();
        try_waiting();
        try_processors();
        status = failures ? EXIT_FAILED_CHECK : EXIT_OK;
    }
    fflush(stdout);
    ranks_end(status);
    return status;
}
