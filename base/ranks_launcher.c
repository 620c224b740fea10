#include "base/ranks_launcher.h"

#include <stdlib.h>

/* mpirun of Open MPI sets the first two, a process manager that speaks PMI or PMIx (srun) the others. */
static const char *const size_names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" };
static const char *const rank_names[] = { "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK" };
enum { N_SIZES = sizeof size_names / sizeof size_names[0], N_RANKS = sizeof rank_names / sizeof rank_names[0] };

int ranks_launched(void)
{
    for (int i = 0; i < N_SIZES; i++) {
        const char *text = getenv(size_names[i]);
        long n = text ? strtol(text, NULL, 10) : 0;
        if (n >= 1 && n <= 1 << 24)
            return (int)n;
    }
    for (int i = 0; i < N_RANKS; i++)
        if (getenv(rank_names[i]))
            return 0;
    return 1;
}

void ranks_forget_launcher(void)
{
    for (int i = 0; i < N_SIZES; i++)
        unsetenv(size_names[i]);
    for (int i = 0; i < N_RANKS; i++)
        unsetenv(rank_names[i]);
}
