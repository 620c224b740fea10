/* The build without MPI (make MPI=0): one rank of one. */
#ifndef MARGINALIA_MPI
#include "base/ranks.h"

#include <assert.h>

#include "base/ranks_launcher.h"

static int64_t claimed;

bool ranks_begin(struct err *err)
{
    if (ranks_launched() == 1) {
        ranks_forget_launcher();
        return true;
    }
    return err_usage(err, "this program was built without MPI, and a launcher started several of it; build it with MPI "
                          "(tools/bootstrap, then make), or start it without mpirun");
}

void ranks_end(enum exit_status status)
{
    (void)status;
}

bool ranks_speak(bool *failed, struct err *err)
{
    (void)failed, (void)err;
    return true;
}

int ranks_number(void)
{
    return 0;
}

int ranks_size(void)
{
    return 1;
}

int ranks_on_host(void)
{
    return 1;
}

void ranks_barrier(void)
{
}

void ranks_broadcast(void *bytes, size_t n)
{
    (void)bytes, (void)n;
}

void ranks_gather(void *bytes, const size_t *start)
{
    (void)bytes, (void)start;
}

void ranks_sum_doubles(double *x, size_t n)
{
    (void)x, (void)n;
}

bool ranks_any(bool mine)
{
    return mine;
}

bool ranks_agree(const char *what, const char *text, struct err *err)
{
    (void)what, (void)text, (void)err;
    return true;
}

bool ranks_all_ok(bool ok, struct err *err)
{
    (void)err;
    return ok;
}

void ranks_sum_start(int slot, float *x, size_t n)
{
    assert(slot >= 0 && slot < RANKS_SUMS);
    (void)slot, (void)x, (void)n;
}

void ranks_sum_progress(void)
{
}

void ranks_sum_wait(int slot)
{
    (void)slot;
}

void ranks_claim_begin(void)
{
    claimed = 0;
}

int64_t ranks_claim(int64_t count)
{
    claimed += count;
    return claimed - count;
}

void ranks_claim_end(void)
{
}
#endif
