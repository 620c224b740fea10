/* The kernels of every instruction set, for tests that compare each with a definition. */
#ifndef MARGINALIA_TESTS_ISA_FIXTURE_H
#define MARGINALIA_TESTS_ISA_FIXTURE_H

#include "darknet-ext/kernels.h"

enum { ISAS = 3 };
extern const struct isa {
    const struct kernels *kernels;
    const char *name; /* as in MARGINALIA_ISA */
} isas[ISAS];

/* Whether this processor runs set i. */
bool isa_runs(int i);

#endif
