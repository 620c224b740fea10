#include <criterion/criterion.h>
#include <signal.h>
#include "base/interrupt.h"

Test(interrupt, the_first_signal_is_remembered)
{
    interrupt_install();
    cr_assert(!interrupt_requested());
    raise(SIGINT);
    cr_assert(interrupt_requested());
}

Test(interrupt, what_a_launcher_passes_on_counts)
{
    interrupt_install();
    raise(SIGUSR1);
    cr_assert(interrupt_requested());
}

Test(interrupt, the_second_one_ends_the_process_at_once, .signal = SIGTERM)
{
    interrupt_install();
    raise(SIGINT);
    raise(SIGTERM);
    cr_assert_fail("still there");
}

Test(interrupt, what_was_ignored_before_stays_ignored)
{
    signal(SIGHUP, SIG_IGN);
    interrupt_install();
    raise(SIGHUP);
    cr_assert(!interrupt_requested());
    raise(SIGTERM);
    raise(SIGHUP);
    cr_assert(interrupt_requested());
}
