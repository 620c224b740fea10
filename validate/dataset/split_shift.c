/* Do training and test pictures come from the same place? A linear classifier is asked to tell which split a picture is
 * from (a domain classifier). Control: it is asked to tell two random halves of the training split apart. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/ridge.h"
#include "base/rng.h"
#include "validate/checks/estimate.h"
#include "validate/checks/text.h"
#include "validate/dataset/shown.h"

/* THUMB: side of the thumbnail. STATISTICS: mean, standard deviation and mean difference of neighbours of a channel. A
 * picture of SCALE * THUMB pixels is shown for each split. */
enum { THUMB = 8, CELLS = THUMB * THUMB, STATISTICS = 3, PER_CHANNEL = CELLS + STATISTICS, FEWEST = 2 * SURVEY_FOLDS };
enum { MOST_PER_SPLIT = 50000, SCALE = 8 };
static const double lambda = 0.01;

/* Rows are pictures that could be read: those of the training split first. */
struct domains {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    struct kept kept;
    int64_t *image; /* drawn */
    bool *readable;
    int drawn[2], n[2]; /* by enum split; rows */
    int d;
    float *x; /* [drawn, then rows; d] */
    struct estimate right, control;
    int64_t told[2]; /* right answers by split */
};

/* --- pictures and features ---------------------------------------------------------------------------------------- */

/* Draws as many test pictures as training pictures, and as many training pictures again for the control where there are
 * so many. n: of both splits together; 0: all. */
static void draw_pictures(struct domains *m, int64_t n)
{
    const int64_t *count = m->survey->data->count;
    int64_t each = count[SPLIT_TRAIN] < count[SPLIT_TEST] ? count[SPLIT_TRAIN] : count[SPLIT_TEST];
    each = n > 0 && n / 2 < each ? n / 2 : each;
    each = each > MOST_PER_SPLIT ? MOST_PER_SPLIT : each;
    m->drawn[SPLIT_TEST] = (int)each;
    m->drawn[SPLIT_TRAIN] = (int)(2 * each < count[SPLIT_TRAIN] ? 2 * each : count[SPLIT_TRAIN]);
    m->image = mem_alloc((size_t)(m->drawn[SPLIT_TRAIN] + m->drawn[SPLIT_TEST]), sizeof *m->image);
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        uint32_t *order = mem_alloc((size_t)count[split], sizeof *order);
        struct rng r = rng_stream(m->survey->seed, RNG_SAMPLE, 1 + (uint32_t)split, 0);
        int64_t *image = m->image + (split == SPLIT_TEST ? m->drawn[SPLIT_TRAIN] : 0);
        rng_permutation(&r, (uint32_t)count[split], order);
        for (int i = 0; i < m->drawn[split]; i++)
            image[i] = order[i];
        free(order);
    }
}

/* out[67]: a thumbnail of a plane in [0,1], and how it varies. */
static void describe_plane(const float *plane, int h, int w, float *out)
{
    double sum = 0, square = 0, difference = 0;
    float cell[CELLS] = { 0 };
    int pixels[CELLS] = { 0 };
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            float value = plane[(size_t)y * (size_t)w + (size_t)x];
            int k = y * THUMB / h * THUMB + x * THUMB / w;
            cell[k] += value;
            pixels[k]++;
            sum += value;
            square += value * value;
            difference += x > 0 ? fabsf(value - plane[(size_t)y * (size_t)w + (size_t)x - 1]) : 0;
        }
    double area = (double)h * w, mean = sum / area;
    for (int k = 0; k < CELLS; k++)
        out[k] =
            pixels[k] ? cell[k] / (float)pixels[k] : (float)mean; /* a picture of less than 8 x 8 has empty cells */
    out[CELLS] = (float)mean;
    out[CELLS + 1] = (float)sqrt(fmax(square / area - mean * mean, 0));
    out[CELLS + 2] = (float)(difference / area);
}

static bool describe(void *self, int worker, int64_t i, struct err *err)
{
    struct domains *m = self;
    const struct survey *s = m->survey;
    const struct augment *a = &s->geometry;
    enum split split = i < m->drawn[SPLIT_TRAIN] ? SPLIT_TRAIN : SPLIT_TEST;
    struct err cause;
    size_t plane = (size_t)a->h * (size_t)a->w;
    float *x = mem_alloc((size_t)a->c * plane, sizeof *x);
    (void)worker, (void)err;
    m->readable[i] = picture_read(s->data, split, m->image[i], a, s->view, NULL, x, &cause);
    for (int c = 0; m->readable[i] && c < a->c; c++)
        describe_plane(x + (size_t)c * plane, a->h, a->w, m->x + (size_t)i * (size_t)m->d + c * PER_CHANNEL);
    free(x);
    return true;
}

/* Closes the gaps that unreadable pictures left. */
static void close_gaps(struct domains *m)
{
    int rows = 0, drawn = m->drawn[SPLIT_TRAIN] + m->drawn[SPLIT_TEST];
    size_t bytes = (size_t)m->d * sizeof *m->x;
    for (int i = 0; i < drawn; i++) {
        if (!m->readable[i])
            continue;
        memmove(m->x + (size_t)rows++ * (size_t)m->d, m->x + (size_t)i * (size_t)m->d, bytes);
        m->n[i < m->drawn[SPLIT_TRAIN] ? SPLIT_TRAIN : SPLIT_TEST]++;
    }
}

static bool measure_pictures(struct domains *m, struct err *err)
{
    size_t drawn = (size_t)(m->drawn[SPLIT_TRAIN] + m->drawn[SPLIT_TEST]);
    m->d = m->survey->geometry.c * PER_CHANNEL;
    m->x = mem_alloc(drawn * (size_t)m->d, sizeof *m->x);
    m->readable = mem_alloc(drawn, sizeof *m->readable);
    const struct survey_made made[] = { { m->x, (size_t)m->d * sizeof *m->x }, { m->readable, sizeof *m->readable } };
    if (!survey_share(m->survey, "training against test pictures", (int64_t)drawn, describe, m, made, 2, err))
        return false;
    close_gaps(m);
    return (m->n[SPLIT_TRAIN] >= FEWEST && m->n[SPLIT_TEST] >= FEWEST) ||
           err_run(err,
                   "%s: of the training split %d pictures can be used here, of the test split %d; there must be %d",
                   m->survey->data->name, m->n[SPLIT_TRAIN], m->n[SPLIT_TEST], FEWEST);
}

/* --- telling two groups apart ------------------------------------------------------------------------------------- */

/* Two groups of `each` rows, from first[0] and first[1] on, in rows that are `step` apart. Rows of a split are in
 * random order, so folds may go by place. answer[2*each]: 0 or 1; right[2]: of each group. */
static bool tell_apart(struct domains *m, const int first[2], int step, int each, int64_t right[2], struct err *err)
{
    int n = 2 * each;
    size_t d = (size_t)m->d;
    float *x = mem_alloc((size_t)n * d, sizeof *x);
    int *label = mem_alloc((size_t)n, sizeof *label), *answer = mem_alloc((size_t)n, sizeof *answer);
    uint8_t *fold = mem_alloc((size_t)n, sizeof *fold);
    for (int i = 0; i < n; i++) {
        label[i] = i >= each;
        int place = i - label[i] * each;
        fold[i] = (uint8_t)(place % SURVEY_FOLDS);
        memcpy(x + (size_t)i * d, m->x + (size_t)(first[label[i]] + place * step) * d, d * sizeof *x);
    }
    struct ridge_problem problem = {
        .n = n, .d = m->d, .classes = 2, .x = x, .label = label, .fold = fold, .folds = SURVEY_FOLDS, .lambda = lambda
    };
    bool ok = ridge_cross_validate(&problem, m->survey->team, answer, err);
    right[0] = right[1] = 0;
    for (int i = 0; ok && i < n; i++)
        right[label[i]] += answer[i] == label[i];
    free(fold);
    free(answer);
    free(label);
    free(x);
    return ok;
}

/* Right answers of n, less the half that guessing gets. */
static struct estimate above_half(int64_t right, int64_t n)
{
    struct estimate e = estimate_share(right, n);
    return (struct estimate){ e.value - 0.5, e.low - 0.5, e.high - 0.5, n };
}

static bool ask(struct domains *m, struct err *err)
{
    int each = m->n[SPLIT_TRAIN] < m->n[SPLIT_TEST] ? m->n[SPLIT_TRAIN] : m->n[SPLIT_TEST];
    int half = m->n[SPLIT_TRAIN] / 2;
    const int splits[2] = { 0, m->n[SPLIT_TRAIN] }, halves[2] = { 0, 1 };
    int64_t right[2];
    if (!tell_apart(m, splits, 1, each, m->told, err) || !tell_apart(m, halves, 2, half, right, err))
        return false;
    m->right = estimate_share(m->told[0] + m->told[1], 2 * each);
    m->check->estimate = above_half(m->told[0] + m->told[1], 2 * each);
    m->control = estimate_share(right[0] + right[1], 2 * half);
    return true;
}

/* --- report ------------------------------------------------------------------------------------------------------- */

static void word(struct domains *m)
{
    struct check *out = m->check;
    const struct estimate *e = &out->estimate;
    const char *estimate = kept_add(&m->kept, text_estimate(e, UNIT_POINTS, m->policy));
    const char *right = kept_add(&m->kept, text_number(m->right.value, UNIT_SHARE));
    const char *control = kept_add(&m->kept, text_control(&m->control, UNIT_SHARE));
    enum check_status status = check_decide(e, m->policy->side, m->policy->limit);
    bool apart = status == CHECK_FAIL || (status == CHECK_REPORTED && e->low > 0);
    out->question = mem_string("Can training and test pictures be told apart?");
    out->measure = mem_string("right answers above the 50% of guessing");
    out->of = "pictures";
    out->asks = mem_string("We take as many training as test pictures and ask a simple model (one linear layer on "
                           "small thumbnails, means, "
                           "contrast and sharpness of the channels) which split a picture is from. It answers for "
                           "pictures that it has not "
                           "seen. The control: the same with two random halves of the training split.");
    out->found =
        mem_format("%s are named right: %s above guessing. Of two random halves of the training split, %s are.", right,
                   estimate, control);
    out->means = mem_string(
        apart ? "The two splits differ in colour, light, sharpness or framing: they were taken, chosen or stored "
                "differently. Right answers on the test split then say how a model does on such pictures, not on more "
                "of what it was trained on. That may be wanted."
        : status == CHECK_INCONCLUSIVE
            ? "The interval lies on both sides of the limit, so this run cannot say whether the splits differ by more "
              "than the policy allows."
            : "In what such a model can see, test pictures are like training pictures. It does not follow that they "
              "show the same things, or that the two splits share no picture (see the check on duplicates).");
    out->act = text_act(e, m->policy,
                        apart ? "Compare the mean pictures below, and find the step that treats the splits differently."
                              : "Nothing.",
                        "Compare the mean pictures below and find the step that treats the splits differently: source, "
                        "camera, resizing, compression. Mix all pictures and split them again, or say what the test "
                        "split stands for.");
}

static void draw_rows(struct domains *m)
{
    struct figure *f = check_add_figure(m->check, FIGURE_ROWS);
    f->heading = mem_string("Right answers to: which of two groups is the picture from?");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Right answers");
    f->x_high = 1;
    figure_add_row(f, "training or test", m->right.value, m->right.low, m->right.high,
                   estimate_tone(&m->check->estimate, m->policy));
    figure_add_row(f, "two halves of training", m->control.value, m->control.low, m->control.high, TONE_CONTROL);
    figure_add_row(f, "guessing", 0.5, 0.5, 0.5, TONE_CONTROL);
    f->caption =
        mem_format("%s for the splits, %s for the halves; five-fold cross-validation; lines are 95%% intervals "
                   "(Wilson).",
                   kept_add(&m->kept, text_n(m->right.n)), kept_add(&m->kept, text_n(m->control.n)));
    text_describe_rows(f);
}

/* The mean of a split's thumbnails, each cell SCALE pixels wide. */
static void draw_mean(const struct domains *m, enum split split, struct picture *out)
{
    enum { SIDE = THUMB * SCALE };
    int channels = m->survey->geometry.c, from = split == SPLIT_TRAIN ? 0 : m->n[SPLIT_TRAIN];
    double mean[3][CELLS] = { { 0 } };
    for (int i = from; i < from + m->n[split]; i++)
        for (int c = 0; c < channels; c++)
            for (int k = 0; k < CELLS; k++)
                mean[c][k] += (double)m->x[(size_t)i * (size_t)m->d + (size_t)(c * PER_CHANNEL + k)] / m->n[split];
    float x[3 * SIDE * SIDE];
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < SIDE * SIDE; i++)
            x[c * SIDE * SIDE + i] = (float)mean[c][i / SIDE / SCALE * THUMB + i % SIDE / SCALE];
    *out = (struct picture){ .w = SIDE, .h = SIDE, .channels = 3, .pixels = mem_alloc(SIDE * SIDE, 3) };
    picture_from_image(x, channels, SIDE, SIDE, out->pixels);
    out->alt = mem_format("Mean %s picture, %d by %d cells.", split == SPLIT_TRAIN ? "training" : "test", THUMB, THUMB);
    out->caption = mem_string(split == SPLIT_TRAIN ? "mean of training" : "mean of test");
}

static void draw_means(struct domains *m)
{
    struct figure *f = check_add_figure(m->check, FIGURE_PICTURES);
    f->heading = mem_string("The mean picture of each split");
    f->caption =
        mem_format("Means of %d training and %d test pictures, as thumbnails.", m->n[SPLIT_TRAIN], m->n[SPLIT_TEST]);
    f->description = mem_string("The mean thumbnails of the training and of the test split.");
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        struct picture *p = figure_add_picture(f, 1, 1, 3, NULL, NULL);
        free(p->pixels);
        draw_mean(m, (enum split)split, p);
    }
}

static void state_fact(struct domains *m)
{
    struct fact *fact = &m->check->fact;
    const struct estimate *e = &m->check->estimate;
    const char *right = kept_add(&m->kept, text_number(m->right.value, UNIT_SHARE));
    const char *limit = kept_add(&m->kept, text_limit(e, UNIT_POINTS, m->policy));
    fact->heading = mem_format("Training or test: %s named right", right);
    fact->sentence = mem_format("A simple model names the split of %s of the pictures, %s above guessing.%s%s", right,
                                kept_add(&m->kept, text_estimate(e, UNIT_POINTS, m->policy)), *limit ? " " : "", limit);
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++)
        draw_mean(m, (enum split)split, &fact->picture[fact->n_pictures++]);
}

static json_t *estimate_json(const struct estimate *e)
{
    return json_pack("{s:f, s:f, s:f, s:I}", "value", e->value, "low", e->low, "high", e->high, "n", (json_int_t)e->n);
}

static json_t *details(const struct domains *m)
{
    json_t *object = json_object();
    json_object_set_new(object, "right", estimate_json(&m->right));
    json_object_set_new(object, "control_right", estimate_json(&m->control));
    json_object_set_new(object, "train_told_train", json_integer(m->told[SPLIT_TRAIN]));
    json_object_set_new(object, "test_told_test", json_integer(m->told[SPLIT_TEST]));
    json_object_set_new(object, "features", json_integer(m->d));
    json_object_set_new(
        object, "unreadable",
        json_integer(m->drawn[SPLIT_TRAIN] + m->drawn[SPLIT_TEST] - m->n[SPLIT_TRAIN] - m->n[SPLIT_TEST]));
    return object;
}

static bool measure(struct domains *m, int64_t n, struct err *err)
{
    const int64_t *count = m->survey->data->count;
    if (count[SPLIT_TRAIN] == 0 || count[SPLIT_TEST] == 0)
        return err_run(err, "%s has no %s split, so there is nothing to compare; leave this check out of the policy",
                       m->survey->data->name, count[SPLIT_TRAIN] ? "test" : "training");
    draw_pictures(m, n);
    return measure_pictures(m, err) && ask(m, err);
}

bool check_split_shift(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    struct domains m = { .survey = s, .policy = p, .check = out };
    bool ok = measure(&m, n, err);
    if (ok) {
        out->unit = UNIT_POINTS;
        word(&m);
        draw_rows(&m);
        draw_means(&m);
        state_fact(&m);
        out->details = details(&m);
    }
    kept_free(&m.kept);
    free(m.image);
    free(m.readable);
    free(m.x);
    return ok;
}
