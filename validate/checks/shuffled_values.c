/* Do the same colours in other places do? The best pixels keep their places, but their colours are permuted among them;
 * what the model still recognises is colour, not what the pixels draw. */
#include "validate/checks/checks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/made.h"
#include "validate/checks/text.h"

struct view {
    struct probe *probe;
    int m;
    bool shuffled;
};

struct result {
    int m;
    struct estimate shuffled, in_place, majority;
    double sure_shuffled, sure_in_place; /* mean probability of the original answer */
    int example;                         /* the first whose answer stays in place; preferably shuffled, too */
};

static void show(void *self, int64_t i, float *x)
{
    const struct view *v = self;
    if (v->shuffled)
        made_shuffled(v->probe, (int)i, v->m, x);
    else
        made_best(v->probe, (int)i, v->m, x);
}

static int find_example(const struct probe *p, const int *in_place, const int *shuffled)
{
    int found = 0;
    for (int i = p->n - 1; i >= 0; i--)
        if (in_place[i] == p->answer[i])
            found = i;
    for (int i = p->n - 1; i >= 0; i--)
        if (in_place[i] == p->answer[i] && shuffled[i] == p->answer[i])
            found = i;
    return found;
}

static double mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

static bool measure(struct probe *p, struct result *r, struct err *err)
{
    int *in_place = mem_alloc((size_t)p->n, sizeof *in_place), *shuffled = mem_alloc((size_t)p->n, sizeof *shuffled);
    double *sure = mem_alloc((size_t)p->n, sizeof *sure);
    struct view view = { p, r->m, false };
    bool ok = probe_ask(p, p->n, show, &view, in_place, p->answer, sure, err);
    r->sure_in_place = mean(sure, p->n);
    view.shuffled = true;
    ok = ok && probe_ask(p, p->n, show, &view, shuffled, p->answer, sure, err);
    r->sure_shuffled = mean(sure, p->n);
    r->in_place = probe_equal(in_place, p->answer, p->n);
    r->shuffled = probe_equal(shuffled, p->answer, p->n);
    r->majority = probe_majority(p, p->answer);
    r->example = find_example(p, in_place, shuffled);
    free(sure);
    free(shuffled);
    free(in_place);
    return ok;
}

static void word(struct probe *p, const struct result *r)
{
    struct check *out = p->check;
    const struct estimate *e = &r->shuffled;
    const char *fraction = probe_keep(p, text_level(p->policy->fraction));
    bool worrying = e->low > r->majority.high;
    out->question = mem_string("Do the same colours in other places do?");
    out->measure = mem_string("of answers stay with shuffled colours");
    out->asks = mem_format("We show the best %s of the pixels of each picture at their places, but deal their colours "
                           "out anew among them.",
                           fraction);
    out->found = mem_format("With shuffled colours the answer stays in %s; with the colours in their places in %s. The "
                            "most frequent answer "
                            "is %s of all answers, guessing gives %s.",
                            probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)),
                            probe_keep(p, text_control(&r->in_place, UNIT_SHARE)),
                            probe_keep(p, text_number(r->majority.value, UNIT_SHARE)),
                            probe_keep(p, text_number(1.0 / p->study->model->classes, UNIT_SHARE)));
    out->means = mem_string(
        worrying
            ? "A few colours are enough, wherever they stand among these places: the model answers to colour or to "
              "the places themselves, and not to what the pixels draw. The check on the shape of the part tells "
              "which."
            : "Which colour stands at which place matters: colours alone do not explain what the best pixels "
              "achieve. It does not follow that the model reads shapes as a person does.");
    out->act = probe_act(p, e, worrying, "Nothing: this control explains no finding away.",
                         "Train with changes of colour and brightness at random, then measure again.");
}

static void draw_rows(struct probe *p, const struct result *r)
{
    struct figure *f = check_add_figure(p->check, FIGURE_ROWS);
    double majority = r->majority.value, chance = 1.0 / p->study->model->classes;
    f->heading = mem_string("Share of answers that stay the same");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Answers that stay");
    f->x_high = 1;
    figure_add_row(f, "colours shuffled", r->shuffled.value, r->shuffled.low, r->shuffled.high,
                   estimate_tone(&r->shuffled, p->policy));
    figure_add_row(f, "colours in place", r->in_place.value, r->in_place.low, r->in_place.high, TONE_CONTROL);
    figure_add_row(f, "most frequent answer", majority, majority, majority, TONE_CONTROL);
    figure_add_row(f, "guessing", chance, chance, chance, TONE_CONTROL);
    f->has_limit = p->policy->side != SIDE_NONE;
    f->limit = p->policy->limit;
    f->caption = mem_format("%s shown of each picture, %s; lines are 95%% intervals (Wilson).",
                            probe_keep(p, exhibit_pixels(r->m)), probe_keep(p, text_n(p->n)));
    text_describe_rows(f);
}

static void exhibit_example(struct exhibit *e, const struct result *r)
{
    struct view view = { e->probe, r->m, true };
    uint8_t *mask = mem_alloc((size_t)study_pixels(e->probe->study), 1);
    char *pixels = exhibit_pixels(r->m);
    probe_ranked(e->probe, r->example, r->m, mask);
    exhibit_add(e, r->example, NULL, NULL);
    exhibit_add(e, r->example, mask, mem_format("Best %s", pixels));
    show(&view, r->example, exhibit_add_made(e, r->example, mem_string("Their colours shuffled")));
    free(pixels);
    free(mask);
}

static bool draw_pictures(struct probe *p, const struct result *r, struct err *err)
{
    struct exhibit e = { .probe = p };
    exhibit_example(&e, r);
    struct figure *f = check_add_figure(p->check, FIGURE_PICTURES);
    f->heading = mem_string("The same colours in other places");
    f->caption = mem_string("The first picture of the sample whose answer stays in both cases; if there is none, the "
                            "first that the best pixels answer.");
    f->description = mem_string("One picture, its best pixels, and the same pixels with their colours shuffled.");
    return exhibit_hang(&e, f, err);
}

static bool state_fact(struct probe *p, const struct result *r, struct err *err)
{
    struct fact *fact = &p->check->fact;
    fact->heading = mem_format("Shuffled colours keep %s of answers",
                               probe_keep(p, text_value(&r->shuffled, UNIT_SHARE, p->policy)));
    fact->sentence = mem_format("With the colours of the best %s of the pixels dealt out anew, the answer stays in %s; "
                                "in place, in %s.",
                                probe_keep(p, text_level(p->policy->fraction)),
                                probe_keep(p, text_estimate(&r->shuffled, UNIT_SHARE, p->policy)),
                                probe_keep(p, text_control(&r->in_place, UNIT_SHARE)));
    fact->sentence = probe_with_limit(p, &r->shuffled, UNIT_SHARE, fact->sentence);
    struct exhibit e = { .probe = p };
    exhibit_example(&e, r);
    return exhibit_hang_fact(&e, fact, err);
}

static json_t *details(const struct probe *p, const struct result *r)
{
    json_t *object = json_object();
    json_object_set_new(object, "pixels", json_integer(r->m));
    json_object_set_new(object, "shuffled_same_answer", probe_json(&r->shuffled));
    json_object_set_new(object, "in_place_same_answer", probe_json(&r->in_place));
    json_object_set_new(object, "shuffled_mean_probability", probe_number(r->sure_shuffled));
    json_object_set_new(object, "in_place_mean_probability", probe_number(r->sure_in_place));
    json_object_set_new(object, "majority_same_answer", probe_number(r->majority.value));
    json_object_set_new(object, "chance", probe_number(1.0 / p->study->model->classes));
    return object;
}

bool check_shuffled_values(struct study *s, const struct policy_check *policy, int64_t n, struct check *out,
                           struct err *err)
{
    struct probe p;
    struct result r = { .m = probe_share(s, policy->fraction) };
    probe_open(&p, s, policy, n, out);
    bool ok = probe_search(&p, TARGET_PREDICTED, probe_rank(s), p.n, err) && measure(&p, &r, err);
    if (ok) {
        out->unit = UNIT_SHARE;
        out->estimate = r.shuffled;
        out->details = details(&p, &r);
        word(&p, &r);
        draw_rows(&p, &r);
        ok = draw_pictures(&p, &r, err) && state_fact(&p, &r, err);
    }
    probe_close(&p);
    return ok;
}
