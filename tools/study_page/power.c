/* Section 7: how often a check finds what was planted, and how often it accuses what is clean. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/statistics.h"
#include "tools/study_page/sections.h"

enum { MOST_STRENGTHS = 32, MOST_CURVES = 64 };
enum { A_PANEL = 4, A_DRAWING = PLOT_MAX_PANELS * A_PANEL }; /* curves that can still be told apart */
static const char prefix[] = "power_";

/* Sets that fail and that pass, by the strength of the plant; 0 is clean. */
struct curve {
    const char *name;
    int n;
    double strength[MOST_STRENGTHS];
    struct estimate fail[MOST_STRENGTHS], pass[MOST_STRENGTHS];
    enum side_of_limit { WITHIN, BEYOND, AT_LIMIT } side[MOST_STRENGTHS];
    bool counted; /* the check counts all pictures and estimates nothing: it is right about each set */
    double x[MOST_STRENGTHS], y[MOST_STRENGTHS]; /* percent of the way to the strongest, percent of the sets */
};

struct curves {
    int n;
    struct curve curve[MOST_CURVES];
};

/* Sets that pass at one strength, as a share. */
static struct estimate passed(const json_t *point, int64_t sets)
{
    int64_t k = json_integer_value(json_object_get(point, "pass"));
    if (sets < 1 || k < 0 || k > sets)
        return runs_unknown();
    struct interval i = wilson(k, sets);
    return (struct estimate){ (double)k / (double)sets, i.low, i.high, sets };
}

/* Told by the mean of the check's values over all sets, if that is known well enough. */
static enum side_of_limit side_of(const json_t *table, const json_t *point)
{
    const double standard_errors = 3;
    const json_t *value = json_object_get(point, "mean_value"), *error = json_object_get(point, "mean_value_error");
    if (!json_is_number(value) || !json_is_number(error))
        return AT_LIMIT;
    double beyond = json_number_value(value) - json_number_value(json_object_get(table, "limit")),
           least = standard_errors * json_number_value(error);
    if (strcmp(runs_text(table, "side"), "at_least") == 0)
        beyond = -beyond;
    return beyond > least ? BEYOND : -beyond > least ? WITHIN : AT_LIMIT;
}

static bool parse_curve(const json_t *table, const char *place, struct curve *c, struct err *err)
{
    const json_t *list = json_object_get(table, "strengths");
    size_t n = json_array_size(list);
    if (n < 2 || n > MOST_STRENGTHS)
        return err_run(err, "%s: strengths: it is not a list of 2 to %d; run tools/reproduce --redo power_%s", place,
                       MOST_STRENGTHS, c->name);
    c->counted = true;
    for (c->n = 0; c->n < (int)n; c->n++) {
        const json_t *point = json_array_get(list, (size_t)c->n);
        if (!runs_estimate(json_object_get(point, "fail_share"), place, &c->fail[c->n], err))
            return false;
        c->pass[c->n] = passed(point, json_integer_value(json_object_get(table, "sets")));
        c->counted = c->counted && json_is_true(json_object_get(point, "counted"));
        c->side[c->n] = side_of(table, point);
        c->strength[c->n] = json_number_value(json_object_get(point, "strength"));
        c->x[c->n] = 100.0 * c->n / (double)(n - 1);
        c->y[c->n] = 100 * c->fail[c->n].value;
    }
    return true;
}

/* The weakest plant from which on all stronger ones are found in 90 % of the sets. */
static const char *weakest_found(struct page *p, const struct curve *c)
{
    const double sure = 0.9;
    int i = c->n;
    while (i > 1 && c->fail[i - 1].value >= sure)
        i--;
    return i < c->n ? page_text(p, "%g", c->strength[i]) : "none";
}

/* The strength at which the largest share of what is beyond the limit passes, or of what is within it fails, of several
 * the one next to the limit (strengths rise); -1: the plant has no such strength. */
static int worst(const struct curve *c, enum side_of_limit side)
{
    const struct estimate *wrong = side == BEYOND ? c->pass : c->fail;
    int at = -1;
    for (int i = 0; i < c->n && !c->counted; i++)
        if (c->side[i] == side &&
            (at < 0 || wrong[i].value > wrong[at].value || (side == WITHIN && wrong[i].value == wrong[at].value)))
            at = i;
    return at;
}

static const char *worst_text(struct page *p, const struct curve *c, enum side_of_limit side)
{
    int at = worst(c, side);
    if (at < 0)
        return c->counted ? "counts" : "no such strength";
    const char *share = page_estimate(p, side == BEYOND ? &c->pass[at] : &c->fail[at], UNIT_SHARE);
    return page_text(p, "%s, at %g", page_unbroken(p, share), c->strength[at]);
}

/* Where a verdict is wrong more often than the interval that it is made of allows. */
static void compare_errors(struct page *p, const struct curve *c)
{
    const double allowed = 0.05, blind = 0.5;
    const struct estimate *clean = &c->fail[0], *strongest = &c->fail[c->n - 1];
    int within = worst(c, WITHIN), beyond = worst(c, BEYOND);
    if (clean->low > allowed)
        page_differs(p, "Section 7: `%s` accuses %s of what is clean.", c->name, page_estimate(p, clean, UNIT_SHARE));
    if (strongest->value < blind)
        page_differs(p, "Section 7: `%s` finds the strongest plant in %s only.", c->name,
                     page_estimate(p, strongest, UNIT_SHARE));
    if (within > 0 && c->fail[within].low > allowed)
        page_differs(p, "Section 7: `%s` accuses, within its limit, %s.", c->name, worst_text(p, c, WITHIN));
    if (beyond >= 0 && c->pass[beyond].low > allowed)
        page_differs(p, "Section 7: `%s` passes, beyond its limit, %s.", c->name, worst_text(p, c, BEYOND));
}

static void write_curve(struct page *p, const struct curve *c, const json_t *table)
{
    page_row(p, c->name, runs_text(table, "strength_is"),
             page_count(p, json_integer_value(json_object_get(table, "sets"))),
             page_estimate(p, &c->fail[0], UNIT_SHARE), worst_text(p, c, WITHIN), worst_text(p, c, BEYOND),
             page_estimate(p, &c->fail[c->n - 1], UNIT_SHARE), weakest_found(p, c), NULL);
    compare_errors(p, c);
}

static bool read_curve(struct page *p, const struct step *step, struct curves *curves, struct err *err)
{
    const char *name = step->name + strlen(prefix);
    if (!step->done) {
        page_absent(p, name);
        return true;
    }
    const json_t *table = runs_file(p->runs, step, "table.json", "marginalia.power/1", err);
    if (!table)
        return false;
    char *place = runs_place(p->runs, step, "table.json");
    struct curve *c = &curves->curve[curves->n];
    bool ok = curves->n < MOST_CURVES || err_run(err, "%s: more than %d checks; raise MOST_CURVES", place, MOST_CURVES);
    if (ok) {
        curves->n++;
        c->name = name;
        ok = parse_curve(table, place, c, err);
    }
    if (ok)
        write_curve(p, c, table);
    free(place);
    return ok;
}

static bool write_table(struct page *p, const struct step *step, struct err *err)
{
    const json_t *text = runs_file(p->runs, step, "table.txt", NULL, err);
    if (text) {
        page_print(p, "`%s`:", step->name + strlen(prefix));
        page_verbatim(p, json_string_value(text));
    }
    return text;
}

/* One drawing of the curves first .. first + n - 1, in two panels where one has no room. */
static void draw(struct page *p, const struct curves *curves, int first, int n)
{
    struct plot plot = { .title = "How often a plant is found, by its strength", .n = n > A_PANEL ? 2 : 1 };
    int each = (n + plot.n - 1) / plot.n;
    for (int i = 0; i < plot.n; i++)
        plot.panels[i] =
            (struct plot_panel){ .x_label = "step of the knob, from clean (0) to the strongest plant (100)",
                                 .y_label = "sets that fail (%)" };
    for (int i = 0; i < n; i++) {
        struct plot_panel *panel = &plot.panels[i / each];
        const struct curve *c = &curves->curve[first + i];
        panel->series[panel->n++] = (struct plot_series){ c->name, c->n, c->x, c->y };
    }
    page_plot(p, page_text(p, "power_%d", first / A_DRAWING + 1), &plot,
              "Share of planted sets that a check fails, by the strength of the plant, one line for each check; the "
              "numbers stand in the tables.");
}

bool section_power(struct page *p, struct err *err)
{
    struct curves *curves = mem_alloc(1, sizeof *curves);
    bool ok = true;
    page_section(
        p, 7,
        "how often each check finds what was planted in models and data sets, and how often it accuses what is "
        "clean");
    page_table(
        p, "verdicts",
        "What was planted has a knob for its strength, 0 is clean: what fails there is a false alarm. A verdict is "
        "wrong, too, where it fails what is within the limit of its policy, or passes what is beyond it; of all "
        "strengths the one where that happens most often is shown. \"Within\" and \"beyond\" are told by the "
        "mean of the check's values over all sets of that strength, if it is three standard errors from the "
        "limit or more. Intervals are Wilson's over the sets.",
        "Check", "Knob", "Sets for each strength", "Fails when clean", "Fails within the limit, at most",
        "Passes beyond the limit, at most", "Fails at the strongest plant", "Found in 90 % from", NULL);
    for (int i = 0; ok && i < p->runs->n; i++)
        if (strncmp(p->runs->step[i].name, prefix, strlen(prefix)) == 0)
            ok = read_curve(p, &p->runs->step[i], curves, err);
    page_table_end(p);
    for (int i = 0; ok && i < curves->n; i += A_DRAWING)
        draw(p, curves, i, curves->n - i < A_DRAWING ? curves->n - i : A_DRAWING);
    if (curves->n)
        fputs("\n<details><summary>Every strength of every check</summary>\n", p->out);
    for (int i = 0; ok && i < p->runs->n; i++)
        if (p->runs->step[i].done && strncmp(p->runs->step[i].name, prefix, strlen(prefix)) == 0)
            ok = write_table(p, &p->runs->step[i], err);
    if (curves->n)
        fputs("\n</details>\n", p->out);
    free(curves);
    return ok;
}
