#include "validate/dataset/gallery.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/picture.h"
#include "datasets/region.h"
#include "validate/checks/checks.h"

enum { IN_ORDER = 15, SUSPECTS = 10 };

/* The first ring that the policy asks about and that fits; 0: it asks about none. */
static int ring_width(const struct dataset_suite *s)
{
    const struct augment *a = &s->survey->geometry;

    for (int i = 0; i < s->policy->n; i++) {
        const struct policy_check *p = &s->policy->check[i];
        if (strcmp(p->type->kind, "border.sufficiency") == 0 && region_ring_fits(a->h, a->w, p->width))
            return p->width;
    }
    return 0;
}

static struct picture to_picture(const struct augment *a, const float *x, char *alt)
{
    struct picture p = { .w = a->w, .h = a->h, .channels = 3, .alt = alt };

    p.pixels = mem_alloc((size_t)a->w * (size_t)a->h, 3);
    picture_from_image(x, a->c, a->h, a->w, p.pixels);
    return p;
}

/* Hides all but the ring behind the data set's mean colour. */
static void keep_ring(const struct survey *s, int width, float *x)
{
    const struct augment *a = &s->geometry;
    int pixels = a->h * a->w;
    uint8_t *mask = mem_alloc((size_t)pixels, 1);

    region_ring(a->h, a->w, width, mask);
    for (int c = 0; c < a->c; c++)
        for (int i = 0; i < pixels; i++)
            if (!mask[i])
                x[c * pixels + i] = s->data->mean[c];
    free(mask);
}

/* The picture, and beside it its ring when width > 0. */
static bool make_item(const struct survey *s, enum split split, int64_t image, int width, struct gallery_item *item,
                      struct err *err)
{
    const struct augment *a = &s->geometry;
    const char *class = s->data->class_names[s->data->label(s->data, split, image)];
    float *x = mem_alloc((size_t)a->c * (size_t)a->h * (size_t)a->w, sizeof *x);
    bool ok = picture_read(s->data, split, image, a, s->view, NULL, x, err);

    *item = (struct gallery_item){ .n = 0 };
    if (ok) {
        item->picture[item->n++] =
            to_picture(a, x, mem_format("Picture %lld, filed under %s", (long long)image, class));
        if (width > 0) {
            keep_ring(s, width, x);
            item->picture[item->n++] = to_picture(a, x, mem_format("Its border alone, %d wide", width));
        }
        item->line =
            mem_format("%s, no. %lld%s", class, (long long)image, split == s->split ? "" : " of the test part");
    }
    free(x);
    return ok;
}

static struct gallery_group *add_group(struct report *r, char *heading, int room)
{
    struct gallery_group *g = &r->group[r->n_groups++];

    *g = (struct gallery_group){ .heading = heading, .item = mem_alloc((size_t)room, sizeof *g->item) };
    return g;
}

/* Those that cannot be read, which may be why they are named, are passed over. */
static void add_suspects(const struct survey *s, struct report *r)
{
    for (int i = 0, end; i < r->n_suspects; i = end) {
        end = report_suspects_end(r, i);
        struct gallery_group *g = add_group(r, mem_format("Named by %s, the first", r->suspect[i].check), SUSPECTS);
        for (int k = i; k < end && g->n < SUSPECTS; k++) {
            const struct report_suspect *p = &r->suspect[k];
            struct err ignored;
            enum split split = strcmp(p->split, "train") == 0 ? SPLIT_TRAIN : SPLIT_TEST;
            if (make_item(s, split, p->image, 0, &g->item[g->n], &ignored))
                g->item[g->n++].note = mem_string(p->why);
        }
        if (g->n == 0) {
            free(g->heading);
            free(g->item);
            r->n_groups--;
        }
    }
}

static bool add_sample(const struct survey *s, int width, struct report *r, struct err *err)
{
    int n = s->n < IN_ORDER ? s->n : IN_ORDER;
    struct gallery_group *g = add_group(r, mem_string("The first of the sample"), n);

    for (; g->n < n; g->n++)
        if (!make_item(s, s->split, s->image[g->n], width, &g->item[g->n], err))
            return false;
    return true;
}

bool gallery_fill_dataset(const struct dataset_suite *s, struct report *out, struct err *err)
{
    struct survey *survey = s->survey;
    struct err why;
    int width = ring_width(s), kinds = 0;

    if (survey->n == 0 && !survey_sample(survey, IN_ORDER, &why)) {
        if (why.status == EXIT_INTERRUPTED)
            *err = why;
        return why.status != EXIT_INTERRUPTED; /* not one is readable: there is nothing to see, and the checks say so */
    }
    for (int i = 0; i < out->n_suspects; i = report_suspects_end(out, i))
        kinds++;
    out->group = mem_alloc((size_t)kinds + 1, sizeof *out->group);
    out->gallery_rule = width > 0 ? mem_format("Pictures that checks name, then the first of the sample: left the "
                                               "picture, right its border of %d pixel%s alone. Chosen by rule, not by "
                                               "hand.",
                                               width, width == 1 ? "" : "s")
                                  : mem_string("Pictures that checks name, then the first of the sample. Chosen by "
                                               "rule, not by hand.");
    add_suspects(survey, out);
    return add_sample(survey, width, out, err);
}
