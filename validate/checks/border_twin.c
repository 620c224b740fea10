/* Could this network have learnt the task from the border? A twin of the model, with the same cfg, seed and data, is
 * trained and tested on a ring along the edge alone; another on a centre of the same area. The model itself is only
 * asked for comparison: the twins tell what the data give away, border.accuracy what the model takes.
 *
 * The interval is that of the test pictures (Newcombe: two counts taken as independent, though they are of the same
 * pictures, which makes it wider rather than narrower). It does not hold what another seed would give. */
#include "validate/checks/checks.h"

#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/statistics.h"
#include "datasets/region.h"
#include "validate/bind_cfg.h"
#include "validate/checks/estimate.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/parts.h"
#include "validate/checks/text.h"
#include "validate/trainer.h"

enum { RING, CENTRE, TWINS };

struct twins {
    struct study *study;
    const struct policy_check *policy;
    int h, w, area;
    uint8_t *mask[TWINS];
    char *folder, *cfg; /* of the trainings: directory/twin_W, and the cfg in it */
    struct training_result trained[TWINS];
    struct estimate right[TWINS], whole, difference;
    double majority;
    int n_texts;
    char *text[16];
};

/* Takes a text over and frees it in the end. */
static const char *keep(struct twins *t, char *text)
{
    assert(t->n_texts < (int)(sizeof t->text / sizeof *t->text));
    return t->text[t->n_texts++] = text;
}

static bool open_twins(struct twins *t, struct err *err)
{
    const struct study *s = t->study;
    int width = t->policy->width;

    t->h = s->model->h;
    t->w = s->model->w;
    if (s->view)
        return err_usage(err, "%s: a twin is trained on a view of its own; leave out --view", t->policy->id);
    if (!s->recipe.program || !s->directory)
        return err_usage(err, "%s: needs the program train and a directory for its trainings; run it by validate model",
                         t->policy->id);
    if (!region_ring_fits(t->h, t->w, width))
        return err_usage(err, "%s: a ring %d pixels wide covers more than half of %d x %d; take a smaller width",
                         t->policy->id, width, t->w, t->h);
    for (int k = 0; k < TWINS; k++)
        t->mask[k] = mem_alloc((size_t)t->h * (size_t)t->w, 1);
    t->area = region_ring(t->h, t->w, width, t->mask[RING]);
    region_centre(t->h, t->w, 0, t->area, t->mask[CENTRE]); /* as the view center:F */
    t->folder = mem_format("%s/twin_%d", s->directory, width);
    t->cfg = file_join(t->folder, "network.cfg");
    int h, w;
    return file_make_directories(t->folder, err) && bind_cfg(s->recipe.cfg, s->recipe.descriptor, t->cfg, &h, &w, err);
}

static void close_twins(struct twins *t)
{
    for (int k = 0; k < TWINS; k++)
        free(t->mask[k]);
    for (int i = 0; i < t->n_texts; i++)
        free(t->text[i]);
    free(t->folder);
    free(t->cfg);
}

/* 17 digits: read back, the share gives the same number of pixels. */
static bool train(struct twins *t, int k, struct err *err)
{
    static const char *const name[TWINS] = { "border", "center" };
    static const char *const what[TWINS] = { "twin on the border", "twin on the centre" };
    const struct study *s = t->study;
    char *run = file_join(t->folder, name[k]);
    char *view = k == RING ? mem_format("border:%d", t->policy->width)
                           : mem_format("center:%.17g", (double)t->area / ((double)t->h * t->w));
    struct training training = { .program = s->recipe.program,
                                 .cfg = t->cfg,
                                 .out = run,
                                 .data = s->recipe.data,
                                 .view = view,
                                 .baseline = s->identity->baseline,
                                 .seed = -1,
                                 .replace = !s->resume,
                                 .threads = s->recipe.threads,
                                 .progress = s->progress,
                                 .what = what[k],
                                 .stop = s->stop };
    bool ok =
        training_run_once(&training, &t->trained[k], err) &&
        (t->trained[k].test_images > 0 || err_run(err, "%s: was not tested; give the data set a test split", run));

    t->right[k] = estimate_share(t->trained[k].test_right, t->trained[k].test_images);
    free(view);
    free(run);
    return ok;
}

/* Share of the most frequent class of the test split. */
static double find_majority(const struct study *s)
{
    int64_t n = s->data->count[s->split], most = 0, *count = mem_alloc((size_t)s->data->classes, sizeof *count);

    for (int64_t i = 0; i < n; i++) {
        int64_t *c = &count[s->data->label(s->data, s->split, i)];
        ++*c;
        most = *c > most ? *c : most;
    }
    free(count);
    return (double)most / (double)n;
}

static bool find_whole(struct twins *t, struct err *err)
{
    const struct answers *a = study_answers(t->study, err);
    int64_t right = 0;

    for (int64_t i = 0; a && i < a->n; i++)
        right += a->predicted[i] == a->label[i];
    if (a)
        t->whole = estimate_share(right, a->n);
    return a != NULL;
}

static bool measure(struct twins *t, struct err *err)
{
    if (!find_whole(t, err) || !train(t, RING, err) || !train(t, CENTRE, err))
        return false;
    const struct training_result *ring = &t->trained[RING], *centre = &t->trained[CENTRE];
    struct interval i = newcombe(ring->test_right, ring->test_images, centre->test_right, centre->test_images);
    t->difference = (struct estimate){ ring->test_accuracy - centre->test_accuracy, i.low, i.high, ring->test_images };
    t->majority = find_majority(t->study);
    return true;
}

static const char *share(struct twins *t, const struct estimate *e)
{
    return keep(t, text_control(e, UNIT_SHARE));
}

/* Of an ensemble the first member stands for all: what the data give away needs no second network. */
static const char *twin_of(struct twins *t)
{
    int members = t->study->recipe.members;

    return members > 1 ? keep(t, mem_format("the network of the first of the ensemble's %d members", members))
                       : "the same network";
}

static void word(struct twins *t, struct check *out)
{
    const struct estimate *e = &t->difference;
    const struct policy_check *p = t->policy;
    const char *width = keep(t, exhibit_pixels(p->width));
    bool worrying = p->side == SIDE_NONE ? e->low > 0 : check_decide(e, p->side, p->limit) == CHECK_FAIL;

    out->question = mem_string("Could a network learn this task from the border?");
    out->measure = mem_format("twin on a ring %s wide, against one on a centre of the same area", width);
    out->asks = mem_format("We train %s twice more, from the start: once on nothing but a ring %s wide "
                           "along the edge of each picture, once on nothing but a centre of the same area. Each is "
                           "tested on what it was trained on.",
                           twin_of(t), width);
    out->found = mem_format(
        "Ring minus centre is %s. The twin on the ring is right in %s, the one on the centre in %s, the model itself, "
        "on whole pictures, in %s. Always naming the most frequent class would give %s, guessing %s.",
        keep(t, text_estimate(e, UNIT_POINTS, p)), share(t, &t->right[RING]), share(t, &t->right[CENTRE]),
        share(t, &t->whole), keep(t, text_number(t->majority, UNIT_SHARE)),
        keep(t, text_number(1.0 / t->study->model->classes, UNIT_SHARE)));
    out->means =
        mem_string(worrying ? "The edge of these pictures tells more about the class than their middle, where the "
                              "object usually is: whoever trains on them can learn a background or a mark. It does "
                              "not follow that this model did; border.accuracy asks it."
                            : "For this network the edge tells no more than the middle does. It does not follow "
                              "that the edge tells nothing, or that another network could not use it. One training "
                              "each: another seed may give a little more or less.");
    out->act = text_act(e, p, "Keep the figures and compare them with those of the next model.",
                        "Look at the data with validate dataset, crop or randomise the border, and train again.");
    if (p->side == SIDE_NONE && worrying) {
        free(out->act);
        out->act = mem_string("Look at the data with validate dataset, crop or randomise the border, and train again.");
    }
}

static void draw(struct twins *t, struct check *out)
{
    struct figure *f = check_add_figure(out, FIGURE_ROWS);

    f->heading = mem_string("Right answers after a training on one part");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Right answers");
    f->x_high = 1;
    figure_add_row(f, "only the ring", t->right[RING].value, t->right[RING].low, t->right[RING].high,
                   estimate_tone(&t->difference, t->policy));
    figure_add_row(f, "only the centre", t->right[CENTRE].value, t->right[CENTRE].low, t->right[CENTRE].high,
                   TONE_CONTROL);
    figure_add_row(f, "most frequent class", t->majority, t->majority, t->majority, TONE_CONTROL);
    figure_add_row(f, "the model, whole", t->whole.value, t->whole.low, t->whole.high, TONE_CONTROL);
    f->caption = mem_format("%s; ring and centre have %s each; lines are 95%% intervals over test pictures (Wilson), "
                            "one training each.",
                            keep(t, text_n(t->trained[RING].test_images)), keep(t, exhibit_pixels(t->area)));
    text_describe_rows(f);
}

static void state_fact(struct twins *t, struct check *out)
{
    struct fact *fact = &out->fact;
    enum baseline b = parts_baseline(t->study);
    const char *limit = keep(t, text_limit(&t->difference, UNIT_POINTS, t->policy));
    char *label = text_class(t->study, t->study->label[0]);

    fact->heading =
        mem_format("Trained on the border alone, %s right", keep(t, text_number(t->right[RING].value, UNIT_SHARE)));
    fact->sentence =
        mem_format("A twin that never saw more than the border is right in %s, one that saw a centre of "
                   "the same area in %s: a difference of %s.%s%s",
                   share(t, &t->right[RING]), share(t, &t->right[CENTRE]),
                   keep(t, text_estimate(&t->difference, UNIT_POINTS, t->policy)), *limit ? " " : "", limit);
    picture_whole(&fact->picture[0], t->study, 0, mem_format("Picture of %s, whole", label), mem_string(label));
    picture_kept(&fact->picture[1], t->study, 0, t->mask[RING], b, mem_string("The same picture, only the ring"),
                 mem_string("what one twin sees"));
    picture_kept(&fact->picture[2], t->study, 0, t->mask[CENTRE], b, mem_string("The same picture, only the centre"),
                 mem_string("what the other sees"));
    fact->n_pictures = 3;
    free(label);
}

static json_t *twin_json(const struct training_result *r, const struct estimate *right)
{
    return json_pack("{s:o, s:o, s:o, s:s}", "right", probe_json(right), "train_right", json_real(r->train_accuracy),
                     "seconds", json_real(r->seconds), "weights_sha256", r->weights_hash);
}

static json_t *details(const struct twins *t)
{
    json_t *object = json_object();

    json_object_set_new(object, "width_px", json_integer(t->policy->width));
    json_object_set_new(object, "area_px", json_integer(t->area));
    json_object_set_new(object, "ring", twin_json(&t->trained[RING], &t->right[RING]));
    json_object_set_new(object, "centre", twin_json(&t->trained[CENTRE], &t->right[CENTRE]));
    json_object_set_new(object, "model_whole_right", probe_json(&t->whole));
    json_object_set_new(object, "majority_right", json_real(t->majority));
    json_object_set_new(object, "chance", json_real(1.0 / t->study->model->classes));
    return object;
}

bool check_border_twin(struct study *s, const struct policy_check *policy, int64_t n, struct check *out,
                       struct err *err)
{
    struct twins t = { .study = s, .policy = policy };

    (void)n; /* a twin is trained and tested on all pictures, as the model was */
    bool ok = open_twins(&t, err) && measure(&t, err);
    if (ok) {
        out->kind = mem_string(policy->type->kind);
        out->of = "pictures";
        out->unit = UNIT_POINTS;
        out->estimate = t.difference;
        out->details = details(&t);
        word(&t, out);
        draw(&t, out);
        state_fact(&t, out);
    }
    close_twins(&t);
    return ok;
}
