/* Any text as a Darknet list: every accepted line has a path and a label in range. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/image_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "cat", "big dog", "7" };
    struct image_list l;
    struct err err;
    char *text = mem_alloc(size + 1, 1);
    memcpy(text, data, size);
    if (image_list_parse(&l, text, size, "fuzz.list", names, 3, &err))
        for (int64_t i = 0; i < l.n; i++)
            if (!*image_list_path(&l, i) || l.label[i] < 0 || l.label[i] > 2)
                abort();
    image_list_clear(&l);
    return 0;
}
