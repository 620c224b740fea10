/* Section 2: how large the sufficient parts are, and where in the picture they lie. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tools/study_page/sections.h"
#include "tools/study_page/sis_summary.h"
#include "validate/report/format.h"

/* Ways to search, by the end of the step's name; the first six are pairs: ranked by margin, by probability. */
enum { WAY_MARGIN, PAIRED_WAYS = 6, WAYS = 9 };
static const char *const ways[WAYS] = {
    "margin", "probability", "screened", "screened_probability", "exact", "exact_probability", "k1", "black", "noise",
};
static const char *const way_name[WAYS] = {
    "gradient by margin",
    "gradient by probability",
    "screened by margin",
    "screened by probability",
    "exact by margin",
    "exact by probability",
    "gradient by margin, one pixel a step",
    "gradient by margin, hidden pixels black",
    "gradient by margin, hidden pixels noise",
};

/* A search of one model. */
struct entry {
    const struct family *family;
    int number, way;  /* number: of the model, 1.. */
    const char *name; /* "ResNet-20, seed 1" */
    struct sis_summary s;
};
enum { MOST_ENTRIES = FAMILIES * MOST_SEEDS * WAYS };

struct table {
    int n;
    struct entry entry[MOST_ENTRIES]; /* those that were run */
};

static const char *model_name(struct page *p, const struct family *f, int number)
{
    return f->seeds ? page_text(p, "%s, seed %d", f->name, number) : f->name;
}

/* Of a search on record, or of one that was run here, whose summary is put on record. */
static bool read_summary(const struct runs *runs, const struct step *step, struct sis_summary *out, struct err *err)
{
    static const char file[] = "summary.json";
    if (!runs_file(runs, step, "sis.json", "marginalia/sis", err)) /* which network it was, for the record */
        return false;
    if (step->here && !runs_kept(step, file)) {
        char *path = file_join(runs->directory, step->name);
        struct sis_summary made;
        bool ok = sis_summary_read(path, &made, err);
        if (ok)
            runs_keep(step, file, sis_summary_json(&made));
        sis_summary_free(&made);
        free(path);
        if (!ok)
            return false;
    }
    const json_t *summary = runs_file(runs, step, file, SIS_SUMMARY, err);
    if (!summary)
        return false;
    char *place = runs_place(runs, step, file);
    bool ok = sis_summary_parse(summary, place, out, err);
    free(place);
    return ok;
}

static bool read_entry(struct page *p, int family, int number, int way, struct table *t, struct err *err)
{
    const struct family *f = &families[family];
    const char *model = family_model(p, f, number);
    const struct step *step = runs_done(p->runs, "sis_%s_%s", model, ways[way]);
    if (!step)
        return true;
    struct entry *e = &t->entry[t->n++];
    *e = (struct entry){ .family = f, .number = number, .way = way };
    e->name = model_name(p, f, number);
    return read_summary(p->runs, step, &e->s, err);
}

static const struct entry *find(const struct table *t, const struct family *family, int number, int way)
{
    for (int i = 0; i < t->n; i++)
        if (t->entry[i].family == family && t->entry[i].number == number && t->entry[i].way == way)
            return &t->entry[i];
    return NULL;
}

/* --- sizes -------------------------------------------------------------------------------------------------------- */

/* The threshold nearest to p. */
static int nearest(const struct sis_summary *s, double p)
{
    int best = 0;
    for (int t = 1; t < s->n_thresholds; t++)
        if (fabs(s->threshold[t] - p) < fabs(s->threshold[best] - p))
            best = t;
    return best;
}

/* An interval may be a single size, so many pictures have it; that is no missing one. */
static const char *median_text(struct page *p, const struct estimate *e)
{
    if (e->low < e->high)
        return page_estimate(p, e, UNIT_NUMBER);
    const char *value = page_keep(p, format_value(e->value, UNIT_NUMBER, e->value != floor(e->value)));
    return e->low == e->high ? page_text(p, "%s (%s to %s)", value, value, value) : value;
}

/* A row for right answers, and one for wrong ones. */
static void write_sizes(struct page *p, const struct entry *e, int t)
{
    static const char *const name[GROUPS] = { [GROUP_RIGHT] = "right", [GROUP_WRONG] = "wrong" };
    for (int g = 0; g < GROUPS; g++) {
        const struct sizes *s = &e->s.sizes[t][g];
        if (s->reached.n > 0)
            page_row(p, e->name, e->s.method, page_text(p, "%g", e->s.threshold[t]), name[g],
                     page_count(p, s->reached.n), page_estimate(p, &s->reached, UNIT_SHARE),
                     s->median.n ? median_text(p, &s->median) : "none",
                     s->mean.n ? page_estimate(p, &s->mean, UNIT_NUMBER) : "none", NULL);
    }
}

static void begin_sizes(struct page *p, const char *above)
{
    page_table(p, "sizes", above, "Model", "Search", "Threshold", "Answers", "n", "Reach it", "Median size",
               "Mean size", NULL);
}

/* "screened by probability: 4 of 6 models" for each way to search that is not complete. */
static void name_missing(struct page *p, const struct table *t)
{
    for (int way = 0; way < WAYS; way++) {
        int missing = 0, planned = 0;
        for (int f = 0; f < FAMILIES; f++)
            for (int k = 1; k <= family_models(&families[f]); k++)
                if (runs_find(p->runs, "sis_%s_%s", family_model(p, &families[f], k), ways[way])) {
                    planned++;
                    missing += !find(t, &families[f], k, way);
                }
        if (missing)
            page_absent(p, page_text(p, "%s, %d of %d models", way_name[way], missing, planned));
    }
}

static void write_size_table(struct page *p, const struct table *t)
{
    begin_sizes(p,
                "Sizes are in pixels, over the pictures that reach the threshold. \"Right\" are pictures whose class "
                "the model names right when they are whole.");
    for (int way = 0; way < WAYS; way++)
        for (int i = 0; i < t->n; i++)
            if (t->entry[i].way == way)
                write_sizes(p, &t->entry[i], nearest(&t->entry[i].s, t->entry[i].s.where));
    name_missing(p, t);
    page_table_end(p);
}

static void write_all_thresholds(struct page *p, const struct table *t)
{
    for (int way = 0; way < WAYS; way++) {
        bool any = false;
        for (int i = 0; i < t->n; i++) {
            const struct entry *e = &t->entry[i];
            if (e->way != way)
                continue;
            if (!any) {
                fprintf(p->out, "\n<details><summary>The same at every threshold: %s</summary>\n", way_name[way]);
                begin_sizes(p, NULL);
            }
            any = true;
            for (int k = 0; k < e->s.n_thresholds; k++)
                write_sizes(p, e, k);
        }
        if (any)
            fputs("\n</details>\n", p->out);
    }
}

/* Mean of a family's medians at threshold t, margin ranking; NaN: none. */
static double mean_median(const struct table *t, const struct family *f, int threshold, int group)
{
    struct values v = { .n = family_models(f) };
    for (int k = 0; k < v.n; k++) {
        const struct entry *e = find(t, f, k + 1, WAY_MARGIN);
        v.of[k] = e && threshold < e->s.n_thresholds ? e->s.sizes[threshold][group].median : runs_unknown();
    }
    return values_summary(&v).value;
}

struct curves {
    double x[SIS_MAX_THRESHOLDS], y[GROUPS][FAMILIES][SIS_MAX_THRESHOLDS];
};

static void draw_sizes(struct page *p, const struct table *t)
{
    struct curves *c = mem_alloc(1, sizeof *c);
    struct plot plot = {
        .title = "Typical size of the part that is enough (median, mean of the seeds)",
        .n = GROUPS,
        .panels = { { .x_label = "probability that must be reached (%)", .y_label = "right answers: pixels" },
                    { .x_label = "probability that must be reached (%)", .y_label = "wrong answers: pixels" } }
    };
    const struct sis_summary *first = NULL;
    for (int i = 0; i < t->n && !first; i++)
        first = t->entry[i].way == WAY_MARGIN ? &t->entry[i].s : NULL;
    for (int g = 0; first && g < GROUPS; g++)
        for (int f = 0; f < FAMILIES; f++) {
            bool any = false;
            for (int k = 0; k < first->n_thresholds; k++) {
                c->x[k] = 100 * first->threshold[k];
                c->y[g][f][k] = mean_median(t, &families[f], k, g);
                any = any || isfinite(c->y[g][f][k]);
            }
            struct plot_panel *panel = &plot.panels[g];
            if (any)
                panel->series[panel->n++] =
                    (struct plot_series){ families[f].brief, first->n_thresholds, c->x, c->y[g][f] };
        }
    if (first)
        page_plot(p, "sizes", &plot,
                  "Median size of the sufficient part by the probability that it must reach, one line for each kind of "
                  "model, right answers above, wrong ones below; the numbers stand in the table.");
    free(c);
}

/* Thresholds at which parts of right and of wrong answers can be compared, at how many of them those of right answers
 * are on average not larger, and at how many they are smaller beyond both intervals. */
struct contrast {
    int compared, smaller, surely;
};

static struct contrast contrast_groups(const struct sis_summary *s)
{
    struct contrast c = { 0 };
    for (int k = 0; k < s->n_thresholds; k++) {
        const struct estimate *right = &s->sizes[k][GROUP_RIGHT].mean, *wrong = &s->sizes[k][GROUP_WRONG].mean;
        c.compared += right->n > 0 && wrong->n > 0;
        c.smaller += right->value <= wrong->value;
        c.surely += right->high < wrong->low;
    }
    return c;
}

/* Published: right answers rest on larger parts than wrong ones, at every threshold. */
static void compare_groups(struct page *p, const struct table *t)
{
    int searches = 0, against = 0, surely = 0;
    const char *list = "";
    for (int i = 0; i < t->n; i++) {
        struct contrast c = contrast_groups(&t->entry[i].s);
        searches += c.compared > 0;
        against += c.smaller > 0;
        surely += c.surely > 0;
        if (c.smaller)
            list = page_text(p, "%s%s%s, %s (%d of %d)", list, *list ? "; " : "", t->entry[i].name,
                             way_name[t->entry[i].way], c.smaller, c.compared);
    }
    if (against)
        page_differs(
            p,
            "Section 2: in %d of %d searches there are thresholds at which the parts of right answers are on "
            "average not larger than those of wrong ones, in %d of them beyond the intervals. Expected: larger "
            "at every threshold. %s.",
            against, searches, surely, list);
    if (searches)
        page_print(p,
                   "In %d of %d searches the parts of right answers are on average larger than those of wrong ones "
                   "at every threshold.",
                   searches - against, searches);
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static const char *times(struct page *p, const struct sis_summary *s, int region)
{
    const struct estimate *e = &s->share[region];
    struct estimate ratio = { e->value / s->area[region], e->low / s->area[region], e->high / s->area[region], e->n };
    return page_estimate(p, &ratio, UNIT_RATIO);
}

static const struct sis_summary *first_with_parts(const struct table *t)
{
    for (int i = 0; i < t->n; i++)
        if (t->entry[i].s.n_where)
            return &t->entry[i].s;
    return NULL;
}

/* Searches of a pair stand below each other. */
static void write_place_rows(struct page *p, const struct table *t)
{
    for (int pair = 0; pair < PAIRED_WAYS; pair += 2)
        for (int f = 0; f < FAMILIES; f++)
            for (int k = 1; k <= family_models(&families[f]); k++)
                for (int way = pair; way < pair + 2; way++) {
                    const struct entry *e = find(t, &families[f], k, way);
                    if (e && e->s.n_where)
                        page_row(p, e->name, e->s.method, page_text(p, "%g", e->s.where), page_count(p, e->s.n_where),
                                 times(p, &e->s, REGION_BORDER), times(p, &e->s, REGION_LOWER),
                                 times(p, &e->s, REGION_UPPER), NULL);
                }
}

static void write_place_table(struct page *p, const struct table *t)
{
    const struct sis_summary *s = first_with_parts(t);
    if (!s)
        return;
    page_table(
        p, "places",
        page_text(p,
                  "Where these parts lie: the share of all deciding pixels within %d pixels of the border, and in "
                  "the lower and upper %d rows alone, over the share of the picture that these are (%s, %s and "
                  "%s); 1 is an even spread. Ranking by probability has ties in float32, ranking by margin has "
                  "not.",
                  SEARCH_BORDER, SEARCH_BORDER, page_value(p, s->area[REGION_BORDER], UNIT_SHARE),
                  page_value(p, s->area[REGION_LOWER], UNIT_SHARE), page_value(p, s->area[REGION_UPPER], UNIT_SHARE)),
        "Model", "Search", "Threshold", "n", "Outer 4 pixels", "Lower 4 rows", "Upper 4 rows", NULL);
    write_place_rows(p, t);
    page_table_end(p);
}

static double largest(const double *x, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, x[i]);
    return most;
}

/* Two searches of a model that differ in the ranking, and found parts of pictures of one size. */
struct pair {
    const struct entry *margin, *probability;
};

static bool find_pair(const struct table *t, const struct family *f, int number, int way, struct pair *pair)
{
    *pair = (struct pair){ find(t, f, number, way), find(t, f, number, way + 1) };
    return pair->margin && pair->probability && pair->margin->s.n_where && pair->probability->s.n_where &&
           pair->margin->s.h == pair->probability->s.h && pair->margin->s.w == pair->probability->s.w;
}

static void draw_heat(struct page *p, const struct pair *pair)
{
    const struct sis_summary *m = &pair->margin->s, *b = &pair->probability->s;
    const char *alt = page_text(
        p,
        "Share of pictures in which a pixel belongs to the part, ranked by margin (n = %s) and "
        "by probability (n = %s). The lower 4 rows have %s and %s of what their area would give.",
        page_count(p, m->n_where), page_count(p, b->n_where), times(p, m, REGION_LOWER), times(p, b, REGION_LOWER));
    const char *method = page_text(p, "%.*s", (int)strcspn(m->method, ","), m->method);
    struct shading s = { .title =
                             page_text(p, "%s: parts that are enough for %g %%", pair->margin->name, 100 * m->where),
                         .description = alt,
                         .x_label = "column of pixels",
                         .y_label = "row",
                         .rows = m->h,
                         .columns = m->w,
                         .unit = UNIT_SHARE,
                         .darkest = fmax(largest(m->heat, m->h * m->w), largest(b->heat, m->h * m->w)),
                         .outline = 2 * SEARCH_BORDER < m->h && 2 * SEARCH_BORDER < m->w ? SEARCH_BORDER : 0,
                         .key = "of the pictures have this pixel in their part",
                         .n = 2,
                         .panel = { { page_text(p, "%s, by margin", method), m->heat },
                                    { page_text(p, "%s, by probability", method), b->heat } } };
    const char *model = family_model(p, pair->margin->family, pair->margin->number);
    const char *name = page_text(p, "places_%s_%s", model, ways[pair->margin->way]);
    draw_shading(page_drawing(p, name), &s);
    page_show(p, name, alt);
}

/* Of each kind of model and search the first pair that was run. */
static void draw_heats(struct page *p, const struct table *t)
{
    for (int way = 0; way < PAIRED_WAYS; way += 2)
        for (int f = 0; f < FAMILIES; f++)
            for (int k = 1; k <= family_models(&families[f]); k++) {
                struct pair pair;
                if (!find_pair(t, &families[f], k, way, &pair))
                    continue;
                draw_heat(p, &pair);
                break;
            }
}

/* How far two heat maps are apart: 0 the same, 1 nothing in common. */
static double distance(const struct sis_summary *a, const struct sis_summary *b)
{
    double apart = 0, all = 0;
    for (int i = 0; i < a->h * a->w; i++) {
        apart += fabs(a->heat[i] - b->heat[i]);
        all += a->heat[i] + b->heat[i];
    }
    return apart / all;
}

/* Published: parts gather at the lower border, by ties of float32 probabilities. */
enum { AS_EXPECTED, SAME_PARTS, NO_GATHERING, BY_TIES, OUTCOMES };

static int compare_pair(const struct pair *pair)
{
    const double same = 0.01;
    const struct sis_summary *m = &pair->margin->s, *b = &pair->probability->s;
    bool gathers = b->share[REGION_LOWER].low > b->area[REGION_LOWER];
    bool survives = m->share[REGION_LOWER].low > m->area[REGION_LOWER];
    return distance(m, b) < same ? SAME_PARTS : !gathers ? NO_GATHERING : !survives ? BY_TIES : AS_EXPECTED;
}

static void compare_rankings(struct page *p, const struct table *t)
{
    static const char *const words[OUTCOMES] = {
        [AS_EXPECTED] = "parts gather in the lower 4 rows by both rankings",
        [SAME_PARTS] = "both rankings find the same parts (maps less than 1 % apart): nothing is seen of what ties do",
        [NO_GATHERING] = "ranked by probability, parts do not gather in the lower 4 rows (expected: they do)",
        [BY_TIES] = "parts gather in the lower 4 rows when ranked by probability, and do not when ranked by margin",
    };
    const char *list[OUTCOMES] = { "", "", "", "" };
    struct pair pair;
    for (int way = 0; way < PAIRED_WAYS; way += 2)
        for (int f = 0; f < FAMILIES; f++)
            for (int k = 1; k <= family_models(&families[f]); k++)
                if (find_pair(t, &families[f], k, way, &pair)) {
                    int outcome = compare_pair(&pair);
                    list[outcome] = page_text(p, "%s; %s, %.*s (%s)", list[outcome], pair.margin->name,
                                              (int)strcspn(pair.margin->s.method, ","), pair.margin->s.method,
                                              times(p, &pair.probability->s, REGION_LOWER));
                }
    static const char brackets[] = "share of these rows by probability, over their area";
    if (*list[AS_EXPECTED])
        page_print(p, "Found: %s (%s): %s.", words[AS_EXPECTED], brackets, list[AS_EXPECTED] + 2);
    for (int i = SAME_PARTS; i < OUTCOMES; i++)
        if (*list[i])
            page_differs(p, "Section 2: %s (%s): %s.", words[i], brackets, list[i] + 2);
}

static void write_section(struct page *p, const struct table *t)
{
    write_size_table(p, t);
    draw_sizes(p, t);
    compare_groups(p, t);
    write_all_thresholds(p, t);
    write_place_table(p, t);
    draw_heats(p, t);
    compare_rankings(p, t);
}

bool section_subsets(struct page *p, struct err *err)
{
    struct table *t = mem_alloc(1, sizeof *t);
    bool ok = true;
    page_section(p, 2,
                 "how small a part of a picture makes a model as sure of its answer as a threshold says, all other "
                 "pixels hidden, and where in the picture such parts lie");
    for (int way = 0; way < WAYS; way++)
        for (int f = 0; f < FAMILIES; f++)
            for (int k = 1; ok && k <= family_models(&families[f]); k++)
                ok = read_entry(p, f, k, way, t, err);
    if (ok)
        write_section(p, t);
    for (int i = 0; i < t->n; i++)
        sis_summary_free(&t->entry[i].s);
    free(t);
    return ok;
}
