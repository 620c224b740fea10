/* Are the classes of similar size? Smallest class over largest, in the split where that is least. */
#include "validate/dataset/dataset_checks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/text.h"
#include "validate/dataset/shown.h"
#include "validate/report/format.h"

enum { MOST_AT_AN_END = 10 };

struct sizes {
    const struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    struct kept kept;
    int64_t *count[2]; /* [classes] by enum split; NULL: no such split */
    int *order;        /* classes of the worse split by size */
    enum split worse;
    double ratio[2];
};

static int compare_sizes(const void *a, const void *b, void *counts)
{
    int i = *(const int *)a, j = *(const int *)b;
    const int64_t *count = counts;
    return count[i] != count[j] ? (count[i] > count[j]) - (count[i] < count[j]) : i - j;
}

static void count(struct sizes *z)
{
    const struct dataset *data = z->survey->data;
    z->worse = z->survey->split;
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        if (data->count[split] == 0)
            continue;
        int64_t *counts = z->count[split] = mem_alloc((size_t)data->classes, sizeof *counts), least, most;
        for (int64_t i = 0; i < data->count[split]; i++)
            counts[data->label(data, split, i)]++;
        least = most = counts[0];
        for (int k = 1; k < data->classes; k++) {
            least = counts[k] < least ? counts[k] : least;
            most = counts[k] > most ? counts[k] : most;
        }
        z->ratio[split] = (double)least / (double)most;
        if (z->ratio[split] < z->ratio[z->worse])
            z->worse = (enum split)split;
    }
    z->order = mem_alloc((size_t)data->classes, sizeof *z->order);
    for (int k = 0; k < data->classes; k++)
        z->order[k] = k;
    qsort_r(z->order, (size_t)data->classes, sizeof *z->order, compare_sizes, z->count[z->worse]);
}

/* The class at this place by size in the worse split, and how many pictures it has. */
static const char *name_at(struct sizes *z, int place)
{
    return kept_add(&z->kept, shown_class(z->survey, z->order[place]));
}

static const char *size_at(struct sizes *z, int place)
{
    return kept_add(&z->kept, format_count(z->count[z->worse][z->order[place]]));
}

static const char *split_name(enum split split)
{
    return split == SPLIT_TRAIN ? "training" : "test";
}

static char *other_split(const struct sizes *z)
{
    enum split other = z->worse == SPLIT_TRAIN ? SPLIT_TEST : SPLIT_TRAIN;
    if (!z->count[other])
        return mem_string("");
    char *ratio = text_number(z->ratio[other], UNIT_SHARE);
    char *text = mem_format(" In the %s split it is %s.", split_name(other), ratio);
    free(ratio);
    return text;
}

static void word(struct sizes *z)
{
    struct check *out = z->check;
    int last = z->survey->data->classes - 1;
    const char *estimate = kept_add(&z->kept, text_estimate(&out->estimate, UNIT_SHARE, z->policy));
    bool uneven = check_decide(&out->estimate, z->policy->side, z->policy->limit) == CHECK_FAIL ||
                  (z->policy->side == SIDE_NONE && out->estimate.value < 0.5);
    out->question = mem_string("Are the classes of similar size?");
    out->measure = mem_string("smallest class over largest");
    out->of = "pictures";
    out->asks =
        mem_string("We count the pictures of each class in each split, and divide the smallest count by the "
                   "largest. The split with the smaller quotient counts; a class that a split lacks makes it 0.");
    out->found = mem_format("%s. In the %s split %s has %s pictures and %s has %s.%s All pictures were counted, so "
                            "there is no interval.",
                            estimate, split_name(z->worse), name_at(z, 0), size_at(z, 0), name_at(z, last),
                            size_at(z, last), kept_add(&z->kept, other_split(z)));
    out->means = mem_string(
        uneven ? "Who always names the large classes is right more often than by guessing, so right answers over all "
                 "pictures say little about the small ones. It does not follow that the small classes are learnt badly."
               : "No class is favoured by its size. It does not follow that the classes are equally hard, or that each "
                 "is as varied as the others.");
    out->act = mem_string(uneven ? "Add pictures to the small classes, draw them more often in training, or report "
                                   "right answers class by class."
                                 : "Nothing.");
}

static void draw_rows(struct sizes *z)
{
    const struct dataset *data = z->survey->data;
    struct figure *f = check_add_figure(z->check, FIGURE_ROWS);
    bool all = data->classes <= 2 * MOST_AT_AN_END;
    enum tone tone = estimate_tone(&z->check->estimate, z->policy);
    f->heading = mem_format("Pictures of each class in the %s split", split_name(z->worse));
    f->x_unit = UNIT_NUMBER;
    f->x_label = mem_string("pictures");
    f->x_high = (double)z->count[z->worse][z->order[data->classes - 1]];
    for (int place = 0; place < data->classes; place++) {
        if (!all && place >= MOST_AT_AN_END && place < data->classes - MOST_AT_AN_END)
            continue;
        double size = (double)z->count[z->worse][z->order[place]];
        figure_add_row(f, data->class_names[z->order[place]], size, size, size, place == 0 ? tone : TONE_DATA);
    }
    char *n = text_n(data->count[z->worse]);
    f->caption =
        mem_format("%s; %s, by size.", n, all ? "all classes" : "the ten smallest and the ten largest classes");
    free(n);
    text_describe_rows(f);
}

static void state_fact(struct sizes *z)
{
    struct fact *fact = &z->check->fact;
    int last = z->survey->data->classes - 1;
    const char *limit = kept_add(&z->kept, text_limit(&z->check->estimate, UNIT_SHARE, z->policy));
    fact->heading = mem_format("The smallest class has %s pictures, the largest %s", size_at(z, 0), size_at(z, last));
    fact->sentence = mem_format(
        "In the %s split the smallest class, %s, has %s of the pictures of the largest, %s.%s%s", split_name(z->worse),
        name_at(z, 0), kept_add(&z->kept, text_value(&z->check->estimate, UNIT_SHARE, z->policy)), name_at(z, last),
        *limit ? " " : "", limit);
}

static json_t *details(const struct sizes *z)
{
    static const char *const key[2] = { [SPLIT_TRAIN] = "train", [SPLIT_TEST] = "test" };
    json_t *object = json_object(), *counts = json_object(), *ratios = json_object();
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        if (!z->count[split])
            continue;
        json_t *list = json_array();
        for (int k = 0; k < z->survey->data->classes; k++)
            json_array_append_new(list, json_integer(z->count[split][k]));
        json_object_set_new(counts, key[split], list);
        json_object_set_new(ratios, key[split], json_real(z->ratio[split]));
    }
    json_object_set_new(object, "pictures", counts);
    json_object_set_new(object, "smallest_over_largest", ratios);
    return object;
}

bool check_class_balance(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    (void)n, (void)err; /* all are counted, nothing is read */
    struct sizes z = { .survey = s, .policy = p, .check = out };
    count(&z);
    double ratio = z.ratio[z.worse];
    out->unit = UNIT_SHARE;
    out->estimate = (struct estimate){ ratio, ratio, ratio, s->data->count[SPLIT_TRAIN] + s->data->count[SPLIT_TEST] };
    word(&z);
    draw_rows(&z);
    state_fact(&z);
    out->details = details(&z);
    kept_free(&z.kept);
    free(z.order);
    free(z.count[SPLIT_TRAIN]);
    free(z.count[SPLIT_TEST]);
    return true;
}
