/* Can a wrong answer be forced? For each picture a wrong class is drawn, and pixels are hidden so that the model comes
 * to believe it. Control: as many pixels left at random. */
#include "validate/checks/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/text.h"

enum { THRESHOLDS = 8, EXAMPLES = 2, NOT_FORCED = -1 };

static const double threshold_of_curve[THRESHOLDS] = { 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999 };

struct result {
    struct estimate forced, random, curve[THRESHOLDS];
    int n_forced, *picture, *left, *wanted; /* [n_forced] picture, pixels left, class */
    int median_left, nothing_left;
    int n_examples, example[EXAMPLES]; /* places in picture[] */
};

struct view {
    struct probe *probe;
    const struct result *result;
};

/* Pixels left in the smallest state in which the wrong class reaches the probability; NOT_FORCED. The whole picture
 * need not reach it, as it must for a SIS. */
static int find_forced(const struct probe *p, int i, double probability)
{
    const struct sis_order *o = &p->sis->records.record[i].order;
    double threshold = sis_threshold(p->rank, probability);
    for (int state = o->states - 1; state >= 0; state--)
        if (o->value[state] >= threshold)
            return o->features - (int)o->removed[state];
    return NOT_FORCED;
}

/* The forced pictures' random counterparts. */
static void show_random(void *self, int64_t k, float *x)
{
    const struct view *v = self;
    int i = v->result->picture[k];
    uint8_t *mask = mem_alloc((size_t)study_pixels(v->probe->study), 1);
    probe_random(v->probe, i, DRAW_WRONG, NULL, v->result->left[k], mask);
    probe_show(v->probe, i, mask, x);
    free(mask);
}

static int by_size(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int middle(const int *x, int n)
{
    if (n == 0)
        return 0;
    int *sorted = mem_alloc((size_t)n, sizeof *sorted);
    memcpy(sorted, x, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    int found = sorted[n / 2];
    free(sorted);
    return found;
}

static void find(const struct probe *p, struct result *r)
{
    size_t n = (size_t)p->n;
    r->picture = mem_alloc(n, sizeof *r->picture);
    r->left = mem_alloc(n, sizeof *r->left);
    r->wanted = mem_alloc(n, sizeof *r->wanted);
    for (int i = 0; i < p->n; i++) {
        int left = find_forced(p, i, p->policy->threshold);
        if (left == NOT_FORCED)
            continue;
        r->nothing_left += left == 0;
        if (left > 0 && r->n_examples < EXAMPLES)
            r->example[r->n_examples++] = r->n_forced;
        r->picture[r->n_forced] = i;
        r->left[r->n_forced] = left;
        r->wanted[r->n_forced++] = p->sis->records.record[i].target;
    }
    r->forced = estimate_share(r->n_forced, p->n);
    r->median_left = middle(r->left, r->n_forced);
    for (int k = 0; k < THRESHOLDS; k++) {
        int reached = 0;
        for (int i = 0; i < p->n; i++)
            reached += find_forced(p, i, threshold_of_curve[k]) != NOT_FORCED;
        r->curve[k] = estimate_share(reached, p->n);
    }
}

/* Control: the same number of pixels, left at random, over all pictures. */
static bool measure_random(struct probe *p, struct result *r, struct err *err)
{
    double *sure = mem_alloc((size_t)p->n, sizeof *sure);
    struct view view = { p, r };
    int reached = 0;
    bool ok = r->n_forced == 0 || probe_ask(p, r->n_forced, show_random, &view, NULL, r->wanted, sure, err);
    for (int k = 0; ok && k < r->n_forced; k++)
        reached += sure[k] >= p->policy->threshold;
    r->random = estimate_share(reached, p->n);
    free(sure);
    return ok;
}

static void word(struct probe *p, const struct result *r)
{
    struct check *out = p->check;
    const struct estimate *e = &r->forced;
    bool worrying = e->low > 0.1; /* more than one picture in ten */
    const char *level = probe_keep(p, text_level(p->policy->threshold));
    out->question = mem_string("Can a wrong answer be forced?");
    out->measure = mem_string("of pictures turned");
    out->asks =
        mem_format("For each picture we draw one wrong class and hide pixels so that the model comes to believe "
                   "it, to %s sure. Nothing is painted in; pixels are only hidden.",
                   level);
    const char *found =
        probe_keep(p, mem_format("It worked in %s of the pictures. With as many pixels left at random it "
                                 "works in %s.",
                                 probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)),
                                 probe_keep(p, text_control(&r->random, UNIT_SHARE))));
    const char *left = "", *nothing = "";
    if (r->n_forced > 0)
        left = probe_keep(
            p, mem_format(" In the median, what is left has %s.", probe_keep(p, exhibit_pixels(r->median_left))));
    if (r->nothing_left > 0)
        nothing =
            probe_keep(p, mem_format(" In %d of %d turned pictures nothing is left at all, because the model gives "
                                     "the wrong class to the empty picture.",
                                     r->nothing_left, r->n_forced));
    out->found = mem_format("%s%s%s", found, left, nothing);
    out->means = mem_string(
        worrying
            ? "A high confidence of this model says little about what is in a picture when parts of it are hidden. "
              "It does not follow that the model is worse than others: most networks trained on whole pictures can "
              "be turned like this."
            : "Hiding pixels rarely makes the model sure of a wrong class. It does not follow that its "
              "confidence is right on whole pictures; see calibration.");
    out->act = probe_act(p, e, worrying, "Keep the curve and compare it with that of the next model.",
                         "Do not use the confidence of this model to accept or reject pictures that may be cropped, "
                         "covered or damaged.");
}

static void draw_curve(struct probe *p, const struct result *r)
{
    struct figure *f = check_add_figure(p->check, FIGURE_CURVE);
    f->heading = mem_string("Turned pictures, by how sure the model must be");
    f->x_unit = f->y_unit = UNIT_SHARE;
    f->x_label = mem_string("Probability of the wrong class");
    f->y_label = mem_string("Pictures turned");
    f->x_low = threshold_of_curve[0];
    f->x_high = f->y_high = 1;
    struct figure_series *series = figure_add_series(f, "pictures turned", TONE_DATA, THRESHOLDS);
    for (int k = 0; k < THRESHOLDS; k++)
        probe_point(series, k, threshold_of_curve[k], &r->curve[k]);
    f->has_limit = p->policy->side != SIDE_NONE;
    f->limit = p->policy->limit;
    f->caption =
        mem_format("%s, one wrong class each; the band is the 95%% interval (Wilson).", probe_keep(p, text_n(p->n)));
    f->description =
        mem_format("From %s at %s sure to %s at %s sure.", probe_keep(p, text_control(&r->curve[0], UNIT_SHARE)),
                   probe_keep(p, text_level(threshold_of_curve[0])),
                   probe_keep(p, text_control(&r->curve[THRESHOLDS - 1], UNIT_SHARE)),
                   probe_keep(p, text_level(threshold_of_curve[THRESHOLDS - 1])));
}

static void exhibit_forced(struct exhibit *e, const struct result *r, int k)
{
    uint8_t *mask = mem_alloc((size_t)study_pixels(e->probe->study), 1);
    probe_ranked(e->probe, r->picture[k], r->left[k], mask);
    exhibit_add(e, r->picture[k], NULL, NULL);
    exhibit_add(e, r->picture[k], mask, exhibit_pixels(r->left[k]));
    free(mask);
}

static bool draw_pictures(struct probe *p, const struct result *r, struct err *err)
{
    if (r->n_examples == 0)
        return true;
    struct exhibit e = { .probe = p };
    for (int k = 0; k < r->n_examples; k++)
        exhibit_forced(&e, r, r->example[k]);
    struct figure *f = check_add_figure(p->check, FIGURE_PICTURES);
    f->heading = mem_string("The picture, and what is left of it for a wrong answer");
    f->caption = mem_string("The first turned pictures of the sample of which something is left.");
    f->description = mem_string("Pictures, and the pixels of them that make the model sure of a wrong class.");
    return exhibit_hang(&e, f, err);
}

static bool state_fact(struct probe *p, const struct result *r, struct err *err)
{
    struct fact *fact = &p->check->fact;
    const struct estimate *e = &r->forced;
    fact->heading =
        mem_format("Wrong answers can be forced in %s", probe_keep(p, text_value(e, UNIT_SHARE, p->policy)));
    fact->sentence = mem_format(
        "Hiding the right pixels made the model %s sure of a wrong class drawn at random in %s of the pictures.",
        probe_keep(p, text_level(p->policy->threshold)), probe_keep(p, text_estimate(e, UNIT_SHARE, p->policy)));
    fact->sentence = probe_with_limit(p, e, UNIT_SHARE, fact->sentence);
    struct exhibit exhibit = { .probe = p };
    if (r->n_examples > 0)
        exhibit_forced(&exhibit, r, r->example[0]);
    return exhibit_hang_fact(&exhibit, fact, err);
}

static json_t *details(const struct result *r)
{
    json_t *curve = json_array(), *object = json_object();
    for (int k = 0; k < THRESHOLDS; k++) {
        json_t *point = json_object();
        json_object_set_new(point, "threshold", probe_number(threshold_of_curve[k]));
        json_object_set_new(point, "forced", probe_json(&r->curve[k]));
        json_array_append_new(curve, point);
    }
    json_object_set_new(object, "curve", curve);
    json_object_set_new(object, "random_forced", probe_json(&r->random));
    json_object_set_new(object, "median_pixels_left", r->n_forced ? json_integer(r->median_left) : json_null());
    json_object_set_new(object, "nothing_left", json_integer(r->nothing_left));
    return object;
}

bool check_wrong_class(struct study *s, const struct policy_check *policy, int64_t n, struct check *out,
                       struct err *err)
{
    struct probe p;
    struct result r = { 0 };
    probe_open(&p, s, policy, n, out);
    bool ok = probe_search(&p, TARGET_WRONG, probe_rank(s), p.n, err);
    if (ok)
        find(&p, &r);
    ok = ok && measure_random(&p, &r, err);
    if (ok) {
        out->unit = UNIT_SHARE;
        out->estimate = r.forced;
        out->details = details(&r);
        word(&p, &r);
        draw_curve(&p, &r);
        ok = draw_pictures(&p, &r, err) && state_fact(&p, &r, err);
    }
    free(r.picture);
    free(r.left);
    free(r.wanted);
    probe_close(&p);
    return ok;
}
