/* Can every picture be used? Counted over all of them: files that cannot be read, pictures without content, and shapes
 * that set a picture apart from the others. */
#include "validate/dataset/dataset_checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "validate/checks/estimate.h"
#include "validate/checks/text.h"
#include "validate/dataset/shown.h"
#include "validate/report/format.h"

/* In the order in which they count: a picture has the first that holds. */
enum flaw { FLAW_UNREADABLE, FLAW_ASPECT, FLAW_SIZE, FLAW_BLANK, FLAW_CHANNELS, FLAWS, FLAW_NONE = FLAWS };

enum { MOST_LISTED = 1000, MOST_SHOWN = 12, BOX = 96, MOST_ASPECT = 4, MOST_SIDES = 8 };

static const struct flaw_kind {
    const char *key, *name; /* of details; of a row */
} kinds[FLAWS] = {
    [FLAW_UNREADABLE] = { "unreadable", "cannot be read" },
    [FLAW_ASPECT] = { "aspect", "more than 4 times as long as wide" },
    [FLAW_SIZE] = { "size", "sides more than 8 times off the median" },
    [FLAW_BLANK] = { "blank", "of one colour" },
    [FLAW_CHANNELS] = { "channels", "grey among colour, or colour among grey" },
};

struct found {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    struct kept kept;
    int channels;  /* of most pictures */
    double pixels; /* median */
    int64_t n, count[FLAWS], flawed;
    int n_listed; /* the first MOST_LISTED, by flaw */
    struct listed {
        enum split split;
        int64_t image;
        enum flaw flaw;
    } listed[MOST_LISTED];
};

/* --- counting ----------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* What most readable pictures are like. Blank ones count: they have a shape. */
static void find_norm(struct found *f)
{
    const struct dataset *data = f->survey->data;
    int64_t colour = 0, grey = 0, n = 0;
    double *pixels = mem_alloc((size_t)f->n, sizeof *pixels);
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++)
        for (int64_t i = 0; i < data->count[split]; i++) {
            const struct picture_facts *p = &f->survey->facts[split][i];
            if (p->state == PICTURE_UNREADABLE)
                continue;
            colour += p->c == 3;
            grey += p->c == 1;
            pixels[n++] = (double)p->h * p->w;
        }
    qsort(pixels, (size_t)n, sizeof *pixels, compare_doubles);
    f->channels = colour >= grey ? 3 : 1;
    f->pixels = pixels[n / 2];
    free(pixels);
}

static enum flaw judge(const struct found *f, const struct picture_facts *p)
{
    double pixels = (double)p->h * p->w, most = f->pixels * MOST_SIDES * MOST_SIDES;
    if (p->state == PICTURE_UNREADABLE)
        return FLAW_UNREADABLE;
    if (p->h > MOST_ASPECT * p->w || p->w > MOST_ASPECT * p->h)
        return FLAW_ASPECT;
    if (pixels > most || pixels * MOST_SIDES * MOST_SIDES < f->pixels)
        return FLAW_SIZE;
    if (p->state == PICTURE_BLANK)
        return FLAW_BLANK;
    return p->c != f->channels ? FLAW_CHANNELS : FLAW_NONE;
}

/* Counts the pictures with this flaw, and lists them while there is room. */
static void count(struct found *f, enum flaw flaw)
{
    const struct dataset *data = f->survey->data;
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++)
        for (int64_t i = 0; i < data->count[split]; i++) {
            if (judge(f, &f->survey->facts[split][i]) != flaw)
                continue;
            f->count[flaw]++;
            f->flawed += flaw != FLAW_CHANNELS; /* such pictures can be used: they are listed, not counted */
            if (f->n_listed < MOST_LISTED)
                f->listed[f->n_listed++] = (struct listed){ (enum split)split, i, flaw };
        }
}

/* --- what is wrong with a picture, in words ----------------------------------------------------------------------- */

static const struct complaint *find_complaint(const struct survey *s, enum split split, int64_t image)
{
    for (int i = 0; i < s->n_complaints; i++)
        if (s->complaint[i].split == split && s->complaint[i].image == image)
            return &s->complaint[i];
    return NULL;
}

static char *say_why(const struct found *f, const struct listed *l)
{
    const struct picture_facts *p = &f->survey->facts[l->split][l->image];
    const struct complaint *complaint = find_complaint(f->survey, l->split, l->image);
    switch (l->flaw) {
    case FLAW_UNREADABLE: return mem_string(complaint ? complaint->text : "cannot be read");
    case FLAW_BLANK: return mem_string("all its pixels have nearly one colour");
    case FLAW_CHANNELS: return mem_string(p->c == 1 ? "grey, most are in colour" : "in colour, most are grey");
    default: return mem_format("%d x %d pixels; the median picture has %.0f of them", p->w, p->h, f->pixels);
    }
}

static char *name_picture(const struct survey *s, enum split split, int64_t image)
{
    char *where = s->data->where(s->data, split, image), *text = printable_text(where);
    free(where);
    return text;
}

/* Picture of the whole image, at most BOX pixels on either side; false when it cannot be read any more. */
static bool draw_whole(struct survey *s, const struct listed *l, struct picture *out)
{
    struct image8 in;
    struct err err;
    if (!survey_read(s, l->split, l->image, &in, &err))
        return false;
    int longer = in.h > in.w ? in.h : in.w, side = longer < BOX ? longer : BOX;
    int h = (int)((int64_t)in.h * side / longer), w = (int)((int64_t)in.w * side / longer);
    h = h ? h : 1;
    w = w ? w : 1;
    size_t area = (size_t)h * (size_t)w;
    float *x = mem_alloc(3 * area, sizeof *x);
    for (int c = 0; c < in.c; c++)
        resize_plane(x + (size_t)c * area, h, w, in.pixels + (size_t)c * (size_t)in.h * (size_t)in.w, in.h, in.w, 0, 0,
                     (float)in.h, (float)in.w);
    *out = (struct picture){ .w = w, .h = h, .channels = 3, .pixels = mem_alloc(area, 3) };
    picture_from_image(x, in.c, h, w, out->pixels);
    free(x);
    free(in.pixels);
    return true;
}

/* The next picture at or behind *at that can be shown, with alt and caption; false: none is left. */
static bool show_next(struct found *f, int *at, struct picture *out)
{
    for (; *at < f->n_listed; (*at)++) {
        const struct listed *l = &f->listed[*at];
        if (l->flaw == FLAW_UNREADABLE || !draw_whole(f->survey, l, out))
            continue;
        char *name = name_picture(f->survey, l->split, l->image), *why = say_why(f, l);
        out->alt = mem_format("Picture %s: %s.", name, why);
        out->caption = mem_format("%s\n%s", name, kinds[l->flaw].name);
        free(why);
        free(name);
        (*at)++;
        return true;
    }
    return false;
}

/* --- report ------------------------------------------------------------------------------------------------------- */

/* "3 cannot be read, 1 of one colour" */
static char *list_counts(const struct found *f)
{
    char *all = mem_string("");
    for (int k = 0; k < FLAWS; k++) {
        if (f->count[k] == 0)
            continue;
        char *n = format_count(f->count[k]), *before = all;
        all = mem_format("%s%s%s %s", before, *before ? ", " : "", n, kinds[k].name);
        free(before);
        free(n);
    }
    return all;
}

static void word(struct found *f)
{
    struct check *out = f->check;
    const char *estimate = kept_add(&f->kept, text_estimate(&out->estimate, UNIT_SHARE, f->policy));
    out->question = mem_string("Can every picture be used?");
    out->measure = mem_string("of the pictures are damaged, blank or of an odd shape");
    out->of = "pictures";
    out->asks = mem_string(
        "We read every picture of every split and count files that cannot be read, pictures of one colour, and those "
        "whose shape sets them apart: more than 4 times as long as wide, sides more than 8 times off the median. Grey "
        "pictures among coloured ones are listed, but not counted.");
    out->found = f->flawed ? mem_format("%s: %s. All pictures were read, so there is no interval.", estimate,
                                        kept_add(&f->kept, list_counts(f)))
                           : mem_format("%s: every file is a picture, and none is set apart by its shape.", estimate);
    out->means = mem_string(
        f->flawed
            ? "A training stops at a file that it cannot read, and learns a label from a picture without content. "
              "Long pictures are no mistake in themselves; they matter when they come from one class. "
              "Nothing is said about labels."
            : "Training and testing can use the set as it is. It does not follow that the labels are right, or "
              "that the pictures show what they should.");
    out->act = mem_string(f->flawed ? "Look at the pictures that are listed: fetch damaged ones again, remove blank "
                                      "ones, and see whether odd ones belong to one class or one source."
                                    : "Nothing.");
}

static void draw_rows(struct found *f)
{
    struct figure *figure = check_add_figure(f->check, FIGURE_ROWS);
    enum tone tone = estimate_tone(&f->check->estimate, f->policy);
    figure->heading = mem_string("What sets pictures apart");
    figure->x_unit = UNIT_SHARE;
    figure->x_label = mem_string("share of the pictures");
    for (int k = 0; k < FLAWS; k++) {
        double share = (double)f->count[k] / (double)f->n;
        figure_add_row(figure, kinds[k].name, share, share, share, share > 0 ? tone : TONE_DATA);
        figure->x_high = share > figure->x_high ? share : figure->x_high;
    }
    figure->x_high = figure->x_high > 0 ? figure->x_high : 0.01;
    char *n = text_n(f->n);
    figure->caption = mem_format("%s; a picture counts once, for the first of these that holds.", n);
    free(n);
    text_describe_rows(figure);
}

static void draw_pictures(struct found *f)
{
    struct picture p;
    int at = 0;
    if (!show_next(f, &at, &p))
        return;
    struct figure *figure = check_add_figure(f->check, FIGURE_PICTURES);
    figure->heading = mem_string("The first pictures that are set apart");
    figure->caption = mem_string("Whole pictures, made small; those that cannot be read are only listed.");
    figure->description = mem_string("Pictures that are blank or of an odd shape.");
    do {
        struct picture *place = figure_add_picture(figure, p.w, p.h, 3, NULL, NULL);
        free(place->pixels);
        *place = p;
    } while (figure->n_pictures < MOST_SHOWN && show_next(f, &at, &p));
}

/* Nothing to show, no fact. */
static void state_fact(struct found *f)
{
    struct fact *fact = &f->check->fact;
    if (!f->flawed)
        return;
    int at = 0;
    const char *flawed = kept_add(&f->kept, format_count(f->flawed)), *n = kept_add(&f->kept, format_count(f->n));
    const char *estimate = kept_add(&f->kept, text_estimate(&f->check->estimate, UNIT_SHARE, f->policy));
    const char *limit = kept_add(&f->kept, text_limit(&f->check->estimate, UNIT_SHARE, f->policy));
    fact->heading = mem_format("%s of %s pictures are damaged or odd", flawed, n);
    fact->sentence = mem_format("Of all pictures, %s: %s.%s%s", estimate, kept_add(&f->kept, list_counts(f)),
                                *limit ? " " : "", limit);
    while (fact->n_pictures < 3 && show_next(f, &at, &fact->picture[fact->n_pictures]))
        fact->n_pictures++;
}

static json_t *list_json(const struct found *f)
{
    enum { MOST_IN_DETAILS = 100 };
    json_t *list = json_array();
    for (int i = 0; i < f->n_listed && i < MOST_IN_DETAILS; i++) {
        const struct listed *l = &f->listed[i];
        char *name = name_picture(f->survey, l->split, l->image), *why = say_why(f, l), *plain = printable_text(why);
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s, s:s}", "split",
                                              l->split == SPLIT_TRAIN ? "train" : "test", "image", (json_int_t)l->image,
                                              "where", name, "what", kinds[l->flaw].key, "why", plain));
        free(plain);
        free(why);
        free(name);
    }
    return list;
}

static json_t *details(const struct found *f)
{
    json_t *object = json_object();
    json_object_set_new(object, "pictures", json_integer(f->n));
    for (int k = 0; k < FLAWS; k++)
        json_object_set_new(object, kinds[k].key, json_integer(f->count[k]));
    json_object_set_new(object, "usual_channels", json_integer(f->channels));
    json_object_set_new(object, "median_pixels", json_real(f->pixels));
    json_object_set_new(object, "first", list_json(f));
    return object;
}

static void suspect(struct found *f)
{
    for (int i = 0; i < f->n_listed; i++)
        survey_suspect(f->survey, f->listed[i].split, f->listed[i].image, "integrity", say_why(f, &f->listed[i]));
}

bool check_integrity(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    (void)n; /* all */
    if (!survey_facts(s, err))
        return false;
    struct found *f = mem_alloc(1, sizeof *f);
    *f = (struct found){ .survey = s, .policy = p, .check = out };
    f->n = s->data->count[SPLIT_TRAIN] + s->data->count[SPLIT_TEST];
    find_norm(f);
    for (int flaw = 0; flaw < FLAWS; flaw++)
        count(f, (enum flaw)flaw);
    double share = (double)f->flawed / (double)f->n;
    out->unit = UNIT_SHARE;
    out->estimate = (struct estimate){ share, share, share, f->n };
    word(f);
    draw_rows(f);
    draw_pictures(f);
    state_fact(f);
    out->details = details(f);
    suspect(f);
    kept_free(&f->kept);
    free(f);
    return true;
}
