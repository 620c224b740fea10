/* Section 8: the tables of `make bench`. */
#include <stdlib.h>

#include "base/file.h"
#include "tools/study_page/sections.h"

enum { TABLE_LIMIT = 1 << 20 };

bool section_speed(struct page *p, struct err *err)
{
    page_section(p, 8,
                 "how fast training, prediction and search are beside PyTorch and stock Darknet, in turn on one "
                 "machine: median of the rounds, lowest and highest in brackets ([performance.md](performance.md) tells "
                 "more)");
    if (!runs_done(p->runs, "bench"))
        return true;
    char *text, *path = runs_path(p->runs, "bench/table.txt");
    size_t n;
    bool ok = file_read(path, TABLE_LIMIT, &text, &n, err);
    if (ok) {
        page_verbatim(p, text);
        free(text);
    }
    free(path);
    return ok;
}
