/* Can the labels be learnt from a few scattered pixels of each picture, which mean nothing to a person?
 *
 * A mask that a model chose tells two things: the colours of the pixels it keeps, and where they are. The second alone
 * may name the class, since the places follow from the model's answer; and masks of pictures that the model was trained
 * on can spell out labels it knows by heart. On a planted set with a border cue (16 x 16 pixels, 5 % of them kept) a
 * new model is right in 92 % on the places of cross-fitted masks painted white, as often as on whole pictures. So right
 * answers on such subsets prove nothing about the pixels. Nor does "colours minus places" measure anything: it is 0
 * there, although the colours of the border are the cue.
 *
 * The value therefore rests on masks that cannot tell of their picture: cross-fitted ones (from models that never saw
 * it), dealt out anew at random, so that a picture is cut to the places of some other picture, of any class. A new
 * model is trained and tested on what it finds there; its right answers, minus those of one that gets as many pixels
 * drawn at random. Above 0, places that models prefer hold more of the label than random ones, in picture after
 * picture: a frame, a logo, a stamp. Objects that always stand in one place add to it. At 0 or below nothing is shown:
 * evidence that moves from picture to picture is lost in the exchange, and a cue that fills much of the picture is met
 * by random pixels, too (take a smaller fraction).
 *
 * All else is measured beside it, as published retraining does: given masks, cross-fitted ones, and both as places
 * only.
 *
 * The interval is over test pictures (Newcombe, as if the two counts were of different pictures, which makes it wider
 * rather than narrower). It does not hold what other seeds would give. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/statistics.h"
#include "validate/checks/estimate.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/probe.h"
#include "validate/checks/text.h"
#include "validate/dataset/retraining.h"
#include "validate/dataset/shown.h"

struct subsets {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    struct retraining retraining;
    struct estimate right[RETRAINED], difference;
    double majority;
    bool worrying;
    struct kept kept;
};

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static double find_majority(const struct survey *s, int64_t n)
{
    int64_t most = 0, *count = mem_alloc((size_t)s->data->classes, sizeof *count);

    for (int64_t i = 0; i < n; i++) {
        int64_t *c = &count[s->data->label(s->data, SPLIT_TEST, i)];
        ++*c;
        most = *c > most ? *c : most;
    }
    free(count);
    return (double)most / (double)n;
}

static void compare(struct subsets *b)
{
    const struct training_result *t = b->retraining.trained;
    const struct training_result *places = &t[RETRAINED_EXCHANGED], *random = &t[RETRAINED_RANDOM];
    struct interval i = newcombe(places->test_right, places->test_images, random->test_right, random->test_images);

    for (int k = 0; k < RETRAINED; k++)
        b->right[k] = estimate_share(t[k].test_right, t[k].test_images);
    b->difference =
        (struct estimate){ places->test_accuracy - random->test_accuracy, i.low, i.high, places->test_images };
    b->majority = find_majority(b->survey, b->retraining.n[SPLIT_TEST]);
    b->worrying = b->policy->side == SIDE_NONE
                      ? b->difference.low > 0
                      : check_decide(&b->difference, b->policy->side, b->policy->limit) == CHECK_FAIL;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static const char *share(struct subsets *b, enum retrained k)
{
    return kept_add(&b->kept, text_control(&b->right[k], UNIT_SHARE));
}

static void word(struct subsets *b)
{
    struct check *out = b->check;
    const struct estimate *e = &b->difference;
    const char *part = kept_add(&b->kept, text_level(b->policy->fraction));
    const char *pixels = kept_add(&b->kept, exhibit_pixels(b->retraining.kept));

    out->question = mem_string("Do a few scattered pixels teach the labels?");
    out->measure = mem_format("new model on %s in chosen places, against random ones", pixels);
    out->asks =
        mem_format("We train new models on %s of each picture alone (%s): in places that a model chose for some "
                   "other picture, so that the places do not give the answer away, and in places drawn at "
                   "random. Each is tested on pictures cut alike.",
                   part, pixels);
    out->found = mem_format(
        "Chosen places minus random ones is %s. Right are %s in chosen places, %s in random ones, %s on whole "
        "pictures. "
        "With each picture's own pixels, chosen by a model that never saw it, %s; with only their places, painted "
        "white, %s. With the masks that were given %s, and %s. The most frequent class would give %s.",
        kept_add(&b->kept, text_estimate(e, UNIT_POINTS, b->policy)), share(b, RETRAINED_EXCHANGED),
        share(b, RETRAINED_RANDOM), share(b, RETRAINED_WHOLE), share(b, RETRAINED_CROSS),
        share(b, RETRAINED_CROSS_PLACES), share(b, RETRAINED_GIVEN), share(b, RETRAINED_GIVEN_PLACES),
        kept_add(&b->kept, text_number(b->majority, UNIT_SHARE)));
    out->means = mem_string(
        b->worrying ? "A few pixels in places that are the same in picture after picture teach the labels better than "
                      "random ones: look for frames, logos and stamps there. Objects that always stand in one place do "
                      "the same. It does not follow that every model will rely on them."
                    : "Places that models prefer teach no more than random ones. It does not follow that scattered "
                      "pixels teach nothing: see the shares for random pixels and for each picture's own. One training "
                      "each; another seed may give a little more or less.");
    out->act =
        b->policy->side == SIDE_NONE && b->worrying
            ? mem_string("Look where the pixels lie; train with pixels dropped at random, and validate the model.")
            : text_act(e, b->policy, "Keep the figures and compare them with those of the next version.",
                       "Look where the pixels lie; train with pixels dropped at random, and validate the model.");
}

static void draw_rows(struct subsets *b)
{
    static const struct {
        enum retrained k;
        const char *name;
    } rows[] = { { RETRAINED_EXCHANGED, "chosen places" }, { RETRAINED_RANDOM, "random places" },
                 { RETRAINED_CROSS, "own pixels" },        { RETRAINED_CROSS_PLACES, "own, painted white" },
                 { RETRAINED_GIVEN, "given masks" },       { RETRAINED_GIVEN_PLACES, "given, painted white" },
                 { RETRAINED_WHOLE, "whole pictures" } };
    struct figure *f = check_add_figure(b->check, FIGURE_ROWS);

    f->heading = mem_string("Right answers after a training on such parts");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Right answers");
    f->x_high = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct estimate *e = &b->right[rows[i].k];
        figure_add_row(f, rows[i].name, e->value, e->low, e->high,
                       rows[i].k == RETRAINED_EXCHANGED ? estimate_tone(&b->difference, b->policy) : TONE_CONTROL);
    }
    figure_add_row(f, "most frequent class", b->majority, b->majority, b->majority, TONE_CONTROL);
    f->caption =
        mem_format("%s; %s of each picture; lines are 95%% intervals over test pictures (Wilson), one training "
                   "each.",
                   kept_add(&b->kept, text_n(b->difference.n)), kept_add(&b->kept, exhibit_pixels(b->retraining.kept)));
    text_describe_rows(f);
}

/* Test picture `image` as a network reads it: whole, and its chosen pixels on the mean colour. */
static bool draw_picture(struct subsets *b, struct figure *f, int64_t image, const uint8_t *mask, struct err *err)
{
    const struct survey *s = b->survey;
    struct augment a = s->geometry;
    struct image8 in;

    a.h = b->retraining.h;
    a.w = b->retraining.w;
    if (!s->data->read(s->data, SPLIT_TEST, image, &in, err))
        return false;
    int pixels = a.h * a.w;
    float *x = mem_alloc((size_t)a.c * (size_t)pixels, sizeof *x);
    augment_image(&a, &in, NULL, x);
    const char *label = kept_add(&b->kept, shown_class(s, s->data->label(s->data, SPLIT_TEST, image)));
    struct picture *p = figure_add_picture(f, a.w, a.h, 3, "", label);
    free(p->alt);
    p->alt = mem_format("Picture of %s, whole", label);
    picture_from_image(x, a.c, a.h, a.w, p->pixels);
    for (int i = 0; i < a.c * pixels; i++)
        x[i] = mask[i % pixels] ? x[i] : s->data->mean[i / pixels];
    p = figure_add_picture(f, a.w, a.h, 3, "", "what a model is trained on");
    free(p->alt);
    p->alt = mem_format("The same picture of %s, all but its chosen pixels hidden", label);
    picture_from_image(x, a.c, a.h, a.w, p->pixels);
    free(x);
    free(in.pixels);
    return true;
}

static bool draw_pictures(struct subsets *b, struct err *err)
{
    struct figure *f = check_add_figure(b->check, FIGURE_PICTURES);
    bool ok = true;

    f->heading = mem_string("Whole, and what is left");
    f->caption = mem_string("The first test pictures, with the pixels that a model chose which never saw them.");
    f->description = mem_string("Test pictures, whole and with a few scattered pixels left.");
    for (int k = 0; ok && k < RETRAINING_EXAMPLES && b->retraining.mask[k]; k++)
        ok = draw_picture(b, f, k, b->retraining.mask[k], err);
    return ok;
}

static json_t *training_json(const struct training_result *t, const struct estimate *right)
{
    return json_pack("{s:o, s:o, s:o, s:s}", "right", probe_json(right), "train_right", probe_number(t->train_accuracy),
                     "seconds", probe_number(t->seconds), "weights_sha256", t->weights_hash);
}

static json_t *details(const struct subsets *b)
{
    static const char *const name[RETRAINED] = { [RETRAINED_WHOLE] = "whole",
                                                 [RETRAINED_GIVEN] = "given_masks",
                                                 [RETRAINED_GIVEN_PLACES] = "given_places_alone",
                                                 [RETRAINED_CROSS] = "cross_fitted",
                                                 [RETRAINED_CROSS_PLACES] = "cross_places_alone",
                                                 [RETRAINED_EXCHANGED] = "exchanged",
                                                 [RETRAINED_RANDOM] = "random_pixels" };
    const struct retraining *r = &b->retraining;
    json_t *object = json_object();

    json_object_set_new(object, "kept_px", json_integer(r->kept));
    json_object_set_new(object, "train_pictures", json_integer(r->n[SPLIT_TRAIN]));
    json_object_set_new(object, "test_pictures", json_integer(r->n[SPLIT_TEST]));
    for (int k = 0; k < RETRAINED; k++)
        json_object_set_new(object, name[k], training_json(&r->trained[k], &b->right[k]));
    json_object_set_new(object, "cross_fitted_over_whole",
                        probe_number(b->right[RETRAINED_CROSS].value / b->right[RETRAINED_WHOLE].value));
    json_object_set_new(object, "majority_right", probe_number(b->majority));
    json_object_set_new(object, "chance", probe_number(1.0 / b->survey->data->classes));
    return object;
}

bool check_subset_retrain(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    struct subsets b = { .survey = s, .policy = p, .check = out };
    bool ok = retraining_run(s, p->fraction, n, &b.retraining, err);

    if (ok) {
        compare(&b);
        out->kind = mem_string(p->type->kind);
        out->of = "pictures";
        out->unit = UNIT_POINTS;
        out->estimate = b.difference;
        out->details = details(&b);
        word(&b);
        draw_rows(&b);
        ok = draw_pictures(&b, err);
    }
    kept_free(&b.kept);
    retraining_free(&b.retraining);
    return ok;
}
