/* Does one place tell the class? Each place of a grid is shown alone to a simple model; one place is compared with one
 * that ranks in the middle. Objects seldom sit at the same place of the edge in all pictures; rulers, logos, time
 * stamps and frames do. Further in, a place is also compared with its mirror images: in many sets the object is in the
 * middle, which tells much, but hardly more on one side than on the other. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/exhibit.h"
#include "validate/checks/probe.h"
#include "validate/checks/text.h"
#include "validate/dataset/linear_probe.h"
#include "validate/dataset/shown.h"
#include "validate/report/format.h"

enum { GRID = 8, CELLS = 16, EXAMPLES = 3 };

/* The place that stands out most and the one that it is compared with. */
struct pair {
    int place, other;
};

/* What such a pair tells, chosen on the other folds. */
struct contrast {
    int right, other_right;
    struct estimate difference;
};

struct map {
    struct survey *survey;
    const struct policy_check *policy;
    struct check *check;
    struct linear_probe probe;
    int rows, columns, n; /* places */
    uint8_t *mask;        /* [n,h*w] */
    struct probed_part *part;
    struct pair shown; /* by all folds */
    struct contrast found, shuffled;
    bool worrying;
    struct kept kept;
};

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static void make_places(struct map *m)
{
    int h = m->survey->geometry.h, w = m->survey->geometry.w;
    m->rows = h < GRID ? h : GRID;
    m->columns = w < GRID ? w : GRID;
    m->n = m->rows * m->columns;
    m->mask = mem_alloc((size_t)m->n, (size_t)h * (size_t)w);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int place = (int)((int64_t)y * m->rows / h) * m->columns + (int)((int64_t)x * m->columns / w);
            m->mask[(int64_t)place * h * w + y * w + x] = 1;
        }
    m->part = mem_alloc((size_t)m->n, sizeof *m->part);
    for (int k = 0; k < m->n; k++)
        m->part[k] = (struct probed_part){
            .mask = m->mask + (int64_t)k * h * w, .cells = CELLS, .shuffle = true, .nested = true
        };
}

static const struct told *told_from(const struct map *m, int place, bool shuffled)
{
    return shuffled ? &m->part[place].shuffled : &m->part[place].told;
}

/* right[k]: right answers from place k to the pictures outside of fold `but`, by models that have not seen it either
 * (-1: to all). */
static void count_right(const struct map *m, bool shuffled, int but, int *right)
{
    const struct linear_probe *p = &m->probe;
    const int *label = shuffled ? p->shuffled : p->label;
    for (int k = 0; k < m->n; k++) {
        const struct told *t = told_from(m, k, shuffled);
        const int *answer = but < 0 ? t->answer : t->nested + (int64_t)but * p->n;
        right[k] = 0;
        for (int i = 0; i < p->n; i++)
            right[k] += answer[i] == label[i];
    }
}

static int find_middling(const struct map *m, const int *right)
{
    for (int k = 0; k < m->n; k++) {
        int above = 0;
        for (int j = 0; j < m->n; j++)
            above += right[j] > right[k] || (right[j] == right[k] && j < k);
        if (above == m->n / 2)
            return k;
    }
    return 0;
}

static int compared_with(const struct map *m, const int *right, int middling, int k)
{
    int row = k / m->columns, column = k % m->columns, across = m->columns - 1 - column, down = m->rows - 1 - row;
    int mirrored[3] = { row * m->columns + across, down * m->columns + column, down * m->columns + across };
    int other = middling;
    if (row == 0 || down == 0 || column == 0 || across == 0)
        return other;
    for (int i = 0; i < 3; i++)
        if (mirrored[i] != k && right[mirrored[i]] > right[other])
            other = mirrored[i];
    return other;
}

static struct pair choose_pair(const struct map *m, bool shuffled, int but)
{
    int *right = mem_alloc((size_t)m->n, sizeof *right);
    count_right(m, shuffled, but, right);
    int middling = find_middling(m, right);
    struct pair best = { middling, middling };
    for (int k = 0; k < m->n; k++) {
        int other = compared_with(m, right, middling, k);
        if (right[k] - right[other] > right[best.place] - right[best.other])
            best = (struct pair){ k, other };
    }
    free(right);
    return best;
}

/* The best of 64 is best by luck, too: measured on the pictures that chose it, it would always stand out. */
static struct contrast measure_contrast(const struct map *m, bool shuffled)
{
    const struct linear_probe *p = &m->probe;
    const int *label = shuffled ? p->shuffled : p->label;
    double *difference = mem_alloc((size_t)p->n, sizeof *difference);
    struct contrast c = { 0 };
    for (int fold = 0; fold < SURVEY_FOLDS; fold++) {
        struct pair pair = choose_pair(m, shuffled, fold);
        const int *place = told_from(m, pair.place, shuffled)->answer,
                  *other = told_from(m, pair.other, shuffled)->answer;
        for (int i = 0; i < p->n; i++) {
            if (p->fold[i] != fold)
                continue;
            int right = place[i] == label[i], other_right = other[i] == label[i];
            c.right += right;
            c.other_right += other_right;
            difference[i] = right - other_right;
        }
    }
    c.difference = linear_probe_mean(p, difference);
    free(difference);
    return c;
}

static bool measure(struct map *m, int64_t n, struct err *err)
{
    if (!linear_probe_open(&m->probe, m->survey, n, err))
        return false;
    make_places(m);
    if (!linear_probe_ask(&m->probe, "telling classes from each place", m->part, m->n, err))
        return false;
    m->shown = choose_pair(m, false, -1);
    m->found = measure_contrast(m, false);
    m->shuffled = measure_contrast(m, true);
    return true;
}

static void decide(struct map *m)
{
    struct check *out = m->check;
    out->unit = UNIT_POINTS;
    out->estimate = m->found.difference;
    m->worrying = m->policy->side == SIDE_NONE
                      ? out->estimate.low > 0
                      : check_decide(&out->estimate, m->policy->side, m->policy->limit) == CHECK_FAIL;
    out->needed = m->probe.few ? m->probe.n_needed : 0;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static const char *keep(struct map *m, char *text)
{
    return kept_add(&m->kept, text);
}

static const char *share(struct map *m, int right)
{
    struct estimate e = linear_probe_share(&m->probe, right);
    return keep(m, text_control(&e, UNIT_SHARE));
}

static int third(int i, int n)
{
    return i < (n + 3) / 4 ? 0 : i >= n - (n + 3) / 4 ? 2 : 1;
}

static const char *where(const struct map *m)
{
    static const char *const name[3][3] = {
        { "the top left corner", "the top edge", "the top right corner" },
        { "the left edge", "the middle", "the right edge" },
        { "the bottom left corner", "the bottom edge", "the bottom right corner" },
    };
    return name[third(m->shown.place / m->columns, m->rows)][third(m->shown.place % m->columns, m->columns)];
}

static char *found(struct map *m)
{
    return mem_format(
        "The place that stands out most minus the one that it is compared with is %s. It is part of %s (row "
        "%d of %d, column "
        "%d of %d) and tells %s right, the other %s. With shuffled labels the same steps give %s. Always "
        "naming the most "
        "frequent class gives %s, guessing %s.",
        keep(m, text_estimate(&m->check->estimate, UNIT_POINTS, m->policy)), where(m), m->shown.place / m->columns + 1,
        m->rows, m->shown.place % m->columns + 1, m->columns, share(m, m->found.right), share(m, m->found.other_right),
        keep(m, text_control(&m->shuffled.difference, UNIT_POINTS)),
        keep(m, text_number(m->probe.majority, UNIT_SHARE)),
        keep(m, text_number(1.0 / m->survey->data->classes, UNIT_SHARE)));
}

static char *means(struct map *m)
{
    if (m->worrying)
        return mem_format("A part of %s gives the class away. Objects seldom sit in one place in all pictures; logos, "
                          "rulers, time stamps and frames do, and a network can learn them instead of the object. It "
                          "does not follow that there is only one such place: see the map.",
                          where(m));
    if (m->probe.few)
        return mem_string("There are fewer than ten pictures of each class: a simple model learns next to nothing from "
                          "so few, so nothing follows.");
    return mem_string(text_choose(&m->check->estimate, m->policy,
                                  "No place stands far out. It does not follow that there is no mark in the pictures: "
                                  "one that moves about would not be seen here.",
                                  "", "One place may stand out; this run cannot say."));
}

static char *act(struct map *m)
{
    static const char good[] = "Keep the map and compare it with that of the next version of the set.";
    const char *bad =
        keep(m, mem_format("Look at %s in the listed pictures, find out what put the mark there, and crop "
                           "or cover it in all pictures (at the edge: validate dataset with --fix).",
                           where(m)));
    if (m->probe.few)
        return mem_format("Use at least %s pictures, ten of each class: raise the sample of this check in the policy, "
                          "use --full, or add pictures to the set.",
                          keep(m, format_count(m->probe.n_needed)));
    return m->policy->side == SIDE_NONE ? mem_string(m->worrying ? bad : good)
                                        : text_act(&m->check->estimate, m->policy, good, bad);
}

static void word(struct map *m)
{
    struct check *out = m->check;
    struct fact *fact = &out->fact;
    const char *limit = keep(m, text_limit(&out->estimate, UNIT_POINTS, m->policy));
    out->question = mem_string("Does one place tell the class?");
    out->measure = mem_format("one of %d places against the others", m->n);
    out->asks = mem_format("We cut the pictures into %d by %d places and train a simple model on each place alone. The "
                           "place that stands out most is compared with one that ranks in the middle, and, away from "
                           "the edge, with its mirror images, too. Both are chosen on other pictures than those that "
                           "they are measured on.",
                           m->rows, m->columns);
    out->found = found(m);
    out->means = means(m);
    out->act = act(m);
    fact->heading =
        mem_format("One place tells %s right", keep(m, text_number((double)m->found.right / m->probe.n, UNIT_SHARE)));
    fact->sentence =
        mem_format("From a part of %s alone, %s are told right; from another place %s: a difference of "
                   "%s.%s%s",
                   where(m), share(m, m->found.right), share(m, m->found.other_right),
                   keep(m, text_estimate(&out->estimate, UNIT_POINTS, m->policy)), *limit ? " " : "", limit);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static double above_majority(const struct map *m, int place)
{
    return fmax(0, (double)m->part[place].told.right / m->probe.n - m->probe.majority);
}

static void draw_heat(struct map *m)
{
    struct figure *f = check_add_figure(m->check, FIGURE_HEAT);
    f->heading = mem_string("What each place tells alone");
    f->caption = mem_format("Right answers over always naming the most frequent class, %s. Five-fold cross-validation.",
                            keep(m, text_n(m->probe.n)));
    f->description = mem_format("%d by %d places. Row %d, column %d stands out most: %s over the most frequent class.",
                                m->rows, m->columns, m->shown.place / m->columns + 1, m->shown.place % m->columns + 1,
                                keep(m, text_number(above_majority(m, m->shown.place), UNIT_POINTS)));
    f->x_unit = f->y_unit = UNIT_POINTS;
    f->x_label = mem_string("over the most frequent class");
    f->heat_w = m->columns;
    f->heat_h = m->rows;
    f->share = mem_alloc((size_t)m->n, sizeof *f->share);
    for (int k = 0; k < m->n; k++)
        f->share[k] = above_majority(m, k);
}

static void add_row(struct map *m, struct figure *f, const char *name, int right, enum tone tone)
{
    struct estimate e = linear_probe_share(&m->probe, right);
    figure_add_row(f, name, e.value, e.low, e.high, tone);
}

static void draw_rows(struct map *m)
{
    struct figure *f = check_add_figure(m->check, FIGURE_ROWS);
    f->heading = mem_string("Told right from one place alone");
    f->x_unit = UNIT_SHARE;
    f->x_label = mem_string("Right answers");
    f->x_high = 1;
    add_row(m, f, "the place that stands out", m->found.right, estimate_tone(&m->check->estimate, m->policy));
    add_row(m, f, "the place compared with", m->found.other_right, TONE_CONTROL);
    add_row(m, f, "shuffled labels", m->shuffled.right, TONE_CONTROL);
    figure_add_row(f, "most frequent class", m->probe.majority, m->probe.majority, m->probe.majority, TONE_CONTROL);
    f->caption = mem_format("%s; places chosen on other pictures. Lines are 95%% intervals (Wilson).",
                            keep(m, text_n(m->probe.n)));
    text_describe_rows(f);
}

static bool only_place(const struct map *m, int i)
{
    int label = m->probe.label[i];
    return m->part[m->shown.place].told.answer[i] == label && m->part[m->shown.other].told.answer[i] != label;
}

static int find_examples(const struct map *m, int *example)
{
    int n = 0, wanted = m->probe.n < EXAMPLES ? m->probe.n : EXAMPLES;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < m->probe.n && n < wanted; i++)
            if (only_place(m, i) == (pass == 0))
                example[n++] = i;
    return n;
}

static char *caption(struct map *m, int i, bool whole)
{
    int answer = m->part[m->shown.place].told.answer[i];
    const char *label = keep(m, shown_class(m->survey, m->probe.label[i]));
    const char *number = keep(m, format_count(m->survey->image[m->probe.row[i]]));
    if (whole)
        return mem_format("Picture %s: %s", number, label);
    return answer < 0 ? mem_string("Only that place: not told")
                      : mem_format("Only that place: told %s", keep(m, shown_class(m->survey, answer)));
}

static bool draw_examples(struct map *m, struct err *err)
{
    int example[EXAMPLES], n = find_examples(m, example);
    const uint8_t *mask = m->part[m->shown.place].mask;
    struct figure *f = check_add_figure(m->check, FIGURE_PICTURES);
    bool ok = true;
    f->heading = mem_string("The place that stands out, alone");
    f->caption = mem_string(
        "The first pictures that are told right from that place and wrong from the one that it is compared with; "
        "where there are not enough, the first others. Grey is hidden.");
    f->description = mem_string("Pictures, each whole and with only one place shown, and what was told from it.");
    for (int k = 0; k < n; k++)
        for (int alone = 0; alone < 2; alone++) {
            char *text = caption(m, example[k], !alone), *alt = mem_format("%s.", text);
            ok = shown_add(m->survey, f, m->probe.row[example[k]], alone ? mask : NULL, alt, text, err) && ok;
        }
    for (int alone = 0; alone < 2; alone++) {
        char *text = caption(m, example[0], !alone), *alt = mem_format("%s.", text);
        ok =
            shown_add_fact(m->survey, &m->check->fact, m->probe.row[example[0]], alone ? mask : NULL, alt, text, err) &&
            ok;
    }
    return ok;
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

static void list_suspects(struct map *m)
{
    for (int i = 0; i < m->probe.n; i++)
        if (only_place(m, i))
            survey_suspect(m->survey, m->survey->split, m->survey->image[m->probe.row[i]], "region.map",
                           mem_format("told from a part of %s alone", where(m)));
}

static json_t *details(const struct map *m)
{
    json_t *object = json_object(), *map = json_array();
    for (int row = 0; row < m->rows; row++) {
        json_t *line = json_array();
        for (int column = 0; column < m->columns; column++)
            json_array_append_new(line,
                                  probe_number((double)m->part[row * m->columns + column].told.right / m->probe.n));
        json_array_append_new(map, line);
    }
    struct estimate place = linear_probe_share(&m->probe, m->found.right);
    struct estimate other = linear_probe_share(&m->probe, m->found.other_right);
    json_object_set_new(object, "right_by_place", map);
    json_object_set_new(object, "place_row", json_integer(m->shown.place / m->columns + 1));
    json_object_set_new(object, "place_column", json_integer(m->shown.place % m->columns + 1));
    json_object_set_new(object, "place_right", probe_json(&place));
    json_object_set_new(object, "compared_right", probe_json(&other));
    json_object_set_new(object, "shuffled_labels_difference", probe_json(&m->shuffled.difference));
    json_object_set_new(object, "majority_right", probe_number(m->probe.majority));
    json_object_set_new(object, "chance", probe_number(1.0 / m->survey->data->classes));
    return object;
}

static void map_close(struct map *m)
{
    for (int k = 0; k < m->n; k++) {
        told_free(&m->part[k].told);
        told_free(&m->part[k].shuffled);
    }
    free(m->part);
    free(m->mask);
    linear_probe_close(&m->probe);
    kept_free(&m->kept);
}

bool check_region_map(struct survey *s, const struct policy_check *policy, int64_t n, struct check *out,
                      struct err *err)
{
    struct map m = { .survey = s, .policy = policy, .check = out };
    bool ok = measure(&m, n, err);
    if (ok) {
        decide(&m);
        out->details = details(&m);
        word(&m);
        draw_heat(&m);
        draw_rows(&m);
        ok = draw_examples(&m, err);
    }
    if (ok && m.worrying)
        list_suspects(&m);
    map_close(&m);
    return ok;
}
