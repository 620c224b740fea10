/* Section 1: right answers on whole test pictures. */
#include <math.h>

#include "tools/study_page/sections.h"

enum { DRAWS_FEW = 1, DRAWS_MANY = 8 };

/* A row of the table and of the plot. */
struct row {
    const char *name;
    const char *prefix; /* of the models; seeds 0: one model of that name */
    int seeds, draws;   /* draws of input dropout at test time, 0: none */
};

static const struct row rows[] = {
    { "ResNet-20", "resnet20", 5, 0 },
    { "Input dropout, keep 0.8", "resnet20_dropout", 3, 0 },
    { "Input dropout in the test, too, 1 draw", "resnet20_dropout", 3, DRAWS_FEW },
    { "Input dropout in the test, too, mean logits of 8 draws", "resnet20_dropout", 3, DRAWS_MANY },
    { "Ensemble of 3", "resnet20_ensemble_3", 0, 0 },
    { "Ensemble of 5", "resnet20_ensemble_5", 0, 0 },
    { "Distilled from the ensemble of 5", "resnet20_distilled", 3, 0 },
    { "ResNet-20, 200 epochs", "resnet20_long_1", 0, 0 },
    { "Input dropout, 200 epochs", "resnet20_dropout_long_1", 0, 0 },
    { "ResNet-18", "resnet18_1", 0, 0 },
    { "VGG-16", "vgg16_1", 0, 0 },
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool read_row(struct page *p, const struct row *row, struct values *v, struct err *err)
{
    *v = (struct values){ .n = row->seeds ? row->seeds : 1 };
    for (int i = 0; i < v->n; i++) {
        const char *model = row->seeds ? page_text(p, "%s_%d", row->prefix, i + 1) : row->prefix;
        bool ok = row->draws ? read_training(p->runs, model, row->draws, &v->of[i], err)
                             : read_accuracy(p, model, &v->of[i], err);
        if (!ok)
            return false;
    }
    return true;
}

/* Every network is evaluated twice, by the training and by `validate`: two programs that must agree. */
static bool compare_programs(struct page *p, const char *model, const struct estimate *trained, struct err *err)
{
    const double most = 0.001; /* pictures on the edge of two classes, by another order of summation */
    struct estimate shown;
    if (!read_check(p->runs, page_text(p, "shown_%s", model), "whole/report.json", "accuracy", &shown, err))
        return false;
    if (isfinite(shown.value) && isfinite(trained->value) && !(fabs(shown.value - trained->value) <= most))
        page_differs(p, "Section 1: `%s`: `train` counted %s right, `validate` %s, on the same pictures.", model,
                     page_value(p, trained->value, UNIT_SHARE), page_value(p, shown.value, UNIT_SHARE));
    return true;
}

static void write_table(struct page *p, const struct values *v)
{
    page_table(p, "right answers", NULL, "Model", "Seeds", "n", "Right, each seed (95 % interval)",
               "Mean of the seeds (range)", NULL);
    for (int i = 0; i < ROWS; i++)
        if (values_known(&v[i]))
            page_row(p, rows[i].name, values_seeds(p, &v[i]), page_count(p, values_pictures(&v[i])),
                     values_text(p, &v[i], UNIT_SHARE), values_mean(p, &v[i], UNIT_SHARE), NULL);
        else if (v[i].of[0].n == RUNS_NOT_RUN)
            page_absent(p, rows[i].name);
    page_table_end(p);
}

static void draw(struct page *p, const struct values *v)
{
    struct bars bars;
    bars_begin(&bars, "Right on whole test pictures", "share of test pictures answered right", UNIT_SHARE);
    for (int i = 0; i < ROWS; i++)
        bars_add(&bars, rows[i].name, &v[i], i ? TONE_DATA : TONE_CONTROL);
    bars_show(p, "accuracy", &bars);
}

bool section_accuracy(struct page *p, struct err *err)
{
    struct values v[ROWS];
    page_section(p, 1, "how many test pictures are answered right when they are shown whole");
    for (int i = 0; i < ROWS; i++)
        if (!read_row(p, &rows[i], &v[i], err))
            return false;
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < v[i].n && !rows[i].draws; k++) {
            const char *model = rows[i].seeds ? page_text(p, "%s_%d", rows[i].prefix, k + 1) : rows[i].prefix;
            if (!compare_programs(p, model, &v[i].of[k], err))
                return false;
        }
    write_table(p, v);
    draw(p, v);
    return true;
}
