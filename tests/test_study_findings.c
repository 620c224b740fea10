/* What the page of the study finds in the results, and names first. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tests/page_fixture.h"
#include "tests/study_fixture.h"
#include "tools/study_page/sections.h"

TestSuite(study_findings, .init = fixture_set_up, .fini = fixture_clean_up);

static const char *counted = "false"; /* at 0.25; elsewhere it is */

/* The value is the strength, at 0.25 with this standard error. pass: sets of 200 that pass there. */
static void put_power(double clean, double weak, double strong, double limit, double error, int pass)
{
    char *text = mem_format(
        "{\"schema\":\"marginalia.power/1\",\"strength_is\":\"share coded\",\"sets\":200,\"side\":\"at_most\","
        "\"limit\":%g,\"strengths\":["
        "{\"strength\":0,\"counted\":true,\"mean_value\":0,\"mean_value_error\":0,\"pass\":200,\"fail_share\":{"
        "\"value\":%g,\"low\":%g,"
        "\"high\":1}},"
        "{\"strength\":0.25,\"counted\":%s,\"mean_value\":0.25,\"mean_value_error\":%g,\"pass\":%d,\"fail_share\":{"
        "\"value\":%g,"
        "\"low\":%g,\"high\":1}},"
        "{\"strength\":0.5,\"counted\":true,\"mean_value\":0.5,\"mean_value_error\":0,\"pass\":0,\"fail_share\":{"
        "\"value\":%g,\"low\":0,"
        "\"high\":1}}]}",
        limit, clean, clean / 2, counted, error, pass, weak, weak / 2, strong);
    study_put_steps("{\"step\":\"power_sis.size\",\"section\":7,\"state\":\"done\",\"command\":[]}");
    fixture_text("out/power_sis.size/table.json", text);
    fixture_text("out/power_sis.size/table.txt", "as it was\n  printed <b>\n");
    free(text);
}

Test(study_findings, a_check_that_finds_its_plants_stands_with_its_curve)
{
    put_power(0, 0.9, 1, 0.2, 0.01, 2);
    study_expect((const char *const[]){ "| sis.size | share coded | 200 | 0% (0% to 100%) | 0% (0% to 100%), at 0 | "
                                        "1.0% (0.3% to 3.6%), at 0.25 | 100% (0% to 100%) | 0.25 |",
                                        "](results/power_1.svg)", "    as it was\n      printed <b>\n", NULL });
    cr_assert(file_exists(fixture_path("docs/results/power_1.svg")));
    study_expect_none("* Section 7:");
}

Test(study_findings, a_check_with_false_alarms_or_blind_is_named_first)
{
    put_power(0.2, 0.3, 0.4, 0.2, 0.01, 0);
    study_expect((const char *const[]){ "* Section 7: `sis.size` accuses 20%",
                                        "* Section 7: `sis.size` finds the strongest "
                                        "plant in 40%",
                                        "| none |", NULL });
}

Test(study_findings, a_check_whose_verdicts_are_wrong_near_its_limit_is_named_first)
{
    put_power(0, 0.2, 1, 0.3, 0.01, 0);
    study_expect((const char *const[]){
        "* Section 7: `sis.size` accuses, within its limit, 20% (10% to 100%), at 0.25.", NULL });
    study_expect_none("beyond its limit");
    put_power(0, 0.2, 1, 0.2, 0.01, 30);
    study_expect(
        (const char *const[]){ "* Section 7: `sis.size` passes, beyond its limit, 15% (11% to 21%), at 0.25.", NULL });
    study_expect_none("within its limit");
    put_power(0, 0.2, 1, 0.2, 0.02, 30); /* which side it is on is not known */
    study_expect((const char *const[]){ "| sis.size | ", NULL });
    study_expect_none("its limit,");
    put_power(0, 0, 1, 0.3, 0.01, 0); /* no strength is worse: the one next to the limit */
    study_expect((const char *const[]){ " | 0% (0% to 100%), at 0.25 | 0.0% (0.0% to 1.9%), at 0.5 | ", NULL });
    counted = "true";
    put_power(0, 0.2, 1, 0.2, 0, 30);
    study_expect((const char *const[]){ " | counts | counts | ", NULL });
    study_expect_none("its limit,");
}

static void put_transfer(double own)
{
    static const char *const view[] = { "whole",    "random_5",  "random_10", "border_1",  "border_2", "border_4",
                                        "ring_4_4", "center_12", "center_23", "center_44", "center_31" };
    study_put_steps("{\"step\":\"shown_resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"own_resnet20_1\",\"section\":3,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"transfer_5_resnet20_1_to_resnet20\",\"section\":3,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"transfer_5_resnet20_1_to_resnet20_dropout\",\"section\":3,\"state\":\"missing\","
                    "\"command\":[]}");
    for (size_t i = 0; i < sizeof view / sizeof *view; i++) {
        char *name = mem_format("out/shown_resnet20_1/%s/report.json", view[i]);
        study_put_report(name, i ? 0.1 : 0.9);
        free(name);
    }
    study_put_report("out/transfer_5_resnet20_1_to_resnet20/resnet20_2/report.json", 0.3);
    study_put_report("out/transfer_5_resnet20_1_to_resnet20/resnet20_3/report.json", 0.3);
    study_put_report("out/own_resnet20_1/best_5/report.json", own);
    study_put_report("out/own_resnet20_1/best_10/report.json", 0.89);
}

Test(study_findings, parts_of_a_model_are_told_from_those_of_others)
{
    put_transfer(0.88);
    study_expect((const char *const[]){
        "| plain 1 | 5 % | 100 | 90% (89% to 91%) | 88% (87% to 89%) | \u2013 | \u2013 | 10% (9% to 11%) |",
        "| plain 2 | 5 % |  | \u2013 | \u2013 | 30% (29% to 31%) | \u2013 | \u2013 |",
        "| Chosen by \\\\ shown to | plain 1 | plain 2 | plain 3 |\n|---|---|---|---|\n"
        "| plain 1 | 88% (87% to 89%) | 30% (29% to 31%) | 30% (29% to 31%) |\n",
        "](results/transfer_5.svg)", NULL });
    study_expect_none("* Section 3:");
    study_expect_none("| plain 2 | 10 % |");  /* nothing is known */
    study_expect_none("| dropout 1 | 5 % |"); /* its step waits */
    study_expect_none("### Parts of 10 %");   /* its own part alone is no matrix */
    study_expect_none("\n| dropout 1 | \u2013 |");
    put_transfer(0.5);
    study_expect((const char *const[]){
        "* Section 3: on the 5 % that they chose themselves, models are right less often than on "
        "whole pictures: plain 1 50.0% against 90.0%",
        NULL });
}

enum { PARTS = 8 };
static char mean[] = "mean", black[] = "black"; /* in the place of hidden pixels */

enum whole { WHOLE_NONE, WHOLE_RIGHT, WHOLE_WRONG };

/* A finished search of eight pictures whose parts are 12 pixels from `first` on. All are right; unless `whole` says
 * that right or wrong ones need the whole picture: then half of them are wrong. */
static void put_search(const char *step, enum sis_rank rank, int first, enum whole whole, char *baseline)
{
    char model[] = "model", data[] = "data", split[] = "test", target[] = "predicted";
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
    study_put_steps("{\"step\":\"sis_resnet20_1_margin\",\"section\":2,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"sis_resnet20_1_probability\",\"section\":2,\"state\":\"done\",\"command\":[]}");
    put_search("sis_resnet20_1_margin", SIS_MARGIN, margin, WHOLE_NONE, mean);
    put_search("sis_resnet20_1_probability", SIS_PROBABILITY, probability, WHOLE_NONE, mean);
}

static void put_sizes(enum whole whole)
{
    study_put_steps("{\"step\":\"sis_resnet20_1_exact\",\"section\":2,\"state\":\"done\",\"command\":[]}");
    put_search("sis_resnet20_1_exact", SIS_MARGIN, 0, whole, mean);
}

Test(study_findings, what_stands_in_the_place_of_hidden_pixels_is_told_unless_it_is_the_mean)
{
    study_put_steps("{\"step\":\"sis_resnet20_1_margin\",\"section\":2,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"sis_resnet20_1_black\",\"section\":2,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"sis_resnet20_1_noise\",\"section\":2,\"state\":\"missing\",\"command\":[]}");
    put_search("sis_resnet20_1_margin", SIS_MARGIN, 0, WHOLE_NONE, mean);
    put_search("sis_resnet20_1_black", SIS_MARGIN, 0, WHOLE_NONE, black);
    study_expect((const char *const[]){
        "| ResNet-20, seed 1 | gradient, 8 pixels a step, ranked by margin | 0.9 | right |",
        "| ResNet-20, seed 1 | gradient, 8 pixels a step, ranked by margin, hidden ones black | 0.9 | right |",
        "gradient by margin, hidden pixels noise, 1 of 1 models", NULL });
}

enum { UPPER_ROW = 0, MIDDLE_ROW = 5 * SIDE, LOWER_ROW = 11 * SIDE };

Test(study_findings, parts_at_the_lower_border_by_one_ranking_alone_are_named_first)
{
    put_rankings(MIDDLE_ROW, LOWER_ROW);
    study_expect(
        (const char *const[]){ "* Section 2: parts gather in the lower 4 rows when ranked by probability, and do not "
                               "when ranked by margin",
                               "](results/places_resnet20_1_margin.svg)",
                               "| ResNet-20, seed 1 | gradient, 8 pixels a "
                               "step, ranked by margin | 0.9 | right | 8 | 100% (68% to 100%) | 12 (12 to 12) | 12.0 |",
                               NULL });
    study_expect_none("| 0.9 | wrong |"); /* there are none */
}

Test(study_findings, rankings_that_find_the_same_parts_are_named_first)
{
    put_rankings(LOWER_ROW, LOWER_ROW);
    study_expect((const char *const[]){ "* Section 2: both rankings find the same parts", NULL });
}

Test(study_findings, parts_that_lie_elsewhere_are_named_first)
{
    put_rankings(MIDDLE_ROW, UPPER_ROW);
    study_expect(
        (const char *const[]){ "* Section 2: ranked by probability, parts do not gather in the lower 4 rows", NULL });
}

Test(study_findings, parts_at_the_lower_border_by_both_rankings_are_as_expected)
{
    put_rankings(LOWER_ROW, LOWER_ROW - SIDE);
    study_expect((const char *const[]){ "Found: parts gather in the lower 4 rows by both rankings", NULL });
    char *text = study_page_text();
    cr_assert(!strstr(text, "* Section 2:"));
    free(text);
}

Test(study_findings, a_view_that_no_command_names_was_not_asked)
{
    study_put_steps(
        "{\"step\":\"shown_resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[\"bin/validate model m --out "
        "o/shown_resnet20_1/whole "
        "--quiet\"]},{\"step\":\"own_resnet20_1\",\"section\":3,\"state\":\"done\",\"command\":"
        "[\"bin/validate model m --out o/own_resnet20_1/best_5\",\"bin/validate model m --out "
        "o/own_resnet20_1/best_10\"]}");
    study_put_report("out/shown_resnet20_1/whole/report.json", 0.9);
    study_put_report("out/own_resnet20_1/best_5/report.json", 0.5);
    study_put_report("out/own_resnet20_1/best_10/report.json", 0.6);
    study_expect((const char *const[]){
        "| plain 1 | 5 % | 100 | 90% (89% to 91%) | 50% (49% to 51%) | \u2013 | \u2013 | not asked |", NULL });
}

Test(study_findings, larger_parts_of_wrong_answers_are_named_first)
{
    put_sizes(WHOLE_WRONG);
    study_expect(
        (const char *const[]){ "* Section 2: in 1 of 1 searches there are thresholds at which the parts of right "
                               "answers are on average not larger than those of wrong ones, in 1 of them beyond the "
                               "intervals.",
                               "ResNet-20, seed 1, exact by margin (1 of 1).", "In 0 of 1 searches", NULL });
    put_sizes(WHOLE_RIGHT);
    study_expect((const char *const[]){ "In 1 of 1 searches", "| 0.9 | wrong | 4 |", NULL });
    study_expect_none("* Section 2:");
}
