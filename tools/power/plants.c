#include "tools/power/plants.h"

#include <stddef.h>
#include <string.h>

#include "tools/power/scenes.h"
#include "tools/power/sets.h"

/* --- places in the pictures that models are shown ----------------------------------------------------------------- */

static bool in_ring(int y, int x, int width)
{
    return y < width || x < width || y >= SCENE_SIDE - width || x >= SCENE_SIDE - width;
}

static bool outermost(int y, int x, int k)
{
    (void)k;
    return in_ring(y, x, 1);
}

static bool further_in(int y, int x, int k)
{
    return !outermost(y, x, k);
}

static bool edge(int y, int x, int k)
{
    (void)k;
    return in_ring(y, x, 2);
}

static bool middle(int y, int x, int k)
{
    return !edge(y, x, k);
}

static bool upper(int y, int x, int k)
{
    (void)x, (void)k;
    return y < SCENE_SIDE / 2;
}

static bool lower(int y, int x, int k)
{
    return !upper(y, x, k);
}

static bool one_pixel(int y, int x, int k)
{
    (void)k;
    return y == 5 && x == 5;
}

/* 13 pixels, the 5 % of them all that subset.sufficiency shows. */
static bool small_mark(int y, int x, int k)
{
    return lower(y, x, k) && ((x == 0 && y < SCENE_SIDE - 1) || (x == 1 && y < SCENE_SIDE - 2));
}

/* Two columns of the lower half, other ones for every class. */
static bool own_columns(int y, int x, int k)
{
    return lower(y, x, k) && x / 2 == k;
}

/* The gain at which this many pixels of a layer make the model 99 % sure. */
static double gain_for(double pixels, double amplitude, double weight)
{
    return SCENE_SURE / (3 * pixels * amplitude * weight);
}

/* --- models ------------------------------------------------------------------------------------------------------- */

static void is_wrong(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .share = 1, .amplitude = 0.3, .weight = 1 };
    s->gain = gain_for(64, 0.3, 1);
    s->mislabelled = share;
}

/* Margins from 0 to about 8, true as they stand; then too large. */
static void is_overrated(struct planted_scene *s, double excess)
{
    s->layer[0] = (struct scene_layer){ .share = 1, .amplitude = 0.3, .weight = 1 };
    s->gain = 1.5 * gain_for(SCENE_PIXELS, 0.3, 1);
    s->fade = 1;
    s->drawn_labels = true;
    s->overrated = excess;
}

static void is_too_sure(struct planted_scene *s, double excess)
{
    s->layer[0] = (struct scene_layer){ .share = 1, .amplitude = 0.3, .weight = 1 };
    s->gain = gain_for(0.25 * SCENE_PIXELS, 0.3, 1) * (1 + excess);
    s->fade = 0.2;
}

/* Without the mark it takes 26 pixels at least to outweigh the bias: each speaks for the class and against class 0. */
static void reads_a_mark(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .in = upper, .share = 1, .amplitude = 0.3, .weight = 1 };
    s->layer[1] = (struct scene_layer){ .in = small_mark, .share = share, .amplitude = 0.4, .weight = 6 };
    s->gain = gain_for(26, 0.3, 1);
    s->bias = 2 * SCENE_SURE;
}

static void weighs_the_edge(struct planted_scene *s, double more)
{
    s->layer[0] = (struct scene_layer){ .in = further_in, .share = 1, .amplitude = 0.4, .uneven = 1, .weight = 1 };
    s->layer[1] =
        (struct scene_layer){ .in = outermost, .share = 1, .amplitude = 0.4, .uneven = 1, .weight = 1 + more };
    s->gain = gain_for(40, 0.3, 1);
}

static void reads_the_edge(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .in = middle, .share = 0.5, .amplitude = 0.3, .weight = 1 };
    s->layer[1] = (struct scene_layer){ .in = edge, .share = share, .amplitude = 0.3, .weight = 1 };
    s->gain = gain_for(40, 0.3, 1);
}

/* White and black tell nothing of hues; then class 0 is named. */
static void reads_places(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .in = upper, .code = CODE_HUES, .share = 1, .amplitude = 0.3, .weight = 1 };
    s->layer[1] =
        (struct scene_layer){ .in = own_columns, .code = CODE_LIGHT, .share = share, .amplitude = 0.4, .weight = 4 };
    s->gain = gain_for(10, 0.3, 1);
    s->bias = 0.1 * SCENE_SURE;
}

/* The bias keeps a few pixels in wrong places from naming the class by chance. */
static void reads_colour(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .in = upper, .share = 1, .amplitude = 0.3, .weight = 1 };
    s->layer[1] =
        (struct scene_layer){ .in = lower, .code = CODE_COLOUR, .share = share, .amplitude = 0.4, .weight = 4 };
    s->gain = gain_for(10, 0.3, 1);
    s->bias = 1.2 * SCENE_SURE;
}

/* In the upper half white squares of a chessboard speak for the class, black ones louder against it; the lower half
 * outweighs both. */
static void loses_its_answer(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .in = lower, .share = 1, .amplitude = 0.3, .weight = 16 };
    s->layer[1] =
        (struct scene_layer){ .in = upper, .share = share, .amplitude = 0.3, .weight = 20, .weight_odd = -40 };
    s->gain = gain_for(7, 0.3, 20);
}

static void is_always_sure(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .share = 1, .amplitude = 0.4, .uneven = 0.5, .weight = 1 };
    s->gain = gain_for(64, 0.3, 1);
    s->always_sure = share;
}

/* One pixel, or else a colour everywhere, which a blurred picture still has. */
static void reads_the_filling(struct planted_scene *s, double share)
{
    s->layer[0] =
        (struct scene_layer){ .in = one_pixel, .code = CODE_COLOUR, .share = 1, .amplitude = 0.4, .weight = 1 - share };
    s->layer[1] =
        (struct scene_layer){ .code = CODE_COLOUR, .share = 1, .amplitude = 0.4, .weight = 3 * share / SCENE_PIXELS };
    s->gain = 2 * gain_for(1, 0.4, 1);
    s->fade = 0.2;
}

/* Parts grow as the pattern fades. */
static void needs_more_when_wrong(struct planted_scene *s, double more)
{
    s->layer[0] = (struct scene_layer){ .share = 1, .amplitude = 0.25, .weight = 1 };
    s->gain = gain_for(0.15 * SCENE_PIXELS, 0.25, 1);
    s->fade = 0.2;
    s->mislabelled = 0.4;
    s->of_mislabelled = 1 / (1 + more);
}

/* Scraps that hiding can turn into any class. */
static void has_scraps(struct planted_scene *s, double share)
{
    s->layer[0] = (struct scene_layer){ .in = upper, .share = 1, .amplitude = 0.3, .weight = 1 };
    s->layer[1] = (struct scene_layer){ .in = lower, .share = share, .noise = 0.45, .weight = 1 };
    s->gain = gain_for(10, 0.3, 1);
}

/* --- data sets ---------------------------------------------------------------------------------------------------- */

static void spoil(struct planted_set *s, double share)
{
    s->unusable = share;
}

static void thin(struct planted_set *s, double share)
{
    s->made.n_train = 6000;
    s->thinned = share;
}

static void copy_across(struct planted_set *s, double share)
{
    s->copies_across = share;
}

static void copy_within(struct planted_set *s, double share)
{
    s->copies_within = share;
}

static void copy_and_relabel(struct planted_set *s, double share)
{
    s->copies_within = share;
    s->copies_relabelled = true;
}

static void code_border(struct planted_set *s, int width, double share)
{
    s->made.border_width = width;
    s->made.border_cue = share;
}

static void code_border_1(struct planted_set *s, double share)
{
    code_border(s, 1, share);
}

static void code_border_2(struct planted_set *s, double share)
{
    code_border(s, 2, share);
}

static void code_border_4(struct planted_set *s, double share)
{
    code_border(s, 4, share);
}

static void code_corner(struct planted_set *s, double share)
{
    s->made.n_train = 1000;
    s->made.n_test = 0;
    s->corner = true;
    s->corner_cue = share;
}

static void code_size(struct planted_set *s, double share)
{
    s->sizes = true;
    s->size_cue = share;
}

static void code_brightness(struct planted_set *s, double share)
{
    s->made.property_cue = share;
}

static void brighten_test(struct planted_set *s, double by)
{
    s->made.n_train = 4000;
    s->made.n_test = 2000;
    s->test_brighter = by;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* A row of the table: its name, its knob, what plants it, and the strengths. */
#define COUNT(...) (int)(sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))
#define ROW(name, knob, into, function, ...)                                                                           \
    {                                                                                                                  \
        name, knob, COUNT(__VA_ARGS__), { __VA_ARGS__ }, .into = function                                              \
    }
#define MODELS(name, knob, function, ...) ROW(name, knob, into_model, function, __VA_ARGS__)
#define SETS(name, knob, function, ...) ROW(name, knob, into_set, function, __VA_ARGS__)
#define BORDER_KNOB(width) "share of pictures whose border, " width ", has the colour of their label"

/* clang-format off */
const struct plant plants[] = {
    MODELS("accuracy", "share of answers that are wrong",
        is_wrong, 0, 0.05, 0.08, 0.09, 0.1, 0.11, 0.12, 0.2),
    MODELS("calibration", "by how much the logits are too large (1: twice as large)",
        is_overrated, 0, 0.1, 0.2, 0.3, 0.4, 0.6, 1, 3),
    MODELS("sis.size", "by how much the logits are too large; at 0 a quarter of the pixels is needed, at 1 an eighth",
        is_too_sure, 0, 0.3, 0.4, 0.45, 0.5, 0.6, 1, 9),
    MODELS("subset.sufficiency", "share of pictures with a mark of 13 pixels that tells the class",
        reads_a_mark, 0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1),
    MODELS("border.share", "by how much the outermost pixels weigh more than the others",
        weighs_the_edge, 0, 0.03, 0.05, 0.07, 0.1, 0.15, 0.3, 1),
    MODELS("border.accuracy", "share of pictures whose edge tells the class; the middle does in half of them",
        reads_the_edge, 0, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 1),
    MODELS("mask.only", "share of pictures with a mark whose place tells the class",
        reads_places, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 1),
    MODELS("shuffled.values", "share of pictures with a coloured half that tells the class",
        reads_colour, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 1),
    MODELS("dilation", "share of pictures in which the neighbours of deciding pixels speak against them",
        loses_its_answer, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 1),
    MODELS("rubbish", "share of all inputs, whatever they show, that get a sure answer",
        is_always_sure, 0, 0.05, 0.08, 0.09, 0.1, 0.12, 0.15, 0.5),
    MODELS("baseline.sensitivity", "share of the evidence that is not one pixel, but a colour everywhere",
        reads_the_filling, 0, 0.1, 0.15, 0.16, 0.17, 0.18, 0.2, 1),
    MODELS("correct.vs.wrong", "by how much the parts of wrong answers are larger than those of right ones",
        needs_more_when_wrong, -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.5),
    MODELS("wrong.class", "share of pictures with scraps that hiding can turn into any class",
        has_scraps, 0, 0.05, 0.1, 0.2, 0.3, 0.5, 1),
    SETS("integrity", "share of pictures that are blank, cannot be read, or are five times as long as wide",
        spoil, 0, 0.0005, 0.001, 0.002, 0.005, 0.1),
    SETS("class.balance", "share of one class that is missing",
        thin, 0, 0.2, 0.4, 0.45, 0.5, 0.55, 0.6, 0.9),
    SETS("duplicates.across", "share of test pictures that are copies of training pictures",
        copy_across, 0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.05, 0.2),
    SETS("duplicates.within", "share of training pictures that are copies of others",
        copy_within, 0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.05, 0.2),
    SETS("duplicates.labels", "share of training pictures that are copies of others, with another label",
        copy_and_relabel, 0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1),
    SETS("border.sufficiency@2", BORDER_KNOB("2 pixels wide"),
        code_border_2, 0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1),
    SETS("border.sufficiency@1", BORDER_KNOB("1 pixel wide"),
        code_border_1, 0, 0.1, 0.2, 0.3, 0.5, 1),
    SETS("border.sufficiency@4", BORDER_KNOB("4 pixels wide"),
        code_border_4, 0, 0.1, 0.2, 0.3, 0.5, 1),
    SETS("region.map", "share of pictures whose lower right corner, 4 x 4 pixels, has the colour of their label",
        code_corner, 0, 0.1, 0.2, 0.3, 0.5, 1),
    SETS("property.leak@file", "share of pictures whose stored size is that of their label",
        code_size, 0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1),
    SETS("property.leak@picture", "share of pictures whose brightness is that of their label",
        code_brightness, 0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 1),
    SETS("split.shift", "by how much test pictures are brighter (1: from black to white)",
        brighten_test, 0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.3),
    { .name = NULL },
};
/* clang-format on */

const struct unplanted unplanted[] = {
    { "border.twin", "trains two networks (--full), minutes for each case" },
    { "subset.retrain", "trains nine networks (--full), minutes for each case" },
    { NULL, NULL },
};

const struct plant *plant_find(const char *name)
{
    size_t n = strlen(name);
    const struct plant *first = NULL;
    for (const struct plant *p = plants; p->name; p++) {
        if (strcmp(p->name, name) == 0)
            return p;
        if (!first && strncmp(p->name, name, n) == 0 && p->name[n] == '@')
            first = p;
    }
    return first;
}
