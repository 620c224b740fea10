#include "base/interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

static volatile sig_atomic_t requested, ours[N_SIGNALS]; /* ours: not ignored from the start */

static void on_signal(int number)
{
    (void)number;
    requested = 1;
    for (int i = 0; i < N_SIGNALS; i++)
        if (ours[i])
            signal(signals[i], SIG_DFL);
}

void interrupt_install(void)
{
    struct sigaction handler = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    sigemptyset(&handler.sa_mask);
    for (int i = 0; i < N_SIGNALS; i++) {
        struct sigaction before;
        sigaction(signals[i], NULL, &before);
        ours[i] = before.sa_handler != SIG_IGN;
        if (ours[i])
            sigaction(signals[i], &handler, NULL);
    }
}

bool interrupt_requested(void)
{
    return requested != 0;
}
