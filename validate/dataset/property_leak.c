/* Does a property that has nothing to do with the content tell the class? Each alone, on pictures that the rule has not
 * seen. The result is that of the property that tells most; the intervals are so wide that they hold for all of them at
 * once, so the largest of them needs no further allowance. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/probe.h"
#include "validate/checks/text.h"
#include "validate/dataset/cells.h"
#include "validate/dataset/properties.h"
#include "validate/dataset/shown.h"
#include "validate/report/format.h"

enum { STREAM_LABELS = RNG_CHECK | 81 << 8, EXAMPLES = 6, NAMED = 3 };

/* What one property tells. */
struct told {
    const struct property *property;
    double *value;         /* [n,dims] */
    int *answer;           /* [n] */
    int right;             /* answers that are the label */
    int gained, lost;      /* right where naming the most frequent class is wrong; the other way round */
    struct estimate share; /* of what the most frequent class leaves open */
};

struct leak {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    int most, n_told, n_constant;      /* most: the class that is most frequent */
    double room;                       /* share of pictures that are of another */
    struct told told[PROPERTIES_MOST]; /* falling by share */
    const char *constant[PROPERTIES_MOST];
    bool ordered;             /* the place was not asked */
    struct estimate shuffled; /* of the first, with shuffled labels */
    struct kept kept;
};

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static bool find_most(struct leak *l, struct err *err)
{
    const struct survey *s = l->survey;
    int *count = mem_alloc((size_t)s->data->classes, sizeof *count);
    for (int k = 0; k < s->n; k++)
        count[s->label[k]]++;
    for (int class = 1; class < s->data->classes; class ++)
        l->most = count[class] > count[l->most] ? class : l->most;
    l->room = 1 - (double)count[l->most] / s->n;
    bool several = count[l->most] < s->n;
    free(count);
    return several || err_run(err,
                              "%s: all pictures that were looked at are of one class, so there is nothing to tell; "
                              "add pictures of another class",
                              s->data->name);
}

static double *read_values(const struct survey *s, const struct property *property)
{
    double *value = mem_alloc((size_t)s->n * (size_t)property->dims, sizeof *value);
    for (int k = 0; k < s->n; k++)
        property->read(&s->facts[s->split][s->image[k]], s->image[k], value + (size_t)k * (size_t)property->dims);
    return value;
}

static void count_right(const struct leak *l, const int *label, struct told *t)
{
    t->right = t->gained = t->lost = 0;
    for (int k = 0; k < l->survey->n; k++) {
        bool right = t->answer[k] == label[k], most = label[k] == l->most;
        t->right += right;
        t->gained += right && !most;
        t->lost += most && !right;
    }
}

static bool tell(const struct leak *l, const int *label, struct told *t)
{
    const struct survey *s = l->survey;
    struct cell_problem problem = { .n = s->n, .classes = s->data->classes, .label = label, .fold = s->fold };
    problem.folds = SURVEY_FOLDS;
    problem.dims = t->property->dims;
    problem.value = t->value;
    problem.category = t->property->category;
    if (!cells_cross_validate(&problem, t->answer))
        return false;
    count_right(l, label, t);
    return true;
}

/* The shares of all properties lie in their intervals together with 95 % (Bonferroni). */
static struct estimate share_of(const struct leak *l, const struct told *t)
{
    int n = l->survey->n;
    double value = (double)(t->gained - t->lost) / n;
    struct interval i = paired_difference(t->gained, t->lost, n, 1 - 0.05 / l->n_told);
    return (struct estimate){ value / l->room, fmin(i.low, value) / l->room, fmin(fmax(i.high, value) / l->room, 1),
                              n };
}

static void told_free(struct told *t)
{
    free(t->value);
    free(t->answer);
}

static int by_share(const void *x, const void *y)
{
    const struct told *a = x, *b = y;
    int left = a->gained - a->lost, right = b->gained - b->lost;
    return left != right ? (left < right ? 1 : -1) : (a->property > b->property) - (a->property < b->property);
}

static bool asks(const struct leak *l, const struct property *p)
{
    return p->of == l->policy->properties && !(l->ordered && property_is_place(p));
}

static bool tell_all(struct leak *l, struct err *err)
{
    int done = 0;
    for (const struct property *p = properties; p->name; p++) {
        if (!asks(l, p))
            continue;
        if (!survey_goes_on(l->survey, err))
            return false;
        survey_tell(l->survey, "properties", done++, PROPERTIES_MOST);
        struct told t = { .property = p, .value = read_values(l->survey, p) };
        t.answer = mem_alloc((size_t)l->survey->n, sizeof *t.answer);
        if (tell(l, l->survey->label, &t)) {
            l->told[l->n_told++] = t;
            continue;
        }
        l->constant[l->n_constant++] = p->name;
        told_free(&t);
    }
    for (int k = 0; k < l->n_told; k++)
        l->told[k].share = share_of(l, &l->told[k]);
    qsort(l->told, (size_t)l->n_told, sizeof l->told[0], by_share);
    return true;
}

/* The control: the labels, each at a random picture. */
static void tell_shuffled(struct leak *l)
{
    const struct survey *s = l->survey;
    struct told t = l->told[0];
    struct rng r = rng_stream(s->seed, STREAM_LABELS, 0, 0);
    uint32_t *from = mem_alloc((size_t)s->n, sizeof *from);
    int *label = mem_alloc((size_t)s->n, sizeof *label);
    rng_permutation(&r, (uint32_t)s->n, from);
    for (int k = 0; k < s->n; k++)
        label[k] = s->label[from[k]];
    t.answer = mem_alloc((size_t)s->n, sizeof *t.answer);
    tell(l, label, &t);
    l->shuffled = share_of(l, &t);
    free(t.answer);
    free(label);
    free(from);
}

/* Of all, so that it holds whichever is the largest. Nothing that differs: nothing that could tell. */
static struct estimate largest(const struct leak *l)
{
    struct estimate e = { 0, 0, 0, l->survey->n };
    if (l->n_told > 0)
        e = l->told[0].share;
    for (int k = 1; k < l->n_told; k++) {
        e.low = fmax(e.low, l->told[k].share.low);
        e.high = fmax(e.high, l->told[k].share.high);
    }
    return e;
}

static bool is_bad(const struct leak *l)
{
    const struct estimate *e = &l->check->estimate;
    return l->policy->side == SIDE_NONE ? e->low > 0.05
                                        : check_decide(e, l->policy->side, l->policy->limit) == CHECK_FAIL;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static const struct wording {
    const char *question, *kind, *good, *bad, *keep, *act;
} wording[] = {
    [PROPERTIES_FILE] = { .question = "Does the file tell the class?",
                          .kind = "property of its file",
                          .good =
                              "The files of the classes are alike. What was not asked, such as names and dates, may "
                              "still differ.",
                          .bad = "The classes were made or stored in different ways. A network that learns the traces "
                                 "of that (sizes, compression) is right here and wrong on other pictures. It does not "
                                 "follow that a network will use them.",
                          .keep = "Store new pictures in the same way as these.",
                          .act =
                              "Find out how the classes were collected; store all pictures again in one size, format "
                              "and quality, and validate again." },
    [PROPERTIES_PICTURE] = { .question = "Does the look of the whole picture tell the class?",
                             .kind = "property of the whole picture",
                             .good = "No such property stands for the class. Several together may tell more.",
                             .bad = "A network can learn this property instead of the object. Some of it is the nature "
                                    "of the classes (the sky is blue); what comes from camera, light or preparation "
                                    "fails on other pictures.",
                             .keep = "Keep the figures and compare them with those of the next version of the data.",
                             .act = "Balance the property over the classes, take pictures of each class under the same "
                                    "conditions, or vary brightness and colour at random in training." },
};

static const char *share_text(struct leak *l, const struct estimate *e)
{
    return kept_add(&l->kept, text_control(e, UNIT_SHARE));
}

/* "a, b and c"; "" for none. */
static const char *list(struct leak *l, const char *const *name, int n)
{
    const char *text = "";
    for (int k = 0; k < n; k++)
        text = kept_add(&l->kept, mem_format("%s%s%s", text, k == 0 ? "" : k == n - 1 ? " and " : ", ", name[k]));
    return text;
}

static const char *asked_names(struct leak *l)
{
    const char *name[PROPERTIES_MOST];
    int n = 0;
    for (const struct property *p = properties; p->name; p++)
        if (asks(l, p))
            name[n++] = p->name;
    return list(l, name, n);
}

/* The next ones behind the first. */
static const char *others(struct leak *l)
{
    const char *name[NAMED];
    int n = 0;
    for (int k = 1; k < l->n_told && n < NAMED; k++)
        name[n++] =
            kept_add(&l->kept, mem_format("%s %s", l->told[k].property->name, share_text(l, &l->told[k].share)));
    return n ? kept_add(&l->kept, mem_format(" The next: %s.", list(l, name, n))) : "";
}

/* What could not be asked, and why. */
static const char *silent(struct leak *l)
{
    const char *same = l->n_constant ? kept_add(&l->kept, mem_format(" The same in all pictures, or not there: %s.",
                                                                     list(l, l->constant, l->n_constant)))
                                     : "";
    return kept_add(&l->kept, mem_format("%s%s", same,
                                         l->ordered && l->policy->properties == PROPERTIES_FILE
                                             ? " The files stand class by class, so their order was not asked."
                                             : ""));
}

static void say_found(struct leak *l)
{
    struct check *out = l->check;
    if (l->n_told == 0) {
        out->found = mem_format("Nothing that could tell the class.%s", silent(l));
        return;
    }
    const struct told *first = &l->told[0];
    struct estimate right = estimate_share(first->right, l->survey->n);
    out->found = mem_format(
        "%s %s: with it %s are named right, always naming the most frequent class %s. That is %s of what the most "
        "frequent class leaves open; with shuffled labels %s.%s%s",
        first->share.value > 0 ? "Most is told by the" : "No property tells more than guessing. The best is the",
        first->property->name, share_text(l, &right), kept_add(&l->kept, text_number(1 - l->room, UNIT_SHARE)),
        kept_add(&l->kept, text_estimate(&out->estimate, out->unit, l->policy)), share_text(l, &l->shuffled), others(l),
        silent(l));
}

static void word(struct leak *l)
{
    const struct wording *w = &wording[l->policy->properties];
    struct check *out = l->check;
    out->question = mem_string(w->question);
    out->measure = l->n_told && out->estimate.value > 0
                       ? mem_format("of what guessing leaves open is told by the %s", l->told[0].property->name)
                       : mem_string("of what guessing leaves open is told by one property alone");
    out->asks =
        mem_format("We name the class of each picture from one %s at a time, by what other pictures with a like "
                   "value are: %s.",
                   w->kind, asked_names(l));
    say_found(l);
    out->means = mem_string(text_choose(&out->estimate, l->policy, is_bad(l) ? w->bad : w->good, w->bad,
                                        "Whether such a property tells the class beyond the limit is not settled."));
    out->act = text_act(&out->estimate, l->policy, is_bad(l) ? w->act : w->keep, w->act);
}

/* --- pictures ----------------------------------------------------------------------------------------------------- */

static void draw_rows(struct leak *l)
{
    struct figure *f = check_add_figure(l->check, FIGURE_ROWS);
    f->heading = mem_string("What each property tells alone");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("of what always naming the most frequent class leaves open");
    f->has_limit = l->policy->side != SIDE_NONE;
    f->limit = l->policy->limit;
    f->x_high = f->has_limit ? f->limit : 0;
    for (int k = 0; k < l->n_told; k++) {
        const struct estimate *e = &l->told[k].share;
        figure_add_row(f, l->told[k].property->name, e->value, e->low, e->high, estimate_tone(e, l->policy));
        f->x_low = fmin(f->x_low, e->low);
        f->x_high = fmax(f->x_high, e->high);
    }
    const char *control = kept_add(&l->kept, mem_format("%s, shuffled labels", l->told[0].property->name));
    figure_add_row(f, control, l->shuffled.value, l->shuffled.low, l->shuffled.high, TONE_CONTROL);
    f->x_low = fmin(f->x_low, l->shuffled.low);
    f->caption = mem_format("%s; the lines are intervals that hold for all %d properties together with 95%%.",
                            kept_add(&l->kept, text_n(l->survey->n)), l->n_told);
    text_describe_rows(f);
}

/* What pictures are sorted by to be shown: the value, or the mean of a colour. */
static double key_of(const struct told *t, int row)
{
    double sum = 0;
    for (int d = 0; d < t->property->dims; d++)
        sum += t->value[(size_t)row * (size_t)t->property->dims + (size_t)d];
    return sum;
}

static int by_key(const void *x, const void *y, void *self)
{
    int i = *(const int *)x, j = *(const int *)y;
    double a = key_of(self, i), b = key_of(self, j);
    return a != b ? (a > b) - (a < b) : (i > j) - (i < j);
}

/* row[EXAMPLES]: of the pictures that the property names right, from the lowest value to the highest. Returns how many
 * there are. */
static int find_examples(const struct leak *l, int row[EXAMPLES])
{
    const struct told *t = &l->told[0];
    int n = 0, *right = mem_alloc((size_t)l->survey->n, sizeof *right);
    for (int k = 0; k < l->survey->n; k++)
        if (t->answer[k] == l->survey->label[k])
            right[n++] = k;
    qsort_r(right, (size_t)n, sizeof *right, by_key, (void *)t);
    int found = n < EXAMPLES ? n : EXAMPLES;
    for (int k = 0; k < found; k++)
        row[k] = right[found == 1 ? 0 : (int)((int64_t)k * (n - 1) / (found - 1))];
    free(right);
    return found;
}

static char *caption_of(struct leak *l, int row)
{
    const struct told *t = &l->told[0];
    const char *class = kept_add(&l->kept, shown_class(l->survey, l->survey->label[row]));
    const char *value = kept_add(&l->kept, t->property->write(t->value + (size_t)row * (size_t)t->property->dims));
    return mem_format("%s: %s", class, value);
}

static bool draw_pictures(struct leak *l, struct err *err)
{
    int row[EXAMPLES], n = find_examples(l, row);
    struct figure *f = check_add_figure(l->check, FIGURE_PICTURES);
    f->heading = mem_format("Named right by the %s alone", l->told[0].property->name);
    f->caption = mem_string("From the lowest value to the highest, with class and value.");
    f->description = mem_format("Pictures whose class the %s tells, and its value.", l->told[0].property->name);
    for (int k = 0; k < n; k++)
        if (!shown_add(l->survey, f, row[k], NULL, caption_of(l, row[k]), caption_of(l, row[k]), err))
            return false;
    return true;
}

static bool state_fact(struct leak *l, struct err *err)
{
    struct fact *fact = &l->check->fact;
    const struct told *first = &l->told[0];
    int row[EXAMPLES], n = find_examples(l, row);
    struct estimate right = estimate_share(first->right, l->survey->n);
    char *limit = text_limit(&l->check->estimate, UNIT_SHARE, l->policy);
    fact->heading = mem_format("The %s alone names %s right", first->property->name,
                               kept_add(&l->kept, text_number(right.value, UNIT_SHARE)));
    fact->sentence = mem_format(
        "Always naming the most frequent class is right in %s; the %s tells %s of the rest.%s%s",
        kept_add(&l->kept, text_number(1 - l->room, UNIT_SHARE)), first->property->name,
        kept_add(&l->kept, text_value(&l->check->estimate, UNIT_SHARE, l->policy)), *limit ? " " : "", limit);
    free(limit);
    for (int k = 0; k < 3 && k < n; k++) {
        int shown = row[n > 3 ? k * (n - 1) / 2 : k];
        if (!shown_add_fact(l->survey, fact, shown, NULL, caption_of(l, shown), caption_of(l, shown), err))
            return false;
    }
    return true;
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

static json_t *details(const struct leak *l)
{
    json_t *told = json_array(), *constant = json_array();
    for (int k = 0; k < l->n_told; k++) {
        const struct told *t = &l->told[k];
        struct estimate right = estimate_share(t->right, l->survey->n);
        json_array_append_new(told, json_pack("{s:s, s:o, s:o}", "property", t->property->name, "right",
                                              probe_json(&right), "share_of_room", probe_json(&t->share)));
    }
    for (int k = 0; k < l->n_constant; k++)
        json_array_append_new(constant, json_string(l->constant[k]));
    json_t *object = json_pack("{s:o, s:o, s:o}", "properties", told, "same_in_all", constant, "majority_right",
                               probe_number(1 - l->room));
    if (l->n_told)
        json_object_set_new(object, "shuffled_labels_share_of_room", probe_json(&l->shuffled));
    return object;
}

static bool report(struct leak *l, struct err *err)
{
    struct check *out = l->check;
    out->unit = UNIT_SHARE;
    out->of = "pictures";
    out->estimate = largest(l);
    out->details = details(l);
    word(l);
    if (l->n_told == 0)
        return true;
    draw_rows(l);
    return draw_pictures(l, err) && (!(out->estimate.low > 0) || state_fact(l, err));
}

bool check_property_leak(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    struct leak l = { .survey = s, .policy = p, .check = out };
    bool ok = survey_facts(s, err) && survey_sample(s, n, err) && find_most(&l, err);
    if (ok) {
        l.ordered = properties_ordered_by_class(s);
        ok = tell_all(&l, err);
    }
    if (ok && l.n_told > 0)
        tell_shuffled(&l);
    ok = ok && report(&l, err);
    for (int k = 0; k < l.n_told; k++)
        told_free(&l.told[k]);
    kept_free(&l.kept);
    return ok;
}
