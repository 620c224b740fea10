#include "validate/gallery.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/checks/parts.h"
#include "validate/checks/text.h"
#include "validate/report/format.h"

enum { PER_GROUP = 4, IN_ORDER = 12 };

/* A picture that reaches the threshold. */
struct candidate {
    const struct sis_record *record;
    int row, size;
};

static int by_size(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return x->size != y->size ? (x->size > y->size) - (x->size < y->size) : (x->row > y->row) - (x->row < y->row);
}

static int by_row(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return (x->row > y->row) - (x->row < y->row);
}

static struct gallery_item make_item(const struct study *s, const struct candidate *c, enum baseline b)
{
    int pixels = study_pixels(s);
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    struct gallery_item item = { .n = 3 };
    char *class = text_class(s, c->record->target), *sure = format_value(c->record->confidence, UNIT_SHARE, 1);
    char *size = format_count(c->size), *of = format_count(pixels);
    char *share = format_value((double)c->size / pixels, UNIT_SHARE, 1);

    sis_mask(&c->record->order, c->size, pixels, mask);
    picture_whole(&item.picture[0], s, c->row, mem_format("Picture %lld, whole", (long long)c->record->image), NULL);
    picture_kept(&item.picture[1], s, c->row, mask, b, mem_format("Only its %s deciding pixels", size), NULL);
    picture_dimmed(&item.picture[2], s, c->row, mask, mem_format("The deciding pixels on the darkened picture"), NULL);
    item.line = mem_format("%s: %s%s", class, sure, c->record->predicted == c->record->label ? "" : " (wrong)");
    item.note = mem_format("no. %lld: %s of %s pixels, %s", (long long)c->record->image, size, of, share);
    free(share);
    free(of);
    free(size);
    free(sure);
    free(class);
    free(mask);
    return item;
}

static void add_group(const struct study *s, const char *heading, const struct candidate *c, int n, enum baseline b,
                      struct report *out)
{
    struct gallery_group *g = &out->group[out->n_groups++];

    *g = (struct gallery_group){ .heading = mem_string(heading), .item = mem_alloc((size_t)n, sizeof *g->item) };
    for (; g->n < n; g->n++)
        g->item[g->n] = make_item(s, &c[g->n], b);
}

static int list_candidates(const struct sis_answer *a, double threshold, struct candidate *c)
{
    int n = 0;

    for (int64_t i = 0; i < a->records.n; i++) {
        int size = sis_size(&a->records.record[i].order, threshold);
        if (size != SIS_NONE)
            c[n++] = (struct candidate){ &a->records.record[i], a->row[i], size };
    }
    return n;
}

void gallery_fill(const struct study *s, const struct sis_answer *a, struct report *out)
{
    const struct sis_identity *id = s->identity;
    double p = id->threshold[id->n_thresholds - 1];
    struct candidate *c = mem_alloc((size_t)a->records.n, sizeof *c);
    int n = list_candidates(a, sis_threshold(id->settings.rank, p), c);
    int few = n < PER_GROUP ? n : PER_GROUP, order = n < IN_ORDER ? n : IN_ORDER;
    enum baseline b = parts_baseline(s);
    char *level = text_level(p);

    out->gallery_rule = mem_format(
        "The picture, only its deciding pixels (those that make the model %s sure; the others as the model saw them), "
        "and the deciding pixels on the darkened picture. Chosen by rule, not by hand, among %d pictures that reach "
        "%s.",
        level, n, level);
    free(level);
    if (n > 0) {
        out->group = mem_alloc(4, sizeof *out->group);
        qsort(c, (size_t)n, sizeof *c, by_size);
        add_group(s, "Smallest deciding parts", c, few, b, out);
        add_group(s, "Around the median", c + (n - few) / 2, few, b, out);
        add_group(s, "Largest deciding parts", c + n - few, few, b, out);
        qsort(c, (size_t)n, sizeof *c, by_row);
        add_group(s, "The first of the sample", c, order, b, out);
    }
    free(c);
}
