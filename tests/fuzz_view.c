/* Any text as a view: refused, or accepted with numbers in their ranges, and then the same after writing and reading
 * it again. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/view_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct view_spec *s)
{
    bool drawn = s->kind == VIEW_CENTER || s->kind == VIEW_RANDOM || s->kind == VIEW_SEGMENT;
    bool files = s->kind == VIEW_MASKS;

    if ((s->kind == VIEW_RING && (s->width < 1 || s->offset < 0)) || (drawn && !(s->share > 0 && s->share < 1)) ||
        (files && !(s->share >= 0 && s->share < 1)) || (files ? s->n_files < 1 : s->n_files != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view_spec s, again;
    struct err err;
    char *text = mem_alloc(size + 1, 1);
    memcpy(text, data, size);
    if (view_spec_parse(text, &s, &err)) {
        check(&s);
        char *first = view_spec_text(&s), *second = NULL;
        if (view_spec_parse(first, &again, &err))
            second = view_spec_text(&again);
        if (!second || strcmp(first, second) != 0)
            abort();
        free(first);
        free(second);
        view_spec_clear(&again);
        view_spec_clear(&s);
    }
    free(text);
    return 0;
}
