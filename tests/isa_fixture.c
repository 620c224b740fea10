#include "tests/isa_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { PORTABLE = 2 };

const struct isa isas[ISAS] = {
    { &kernels_avx512, "avx512" }, { &kernels_avx2, "avx2" }, [PORTABLE] = { &kernels_portable, "portable" }
};

bool isa_runs(int i)
{
    setenv("MARGINALIA_ISA", isas[i].name, 1);
    bool yes = kernels_select() == isas[i].kernels;
    unsetenv("MARGINALIA_ISA");
    cr_assert(yes || i != PORTABLE, "no set at all was tested");
    return yes;
}
