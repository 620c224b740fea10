/* Does one place tell the class? Each place of a grid is shown alone to a simple model; the best one is compared with
 * one that ranks in the middle. Objects seldom sit in the same place in all pictures; rulers, logos, time stamps and
 * frames do. */
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

/* What the best place and one that ranks in the middle tell, each chosen on the other folds. */
struct contrast {
    int best, middle; /* right answers */
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
    int best, middle; /* by all folds: the places to show */
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
        m->part[k] = (struct probed_part){ .mask = m->mask + (int64_t)k * h * w, .cells = CELLS, .shuffle = true };
}

struct rank {
    int place, right;
};

static int compare_ranks(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    return x->right != y->right ? (x->right < y->right) - (x->right > y->right)
                                : (x->place > y->place) - (x->place < y->place);
}

/* Places by right answers on the pictures outside of fold `but` (-1: on all), the best first. */
static void rank_places(const struct map *m, bool shuffled, int but, struct rank *rank)
{
    const struct linear_probe *p = &m->probe;
    const int *label = shuffled ? p->shuffled : p->label;
    for (int k = 0; k < m->n; k++) {
        const int *answer = shuffled ? m->part[k].shuffled : m->part[k].answer;
        rank[k] = (struct rank){ k, 0 };
        for (int i = 0; i < p->n; i++)
            rank[k].right += p->fold[i] != but && answer[i] == label[i];
    }
    qsort(rank, (size_t)m->n, sizeof *rank, compare_ranks);
}

/* The best of 64 is best by luck, too: measured on the pictures that chose it, it would always stand out. */
static struct contrast measure_contrast(const struct map *m, bool shuffled)
{
    const struct linear_probe *p = &m->probe;
    const int *label = shuffled ? p->shuffled : p->label;
    struct rank *rank = mem_alloc((size_t)m->n, sizeof *rank);
    double *difference = mem_alloc((size_t)p->n, sizeof *difference);
    struct contrast c = { 0 };
    for (int fold = 0; fold < SURVEY_FOLDS; fold++) {
        rank_places(m, shuffled, fold, rank);
        const struct probed_part *best = &m->part[rank[0].place], *middle = &m->part[rank[m->n / 2].place];
        for (int i = 0; i < p->n; i++) {
            if (p->fold[i] != fold)
                continue;
            int of_best = (shuffled ? best->shuffled : best->answer)[i] == label[i];
            int of_middle = (shuffled ? middle->shuffled : middle->answer)[i] == label[i];
            c.best += of_best;
            c.middle += of_middle;
            difference[i] = of_best - of_middle;
        }
    }
    c.difference = linear_probe_mean(p, difference);
    free(difference);
    free(rank);
    return c;
}

static bool measure(struct map *m, int64_t n, struct err *err)
{
    if (!linear_probe_open(&m->probe, m->survey, n, err))
        return false;
    make_places(m);
    if (!linear_probe_ask(&m->probe, "telling classes from each place", m->part, m->n, err))
        return false;
    struct rank *rank = mem_alloc((size_t)m->n, sizeof *rank);
    rank_places(m, false, -1, rank);
    m->best = rank[0].place;
    m->middle = rank[m->n / 2].place;
    free(rank);
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
    return name[third(m->best / m->columns, m->rows)][third(m->best % m->columns, m->columns)];
}

static char *found(struct map *m)
{
    return mem_format(
        "The best place minus a middling one is %s. The best is in %s (row %d of %d, column %d of %d); it tells %s "
        "right, "
        "the middling one %s. With shuffled labels the same steps give %s. Always naming the most frequent class gives "
        "%s, guessing %s.",
        keep(m, text_estimate(&m->check->estimate, UNIT_POINTS, m->policy)), where(m), m->best / m->columns + 1,
        m->rows, m->best % m->columns + 1, m->columns, share(m, m->found.best), share(m, m->found.middle),
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
    out->measure = mem_format("best of %d places against a middling one", m->n);
    out->asks = mem_format("We cut the pictures into %d by %d places and train a simple model on each place alone. The "
                           "place that tells most is compared with one that ranks in the middle, both chosen on other "
                           "pictures than those that they are measured on.",
                           m->rows, m->columns);
    out->found = found(m);
    out->means = means(m);
    out->act = act(m);
    fact->heading =
        mem_format("One place tells %s right", keep(m, text_number((double)m->found.best / m->probe.n, UNIT_SHARE)));
    fact->sentence =
        mem_format("From a part of %s alone, %s are told right; from a middling place %s: a difference of "
                   "%s.%s%s",
                   where(m), share(m, m->found.best), share(m, m->found.middle),
                   keep(m, text_estimate(&out->estimate, UNIT_POINTS, m->policy)), *limit ? " " : "", limit);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static double above_majority(const struct map *m, int place)
{
    return fmax(0, (double)m->part[place].right / m->probe.n - m->probe.majority);
}

static void draw_heat(struct map *m)
{
    struct figure *f = check_add_figure(m->check, FIGURE_HEAT);
    f->heading = mem_string("What each place tells alone");
    f->caption =
        mem_format("Right answers above always naming the most frequent class, %s. Five-fold cross-validation.",
                   keep(m, text_n(m->probe.n)));
    f->description = mem_format("%d by %d places. The best is row %d, column %d: %s above the most frequent class.",
                                m->rows, m->columns, m->best / m->columns + 1, m->best % m->columns + 1,
                                keep(m, text_number(above_majority(m, m->best), UNIT_SHARE)));
    f->x_unit = f->y_unit = UNIT_SHARE;
    f->x_label = mem_string("more than the most frequent class");
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
    add_row(m, f, "best place", m->found.best, estimate_tone(&m->check->estimate, m->policy));
    add_row(m, f, "middling place", m->found.middle, TONE_CONTROL);
    add_row(m, f, "best place, shuffled labels", m->shuffled.best, TONE_CONTROL);
    figure_add_row(f, "most frequent class", m->probe.majority, m->probe.majority, m->probe.majority, TONE_CONTROL);
    f->caption = mem_format("%s; places chosen on other pictures. Lines are 95%% intervals (Wilson).",
                            keep(m, text_n(m->probe.n)));
    text_describe_rows(f);
}

static bool only_best(const struct map *m, int i)
{
    int label = m->probe.label[i];
    return m->part[m->best].answer[i] == label && m->part[m->middle].answer[i] != label;
}

static int find_examples(const struct map *m, int *example)
{
    int n = 0, wanted = m->probe.n < EXAMPLES ? m->probe.n : EXAMPLES;
    for (int other = 0; other < 2; other++)
        for (int i = 0; i < m->probe.n && n < wanted; i++)
            if (only_best(m, i) != other)
                example[n++] = i;
    return n;
}

static char *caption(struct map *m, int i, bool whole)
{
    int answer = m->part[m->best].answer[i];
    const char *label = keep(m, shown_class(m->survey, m->probe.label[i]));
    const char *number = keep(m, format_count(m->survey->image[m->probe.row[i]]));
    if (whole)
        return mem_format("Picture %s: %s", number, label);
    return answer < 0 ? mem_string("The best place: not told")
                      : mem_format("The best place: told %s", keep(m, shown_class(m->survey, answer)));
}

static bool draw_examples(struct map *m, struct err *err)
{
    int example[EXAMPLES], n = find_examples(m, example);
    const uint8_t *mask = m->part[m->best].mask;
    struct figure *f = check_add_figure(m->check, FIGURE_PICTURES);
    bool ok = true;
    f->heading = mem_string("The best place, alone");
    f->caption =
        mem_string("The first pictures that are told right from the best place and wrong from the middling one; "
                   "where there are not enough, the first others. Grey is hidden.");
    f->description = mem_string("Pictures, each whole and with only its best place shown, and what was told.");
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
        if (only_best(m, i))
            survey_suspect(m->survey, m->survey->split, m->survey->image[m->probe.row[i]], "region.map",
                           mem_format("told from a part of %s alone", where(m)));
}

static json_t *details(const struct map *m)
{
    json_t *object = json_object(), *map = json_array();
    for (int row = 0; row < m->rows; row++) {
        json_t *line = json_array();
        for (int column = 0; column < m->columns; column++)
            json_array_append_new(line, probe_number((double)m->part[row * m->columns + column].right / m->probe.n));
        json_array_append_new(map, line);
    }
    struct estimate best = linear_probe_share(&m->probe, m->found.best);
    struct estimate middle = linear_probe_share(&m->probe, m->found.middle);
    json_object_set_new(object, "right_by_place", map);
    json_object_set_new(object, "best_row", json_integer(m->best / m->columns + 1));
    json_object_set_new(object, "best_column", json_integer(m->best % m->columns + 1));
    json_object_set_new(object, "best_right", probe_json(&best));
    json_object_set_new(object, "middling_right", probe_json(&middle));
    json_object_set_new(object, "shuffled_labels_difference", probe_json(&m->shuffled.difference));
    json_object_set_new(object, "majority_right", probe_number(m->probe.majority));
    json_object_set_new(object, "chance", probe_number(1.0 / m->survey->data->classes));
    return object;
}

static void map_close(struct map *m)
{
    for (int k = 0; k < m->n; k++) {
        free(m->part[k].answer);
        free(m->part[k].shuffled);
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
