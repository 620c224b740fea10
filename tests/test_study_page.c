/* The page of the study: from results made by hand, whose numbers can be computed in the head. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tests/markup.h"
#include "tests/study_fixture.h"
#include "tools/study_page/sections.h"

TestSuite(study_page, .init = fixture_set_up, .fini = fixture_clean_up);

static void put_steps(const char *steps)
{
    char *text = mem_format("{\"schema\":\"marginalia.study/1\",\"tiny\":false,\"steps\":[%s]}", steps);
    fixture_text("out/steps.json", text);
    free(text);
}

static void put_training(const char *step, int correct, int images)
{
    char *name = mem_format("out/%s/manifest.json", step);
    char *text = mem_format("{\"schema\":\"marginalia.run/1\",\"status\":\"finished\",\"results\":{\"final\":{"
                            "\"test_correct\":%d,\"test_images\":%d}}}",
                            correct, images);
    fixture_text(name, text);
    free(name);
    free(text);
}

static void put_report(const char *name, double right)
{
    char *text = mem_format("{\"schema\":\"marginalia-report\",\"version\":1,\"checks\":[{\"id\":\"accuracy\",\"kind\":"
                            "\"accuracy\",\"unit\":\"share\",\"value\":%g,\"low\":%g,\"high\":%g,\"n\":100}]}",
                            right, right - 0.01, right + 0.01);
    fixture_text(name, text);
    free(text);
}

static const char three_seeds[] =
    "{\"step\":\"resnet20_1\",\"section\":1,\"state\":\"done\",\"minutes\":1,\"command\":[\"bin/train --seed 1\"]},"
    "{\"step\":\"resnet20_2\",\"section\":1,\"state\":\"done\",\"minutes\":1,\"command\":[\"bin/train --seed 2\"]},"
    "{\"step\":\"resnet20_3\",\"section\":1,\"state\":\"failed\",\"minutes\":1,\"command\":[\"bin/train --seed 3\"]}";

static void put_three_seeds(void)
{
    put_steps(three_seeds);
    put_training("resnet20_1", 90, 100);
    put_training("resnet20_2", 94, 100);
    put_training("resnet20_3", 10, 100);
    fixture_text("out/resnet20_1.seconds", "41.5\n");
    fixture_text("out/resnet20_1.machine", "processor: EPYC <7>\nthreads: 1\nrevision: 40c\n");
}

static bool make(struct err *err)
{
    char *out = mem_string(fixture_path("out")), *docs = mem_string(fixture_path("docs"));
    bool ok = file_make_directories(docs, err) && study_page(out, docs, err);
    free(out);
    free(docs);
    return ok;
}

/* With every blank an ordinary one; free() it. */
static char *read_text(const char *name)
{
    char *text;
    size_t n;
    struct err err;
    cr_assert(file_read(fixture_path(name), 1 << 20, &text, &n, &err), "%s", err.text);
    for (char *blank; (blank = strstr(text, "\u00a0")); memmove(blank + 1, blank + 2, strlen(blank + 2) + 1))
        *blank = ' ';
    return text;
}

static char *page(void)
{
    return read_text("docs/results.md");
}

/* The file that is made has all of these texts; NULL ends them. */
static void expect_in(const char *name, const char *const *part)
{
    struct err err;
    cr_assert(make(&err), "%s", err.text);
    char *text = read_text(name);
    for (; *part; part++)
        cr_assert(strstr(text, *part), "%s lacks \"%s\":\n%s", name, *part, text);
    free(text);
}

static void expect(const char *const *part)
{
    expect_in("docs/results.md", part);
}

static const char commands[] = "docs/results/commands.md";

/* The page that was made does not have it. */
static void expect_none(const char *part)
{
    char *text = page();
    cr_assert(!strstr(text, part), "the page has \"%s\":\n%s", part, text);
    free(text);
}

Test(study_page, seeds_stand_beside_their_mean_and_range)
{
    put_three_seeds();
    expect((const char *const[]){
        "| ResNet-20 | 1, 2 of 5 | 100 | 90% (83% to 94%); 94% (88% to 97%) | 92% (90% to 94%) |", NULL });
}

Test(study_page, a_seed_alone_is_named)
{
    put_steps("{\"step\":\"resnet20_3\",\"section\":1,\"state\":\"done\",\"command\":[]}");
    put_training("resnet20_3", 90, 100);
    expect((const char *const[]){ "| ResNet-20 | 3 of 5 | 100 | 90% (83% to 94%) |  |", NULL });
}

Test(study_page, what_was_not_run_says_so_with_its_command)
{
    put_three_seeds();
    expect_in(commands, (const char *const[]){ "\n2 of 3 are run", "## Section 1\n\n2 of 3 steps are run.\n",
                                               "\nNot run: `resnet20_3` (failed).\n",
                                               "\n**resnet20_3**: not run (failed); about 60 s\n",
                                               "\n    bin/train --seed 3\n", NULL });
    expect((const char *const[]){ "**2 of 3 steps of the study are run** ([which](results/commands.md))", NULL });
    expect_none("10% ("); /* the result of a step that failed */
    expect_none("resnet20_3");
}

Test(study_page, rows_of_nothing_become_one_line)
{
    put_three_seeds();
    expect((const char *const[]){ "\n\nNot run yet: Input dropout, keep 0.8; Input dropout in the test, too, 1 draw; ",
                                  NULL });
    expect_none("| Ensemble of 3 |");
    expect_none("not run");
}

Test(study_page, a_section_of_nothing_says_what_it_will_show)
{
    put_steps("{\"step\":\"resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]},"
              "{\"step\":\"retrain\",\"section\":4,\"state\":\"missing\",\"command\":[]},"
              "{\"step\":\"subset_random_1\",\"section\":4,\"state\":\"missing\",\"command\":[]},"
              "{\"step\":\"bench\",\"section\":8,\"state\":\"missing\",\"command\":[]}");
    put_training("resnet20_1", 90, 100);
    expect((const char *const[]){
        "\n## 4. New models, trained on small parts\n\nNone of its [2 steps](results/commands.md#section-4) is run "
        "yet. "
        "They will show how well new networks learn",
        "\n## 8. Speed\n\nIts [1 step](results/commands.md#section-8) is not run yet. It will show how fast", NULL });
    expect_none("Nothing yet of: trainings on small parts");
}

Test(study_page, tables_of_nothing_in_a_section_with_results_are_named)
{
    put_steps("{\"step\":\"subset_random_1\",\"section\":4,\"state\":\"done\",\"command\":[]}");
    put_training("subset_random_1", 30, 100);
    expect(
        (const char *const[]){ "\nHow well new networks learn", "| 5 % random | 1 of 3 | 100 | 30% (",
                               "\nNothing yet of: masks that are cross-fitted or exchanged; tests without colours or "
                               "order.\n",
                               NULL });
}

Test(study_page, blocks_are_one_empty_line_apart)
{
    put_three_seeds();
    fixture_text("docs/results_notes.md", "# first\n\n\nA word.\n\n\n# 1\n\nAnother.\n\n");
    expect((const char *const[]){ "differs\n\nA word.\n\n## 1", "whole.\n\nAnother.\n\n| Model", NULL });
    expect_none("\n\n\n");
    char *text = read_text(commands);
    cr_assert(!strstr(text, "\n\n\n"));
    free(text);
}

static void put_shuffled(int correct)
{
    put_steps("{\"step\":\"subset_ranked_2\",\"section\":4,\"state\":\"done\",\"command\":[]},"
              "{\"step\":\"subset_shuffled_2\",\"section\":4,\"state\":\"done\",\"command\":[]}");
    put_training("subset_ranked_2", 60, 100);
    put_training("subset_shuffled_2", correct, 100);
}

Test(study_page, colours_that_teach_as_much_without_order_are_named_first)
{
    put_shuffled(58);
    expect((const char *const[]){
        "* Section 4: with their colours dealt out anew among their places, the ranked pixels teach as much (58.0%) as "
        "in order (60.0%)",
        "| 5 % ranked, colours dealt out anew among the places | 2 of 3 | 100 | 58% (48% to 67%) |", NULL });
    put_shuffled(40);
    expect((const char *const[]){ "| 40% (", NULL });
    expect_none("* Section 4:");
}

/* --- how it is made again ----------------------------------------------------------------------------------------- */

static void put_search_steps(const char *third_state)
{
    char *steps = mem_format("{\"step\":\"sis_a_1_margin\",\"section\":1,\"state\":\"done\",\"command\":[]},"
                             "{\"step\":\"sis_a_2_margin\",\"section\":1,\"state\":\"done\",\"command\":[]},"
                             "{\"step\":\"sis_b_margin\",\"section\":1,\"state\":\"%s\",\"command\":[]},"
                             "{\"step\":\"sis_b_exact\",\"section\":1,\"state\":\"done\",\"command\":[]},"
                             "{\"step\":\"sis_a_1_k1\",\"section\":2,\"state\":\"missing\",\"command\":[]}",
                             third_state);
    put_steps(steps);
    free(steps);
}

Test(study_page, steps_that_were_run_have_short_names)
{
    put_search_steps("done");
    expect((const char *const[]){ "`tools/reproduce --data DIR 'sis_*_margin' sis_b_exact`", NULL });
}

Test(study_page, a_pattern_names_no_step_that_was_not_run)
{
    put_search_steps("missing");
    expect((const char *const[]){ "`tools/reproduce --data DIR 'sis_a_[12]_margin' sis_b_exact`", NULL });
}

Test(study_page, a_drawing_without_anything_of_its_own_is_left_out)
{
    put_three_seeds();
    expect((const char *const[]){ "](results/accuracy.svg)", NULL });
    char *text = page();
    cr_assert(!strstr(text, "results/retraining.svg"), "whole pictures alone");
    cr_assert(!strstr(text, "results/changes.svg"), "rows of nothing");
    free(text);
}

Test(study_page, a_step_stands_with_its_time_and_machine)
{
    put_three_seeds();
    expect_in(commands, (const char *const[]){ "\n**resnet20_1**: 42 s; EPYC \\<7\\>, threads 1, revision 40c\n",
                                               "\n\n    bin/train --seed 1\n", NULL });
}

Test(study_page, what_people_wrote_stands_where_they_want_it)
{
    put_three_seeds();
    fixture_text("docs/results_notes.md", "About this file.\n# first\nA word *first*.\n# 7\nKnown before.\n");
    expect((const char *const[]){ "what differs\n\nA word *first*.\n", "is clean.\n\nKnown before.\n", NULL });
    fixture_text("docs/results_notes.md", "# 9\n");
    struct err err;
    cr_assert(!make(&err));
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert(strstr(err.text, "results_notes.md:1: no such section"), "%s", err.text);
}

Test(study_page, two_programs_that_disagree_are_named_first)
{
    char *steps =
        mem_format("%s,{\"step\":\"shown_resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]}", three_seeds);
    put_three_seeds();
    put_steps(steps);
    put_report("out/shown_resnet20_1/whole/report.json", 0.8);
    for (int i = 0; i < 2; i++) {
        static const char *const view[] = { "random_5", "random_10" };
        char *name = mem_format("out/shown_resnet20_1/%s/report.json", view[i]);
        put_report(name, 0.1);
        free(name);
    }
    static const char *const views[] = { "border_1",  "border_2",  "border_4",  "ring_4_4",
                                         "center_12", "center_23", "center_44", "center_31" };
    for (int i = 0; i < 8; i++) {
        char *name = mem_format("out/shown_resnet20_1/%s/report.json", views[i]);
        put_report(name, 0.2);
        free(name);
    }
    expect((const char *const[]){ "`resnet20_1`: `train` counted 90.0% right, `validate` 80.0%", NULL });
    free(steps);
}

/* --- input that is not what it should be -------------------------------------------------------------------------- */

/* The page is not made, for this reason, and the old one is as it was. */
static void expect_refused(const char *part)
{
    struct err err;
    fixture_text("docs/results.md", "the old page\n");
    cr_assert(!make(&err), "it was accepted");
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert(strstr(err.text, part), "\"%s\" lacks \"%s\"", err.text, part);
    cr_assert(!strchr(err.text, '\n'));
    char *text = page();
    cr_assert_str_eq(text, "the old page\n");
    free(text);
    cr_assert(!file_exists(fixture_path("docs/results")));
}

Test(study_page, a_study_without_steps_is_refused)
{
    expect_refused("out/steps.json: ");
}

Test(study_page, results_that_are_missing_torn_or_foreign_are_refused)
{
    put_three_seeds();
    fixture_text("out/resnet20_2/manifest.json", "{\"schema\":\"marginalia.run/1\",");
    expect_refused("out/resnet20_2/manifest.json:1: ");
    fixture_text("out/resnet20_2/manifest.json", "{\"schema\":\"somebody.elses/3\"}");
    expect_refused("out/resnet20_2/manifest.json: schema: it is \"somebody.elses/3\"");
    fixture_text("out/resnet20_2/manifest.json", "[]");
    expect_refused("out/resnet20_2/manifest.json: schema: ");
    put_training("resnet20_2", 101, 100);
    expect_refused("results.final: test_correct of test_images is not a count");
    cr_assert_eq(unlink(fixture_path("out/resnet20_2/manifest.json")), 0);
    expect_refused("out/resnet20_2/manifest.json: ");
}

Test(study_page, nothing_is_written_before_everything_was_read)
{
    put_steps("{\"step\":\"bench\",\"section\":8,\"state\":\"done\",\"command\":[]}");
    expect_refused("out/bench/table.txt: ");
}

Test(study_page, a_step_that_is_none_is_refused)
{
    static const char *const bad[] = {
        "{\"step\":\"../etc\",\"section\":1,\"state\":\"done\",\"command\":[]}",
        "{\"step\":\"..\",\"section\":1,\"state\":\"done\",\"command\":[]}",
        "{\"step\":\"\",\"section\":1,\"state\":\"done\",\"command\":[]}",
        "{\"step\":\"a/b\",\"section\":1,\"state\":\"done\",\"command\":[]}",
        "{\"step\":\"a\",\"section\":9,\"state\":\"done\",\"command\":[]}",
        "{\"step\":\"a\",\"section\":4294967297,\"state\":\"done\",\"command\":[]}",
        "{\"step\":\"a\",\"section\":1,\"state\":\"<b>\",\"command\":[]}",
        "{\"step\":\"a\",\"section\":1,\"state\":\"done\",\"command\":[1]}",
        "{\"step\":\"a\",\"section\":1,\"state\":\"done\"}",
        "7",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_steps(bad[i]);
        expect_refused("steps.json: steps[0]: ");
    }
}

Test(study_page, a_command_cannot_leave_its_block)
{
    put_steps("{\"step\":\"bench\",\"section\":8,\"state\":\"missing\",\"command\":[\"a\\n# forged\\n</details>\"]}");
    expect_in(commands, (const char *const[]){ "\n    a # forged </details>\n", NULL });
}

/* --- findings ----------------------------------------------------------------------------------------------------- */

static void put_power(double clean, double weak, double strong)
{
    char *text =
        mem_format("{\"schema\":\"marginalia.power/1\",\"strength_is\":\"share coded\",\"sets\":200,\"strengths\":["
                   "{\"strength\":0,\"fail_share\":{\"value\":%g,\"low\":%g,\"high\":1,\"n\":200}},"
                   "{\"strength\":0.25,\"fail_share\":{\"value\":%g,\"low\":0,\"high\":1,\"n\":200}},"
                   "{\"strength\":0.5,\"fail_share\":{\"value\":%g,\"low\":0,\"high\":1,\"n\":200}}]}",
                   clean, clean / 2, weak, strong);
    put_steps("{\"step\":\"power_sis.size\",\"section\":7,\"state\":\"done\",\"command\":[]}");
    fixture_text("out/power_sis.size/table.json", text);
    fixture_text("out/power_sis.size/table.txt", "as it was\n  printed <b>\n");
    free(text);
}

Test(study_page, a_check_that_finds_its_plants_stands_with_its_curve)
{
    put_power(0, 0.9, 1);
    expect((const char *const[]){ "| sis.size | share coded | 200 | 0% (0% to 100%) | 100% (0% to 100%) | 0.25 |",
                                  "](results/power_1.svg)", "    as it was\n      printed <b>\n", NULL });
    cr_assert(file_exists(fixture_path("docs/results/power_1.svg")));
    char *text = page();
    cr_assert(!strstr(text, "* Section 7:"));
    free(text);
}

Test(study_page, a_check_with_false_alarms_or_blind_is_named_first)
{
    put_power(0.2, 0.3, 0.4);
    expect((const char *const[]){ "* Section 7: `sis.size` accuses 20%",
                                  "* Section 7: `sis.size` finds the strongest "
                                  "plant in 40%",
                                  "| none |", NULL });
}

static void put_transfer(double own)
{
    static const char *const view[] = { "whole",    "random_5",  "random_10", "border_1",  "border_2", "border_4",
                                        "ring_4_4", "center_12", "center_23", "center_44", "center_31" };
    put_steps("{\"step\":\"shown_resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]},"
              "{\"step\":\"own_resnet20_1\",\"section\":3,\"state\":\"done\",\"command\":[]},"
              "{\"step\":\"transfer_5_resnet20_1\",\"section\":3,\"state\":\"done\",\"command\":[]}");
    for (size_t i = 0; i < sizeof view / sizeof *view; i++) {
        char *name = mem_format("out/shown_resnet20_1/%s/report.json", view[i]);
        put_report(name, i ? 0.1 : 0.9);
        free(name);
    }
    static const char *const to[] = { "resnet20_2",         "resnet20_3",         "resnet20_dropout_1",
                                      "resnet20_dropout_2", "resnet20_dropout_3", "resnet20_ensemble_3",
                                      "resnet20_ensemble_5" };
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        char *name = mem_format("out/transfer_5_resnet20_1/%s/report.json", to[i]);
        put_report(name, 0.3);
        free(name);
    }
    put_report("out/own_resnet20_1/best_5/report.json", own);
    put_report("out/own_resnet20_1/best_10/report.json", 0.89);
}

Test(study_page, parts_of_a_model_are_told_from_those_of_others)
{
    put_transfer(0.88);
    expect((const char *const[]){
        "| plain 1 | 5 % | 100 | 90% (89% to 91%) | 88% (87% to 89%) | \u2013 | \u2013 | 10% (9% to 11%) |",
        "| plain 2 | 5 % |  | \u2013 | \u2013 | 30% (29% to 31%) | \u2013 | \u2013 |",
        "| Chosen by \\\\ shown to | plain 1 | plain 2 | plain 3 | dropout 1 | dropout 2 | dropout 3 | ensemble 3 | "
        "ensemble 5 |\n|---|---|---|---|---|---|---|---|---|\n| plain 1 | 88% (87% to 89%) | 30% (29% to 31%) |",
        "](results/transfer_5.svg)", NULL });
    expect_none("* Section 3:");
    expect_none("| plain 2 | 10 % |"); /* nothing is known */
    expect_none("| ensemble 3 | 10 % |");
    expect_none("### Parts of 10 %"); /* its own part alone is no matrix */
    expect_none("\n| dropout 1 | \u2013 |");
    put_transfer(0.5);
    expect((const char *const[]){
        "* Section 3: on the 5 % that they chose themselves, models are right less often than on "
        "whole pictures: plain 1 50.0% against 90.0%",
        NULL });
}

enum { PARTS = 4 };

enum whole { WHOLE_NONE, WHOLE_RIGHT, WHOLE_WRONG };

/* A finished search of four pictures whose parts are 12 pixels from `first` on. All are right; unless `whole` says that
 * right or wrong ones need the whole picture: then two of them are wrong. */
static void put_search(const char *step, enum sis_rank rank, int first, enum whole whole)
{
    char model[] = "model", data[] = "data", split[] = "test", target[] = "predicted", baseline[] = "mean";
    struct sis_record record[PARTS];
    int64_t image[PARTS];
    for (int i = 0; i < PARTS; i++) {
        bool right = whole == WHOLE_NONE || i % 2;
        record[i] = study_record(image[i] = i, right, first, 12, 0.95);
        if (whole == (right ? WHOLE_RIGHT : WHOLE_WRONG))
            record[i].order.value[1] = record[i].order.value[2];
        for (int k = 0; k < record[i].order.states && rank == SIS_MARGIN; k++)
            record[i].order.value[k] *= 10; /* 9 and more are beyond log(0.9 / 0.1), 1 is not */
    }
    struct sis_records r = { .n = PARTS, .record = record };
    r.identity = (struct sis_identity){ .model = model,
                                        .data = data,
                                        .split = split,
                                        .h = SIDE,
                                        .w = SIDE,
                                        .k = 10,
                                        .settings = { SIS_GRADIENT, rank, 8, 1 },
                                        .target = target,
                                        .baseline = baseline,
                                        .n_thresholds = 1,
                                        .threshold = { 0.9 },
                                        .n_images = PARTS,
                                        .shard = 1,
                                        .shards = 1 };
    char *hash[] = { r.identity.weights, r.identity.cfg, r.identity.data_hash };
    for (int i = 0; i < 3; i++)
        memset(hash[i], 'a', SHA256_HEX - 1);
    sis_images_hash(image, PARTS, r.identity.images);
    struct err err;
    char *path = mem_format("%s/%s", fixture_path("out"), step);
    cr_assert(file_make_directories(path, &err) && sis_records_write(path, &r, &err), "%s", err.text);
    free(path);
    for (int i = 0; i < PARTS; i++)
        sis_record_free(&record[i]);
}

static void put_rankings(int margin, int probability)
{
    put_steps("{\"step\":\"sis_resnet20_1_margin\",\"section\":2,\"state\":\"done\",\"command\":[]},"
              "{\"step\":\"sis_resnet20_1_probability\",\"section\":2,\"state\":\"done\",\"command\":[]}");
    put_search("sis_resnet20_1_margin", SIS_MARGIN, margin, WHOLE_NONE);
    put_search("sis_resnet20_1_probability", SIS_PROBABILITY, probability, WHOLE_NONE);
}

static void put_sizes(enum whole whole)
{
    put_steps("{\"step\":\"sis_resnet20_1_exact\",\"section\":2,\"state\":\"done\",\"command\":[]}");
    put_search("sis_resnet20_1_exact", SIS_MARGIN, 0, whole);
}

enum { UPPER_ROW = 0, MIDDLE_ROW = 5 * SIDE, LOWER_ROW = 11 * SIDE };

Test(study_page, parts_at_the_lower_border_by_one_ranking_alone_are_named_first)
{
    put_rankings(MIDDLE_ROW, LOWER_ROW);
    expect(
        (const char *const[]){ "* Section 2: parts gather in the lower 4 rows when ranked by probability, and do not "
                               "when ranked by margin",
                               "](results/places_resnet20_1_margin.svg)",
                               "| ResNet-20, seed 1 | gradient, 8 pixels a "
                               "step, ranked by margin | 0.9 | right | 4 | 100% (51% to 100%) | 12.0 | 12.0 |",
                               NULL });
    expect_none("| 0.9 | wrong |"); /* there are none */
}

Test(study_page, rankings_that_find_the_same_parts_are_named_first)
{
    put_rankings(LOWER_ROW, LOWER_ROW);
    expect((const char *const[]){ "* Section 2: both rankings find the same parts", NULL });
}

Test(study_page, parts_that_lie_elsewhere_are_named_first)
{
    put_rankings(MIDDLE_ROW, UPPER_ROW);
    expect(
        (const char *const[]){ "* Section 2: ranked by probability, parts do not gather in the lower 4 rows", NULL });
}

Test(study_page, parts_at_the_lower_border_by_both_rankings_are_as_expected)
{
    put_rankings(LOWER_ROW, LOWER_ROW - SIDE);
    expect((const char *const[]){ "Found: parts gather in the lower 4 rows by both rankings", NULL });
    char *text = page();
    cr_assert(!strstr(text, "* Section 2:"));
    free(text);
}

Test(study_page, a_view_that_no_command_names_was_not_asked)
{
    put_steps(
        "{\"step\":\"shown_resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[\"bin/validate model m --out "
        "o/shown_resnet20_1/whole "
        "--quiet\"]},{\"step\":\"own_resnet20_1\",\"section\":3,\"state\":\"done\",\"command\":"
        "[\"bin/validate model m --out o/own_resnet20_1/best_5\",\"bin/validate model m --out "
        "o/own_resnet20_1/best_10\"]}");
    put_report("out/shown_resnet20_1/whole/report.json", 0.9);
    put_report("out/own_resnet20_1/best_5/report.json", 0.5);
    put_report("out/own_resnet20_1/best_10/report.json", 0.6);
    expect((const char *const[]){
        "| plain 1 | 5 % | 100 | 90% (89% to 91%) | 50% (49% to 51%) | \u2013 | \u2013 | not asked |", NULL });
}

Test(study_page, larger_parts_of_wrong_answers_are_named_first)
{
    put_sizes(WHOLE_WRONG);
    expect((const char *const[]){ "* Section 2: in 1 of 1 searches there are thresholds at which the parts of right "
                                  "answers are on average not larger than those of wrong ones, in 1 of them beyond the "
                                  "intervals.",
                                  "ResNet-20, seed 1, exact by margin (1 of 1).", "In 0 of 1 searches", NULL });
    put_sizes(WHOLE_RIGHT);
    expect((const char *const[]){ "In 1 of 1 searches", "| 0.9 | wrong | 2 |", NULL });
    expect_none("* Section 2:");
}

/* --- drawings ----------------------------------------------------------------------------------------------------- */

Test(study_page, a_matrix_prints_its_numbers)
{
    static const char *const name[] = { "one", "two" };
    const double value[] = { 0.25, 0.5, 1, (double)NAN };
    struct shading s = { .title = "A <matrix>",
                         .description = "Four numbers.",
                         .x_label = "shown to",
                         .y_label = "chosen by",
                         .rows = 2,
                         .columns = 2,
                         .row_name = name,
                         .column_name = name,
                         .unit = UNIT_SHARE,
                         .key = "right",
                         .darkest = 1,
                         .n = 1,
                         .panel = { { NULL, value } } };
    char *svg = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&svg, &n);
    draw_shading(out, &s);
    fclose(out);
    struct markup m = markup_read(svg);
    cr_assert_str_empty(m.problem);
    static const char *const text[] = { "A &lt;matrix&gt;", "Four numbers.", "25.0%",     "50.0%", "100.0%",
                                        "not run",          "shown to",      "chosen by", "right" };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        cr_assert(strstr(svg, text[i]), "the drawing lacks \"%s\"", text[i]);
    cr_assert(!strstr(svg, "nan"));
    cr_assert_eq(markup_count(&m, "rect", "fill", "#082a6b") + markup_count(&m, "rect", "fill", "#08306b"), 2,
                 "the darkest cell and the end of the key");
    markup_free(&m);
    free(svg);
}
