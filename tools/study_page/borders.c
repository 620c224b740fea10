/* Section 6: what the border of a picture tells, beside an equally large centre. */
#include <stdlib.h>
#include <string.h>

#include "tools/study_page/sections.h"

enum { SEEDS = 3 };

/* A part of a picture, and the part of the same area that it is compared with. */
struct view {
    const char *view, *name, *control; /* control NULL: it has none */
};

/* --- models trained on whole pictures ----------------------------------------------------------------------------- */

static const struct view shown[] = {
    { "border_1", "border, 1 pixel", "center_12" },
    { "border_2", "border, 2 pixels", "center_23" },
    { "border_4", "border, 4 pixels", "center_44" },
    { "ring_4_4", "ring 4 pixels wide, 4 from the edge", "center_31" },
};
enum { SHOWN = sizeof shown / sizeof *shown };

static bool read_shown(struct page *p, const struct family *f, const char *view, struct values *v, struct err *err)
{
    *v = (struct values){ .n = f->seeds ? SEEDS : 1 };
    for (int k = 0; k < v->n; k++)
        if (!read_check(p->runs, page_text(p, "shown_%s", family_model(p, f, k + 1)),
                        page_text(p, "%s/report.json", view), "accuracy", &v->of[k], err))
            return false;
    return true;
}

static bool write_shown(struct page *p, struct err *err)
{
    page_table(
        p, "models of whole pictures, shown borders",
        "Models that were trained on whole pictures and see nothing but the border, or a centre of the same area:",
        "Model", "Part", "Seeds", "n", "Right, each seed (95 % interval)", "Mean of the seeds (range)",
        "Centre of the same area, each seed", "Mean of the seeds (range)", NULL);
    for (int f = 0; f < FAMILIES; f++)
        for (int i = 0; i < SHOWN; i++) {
            struct values ring, centre;
            if (!read_shown(p, &families[f], shown[i].view, &ring, err) ||
                !read_shown(p, &families[f], shown[i].control, &centre, err))
                return false;
            if (values_known(&ring))
                page_row(p, families[f].name, shown[i].name, values_seeds(p, &ring),
                         page_count(p, values_pictures(&ring)), values_text(p, &ring, UNIT_SHARE),
                         values_mean(p, &ring, UNIT_SHARE), values_text(p, &centre, UNIT_SHARE),
                         values_mean(p, &centre, UNIT_SHARE), NULL);
            else if (ring.of[0].n == RUNS_NOT_RUN)
                page_absent(p, families[f].name);
        }
    page_table_end(p);
    return true;
}

/* --- networks trained on a part ----------------------------------------------------------------------------------- */

static const struct view cifar[] = {
    { "whole", "whole", NULL },
    { "border_1", "border, 1 pixel", "center_12" },
    { "center_12", "centre of that area", NULL },
    { "border_4", "border, 4 pixels", "center_44" },
    { "center_44", "centre of that area", NULL },
    { "ring_4_4", "ring 4 pixels wide, 4 from the edge", "center_31" },
    { "center_31", "centre of that area", NULL },
};
static const struct view imagenette[] = {
    { "whole", "whole", NULL },
    { "border_4", "border, 4 pixels", "center_12" },
    { "center_12", "centre of that area", NULL },
    { "border_16", "border, 16 pixels", "center_44" },
    { "center_44", "centre of that area", NULL },
    { "ring_16_16", "ring 16 pixels wide, 16 from the edge", "center_31" },
    { "center_31", "centre of that area", NULL },
};
enum { TRAINED = sizeof cifar / sizeof *cifar };

/* A part's control is the row behind it. */
static void compare_control(struct page *p, const struct view *view, const struct values *v, const char *data)
{
    struct estimate part = values_summary(&v[0]), control = values_summary(&v[1]);
    if (part.value > control.value)
        page_differs(p,
                     "Section 6: %s: networks trained on nothing but the part \"%s\" are right more often (%s, mean of "
                     "the seeds) than those on a centre of its area (%s).",
                     data, view->name, page_value(p, part.value, UNIT_SHARE), page_value(p, control.value, UNIT_SHARE));
}

static bool write_trained(struct page *p, const char *data, const char *prefix, const struct view *view,
                          struct err *err)
{
    struct values v[TRAINED];
    struct bars bars;
    for (int i = 0; i < TRAINED; i++) {
        v[i] = (struct values){ .n = SEEDS };
        for (int k = 0; k < SEEDS; k++)
            if (!read_training(p->runs, page_text(p, "%s_%s_%d", prefix, view[i].view, k + 1), 0, &v[i].of[k], err))
                return false;
    }
    bars_begin(&bars, page_text(p, "%s: trained on a part", data), "share of test pictures answered right", UNIT_SHARE);
    page_table(p, page_text(p, "networks trained on a part (%s)", data),
               page_text(p, "%s: networks that were trained and tested on nothing but the part:", data), "Part",
               "Seeds", "n", "Right, each seed (95 % interval)", "Mean of the seeds (range)", NULL);
    for (int i = 0; i < TRAINED; i++) {
        if (values_known(&v[i]))
            page_row(p, view[i].name, values_seeds(p, &v[i]), page_count(p, values_pictures(&v[i])),
                     values_text(p, &v[i], UNIT_SHARE), values_mean(p, &v[i], UNIT_SHARE), NULL);
        else
            page_absent(p, view[i].name);
        bars_add(&bars, view[i].name, &v[i], view[i].control ? TONE_DATA : TONE_CONTROL);
        if (view[i].control)
            compare_control(p, &view[i], &v[i], data);
    }
    page_table_end(p);
    bars_show(p, page_text(p, "borders_%s", prefix), &bars);
    return true;
}

/* --- data sets ---------------------------------------------------------------------------------------------------- */

static const char datasets[] = "dataset_";

/* What failed or was left open, by id. */
static const char *list_checks(struct page *p, const json_t *report, const char *status)
{
    size_t i;
    json_t *check;
    const char *list = "";
    json_array_foreach(json_object_get(report, "checks"), i, check)
    {
        if (strcmp(runs_text(check, "status"), status) == 0)
            list = page_text(p, "%s%s%s", list, *list ? ", " : "", runs_text(check, "id"));
    }
    return *list ? list : "none";
}

static void write_dataset(struct page *p, const char *name, const json_t *report)
{
    const json_t *data = json_object_get(json_object_get(report, "provenance"), "data");
    page_row(p, name, page_count(p, json_integer_value(json_object_get(data, "train"))),
             page_count(p, json_integer_value(json_object_get(data, "test"))), runs_text(report, "verdict"),
             list_checks(p, report, "fail"), list_checks(p, report, "inconclusive"), list_checks(p, report, "error"),
             page_text(p, "%d", (int)json_integer_value(json_object_get(report, "suspects"))),
             runs_text(report, "lead"), NULL);
}

static bool write_datasets(struct page *p, struct err *err)
{
    page_table(p, "what `validate dataset` says",
               "What `validate dataset` says of each data set, and what a curator would conclude:", "Data set",
               "Training pictures", "Test pictures", "Safe to learn from", "Failed", "Inconclusive", "Could not run",
               "Pictures to look at", "Conclusion", NULL);
    for (int i = 0; i < p->runs->n; i++) {
        const struct step *step = &p->runs->step[i];
        if (strncmp(step->name, datasets, strlen(datasets)) != 0)
            continue;
        const char *name = step->name + strlen(datasets);
        if (!step->done) {
            page_absent(p, name);
            continue;
        }
        const json_t *report = runs_report(p->runs, step, "report.json", err);
        if (!report)
            return false;
        write_dataset(p, name, report);
    }
    page_table_end(p);
    return true;
}

bool section_borders(struct page *p, struct err *err)
{
    page_section(
        p, 6,
        "how much the border of a picture tells of its class to models that never saw it alone and to networks "
        "that saw nothing else, beside a centre of the same area, since a part of a photograph always tells "
        "something");
    return write_shown(p, err) && write_trained(p, "CIFAR-10", "view", cifar, err) &&
           write_trained(p, "Imagenette, 128 pixels", "imagenette", imagenette, err) && write_datasets(p, err);
}
