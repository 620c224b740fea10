#include "tests/study_fixture.h"

#include "base/mem.h"

struct sis_record study_record(int64_t image, bool right, int first, int size, double whole)
{
    struct sis_record r = { .image = image, .label = 0, .predicted = !right, .target = !right };
    struct sis_order *o = &r.order;
    *o = (struct sis_order){ .features = PIXELS, .states = 3 };
    o->order = mem_alloc(PIXELS, sizeof *o->order);
    o->removed = mem_alloc(3, sizeof *o->removed);
    o->value = mem_alloc(3, sizeof *o->value);
    int n = 0;
    for (int i = 0; i < PIXELS; i++)
        if (i < first || i >= first + size)
            o->order[n++] = (uint32_t)i;
    for (int i = 0; i < size; i++)
        o->order[n++] = (uint32_t)(first + i);
    o->removed[1] = (uint32_t)(PIXELS - size);
    o->removed[2] = PIXELS;
    o->value[0] = whole;
    o->value[1] = whole < 0.9 ? whole : 0.9;
    o->value[2] = 0.1;
    return r;
}

struct sis_summary study_summary(struct sis_record *record, int n)
{
    static char baseline[] = "mean";
    struct sis_records r = { .n = n, .record = record };
    r.identity.h = r.identity.w = SIDE;
    r.identity.settings = (struct sis_settings){ SIS_GRADIENT, SIS_PROBABILITY, 8, 1 };
    r.identity.baseline = baseline;
    r.identity.n_thresholds = 2;
    r.identity.threshold[0] = 0.5;
    r.identity.threshold[1] = 0.9;
    struct sis_summary s;
    sis_summarize(&r, &s);
    for (int i = 0; i < n; i++)
        sis_record_free(&record[i]);
    return s;
}
