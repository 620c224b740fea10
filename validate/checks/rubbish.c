#include "validate/checks/checks.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/made.h"
#include "validate/checks/text.h"

/* blank: of one colour. single: there is only one such picture, nothing is drawn. */
static const struct kind {
    const char *name;
    bool single;
} kinds[RUBBISH_KINDS] = { [RUBBISH_NOISE] = { "uniform noise", false },
                           [RUBBISH_SHUFFLED] = { "pictures with shuffled pixels", false },
                           [RUBBISH_OWN_MEAN] = { "blank, mean colour of a picture", false },
                           [RUBBISH_SET_MEAN] = { "blank, mean colour of the data set", true },
                           [RUBBISH_BLACK] = { "blank, black", true } };

/* Picture i of kind k is number first[k] + i. */
struct rubbish {
    struct study *study;
    int64_t first[RUBBISH_KINDS + 1];
    float *z; /* [first[RUBBISH_KINDS], K] */
};

/* What the model said to one kind. */
struct answered {
    int64_t n, sure;
    int64_t surest; /* number of the picture with the largest confidence */
    double confidence, largest;
};

static void make(void *self, int64_t number, float *x)
{
    const struct rubbish *r = self;
    int k = 0;
    while (number >= r->first[k + 1])
        k++;
    made_rubbish(r->study, k, (int)(number - r->first[k]), x);
}

static const float *logits_of(const struct rubbish *r, int64_t number)
{
    return r->z + (size_t)number * (size_t)r->study->model->classes;
}

static double confidence_of(const struct rubbish *r, int64_t number, int *class)
{
    const float *z = logits_of(r, number);
    *class = argmax_of(z, r->study->model->classes);
    return softmax_of(z, r->study->model->classes, *class);
}

static struct answered count(const struct rubbish *r, int kind, double threshold)
{
    struct answered a = { .n = r->first[kind + 1] - r->first[kind], .surest = r->first[kind] };
    for (int64_t i = r->first[kind]; i < r->first[kind + 1]; i++) {
        int class;
        double p = confidence_of(r, i, &class);
        a.sure += p >= threshold;
        a.confidence += p;
        if (p > a.largest) {
            a.largest = p;
            a.surest = i;
        }
    }
    return a;
}

/* A single picture is not a sample of anything: no interval. */
static struct estimate estimate_kind(const struct answered *a, const struct kind *kind)
{
    double value = (double)a->sure / (double)a->n;
    return kind->single ? (struct estimate){ value, value, value, a->n } : estimate_share(a->sure, a->n);
}

/* The control: true pictures that are answered with at least this confidence. */
static struct estimate estimate_true(const struct study *s, int64_t n, double threshold)
{
    int64_t sure = 0;
    for (int64_t row = 0; row < n; row++)
        sure += s->confidence[row] >= threshold;
    return estimate_share(sure, n);
}

static void draw(struct check *out, const struct rubbish *r, const struct answered *a, const struct policy_check *p)
{
    struct figure *f = check_add_figure(out, FIGURE_ROWS);
    char *level = text_level(p->threshold);
    f->heading = mem_format("Answered with at least %s", level);
    f->caption = mem_string("Share of pictures of each kind; lines are 95% intervals (Wilson). A kind without n is one "
                            "picture.");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("share of pictures");
    f->x_high = 1;
    f->has_limit = p->side != SIDE_NONE;
    f->limit = p->limit;
    for (int k = 0; k < RUBBISH_KINDS; k++) {
        struct estimate e = estimate_kind(&a[k], &kinds[k]);
        char *n = text_n(a[k].n),
             *name = kinds[k].single ? mem_string(kinds[k].name) : mem_format("%s, %s", kinds[k].name, n);
        figure_add_row(f, name, e.value, e.low, e.high, TONE_DATA);
        free(name);
        free(n);
    }
    struct estimate control = estimate_true(r->study, a[RUBBISH_SHUFFLED].n, p->threshold);
    figure_add_row(f, "true pictures, for comparison", control.value, control.low, control.high, TONE_CONTROL);
    text_describe_rows(f);
    free(level);
}

/* "“airplane”, 47%". */
static char *answer(const struct rubbish *r, int64_t number)
{
    int class;
    char *sure = text_sure(confidence_of(r, number, &class)), *name = text_class(r->study, class);
    char *text = mem_format("%s, %s", name, sure);
    free(name);
    free(sure);
    return text;
}

static void say_found(struct check *out, const struct rubbish *r, const struct answered *a,
                      const struct policy_check *p)
{
    struct estimate e[RUBBISH_KINDS], control = estimate_true(r->study, a[RUBBISH_SHUFFLED].n, p->threshold);
    char *value = text_value(&out->estimate, out->unit, p), *brackets = text_brackets(&out->estimate, out->unit, p);
    char *share[3], *true_share = text_control(&control, UNIT_SHARE);
    for (int k = RUBBISH_NOISE; k <= RUBBISH_OWN_MEAN; k++) {
        e[k] = estimate_kind(&a[k], &kinds[k]);
        share[k] = text_control(&e[k], UNIT_SHARE);
    }
    char *blank = answer(r, r->first[RUBBISH_SET_MEAN]), *black = answer(r, r->first[RUBBISH_BLACK]),
         *level = text_level(p->threshold);
    out->found =
        mem_format("%s of the pictures without an object are answered with at least %s %s: of noise %s, of shuffled "
                   "pictures %s, of blank ones %s; "
                   "of the true pictures %s. The answer to the blank picture of the mean colour is %s; to the "
                   "black one %s.",
                   value, level, brackets, share[RUBBISH_NOISE], share[RUBBISH_SHUFFLED], share[RUBBISH_OWN_MEAN],
                   true_share, blank, black);
    free(level);
    free(black);
    free(blank);
    for (int k = RUBBISH_NOISE; k <= RUBBISH_OWN_MEAN; k++)
        free(share[k]);
    free(true_share);
    free(brackets);
    free(value);
}

static void words(struct check *out, const struct policy_check *p)
{
    char *level = text_level(p->threshold);
    out->question = mem_string("Is it sure of pictures that show nothing?");
    out->measure = mem_format("answered with %s or more", level);
    out->asks = mem_string("We show noise, true pictures whose pixels are shuffled, and blank pictures, and count the "
                           "answers that are sure all the same.");
    const char *outcome =
        text_choose(&out->estimate, p,
                    "Few or none of the pictures without an object get a sure "
                    "answer. Other kinds of rubbish were not tried.",
                    "The model is sure where there is nothing to see, so its confidence does not show "
                    "that it knows what it sees.",
                    "Whether the model is sure where there is nothing to see is not settled.");
    const char *reported = "An answer to a picture that shows nothing is guessing, however sure it is.";
    out->means = mem_format("%s A class that the blank picture already favours needs almost no pixels in the other "
                            "checks.",
                            p->side == SIDE_NONE ? reported : outcome);
    out->act = text_act(&out->estimate, p,
                        "Keep the answer to the blank picture in mind when reading sizes of deciding "
                        "parts.",
                        "Do not use the confidence to reject pictures that show nothing; train with input dropout or "
                        "with rubbish pictures under an even target.");
    free(level);
}

/* The surest of each drawn kind. */
static void tell_fact(struct check *out, const struct rubbish *r, const struct answered *a,
                      const struct policy_check *p)
{
    const struct classifier *m = r->study->model;
    char *estimate = text_estimate(&out->estimate, out->unit, p), *limit = text_limit(&out->estimate, out->unit, p);
    char *level = text_level(p->threshold);
    float *x = mem_alloc(study_floats(r->study), sizeof *x);
    out->fact.heading = mem_string("It is sure of pictures that show nothing");
    out->fact.sentence = mem_format("Of pictures without an object, %s are answered with at least %s.%s%s", estimate,
                                    level, *limit ? " " : "", limit);
    out->fact.n_pictures = RUBBISH_OWN_MEAN + 1;
    for (int k = RUBBISH_NOISE; k <= RUBBISH_OWN_MEAN; k++) {
        struct picture *picture = &out->fact.picture[k];
        make((void *)r, a[k].surest, x);
        *picture = (struct picture){ .w = m->w, .h = m->h, .channels = 3 };
        picture->pixels = mem_alloc((size_t)study_pixels(r->study), 3);
        picture_from_image(x, m->c, m->h, m->w, picture->pixels);
        picture->alt = mem_format("The surest of %lld: %s", (long long)a[k].n, kinds[k].name);
        picture->caption = answer(r, a[k].surest);
    }
    free(x);
    free(level);
    free(limit);
    free(estimate);
}

static json_t *details(const struct rubbish *r, const struct answered *a)
{
    json_t *list = json_object();
    for (int k = 0; k < RUBBISH_KINDS; k++) {
        int class;
        confidence_of(r, a[k].surest, &class);
        json_object_set_new(list, kinds[k].name,
                            json_pack("{s:I, s:I, s:o, s:o, s:s}", "pictures", (json_int_t)a[k].n, "sure",
                                      (json_int_t)a[k].sure, "mean_confidence",
                                      json_finite(a[k].confidence / (double)a[k].n), "largest_confidence",
                                      json_finite(a[k].largest), "surest_answer", r->study->data->class_names[class]));
    }
    return json_pack("{s:o}", "kinds", list);
}

static void report(const struct rubbish *r, const struct policy_check *p, struct check *out)
{
    struct answered a[RUBBISH_KINDS];
    int64_t sure = 0, n = r->first[RUBBISH_KINDS];
    for (int k = 0; k < RUBBISH_KINDS; k++) {
        a[k] = count(r, k, p->threshold);
        sure += a[k].sure;
    }
    out->kind = mem_string(p->type->kind);
    out->unit = UNIT_SHARE;
    out->of = "pictures without an object";
    out->estimate = estimate_share(sure, n);
    words(out, p);
    say_found(out, r, a, p);
    if (sure > 0)
        tell_fact(out, r, a, p);
    draw(out, r, a, p);
    out->details = details(r, a);
}

bool check_rubbish(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    struct rubbish r = { .study = s };
    int64_t drawn = n < s->n ? n : s->n;
    for (int k = 0; k < RUBBISH_KINDS; k++)
        r.first[k + 1] = r.first[k] + (kinds[k].single ? 1 : drawn);
    r.z = mem_alloc((size_t)r.first[RUBBISH_KINDS] * (size_t)s->model->classes, sizeof *r.z);
    bool ok = study_logits(s, "pictures without an object", r.first[RUBBISH_KINDS], make, &r, r.z, err);
    if (ok)
        report(&r, p, out);
    free(r.z);
    return ok;
}
