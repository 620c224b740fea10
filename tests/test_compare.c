#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tests/planted_classifier.h"
#include "validate/checks/estimate.h"
#include "validate/compare/compare.h"
#include "validate/compare/history.h"
#include "validate/compare/measures.h"
#include "validate/report/compare_words.h"

TestSuite(compare, .init = fixture_set_up, .fini = fixture_clean_up);

enum { N = 24 };

/* --- what one model has ------------------------------------------------------------------------------------------- */

static struct planted_model *model;
static struct dataset *data;
static struct planted_study study;
static struct err err;

/* mislabelled: every so many pictures show the next class; 0: none. */
static void open_study(planted_region reads, int mislabelled)
{
    struct planted_pictures pictures = {
        .n = N, .border = .3f, .centre = .3f, .noise = .05f, .mislabelled = mislabelled
    };

    model = planted_model_new();
    planted_model_reads(model, reads, 1);
    data = planted_dataset(&pictures);
    planted_study_open(&study, model, data, N);
}

static void close_study(void)
{
    planted_study_close(&study);
    dataset_close(data);
    planted_model_free(model);
}

static struct policy_check question(const char *kind)
{
    struct policy_check p = planted_policy(kind, SIDE_NONE, 0);

    p.type = check_type_find(comparison_types, kind);
    return p;
}

static struct measured measure(const struct policy_check *p)
{
    struct measured m = { 0 };

    cr_assert(p->type->measure(&study.study, p, N, &m, &err), "%s: %s", p->id, err.text);
    cr_assert_eq(m.n, N);
    for (int i = 0; i < m.n; i++)
        cr_assert(!m.counts[i] || (m.value[i] >= m.range.low && m.value[i] <= m.range.high), "%s", p->id);
    return m;
}

/* Mean of what counts. */
static double mean_of(const struct measured *m, int *counted)
{
    double sum = 0;

    *counted = 0;
    for (int i = 0; i < m->n; i++) {
        sum += m->counts[i] ? m->value[i] : 0;
        *counted += m->counts[i];
    }
    return sum / *counted;
}

/* What a check of the same kind finds on the same pictures, and the mean that the question has. */
static void same_as_check(const char *kind, double fraction, double threshold)
{
    struct policy_check p = question(kind), with_check = planted_policy(kind, SIDE_NONE, 0);
    struct check check;
    int counted;

    p.fraction = with_check.fraction = fraction;
    p.threshold = with_check.threshold = threshold;
    cr_assert(planted_run(&study, &with_check, N, &check, &err), "%s: %s", kind, err.text);
    struct measured m = measure(&p);
    double mean = mean_of(&m, &counted);
    cr_assert_eq(counted, check.estimate.n, "%s: %d of %d", kind, counted, (int)check.estimate.n);
    cr_assert(fabs(mean - check.estimate.value) <= 1e-12, "%s: %g, the check has %g", kind, mean, check.estimate.value);
    measured_free(&m);
    check_free(&check);
}

Test(compare, questions_that_count_find_what_the_checks_find)
{
    open_study(planted_all, 0);
    same_as_check("accuracy", 0.1, 0.9);
    same_as_check("subset.sufficiency", 0.02, 0.9);
    same_as_check("mask.only", 0.1, 0.9);
    same_as_check("shuffled.values", 0.1, 0.9);
    same_as_check("dilation", 0.1, 0.6);
    close_study();
}

Test(compare, the_size_of_each_part_is_what_the_check_takes_the_median_of)
{
    struct policy_check p = question("sis.size"), with_check = planted_policy("sis.size", SIDE_NONE, 0);
    struct check check;

    open_study(planted_all, 0);
    p.threshold = with_check.threshold = 0.9;
    cr_assert(planted_run(&study, &with_check, N, &check, &err), "%s", err.text);
    struct measured m = measure(&p);
    cr_assert(fabs(median(m.value, m.n) - check.estimate.value) <= 1e-12);
    cr_assert(check.estimate.value > 0);
    measured_free(&m);
    check_free(&check);
    close_study();
}

/* All evidence in the ring: its share over the ring's area, 64 of 28 pixels; none of it there: nothing. */
Test(compare, the_border_counts_for_who_reads_it_and_not_for_who_reads_the_centre)
{
    struct policy_check p = question("border.share");
    int counted;

    p.threshold = 0.6;
    open_study(planted_border, 0);
    struct measured m = measure(&p);
    cr_assert(fabs(mean_of(&m, &counted) - 64.0 / 28) < 1e-12 && counted == N);
    measured_free(&m);
    close_study();
    open_study(planted_centre, 0);
    m = measure(&p);
    cr_assert(mean_of(&m, &counted) == 0 && counted == N);
    measured_free(&m);
    p.width = 4;
    cr_assert_not(p.type->measure(&study.study, &p, N, &m, &err));
    cr_assert_not_null(strstr(err.text, "covers more than half"));
    close_study();
}

Test(compare, pictures_that_are_answered_wrong_do_not_count_where_pixels_decide)
{
    static const char *const kinds[] = { "sis.size",  "border.share",    "subset.sufficiency",
                                         "mask.only", "shuffled.values", "dilation" };
    int counted;

    open_study(planted_all, 4);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct policy_check p = question(kinds[k]);
        p.threshold = 0.6;
        struct measured m = measure(&p);
        mean_of(&m, &counted);
        cr_assert_eq(counted, N - N / 4, "%s: %d", kinds[k], counted);
        measured_free(&m);
    }
    struct policy_check p = question("accuracy");
    struct measured m = measure(&p);
    cr_assert(fabs(mean_of(&m, &counted) - 0.75) < 1e-12 && counted == N);
    measured_free(&m);
    close_study();
}

/* Class k is read off row k alone, the brighter the surer: white says which class it is, grey and black do not. The
 * models of the other tests answer alike whatever their pixels are painted with. */
Test(compare, the_best_pixels_are_painted_white)
{
    struct planted_pictures pictures = { .n = N, .centre = .4f };
    struct policy_check p = question("mask.only");
    int counted;

    model = planted_model_new();
    for (int k = 0; k < PLANTED_CLASSES; k++)
        for (int x = 2; x < 6; x++)
            model->weight[(k * PLANTED_CLASSES + k) * PLANTED_PIXELS + (2 + k) * PLANTED_SIDE + x] = 20;
    data = planted_dataset(&pictures);
    planted_study_open(&study, model, data, N);
    struct measured m = measure(&p);
    cr_assert(mean_of(&m, &counted) == 1 && counted == N);
    measured_free(&m);
    close_study();
}

/* The first pictures of a set may all be of one class. */
Test(compare, fewer_whole_pictures_than_there_are_answers_are_drawn_at_random)
{
    struct policy_check p = question("accuracy");
    struct measured m;

    open_study(planted_all, 0);
    cr_assert(p.type->measure(&study.study, &p, N / 2, &m, &err), "%s", err.text);
    cr_assert_eq(m.n, N / 2);
    for (int i = 0; i < m.n; i++)
        cr_assert_eq(m.image[i], study.study.image[i], "place %d: picture %lld", i, (long long)m.image[i]);
    measured_free(&m);
    m = measure(&p);
    for (int i = 0; i < m.n; i++)
        cr_assert_eq(m.image[i], i);
    measured_free(&m);
    close_study();
}

/* A model without weights gives each of three classes a third, whatever it sees. */
Test(compare, a_model_that_knows_nothing_has_the_scores_of_chance)
{
    struct planted_pictures pictures = { .n = N, .centre = .3f };
    struct policy_check rubbish = question("rubbish"), calibration = question("calibration");
    int counted;

    model = planted_model_new();
    data = planted_dataset(&pictures);
    planted_study_open(&study, model, data, N);
    struct measured m = measure(&rubbish);
    cr_assert(fabs(mean_of(&m, &counted) - 1.0 / 3) < 1e-6 && counted == N);
    measured_free(&m);
    m = measure(&calibration);
    cr_assert(fabs(mean_of(&m, &counted) - (4.0 / 9 + 2.0 / 9)) < 1e-6 && counted == N);
    measured_free(&m);
    close_study();
}

/* --- a whole comparison ------------------------------------------------------------------------------------------- */

static struct policy *policy;
static struct planted_model *models[2];
static struct subject subjects[2];
static struct subject_member members[2];
static struct contender contenders[2];
static struct comparison comparison;
static int patience; /* questions until the user stops it; 0: never */

static bool asked_to_stop(void)
{
    return patience > 0 && --patience == 0;
}

static void fill_subject(int k, planted_region reads)
{
    static const char *const names[] = { "reads-border", "reads-centre" };
    static const struct selftest selftest = { .pictures = 2, .coordinates = 24 };

    models[k] = planted_model_new();
    planted_model_reads(models[k], reads, 1.5f);
    subjects[k] = (struct subject){ .network = { .classifier = models[k]->classifier, .isa = "none", .engine = "none" },
                                    .data = data,
                                    .name = (char *)names[k],
                                    .cfg = "x.cfg",
                                    .weights = "x.weights",
                                    .n_members = 1,
                                    .member = &members[k],
                                    .geometry = { .c = 3, .h = PLANTED_SIDE, .w = PLANTED_SIDE, .test_resize = 1 } };
    subjects[k].model = &subjects[k].network.classifier;
    memset(subjects[k].data_hash, 'a', SHA256_HEX - 1);
    memset(subjects[k].weights_hash, 'b' + k, SHA256_HEX - 1);
    memset(subjects[k].cfg_hash, 'd', SHA256_HEX - 1);
    contenders[k] = (struct contender){ .subject = &subjects[k], .selftest = &selftest, .path = names[k] };
}

static bool compare(const char *checks)
{
    static char *words[] = { (char *)"validate", (char *)"compare", (char *)"runs/a", (char *)"runs/b" };
    struct planted_pictures pictures = { .n = 60, .border = .3f, .centre = .3f, .noise = .05f };
    char *text =
        mem_format("name = \"t\"; sample = { quick = 40; full = 60; };\n"
                   "sis = { method = \"gradient\"; per_step = 1; thresholds = [0.5, 0.9]; };\nchecks = (%s);\n",
                   checks);

    err = (struct err){ 0 };
    data = planted_dataset(&pictures);
    cr_assert(policy_parse(&policy_of_comparisons, "p.conf", text, strlen(text), &policy, &err), "%s", err.text);
    free(text);
    fill_subject(0, planted_border);
    fill_subject(1, planted_centre);
    struct compare c = { .n = 2,
                         .contender = contenders,
                         .policy = policy,
                         .progress = progress_new(PROGRESS_QUIET, "pictures"),
                         .stop = asked_to_stop,
                         .argc = 4,
                         .argv = words,
                         .seed = 1,
                         .threads = 1 };
    bool ok = compare_run(&c, &comparison, &err);
    progress_free(c.progress);
    return ok;
}

static void clean_up(void)
{
    comparison_free(&comparison);
    policy_free(policy);
    dataset_close(data);
    for (int k = 0; k < 2; k++)
        planted_model_free(models[k]);
}

Test(compare, a_candidate_that_leaves_the_border_alone_is_better)
{
    cr_assert(compare("{ check = \"border.share\"; threshold = 0.6; no_worse_than = 0.1; }, { check = \"accuracy\"; }"),
              "%s", err.text);
    cr_assert_eq(comparison.report.verdict, EXIT_OK);
    cr_assert_eq(comparison.report.n_checks, 2);
    const struct check *border = &comparison.report.check[0];
    const struct paired *p = &comparison.paired[0];
    cr_assert_str_eq(border->id, "border.share@1,0.6");
    cr_assert_eq(p->change, CHANGE_BETTER);
    cr_assert_eq(border->status, CHECK_PASS);
    cr_assert(fabs(border->estimate.value + 64.0 / 28) < 1e-12 && p->n == 40 && p->fell == 40 && p->rose == 0);
    cr_assert(p->b.value == 0 && fabs(p->a.value - 64.0 / 28) < 1e-12);
    cr_assert_eq(comparison.report.check[1].status, CHECK_REPORTED);
    cr_assert_eq(comparison.decisions, 1);
    cr_assert_eq(comparison.confidence, 0.95);
    cr_assert_eq(comparison.n_pictures, 40);
    for (int i = 0; i < 40; i++)
        cr_assert(comparison.subject[0].part[i] > 0 && comparison.subject[0].part[i] <= 28 &&
                  comparison.subject[1].part[i] > 0 && comparison.subject[0].part_sure[i] >= 0.6f &&
                  (i == 0 || comparison.picture[i].image > comparison.picture[i - 1].image));
    clean_up();
}

Test(compare, a_question_that_fails_is_an_error_and_keeps_the_others)
{
    cr_assert(compare("{ check = \"border.share\"; width = 3; no_worse_than = 0.1; }, "
                      "{ check = \"border.share\"; threshold = 0.6; no_worse_than = 0.1; }"),
              "%s", err.text);
    cr_assert_eq(comparison.report.verdict, EXIT_CANNOT_RUN);
    cr_assert_eq(comparison.paired[0].change, CHANGE_ERROR);
    cr_assert_eq(comparison.report.check[0].status, CHECK_ERROR);
    cr_assert_not_null(strstr(comparison.report.check[0].error, "covers more than half"));
    cr_assert_eq(comparison.paired[1].change, CHANGE_BETTER);
    clean_up();
}

/* A margin of 0.25 is not 0, however little is known of the change. */
Test(compare, a_margin_is_told_as_the_policy_has_it)
{
    cr_assert(compare("{ check = \"border.share\"; width = 3; no_worse_than = 0.25; }, "
                      "{ check = \"rubbish\"; no_worse_than = 0.1; }"),
              "%s", err.text);
    struct pair_text t = pair_text_of(&comparison, 0);
    cr_expect_str_eq(t.loss, "up to +0.25", "%s", t.loss);
    pair_text_free(&t);
    clean_up();
}

Test(compare, who_stops_it_gets_no_comparison)
{
    patience = 5;
    cr_assert_not(compare("{ check = \"border.share\"; no_worse_than = 0.1; }"));
    cr_assert_eq(err.status, EXIT_INTERRUPTED);
    cr_assert_eq(comparison.report.n_checks, 0);
    clean_up();
}

static void write_manifest(int k, const char *text)
{
    members[k].directory = (char *)fixture_path(k ? "b" : "a");
    char *path = file_join(members[k].directory, "manifest.json");

    cr_assert(file_make_directories(members[k].directory, &err) && file_write(path, text, strlen(text), &err));
    free(path);
}

Test(compare, a_training_that_no_manifest_tells_of_costs_nobody_knows_what)
{
    static const char *const bad[] = { "{}", "{\"progress\": {\"wall_seconds\": -5}, \"threads\": 2}",
                                       "{\"progress\": {\"wall_seconds\": \"5\"}, \"threads\": 2}",
                                       "{\"progress\": {\"wall_seconds\": 5}, \"threads\": 4294967298}" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_manifest(0, bad[i]);
        write_manifest(1, "{\"progress\": {\"wall_seconds\": 12.5}, \"threads\": 2}");
        cr_assert(compare("{ check = \"accuracy\"; }, { check = \"rubbish\"; no_worse_than = 0.1; }"), "%s", err.text);
        cr_assert(comparison.subject[1].training_s == 12.5 && comparison.subject[1].training_threads == 2);
        cr_assert(i == 3 ? comparison.subject[0].training_s == 5 : isnan(comparison.subject[0].training_s), "%s",
                  bad[i]);
        cr_assert_eq(comparison.subject[0].training_threads, -1, "%s", bad[i]);
        clean_up();
    }
}

Test(compare, models_of_other_data_shapes_or_the_same_weights_are_refused)
{
    cr_assert(compare("{ check = \"accuracy\"; }, { check = \"sis.size\"; threshold = 0.6; no_worse_than = 0.1; }"));
    struct subject *b = &subjects[1];
    cr_assert(compare_fits(&subjects[0], b, &err));
    b->data_hash[3] = 'x';
    cr_assert_not(compare_fits(&subjects[0], b, &err));
    cr_assert_eq(err.status, EXIT_USAGE);
    b->data_hash[3] = 'a';
    b->geometry.test_resize = 1.2f;
    cr_assert_not(compare_fits(&subjects[0], b, &err));
    b->geometry.test_resize = (float)NAN;
    cr_assert_not(compare_fits(&subjects[0], b, &err));
    b->geometry.test_resize = 1;
    b->network.classifier.classes = 4;
    cr_assert_not(compare_fits(&subjects[0], b, &err));
    cr_assert_not_null(strstr(err.text, "has 4 classes"));
    b->network.classifier.classes = PLANTED_CLASSES;
    memcpy(b->weights_hash, subjects[0].weights_hash, SHA256_HEX);
    cr_assert_not(compare_fits(&subjects[0], b, &err));
    cr_assert_not_null(strstr(err.text, "is the same model"));
    b->cfg_hash[0] = 'x'; /* the same weights, put together otherwise: input dropout at test, say */
    cr_assert(compare_fits(&subjects[0], b, &err));
    clean_up();
}

/* --- which policies a directory has seen -------------------------------------------------------------------------- */

static char hash_of[4][SHA256_HEX];

static bool enter(int asked, int compared, bool resume, int former)
{
    struct history h;
    const char *directory = fixture_path(".");

    for (int i = 0; i < 4; i++)
        memset(hash_of[i], "0123"[i], SHA256_HEX - 1);
    bool ok = history_enter(directory, hash_of[asked], hash_of[compared], resume, &h, &err);
    if (ok)
        cr_assert_eq(h.n, former, "%d former policies, wanted %d", h.n, former);
    if (ok && former == 1)
        cr_assert_str_eq(h.policy[0], hash_of[0]);
    history_free(&h);
    return ok;
}

Test(compare, a_directory_remembers_the_policies_that_it_has_seen)
{
    cr_assert(enter(0, 2, false, 0));
    cr_assert(enter(0, 2, true, 0));
    cr_assert_not(enter(1, 2, true, 0));
    cr_assert_not_null(strstr(err.text, "begun by another policy"), "%s", err.text);
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert_not(enter(0, 3, true, 0));
    cr_assert_not_null(strstr(err.text, "other models"), "%s", err.text);
    cr_assert(enter(1, 2, false, 1));
    cr_assert(enter(1, 2, false, 1));
    cr_assert(enter(1, 3, false, 0));
}

/* As long as one. */
#define NO_HASH "<b>not a hash, but of the length of one, and into a report</b> x"

Test(compare, a_history_that_is_damaged_is_refused)
{
    static const char *const bad[] = { "{", "[]", "{\"schema\": \"x\", \"runs\": []}",
                                       "{\"schema\": \"marginalia.comparison/1\", \"runs\": [{\"policy\": \"12\"}]}",
                                       "{\"schema\": \"marginalia.comparison/1\", \"runs\": [{\"policy\": \"" NO_HASH
                                       "\", \"models\": \"" NO_HASH "\"}]}" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = fixture_path(HISTORY_FILE);
        cr_assert(file_write(path, bad[i], strlen(bad[i]), &err));
        cr_assert_not(enter(0, 2, false, 0), "%s", bad[i]);
        cr_assert_neq(err.status, EXIT_OK);
    }
}
