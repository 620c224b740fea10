/* The build with MPI. ranks_alone.c is the other one. */
#ifdef MARGINALIA_MPI
#include "base/ranks.h"

#include <assert.h>
#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/ranks_launcher.h"

enum {
    BLOCK = 1 << 30,
    SUM_BLOCK = 1 << 16,
    SPIN_US = 2000,
    NAP_MOST_US = 1000,
    SUM_NAP_MOST_US = 20,
    END_SECONDS = 2
};

struct sum {
    MPI_Request request; /* MPI_REQUEST_NULL: not under way, or done */
    float *x, *result;
    size_t n, size; /* result has room for `size` */
};

static struct {
    bool began;                                          /* MPI is initialised */
    enum { END_NOT_ASKED, END_TOGETHER, END_ALONE } met; /* how this rank ends */
    int number, size, on_host;
    MPI_Comm host, end; /* end: so that who leaves is never taken for one that came to a barrier */
    struct sum sum[RANKS_SUMS];
    MPI_Win window;                     /* made when the first claim begins */
    _Atomic(int64_t) claimed, *counter; /* rank 0's counts; counter: NULL when it is not in reach of this rank */
} job = { .size = 1, .on_host = 1, .end = MPI_COMM_NULL, .window = MPI_WIN_NULL };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Open MPI's own waiting burns a processor, which others on this machine may need: polls between others' turns
 * first, then sleeps a little of the time waited so far, 1/64. False when it is not done after `limit` seconds. */
static bool wait_until(MPI_Request *request, double limit, long nap_most_us)
{
    double start = seconds();
    for (int done = 0;;) {
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done)
            return true;
        double waited = seconds() - start, us = 1e6 * waited / 64;
        if (waited > limit)
            return false;
        struct timespec nap = { 0, 1000 * (us < (double)nap_most_us ? (long)us : nap_most_us) };
        if (1e6 * waited < SPIN_US)
            sched_yield();
        else
            nanosleep(&nap, NULL);
    }
}

static void wait_for(MPI_Request *request)
{
    wait_until(request, 1e300, NAP_MOST_US);
}

/* Gives this rank its part of the processors that it shares with others of this machine. Ranks that the launcher has
 * bound apart keep what they were given. */
static void divide_processors(void)
{
    cpu_set_t mine, part, *all = mem_alloc((size_t)job.on_host, sizeof *all);
    if (sched_getaffinity(0, sizeof mine, &mine))
        CPU_ZERO(&mine);
    MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, job.host);
    int me, sharers = 0, before = 0, cpus = CPU_COUNT(&mine);
    MPI_Comm_rank(job.host, &me);
    for (int r = 0; r < job.on_host; r++)
        if (CPU_EQUAL(&all[r], &mine)) {
            before += r < me;
            sharers++;
        }
    free(all);
    if (sharers == 1 || cpus < 1)
        return;
    int first = (int)((int64_t)cpus * before / sharers), end = (int)((int64_t)cpus * (before + 1) / sharers);
    CPU_ZERO(&part);
    for (int cpu = 0, i = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &mine)) {
            if (i >= first && (i < end || i == first)) /* more ranks than processors: one each, some of them shared */
                CPU_SET(cpu, &part);
            i++;
        }
    sched_setaffinity(0, sizeof part, &part);
}

bool ranks_begin(struct err *err)
{
    assert(!job.began);
    int launched = ranks_launched(), provided = 0;
    if (launched == 1) {
        ranks_forget_launcher();
        return true;
    }
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    job.began = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &job.number);
    MPI_Comm_size(MPI_COMM_WORLD, &job.size);
    if (launched > 1 && job.size != launched)
        return err_usage(err,
                         "the launcher started %d processes, but MPI knows of %d; start them with the mpirun of "
                         "Open MPI, or with srun --mpi=pmix",
                         launched, job.size);
    if (provided < MPI_THREAD_FUNNELED)
        return err_run(err, "MPI does not work in a program with threads; use another build of Open MPI");
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &job.host);
    MPI_Comm_dup(MPI_COMM_WORLD, &job.end);
    MPI_Comm_size(job.host, &job.on_host);
    for (int s = 0; s < RANKS_SUMS; s++)
        job.sum[s].request = MPI_REQUEST_NULL;
    divide_processors();
    ranks_forget_launcher();
    return true;
}

/* Whether all ranks are at their end. One that failed does not wait long for the others. */
static bool all_end(bool failed)
{
    MPI_Request request = MPI_REQUEST_NULL;
    if (job.met != END_NOT_ASKED)
        return job.met == END_TOGETHER;
    if (job.end != MPI_COMM_NULL)
        MPI_Ibarrier(job.end, &request);
    job.met = wait_until(&request, failed ? END_SECONDS : 1e300, NAP_MOST_US) ? END_TOGETHER : END_ALONE;
    return job.met == END_TOGETHER;
}

bool ranks_speak(bool *failed, struct err *err)
{
    if (!job.began || job.end == MPI_COMM_NULL || !all_end(*failed))
        return true;
    *failed = !ranks_all_ok(!*failed, err);
    return job.number == 0;
}

static void close_counter(void)
{
    if (job.window == MPI_WIN_NULL)
        return;
    MPI_Win_unlock_all(job.window);
    MPI_Win_free(&job.window);
}

void ranks_end(enum exit_status status)
{
    if (!job.began)
        return;
    if (!all_end(status != EXIT_OK))
        MPI_Abort(MPI_COMM_WORLD, (int)status);
    for (int s = 0; s < RANKS_SUMS; s++)
        free(job.sum[s].result);
    close_counter();
    MPI_Finalize();
    job.began = false;
    job.number = 0;
    job.size = job.on_host = 1;
}

int ranks_number(void)
{
    return job.number;
}

int ranks_size(void)
{
    return job.size;
}

int ranks_on_host(void)
{
    return job.on_host;
}

void ranks_barrier(void)
{
    if (job.size == 1)
        return;
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    wait_for(&request);
}

static void broadcast_from(int root, void *bytes, size_t n)
{
    for (size_t at = 0; at < n; at += BLOCK) {
        MPI_Request request;
        int part = n - at < BLOCK ? (int)(n - at) : BLOCK;
        MPI_Ibcast((char *)bytes + at, part, MPI_BYTE, root, MPI_COMM_WORLD, &request);
        wait_for(&request);
    }
}

void ranks_broadcast(void *bytes, size_t n)
{
    if (job.size > 1)
        broadcast_from(0, bytes, n);
}

void ranks_gather(void *bytes, const size_t *start)
{
    for (int r = 0; job.size > 1 && r < job.size; r++)
        broadcast_from(r, (char *)bytes + start[r], start[r + 1] - start[r]);
}

void ranks_sum_doubles(double *x, size_t n)
{
    if (job.size == 1 || n == 0)
        return;
    size_t block = n < SUM_BLOCK ? n : SUM_BLOCK;
    double *all = mem_alloc((size_t)job.size * block, sizeof *all);
    for (size_t at = 0; at < n; at += block) {
        MPI_Request request;
        size_t part = n - at < block ? n - at : block;
        MPI_Iallgather(x + at, (int)part, MPI_DOUBLE, all, (int)part, MPI_DOUBLE, MPI_COMM_WORLD, &request);
        wait_for(&request);
        memcpy(x + at, all, part * sizeof *x);
        for (int r = 1; r < job.size; r++)
            for (size_t i = 0; i < part; i++)
                x[at + i] += all[(size_t)r * part + i];
    }
    free(all);
}

/* The least of what the ranks say. */
static int least(int mine)
{
    MPI_Request request;
    int of_all;
    MPI_Iallreduce(&mine, &of_all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request);
    wait_for(&request);
    return of_all;
}

bool ranks_any(bool mine)
{
    return job.size == 1 ? mine : least(!mine) == 0;
}

bool ranks_agree(const char *what, const char *text, struct err *err)
{
    if (job.size == 1)
        return true;
    uint64_t mine = strlen(text) + 1, n = mine;
    broadcast_from(0, &n, sizeof n);
    char *other = mem_alloc(n, 1);
    if (job.number == 0)
        memcpy(other, text, n);
    broadcast_from(0, other, n);
    int differs = least(n == mine && memcmp(text, other, n) == 0 ? INT_MAX : job.number);
    free(other);
    if (differs == INT_MAX)
        return true;
    return err_usage(err, "rank %d has another %s than rank 0; start all ranks with the same, on the same files",
                     differs, what);
}

bool ranks_all_ok(bool ok, struct err *err)
{
    if (job.size == 1)
        return ok;
    int failed = least(ok ? INT_MAX : job.number);
    if (failed == INT_MAX)
        return true;
    broadcast_from(failed, err, sizeof *err);
    return false;
}

void ranks_sum_start(int slot, float *x, size_t n)
{
    assert(slot >= 0 && slot < RANKS_SUMS && n <= INT_MAX);
    if (job.size == 1)
        return;
    struct sum *s = &job.sum[slot];
    assert(!s->x);
    if (s->size < n) {
        s->result = mem_resize(s->result, n, sizeof *s->result);
        s->size = n;
    }
    s->x = x;
    s->n = n;
    /* Not in place: Open MPI would take an algorithm for that whose traffic grows with the number of ranks. */
    MPI_Iallreduce(x, s->result, (int)n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, &s->request);
}

/* A sum that is there is taken over at once: the copy, too, is then behind us when it is waited for. */
static void take_sum(struct sum *s)
{
    memcpy(s->x, s->result, s->n * sizeof *s->x);
    s->x = NULL;
}

void ranks_sum_progress(void)
{
    int done;
    if (job.size == 1)
        return;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &done, MPI_STATUS_IGNORE);
    for (int slot = 0; slot < RANKS_SUMS; slot++) {
        struct sum *s = &job.sum[slot];
        if (s->x && (MPI_Test(&s->request, &done, MPI_STATUS_IGNORE), done))
            take_sum(s);
    }
}

void ranks_sum_wait(int slot)
{
    assert(slot >= 0 && slot < RANKS_SUMS);
    struct sum *s = &job.sum[slot];
    if (!s->x)
        return;
    wait_until(&s->request, 1e300, SUM_NAP_MOST_US); /* short, and the step waits for it */
    take_sum(s);
}

/* Open MPI answers for rank 0 only while rank 0 is in one of its functions. Ranks of one machine therefore share the
 * counter's memory itself. */
static void open_counter(void)
{
    int64_t *mine;
    MPI_Aint room = job.number == 0 ? sizeof *mine : 0;
    int unit = sizeof *mine;
    if (job.on_host == job.size) {
        MPI_Win_allocate_shared(room, unit, MPI_INFO_NULL, MPI_COMM_WORLD, &mine, &job.window);
        MPI_Win_shared_query(job.window, 0, &room, &unit, &job.counter);
    } else {
        MPI_Win_create(&job.claimed, room, unit, MPI_INFO_NULL, MPI_COMM_WORLD, &job.window);
        job.counter = NULL;
    }
    MPI_Win_lock_all(MPI_MODE_NOCHECK, job.window);
    if (job.number == 0 && job.counter)
        atomic_store(job.counter, 0);
}

void ranks_claim_begin(void)
{
    if (job.size == 1) {
        job.claimed = 0;
        job.counter = &job.claimed;
        return;
    }
    if (job.window == MPI_WIN_NULL)
        open_counter();
    if (job.number == 0)
        ranks_claim(-ranks_claim(0));
    ranks_barrier();
}

int64_t ranks_claim(int64_t count)
{
    if (job.counter)
        return atomic_fetch_add(job.counter, count);
    int64_t first;
    MPI_Fetch_and_op(&count, &first, MPI_INT64_T, 0, 0, MPI_SUM, job.window);
    MPI_Win_flush(0, job.window);
    return first;
}

void ranks_claim_end(void)
{
    ranks_barrier();
}
#endif
