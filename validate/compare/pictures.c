#include "validate/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/checks/checks.h"
#include "validate/checks/parts.h"

/* At which the parts of the gallery are cut: that of the question on their size, or of another on deciding pixels. */
static double threshold_of(const struct policy *p)
{
    double threshold = p->threshold[p->n_thresholds - 1];

    for (int i = p->n - 1; i >= 0; i--)
        if (p->check[i].type->takes & TAKES_THRESHOLD)
            threshold = p->check[i].threshold;
    for (int i = p->n - 1; i >= 0; i--)
        if (strcmp(p->check[i].type->kind, "sis.size") == 0)
            threshold = p->check[i].threshold;
    return threshold;
}

static int width_of(const struct policy *p)
{
    for (int i = 0; i < p->n; i++)
        if (p->check[i].type->takes & TAKES_WIDTH)
            return p->check[i].width;
    return 0;
}

static void fill_subject(const struct contender *k, double threshold, struct comparison_subject *out)
{
    const struct study *s = &k->study;
    const struct parts parts = { .rank = s->identity->settings.rank };
    size_t n = (size_t)k->answer->records.n;

    out->predicted = mem_alloc(n, sizeof *out->predicted);
    out->confidence = mem_alloc(n, sizeof *out->confidence);
    out->part = mem_alloc(n, sizeof *out->part);
    out->part_sure = mem_alloc(n, sizeof *out->part_sure);
    for (size_t i = 0; i < n; i++) {
        const struct sis_record *r = &k->answer->records.record[i];
        struct part part = { r, k->answer->row[i], sis_size(&r->order, sis_threshold(parts.rank, threshold)) };
        out->predicted[i] = r->predicted;
        out->confidence[i] = s->confidence[part.row];
        out->part[i] = part.size;
        out->part_sure[i] = part.size == SIS_NONE ? NAN : (float)parts_probability(&parts, &part);
    }
}

static void mask_part(void *shower, int i, int subject, uint8_t *mask)
{
    const struct compare *c = shower;
    const struct contender *k = &c->contender[subject];
    const struct sis_order *order = &k->answer->records.record[i].order;
    int size = sis_size(order, sis_threshold(k->identity.settings.rank, threshold_of(c->policy)));

    sis_mask(order, size == SIS_NONE ? 0 : size, study_pixels(&k->study), mask);
}

static void show(void *shower, int i, int subject, struct picture *out)
{
    const struct compare *c = shower;
    const struct contender *k = &c->contender[subject < 0 ? 0 : subject];
    int row = k->answer->row[i];

    if (subject < 0) {
        picture_whole(out, &k->study, row, NULL, NULL);
        return;
    }
    uint8_t *mask = mem_alloc((size_t)study_pixels(&k->study), 1);
    mask_part(shower, i, subject, mask);
    picture_kept(out, &k->study, row, mask, parts_baseline(&k->study), NULL, NULL);
    free(mask);
}

void compare_pictures(struct compare *c, struct comparison *out)
{
    const struct contender *a = &c->contender[0];

    out->pixels = study_pixels(&a->study);
    out->threshold = threshold_of(c->policy);
    out->width = width_of(c->policy);
    if (!a->answer)
        return;
    for (int k = 0; k < c->n; k++) {
        if (!c->contender[k].answer)
            return; /* its search failed: the questions say why */
        fill_subject(&c->contender[k], out->threshold, &out->subject[k]);
    }
    out->n_pictures = (int)a->answer->records.n;
    out->picture = mem_alloc((size_t)out->n_pictures, sizeof *out->picture);
    for (int i = 0; i < out->n_pictures; i++) {
        const struct sis_record *r = &a->answer->records.record[i];
        out->picture[i] = (struct comparison_picture){ r->image, r->label, out->class_name[r->label] };
    }
    out->show = show;
    out->mask = mask_part;
    out->shower = c;
}
