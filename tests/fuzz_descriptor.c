/* Any text as a descriptor: refused or accepted, never a crash, an overrun or a leak of ours. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig's scanner keeps 64 bytes when the text has a lexical error. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct descriptor d;
    struct err err;
    char *text = mem_alloc(size + 1, 1);
    memcpy(text, data, size);
    if (descriptor_parse(&d, "fuzz.conf", text, size, &err))
        free(descriptor_remedy(&d));
    descriptor_clear(&d);
    free(text);
    return 0;
}
