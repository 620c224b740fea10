/* Section 7: how often a check finds what was planted, and how often it accuses what is clean. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tools/study_page/sections.h"

enum { TABLE_LIMIT = 1 << 20, MOST_STRENGTHS = 32, MOST_CURVES = PLOT_MAX_PANELS * PLOT_MAX_SERIES };
static const char prefix[] = "power_";

struct curve {
    const char *name;
    int n;
    double x[MOST_STRENGTHS], y[MOST_STRENGTHS];
};

struct curves {
    int n;
    struct curve curve[MOST_CURVES];
};

static bool parse_points(struct page *p, const json_t *table, const char *path, struct curve *c, struct err *err)
{
    const json_t *list = json_object_get(table, "strengths");
    size_t n = json_array_size(list);
    if (n < 2 || n > MOST_STRENGTHS)
        return err_run(err, "%s: strengths: it is not a list of 2 to %d; run tools/reproduce --redo power_CHECK", path,
                       MOST_STRENGTHS);
    struct estimate first = { 0 }, last = { 0 };
    for (size_t i = 0; i < n; i++) {
        struct estimate e;
        if (!runs_estimate(json_object_get(json_array_get(list, i), "fail_share"), path, &e, err))
            return false;
        c->x[i] = 100.0 * (double)i / (double)(n - 1);
        c->y[i] = 100 * e.value;
        first = i ? first : e;
        last = e;
    }
    c->n = (int)n;
    page_row(p, c->name, runs_text(table, "strength_is"),
             page_count(p, json_integer_value(json_object_get(table, "sets"))), page_estimate(p, &first, UNIT_SHARE),
             page_estimate(p, &last, UNIT_SHARE), NULL);
    return true;
}

/* A row of the table, and a curve while there is room. */
static bool read_curve(struct page *p, const struct step *step, struct curves *curves, struct err *err)
{
    const char *name = step->name + strlen(prefix);
    json_t *table;
    if (!step->done) {
        page_row(p, name, "", "not run", "", "", NULL);
        return true;
    }
    struct curve none, *c = curves->n < MOST_CURVES ? &curves->curve[curves->n++] : &none;
    c->name = name;
    char *path = runs_path(p->runs, "%s/table.json", step->name);
    bool ok = runs_json(path, "marginalia.power/1", &table, err);
    if (ok) {
        ok = parse_points(p, table, path, c, err);
        json_decref(table);
    }
    free(path);
    return ok;
}

static bool write_table(struct page *p, const struct step *step, struct err *err)
{
    char *text, *path = runs_path(p->runs, "%s/table.txt", step->name);
    size_t n;
    bool ok = file_read(path, TABLE_LIMIT, &text, &n, err);
    if (ok) {
        page_print(p, "\n### `%s`", step->name + strlen(prefix));
        page_verbatim(p, text);
        free(text);
    }
    free(path);
    return ok;
}

static void draw(struct page *p, const struct curves *curves)
{
    struct plot plot = { .title = "How often a plant is found, by its strength",
                         .n = curves->n > PLOT_MAX_SERIES ? 2 : 1 };
    for (int i = 0; i < plot.n; i++)
        plot.panels[i] = (struct plot_panel){ .x_label = "strength, from clean (0) to the strongest plant (100)",
                                              .y_label = "sets that fail (%)" };
    for (int i = 0; i < curves->n; i++) {
        struct plot_panel *panel = &plot.panels[i / PLOT_MAX_SERIES];
        const struct curve *c = &curves->curve[i];
        panel->series[panel->n++] = (struct plot_series){ c->name, c->n, c->x, c->y };
    }
    if (curves->n)
        page_plot(
            p, "power", &plot,
            "Share of planted sets that a check fails, by the strength of the plant, one line for each check; the "
            "numbers stand in the tables.");
}

bool section_power(struct page *p, struct err *err)
{
    struct curves *curves = mem_alloc(1, sizeof *curves);
    bool ok = true;
    page_section(p, 7);
    page_print(p,
               "Models and data sets whose answer is known because it was planted, with a knob for its strength. Each "
               "check's verdicts are counted: what fails at strength 0 is a false alarm. Intervals are Wilson's over "
               "the sets.");
    page_columns(p, "Check", "Knob", "Sets for each strength", "Fails when clean", "Fails at the strongest plant",
                 NULL);
    for (int i = 0; ok && i < p->runs->n; i++)
        if (strncmp(p->runs->step[i].name, prefix, strlen(prefix)) == 0)
            ok = read_curve(p, &p->runs->step[i], curves, err);
    if (ok)
        draw(p, curves);
    for (int i = 0; ok && i < p->runs->n; i++)
        if (p->runs->step[i].done && strncmp(p->runs->step[i].name, prefix, strlen(prefix)) == 0)
            ok = write_table(p, &p->runs->step[i], err);
    free(curves);
    return ok;
}
