#include "validate/checks/exhibit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/text.h"
#include "validate/report/format.h"

char *exhibit_pixels(int m)
{
    char *count = format_count(m), *text = mem_format("%s pixel%s", count, m == 1 ? "" : "s");
    free(count);
    return text;
}

float *exhibit_add_made(struct exhibit *e, int i, char *what)
{
    if (e->n == EXHIBIT_MAX) {
        free(what);
        return NULL;
    }
    struct exhibit_item *item = &e->item[e->n++];
    *item = (struct exhibit_item){ i, what, mem_alloc(study_floats(e->probe->study), sizeof *item->x) };
    return item->x;
}

void exhibit_add(struct exhibit *e, int i, const uint8_t *mask, char *what)
{
    float *x = exhibit_add_made(e, i, what);
    if (x)
        probe_show(e->probe, i, mask, x);
}

void exhibit_close(struct exhibit *e)
{
    for (int k = 0; k < e->n; k++) {
        free(e->item[k].what);
        free(e->item[k].x);
    }
    e->n = 0;
}

static void show(void *self, int64_t k, float *x)
{
    const struct exhibit *e = self;
    memcpy(x, e->item[k].x, study_floats(e->probe->study) * sizeof *x);
}

/* "52 pixels: “ship”, 95%"; the whole picture: "Picture 27: ...", with its label where the answer is another one. */
static char *caption(const struct exhibit *e, const struct exhibit_item *item, int answer, double sure)
{
    const struct probe *p = e->probe;
    char *class = text_class(p->study, answer), *label = text_class(p->study, p->label[item->i]);
    char *level = format_value(sure, UNIT_SHARE, 0), *number = format_count(p->image[item->i]);
    char *whole = answer == p->label[item->i] ? mem_format("Picture %s", number)
                                              : mem_format("Picture %s, labelled %s", number, label);
    char *text = mem_format("%s: %s, %s", item->what ? item->what : whole, class, level);
    free(whole);
    free(number);
    free(level);
    free(label);
    free(class);
    return text;
}

static char *alternative(const struct exhibit *e, const struct exhibit_item *item, const char *caption_text)
{
    const struct probe *p = e->probe;
    if (item->what)
        return mem_format("The same picture, partly hidden. %s.", caption_text);
    return mem_format("%s: %s.", p->study->split == SPLIT_TEST ? "Test set" : "Training set", caption_text);
}

static void fill(const struct exhibit *e, int k, int answer, double sure, struct picture *out)
{
    const struct classifier *model = e->probe->study->model;
    out->caption = caption(e, &e->item[k], answer, sure);
    out->alt = alternative(e, &e->item[k], out->caption);
    picture_from_image(e->item[k].x, model->c, model->h, model->w, out->pixels);
}

bool exhibit_hang(struct exhibit *e, struct figure *f, struct err *err)
{
    const struct classifier *model = e->probe->study->model;
    int answer[EXHIBIT_MAX];
    double sure[EXHIBIT_MAX];
    bool ok = probe_ask(e->probe, e->n, show, e, answer, NULL, sure, err);
    for (int k = 0; ok && k < e->n; k++)
        fill(e, k, answer[k], sure[k], figure_add_picture(f, model->w, model->h, 3, NULL, NULL));
    exhibit_close(e);
    return ok;
}

bool exhibit_hang_fact(struct exhibit *e, struct fact *fact, struct err *err)
{
    const struct classifier *model = e->probe->study->model;
    int answer[EXHIBIT_MAX];
    double sure[EXHIBIT_MAX];
    bool ok = probe_ask(e->probe, e->n, show, e, answer, NULL, sure, err);
    for (int k = 0; ok && k < e->n && fact->n_pictures < 3; k++) {
        struct picture *picture = &fact->picture[fact->n_pictures++];
        *picture = (struct picture){ .w = model->w, .h = model->h, .channels = 3 };
        picture->pixels = mem_alloc((size_t)model->h * (size_t)model->w, 3);
        fill(e, k, answer[k], sure[k], picture);
    }
    exhibit_close(e);
    return ok;
}
