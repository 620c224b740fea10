#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tests/planted_classifier.h"
#include "validate/outcome.h"
#include "validate/suite.h"

TestSuite(suite, .init = fixture_set_up, .fini = fixture_clean_up);

static struct planted_model *model;
static struct dataset *data;
static struct policy *policy;
static struct subject subject;
static struct suite suite;
static struct report report;
static struct err err;
static int patience; /* questions until the user stops it; 0: never */

static bool asked_to_stop(void)
{
    return patience > 0 && --patience == 0;
}

#define HEAD                                                                                                           \
    "name = \"t\"; sample = { quick = 12; full = 30; };\n"                                                             \
    "sis = { method = \"gradient\"; per_step = 1; rank = \"margin\"; baseline = \"mean\"; "                            \
    "thresholds = [0.5, 0.9]; };\nchecks = ("

static void set_up(const char *checks)
{
    static char *words[] = { (char *)"validate", (char *)"model", (char *)"runs/x" };
    static const struct selftest selftest = { .pictures = 2, .coordinates = 24 };
    struct planted_pictures pictures = { .n = 30, .centre = .3f, .noise = .2f };
    char *text = mem_format(HEAD "%s);\n", checks);

    model = planted_model_new();
    planted_model_reads(model, planted_centre, 2);
    data = planted_dataset(&pictures);
    cr_assert(policy_parse(&policy_of_models, "p.conf", text, strlen(text), &policy, &err), "%s", err.text);
    free(text);
    subject = (struct subject){ .network = { .classifier = model->classifier, .isa = "none", .engine = "none" },
                                .data = data,
                                .name = (char *)"planted",
                                .cfg = (char *)"x.cfg",
                                .weights = (char *)"x.weights",
                                .geometry = { .c = 3, .h = PLANTED_SIDE, .w = PLANTED_SIDE, .test_resize = 1 } };
    subject.model = &subject.network.classifier;
    memset(subject.data_hash, 'a', SHA256_HEX - 1);
    memset(subject.weights_hash, 'b', SHA256_HEX - 1);
    memset(subject.cfg_hash, 'c', SHA256_HEX - 1);
    suite = (struct suite){ .subject = &subject,
                            .policy = policy,
                            .selftest = &selftest,
                            .stop = asked_to_stop,
                            .progress = progress_new(PROGRESS_QUIET, "pictures"),
                            .argc = 3,
                            .argv = words,
                            .seed = 1,
                            .threads = 1,
                            .directory = fixture_path("out") };
}

static void tear_down(void)
{
    report_free(&report);
    progress_free(suite.progress);
    policy_free(policy);
    dataset_close(data);
    planted_model_free(model);
}

static void run(const char *checks)
{
    set_up(checks);
    cr_assert(suite_run(&suite, &report, &err), "%s", err.text);
}

static void expect(int i, enum check_status wanted)
{
    cr_assert_eq(report.check[i].status, wanted, "%s: %s", report.check[i].id,
                 check_status_name(report.check[i].status));
}

Test(suite, a_model_that_passes_may_be_released)
{
    run("{ check = \"accuracy\"; at_least = 0.5; }, { check = \"sis.size\"; threshold = 0.5; at_least = 0.0; }");
    expect(0, CHECK_PASS);
    expect(1, CHECK_PASS);
    cr_assert_eq(report.verdict, EXIT_OK);
    cr_assert_not_null(strstr(report.lead, "may be released"));
    tear_down();
}

Test(suite, what_fails_keeps_the_model_back_and_says_what_to_do)
{
    run("{ check = \"accuracy\"; at_least = 0.5; }, { check = \"sis.size\"; threshold = 0.5; at_least = 0.99; }");
    expect(1, CHECK_FAIL);
    cr_assert_eq(report.verdict, EXIT_FAILED_CHECK);
    cr_assert_not_null(strstr(report.lead, "Do not release it"));
    cr_assert(report.n_steps >= 2);
    tear_down();
}

Test(suite, a_check_that_cannot_run_is_an_error_and_never_a_pass)
{
    run("{ check = \"accuracy\"; at_least = 0.5; }, { check = \"sis.size\"; threshold = 0.999999; at_least = 0.0; }");
    expect(0, CHECK_PASS);
    expect(1, CHECK_ERROR);
    cr_assert_not_null(report.check[1].error);
    cr_assert_eq(report.verdict, EXIT_CANNOT_RUN);
    cr_assert_not_null(strstr(report.lead, "could not run"));
    tear_down();
}

Test(suite, what_is_undecided_is_not_released_and_full_is_proposed)
{
    run("{ check = \"accuracy\"; at_least = 0.95; }");
    expect(0, CHECK_INCONCLUSIVE);
    cr_assert_eq(report.verdict, EXIT_INCONCLUSIVE);
    cr_assert_str_eq(report.step[0].command, "validate model runs/x --full --overwrite");
    tear_down();
}

Test(suite, a_limit_that_does_not_gate_decides_nothing)
{
    run("{ check = \"accuracy\"; at_least = 0.5; gates = false; }, "
        "{ check = \"sis.size\"; threshold = 0.5; at_least = 0.99; gates = false; }");
    expect(0, CHECK_REPORTED);
    expect(1, CHECK_REPORTED);
    cr_assert_eq(report.verdict, EXIT_OK);
    cr_assert_not_null(strstr(report.lead, "only reports"));
    tear_down();
}

Test(suite, every_returned_subset_is_shown_again_and_the_report_says_how_many)
{
    run("{ check = \"sis.size\"; threshold = 0.5; at_least = 0.0; }");
    const json_t *search = json_object_get(report.provenance, "search");
    cr_assert(json_integer_value(json_object_get(search, "subsets_shown_again")) >= 12);
    cr_assert_eq(json_integer_value(json_object_get(search, "below_threshold")), 0);
    cr_assert(report.n_groups == 4 && report.group[0].n > 0 && report.group[0].item[0].n == 3);
    tear_down();
}

static int size_of(const struct gallery_item *item)
{
    int number, size;

    cr_assert_eq(sscanf(item->note, "no. %d: %d of 64 pixels", &number, &size), 2, "%s", item->note);
    return size;
}

Test(suite, the_gallery_goes_from_the_smallest_to_the_largest)
{
    run("{ check = \"sis.size\"; threshold = 0.5; at_least = 0.0; }");
    for (int g = 0; g < 3; g++)
        for (int i = 1; i < report.group[g].n; i++)
            cr_assert(size_of(&report.group[g].item[i]) >= size_of(&report.group[g].item[i - 1]));
    cr_assert(size_of(&report.group[0].item[0]) < size_of(&report.group[2].item[report.group[2].n - 1]));
    cr_assert_eq(report.group[3].n, 12);
    tear_down();
}

Test(suite, a_user_who_stops_it_gets_no_report)
{
    for (int questions = 1; questions <= 20; questions += 4) { /* in the sample, in the search, ... */
        set_up("{ check = \"sis.size\"; threshold = 0.5; at_least = 0.0; }");
        suite.directory = NULL;
        patience = questions;
        cr_assert_not(suite_run(&suite, &report, &err), "stopped at question %d", questions);
        cr_assert_eq(err.status, EXIT_INTERRUPTED);
        cr_assert_eq(report.n_checks, 0);
        tear_down();
    }
}

Test(suite, numbers_of_single_pictures_are_kept_for_the_next_release)
{
    run("{ check = \"accuracy\"; at_least = 0.5; }, { check = \"sis.size\"; threshold = 0.5; at_least = 0.0; }");
    for (int i = 0; i < 2; i++) {
        const json_t *pictures = json_object_get(report.check[i].details, "pictures");
        const json_t *value = json_object_get(pictures, "value");
        cr_assert_eq(json_array_size(value), i == 0 ? 30 : 12);
        cr_assert_eq(json_string_length(json_object_get(pictures, "sha256")), SHA256_HEX - 1);
        for (size_t k = 0; k < json_array_size(value); k++)
            cr_assert(json_is_number(json_array_get(value, k)));
    }
    tear_down();
}

Test(suite, a_check_takes_its_own_number_of_pictures_and_never_more_than_there_are)
{
    struct policy_check p = { .quick = 40, .full = 0 };

    cr_assert_eq(outcome_pictures(&p, false, 100), 40);
    cr_assert_eq(outcome_pictures(&p, true, 100), 100);
    cr_assert_eq(outcome_pictures(&p, false, 10), 10);
}

/* The status of a check of this outcome, with and without a waiver. */
static enum check_status completed(double low, double high, bool ok, bool gates, const char *waiver)
{
    struct policy_check p = { .type = check_type_find(check_types, "accuracy"),
                              .id = (char *)"accuracy",
                              .side = SIDE_AT_LEAST,
                              .limit = .5,
                              .gates = gates };
    struct waivers w = { waiver ? 1 : 0, { { (char *)waiver, (char *)"because" } } };
    struct check c = { .estimate = { (low + high) / 2, low, high, 10 } };
    struct err why = { .status = EXIT_CANNOT_RUN, .text = "x: broken; repair it" };

    outcome_complete(&p, ok, &why, &w, &c);
    enum check_status status = c.status;
    cr_assert_eq(c.waiver != NULL, status == CHECK_WAIVED);
    cr_assert_eq(c.error != NULL, status == CHECK_ERROR);
    check_free(&c);
    return status;
}

Test(suite, every_status_is_reached)
{
    cr_assert_eq(completed(.6, .7, true, true, NULL), CHECK_PASS);
    cr_assert_eq(completed(.2, .3, true, true, NULL), CHECK_FAIL);
    cr_assert_eq(completed(.4, .6, true, true, NULL), CHECK_INCONCLUSIVE);
    cr_assert_eq(completed(.6, .7, false, true, NULL), CHECK_ERROR);
    cr_assert_eq(completed(NAN, NAN, true, true, NULL), CHECK_ERROR);
    cr_assert_eq(completed(.2, .3, true, true, "accuracy"), CHECK_WAIVED);
    cr_assert_eq(completed(.4, .6, true, true, "accuracy"), CHECK_WAIVED);
    cr_assert_eq(completed(.2, .3, true, false, NULL), CHECK_REPORTED);
}

Test(suite, a_waiver_covers_its_own_check_only_and_nothing_that_could_not_run)
{
    cr_assert_eq(completed(.2, .3, true, true, "sis.size@0.5"), CHECK_FAIL);
    cr_assert_eq(completed(.6, .7, false, true, "accuracy"), CHECK_ERROR);
    cr_assert_eq(completed(NAN, NAN, true, true, "accuracy"), CHECK_ERROR);
    cr_assert_eq(completed(.6, .7, true, true, "accuracy"), CHECK_PASS);
    cr_assert_eq(completed(.2, .3, true, false, "accuracy"), CHECK_REPORTED);
}
