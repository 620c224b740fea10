/* Section 3: right answers on small parts, chosen by one model and shown to another. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tools/study_page/sections.h"

/* The models that choose and are shown, in this order. */
enum { MOST_MODELS = 8, CHOSEN_SEEDS = 3 };
enum { SIZES = 2 };
static const int percents[SIZES] = { 5, 10 };

struct model {
    const struct family *family;
    const char *model, *name; /* "resnet20_1", "plain 1" */
};

struct transfer {
    int n;
    struct model model[MOST_MODELS];
    struct estimate whole[MOST_MODELS], random[SIZES][MOST_MODELS];
    struct estimate right[SIZES][MOST_MODELS][MOST_MODELS]; /* [size][who chose][who is shown] */
    struct estimate probability[MOST_MODELS][MOST_MODELS];  /* 5 %, chosen by the other ranking */
    int classes;                                            /* 0: not known */
};

static void list_models(struct page *p, struct transfer *t)
{
    for (int f = FAMILY_PLAIN; f <= FAMILY_ENSEMBLE_5; f++)
        for (int k = 1; k <= family_models(&families[f]) && k <= CHOSEN_SEEDS; k++) {
            const char *name = families[f].brief;
            t->model[t->n++] = (struct model){ &families[f], family_model(p, &families[f], k),
                                               families[f].seeds ? page_text(p, "%s %d", name, k) : name };
        }
}

/* Of the data that a search looked at. */
static bool read_classes(struct page *p, const char *model, int *classes, struct err *err)
{
    const struct step *step = runs_done(p->runs, "sis_%s_margin", model);
    if (*classes || !step)
        return true;
    const json_t *identity = runs_file(p->runs, step, "sis.json", "marginalia/sis", err);
    *classes = (int)json_integer_value(json_object_get(identity, "classes"));
    return identity;
}

static bool read_shown(struct page *p, const char *step, const char *view, struct estimate *out, struct err *err)
{
    return read_check(p->runs, step, page_text(p, "%s/report.json", view), "accuracy", out, err);
}

static bool read_transfer(struct page *p, struct transfer *t, struct err *err)
{
    bool ok = true;
    for (int to = 0; ok && to < t->n; to++) {
        const char *model = t->model[to].model, *shown = page_text(p, "shown_%s", model);
        const char *kind = t->model[to].family->prefix;
        ok = read_shown(p, shown, "whole", &t->whole[to], err) && read_classes(p, model, &t->classes, err);
        for (int i = 0; ok && i < SIZES; i++)
            ok = read_shown(p, shown, page_text(p, "random_%d", percents[i]), &t->random[i][to], err);
        for (int from = 0; ok && from < t->n; from++) {
            const char *chosen = t->model[from].model;
            for (int i = 0; ok && i < SIZES; i++)
                ok = from == to ? read_shown(p, page_text(p, "own_%s", model), page_text(p, "best_%d", percents[i]),
                                             &t->right[i][from][to], err)
                                : read_shown(p, page_text(p, "transfer_%d_%s_to_%s", percents[i], chosen, kind), model,
                                             &t->right[i][from][to], err);
            ok = ok && read_shown(p, page_text(p, "transfer_%d_%s_probability_to_%s", percents[0], chosen, kind), model,
                                  &t->probability[from][to], err);
        }
    }
    return ok;
}

/* --- what is compared with what ----------------------------------------------------------------------------------- */

enum source { SOURCE_SELF, SOURCE_SIBLING, SOURCE_OTHER };

static enum source source_of(const struct transfer *t, int from, int to)
{
    return from == to ? SOURCE_SELF : t->model[from].family == t->model[to].family ? SOURCE_SIBLING : SOURCE_OTHER;
}

/* Mean and range over who chose, of those of a kind. */
static struct estimate over_sources(const struct transfer *t, int size, int to, enum source source)
{
    struct values v = { .of = { runs_unknown() } };
    for (int from = 0; from < t->n; from++)
        if (source_of(t, from, to) == source)
            v.of[v.n++] = t->right[size][from][to];
    return values_summary(&v);
}

static void write_summary(struct page *p, const struct transfer *t)
{
    page_table(p, "parts shown to the model that chose them", NULL, "Shown to", "Part", "n", "Whole",
               "Chosen by itself", "By other seeds (range)", "By other kinds (range)", "Random, as many pixels", NULL);
    for (int to = 0; to < t->n; to++)
        for (int i = 0; i < SIZES; i++) {
            struct estimate self = t->right[i][to][to], sibling = over_sources(t, i, to, SOURCE_SIBLING),
                            other = over_sources(t, i, to, SOURCE_OTHER);
            if (!isfinite(self.value) && !isfinite(sibling.value) && !isfinite(other.value)) {
                page_absent(p, t->model[to].name);
                continue;
            }
            page_row(p, t->model[to].name, page_text(p, "%d\u00a0%%", percents[i]), page_count(p, t->whole[to].n),
                     page_estimate(p, &t->whole[to], UNIT_SHARE), page_estimate(p, &self, UNIT_SHARE),
                     t->model[to].family->seeds ? page_estimate(p, &sibling, UNIT_SHARE) : "no other seeds",
                     page_estimate(p, &other, UNIT_SHARE), page_estimate(p, &t->random[i][to], UNIT_SHARE), NULL);
        }
    page_table_end(p);
}

/* --- the matrix --------------------------------------------------------------------------------------------------- */

/* Models of which anything is known: who chose, and who was shown. */
struct known {
    int rows, columns;
    int from[MOST_MODELS], to[MOST_MODELS];
};

/* A model's own parts alone make no matrix. */
static struct known find_known(const struct transfer *t, const struct estimate right[][MOST_MODELS])
{
    struct known k = { 0 };
    bool chose[MOST_MODELS] = { false }, shown[MOST_MODELS] = { false };
    for (int from = 0; from < t->n; from++)
        for (int to = 0; to < t->n; to++)
            if (from != to && isfinite(right[from][to].value))
                chose[from] = shown[to] = true;
    for (int i = 0; i < t->n; i++) {
        if (chose[i])
            k.from[k.rows++] = i;
        if (shown[i] || chose[i])
            k.to[k.columns++] = i;
    }
    return k;
}

static void write_matrix(struct page *p, const struct transfer *t, const char *name, const char *above,
                         const struct estimate right[][MOST_MODELS])
{
    const char *cell[MOST_MODELS + 1] = { "Chosen by \\ shown to" };
    struct known known = find_known(t, right);
    for (int k = 0; k < known.columns; k++)
        cell[k + 1] = t->model[known.to[k]].name;
    page_header(p, name, above, cell, known.columns + 1);
    for (int i = 0; i < known.rows; i++) {
        cell[0] = t->model[known.from[i]].name;
        for (int k = 0; k < known.columns; k++)
            cell[k + 1] = page_estimate(p, &right[known.from[i]][known.to[k]], UNIT_SHARE);
        page_cells(p, cell, known.columns + 1);
    }
    page_table_end(p);
}

/* One row more than models: random pixels. */
static void draw_matrix(struct page *p, const struct transfer *t, int size)
{
    double value[(MOST_MODELS + 1) * MOST_MODELS];
    const char *row[MOST_MODELS + 1], *column[MOST_MODELS];
    struct known known = find_known(t, t->right[size]);
    for (int k = 0; k < known.columns; k++) {
        column[k] = t->model[known.to[k]].name;
        value[known.rows * known.columns + k] = t->random[size][known.to[k]].value;
        for (int i = 0; i < known.rows; i++)
            value[i * known.columns + k] = t->right[size][known.from[i]][known.to[k]].value;
    }
    for (int i = 0; i < known.rows; i++)
        row[i] = t->model[known.from[i]].name;
    row[known.rows] = "random";
    const char *alt =
        page_text(p,
                  "Share of right answers on %d %% of the pixels, a row for each model that chose them and "
                  "one for random pixels, a column for each model that was shown them; the numbers stand "
                  "in the table.",
                  percents[size]);
    struct shading s = { .title = page_text(p, "Right answers on %d %% of the pixels", percents[size]),
                         .description = alt,
                         .x_label = "shown to",
                         .y_label = "chosen by",
                         .rows = known.rows + 1,
                         .columns = known.columns,
                         .row_name = row,
                         .column_name = column,
                         .unit = UNIT_SHARE,
                         .key = "of the test pictures answered right",
                         .darkest = 1,
                         .n = 1,
                         .panel = { { NULL, value } } };
    const char *name = page_text(p, "transfer_%d", percents[size]);
    draw_shading(page_drawing(p, name), &s);
    page_show(p, name, alt);
}

static void write_matrices(struct page *p, const struct transfer *t)
{
    for (int i = 0; i < SIZES; i++) {
        if (find_known(t, t->right[i]).rows)
            page_print(p, "### Parts of %d %%", percents[i]);
        write_matrix(p, t, page_text(p, "parts of %d %% shown to other models", percents[i]),
                     "Rows: the model whose search chose the pixels (gradient, ranked by margin). Columns: the model "
                     "that answers. Every cell is over all test pictures, with Wilson's interval.",
                     t->right[i]);
        if (find_known(t, t->right[i]).rows)
            draw_matrix(p, t, i);
    }
    write_matrix(p, t, page_text(p, "parts of %d %% ranked by probability", percents[0]),
                 page_text(p, "The same at %d %%, pixels ranked by probability:", percents[0]), t->probability);
}

/* --- what was expected -------------------------------------------------------------------------------------------- */

/* Published: ranked parts are answered about as well as whole pictures by the model that chose them, random ones near
 * chance. "About": within 5 points; "near": at most twice chance. */
static void compare_expected(struct page *p, const struct transfer *t)
{
    const double about = 0.05, near = 2;
    for (int i = 0; i < SIZES; i++) {
        const char *fewer = "", *more = "";
        for (int to = 0; to < t->n; to++) {
            const struct estimate *self = &t->right[i][to][to], *random = &t->random[i][to], *whole = &t->whole[to];
            if (whole->value - self->value > about)
                fewer = page_text(p, "%s; %s %s against %s", fewer, t->model[to].name,
                                  page_value(p, self->value, UNIT_SHARE), page_value(p, whole->value, UNIT_SHARE));
            if (t->classes > 0 && random->low > near / t->classes)
                more = page_text(p, "%s; %s %s", more, t->model[to].name, page_estimate(p, random, UNIT_SHARE));
        }
        if (*fewer)
            page_differs(
                p,
                "Section 3: on the %d %% that they chose themselves, models are right less often than on whole "
                "pictures: %s. Expected: about as often.",
                percents[i], fewer + 2);
        if (*more)
            page_differs(p,
                         "Section 3: on random %d %% of the pixels models are right more often than twice chance (%s): "
                         "%s. Expected: near chance.",
                         percents[i], page_value(p, 1.0 / t->classes, UNIT_SHARE), more + 2);
    }
}

bool section_transfer(struct page *p, struct err *err)
{
    struct transfer *t = mem_alloc(1, sizeof *t);
    page_section(p, 3,
                 "how many test pictures are answered right on 5 % or 10 % of their pixels, all others hidden: those "
                 "that a search in the same model kept longest, those that a search in another model did, or random "
                 "ones");
    list_models(p, t);
    bool ok = read_transfer(p, t, err);
    if (ok) {
        write_summary(p, t);
        write_matrices(p, t);
        compare_expected(p, t);
    }
    free(t);
    return ok;
}
