#include "validate/dataset/shown.h"

#include <stdlib.h>

#include "base/mem.h"

static const float grey = 0.5f; /* hidden */

const char *kept_add(struct kept *k, char *text)
{
    k->text = mem_resize(k->text, (size_t)k->n + 1, sizeof *k->text);
    return k->text[k->n++] = text;
}

void kept_free(struct kept *k)
{
    for (int i = 0; i < k->n; i++)
        free(k->text[i]);
    free(k->text);
    *k = (struct kept){ 0 };
}

char *shown_class(const struct survey *s, int class)
{
    return mem_format("\xe2\x80\x9c%s\xe2\x80\x9d", s->data->class_names[class]);
}

static size_t floats_of(const struct survey *s)
{
    return (size_t)s->geometry.c * (size_t)s->geometry.h * (size_t)s->geometry.w;
}

static bool read_row(const struct survey *s, int row, float *x, struct err *err)
{
    return picture_read(s->data, s->split, s->image[row], &s->geometry, s->view, NULL, x, err);
}

static bool draw(const struct survey *s, int row, const uint8_t *mask, uint8_t *pixels, struct err *err)
{
    int plane = s->geometry.h * s->geometry.w;
    float *x = mem_alloc(floats_of(s), sizeof *x);
    bool ok = read_row(s, row, x, err);
    for (int c = 0; ok && mask && c < s->geometry.c; c++)
        for (int i = 0; i < plane; i++)
            x[(int64_t)c * plane + i] = mask[i] ? x[(int64_t)c * plane + i] : grey;
    if (ok)
        picture_from_image(x, s->geometry.c, s->geometry.h, s->geometry.w, pixels);
    free(x);
    return ok;
}

bool shown_add(struct survey *s, struct figure *f, int row, const uint8_t *mask, char *alt, char *caption,
               struct err *err)
{
    struct picture *p = figure_add_picture(f, s->geometry.w, s->geometry.h, 3, NULL, NULL);
    p->alt = alt;
    p->caption = caption;
    return draw(s, row, mask, p->pixels, err);
}

bool shown_add_fact(struct survey *s, struct fact *fact, int row, const uint8_t *mask, char *alt, char *caption,
                    struct err *err)
{
    int h = s->geometry.h, w = s->geometry.w;
    struct picture *p = &fact->picture[fact->n_pictures++];
    *p = (struct picture){ .w = w, .h = h, .channels = 3, .alt = alt, .caption = caption };
    p->pixels = mem_alloc((size_t)h * (size_t)w, 3);
    return draw(s, row, mask, p->pixels, err);
}

/* --- mean pictures ------------------------------------------------------------------------------------------------ */

struct means {
    struct survey *survey;
    struct figure *figure;
    const int *group;
    int most, first; /* of the figure's pictures */
};

/* One group is one worker's, so that the sums do not depend on the number of threads. */
static bool average(void *self, int worker, int64_t group, struct err *err)
{
    const struct means *m = self;
    const struct survey *s = m->survey;
    size_t floats = floats_of(s), n = 0;
    float *x = mem_alloc(floats, sizeof *x), *sum = mem_alloc(floats, sizeof *sum);
    bool ok = true;
    (void)worker;
    for (int row = 0; ok && row < s->n && n < (size_t)m->most; row++) {
        if (m->group[row] != group)
            continue;
        ok = read_row(s, row, x, err);
        for (size_t i = 0; i < floats; i++)
            sum[i] += x[i];
        n++;
    }
    for (size_t i = 0; i < floats; i++)
        sum[i] /= n ? (float)n : 1;
    picture_from_image(sum, s->geometry.c, s->geometry.h, s->geometry.w, m->figure->picture[m->first + group].pixels);
    free(sum);
    free(x);
    return ok;
}

bool shown_add_means(struct survey *s, struct figure *f, const int *group, int n, int most, struct err *err)
{
    struct means m = { s, f, group, most, f->n_pictures };
    for (int k = 0; k < n; k++)
        figure_add_picture(f, s->geometry.w, s->geometry.h, 3, NULL, NULL);
    return survey_each(s, "mean pictures", n, average, &m, err);
}
