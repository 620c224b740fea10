#include "validate/checks/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void picture_free(struct picture *p)
{
    free(p->pixels);
    free(p->alt);
    free(p->caption);
}

static void series_free(struct figure_series *s)
{
    free(s->name);
    free(s->x);
    free(s->y);
    free(s->low);
    free(s->high);
}

void figure_free(struct figure *f)
{
    free(f->heading);
    free(f->caption);
    free(f->description);
    free(f->x_label);
    free(f->y_label);
    free(f->mark);
    for (int i = 0; i < f->n_rows; i++)
        free(f->row[i].name);
    free(f->row);
    for (int i = 0; i < f->n_series; i++)
        series_free(&f->series[i]);
    free(f->series);
    free(f->share);
    for (int i = 0; i < f->n_pictures; i++)
        picture_free(&f->picture[i]);
    free(f->picture);
}

static char *copy(const char *text)
{
    return text ? mem_string(text) : NULL;
}

struct figure_row *figure_add_row(struct figure *f, const char *name, double value, double low, double high,
                                  enum tone tone)
{
    f->row = mem_resize(f->row, (size_t)f->n_rows + 1, sizeof *f->row);
    struct figure_row *row = &f->row[f->n_rows++];
    *row = (struct figure_row){ .name = copy(name), .value = value, .low = low, .high = high, .tone = tone };
    return row;
}

struct figure_series *figure_add_series(struct figure *f, const char *name, enum tone tone, int n)
{
    f->series = mem_resize(f->series, (size_t)f->n_series + 1, sizeof *f->series);
    struct figure_series *s = &f->series[f->n_series++];
    *s = (struct figure_series){ .name = copy(name), .tone = tone, .n = n };
    s->x = mem_alloc((size_t)n, sizeof *s->x);
    if (f->kind != FIGURE_DOTS)
        s->y = mem_alloc((size_t)n, sizeof *s->y);
    return s;
}

struct picture *figure_add_picture(struct figure *f, int w, int h, int channels, const char *alt, const char *caption)
{
    f->picture = mem_resize(f->picture, (size_t)f->n_pictures + 1, sizeof *f->picture);
    struct picture *p = &f->picture[f->n_pictures++];
    *p = (struct picture){ .w = w, .h = h, .channels = channels, .alt = copy(alt), .caption = copy(caption) };
    p->pixels = mem_alloc((size_t)w * (size_t)h, (size_t)channels);
    return p;
}

void picture_from_image(const float *x, int c, int h, int w, uint8_t *pixels)
{
    size_t plane = (size_t)h * (size_t)w;
    for (size_t i = 0; i < plane; i++)
        for (size_t k = 0; k < 3; k++) {
            float value = x[(c == 3 ? k : 0) * plane + i] * 255.0f;
            /* written so that NaN becomes black */
            pixels[3 * i + k] = (uint8_t)(value >= 255.0f ? 255.0f : value > 0.0f ? floorf(value + 0.5f) : 0.0f);
        }
}
