/* Any text as ensemble.conf: refused or accepted, never a crash, an overrun or a leak of ours. */
#include <stdlib.h>
#include <string.h>
#include "base/ensemble_file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig's scanner keeps 64 bytes when the text has a lexical error. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

/* What was accepted is what everybody relies on. */
static void check(const struct ensemble_file *f)
{
    if (f->n < 1 || f->n > ENSEMBLE_MOST || f->n_missing)
        abort();
    for (int i = 0; i < f->n; i++) {
        const struct ensemble_entry *e = &f->member[i];
        if (!*e->run || !*e->cfg || strlen(e->hash) != SHA256_HEX - 1 || e->line < 1)
            abort();
        for (int k = 0; k < i; k++)
            if (strcmp(e->hash, f->member[k].hash) == 0)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ensemble_file *f;
    struct err err;
    char *text = mem_alloc(size + 1, 1);
    memcpy(text, data, size);
    if (ensemble_file_parse("folder/ensemble.conf", text, size, &f, &err)) {
        check(f);
        ensemble_file_free(f);
    }
    free(text);
    return 0;
}
