#include <stdlib.h>
#include <string.h>
#include "darknet-ext/kernels.h"

static bool allowed(const char *isa)
{
    const char *limit = getenv("MARGINALIA_ISA");
    if (!limit || !*limit || !strcmp(limit, "avx512"))
        return true;
    return !strcmp(limit, "avx2") && !strcmp(isa, "avx2");
}

const struct kernels *kernels_select(void)
{
    __builtin_cpu_init();
    if (allowed("avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return &kernels_avx512;
    if (allowed("avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &kernels_avx2;
    return &kernels_portable;
}
