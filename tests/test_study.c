#include "validate/study.h"

#include <criterion/criterion.h>
#include "tests/planted_classifier.h"

static struct planted_model *model;
static struct dataset *data;
static struct planted_study s;

static void open_study(int n)
{
    struct planted_pictures pictures = { .n = 40, .centre = 0.3f, .noise = 0.02f };

    model = planted_model_new();
    planted_model_reads(model, planted_centre, 1);
    data = planted_dataset(&pictures);
    planted_study_open(&s, model, data, n);
}

static void close_study(void)
{
    planted_study_close(&s);
    dataset_close(data);
    planted_model_free(model);
}

static int64_t ask(int n, enum sis_rank rank)
{
    struct sis_question q = { rank, BASELINE_MEAN, TARGET_PREDICTED, n };
    struct err err;
    const struct sis_answer *a = study_sis(&s.study, &q, &err);

    cr_assert_not_null(a, "%s", err.text);
    for (int64_t i = 0; i < a->records.n; i++) {
        cr_assert_lt(a->row[i], n);
        cr_assert_eq(a->records.record[i].image, s.study.image[a->row[i]]);
        cr_assert(i == 0 || a->records.record[i].image > a->records.record[i - 1].image);
    }
    return a->records.n;
}

Test(study, the_shared_search_is_made_once_over_its_pictures)
{
    open_study(20);
    s.study.searched = 8;
    cr_assert_eq(ask(3, SIS_MARGIN), 3);
    int64_t asked = model->asked;
    cr_assert_eq(ask(8, SIS_MARGIN), 8, "made over all eight");
    cr_assert_eq(ask(5, SIS_MARGIN), 5);
    cr_assert_eq(model->asked, asked, "and not again");
    cr_assert_eq(ask(12, SIS_MARGIN), 12, "more than are shared");
    cr_assert_gt(model->asked, asked);
    close_study();
}

Test(study, another_search_looks_at_what_is_asked_for)
{
    open_study(20);
    s.study.searched = 8;
    cr_assert_eq(ask(3, SIS_PROBABILITY), 3);
    int64_t asked = model->asked;
    cr_assert_eq(ask(4, SIS_PROBABILITY), 4);
    cr_assert_gt(model->asked, asked);
    close_study();
}

Test(study, without_a_number_the_whole_sample_is_searched)
{
    open_study(12);
    cr_assert_eq(ask(3, SIS_MARGIN), 3);
    int64_t asked = model->asked;
    cr_assert_eq(ask(12, SIS_MARGIN), 12);
    cr_assert_eq(ask(100, SIS_MARGIN), 12, "there are not more");
    cr_assert_eq(model->asked, asked);
    close_study();
}

Test(study, the_brier_score_is_a_sum_over_classes)
{
    struct err err;
    open_study(12);
    const struct answers *a = study_answers(&s.study, &err);
    cr_assert_not_null(a);
    for (int64_t i = 0; i < a->n; i++) {
        cr_assert(a->brier[i] >= 0 && a->brier[i] <= 2);
        cr_assert_eq(a->label[i], (int)(a->image[i] % 3));
        if (a->predicted[i] == a->label[i])
            cr_assert_float_eq(a->truth[i], a->confidence[i], 1e-7);
    }
    cr_assert_gt(a->n, 0);
    close_study();
}
