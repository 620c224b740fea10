/* What the page of the study keeps of the steps that were run: it stands on the page where their files are gone. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tests/page_fixture.h"
#include "tests/study_fixture.h"
#include "tools/study_page/sections.h"
#include "tools/study_page/sis_summary.h"

TestSuite(study_record, .init = fixture_set_up, .fini = fixture_clean_up);

static const char record[] = "docs/results/record/resnet20_1.json";

/* The one training, by `command`. */
static void put_step(const char *state, const char *command)
{
    char *steps =
        mem_format("{\"step\":\"resnet20_1\",\"section\":1,\"state\":\"%s\",\"command\":[\"%s\"]}", state, command);
    study_put_steps(steps);
    free(steps);
}

static void put_training(int correct)
{
    char *text = mem_format("{\"schema\":\"marginalia.run/1\",\"status\":\"finished\",\"results\":{\"final\":{"
                            "\"sha256\":\"abc\",\"test_correct\":%d,\"test_images\":100}}}",
                            correct);
    fixture_text("out/resnet20_1/manifest.json", text);
    free(text);
}

/* It was run, its page was made, and OUT is as empty as on another machine. */
static void put_on_record(void)
{
    struct err err;
    put_step("done", "bin/train --seed 1");
    put_training(90);
    fixture_text("out/resnet20_1.seconds", "41.5\n");
    fixture_text("out/resnet20_1.machine", "processor: EPYC\n");
    cr_assert(study_make(&err), "%s", err.text);
    cr_assert_eq(remove(fixture_path("out/resnet20_1/manifest.json")), 0);
    cr_assert_eq(remove(fixture_path("out/resnet20_1.seconds")), 0);
    cr_assert_eq(remove(fixture_path("out/resnet20_1.machine")), 0);
}

static void expect_refused(const char *part)
{
    struct err err;
    cr_assert(!study_make(&err), "it was accepted");
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert(strstr(err.text, part), "\"%s\" lacks \"%s\"", err.text, part);
    cr_assert(!strchr(err.text, '\n'));
}

Test(study_record, a_step_that_was_run_elsewhere_stands_on_the_page)
{
    put_on_record();
    char *page = study_page_text(), *commands = study_read_text("docs/results/commands.md");
    static const char *const state[] = { "missing", "interrupted", "failed", "taken" };
    for (int i = 0; i < 4; i++) {
        struct err err;
        put_step(state[i], "bin/train --seed 1");
        cr_assert(study_make(&err), "%s", err.text);
        char *again = study_page_text(), *commands_again = study_read_text("docs/results/commands.md");
        cr_assert_str_eq(again, page);
        cr_assert_str_eq(commands_again, commands);
        free(again);
        free(commands_again);
    }
    cr_assert(strstr(page, "| ResNet-20 | 1 of 5 | 100 | 90% ("));
    cr_assert(strstr(commands, "**resnet20_1**: 42 s; EPYC\n"));
    free(page);
    free(commands);
}

Test(study_record, other_commands_are_another_step)
{
    put_on_record();
    put_step("missing", "bin/train --seed 1 --epochs 200");
    study_expect((const char *const[]){ "**0 of 1 steps of the study are run**", NULL });
    study_expect_none("90% (");
}

Test(study_record, a_step_that_is_run_anew_is_put_on_record_anew)
{
    put_on_record();
    put_step("done", "bin/train --seed 1");
    put_training(80);
    study_expect((const char *const[]){ "| ResNet-20 | 1 of 5 | 100 | 80% (", NULL });
    put_step("missing", "bin/train --seed 1");
    study_expect((const char *const[]){ "| ResNet-20 | 1 of 5 | 100 | 80% (", NULL });
}

Test(study_record, a_record_that_is_torn_foreign_or_poor_is_refused)
{
    put_on_record();
    put_step("missing", "bin/train --seed 1");
    fixture_text(record, "{\"schema\":\"marginalia.study.record/1\",");
    expect_refused("results/record/resnet20_1.json:1: ");
    fixture_text(record, "{\"schema\":\"somebody.elses/3\"}");
    expect_refused("results/record/resnet20_1.json: schema: ");
    fixture_text(record, "{\"schema\":\"marginalia.study.record/1\",\"command\":[\"bin/train --seed 1\"]}");
    expect_refused("results/record/resnet20_1.json: files: ");
    fixture_text(record,
                 "{\"schema\":\"marginalia.study.record/1\",\"command\":[\"bin/train --seed 1\"],\"files\":{}}");
    expect_refused("results/record/resnet20_1.json: manifest.json: it is not on record");
    fixture_text(record, "{\"schema\":\"marginalia.study.record/1\",\"command\":[\"bin/train --seed 1\"],\"files\":{"
                         "\"manifest.json\":\"a text\"}}");
    expect_refused("results/record/resnet20_1.json: manifest.json: schema: ");
}

Test(study_record, lists_of_pictures_and_prose_are_left_out)
{
    json_t *report = json_loads("{\"means\":\"much\",\"found\":\"little\",\"suspects\":[1,2,3],\"checks\":[{\"asks\":"
                                "\"a\",\"few\":[1,2],\"details\":{\"act\":\"b\",\"many\":[]}}]}",
                                0, NULL),
           *details = json_object_get(json_array_get(json_object_get(report, "checks"), 0), "details"),
           *many = json_object_get(details, "many");
    for (int i = 0; i <= RUNS_LONGEST_LIST; i++)
        json_array_append_new(many, json_integer(i));
    runs_short(report);
    char *text = json_dumps(report, JSON_COMPACT);
    cr_assert_str_eq(text, "{\"found\":\"little\",\"suspects\":3,\"checks\":[{\"few\":[1,2],\"details\":{}}]}");
    free(text);
    json_decref(report);
}

/* --- networks ----------------------------------------------------------------------------------------------------- */

/* The network's own accuracy, by a report that says whose weights it looked at. */
static void put_shown(const char *path, const char *key, const char *weights)
{
    char *text = mem_format("{\"schema\":\"marginalia-report\",\"checks\":[{\"id\":\"accuracy\",\"kind\":\"accuracy\","
                            "\"value\":0.9,\"low\":0.8,\"high\":0.95,\"n\":100}],\"provenance\":{\"weights\":{"
                            "\"path\":\"%s\",\"%s\":\"%s\"}}}",
                            path, key, weights);
    fixture_text("out/own_resnet20_1/best_5/report.json", text);
    fixture_text("out/own_resnet20_1/best_10/report.json", text);
    free(text);
}

Test(study_record, results_of_a_network_that_was_trained_anew_since_are_named_first)
{
    static const char named[] = "* Not of the networks that stand beside them, but of others with the same seeds (";
    study_put_steps("{\"step\":\"resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"own_resnet20_1\",\"section\":3,\"state\":\"done\",\"command\":[]}");
    put_training(90);
    put_shown("a/resnet20_1/final.weights", "sha256", "abc");
    study_expect((const char *const[]){ "| plain 1 | 5 % | ", NULL });
    study_expect_none(named);
    put_shown("a/resnet20_1/final.weights", "sha256", "abd");
    study_expect((const char *const[]){ named, ": `own_resnet20_1` (resnet20_1). ", NULL });
    put_shown("../resnet20_1/", "weights_sha256", "abd");
    study_expect((const char *const[]){ named, NULL });
    put_shown("resnet20_1", "weights_sha256", "abc");
    study_expect((const char *const[]){ "| plain 1 | 5 % | ", NULL });
    study_expect_none(named);
    put_shown("a/resnet20_1", "sha256", "abd"); /* not of weights */
    study_expect((const char *const[]){ "| plain 1 | 5 % | ", NULL });
    study_expect_none(named);
}

/* --- the summary of a search -------------------------------------------------------------------------------------- */

enum { PARTS = 3 };

/* Right answers by 4 and 8 pixels, and a wrong one that never gets to 0.9. */
static struct sis_summary summary(void)
{
    struct sis_record records[PARTS] = { study_record(0, true, 0, 4, 0.95), study_record(1, true, 11 * SIDE, 8, 0.95),
                                         study_record(2, false, 0, 4, 0.6) };
    return study_summary(records, PARTS);
}

static void expect_same(const struct estimate *a, const struct estimate *b)
{
    const double *x[] = { &a->value, &a->low, &a->high }, *y[] = { &b->value, &b->low, &b->high };
    cr_assert_eq(a->n, b->n);
    for (int i = 0; i < 3; i++)
        cr_assert(*x[i] == *y[i] || (isnan(*x[i]) && isnan(*y[i])), "%g for %g", *y[i], *x[i]);
}

Test(study_record, a_summary_comes_back_as_it_was)
{
    struct sis_summary s = summary(), back;
    struct err err;
    json_t *object = sis_summary_json(&s);
    cr_assert(json_save(object, fixture_path("summary.json"), &err), "%s", err.text);
    json_decref(object);
    cr_assert(json_open(fixture_path("summary.json"), 1 << 20, &object, &err), "%s", err.text);
    cr_assert(sis_summary_parse(object, "summary", &back, &err), "%s", err.text);
    cr_assert_eq(back.n, PARTS);
    cr_assert_eq(back.h, SIDE);
    cr_assert_eq(back.w, SIDE);
    cr_assert_str_eq(back.method, s.method);
    cr_assert_eq(back.n_thresholds, 2);
    for (int t = 0; t < 2; t++) {
        cr_assert_eq(back.threshold[t], s.threshold[t]);
        for (int g = 0; g < GROUPS; g++) {
            expect_same(&s.sizes[t][g].reached, &back.sizes[t][g].reached);
            expect_same(&s.sizes[t][g].mean, &back.sizes[t][g].mean);
            expect_same(&s.sizes[t][g].median, &back.sizes[t][g].median);
        }
    }
    cr_assert_eq(back.sizes[1][GROUP_RIGHT].mean.value, 6);
    cr_assert_eq(back.sizes[1][GROUP_WRONG].mean.n, 0, "there is none");
    cr_assert_eq(back.where, 0.9);
    cr_assert_eq(back.n_where, 2);
    for (int r = 0; r < REGIONS; r++) {
        cr_assert_eq(back.area[r], s.area[r]);
        expect_same(&s.share[r], &back.share[r]);
    }
    for (int i = 0; i < PIXELS; i++)
        cr_assert_eq(back.heat[i], s.heat[i], "pixel %d", i);
    cr_assert_eq(back.heat[0], 0.5);
    json_decref(object);
    sis_summary_free(&s);
    sis_summary_free(&back);
}

/* The value at the end of a path "places/heat/0", replaced. Takes it. */
static void replace(json_t *object, const char *path, json_t *with)
{
    const char *slash;
    while ((slash = strchr(path, '/'))) {
        char *key = mem_format("%.*s", (int)(slash - path), path);
        object = json_is_array(object) ? json_array_get(object, strtoul(key, NULL, 10)) : json_object_get(object, key);
        cr_assert_not_null(object, "no %s", key);
        free(key);
        path = slash + 1;
    }
    if (json_is_array(object))
        json_array_set_new(object, strtoul(path, NULL, 10), with);
    else
        json_object_set_new(object, path, with);
}

Test(study_record, a_summary_that_is_none_is_refused)
{
    static const struct {
        const char *path, *value, *part;
    } bad[] = {
        { "height", "0", "height and width" },
        { "height", "100000000", "height and width" },
        { "width", "4294967297", "height and width" },
        { "height", "13", "places.heat" },
        { "thresholds", "[]", "thresholds" },
        { "thresholds", "7", "thresholds" },
        { "thresholds/0/right", "7", "estimate" },
        { "thresholds/1/wrong/mean", "\"many\"", "estimate" },
        { "thresholds/1/right/mean/value", "\"many\"", "is not a number" },
        { "places", "7", "places" },
        { "places/n", "4", "places.n" },
        { "places/n", "-1", "places.n" },
        { "places/lower/area", "0", "places" },
        { "places/heat/0", "7", "places.heat" },
        { "places/heat/0", "\"1 1\"", "places.heat" },
        { "places/heat/0", "\"3 0 0 0 0 0 0 0 0 0 0 0\"", "places.heat" },
        { "places/heat/0", "\"0 0 0 0 0 0 0 0 0 0 0 0 0\"", "places.heat" },
        { "places/heat/0", "\"0 0 0 0 -1 0 0 0 0 0 0 0\"", "places.heat" },
    };
    struct sis_summary s = summary();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sis_summary back;
        struct err err;
        json_t *object = sis_summary_json(&s);
        replace(object, bad[i].path, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
        cr_assert(!sis_summary_parse(object, "x/STEP.json", &back, &err), "%s = %s", bad[i].path, bad[i].value);
        cr_assert(strncmp(err.text, "x/STEP.json: ", 13) == 0 && strstr(err.text, bad[i].part), "%s = %s: %s",
                  bad[i].path, bad[i].value, err.text);
        json_decref(object);
    }
    sis_summary_free(&s);
}
