#include "validate/dataset/border.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/text.h"
#include "validate/report/format.h"

enum { BEST_CLASSES = 5, EXAMPLES = 3, MEAN_CLASSES = 10, MEAN_PICTURES = 100 };

static const char *keep(struct border *b, char *text)
{
    return kept_add(&b->kept, text);
}

static const char *share(struct border *b, const struct estimate *e)
{
    return keep(b, text_control(e, UNIT_SHARE));
}

static const char *plain(struct border *b, double value)
{
    return keep(b, text_number(value, UNIT_SHARE));
}

/* "2 pixels", as an attribute: "2 pixels wide" */
static const char *width(struct border *b)
{
    return keep(b, exhibit_pixels(b->policy->width));
}

static const char *network_words(struct border *b)
{
    if (!b->trained)
        return "";
    const char *which = b->by_training ? " The value is the network's: it finds more at the border than the simple "
                                         "model."
                                       : "";
    return keep(b, mem_format(" A network trained on the ring alone names %s of the test pictures right, on the centre "
                              "%s, on random pixels %s; the simple model's difference is %s.%s",
                              share(b, &b->trained_right[BORDER_RING]), share(b, &b->trained_right[BORDER_CENTRE]),
                              share(b, &b->trained_right[BORDER_RANDOM]),
                              keep(b, text_estimate(&b->difference[b->against], UNIT_POINTS, b->policy)), which));
}

/* What the ring is compared with. */
static const char *other(const struct border *b)
{
    return b->against == BORDER_NEXT && !b->by_training ? "the next ring inside" : "a centre of the same area";
}

static char *found(struct border *b)
{
    return mem_format("Ring minus %s is %s. From the ring %s are told right, from the centre %s, from as many random "
                      "pixels %s, from the next ring inside %s. With shuffled labels the ring gives %s, always naming "
                      "the most frequent class %s, "
                      "guessing %s. The ring avoids %s of the errors that the most frequent class makes.%s",
                      other(b), keep(b, text_estimate(&b->check->estimate, UNIT_POINTS, b->policy)),
                      share(b, &b->right[BORDER_RING]), share(b, &b->right[BORDER_CENTRE]),
                      share(b, &b->right[BORDER_RANDOM]), share(b, &b->right[BORDER_NEXT]), share(b, &b->shuffled),
                      plain(b, b->probe.majority), plain(b, 1.0 / b->survey->data->classes),
                      plain(b, linear_probe_improvement(&b->probe, b->right[BORDER_RING].value)), network_words(b));
}

static const char *means(const struct border *b)
{
    if (b->worrying)
        return "The edge tells the class better than the rest of the picture does, pixel for pixel. A network can "
               "learn a "
               "frame, a mark or a background there instead of the object, and look accurate on test pictures that "
               "have it, too. It does not follow that every network does.";
    if (b->probe.few)
        return "There are fewer than ten pictures of each class: a simple model learns next to nothing from so few, so "
               "nothing follows.";
    return text_choose(
        &b->check->estimate, b->policy,
        "The edge gives away no more than the pixels further in. That is what photographs do: sky, water and "
        "grass at the edge are real. It does not follow that a network could not find more there.",
        "", "The edge may give away more than the pixels further in; this run cannot say.");
}

static char *act(struct border *b)
{
    static const char good[] = "Keep the figures and compare them with those of the next version of the set.";
    const char *bad =
        keep(b, mem_format("Look at the listed pictures, and ask where their border comes from. Cut it off "
                           "in a copy of the set (validate dataset with --fix crop-border:%d), and check "
                           "the copy.",
                           b->policy->width));
    if (b->probe.few && !b->by_training) {
        char *count = format_count(b->probe.n_needed);
        return mem_format("Use at least %s pictures, ten of each class: raise the sample of this check in the policy, "
                          "use --full, or add pictures to the set.",
                          keep(b, count));
    }
    return b->policy->side == SIDE_NONE ? mem_string(b->worrying ? bad : good)
                                        : text_act(&b->check->estimate, b->policy, good, bad);
}

static void state_fact(struct border *b)
{
    struct fact *fact = &b->check->fact;
    const struct estimate *e = &b->check->estimate;
    const struct estimate *right = b->by_training ? b->trained_right : b->right;
    int part = b->by_training ? BORDER_CENTRE : b->against;
    const char *limit = keep(b, text_limit(e, UNIT_POINTS, b->policy));
    fact->heading = mem_format("From the border alone, %s right", plain(b, right[BORDER_RING].value));
    fact->sentence = mem_format("From a ring %s wide %s are told right, from %s %s: a difference of %s.%s%s", width(b),
                                share(b, &right[BORDER_RING]), other(b), share(b, &right[part]),
                                keep(b, text_estimate(e, UNIT_POINTS, b->policy)), *limit ? " " : "", limit);
}

void border_word(struct border *b)
{
    struct check *out = b->check;
    out->question = mem_format("Does a border %s wide tell the class?", width(b));
    out->measure = mem_format("ring %s wide against %s", width(b), other(b));
    out->asks =
        mem_format("We train a simple model (a linear one, on colours and small patterns) on nothing but a ring "
                   "%s wide along the edge, and test it on pictures that it has not seen. We compare it with a "
                   "centre of the same area or with the next ring inside, whichever tells less.",
                   width(b));
    out->found = found(b);
    out->means = mem_string(means(b));
    out->act = act(b);
    state_fact(b);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static struct figure *rows(struct border *b, const char *heading)
{
    struct figure *f = check_add_figure(b->check, FIGURE_ROWS);
    f->heading = mem_string(heading);
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Right answers");
    f->x_high = 1;
    return f;
}

static void add_row(struct figure *f, const char *name, const struct estimate *e, enum tone tone)
{
    figure_add_row(f, name, e->value, e->low, e->high, tone);
}

static void draw_parts(struct border *b)
{
    static const char *const name[BORDER_PARTS] = { "only the ring", "only the centre", "random pixels",
                                                    "next ring inside" };
    struct figure *f = rows(b, "Told right when only one part is seen");
    enum tone tone = estimate_tone(&b->check->estimate, b->policy);
    for (int k = 0; k < BORDER_PARTS; k++)
        add_row(f, name[k], &b->right[k], k == BORDER_RING ? tone : TONE_CONTROL);
    add_row(f, "ring, shuffled labels", &b->shuffled, TONE_CONTROL);
    figure_add_row(f, "most frequent class", b->probe.majority, b->probe.majority, b->probe.majority, TONE_CONTROL);
    f->caption = mem_format("%s; ring, centre and random pixels have %s each, the next ring no fewer. Five-fold "
                            "cross-validation; lines are 95%% "
                            "intervals (Wilson). Guessing is right in %s.",
                            keep(b, text_n(b->probe.n)), keep(b, exhibit_pixels(b->area)),
                            plain(b, 1.0 / b->survey->data->classes));
    text_describe_rows(f);
}

static void draw_networks(struct border *b)
{
    static const char *const name[BORDER_TRAINING_PARTS] = { "only the ring", "only the centre", "random pixels" };
    struct figure *f = rows(b, "The same by networks, each trained on one part");
    for (int k = 0; k < BORDER_TRAINING_PARTS; k++)
        add_row(f, name[k], &b->trained_right[k],
                k == BORDER_RING ? estimate_tone(&b->trained_difference, b->policy) : TONE_CONTROL);
    f->caption = mem_format("%s of the test set; lines are 95%% intervals (Wilson).",
                            keep(b, text_n(b->training.part[BORDER_RING].images)));
    text_describe_rows(f);
}

static void draw_classes(struct border *b)
{
    int n = b->n_classes < BEST_CLASSES ? b->n_classes : BEST_CLASSES;
    struct figure *f = rows(b, n < b->n_classes ? "The five classes told best from the ring"
                                                : "The classes, told best from the ring first");
    enum tone tone = estimate_tone(&b->check->estimate, b->policy);
    for (int k = 0; k < n; k++) {
        struct estimate e = estimate_share(b->class[k].right, b->class[k].n);
        add_row(f, b->survey->data->class_names[b->class[k].class], &e, tone);
    }
    f->caption = mem_format("Share of the pictures of each class, %s in all; lines are 95%% intervals (Wilson).",
                            keep(b, text_n(b->probe.n)));
    text_describe_rows(f);
}

/* Told right from the ring and wrong from the other part, in the order of the set; then, where there are not enough,
 * the first others. */
static int find_examples(const struct border *b, int *example)
{
    int n = 0, wanted = b->probe.n < EXAMPLES ? b->probe.n : EXAMPLES;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < b->probe.n && n < wanted; i++)
            if (border_tells(b, i) == (pass == 0))
                example[n++] = i;
    return n;
}

static char *told(struct border *b, const char *part, int answer)
{
    return answer < 0 ? mem_format("%s: not told", part)
                      : mem_format("%s: told %s", part, keep(b, shown_class(b->survey, answer)));
}

struct example {
    char *alt, *caption;
    const uint8_t *mask;
};

/* The picture, its ring and what that is compared with. */
static void make_example(struct border *b, int i, struct example out[3])
{
    const char *label = keep(b, shown_class(b->survey, b->probe.label[i]));
    const char *number = keep(b, format_count(b->survey->image[b->probe.row[i]]));
    const char *set = b->survey->split == SPLIT_TEST ? "Test" : "Training";
    const char *inner = b->against == BORDER_NEXT ? "Only the next ring" : "Only the centre";
    out[0] = (struct example){ mem_format("%s picture %s, %s.", set, number, label),
                               mem_format("Picture %s: %s", number, label), NULL };
    for (int k = 1; k < 3; k++) {
        int part = k == 1 ? BORDER_RING : b->against;
        char *caption = told(b, k == 1 ? "Only the ring" : inner, b->part[part].told.answer[i]);
        out[k] =
            (struct example){ mem_format("The same picture, the rest hidden. %s.", caption), caption, b->mask[part] };
    }
}

static bool draw_examples(struct border *b, struct err *err)
{
    int example[EXAMPLES], n = find_examples(b, example);
    struct figure *f = check_add_figure(b->check, FIGURE_PICTURES);
    bool ok = true;
    f->heading = mem_string("The ring alone");
    f->caption =
        mem_format("The first pictures that are told right from the ring and wrong from %s; where there are not "
                   "enough, the first others. Grey is hidden.",
                   b->against == BORDER_NEXT ? "the next ring inside" : "the centre");
    f->description = mem_string("Pictures, each with only one part shown, and what was told from it.");
    for (int k = 0; k < n; k++) {
        struct example shown[3];
        make_example(b, example[k], shown);
        for (int j = 0; j < 3; j++)
            ok =
                shown_add(b->survey, f, b->probe.row[example[k]], shown[j].mask, shown[j].alt, shown[j].caption, err) &&
                ok;
    }
    return ok;
}

static bool draw_fact(struct border *b, struct err *err)
{
    int example[EXAMPLES];
    struct example shown[3];
    bool ok = true;
    find_examples(b, example);
    make_example(b, example[0], shown);
    for (int j = 0; j < 3; j++)
        ok = shown_add_fact(b->survey, &b->check->fact, b->probe.row[example[0]], shown[j].mask, shown[j].alt,
                            shown[j].caption, err) &&
             ok;
    return ok;
}

/* A frame that all pictures of a class have stays when they are averaged; what they show does not. */
static bool draw_means(struct border *b, struct err *err)
{
    int n = b->n_classes < MEAN_CLASSES ? b->n_classes : MEAN_CLASSES, rows_of_sample = b->survey->n;
    int *group = mem_alloc((size_t)rows_of_sample, sizeof *group);
    for (int row = 0; row < rows_of_sample; row++) {
        group[row] = -1;
        for (int k = 0; k < n; k++)
            if (b->survey->label[row] == b->class[k].class)
                group[row] = k;
    }
    struct figure *f = check_add_figure(b->check, FIGURE_PICTURES);
    f->heading = mem_string("The mean picture of each class");
    f->caption =
        mem_format("Mean of at most %d pictures of a class%s. What all of them have at the edge stays visible.",
                   MEAN_PICTURES, n < b->n_classes ? ", the classes told best from the ring" : "");
    f->description = mem_string("Pictures averaged by class.");
    bool ok = shown_add_means(b->survey, f, group, n, MEAN_PICTURES, err);
    for (int k = 0; k < n; k++) {
        const char *class = keep(b, shown_class(b->survey, b->class[k].class));
        f->picture[k].caption = mem_string(class);
        f->picture[k].alt = mem_format("Mean picture of %s.", class);
    }
    free(group);
    return ok;
}

bool border_draw(struct border *b, struct err *err)
{
    draw_parts(b);
    if (b->trained)
        draw_networks(b);
    draw_classes(b);
    bool open = check_decide(&b->check->estimate, b->policy->side, b->policy->limit) == CHECK_INCONCLUSIVE;
    return draw_examples(b, err) && draw_fact(b, err) && (!(b->worrying || open) || draw_means(b, err));
}
