/* Does a small part do as well as the whole? Accuracy on the pixels that backward selection keeps longest, beside as
 * many random ones. (Carter et al. 2021, "Overinterpretation", table 1, asks this of 5 %.) */
#include "validate/checks/checks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/text.h"

enum { LEVELS_MAX = 7, RANKED = 0, RANDOM = 1 };

/* One part of each picture is shown: its last m pixels in the removal order, or m random ones. */
struct view {
    struct probe *probe;
    int m, kind;
};

struct level {
    double fraction;
    int m;
    struct estimate right[2], stay[2]; /* RANKED, RANDOM */
};

struct curve {
    int n, asked; /* levels; the one that the policy asks for */
    struct level level[LEVELS_MAX];
    struct estimate whole;    /* right on whole pictures */
    struct estimate majority; /* of who always names the most frequent class */
    int example;              /* a picture for which the ranked part suffices and the random one does not */
};

static void part(const struct view *v, int i, uint8_t *mask)
{
    if (v->kind == RANKED)
        probe_ranked(v->probe, i, v->m, mask);
    else
        probe_random(v->probe, i, DRAW_SUBSET, NULL, v->m, mask);
}

static void show(void *self, int64_t i, float *x)
{
    const struct view *v = self;
    uint8_t *mask = mem_alloc((size_t)study_pixels(v->probe->study), 1);
    part(v, (int)i, mask);
    probe_show(v->probe, (int)i, mask, x);
    free(mask);
}

/* The levels in rising order, none twice: 1, 2, 5, 10, 20, 50 % and the one asked for. */
static void choose_levels(const struct probe *p, struct curve *c)
{
    double fraction[LEVELS_MAX] = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, p->policy->fraction };
    for (int k = LEVELS_MAX - 1; k > 0 && fraction[k] < fraction[k - 1]; k--) {
        double smaller = fraction[k];
        fraction[k] = fraction[k - 1];
        fraction[k - 1] = smaller;
    }
    for (int k = 0; k < LEVELS_MAX; k++) {
        int m = probe_share(p->study, fraction[k]);
        if (c->n > 0 && c->level[c->n - 1].m == m)
            c->n--;
        c->level[c->n++] = (struct level){ .fraction = fraction[k], .m = m };
        if (m == probe_share(p->study, p->policy->fraction)) {
            c->asked = c->n - 1;
            c->level[c->asked].fraction = p->policy->fraction;
        }
    }
}

static int find_example(const struct probe *p, const int *ranked, const int *random)
{
    for (int i = 0; i < p->n; i++)
        if (p->answer[i] == p->label[i] && ranked[i] == p->label[i] && random[i] != p->label[i])
            return i;
    return 0;
}

static bool measure(struct probe *p, struct curve *c, struct err *err)
{
    int *answer[2] = { mem_alloc((size_t)p->n, sizeof(int)), mem_alloc((size_t)p->n, sizeof(int)) };
    bool ok = true;
    for (int k = 0; ok && k < c->n; k++) {
        for (int kind = RANKED; ok && kind <= RANDOM; kind++) {
            struct view view = { p, c->level[k].m, kind };
            ok = probe_ask(p, p->n, show, &view, answer[kind], NULL, NULL, err);
            c->level[k].right[kind] = probe_equal(answer[kind], p->label, p->n);
            c->level[k].stay[kind] = probe_equal(answer[kind], p->answer, p->n);
        }
        if (ok && k == c->asked)
            c->example = find_example(p, answer[RANKED], answer[RANDOM]);
    }
    c->whole = probe_equal(p->answer, p->label, p->n);
    c->majority = probe_majority(p, p->label);
    free(answer[RANKED]);
    free(answer[RANDOM]);
    return ok;
}

/* Better than naming the most frequent class is what needs an explanation; random pixels may be it. */
static const char *meaning(const struct level *l, bool worrying)
{
    if (!worrying)
        return "From so few pixels the model does no better than by naming the most frequent class. It does not follow "
               "that it decides by the right pixels when more of them are there.";
    return l->right[RANKED].low > l->right[RANDOM].high
               ? "The model still names the class when nearly everything that a person looks at is hidden, and random "
                 "pixels do not explain it. It does not follow that these pixels carry no trace of the class: a model "
                 "trained on them alone could tell."
               : "Few pixels are enough for the model, and random ones may do as well as the best: it reads something "
                 "that lies all over the picture, such as a colour. It does not follow that the search found nothing: "
                 "there was nothing to choose.";
}

static void word(struct probe *p, const struct curve *c)
{
    struct check *out = p->check;
    const struct level *l = &c->level[c->asked];
    const char *fraction = probe_keep(p, text_level(l->fraction)), *m = probe_keep(p, exhibit_pixels(l->m));
    bool worrying = l->right[RANKED].low > c->majority.high;
    out->question = mem_string("Does a small part do as well as the whole?");
    out->measure = mem_format("right with %s of the pixels", fraction);
    out->asks =
        mem_format("We show the model only the best %s of the pixels of each picture, those that the search hides "
                   "last, and the same number drawn at random.",
                   fraction);
    out->found = mem_format(
        "From the best %s (%s) %s of the answers are right; from as many random pixels %s, from whole pictures %s. "
        "Always naming the most frequent class would give %s. From the best pixels the answer stays the same in %s.",
        fraction, m, probe_keep(p, text_estimate(&l->right[RANKED], UNIT_SHARE, p->policy)),
        probe_keep(p, text_control(&l->right[RANDOM], UNIT_SHARE)), probe_keep(p, text_control(&c->whole, UNIT_SHARE)),
        probe_keep(p, text_number(c->majority.value, UNIT_SHARE)),
        probe_keep(p, text_control(&l->stay[RANKED], UNIT_SHARE)));
    out->means = mem_string(meaning(l, worrying));
    out->act = probe_act(p, &l->right[RANKED], worrying, "Keep the curve and compare it with that of the next model.",
                         "Train with input dropout, then compare the two models by this curve: the further right it "
                         "rises, the better.");
}

static void draw_curve(struct probe *p, const struct curve *c)
{
    static const char *const name[2] = { "best pixels", "random pixels" };
    struct figure *f = check_add_figure(p->check, FIGURE_CURVE);
    const struct level *l = &c->level[c->asked];
    f->heading = mem_string("Right answers, as more and more is shown");
    f->x_unit = f->y_unit = UNIT_SHARE;
    f->x_label = mem_string("Pixels shown, log scale");
    f->y_label = mem_string("Right answers");
    f->x_low = c->level[0].fraction;
    f->x_high = f->y_high = 1;
    f->x_log = true;
    for (int kind = RANKED; kind <= RANDOM; kind++) {
        struct figure_series *series =
            figure_add_series(f, name[kind], kind == RANKED ? TONE_DATA : TONE_CONTROL, c->n + 1);
        for (int k = 0; k < c->n; k++)
            probe_point(series, k, c->level[k].fraction, &c->level[k].right[kind]);
        probe_point(series, c->n, 1, &c->whole);
    }
    f->has_limit = p->policy->side != SIDE_NONE;
    f->limit = p->policy->limit;
    f->caption =
        mem_format("Lines: share of right answers; bands: 95%% intervals (Wilson); %s.", probe_keep(p, text_n(p->n)));
    f->description = mem_format(
        "With %s of the pixels %s are right, with as many random pixels %s, with all %s.",
        probe_keep(p, text_level(l->fraction)), probe_keep(p, text_control(&l->right[RANKED], UNIT_SHARE)),
        probe_keep(p, text_control(&l->right[RANDOM], UNIT_SHARE)), probe_keep(p, text_control(&c->whole, UNIT_SHARE)));
}

static void exhibit_part(struct exhibit *e, int i, int m, int kind)
{
    struct view view = { e->probe, m, kind };
    uint8_t *mask = mem_alloc((size_t)study_pixels(e->probe->study), 1);
    part(&view, i, mask);
    char *pixels = exhibit_pixels(m);
    exhibit_add(e, i, mask, kind == RANKED ? mem_format("Best %s", pixels) : mem_format("%s at random", pixels));
    free(pixels);
    free(mask);
}

static bool draw_pictures(struct probe *p, const struct curve *c, struct err *err)
{
    struct exhibit e = { .probe = p };
    for (int k = 0; k < c->n; k++)
        exhibit_part(&e, c->example, c->level[k].m, RANKED);
    exhibit_add(&e, c->example, NULL, NULL);
    struct figure *f = check_add_figure(p->check, FIGURE_PICTURES);
    f->heading = mem_string("The same picture, more and more of it");
    f->caption = mem_string("The first picture of the sample, by number, that the model answers right from the best "
                            "pixels and not from random ones; if there is none, the first.");
    f->description = mem_string("One picture with more and more of its pixels shown, and the model's answer to each.");
    return exhibit_hang(&e, f, err);
}

static bool state_fact(struct probe *p, const struct curve *c, struct err *err)
{
    struct fact *fact = &p->check->fact;
    const struct level *l = &c->level[c->asked];
    const char *fraction = probe_keep(p, text_level(l->fraction));
    fact->heading = mem_format("With %s of the pixels, %s right", fraction,
                               probe_keep(p, text_value(&l->right[RANKED], UNIT_SHARE, p->policy)));
    fact->sentence =
        mem_format("From the best %s of the pixels %s of the answers are right, from as many random ones %s.", fraction,
                   probe_keep(p, text_estimate(&l->right[RANKED], UNIT_SHARE, p->policy)),
                   probe_keep(p, text_control(&l->right[RANDOM], UNIT_SHARE)));
    fact->sentence = probe_with_limit(p, &l->right[RANKED], UNIT_SHARE, fact->sentence);
    struct exhibit e = { .probe = p };
    exhibit_add(&e, c->example, NULL, NULL);
    exhibit_part(&e, c->example, l->m, RANKED);
    exhibit_part(&e, c->example, l->m, RANDOM);
    return exhibit_hang_fact(&e, fact, err);
}

static json_t *details(const struct curve *c)
{
    json_t *levels = json_array(), *object = json_object();
    for (int k = 0; k < c->n; k++) {
        const struct level *l = &c->level[k];
        json_t *level = json_object();
        json_object_set_new(level, "fraction", probe_number(l->fraction));
        json_object_set_new(level, "pixels", json_integer(l->m));
        json_object_set_new(level, "ranked_right", probe_json(&l->right[RANKED]));
        json_object_set_new(level, "random_right", probe_json(&l->right[RANDOM]));
        json_object_set_new(level, "ranked_same_answer", probe_json(&l->stay[RANKED]));
        json_object_set_new(level, "random_same_answer", probe_json(&l->stay[RANDOM]));
        json_array_append_new(levels, level);
    }
    json_object_set_new(object, "curve", levels);
    json_object_set_new(object, "whole_right", probe_json(&c->whole));
    json_object_set_new(object, "majority_right", probe_number(c->majority.value));
    return object;
}

bool check_subset_sufficiency(struct study *s, const struct policy_check *policy, int64_t n, struct check *out,
                              struct err *err)
{
    struct probe p;
    struct curve c = { 0 };
    probe_open(&p, s, policy, n, out);
    choose_levels(&p, &c);
    bool ok = probe_search(&p, TARGET_PREDICTED, probe_rank(s), p.n, err) && measure(&p, &c, err);
    if (ok) {
        out->unit = UNIT_SHARE;
        out->estimate = c.level[c.asked].right[RANKED];
        out->details = details(&c);
        word(&p, &c);
        draw_curve(&p, &c);
        ok = draw_pictures(&p, &c, err) && state_fact(&p, &c, err);
    }
    probe_close(&p);
    return ok;
}
