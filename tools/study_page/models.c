/* The whole page, and what its sections share about models. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tools/study_page/sections.h"

const struct family families[FAMILIES] = {
    { "ResNet-20", "plain", "resnet20", 5 },
    { "ResNet-20, input dropout", "dropout", "resnet20_dropout", 3 },
    { "Ensemble of 3", "ensemble 3", "resnet20_ensemble_3", 0 },
    { "Ensemble of 5", "ensemble 5", "resnet20_ensemble_5", 0 },
    { "Distilled from the ensemble of 5", "distilled", "resnet20_distilled", 3 },
    { "ResNet-18", "ResNet-18", "resnet18_1", 0 },
    { "VGG-16", "VGG-16", "vgg16_1", 0 },
};

int family_models(const struct family *f)
{
    return f->seeds ? f->seeds : 1;
}

const char *family_model(struct page *p, const struct family *f, int number)
{
    return f->seeds ? page_text(p, "%s_%d", f->prefix, number) : f->prefix;
}

int values_known(const struct values *v)
{
    int known = 0;
    for (int i = 0; i < v->n; i++)
        known += isfinite(v->of[i].value) != 0;
    return known;
}

const char *values_text(struct page *p, const struct values *v, enum unit unit)
{
    const char *text = "";
    for (int i = 0; i < v->n; i++)
        if (isfinite(v->of[i].value))
            text = page_text(p, "%s%s%s", text, *text ? "; " : "", page_unbroken(p, page_estimate(p, &v->of[i], unit)));
    return *text ? text : page_estimate(p, &v->of[0], unit);
}

const char *values_seeds(struct page *p, const struct values *v)
{
    const char *seeds = "";
    for (int i = 0; i < v->n; i++)
        if (isfinite(v->of[i].value))
            seeds = page_text(p, "%s%s%d", seeds, *seeds ? ", " : "", i + 1);
    return page_unbroken(p, page_text(p, "%s of %d", *seeds ? seeds : "0", v->n));
}

struct estimate values_summary(const struct values *v)
{
    struct estimate all = { 0, INFINITY, -INFINITY, values_known(v) };
    for (int i = 0; i < v->n; i++) {
        const struct estimate *e = &v->of[i];
        if (!isfinite(e->value))
            continue;
        all.value += e->value / (double)all.n;
        all.low = fmin(all.low, all.n > 1 ? e->value : e->low);
        all.high = fmax(all.high, all.n > 1 ? e->value : e->high);
    }
    if (all.low == all.high)
        all.value = all.low; /* the sum is rounded */
    return all.n ? all : v->of[0];
}

const char *values_mean(struct page *p, const struct values *v, enum unit unit)
{
    struct estimate all = values_summary(v);
    return all.n > 1 ? page_estimate(p, &all, unit) : "";
}

int64_t values_pictures(const struct values *v)
{
    for (int i = 0; i < v->n; i++)
        if (isfinite(v->of[i].value))
            return v->of[i].n;
    return 0;
}

/* Whether `file`, VIEW/report.json, was asked of the step: a small study leaves some out, and no command names them. */
static bool is_asked(const struct step *step, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = mem_format("/%s/", step->name);
    bool found = false, names_views = false;
    size_t i;
    json_t *command;

    json_array_foreach(step->commands, i, command)
    {
        const char *view = strstr(json_string_value(command), folder);
        size_t length = slash ? (size_t)(slash - file) : 0;
        view = view ? view + strlen(folder) : NULL;
        names_views = names_views || view;
        found = found || (view && strncmp(view, file, length) == 0 && strchr(" '", view[length]));
    }
    free(folder);
    return found || !names_views || !slash;
}

bool read_check(const struct runs *s, const char *step, const char *file, const char *kind, struct estimate *out,
                struct err *err)
{
    const struct step *done = runs_done(s, "%s", step);
    *out = runs_unknown();
    if (!done)
        return true;
    if (!is_asked(done, file)) {
        out->n = RUNS_NOT_ASKED;
        return true;
    }
    const json_t *report = runs_report(s, done, file, err);
    if (!report)
        return false;
    char *place = runs_place(s, done, file);
    bool ok = runs_estimate(runs_check(report, kind), place, out, err);
    free(place);
    return ok;
}

bool read_training(const struct runs *s, const char *step, int draws, struct estimate *out, struct err *err)
{
    const struct step *done = runs_done(s, "%s", step);
    *out = runs_unknown();
    return !done || runs_manifest(s, done, draws, out, err);
}

bool read_accuracy(struct page *p, const char *model, struct estimate *out, struct err *err)
{
    if (!strstr(model, "_ensemble_"))
        return read_training(p->runs, model, 0, out, err);
    return read_check(p->runs, page_text(p, "shown_%s", model), "whole/report.json", "accuracy", out, err);
}

bool study_page(const char *out, const char *directory, struct err *err)
{
    struct runs runs;
    struct page page;
    char *record = file_join(directory, "results/record");
    if (!runs_open(out, record, &runs, err)) {
        free(record);
        return false;
    }
    page_new(&page, &runs);
    bool ok = section_accuracy(&page, err) && section_subsets(&page, err) && section_transfer(&page, err) &&
              section_retraining(&page, err) && section_mitigations(&page, err) && section_borders(&page, err) &&
              section_power(&page, err) && section_speed(&page, err);
    if (ok) {
        name_mixed_networks(&page);
        ok = page_save(&page, directory, err) && runs_record(&runs, err);
    }
    page_free(&page);
    runs_close(&runs);
    free(record);
    return ok;
}
