#include "tests/drawn_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_CLASSES = 8, PICTURE, LABEL };

static const uint8_t colour_of[MOST_CLASSES][3] = {
    { 230, 30, 30 },  { 30, 200, 50 },  { 40, 60, 230 },   { 240, 220, 30 },
    { 220, 30, 220 }, { 30, 220, 220 }, { 250, 250, 250 }, { 5, 5, 5 },
};
static char *const names[MOST_CLASSES] = { (char *)"a", (char *)"b", (char *)"c", (char *)"d",
                                           (char *)"e", (char *)"f", (char *)"g", (char *)"h" };

static struct rng stream(const struct drawn *d, uint32_t what, int64_t i)
{
    return rng_stream(d->seed, RNG_TEST | what << 8, 0, (uint32_t)i);
}

static int label_of(const struct dataset *data, enum split split, int64_t i)
{
    const struct drawn *d = data->self;
    struct rng r = stream(d, LABEL, i);
    (void)split;
    return (int)rng_below(&r, (uint32_t)d->classes);
}

static int code(const struct drawn *d, struct rng *r, int label, double share)
{
    bool own = rng_unit(r) < share;
    int any = (int)rng_below(r, (uint32_t)d->classes);
    return own ? label : any;
}

static bool in_mark(const struct drawn *d, int y, int x)
{
    int far_y = d->side - 1 - y, far_x = d->side - 1 - x, quarter = d->side / 4;
    switch (d->mark) {
    case MARK_FRAME: return y < 2 || x < 2 || far_y < 2 || far_x < 2;
    case MARK_CORNER: return far_y < 4 && far_x < 4;
    case MARK_INSIDE: return y >= quarter && y < quarter + 4 && x >= quarter && x < quarter + 4;
    default: return false;
    }
}

static bool in_disc(const struct drawn *d, int y, int x)
{
    int v = 2 * y - d->side + 1, u = 2 * x - d->side + 1;
    return d->disc >= 0 && 4 * (u * u + v * v) < d->side * d->side;
}

static uint8_t noisy(struct rng *r, float value)
{
    value += 12 * rng_normal(r);
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static bool draw(const struct dataset *data, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    const struct drawn *d = data->self;
    int plane = d->side * d->side, label = label_of(data, split, i);
    struct rng r = stream(d, PICTURE, i);
    int disc = code(d, &r, label, d->disc), mark = code(d, &r, label, d->share);
    (void)err;
    *out = (struct image8){ d->channels, d->side, d->side, mem_alloc((size_t)d->channels * (size_t)plane, 1) };
    for (int c = 0; c < d->channels; c++) {
        float base = 60 + 130 * rng_unit(&r), down = 80 * rng_unit(&r) - 40, across = 80 * rng_unit(&r) - 40;
        for (int k = 0; k < plane; k++) {
            int y = k / d->side, x = k % d->side;
            float value = base + (down * (float)y + across * (float)x) / (float)d->side;
            if (in_disc(d, y, x))
                value = colour_of[disc][c];
            if (in_mark(d, y, x))
                value = colour_of[mark][c];
            out->pixels[c * plane + k] = noisy(&r, value);
        }
    }
    return true;
}

void drawn_open(struct drawn *d, int threads)
{
    struct err err;
    d->channels = d->channels ? d->channels : 3;
    d->seed = d->seed ? d->seed : 1;
    d->data = (struct dataset){ .name = (char *)"drawn",
                                .classes = d->classes,
                                .class_names = (char **)names,
                                .c = d->channels,
                                .h = d->side,
                                .w = d->side,
                                .count = { d->n, 0 },
                                .packed = true,
                                .label = label_of,
                                .read = draw,
                                .self = d };
    d->survey = (struct survey){ .data = &d->data, .seed = d->seed };
    cr_assert(d->classes <= MOST_CLASSES);
    cr_assert(team_new(threads, false, &d->survey.team, &err), "%s", err.text);
    cr_assert(survey_open(&d->survey, &err), "%s", err.text);
}

void drawn_close(struct drawn *d)
{
    survey_close(&d->survey);
    team_free(d->survey.team);
}

bool drawn_run(struct drawn *d, const char *kind, int width, double limit, struct check *out, struct err *err)
{
    char id[] = "the check";
    struct policy_check p = { .type = check_type_find(dataset_check_types, kind),
                              .id = id,
                              .side = SIDE_AT_MOST,
                              .limit = limit,
                              .width = width };
    *out = (struct check){ 0 };
    cr_assert(p.type && p.type->survey, "%s is not in the table", kind);
    bool ok = p.type->survey(&d->survey, &p, 0, out, err);
    out->status = check_decide(&out->estimate, p.side, limit);
    return ok;
}

void drawn_check(struct drawn *d, const char *kind, int width, double limit, struct check *out)
{
    struct err err = { 0 };
    cr_assert(drawn_run(d, kind, width, limit, out, &err), "%s", err.text);
    cr_assert(out->question && out->measure && out->asks && out->found && out->means && out->act && out->details);
    cr_assert(out->fact.heading && out->fact.sentence);
    for (int i = 0; i < out->n_figures; i++)
        cr_assert(out->figure[i].heading && out->figure[i].caption && out->figure[i].description);
}

double drawn_detail(const struct check *c, const char *key, const char *part)
{
    json_t *value = json_object_get(c->details, key);
    if (part)
        value = json_object_get(value, part);
    cr_assert(json_is_number(value), "details have no number %s", key);
    return json_number_value(value);
}
