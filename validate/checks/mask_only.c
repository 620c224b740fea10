/* Does the shape of the part give the class away? The best pixels are painted in one colour, so that only where they
 * lie can tell. A part chosen for a class may draw that class: then findings about the part say nothing about pixels.
 */
#include "validate/checks/checks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/made.h"
#include "validate/checks/text.h"

enum { WHITE, BLACK, OWN, PAINTS };

struct view {
    struct probe *probe;
    int m, paint;
};

struct result {
    int m, example; /* the first whose answer stays when painted white, or the first */
    struct estimate stay[PAINTS], majority;
};

static void show(void *self, int64_t i, float *x)
{
    const struct view *v = self;
    if (v->paint == OWN)
        made_best(v->probe, (int)i, v->m, x);
    else
        made_painted(v->probe, (int)i, v->m, v->paint == WHITE ? 1.0f : 0.0f, x);
}

static bool measure(struct probe *p, struct result *r, struct err *err)
{
    int *answer = mem_alloc((size_t)p->n, sizeof *answer);
    bool ok = true;
    for (int k = 0; ok && k < PAINTS; k++) {
        struct view view = { p, r->m, k };
        ok = probe_ask(p, p->n, show, &view, answer, NULL, NULL, err);
        r->stay[k] = probe_equal(answer, p->answer, p->n);
        for (int i = p->n - 1; ok && k == WHITE && i >= 0; i--)
            if (answer[i] == p->answer[i])
                r->example = i;
    }
    r->majority = probe_majority(p, p->answer);
    free(answer);
    return ok;
}

static void word(struct probe *p, const struct result *r)
{
    struct check *out = p->check;
    const struct estimate *e = &r->stay[WHITE];
    bool worrying = e->low > r->majority.high;
    out->question = mem_string("Does the shape of the part give it away?");
    out->measure = mem_string("of answers stay when the part is white");
    out->asks =
        mem_format("We hide all but the best %s of the pixels of each picture and paint these white, so that only "
                   "their places are left; then the same in black.",
                   probe_keep(p, text_level(p->policy->fraction)));
    out->found = mem_format(
        "Painted white, the answer stays in %s; painted black in %s; in their own colours in %s. The most frequent "
        "answer is %s of all answers, guessing gives %s.",
        probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)),
        probe_keep(p, text_control(&r->stay[BLACK], UNIT_SHARE)),
        probe_keep(p, text_control(&r->stay[OWN], UNIT_SHARE)),
        probe_keep(p, text_number(r->majority.value, UNIT_SHARE)),
        probe_keep(p, text_number(1.0 / p->study->model->classes, UNIT_SHARE)));
    out->means = mem_string(
        worrying
            ? "Where the best pixels lie tells the model about the answer, whatever colour they have. So a part of "
              "what is found about the best pixels may be about the shape that the search cut out, and not about "
              "the picture."
            : "The places of the best pixels give no more away than naming the most frequent answer would: what "
              "they achieve is due to their colours. It does not follow that the colours mean to the model what "
              "they mean to a person.");
    out->act = probe_act(p, e, worrying, "Nothing: this control explains no finding away.",
                         "Read the other findings about best pixels with this in mind, and measure them again with "
                         "another baseline, for example sis.baseline = \"blur\" in the policy.");
}

static void draw_rows(struct probe *p, const struct result *r)
{
    static const char *const name[PAINTS] = { "painted white", "painted black", "own colours" };
    struct figure *f = check_add_figure(p->check, FIGURE_ROWS);
    double majority = r->majority.value, chance = 1.0 / p->study->model->classes;
    f->heading = mem_string("Share of answers that stay the same");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Answers that stay");
    f->x_high = 1;
    for (int k = 0; k < PAINTS; k++)
        figure_add_row(f, name[k], r->stay[k].value, r->stay[k].low, r->stay[k].high,
                       k == WHITE   ? estimate_tone(&r->stay[k], p->policy)
                       : k == BLACK ? TONE_DATA
                                    : TONE_CONTROL);
    figure_add_row(f, "most frequent answer", majority, majority, majority, TONE_CONTROL);
    figure_add_row(f, "guessing", chance, chance, chance, TONE_CONTROL);
    f->has_limit = p->policy->side != SIDE_NONE;
    f->limit = p->policy->limit;
    f->caption = mem_format("%s shown of each picture, %s; lines are 95%% intervals (Wilson).",
                            probe_keep(p, exhibit_pixels(r->m)), probe_keep(p, text_n(p->n)));
    text_describe_rows(f);
}

static void exhibit_painted(struct exhibit *e, const struct result *r, int paint, char *what)
{
    struct view view = { e->probe, r->m, paint };
    show(&view, r->example, exhibit_add_made(e, r->example, what));
}

static void exhibit_example(struct exhibit *e, const struct result *r)
{
    char *pixels = exhibit_pixels(r->m);
    exhibit_add(e, r->example, NULL, NULL);
    exhibit_painted(e, r, OWN, mem_format("Best %s", pixels));
    exhibit_painted(e, r, WHITE, mem_string("The same, painted white"));
    free(pixels);
}

static bool draw_pictures(struct probe *p, const struct result *r, struct err *err)
{
    struct exhibit e = { .probe = p };
    exhibit_example(&e, r);
    exhibit_painted(&e, r, BLACK, mem_string("The same, painted black"));
    struct figure *f = check_add_figure(p->check, FIGURE_PICTURES);
    f->heading = mem_string("The best pixels, and only their places");
    f->caption = mem_string("The first picture of the sample whose answer stays when the pixels are white; if there is "
                            "none, the first.");
    f->description = mem_string("One picture, its best pixels, and the same pixels painted white and black.");
    return exhibit_hang(&e, f, err);
}

static bool state_fact(struct probe *p, const struct result *r, struct err *err)
{
    struct fact *fact = &p->check->fact;
    const struct estimate *e = &r->stay[WHITE];
    fact->heading = mem_format("Shapes alone keep %s of answers", probe_keep(p, text_value(e, UNIT_SHARE, p->policy)));
    fact->sentence = mem_format("With the best %s of the pixels painted white and the rest hidden, the answer stays in "
                                "%s; always the most frequent answer would give %s.",
                                probe_keep(p, text_level(p->policy->fraction)),
                                probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)),
                                probe_keep(p, text_number(r->majority.value, UNIT_SHARE)));
    fact->sentence = probe_with_limit(p, e, UNIT_SHARE, fact->sentence);
    struct exhibit exhibit = { .probe = p };
    exhibit_example(&exhibit, r);
    return exhibit_hang_fact(&exhibit, fact, err);
}

static json_t *details(const struct probe *p, const struct result *r)
{
    json_t *object = json_object();
    json_object_set_new(object, "pixels", json_integer(r->m));
    json_object_set_new(object, "white_same_answer", probe_json(&r->stay[WHITE]));
    json_object_set_new(object, "black_same_answer", probe_json(&r->stay[BLACK]));
    json_object_set_new(object, "own_colours_same_answer", probe_json(&r->stay[OWN]));
    json_object_set_new(object, "majority_same_answer", probe_number(r->majority.value));
    json_object_set_new(object, "chance", probe_number(1.0 / p->study->model->classes));
    return object;
}

bool check_mask_only(struct study *s, const struct policy_check *policy, int64_t n, struct check *out, struct err *err)
{
    struct probe p;
    struct result r = { .m = probe_share(s, policy->fraction) };
    probe_open(&p, s, policy, n, out);
    bool ok = probe_search(&p, TARGET_PREDICTED, probe_rank(s), p.n, err) && measure(&p, &r, err);
    if (ok) {
        out->unit = UNIT_SHARE;
        out->estimate = r.stay[WHITE];
        out->details = details(&p, &r);
        word(&p, &r);
        draw_rows(&p, &r);
        ok = draw_pictures(&p, &r, err) && state_fact(&p, &r, err);
    }
    probe_close(&p);
    return ok;
}
