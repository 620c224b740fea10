#include <math.h>

#include "base/mem.h"
#include "tools/study_page/sections.h"
#include "validate/checks/text.h"

void bars_begin(struct bars *b, const char *heading, const char *label, enum unit unit)
{
    b->figure = (struct figure){
        .kind = FIGURE_ROWS, .heading = mem_string(heading), .x_label = mem_string(label), .x_unit = unit
    };
}

void bars_add(struct bars *b, const char *name, const struct values *v, enum tone tone)
{
    struct estimate e = values_summary(v);
    if (e.n && isfinite(e.value))
        figure_add_row(&b->figure, name, e.value, e.low, e.high, tone);
}

/* A share may be told more exactly on a shorter axis, whose ends are labelled. */
static void choose_axis(struct figure *f)
{
    double low = 1, high = 0, step = 0.2;
    for (int i = 0; i < f->n_rows; i++) {
        low = fmin(low, fmin(f->row[i].value, f->row[i].low));
        high = fmax(high, fmax(f->row[i].value, f->row[i].high));
    }
    f->x_low = fmax(0, step * floor(low / step));
    f->x_high = fmin(1, step * ceil(high / step));
}

void bars_show(struct page *p, const char *name, struct bars *b)
{
    if (b->figure.x_unit == UNIT_SHARE)
        choose_axis(&b->figure);
    text_describe_rows(&b->figure);
    if (b->figure.n_rows) {
        page_rows(p, name, &b->figure);
        page_print(p, "Dot and line: mean and range of the seeds; of a single one, its value and 95 %% interval.");
    }
    figure_free(&b->figure);
}
