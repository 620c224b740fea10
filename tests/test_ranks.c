#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "base/ranks_launcher.h"

/* What several ranks do is tested by probe_ranks.c under mpirun (mpi.bats). */

static void begin_alone(void)
{
    struct err err;
    ranks_forget_launcher();
    cr_assert(ranks_begin(&err), "%s", err.text);
}

static void end(void)
{
    ranks_end(EXIT_OK);
}

TestSuite(ranks, .init = begin_alone, .fini = end);

Test(ranks, a_program_started_alone_is_rank_0_of_1)
{
    cr_assert_eq(ranks_number(), 0);
    cr_assert_eq(ranks_size(), 1);
    cr_assert_eq(ranks_on_host(), 1);
}

Test(ranks, alone_everything_is_as_it_was)
{
    double d[3] = { 1, -2, 3e300 };
    float f[2] = { 0.5f, -1e-30f };
    char bytes[] = "as it was";
    struct err err = { 0 };
    ranks_barrier();
    ranks_broadcast(bytes, sizeof bytes);
    ranks_sum_doubles(d, 3);
    ranks_sum_start(0, f, 2);
    ranks_sum_start(RANKS_SUMS - 1, f, 0);
    ranks_sum_progress();
    ranks_sum_wait(RANKS_SUMS - 1);
    ranks_sum_wait(0);
    cr_assert_str_eq(bytes, "as it was");
    cr_assert(d[0] == 1 && d[1] == -2 && d[2] == 3e300);
    cr_assert(f[0] == 0.5f && f[1] == -1e-30f);
    cr_assert(ranks_any(true) && !ranks_any(false));
    cr_assert(ranks_agree("cfg", "text", &err));
    cr_assert(ranks_all_ok(true, &err) && !err.text[0]);
}

Test(ranks, alone_a_failure_stays_what_it_is)
{
    struct err err;
    err_run(&err, "disk is full; free some");
    cr_assert_not(ranks_all_ok(false, &err));
    cr_assert_str_eq(err.text, "disk is full; free some");
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
}

Test(ranks, numbers_are_handed_out_from_0_up_once_per_claim)
{
    for (int again = 0; again < 2; again++) {
        ranks_claim_begin();
        cr_assert_eq(ranks_claim(3), 0);
        cr_assert_eq(ranks_claim(1), 3);
        cr_assert_eq(ranks_claim(10), 4);
        cr_assert_eq(ranks_claim(1), 14);
        ranks_claim_end();
    }
}

Test(ranks_launcher, says_how_many_were_started)
{
    ranks_forget_launcher();
    cr_assert_eq(ranks_launched(), 1);
    setenv("PMIX_RANK", "0", 1);
    cr_assert_eq(ranks_launched(), 0);
    setenv("PMI_SIZE", "3", 1);
    cr_assert_eq(ranks_launched(), 3);
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    cr_assert_eq(ranks_launched(), 4);
    setenv("OMPI_COMM_WORLD_SIZE", "nonsense", 1);
    cr_assert_eq(ranks_launched(), 3);
    ranks_forget_launcher();
    cr_assert_eq(ranks_launched(), 1);
}
