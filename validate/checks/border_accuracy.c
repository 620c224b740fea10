/* Is the border alone enough? Accuracy when only a ring along the edge is shown, minus accuracy when only a centre of
 * the same area is shown: photographs give away some of their class at the edge, so chance is no yardstick. */
#include "validate/checks/checks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "datasets/region.h"
#include "validate/checks/text.h"

enum { RING, CENTRE, RANDOM, PLACES, EXAMPLES = 2 };

struct view {
    struct probe *probe;
    int area;
    const uint8_t *mask; /* NULL: random */
};

struct result {
    int area;
    uint8_t *mask[PLACES]; /* RANDOM: NULL */
    struct estimate right[PLACES], stay_ring, majority, whole, difference;
    int n_examples, example[EXAMPLES]; /* right by the ring alone, wrong by the centre; else the first pictures */
};

static void show(void *self, int64_t i, float *x)
{
    const struct view *v = self;
    uint8_t *random = v->mask ? NULL : mem_alloc((size_t)study_pixels(v->probe->study), 1);
    if (random)
        probe_random(v->probe, (int)i, DRAW_RING, NULL, v->area, random);
    probe_show(v->probe, (int)i, random ? random : v->mask, x);
    free(random);
}

static bool make_places(const struct probe *p, struct result *r, struct err *err)
{
    int h = p->study->model->h, w = p->study->model->w, width = p->policy->width;
    if (!region_ring_fits(h, w, width))
        return err_usage(err, "%s: a ring %d pixels wide covers more than half of %d x %d; take a smaller width",
                         p->policy->id, width, w, h);
    r->mask[RING] = mem_alloc((size_t)h * (size_t)w, 1);
    r->mask[CENTRE] = mem_alloc((size_t)h * (size_t)w, 1);
    r->area = region_ring(h, w, width, r->mask[RING]);
    region_centre(h, w, width, r->area, r->mask[CENTRE]);
    return true;
}

static struct estimate compare(const struct probe *p, const int *ring, const int *centre)
{
    struct interval range = { -1, 1 };
    double *difference = mem_alloc((size_t)p->n, sizeof *difference);
    for (int i = 0; i < p->n; i++)
        difference[i] = (ring[i] == p->label[i]) - (centre[i] == p->label[i]);
    struct estimate e = probe_widen(estimate_mean(difference, p->n, range, p->study->seed), range);
    free(difference);
    return e;
}

static void find_examples(const struct probe *p, const int *ring, const int *centre, struct result *r)
{
    for (int i = 0; i < p->n && r->n_examples < EXAMPLES; i++)
        if (ring[i] == p->label[i] && centre[i] != p->label[i])
            r->example[r->n_examples++] = i;
    for (int i = 0; r->n_examples < EXAMPLES && i < p->n && i < EXAMPLES; i++)
        if (r->n_examples == 0 || r->example[0] != i)
            r->example[r->n_examples++] = i;
}

static bool measure(struct probe *p, struct result *r, struct err *err)
{
    int *answer[PLACES] = { NULL };
    bool ok = true;
    for (int k = 0; ok && k < PLACES; k++) {
        struct view view = { p, r->area, r->mask[k] };
        answer[k] = mem_alloc((size_t)p->n, sizeof(int));
        ok = probe_ask(p, p->n, show, &view, answer[k], NULL, NULL, err);
        r->right[k] = probe_equal(answer[k], p->label, p->n);
    }
    if (ok) {
        r->stay_ring = probe_equal(answer[RING], p->answer, p->n);
        r->whole = probe_equal(p->answer, p->label, p->n);
        r->majority = probe_majority(p, p->label);
        r->difference = compare(p, answer[RING], answer[CENTRE]);
        find_examples(p, answer[RING], answer[CENTRE], r);
    }
    for (int k = 0; k < PLACES; k++)
        free(answer[k]);
    return ok;
}

static const char *share(struct probe *p, const struct estimate *e)
{
    return probe_keep(p, text_control(e, UNIT_SHARE));
}

static void word(struct probe *p, const struct result *r)
{
    struct check *out = p->check;
    const struct estimate *e = &r->difference;
    const char *width = probe_keep(p, exhibit_pixels(p->policy->width));
    bool worrying = e->low > 0;
    out->question = mem_string("Is the border alone enough?");
    out->measure = mem_format("ring %s wide against a centre of the same area", width);
    out->asks = mem_format("We show the model nothing but a ring %s wide along the edge, then nothing but a centre of "
                           "the same area, and compare the right answers picture by picture.",
                           width);
    out->found = mem_format(
        "Ring minus centre is %s. From the ring %s are right, from the centre %s, from as many random pixels %s, from "
        "whole pictures %s. Always naming the most frequent class would give %s, guessing %s.",
        probe_keep(p, text_estimate(e, UNIT_POINTS, p->policy)), share(p, &r->right[RING]), share(p, &r->right[CENTRE]),
        share(p, &r->right[RANDOM]), share(p, &r->whole), probe_keep(p, text_number(r->majority.value, UNIT_SHARE)),
        probe_keep(p, text_number(1.0 / p->study->model->classes, UNIT_SHARE)));
    out->means = mem_string(
        worrying
            ? "The edge tells the model more than the middle, where the object usually is: it reads the background "
              "or a mark at the edge. It does not follow that it ignores the object when both are there."
            : "The edge alone tells the model no more than the middle does. It does not follow that it ignores the "
              "edge when the rest is there too.");
    out->act = probe_act(p, e, worrying, "Keep the figures and compare them with those of the next model.",
                         "Check the training set for border signals with validate dataset, then train with crops or "
                         "padding at random.");
}

static void draw_rows(struct probe *p, const struct result *r)
{
    static const char *const name[PLACES] = { "only the ring", "only the centre", "random pixels" };
    struct figure *f = check_add_figure(p->check, FIGURE_ROWS);
    f->heading = mem_string("Right answers when only one part is shown");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Right answers");
    f->x_high = 1;
    for (int k = 0; k < PLACES; k++)
        figure_add_row(f, name[k], r->right[k].value, r->right[k].low, r->right[k].high,
                       k == RING ? estimate_tone(&r->difference, p->policy) : TONE_CONTROL);
    figure_add_row(f, "most frequent class", r->majority.value, r->majority.value, r->majority.value, TONE_CONTROL);
    figure_add_row(f, "whole pictures", r->whole.value, r->whole.low, r->whole.high, TONE_CONTROL);
    f->caption = mem_format("%s; ring, centre and random pixels have %s each; lines are 95%% intervals (Wilson).",
                            probe_keep(p, text_n(p->n)), probe_keep(p, exhibit_pixels(r->area)));
    text_describe_rows(f);
}

static void exhibit_example(struct exhibit *e, const struct result *r, int i)
{
    exhibit_add(e, i, NULL, NULL);
    exhibit_add(e, i, r->mask[RING], mem_string("Only the ring"));
    exhibit_add(e, i, r->mask[CENTRE], mem_string("Only the centre"));
}

static bool draw_pictures(struct probe *p, const struct result *r, struct err *err)
{
    struct exhibit e = { .probe = p };
    for (int k = 0; k < r->n_examples; k++)
        exhibit_example(&e, r, r->example[k]);
    struct figure *f = check_add_figure(p->check, FIGURE_PICTURES);
    f->heading = mem_string("The ring and the centre, alone");
    f->caption = mem_string("The first pictures of the sample that are answered right from the ring and wrong from the "
                            "centre; where there are none, the first pictures.");
    f->description =
        mem_string("Pictures of which only the ring or only the centre is shown, and the model's answers.");
    return exhibit_hang(&e, f, err);
}

static bool state_fact(struct probe *p, const struct result *r, struct err *err)
{
    struct fact *fact = &p->check->fact;
    const struct estimate *e = &r->difference;
    fact->heading = mem_format("From the ring alone, %s right",
                               probe_keep(p, text_value(&r->right[RING], UNIT_SHARE, &(struct policy_check){ 0 })));
    fact->sentence = mem_format("Shown only the border, the model is right in %s; shown a centre of the same area, in "
                                "%s: a difference of %s.",
                                share(p, &r->right[RING]), share(p, &r->right[CENTRE]),
                                probe_keep(p, text_estimate(e, UNIT_POINTS, p->policy)));
    fact->sentence = probe_with_limit(p, e, UNIT_POINTS, fact->sentence);
    struct exhibit exhibit = { .probe = p };
    if (r->n_examples > 0)
        exhibit_example(&exhibit, r, r->example[0]);
    return exhibit_hang_fact(&exhibit, fact, err);
}

static json_t *details(const struct probe *p, const struct result *r)
{
    json_t *object = json_object();
    json_object_set_new(object, "width_px", json_integer(p->policy->width));
    json_object_set_new(object, "area_px", json_integer(r->area));
    json_object_set_new(object, "ring_right", probe_json(&r->right[RING]));
    json_object_set_new(object, "centre_right", probe_json(&r->right[CENTRE]));
    json_object_set_new(object, "random_right", probe_json(&r->right[RANDOM]));
    json_object_set_new(object, "whole_right", probe_json(&r->whole));
    json_object_set_new(object, "ring_same_answer", probe_json(&r->stay_ring));
    json_object_set_new(object, "majority_right", probe_number(r->majority.value));
    json_object_set_new(object, "chance", probe_number(1.0 / p->study->model->classes));
    return object;
}

bool check_border_accuracy(struct study *s, const struct policy_check *policy, int64_t n, struct check *out,
                           struct err *err)
{
    struct probe p;
    struct result r = { 0 };
    probe_open(&p, s, policy, n, out);
    bool ok = make_places(&p, &r, err) && measure(&p, &r, err);
    if (ok) {
        out->unit = UNIT_POINTS;
        out->estimate = r.difference;
        out->details = details(&p, &r);
        word(&p, &r);
        draw_rows(&p, &r);
        ok = draw_pictures(&p, &r, err) && state_fact(&p, &r, err);
    }
    free(r.mask[RING]);
    free(r.mask[CENTRE]);
    probe_close(&p);
    return ok;
}
