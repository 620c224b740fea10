/* Of one rank; tests/mpi_validate.bats has several. */
#include <criterion/criterion.h>
#include "base/share.h"

static bool asked;

static bool stop(void)
{
    return asked;
}

Test(share, one_rank_gets_everything_at_once)
{
    struct share s;
    struct err err;
    int64_t first = -1, count = -1, x[5] = { 1, 2, 3, 4, 5 };
    share_begin(&s, 1000, 7, stop);
    cr_assert(share_next(&s, &first, &count));
    cr_assert(first == 0 && count == 1000);
    share_done(&s, 400);
    share_done(&s, 600);
    cr_assert_eq(share_all_done(&s), 1000);
    cr_assert(!share_next(&s, &first, &count));
    cr_assert(share_end(&s, true, &err));
    share_exchange(&s, x, sizeof *x);
    share_spread(&s, 3, x, sizeof x);
    cr_assert(x[0] == 1 && x[4] == 5);
    share_free(&s);
}

Test(share, of_nothing_there_is_nothing)
{
    struct share s;
    struct err err;
    int64_t first, count;
    share_begin(&s, 0, 1, NULL);
    cr_assert(!share_next(&s, &first, &count));
    cr_assert(share_end(&s, true, &err));
    share_exchange(&s, NULL, 8);
    share_free(&s);
}

Test(share, asked_to_stop_it_ends_as_interrupted)
{
    struct share s;
    struct err err;
    int64_t first, count;
    share_begin(&s, 10, 1, stop);
    cr_assert(share_next(&s, &first, &count) && !share_stopped(&s));
    asked = true;
    cr_assert(share_stopped(&s) && !share_next(&s, &first, &count));
    cr_assert(!share_end(&s, true, &err));
    cr_assert_eq(err.status, EXIT_INTERRUPTED);
    share_free(&s);
}

/* In the last block, when nothing more is asked for. */
Test(share, asked_to_stop_at_the_very_end_it_ends_as_interrupted)
{
    struct share s;
    struct err err;
    int64_t first, count;
    share_begin(&s, 10, 1, stop);
    cr_assert(share_next(&s, &first, &count));
    asked = true;
    cr_assert(!share_next(&s, &first, &count));
    cr_assert(!share_end(&s, true, &err));
    cr_assert_eq(err.status, EXIT_INTERRUPTED);
    share_free(&s);
}

Test(share, a_failure_is_not_an_interruption)
{
    struct share s;
    struct err err;
    int64_t first, count;
    share_begin(&s, 10, 1, stop);
    cr_assert(share_next(&s, &first, &count));
    err_run(&err, "disk full");
    cr_assert(!share_end(&s, false, &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert_str_eq(err.text, "disk full");
    share_free(&s);
}

Test(share, a_new_pass_begins_anew_however_many_numbers_it_has)
{
    static const int64_t n[] = { 1, 1000, SHARE_LIMIT };
    struct err err;
    int64_t first, count;
    for (int i = 0; i < 3; i++) {
        struct share s;
        share_begin(&s, n[i], 3, NULL);
        cr_assert(share_next(&s, &first, &count) && first == 0 && count == n[i] && share_all_done(&s) == 0);
        share_done(&s, n[i]);
        cr_assert_eq(share_all_done(&s), n[i]);
        cr_assert(share_end(&s, true, &err));
        share_free(&s);
    }
}
