/* Pictures beside the facts of a comparison. */
#include "validate/report/compare_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/format.h"
#include "validate/report/picture.h"

static void show_whole(const struct comparison *c, int i, struct picture *out)
{
    compare_show_whole(c, i, out);
    out->caption = mem_format("\u201c%s\u201d", c->picture[i].class_name);
}

static void show_part(const struct comparison *c, int i, int subject, struct picture *out)
{
    compare_show_part(c, i, subject, out);
    out->caption = compare_pixels(c, i, subject);
}

/* The picture with the median change, and what decides on it. */
static void add_parts(struct comparison *c, int subject, struct fact *f)
{
    struct growth *list = mem_alloc((size_t)c->n_pictures, sizeof *list);
    int n = compare_pairs(c, subject, list);
    if (n > 0) {
        int i = list[n / 2].picture;
        show_whole(c, i, &f->picture[0]);
        show_part(c, i, 0, &f->picture[1]);
        show_part(c, i, subject, &f->picture[2]);
        f->n_pictures = 3;
    }
    free(list);
}

/* Where the deciding pixels are, for each of the two, on one scale. */
static void add_maps(struct comparison *c, int subject, struct fact *f)
{
    const int both[2] = { 0, subject };
    struct picture first = { 0 };
    double *share[2], most = 0;
    int n[2];
    c->show(c->shower, 0, -1, &first);
    for (int k = 0; k < 2; k++) {
        share[k] = mem_alloc((size_t)c->pixels, sizeof *share[k]);
        n[k] = compare_heat(c, both[k], share[k]);
        for (int i = 0; i < c->pixels; i++)
            most = fmax(most, share[k][i]);
    }
    for (int k = 0; k < 2; k++) {
        f->picture[k] = picture_of_heat(share[k], first.w, first.h, most > 0 ? most : 1);
        f->picture[k].alt = mem_format("Heat map of the deciding pixels of %s", c->subject[both[k]].name);
        f->picture[k].caption = mem_format("%s, %d pictures", c->subject[both[k]].name, n[k]);
        free(share[k]);
    }
    f->n_pictures = 2;
    picture_free(&first);
}

/* Every pixel of the part and its eight neighbours. */
static void grow(const uint8_t *mask, int w, int h, uint8_t *grown)
{
    for (int i = 0; i < w * h; i++)
        for (int k = 0; k < 9 && mask[i]; k++) {
            int x = i % w + k % 3 - 1, y = i / w + k / 3 - 1;
            if (x >= 0 && x < w && y >= 0 && y < h)
                grown[y * w + x] = 1;
        }
}

/* The part of a model with its neighbours, as the model was asked about it; `lost`: its answer. */
static void show_grown(const struct comparison *c, int i, int subject, bool lost, struct picture *out)
{
    struct picture whole = { 0 };
    uint8_t *mask = mem_alloc((size_t)c->pixels, 1), *grown = mem_alloc((size_t)c->pixels, 1);
    c->show(c->shower, i, -1, &whole);
    c->show(c->shower, i, subject, out);
    c->mask(c->shower, i, subject, mask);
    grow(mask, out->w, out->h, grown);
    size_t channels = (size_t)out->channels;
    for (int k = 0; k < c->pixels && whole.channels == out->channels; k++)
        if (grown[k])
            memcpy(out->pixels + (size_t)k * channels, whole.pixels + (size_t)k * channels, channels);
    out->alt = mem_format("The deciding pixels of %s with their neighbours", c->subject[subject].name);
    out->caption = mem_format("%s, with neighbours: %s", c->subject[subject].name, lost ? "lost" : "stays");
    picture_free(&whole);
    free(grown);
    free(mask);
}

static int place_of(const struct comparison *c, int64_t image)
{
    for (int i = 0; i < c->n_pictures; i++)
        if (c->picture[i].image == image)
            return i;
    return -1;
}

/* Whether both models have a part on pair k that could be shown; `parting`: and only one of them keeps its answer, in
 * the direction of the change. */
static bool is_shown(const struct comparison *c, int row, int k, bool parting)
{
    const struct paired *p = &c->paired[row];
    int i = place_of(c, p->image[k]);
    bool rise = c->report.check[row].estimate.value > 0;
    bool parts = (p->value[0][k] > 0.5) != (p->value[1][k] > 0.5) && (p->value[1][k] > 0.5) == rise;
    return i >= 0 && c->subject[0].part[i] > 0 && c->subject[p->candidate].part[i] > 0 && (parts || !parting);
}

/* The first pair on which the two models part; the first of all where there is none. */
static void add_grown(struct comparison *c, int row, struct fact *f)
{
    const struct paired *p = &c->paired[row];
    int k = 0, first = 0;
    while (k < p->n && !is_shown(c, row, k, true))
        k++;
    while (first < p->n && !is_shown(c, row, first, false))
        first++;
    k = k < p->n ? k : first;
    if (k == p->n)
        return;
    int i = place_of(c, p->image[k]);
    show_whole(c, i, &f->picture[0]);
    show_grown(c, i, 0, p->value[0][k] > 0.5, &f->picture[1]);
    show_grown(c, i, p->candidate, p->value[1][k] > 0.5, &f->picture[2]);
    f->n_pictures = 3;
}

void compare_fact_pictures(struct comparison *c, int row)
{
    const struct check *check = &c->report.check[row];
    struct fact *f = &c->report.check[row].fact;
    if (!check->kind || c->n_pictures <= 0 || !c->show)
        return;
    if (strcmp(check->kind, "sis.size") == 0)
        add_parts(c, c->paired[row].candidate, f);
    else if (strcmp(check->kind, "border.share") == 0 && c->mask)
        add_maps(c, c->paired[row].candidate, f);
    else if (strcmp(check->kind, "dilation") == 0 && c->mask && c->paired[row].image)
        add_grown(c, row, f);
}
