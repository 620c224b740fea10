/* Copies across the splits, within the training split, and with different labels: three counts over one search. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/probe.h"
#include "validate/checks/text.h"
#include "validate/dataset/duplicates.h"
#include "validate/dataset/shown.h"
#include "validate/report/format.h"

enum kind { ACROSS, WITHIN, LABELS };
enum { EXAMPLES = 6, EXAMPLE_SIDE = 128, EXAMPLE_GAP = 2 };

static const uint32_t nobody = UINT32_MAX;

struct copies {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    enum kind kind;
    const struct duplicates *d;
    int64_t of, count;       /* pictures asked about; those with a copy */
    int64_t equal, mirrored; /* of them, by the pair that shows it */
    uint32_t *partner;       /* [d->n] the copy that makes a picture count, or nobody */
    struct kept kept;
};

static int label_of(const struct copies *c, uint32_t i)
{
    const struct dataset *data = c->survey->data;
    return data->label(data, duplicates_split(c->d, i), duplicates_image(c->d, i));
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

/* Whether `other` makes picture i count. */
static bool is_partner(const struct copies *c, uint32_t i, uint32_t other)
{
    bool i_train = i < c->d->n_train, other_train = other < c->d->n_train;
    switch (c->kind) {
    case ACROSS: return !i_train && other_train;
    case WITHIN: return i_train && other_train && other < i;
    case LABELS: return label_of(c, i) != label_of(c, other);
    }
    return false;
}

static void take_partner(struct copies *c, uint32_t i, uint32_t other)
{
    if (c->partner[i] == nobody && is_partner(c, i, other))
        c->partner[i] = other;
}

/* A copy of a copy is a copy: those without a direct partner get one from their group. Its first picture will do, or,
 * where it has the same label, one of another label. */
static void find_partners(struct copies *c)
{
    const struct duplicates *d = c->d;
    uint32_t *unlike = mem_alloc((size_t)d->n, sizeof *unlike); /* [first picture of a group]: one of another label */
    memset(c->partner, 0xff, (size_t)d->n * sizeof *c->partner);
    for (int64_t k = 0; k < d->n_pairs; k++) {
        take_partner(c, d->pair[k].a, d->pair[k].b);
        take_partner(c, d->pair[k].b, d->pair[k].a);
    }
    for (uint32_t i = 0; i < d->n; i++)
        if (label_of(c, i) != label_of(c, d->first[i]))
            unlike[d->first[i]] = i;
    for (uint32_t i = 0; i < d->n; i++) {
        take_partner(c, i, d->first[i]);
        take_partner(c, i, unlike[d->first[i]] ? unlike[d->first[i]] : i);
    }
    free(unlike);
}

static int compare_pair(const void *x, const void *y)
{
    const struct duplicate_pair *p = x, *q = y;
    return p->a != q->a ? (p->a > q->a) - (p->a < q->a) : (p->b > q->b) - (p->b < q->b);
}

/* The confirmed pair of the two, or NULL when they are connected by others. */
static const struct duplicate_pair *pair_of(const struct copies *c, uint32_t i, uint32_t other)
{
    struct duplicate_pair key = { .a = i < other ? i : other, .b = i < other ? other : i };
    return c->d->n_pairs ? bsearch(&key, c->d->pair, (size_t)c->d->n_pairs, sizeof key, compare_pair) : NULL;
}

static void count_copies(struct copies *c)
{
    const struct duplicates *d = c->d;
    c->of = c->kind == ACROSS ? d->n - d->n_train : c->kind == WITHIN ? d->n_train : d->n;
    for (uint32_t i = 0; i < d->n; i++) {
        if (c->partner[i] == nobody)
            continue;
        const struct duplicate_pair *pair = pair_of(c, i, c->partner[i]);
        c->count++;
        c->equal += pair && pair->equal;
        c->mirrored += pair && pair->mirrored;
    }
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static const struct wording {
    const char *question, *measure, *asks, *counted, *pass, *fail, *keep, *act, *empty;
} wording[] = {
    [ACROSS] = { .question = "Are test pictures in the training set as well?",
                 .measure = "of the test pictures are in the training set as well",
                 .asks = "count the test pictures of which the training set has a copy",
                 .counted = "test pictures have a copy in the training set",
                 .pass = "The test pictures are new to who has learnt from the training pictures, but for these.",
                 .fail = "A network that knows its training pictures by heart is right on these test pictures without "
                         "having understood anything: right answers on the test set say too much.",
                 .keep = "Leave the copies out of the test set when results are compared to the last half percent.",
                 .act = "Remove the copies from the training set or from the test set (--export-suspects lists them), "
                        "and measure again.",
                 .empty = "The set has no test pictures, so none of them can be known from training." },
    [WITHIN] = { .question = "Does the training set repeat its pictures?",
                 .measure = "of the training pictures repeat an earlier one",
                 .asks = "count the training pictures that are a copy of an earlier one",
                 .counted = "training pictures are copies of an earlier one",
                 .pass = "Nearly every training picture counts once.",
                 .fail = "What is repeated weighs more in training, and copies that fall into different folds make "
                         "every cross-validation look better than it is.",
                 .keep = "Keep the copies, or remove them when folds are drawn from the training set.",
                 .act = "Remove the copies (--export-suspects lists them), or keep all copies of a picture in the same "
                        "fold.",
                 .empty = "The set has no training pictures, so none can be repeated." },
    [LABELS] = { .question = "Do copies of one picture have different labels?",
                 .measure = "of all pictures have a copy with another label",
                 .asks = "count the pictures that have a copy with another label",
                 .counted = "pictures have a copy with another label",
                 .pass = "Copies have the same label, but for these.",
                 .fail = "At least one label of each such pair is wrong, or the picture shows both classes. A network "
                         "can only learn one of them by a detail that has nothing to do with the class.",
                 .keep = "Look at the pairs, where there are any, and correct their labels.",
                 .act = "Look at the pairs (--export-suspects lists them), correct the labels, and remove one of each "
                        "two.",
                 .empty = "" },
};

static const char *count_text(struct copies *c, int64_t n)
{
    return kept_add(&c->kept, format_count(n));
}

static bool is_bad(const struct copies *c)
{
    return c->policy->side == SIDE_NONE
               ? c->count > 0
               : check_decide(&c->check->estimate, c->policy->side, c->policy->limit) == CHECK_FAIL;
}

static void word(struct copies *c)
{
    const struct wording *w = &wording[c->kind];
    struct check *out = c->check;
    out->question = mem_string(w->question);
    out->measure = mem_string(w->measure);
    out->asks = mem_format("We compare all pictures of both parts with each other, by a hash of their look and then by "
                           "their pixels, and %s: equal, stored again, resized, lighter or darker, or mirrored.",
                           w->asks);
    if (c->of == 0) {
        out->found = mem_string(w->empty);
    } else {
        out->found = mem_format(
            "%s of %s %s: %s. Of them %s are equal in every pixel, %s are mirrored. In the whole set %s pairs looked "
            "alike, and the pixels of %s agree.",
            count_text(c, c->count), count_text(c, c->of), w->counted,
            kept_add(&c->kept, text_value(&out->estimate, out->unit, c->policy)), count_text(c, c->equal),
            count_text(c, c->mirrored), count_text(c, c->d->n_candidates), count_text(c, c->d->n_pairs));
    }
    out->means = mem_format("%s Pictures that were cut, turned by an angle or drawn over are not found: there may be "
                            "more.",
                            is_bad(c) ? w->fail : w->pass);
    out->act = mem_string(is_bad(c) ? w->act : w->keep);
}

/* "train/cat/3.png “cat”" */
static const char *name_of(struct copies *c, uint32_t i)
{
    const struct dataset *data = c->survey->data;
    const char *where = kept_add(&c->kept, data->where(data, duplicates_split(c->d, i), duplicates_image(c->d, i)));
    const char *class = kept_add(&c->kept, shown_class(c->survey, label_of(c, i)));
    return kept_add(&c->kept, mem_format("%s %s", where, class));
}

static void list_suspects(struct copies *c)
{
    for (uint32_t i = 0; i < c->d->n; i++) {
        if (c->partner[i] == nobody)
            continue;
        const struct duplicate_pair *pair = pair_of(c, i, c->partner[i]);
        survey_suspect(c->survey, duplicates_split(c->d, i), duplicates_image(c->d, i), c->policy->type->kind,
                       mem_format("%s as %s%s", pair && pair->equal ? "equal picture" : "same picture",
                                  name_of(c, c->partner[i]), pair && pair->mirrored ? ", mirrored" : ""));
        kept_free(&c->kept);
    }
}

/* --- pictures ----------------------------------------------------------------------------------------------------- */

struct example {
    struct image8 image;
    int h, w; /* as shown: at most EXAMPLE_SIDE, the longer side */
};

static bool read_example(struct copies *c, uint32_t i, struct example *e, struct err *err)
{
    if (!survey_read(c->survey, duplicates_split(c->d, i), duplicates_image(c->d, i), &e->image, err))
        return false;
    int h = e->image.h, w = e->image.w, longer = h > w ? h : w;
    double scale = longer > EXAMPLE_SIDE ? (double)EXAMPLE_SIDE / longer : 1;
    e->h = (int)fmax(1, h * scale);
    e->w = (int)fmax(1, w * scale);
    return true;
}

static void paint_example(const struct example *e, const struct picture *p, int left)
{
    const struct image8 *in = &e->image;
    float *plane = mem_alloc((size_t)e->h * (size_t)e->w, sizeof *plane);
    for (int k = 0; k < 3; k++) {
        const uint8_t *from = in->pixels + (size_t)(k < in->c ? k : 0) * (size_t)in->h * (size_t)in->w;
        resize_plane(plane, e->h, e->w, from, in->h, in->w, 0, 0, (float)in->h, (float)in->w);
        for (int y = 0; y < e->h; y++)
            for (int x = 0; x < e->w; x++)
                p->pixels[(y * p->w + left + x) * 3 + k] = (uint8_t)(plane[y * e->w + x] * 255 + 0.5f);
    }
    free(plane);
}

/* Both pictures side by side in one, on white. */
static struct picture join_examples(const struct example *one, const struct example *other)
{
    struct picture p = { .w = one->w + EXAMPLE_GAP + other->w, .h = one->h > other->h ? one->h : other->h };
    p.channels = 3;
    p.pixels = mem_alloc((size_t)p.w * (size_t)p.h, 3);
    memset(p.pixels, 255, (size_t)p.w * (size_t)p.h * 3);
    paint_example(one, &p, 0);
    paint_example(other, &p, one->w + EXAMPLE_GAP);
    return p;
}

static char *caption_of(struct copies *c, uint32_t i)
{
    const struct duplicate_pair *pair = pair_of(c, i, c->partner[i]);
    const char *how = "copies of a third";
    if (pair && pair->equal)
        how = "equal";
    else if (pair)
        how = kept_add(&c->kept, mem_format("%s%s differ", pair->mirrored ? "mirrored, " : "",
                                            kept_add(&c->kept, text_number(pair->left, UNIT_SHARE))));
    return mem_format("%s and %s: %s", name_of(c, c->partner[i]), name_of(c, i), how);
}

static bool show_pair(struct copies *c, uint32_t i, struct picture *out, struct err *err)
{
    struct example one = { 0 }, other = { 0 };
    bool ok = read_example(c, c->partner[i], &one, err) && read_example(c, i, &other, err);
    if (ok) {
        *out = join_examples(&one, &other);
        out->caption = caption_of(c, i);
        out->alt = mem_format("Two pictures side by side: %s", out->caption);
    }
    free(one.image.pixels);
    free(other.image.pixels);
    return ok;
}

/* The picture that comes `rank`-th among those that count. */
static uint32_t counted(const struct copies *c, int64_t rank)
{
    uint32_t i = 0;
    while (c->partner[i] == nobody || rank-- > 0)
        i++;
    return i;
}

static bool draw(struct copies *c, struct err *err)
{
    int n = c->count < EXAMPLES ? (int)c->count : EXAMPLES;
    struct figure *f = check_add_figure(c->check, FIGURE_PICTURES);
    f->heading = mem_string("Copies, side by side");
    f->caption = mem_format("%s of the %s, evenly spread through the set, each beside its copy. “Differ”: the share "
                            "of the contrast that is left between the two at 32 × 32 pixels, once brightness is "
                            "matched.",
                            count_text(c, n), count_text(c, c->count));
    f->description = mem_string("Pairs of pictures that are copies of each other.");
    f->picture = mem_alloc((size_t)n, sizeof *f->picture);
    for (int k = 0; k < n; k++, f->n_pictures++)
        if (!show_pair(c, counted(c, k * c->count / n), &f->picture[k], err))
            return false;
    return true;
}

static bool state_fact(struct copies *c, struct err *err)
{
    struct fact *fact = &c->check->fact;
    char *limit = text_limit(&c->check->estimate, UNIT_SHARE, c->policy);
    fact->heading = mem_format("%s %s", count_text(c, c->count), wording[c->kind].counted);
    fact->sentence =
        mem_format("That is %s of %s.%s%s", kept_add(&c->kept, text_value(&c->check->estimate, UNIT_SHARE, c->policy)),
                   count_text(c, c->of), *limit ? " " : "", limit);
    free(limit);
    for (; fact->n_pictures < 3 && fact->n_pictures < c->count; fact->n_pictures++)
        if (!show_pair(c, counted(c, fact->n_pictures * c->count / 3), &fact->picture[fact->n_pictures], err))
            return false;
    return true;
}

/* --- the checks --------------------------------------------------------------------------------------------------- */

static json_t *details(const struct copies *c)
{
    const struct duplicates *d = c->d;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:i, s:i, s:i}", "pictures", (json_int_t)c->of, "copies",
                     (json_int_t)c->count, "equal", (json_int_t)c->equal, "mirrored", (json_int_t)c->mirrored,
                     "candidate_pairs", (json_int_t)d->n_candidates, "confirmed_pairs", (json_int_t)d->n_pairs,
                     "largest_difference", DUPLICATE_ALIKE, "largest_difference_when_many_are_alike", DUPLICATE_SAME,
                     "many", DUPLICATE_FEW + 1, "hash_radius_bits", d->radius, "hash_radius_mirrored_bits",
                     d->radius_mirrored);
}

/* Counted over all there is: no interval. Where there is nothing to count, nothing can be wrong. */
static struct estimate estimate(const struct copies *c)
{
    double value = c->of ? (double)c->count / (double)c->of : 0;
    return (struct estimate){ value, value, value, c->of ? c->of : c->d->n };
}

static bool check_copies(struct survey *s, const struct policy_check *p, enum kind kind, struct check *out,
                         struct err *err)
{
    struct copies c = { .survey = s, .policy = p, .check = out, .kind = kind };
    if (!duplicates_find(s, &c.d, err))
        return false;
    c.partner = mem_alloc((size_t)c.d->n, sizeof *c.partner);
    find_partners(&c);
    count_copies(&c);
    out->unit = UNIT_SHARE;
    out->of = "pictures";
    out->estimate = estimate(&c);
    out->details = details(&c);
    word(&c);
    bool ok = c.count == 0 || (draw(&c, err) && state_fact(&c, err));
    if (ok)
        list_suspects(&c);
    kept_free(&c.kept);
    free(c.partner);
    return ok;
}

/* All pictures are compared whatever n says: of a sample's pairs hardly any would be in it. */
bool check_duplicates_across(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err)
{
    (void)n;
    return check_copies(s, p, ACROSS, out, err);
}

bool check_duplicates_within(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err)
{
    (void)n;
    return check_copies(s, p, WITHIN, out, err);
}

bool check_duplicates_labels(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err)
{
    (void)n;
    return check_copies(s, p, LABELS, out, err);
}
