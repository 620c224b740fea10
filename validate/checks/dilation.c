/* Does the answer hold when more is shown? The deciding pixels get their eight neighbours, true pixels of the same
 * picture; evidence that means something grows with that. Control: as many true pixels drawn at random. */
#include "validate/checks/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/made.h"
#include "datasets/region.h"
#include "validate/checks/text.h"

enum { ALONE, NEIGHBOURS, SCATTERED, PARTS, EXAMPLES = 2 };

/* Seen are those pictures of the search whose deciding part has at least one pixel. */
struct view {
    struct probe *probe;
    const int *picture; /* [n] */
    int what;
};

struct result {
    int n, *picture;                   /* pictures seen */
    struct estimate lost[PARTS];       /* answer is not the original one */
    struct estimate sure[PARTS];       /* mean probability of the original answer */
    double shown[PARTS];               /* mean share of the pixels that is shown */
    int n_examples, example[EXAMPLES]; /* pictures of the search */
};

/* mask = the part of picture i; returns its pixels. */
static int make_part(const struct probe *p, int i, int what, uint8_t *mask)
{
    int pixels = study_pixels(p->study), size = probe_size(p, i, p->policy->threshold);
    uint8_t *wide = mem_alloc((size_t)pixels, 1), *rest = mem_alloc((size_t)pixels, 1);
    probe_ranked(p, i, size, mask);
    made_neighbours(p, i, wide);
    for (int k = 0; k < pixels; k++)
        rest[k] = !mask[k];
    if (what == SCATTERED)
        probe_random(p, i, DRAW_DILATION, rest, region_count(wide, pixels) - size, mask);
    if (what == NEIGHBOURS)
        memcpy(mask, wide, (size_t)pixels);
    free(rest);
    free(wide);
    return region_count(mask, pixels);
}

static void show(void *self, int64_t k, float *x)
{
    const struct view *v = self;
    uint8_t *mask = mem_alloc((size_t)study_pixels(v->probe->study), 1);
    make_part(v->probe, v->picture[k], v->what, mask);
    probe_show(v->probe, v->picture[k], mask, x);
    free(mask);
}

static bool find_pictures(const struct probe *p, struct result *r, struct err *err)
{
    r->picture = mem_alloc((size_t)p->n, sizeof *r->picture);
    for (int i = 0; i < p->n; i++)
        if (probe_size(p, i, p->policy->threshold) > 0)
            r->picture[r->n++] = i;
    return r->n > 0 ||
           err_run(err, "%s: none of %d pictures has deciding pixels at %g; take another threshold or baseline",
                   p->policy->id, p->n, p->policy->threshold);
}

static double mean_shown(const struct probe *p, const struct result *r, int what)
{
    int pixels = study_pixels(p->study);
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    double sum = 0;
    for (int k = 0; k < r->n; k++)
        sum += (double)make_part(p, r->picture[k], what, mask) / pixels;
    free(mask);
    return sum / r->n;
}

static bool measure(struct probe *p, struct result *r, struct err *err)
{
    size_t n = (size_t)r->n;
    int *answer = mem_alloc(n, sizeof *answer), *original = mem_alloc(n, sizeof *original);
    double *sure = mem_alloc(n, sizeof *sure);
    bool ok = true;
    for (int k = 0; k < r->n; k++)
        original[k] = p->answer[r->picture[k]];
    for (int what = 0; ok && what < PARTS; what++) {
        struct view view = { p, r->picture, what };
        int lost = 0;
        ok = probe_ask(p, r->n, show, &view, answer, original, sure, err);
        for (int k = 0; ok && k < r->n; k++) {
            lost += answer[k] != original[k];
            if (what == NEIGHBOURS && answer[k] != original[k] && r->n_examples < EXAMPLES)
                r->example[r->n_examples++] = r->picture[k];
        }
        r->lost[what] = estimate_share(lost, r->n);
        r->sure[what] = estimate_mean(sure, r->n, (struct interval){ 0, 1 }, p->study->seed);
        r->shown[what] = mean_shown(p, r, what);
    }
    if (r->n_examples == 0)
        r->example[r->n_examples++] = r->picture[0];
    free(sure);
    free(original);
    free(answer);
    return ok;
}

static const char *share(struct probe *p, double value)
{
    return probe_keep(p, text_number(value, UNIT_SHARE));
}

static const char *meaning(const struct result *r, bool worrying)
{
    if (!worrying)
        return "The answer holds when more of the same picture is seen, as true evidence does. It does not follow that "
               "the deciding pixels lie on the object.";
    return r->lost[SCATTERED].low > r->lost[NEIGHBOURS].high
               ? "True evidence grows when more of the object is seen; in these pictures it vanishes. Scattered true "
                 "pixels destroy the answer even more often, so patchy pictures as such upset this model. It does not "
                 "follow that the neighbours themselves speak against the answer."
               : "True evidence grows when more of the object is seen. In these pictures it vanishes, so there the "
                 "model "
                 "answers to the pattern of single pixels. It does not follow that every answer does: see how many "
                 "stay.";
}

/* " Not counted: ...", or "". */
static const char *left_out(struct probe *p, const struct result *r)
{
    int missing = p->n - r->n;
    return missing == 0
               ? ""
               : probe_keep(p, mem_format(" Not counted: %d of %d pictures, which are not answered with %s even "
                                          "as a whole, or are so with nothing shown.",
                                          missing, p->n, probe_keep(p, text_level(p->policy->threshold))));
}

static void word(struct probe *p, const struct result *r)
{
    struct check *out = p->check;
    const struct estimate *e = &r->lost[NEIGHBOURS];
    bool worrying = e->low > 0.1; /* more than one answer in ten */
    out->question = mem_string("Does the answer hold when more is shown?");
    out->measure = mem_string("of answers are lost when more is shown");
    out->asks = mem_format("We add to the deciding pixels (at %s sure) their eight neighbours, which are true parts of "
                           "the same picture, and ask again.",
                           probe_keep(p, text_level(p->policy->threshold)));
    out->found = mem_format(
        "The answer is lost in %s of the pictures, although %s of the picture is then visible instead of %s. With as "
        "many true pixels added at random it is lost in %s. The mean probability of the answer is %s before, %s with "
        "the neighbours and %s with random pixels.%s",
        probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)), share(p, r->shown[NEIGHBOURS]),
        share(p, r->shown[ALONE]), probe_keep(p, text_control(&r->lost[SCATTERED], UNIT_SHARE)),
        share(p, r->sure[ALONE].value), share(p, r->sure[NEIGHBOURS].value), share(p, r->sure[SCATTERED].value),
        left_out(p, r));
    out->means = mem_string(meaning(r, worrying));
    out->act = probe_act(p, e, worrying, "Keep the figure and compare it with that of the next model.",
                         "Masked training (input dropout) teaches the model what hidden pixels look like; compare this "
                         "figure before and after.");
}

static void draw_rows(struct probe *p, const struct result *r)
{
    static const char *const name[PARTS] = { "deciding pixels", "with neighbours", "with random pixels" };
    struct figure *f = check_add_figure(p->check, FIGURE_ROWS);
    f->heading = mem_string("Share of answers that are lost");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Answers lost");
    f->x_high = 1;
    for (int k = NEIGHBOURS; k < PARTS; k++)
        figure_add_row(f, name[k], r->lost[k].value, r->lost[k].low, r->lost[k].high,
                       k == NEIGHBOURS ? estimate_tone(&r->lost[k], p->policy) : TONE_CONTROL);
    f->has_limit = p->policy->side != SIDE_NONE;
    f->limit = p->policy->limit;
    f->caption = mem_format("%s; lines are 95%% intervals (Wilson).", probe_keep(p, text_n(r->n)));
    text_describe_rows(f);
    f = check_add_figure(p->check, FIGURE_ROWS);
    f->heading = mem_string("How sure the model is of the original answer");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Mean probability of the original answer");
    f->x_high = 1;
    for (int k = 0; k < PARTS; k++)
        figure_add_row(f, name[k], r->sure[k].value, r->sure[k].low, r->sure[k].high,
                       k == SCATTERED ? TONE_CONTROL : TONE_DATA);
    f->caption = mem_format("%s; lines are 95%% intervals (bootstrap over pictures).", probe_keep(p, text_n(r->n)));
    text_describe_rows(f);
}

static void exhibit_part(struct exhibit *e, int i, int what)
{
    uint8_t *mask = mem_alloc((size_t)study_pixels(e->probe->study), 1);
    char *pixels = exhibit_pixels(make_part(e->probe, i, what, mask));
    exhibit_add(e, i, mask, mem_format("%s%s", pixels, what == NEIGHBOURS ? " with neighbours" : ""));
    free(pixels);
    free(mask);
}

static void exhibit_example(struct exhibit *e, int i)
{
    exhibit_add(e, i, NULL, NULL);
    exhibit_part(e, i, ALONE);
    exhibit_part(e, i, NEIGHBOURS);
}

static bool draw_pictures(struct probe *p, const struct result *r, struct err *err)
{
    struct exhibit e = { .probe = p };
    for (int k = 0; k < r->n_examples; k++)
        exhibit_example(&e, r->example[k]);
    struct figure *f = check_add_figure(p->check, FIGURE_PICTURES);
    f->heading = mem_string("More of the picture, and the answer");
    f->caption = mem_string("The first pictures of the sample whose answer is lost; if there are none, the first.");
    f->description = mem_string("Pictures with their deciding pixels and with the neighbours of these added.");
    return exhibit_hang(&e, f, err);
}

static bool state_fact(struct probe *p, const struct result *r, struct err *err)
{
    struct fact *fact = &p->check->fact;
    const struct estimate *e = &r->lost[NEIGHBOURS];
    fact->heading =
        mem_format("Seeing more, it loses %s of answers", probe_keep(p, text_value(e, UNIT_SHARE, p->policy)));
    fact->sentence =
        mem_format("When the eight neighbours of the deciding pixels are shown, too, the answer is lost in "
                   "%s; with as many true pixels at random, in %s.",
                   probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)),
                   probe_keep(p, text_control(&r->lost[SCATTERED], UNIT_SHARE)));
    fact->sentence = probe_with_limit(p, e, UNIT_SHARE, fact->sentence);
    struct exhibit exhibit = { .probe = p };
    exhibit_example(&exhibit, r->example[0]);
    return exhibit_hang_fact(&exhibit, fact, err);
}

static json_t *details(const struct result *r)
{
    static const char *const name[PARTS] = { "alone", "neighbours", "random" };
    json_t *object = json_object();
    for (int k = 0; k < PARTS; k++) {
        json_t *part = json_object();
        json_object_set_new(part, "answer_lost", probe_json(&r->lost[k]));
        json_object_set_new(part, "mean_probability", probe_json(&r->sure[k]));
        json_object_set_new(part, "mean_share_shown", probe_number(r->shown[k]));
        json_object_set_new(object, name[k], part);
    }
    return object;
}

bool check_dilation(struct study *s, const struct policy_check *policy, int64_t n, struct check *out, struct err *err)
{
    struct probe p;
    struct result r = { 0 };
    probe_open(&p, s, policy, n, out);
    bool ok = probe_search(&p, TARGET_PREDICTED, probe_rank(s), p.n, err) && find_pictures(&p, &r, err) &&
              measure(&p, &r, err);
    if (ok) {
        out->unit = UNIT_SHARE;
        out->estimate = r.lost[NEIGHBOURS];
        out->details = details(&r);
        word(&p, &r);
        draw_rows(&p, &r);
        ok = draw_pictures(&p, &r, err) && state_fact(&p, &r, err);
    }
    free(r.picture);
    probe_close(&p);
    return ok;
}
