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
#include "tests/page_fixture.h"
#include "tools/study_page/sections.h"
#include "validate/report/svg.h"

TestSuite(study_page, .init = fixture_set_up, .fini = fixture_clean_up);

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

static const char three_seeds[] =
    "{\"step\":\"resnet20_1\",\"section\":1,\"state\":\"done\",\"minutes\":1,\"command\":[\"bin/train --seed 1\"]},"
    "{\"step\":\"resnet20_2\",\"section\":1,\"state\":\"done\",\"minutes\":1,\"command\":[\"bin/train --seed 2\"]},"
    "{\"step\":\"resnet20_3\",\"section\":1,\"state\":\"failed\",\"minutes\":1,\"command\":[\"bin/train --seed 3\"]}";

static void put_three_seeds(void)
{
    study_put_steps(three_seeds);
    put_training("resnet20_1", 90, 100);
    put_training("resnet20_2", 94, 100);
    put_training("resnet20_3", 10, 100);
    fixture_text("out/resnet20_1.seconds", "41.5\n");
    fixture_text("out/resnet20_1.machine", "processor: EPYC <7>\nthreads: 1\nrevision: 40c\n");
}

static const char commands[] = "docs/results/commands.md";

Test(study_page, seeds_stand_beside_their_mean_and_range)
{
    put_three_seeds();
    study_expect((const char *const[]){
        "| ResNet-20 | 1, 2 of 5 | 100 | 90% (83% to 94%); 94% (88% to 97%) | 92% (90% to 94%) |", NULL });
}

Test(study_page, a_seed_alone_is_named)
{
    study_put_steps("{\"step\":\"resnet20_3\",\"section\":1,\"state\":\"done\",\"command\":[]}");
    put_training("resnet20_3", 90, 100);
    study_expect((const char *const[]){ "| ResNet-20 | 3 of 5 | 100 | 90% (83% to 94%) |  |", NULL });
}

Test(study_page, what_was_not_run_says_so_with_its_command)
{
    put_three_seeds();
    study_expect_in(commands, (const char *const[]){ "\n2 of 3 are run", "## Section 1\n\n2 of 3 steps are run.\n",
                                                     "\nNot run: `resnet20_3` (failed).\n",
                                                     "\n**resnet20_3**: not run (failed); about 60 s\n",
                                                     "\n    bin/train --seed 3\n", NULL });
    study_expect((const char *const[]){ "**2 of 3 steps of the study are run** ([which](results/commands.md))", NULL });
    study_expect_none("10% ("); /* the result of a step that failed */
    study_expect_none("resnet20_3");
}

Test(study_page, rows_of_nothing_become_one_line)
{
    put_three_seeds();
    study_expect((const char *const[]){
        "\n\nNot run yet: Input dropout, keep 0.8; Input dropout in the test, too, 1 draw; ", NULL });
    study_expect_none("| Ensemble of 3 |");
    study_expect_none("not run");
}

Test(study_page, a_section_of_nothing_says_what_it_will_show)
{
    study_put_steps("{\"step\":\"resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"retrain\",\"section\":4,\"state\":\"missing\",\"command\":[]},"
                    "{\"step\":\"subset_random_1\",\"section\":4,\"state\":\"missing\",\"command\":[]},"
                    "{\"step\":\"bench\",\"section\":8,\"state\":\"missing\",\"command\":[]}");
    put_training("resnet20_1", 90, 100);
    study_expect((const char *const[]){
        "\n## 4. New models, trained on small parts\n\nNone of its [2 steps](results/commands.md#section-4) is run "
        "yet. "
        "They will show how well new networks learn",
        "\n## 8. Speed\n\nIts [1 step](results/commands.md#section-8) is not run yet. It will show how fast", NULL });
    study_expect_none("Nothing yet of: trainings on small parts");
}

Test(study_page, tables_of_nothing_in_a_section_with_results_are_named)
{
    study_put_steps("{\"step\":\"subset_random_1\",\"section\":4,\"state\":\"done\",\"command\":[]}");
    put_training("subset_random_1", 30, 100);
    study_expect(
        (const char *const[]){ "\nHow well new networks learn", "| 5 % random | 1 of 3 | 100 | 30% (",
                               "\nNothing yet of: masks that are cross-fitted or exchanged; tests without colours or "
                               "order.\n",
                               NULL });
}

Test(study_page, blocks_are_one_empty_line_apart)
{
    put_three_seeds();
    fixture_text("docs/results_notes.md", "# first\n\n\nA word.\n\n\n# 1\n\nAnother.\n\n");
    study_expect((const char *const[]){ "differs\n\nA word.\n\n## 1", "whole.\n\nAnother.\n\n| Model", NULL });
    study_expect_none("\n\n\n");
    char *text = study_read_text(commands);
    cr_assert(!strstr(text, "\n\n\n"));
    free(text);
}

static void put_shuffled(int correct)
{
    study_put_steps("{\"step\":\"subset_ranked_2\",\"section\":4,\"state\":\"done\",\"command\":[]},"
                    "{\"step\":\"subset_shuffled_2\",\"section\":4,\"state\":\"done\",\"command\":[]}");
    put_training("subset_ranked_2", 60, 100);
    put_training("subset_shuffled_2", correct, 100);
}

Test(study_page, colours_that_teach_as_much_without_order_are_named_first)
{
    put_shuffled(58);
    study_expect((const char *const[]){
        "* Section 4: with their colours dealt out anew among their places, the ranked pixels teach as much (58.0%) as "
        "in order (60.0%)",
        "| 5 % ranked, colours dealt out anew among the places | 2 of 3 | 100 | 58% (48% to 67%) |", NULL });
    put_shuffled(40);
    study_expect((const char *const[]){ "| 40% (", NULL });
    study_expect_none("* Section 4:");
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
    study_put_steps(steps);
    free(steps);
}

Test(study_page, steps_that_were_run_have_short_names)
{
    put_search_steps("done");
    study_expect((const char *const[]){ "`tools/reproduce --data DIR 'sis_*_margin' sis_b_exact`", NULL });
}

Test(study_page, a_pattern_names_no_step_that_was_not_run)
{
    put_search_steps("missing");
    study_expect((const char *const[]){ "`tools/reproduce --data DIR 'sis_a_[12]_margin' sis_b_exact`", NULL });
}

Test(study_page, a_drawing_without_anything_of_its_own_is_left_out)
{
    put_three_seeds();
    study_expect((const char *const[]){ "](results/accuracy.svg)", NULL });
    char *text = study_page_text();
    cr_assert(!strstr(text, "results/retraining.svg"), "whole pictures alone");
    cr_assert(!strstr(text, "results/changes.svg"), "rows of nothing");
    free(text);
}

Test(study_page, a_step_stands_with_its_time_and_machine)
{
    put_three_seeds();
    study_expect_in(commands, (const char *const[]){ "\n**resnet20_1**: 42 s; EPYC \\<7\\>, threads 1, revision 40c\n",
                                                     "\n\n    bin/train --seed 1\n", NULL });
}

Test(study_page, what_people_wrote_stands_where_they_want_it)
{
    put_three_seeds();
    fixture_text("docs/results_notes.md",
                 "<!-- About\nthis file. -->\n\n# first\nA word *first*.\n# 7\nKnown before.\n");
    study_expect((const char *const[]){ "what differs\n\nA word *first*.\n", "is clean.\n\nKnown before.\n", NULL });
    const char *record = fixture_path("docs/results/record/resnet20_1.json");
    cr_assert_eq(remove(record), 0);
    fixture_text("docs/results_notes.md", "# 9\n");
    struct err err;
    cr_assert(!study_make(&err));
    cr_assert(!file_exists(record), "a record newer than the page");
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert(strstr(err.text, "results_notes.md:1: no such section"), "%s", err.text);
    static const char *const lost[] = { "<!-- About\nthis file. -->\n\n\"# first\nA word.\n# 7\nKnown.\n",
                                        "<!-- About\n\n\nthis file. --> A word.\n# first\n" };
    for (int i = 0; i < 2; i++) {
        fixture_text("docs/results_notes.md", lost[i]);
        cr_assert(!study_make(&err));
        cr_assert(strstr(err.text, "results_notes.md:4: this would stand nowhere"), "%s", err.text);
    }
}

Test(study_page, two_programs_that_disagree_are_named_first)
{
    char *steps =
        mem_format("%s,{\"step\":\"shown_resnet20_1\",\"section\":1,\"state\":\"done\",\"command\":[]}", three_seeds);
    put_three_seeds();
    study_put_steps(steps);
    study_put_report("out/shown_resnet20_1/whole/report.json", 0.8);
    for (int i = 0; i < 2; i++) {
        static const char *const view[] = { "random_5", "random_10" };
        char *name = mem_format("out/shown_resnet20_1/%s/report.json", view[i]);
        study_put_report(name, 0.1);
        free(name);
    }
    static const char *const views[] = { "border_1",  "border_2",  "border_4",  "ring_4_4",
                                         "center_12", "center_23", "center_44", "center_31" };
    for (int i = 0; i < 8; i++) {
        char *name = mem_format("out/shown_resnet20_1/%s/report.json", views[i]);
        study_put_report(name, 0.2);
        free(name);
    }
    study_expect((const char *const[]){ "`resnet20_1`: `train` counted 90.0% right, `validate` 80.0%", NULL });
    free(steps);
}

/* --- input that is not what it should be -------------------------------------------------------------------------- */

/* The page is not made, for this reason, and the old one is as it was. */
static void expect_refused(const char *part)
{
    struct err err;
    fixture_text("docs/results.md", "the old page\n");
    cr_assert(!study_make(&err), "it was accepted");
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert(strstr(err.text, part), "\"%s\" lacks \"%s\"", err.text, part);
    cr_assert(!strchr(err.text, '\n'));
    char *text = study_page_text();
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
    study_put_steps("{\"step\":\"bench\",\"section\":8,\"state\":\"done\",\"command\":[]}");
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
        study_put_steps(bad[i]);
        expect_refused("steps.json: steps[0]: ");
    }
}

Test(study_page, a_command_cannot_leave_its_block)
{
    study_put_steps(
        "{\"step\":\"bench\",\"section\":8,\"state\":\"missing\",\"command\":[\"a\\n# forged\\n</details>\"]}");
    study_expect_in(commands, (const char *const[]){ "\n    a # forged </details>\n", NULL });
}

/* --- drawings ----------------------------------------------------------------------------------------------------- */

/* free() it. */
static char *drawn(const struct shading *s)
{
    char *svg = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&svg, &n);
    draw_shading(out, s);
    fclose(out);
    return svg;
}

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
    char *svg = drawn(&s);
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

/* The number behind `key` in the element that holds `text`. */
static double attribute_of(const char *svg, const char *text, const char *key)
{
    const char *end = strstr(svg, text), *at = end;
    cr_assert_not_null(end, "the drawing lacks \"%s\"", text);
    while (at > svg && *at != '<')
        at--;
    const char *found = strstr(at, key);
    cr_assert(found && found < end, "no %s with \"%s\"", key, text);
    return strtod(found + strlen(key), NULL);
}

Test(study_page, what_the_shades_are_of_is_within_the_drawing)
{
    static const char *const name[] = { "one" };
    const double value[] = { 0.25 };
    struct shading s = { .title = "A",
                         .description = "One number.",
                         .x_label = "shown to",
                         .y_label = "chosen by",
                         .rows = 1,
                         .columns = 1,
                         .row_name = name,
                         .column_name = name,
                         .unit = UNIT_SHARE,
                         .key = "of all the many pictures that were answered right",
                         .darkest = 1,
                         .n = 1,
                         .panel = { { NULL, value } } };
    char *svg = drawn(&s);
    double end = attribute_of(svg, s.key, " x=\"") + svg_text_width(s.key),
           width = attribute_of(svg, "viewBox", " width=\"");
    cr_assert(end <= width, "ends at %g of %g", end, width);
    free(svg);
}
