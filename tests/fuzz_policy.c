/* Any text as a policy: refused or accepted, never a crash, an overrun or a leak of ours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig's scanner keeps 64 bytes when the text has a lexical error. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

/* What was accepted is within the ranges that everybody relies on. */
static void check(const struct policy *p)
{
    for (int i = 0; i < p->n; i++) {
        const struct policy_check *c = &p->check[i];
        struct waiver w;
        struct err err;
        if (!c->type || !c->id || c->quick < 0 || c->full < 0 || (c->gates && c->side == SIDE_NONE) ||
            !isfinite(c->limit) || (p->kind->compares && c->gates && !(c->margin >= 0)))
            abort();
        char *text = mem_format("%s=x", c->id);
        if (!policy_waiver(p, text, &w, &err))
            abort();
        free(text);
        free(w.id);
        free(w.reason);
    }
    if (!p->name || p->n < 1 || p->n_thresholds < 1 || p->sis.per_step < 1 || p->sis.candidates < 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct policy_kind *const kinds[] = { &policy_of_models, &policy_of_datasets, &policy_of_comparisons };
    struct policy *p;
    struct err err;
    char *text = mem_alloc(size + 1, 1);
    memcpy(text, data, size);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (policy_parse(kinds[k], "fuzz.conf", text, size, &p, &err)) {
            check(p);
            policy_free(p);
        }
    free(text);
    return 0;
}
