/* Copies across the splits, within the training split (or the test split, when it stands alone), and with different
 * labels: three counts over one search. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "validate/checks/probe.h"
#include "validate/checks/text.h"
#include "validate/dataset/duplicates.h"
#include "validate/dataset/shown.h"
#include "validate/report/format.h"

enum kind { ACROSS, WITHIN, WITHIN_TEST, LABELS };
enum { EXAMPLES = 6, EXAMPLE_SIDE = 128 };

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
    switch (c->kind) {
    case ACROSS: return i >= c->d->n_train && other < c->d->n_train;
    case WITHIN: return i < c->d->n_train && other < i;
    case WITHIN_TEST: return other < i; /* there is no other split */
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
    const char *question, *measure, *asks, *counted, *pass, *fail, *keep, *act;
} wording[] = {
    [ACROSS] = { .question = "Are test pictures in the training set as well?",
                 .measure = "of the test pictures are in the training set as well",
                 .asks = "count the test pictures of which the training set has a copy",
                 .counted = "test pictures have a copy in the training set",
                 .pass = "Who knows the training pictures by heart gains little or nothing on the test pictures.",
                 .fail = "A network that knows its training pictures by heart is right on these test pictures without "
                         "having understood anything: right answers on the test set say too much.",
                 .keep = "Leave the copies out of the test set when results are compared to the last half percent.",
                 .act = "Remove the copies from the training set or from the test set (--export-suspects lists them), "
                        "and measure again." },
    [WITHIN] = { .question = "Does the training set repeat its pictures?",
                 .measure = "of the training pictures repeat an earlier one",
                 .asks = "count the training pictures that are a copy of an earlier one",
                 .counted = "training pictures are copies of an earlier one",
                 .pass = "Nearly every training picture counts once.",
                 .fail = "What is repeated weighs more in training, and copies that fall into different folds make "
                         "every cross-validation look better than it is.",
                 .keep = "Keep the copies, or remove them when folds are drawn from the training set.",
                 .act = "Remove the copies (--export-suspects lists them), or keep all copies of a picture in the same "
                        "fold." },
    [WITHIN_TEST] = { .question = "Does the test set repeat its pictures?",
                      .measure = "of the test pictures repeat an earlier one",
                      .asks = "count the test pictures that are a copy of an earlier one",
                      .counted = "test pictures are copies of an earlier one",
                      .pass = "Nearly every test picture counts once.",
                      .fail = "What is repeated weighs more in every test result, and the results rest on fewer "
                              "pictures than their number says.",
                      .keep = "Keep the copies, or count each picture once.",
                      .act = "Remove the copies (--export-suspects lists them), and measure again." },
    [LABELS] = { .question = "Do copies of one picture have different labels?",
                 .measure = "of all pictures have a copy with another label",
                 .asks = "count the pictures that have a copy with another label",
                 .counted = "pictures have a copy with another label",
                 .pass = "Copies have the same label, or nearly all of them.",
                 .fail = "At least one label of each such pair is wrong, or the picture shows both classes. A network "
                         "can only learn one of them by a detail that has nothing to do with the class.",
                 .keep = "Look at the pairs and correct their labels.",
                 .act = "Look at the pairs (--export-suspects lists them), correct the labels, and remove one of each "
                        "two." },
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
    out->asks =
        mem_format("We compare all pictures%s with each other, by a hash of their look and then by their pixels, and "
                   "%s: equal, stored again, resized, lighter or darker, or mirrored.",
                   c->d->n_train > 0 && c->d->n_train < c->d->n ? ", training and test," : "", w->asks);
    out->found =
        mem_format("%s of %s %s: %s. Of them %s are equal in every pixel, %s are mirrored. In the whole set %s pairs "
                   "looked alike, "
                   "and the pixels of %s agree.",
                   count_text(c, c->count), count_text(c, c->of), w->counted,
                   kept_add(&c->kept, text_value(&out->estimate, out->unit, c->policy)), count_text(c, c->equal),
                   count_text(c, c->mirrored), count_text(c, c->d->n_candidates), count_text(c, c->d->n_pairs));
    out->means = mem_format("%s Pictures that were cut, turned by an angle or drawn over are not found: there may be "
                            "more.",
                            is_bad(c) ? w->fail : w->pass);
    out->act = mem_string(is_bad(c) ? w->act : c->count ? w->keep : "Nothing; check again when pictures are added.");
}

/* "train/cat/3.png “cat”" */
static const char *name_of(struct copies *c, uint32_t i)
{
    const struct dataset *data = c->survey->data;
    char *raw = data->where(data, duplicates_split(c->d, i), duplicates_image(c->d, i));
    const char *where = kept_add(&c->kept, printable_text(raw));
    const char *class = kept_add(&c->kept, shown_class(c->survey, label_of(c, i)));
    free(raw);
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

/* RGB of the whole picture, EXAMPLE_SIDE at most on its longer side. */
static void paint(const struct image8 *in, struct picture *out)
{
    int longer = in->h > in->w ? in->h : in->w;
    double scale = longer > EXAMPLE_SIDE ? (double)EXAMPLE_SIDE / longer : 1;
    *out = (struct picture){ .h = (int)fmax(1, in->h * scale), .w = (int)fmax(1, in->w * scale), .channels = 3 };
    size_t plane = (size_t)in->h * (size_t)in->w, pixels = (size_t)out->h * (size_t)out->w;
    float *x = mem_alloc(pixels * 3, sizeof *x);
    for (int k = 0; k < 3; k++)
        resize_plane(x + (size_t)k * pixels, out->h, out->w, in->pixels + (k < in->c ? (size_t)k * plane : 0), in->h,
                     in->w, 0, 0, (float)in->h, (float)in->w);
    out->pixels = mem_alloc(pixels, 3);
    picture_from_image(x, 3, out->h, out->w, out->pixels);
    free(x);
}

/* Takes the caption over. */
static bool show(struct copies *c, uint32_t i, char *caption, struct picture *out, struct err *err)
{
    struct image8 image = { 0 };
    bool ok = survey_read(c->survey, duplicates_split(c->d, i), duplicates_image(c->d, i), &image, err);
    if (ok)
        paint(&image, out);
    out->caption = caption;
    out->alt = mem_string(caption);
    free(image.pixels);
    return ok;
}

static const char *likeness(struct copies *c, uint32_t i)
{
    const struct duplicate_pair *pair = pair_of(c, i, c->partner[i]);
    if (!pair)
        return "copies of a third";
    if (pair->equal)
        return "equal";
    return kept_add(&c->kept, mem_format("%s%s differ", pair->mirrored ? "mirrored, " : "",
                                         kept_add(&c->kept, format_value(pair->left, UNIT_SHARE, 1))));
}

/* out[2]: the copy and the picture that counts. */
static bool show_pair(struct copies *c, uint32_t i, struct picture *out, int *n, struct err *err)
{
    return show(c, c->partner[i], mem_string(name_of(c, c->partner[i])), &out[(*n)++], err) &&
           show(c, i, mem_format("%s: %s", name_of(c, i), likeness(c, i)), &out[(*n)++], err);
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
    f->caption = mem_format("%s of the %s, evenly spread through the set, each behind its copy. “Differ”: the share of "
                            "the contrast that is left between the two at 32 × 32 pixels or less, once brightness is "
                            "matched.",
                            count_text(c, n), count_text(c, c->count));
    f->description = mem_string("Pairs of pictures that are copies of each other.");
    f->picture = mem_alloc(2 * (size_t)n, sizeof *f->picture);
    for (int k = 0; k < n; k++)
        if (!show_pair(c, counted(c, k * c->count / n), f->picture, &f->n_pictures, err))
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
    return show_pair(c, counted(c, 0), fact->picture, &fact->n_pictures, err);
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

/* Counted over all there is: no interval. */
static struct estimate estimate(const struct copies *c)
{
    double value = (double)c->count / (double)c->of;
    return (struct estimate){ value, value, value, c->of };
}

static bool check_copies(struct survey *s, const struct policy_check *p, enum kind kind, struct check *out,
                         struct err *err)
{
    struct copies c = { .survey = s, .policy = p, .check = out, .kind = kind };
    const struct dataset *data = s->data;
    if (kind == ACROSS && (data->count[SPLIT_TRAIN] == 0 || data->count[SPLIT_TEST] == 0))
        return err_usage(err, "%s: data set %s has no %s pictures; take the check out of the policy", p->id, data->name,
                         data->count[SPLIT_TRAIN] == 0 ? "training" : "test");
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
    return check_copies(s, p, s->data->count[SPLIT_TRAIN] > 0 ? WITHIN : WITHIN_TEST, out, err);
}

bool check_duplicates_labels(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *err)
{
    (void)n;
    return check_copies(s, p, LABELS, out, err);
}
