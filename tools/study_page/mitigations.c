/* Section 5: what dropout, ensembles and distillation change. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tools/study_page/sections.h"
#include "validate/report/format.h"

enum { SEEDS = 3 };
static const char not_run[] = "\u2013";

/* --- each model by itself ----------------------------------------------------------------------------------------- */

struct question {
    const char *kind, *name; /* the first check of the kind is meant */
    enum unit unit;
};
static const struct question questions[] = {
    { "sis.size", "Part that is enough, of the picture (median)", UNIT_SHARE },
    { "subset.sufficiency", "Right on the best few pixels (5 %)", UNIT_SHARE },
    { "border.share", "Deciding pixels in the outermost ring, times its area", UNIT_RATIO },
    { "calibration", "Calibration error", UNIT_NUMBER },
    { "rubbish", "Noise and blank pictures answered at 90 % or more", UNIT_SHARE },
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static bool write_models(struct page *p, struct err *err)
{
    page_table(p, "each model by itself", "Each model by itself (`validate model`, the strict policy):", "Question",
               "Model", "Seeds", "n", "Each seed (95 % interval)", "Mean of the seeds (range)", NULL);
    for (int q = 0; q < QUESTIONS; q++)
        for (int f = 0; f < FAMILIES; f++) {
            struct values v = { .n = families[f].seeds ? SEEDS : 1 };
            for (int k = 0; k < v.n; k++)
                if (!read_check(p->runs, page_text(p, "model_%s", family_model(p, &families[f], k + 1)), "report.json",
                                questions[q].kind, &v.of[k], err))
                    return false;
            if (values_known(&v))
                page_row(p, questions[q].name, families[f].name, values_seeds(p, &v),
                         page_count(p, values_pictures(&v)), values_text(p, &v, questions[q].unit),
                         values_mean(p, &v, questions[q].unit), NULL);
            else if (v.of[0].n == RUNS_NOT_RUN)
                page_absent(p, families[f].name);
        }
    page_table_end(p);
    return true;
}

/* --- against the baseline ----------------------------------------------------------------------------------------- */

/* The control is no mitigation: it tells how much two plain networks differ. */
enum { CONTROL, FIRST_MITIGATION, DISTILLED = 4, CANDIDATES };
static const char *const candidates[CANDIDATES] = { "plain", "dropout", "ensemble_3", "ensemble_5", "distilled" };
static const int candidate_family[CANDIDATES] = { FAMILY_PLAIN, FAMILY_DROPOUT, FAMILY_ENSEMBLE_3, FAMILY_ENSEMBLE_5,
                                                  FAMILY_DISTILLED };

static const char *candidate_name(struct page *p, int i)
{
    const char *name = families[candidate_family[i]].name;
    return i == CONTROL ? page_text(p, "%s, the next seed (control)", name) : name;
}

struct comparisons {
    const json_t *report[CANDIDATES][SEEDS]; /* NULL: not run */
    char *place[CANDIDATES][SEEDS];
};

static bool read_comparisons(struct page *p, struct comparisons *c, struct err *err)
{
    for (int i = 0; i < CANDIDATES; i++)
        for (int k = 0; k < SEEDS; k++) {
            const struct step *step = runs_done(p->runs, "compare_%s_%d", candidates[i], k + 1);
            if (!step)
                continue;
            c->place[i][k] = runs_place(p->runs, step, "report.json");
            c->report[i][k] = runs_report(p->runs, step, "report.json", err);
            if (!c->report[i][k])
                return false;
        }
    return true;
}

static bool any_report(const struct comparisons *c, int i)
{
    bool any = false;
    for (int k = 0; k < SEEDS; k++)
        any = any || c->report[i][k];
    return any;
}

/* "-0.9 points (-3.4 to +0.1), undecided, n = 46" */
static bool describe_change(struct page *p, const struct comparisons *c, int i, int k, const char *id, const char **out,
                            struct err *err)
{
    struct estimate e;
    const json_t *check = runs_check(c->report[i][k], id);
    *out = c->report[i][k] ? "not asked" : not_run;
    if (!check)
        return true;
    if (!runs_estimate(check, c->place[i][k], &e, err))
        return false;
    enum unit unit = runs_unit(check);
    int decimals = format_decimals(&e, unit, SIDE_NONE, 0);
    const char *change = page_keep(p, format_change(e.value, unit, decimals));
    const char *interval = page_keep(p, format_change_interval(&e, unit, decimals));
    const char *word = runs_text(json_object_get(check, "pairs"), "change");
    *out = page_text(p, "%s (%s), %s, n = %s", change, interval, word, page_count(p, e.n));
    return true;
}

/* The questions of the first comparison that was run; all have the same policy. */
static const json_t *questions_of(const struct comparisons *c)
{
    for (int i = 0; i < CANDIDATES; i++)
        for (int k = 0; k < SEEDS; k++)
            if (c->report[i][k])
                return json_object_get(c->report[i][k], "checks");
    return NULL;
}

static bool write_changes(struct page *p, const struct comparisons *c, struct err *err)
{
    size_t q;
    json_t *question;
    page_table(p, "each mitigation against the plain network",
               "Against the baseline, picture by picture (`validate compare`): the change, its simultaneous interval "
               "and what the policy says to it. The control pairs the plain network with the next seed's: changes of "
               "its size are what seeds do. The baselines are themselves members of the ensembles.",
               "Question", "Candidate", "Against seed 1", "Against seed 2", "Against seed 3", NULL);
    json_array_foreach(questions_of(c), q, question)
    {
        for (int i = 0; i < CANDIDATES; i++) {
            const char *cell[SEEDS];
            if (!any_report(c, i))
                continue;
            for (int k = 0; k < SEEDS; k++)
                if (!describe_change(p, c, i, k, runs_text(question, "id"), &cell[k], err))
                    return false;
            page_row(p, page_text(p, "%s %s", runs_text(question, "question"), runs_text(question, "id")),
                     candidate_name(p, i), cell[0], cell[1], cell[2], NULL);
        }
    }
    for (int i = 0; i < CANDIDATES; i++) {
        const char *cell[SEEDS], *name = candidate_name(p, i);
        for (int k = 0; k < SEEDS; k++)
            cell[k] = c->report[i][k] ? page_text(p, "%s", runs_text(c->report[i][k], "verdict")) : not_run;
        if (any_report(c, i))
            page_row(p, "Overinterprets less?", name, cell[0], cell[1], cell[2], NULL);
        else
            page_absent(p, name);
    }
    page_table_end(p);
    return true;
}

static bool draw_changes(struct page *p, const struct comparisons *c, struct err *err)
{
    struct bars bars;
    bars_begin(&bars, "Change of the part that is enough", "median change, points of the picture; more is better",
               UNIT_POINTS);
    bool ok = true;
    for (int i = 0; ok && i < CANDIDATES; i++)
        for (int k = 0; ok && k < SEEDS; k++) {
            struct values v = { .n = 1 };
            const json_t *check = runs_check(c->report[i][k], "sis.size");
            ok = runs_estimate(check, c->place[i][k], &v.of[0], err);
            const char *brief = i == CONTROL ? "the next seed" : families[candidate_family[i]].brief;
            bars_add(&bars, page_text(p, "%s against seed %d", brief, k + 1), &v,
                     i == CONTROL ? TONE_CONTROL : TONE_DATA);
        }
    bars_show(p, "changes", &bars);
    return ok;
}

/* Published: dropout and ensembles need larger parts. */
static void compare_expected(struct page *p, const struct comparisons *c)
{
    for (int i = FIRST_MITIGATION; i < DISTILLED; i++) {
        int run = 0, better = 0;
        for (int k = 0; k < SEEDS; k++) {
            const json_t *pairs = json_object_get(runs_check(c->report[i][k], "sis.size"), "pairs");
            run += pairs != NULL;
            better += strcmp(runs_text(pairs, "change"), "better") == 0;
        }
        if (better < run)
            page_differs(p,
                         "Section 5: %s needs larger parts than the baseline in %d of %d comparisons. Expected: in "
                         "all.",
                         families[candidate_family[i]].name, better, run);
    }
}

/* --- what it costs ------------------------------------------------------------------------------------------------ */

static const char *cost(struct page *p, const json_t *model, const char *key, char *(*write)(double))
{
    const json_t *value = json_object_get(model, key);
    return page_keep(p, write(json_is_number(value) ? json_number_value(value) : (double)NAN));
}

static void write_cost(struct page *p, const char *name, const json_t *model)
{
    if (!model) {
        page_absent(p, name);
        return;
    }
    json_int_t threads = json_integer_value(json_object_get(model, "training_threads"));
    page_row(p, name, page_count(p, json_integer_value(json_object_get(model, "members"))),
             page_count(p, json_integer_value(json_object_get(model, "parameters"))),
             page_text(p, "%s, %s", cost(p, model, "training_s", format_duration),
                       threads > 0 ? page_text(p, "%d thread%s", (int)threads, threads > 1 ? "s" : "")
                                   : "threads not known"),
             page_text(p, "%s (%s to %s)", cost(p, model, "inference_s", format_duration),
                       cost(p, model, "inference_low_s", format_duration),
                       cost(p, model, "inference_high_s", format_duration)),
             cost(p, model, "memory_bytes", format_bytes), NULL);
}

/* By the first comparison of each candidate. */
static void write_costs(struct page *p, const struct comparisons *c)
{
    const json_t *model[CANDIDATES] = { 0 }, *baseline = NULL;
    for (int i = 0; i < CANDIDATES; i++)
        for (int k = SEEDS - 1; k >= 0; k--) {
            const json_t *models = json_object_get(json_object_get(c->report[i][k], "comparison"), "models");
            model[i] = models ? json_array_get(models, 1) : model[i];
            baseline = models ? json_array_get(models, 0) : baseline;
        }
    page_table(p, "what it costs",
               "What it costs (an ensemble: the sum of its members; a distilled model: without its teacher; "
               "prediction: median and quartiles):",
               "Model", "Networks", "Parameters", "Training", "Prediction, a picture", "Memory", NULL);
    write_cost(p, families[FAMILY_PLAIN].name, baseline);
    for (int i = FIRST_MITIGATION; i < CANDIDATES; i++)
        write_cost(p, families[candidate_family[i]].name, model[i]);
    page_table_end(p);
}

bool section_mitigations(struct page *p, struct err *err)
{
    struct comparisons c = { 0 };
    page_section(p, 5,
                 "whether input dropout, ensembles and distillation make a model decide on better grounds, and what "
                 "they cost (of dropout at test time: the accuracy, in section 1)");
    bool ok =
        write_models(p, err) && read_comparisons(p, &c, err) && write_changes(p, &c, err) && draw_changes(p, &c, err);
    if (ok) {
        compare_expected(p, &c);
        write_costs(p, &c);
    }
    for (int i = 0; i < CANDIDATES * SEEDS; i++)
        free(c.place[i / SEEDS][i % SEEDS]);
    return ok;
}
