#include "validate/checks/parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/text.h"
#include "validate/report/format.h"

enum baseline parts_baseline(const struct study *s)
{
    enum baseline b = BASELINE_MEAN;
    bool known = baseline_parse(s->identity->baseline, &b);
    assert(known);
    return known ? b : BASELINE_MEAN;
}

bool parts_find(struct study *s, enum baseline b, double threshold, int64_t n, struct parts *out, struct err *err)
{
    enum sis_rank rank = s->identity->settings.rank;
    int asked = (int)(n < s->n ? n : s->n);
    *out = (struct parts){ .baseline = b, .rank = rank, .threshold = threshold };
    const struct sis_answer *answer = study_sis(s, &(struct sis_question){ rank, b, TARGET_PREDICTED, asked }, err);
    if (!answer)
        return false;
    out->asked = (int)answer->records.n;
    out->part = mem_alloc((size_t)out->asked, sizeof *out->part);
    for (int i = 0; i < out->asked; i++) {
        const struct sis_record *record = &answer->records.record[i];
        int size = sis_size(&record->order, sis_threshold(rank, threshold));
        if (size != SIS_NONE)
            out->part[out->n++] = (struct part){ record, answer->row[i], size };
    }
    return true;
}

void parts_free(struct parts *p)
{
    free(p->part);
    *p = (struct parts){ .n = 0 };
}

bool parts_right(const struct study *s, const struct part *p)
{
    return s->predicted[p->row] == s->label[p->row];
}

double parts_share(const struct study *s, const struct part *p)
{
    return (double)p->size / study_pixels(s);
}

double parts_probability(const struct parts *all, const struct part *p)
{
    const struct sis_order *o = &p->record->order;
    int state = o->states - 1;
    while (state > 0 && o->features - (int)o->removed[state] < p->size)
        state--;
    return sis_probability(all->rank, o->value[state]);
}

static void picture_fill(struct picture *p, const struct study *s, const float *x, char *alt, char *caption)
{
    const struct classifier *m = s->model;
    *p = (struct picture){ .w = m->w, .h = m->h, .channels = 3, .alt = alt, .caption = caption };
    p->pixels = mem_alloc((size_t)study_pixels(s), 3);
    picture_from_image(x, m->c, m->h, m->w, p->pixels);
}

void picture_whole(struct picture *p, const struct study *s, int row, char *alt, char *caption)
{
    picture_fill(p, s, study_x(s, row), alt, caption);
}

void picture_kept(struct picture *p, const struct study *s, int row, const uint8_t *mask, enum baseline b, char *alt,
                  char *caption)
{
    const struct classifier *m = s->model;
    float *x = mem_alloc(study_floats(s), sizeof *x);
    baseline_fill(b, study_x(s, row), m->c, m->h, m->w, s->data->mean, s->seed, s->image[row], x);
    sis_apply(study_x(s, row), x, mask, m->c, study_pixels(s), x);
    picture_fill(p, s, x, alt, caption);
    free(x);
}

void picture_dimmed(struct picture *p, const struct study *s, int row, const uint8_t *mask, char *alt, char *caption)
{
    const float *whole = study_x(s, row);
    float *dark = mem_alloc(study_floats(s), sizeof *dark);
    for (size_t i = 0; i < study_floats(s); i++)
        dark[i] = 0.3f * whole[i];
    sis_apply(whole, dark, mask, s->model->c, study_pixels(s), dark);
    picture_fill(p, s, dark, alt, caption);
    free(dark);
}

void parts_fact(struct fact *fact, const struct study *s, const struct parts *all, const struct part *p)
{
    uint8_t *mask = mem_alloc((size_t)study_pixels(s), 1);
    sis_mask(&p->record->order, p->size, study_pixels(s), mask);
    char *answer = text_class(s, s->predicted[p->row]), *sure = text_sure(parts_probability(all, p));
    char *label = text_class(s, s->label[p->row]), *size = format_count(p->size);
    const char *pixels = p->size == 1 ? "pixel" : "pixels";
    picture_whole(&fact->picture[0], s, p->row, mem_format("Picture of %s, whole", label), mem_string(label));
    picture_kept(&fact->picture[1], s, p->row, mask, all->baseline,
                 mem_format("The same picture with all but %s %s hidden", size, pixels),
                 mem_format("%s %s: %s, %s", size, pixels, answer, sure));
    picture_dimmed(&fact->picture[2], s, p->row, mask,
                   mem_format("Where these %s lie, on the darkened picture", pixels), mem_string("where they lie"));
    fact->n_pictures = 3;
    free(size);
    free(label);
    free(sure);
    free(answer);
    free(mask);
}
