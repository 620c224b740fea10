/* Section 8: the tables of `make bench`. */
#include "tools/study_page/sections.h"

bool section_speed(struct page *p, struct err *err)
{
    page_section(
        p, 8,
        "how fast training, prediction and search are beside PyTorch and stock Darknet, in turn on one "
        "machine: median of the rounds, lowest and highest in brackets ([performance.md](performance.md) tells "
        "more)");
    const struct step *step = runs_done(p->runs, "bench");
    const json_t *text = step ? runs_file(p->runs, step, "table.txt", NULL, err) : NULL;
    if (text)
        page_verbatim(p, json_string_value(text));
    return !step || text;
}
