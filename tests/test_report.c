/* The writers beside the page: JSON, JUnit, model card, terminal, and the files of report_save(). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tests/markup.h"
#include "tests/report_fixture.h"
#include "validate/report/report.h"

static char *render(const struct report *r, void (*write)(const struct report *r, FILE *out))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    write(r, out);
    cr_assert_eq(fclose(out), 0);
    return text;
}

static void write_terminal(const struct report *r, FILE *out)
{
    report_terminal(r, out, false);
}

static void write_colour(const struct report *r, FILE *out)
{
    report_terminal(r, out, true);
}

Test(report, order_is_by_status_then_by_distance_from_the_limit)
{
    static const char *const wanted[] = { "dilation@0.99",           /* 0.8 / 0.35 */
                                          "border.share@1",          /* 2.7 / 1.5 */
                                          "sis.size@0.99",           /* 0.15 / 0.088 */
                                          "subset.sufficiency@0.05", /* 0.69 / 0.5 */
                                          "corrupt",
                                          "border.accuracy@2",
                                          "baseline.sensitivity@0.99",
                                          "accuracy",
                                          "shuffled.values",
                                          "wrong.class@0.99",
                                          "correct.vs.wrong" };
    struct report r = fixture_report();
    int order[32];
    report_order(&r, order);
    cr_assert_eq((size_t)r.n_checks, sizeof wanted / sizeof *wanted);
    for (int i = 0; i < r.n_checks; i++)
        cr_expect_str_eq(r.check[order[i]].id, wanted[i]);
    report_free(&r);
}

Test(report, equal_checks_keep_the_order_of_the_policy)
{
    struct check c[5] = { { .status = CHECK_PASS },
                          { .status = CHECK_PASS, .estimate = { NAN, NAN, NAN, 0 }, .side = SIDE_AT_MOST },
                          { .status = CHECK_FAIL },
                          { .status = CHECK_PASS },
                          { .status = CHECK_FAIL } };
    struct report r = { .n_checks = 5, .check = c };
    int order[5];
    report_order(&r, order);
    cr_assert_arr_eq(order, ((int[]){ 2, 4, 0, 1, 3 }), sizeof order);
}

Test(report, statuses_are_counted)
{
    struct report r = fixture_report();
    static const int wanted[] = { [CHECK_PASS] = 2,  [CHECK_FAIL] = 4,   [CHECK_INCONCLUSIVE] = 1,
                                  [CHECK_ERROR] = 1, [CHECK_WAIVED] = 1, [CHECK_REPORTED] = 2 };
    for (int s = CHECK_PASS; s <= CHECK_REPORTED; s++)
        cr_expect_eq(report_count(&r, (enum check_status)s), wanted[s]);
    report_free(&r);
}

Test(report, each_kind_and_verdict_has_its_words)
{
    static const struct {
        enum report_kind kind;
        const char *noun, *word[4];
    } wanted[] = { { REPORT_MODEL, "Overinterprets", { "no", "yes", "not shown", "not known" } },
                   { REPORT_DATASET, "Safe to learn from", { "yes", "no", "not shown", "not known" } },
                   { REPORT_COMPARE, "Overinterprets less", { "yes", "no", "not shown", "not known" } } };
    static const enum exit_status status[] = { EXIT_OK, EXIT_FAILED_CHECK, EXIT_INCONCLUSIVE, EXIT_CANNOT_RUN };
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 4; i++) {
            struct report r = { .kind = wanted[k].kind, .verdict = status[i] };
            cr_expect_str_eq(report_noun(&r), wanted[k].noun);
            cr_expect_str_eq(report_word(&r), wanted[k].word[i]);
        }
}

static const json_t *json_of(const json_t *root, const char *id)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(root, "checks"), i,
                       c) if (strcmp(json_string_value(json_object_get(c, "id")), id) == 0) return c;
    cr_assert_fail("%s is missing", id);
    return NULL;
}

static double real_of(const json_t *c, const char *key)
{
    return json_number_value(json_object_get(c, key));
}

Test(report, json_reads_back_what_was_written, .init = fixture_set_up, .fini = fixture_clean_up)
{
    struct report r = fixture_report();
    struct err err;
    json_t *root = report_json(&r), *again;
    const char *path = fixture_path("report.json");
    cr_assert(json_save(root, path, &err), "%s", err.text);
    cr_assert(json_open(path, 1 << 20, &again, &err), "%s", err.text);
    cr_assert(json_equal(root, again));
    cr_expect_str_eq(json_string_value(json_object_get(again, "schema")), REPORT_SCHEMA);
    cr_expect_eq(json_integer_value(json_object_get(again, "version")), REPORT_SCHEMA_VERSION);
    cr_expect_eq(json_integer_value(json_object_get(again, "exit_status")), EXIT_FAILED_CHECK);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(again, "counts"), "fail")), 4);
    const json_t *c = json_of(again, "sis.size@0.99");
    cr_expect(real_of(c, "value") == 0.088 && real_of(c, "low") == 0.074 && real_of(c, "high") == 0.094);
    cr_expect(real_of(c, "limit") == 0.15 && real_of(c, "n") == 200);
    cr_expect_str_eq(json_string_value(json_object_get(c, "side")), "at_least");
    cr_expect_str_eq(json_string_value(json_object_get(c, "unit")), "share");
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(json_of(again, "accuracy"), "details"), "right")),
                 9173);
    json_decref(root);
    json_decref(again);
    report_free(&r);
}

Test(report, json_has_null_for_what_is_not_there)
{
    struct report r = fixture_report();
    json_t *root = report_json(&r);
    const json_t *c = json_of(root, "corrupt");
    cr_expect(json_is_null(json_object_get(c, "value")) && json_is_null(json_object_get(c, "low")));
    cr_expect(json_is_string(json_object_get(c, "error")));
    c = json_of(root, "correct.vs.wrong");
    cr_expect(json_is_null(json_object_get(c, "limit")) && json_is_null(json_object_get(c, "needed")));
    c = json_of(root, "baseline.sensitivity@0.99");
    cr_expect_str_eq(json_string_value(json_object_get(c, "unwaived")), "fail");
    cr_expect_eq(json_integer_value(json_object_get(json_of(root, "border.accuracy@2"), "needed")), 1300);
    json_decref(root);
    report_free(&r);
}

static int count_in(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

Test(report, junit_is_well_formed_and_its_numbers_agree)
{
    for (int i = 0; i < 3; i++) {
        struct report r = i == 0 ? fixture_report() : i == 1 ? fixture_report_empty() : fixture_report_hostile();
        char *text = render(&r, report_junit);
        struct markup m = markup_read(text);
        cr_assert_str_empty(m.problem, "%s", m.problem);
        const struct tag *suite = &m.tag[1];
        cr_assert_str_eq(suite->name, "testsuite");
        cr_expect_eq(strtol(tag_value(suite, "tests"), NULL, 10), r.n_checks);
        cr_expect_eq(markup_count(&m, "testcase", "classname", NULL), r.n_checks);
        cr_expect_eq(strtol(tag_value(suite, "failures"), NULL, 10), markup_count(&m, "failure", NULL, NULL));
        cr_expect_eq(strtol(tag_value(suite, "errors"), NULL, 10), markup_count(&m, "error", NULL, NULL));
        cr_expect_eq(strtol(tag_value(suite, "skipped"), NULL, 10), markup_count(&m, "skipped", NULL, NULL));
        markup_free(&m);
        free(text);
        report_free(&r);
    }
}

Test(report, junit_never_shows_as_passed_what_did_not_pass)
{
    struct report r = fixture_report();
    char *text = render(&r, report_junit);
    struct markup m = markup_read(text);
    cr_expect_eq(markup_count(&m, "failure", "type", "fail"), 4);
    cr_expect_eq(markup_count(&m, "error", "type", "error"), 1);
    cr_expect_eq(markup_count(&m, "error", "type", "inconclusive"), 1);
    cr_expect_eq(markup_count(&m, "skipped", NULL, NULL), 3); /* waived, reported twice */
    cr_expect_eq(markup_count(&m, "testcase", "classname", "marginalia.model.resnet20"), 11);
    cr_expect_eq(count_in(text, "would decide"), 2);
    markup_free(&m);
    free(text);
    report_free(&r);
}

static char *front_matter(const char *card)
{
    cr_assert_eq(strncmp(card, "---\n", 4), 0);
    const char *end = strstr(card + 4, "\n---\n");
    cr_assert(end);
    return mem_format("%.*s", (int)(end - card), card);
}

Test(report, model_card_has_the_index_that_hubs_read)
{
    struct report r = fixture_report();
    char *card = render(&r, report_markdown), *front = front_matter(card);
    cr_expect(
        strstr(front, "model-index:\n- name: \"resnet20\"\n  results:\n  - task:\n      type: image-classification\n"));
    cr_expect(strstr(front, "    - type: \"sis.size@0.99\"\n"));
    cr_expect(strstr(front, "      value: 0.088\n"));
    cr_expect_eq(count_in(front, "- type: "), 10); /* all but the one without a value */
    cr_expect(!markup_has_word(card, "nan"));
    cr_expect(strstr(card, "\n# Overinterprets: yes\n"));
    cr_expect_eq(count_in(card, "\n### "), 11);
    free(front);
    free(card);
    report_free(&r);
}

Test(report, model_card_of_nothing_has_no_index)
{
    struct report r = fixture_report_empty();
    char *card = render(&r, report_markdown), *front = front_matter(card);
    cr_expect_null(strstr(front, "model-index"));
    cr_expect(strstr(card, "No check was run"));
    free(front);
    free(card);
    report_free(&r);
}

Test(report, hostile_names_stay_in_their_table_cell)
{
    struct report r = fixture_report_hostile();
    char *card = render(&r, report_markdown);
    int rows = 0;
    for (const char *line = card; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        int bars = 0;
        for (const char *p = line; *p && *p != '\n'; p++)
            bars += *p == '|' && (p == line || p[-1] != '\\');
        cr_expect(*line != '|' || bars == 7, "%.60s", line);
        rows += *line == '|';
        cr_expect(strncmp(line, "    ", 4) == 0 || !strstr(line, "</style>") ||
                  strchr(line, '\n') < strstr(line, "</style>"));
    }
    cr_expect_eq(rows, r.n_checks + 2);
    free(card);
    report_free(&r);
}

Test(report, terminal_has_one_line_per_check_then_the_verdict)
{
    struct report r = fixture_report();
    char *text = render(&r, write_terminal), *colour = render(&r, write_colour);
    cr_expect_eq(count_in(text, "\n"), 11 + 1 + 2); /* checks, the error's text, blank, verdict */
    cr_expect(strstr(text, "fail          sis.size@0.99              8.8% (7.4% to 9.4%, n\u00a0=\u00a0200)"));
    cr_expect(strstr(text, "at most 12%; about 1,300 would decide\n"));
    cr_expect(strstr(text,
                     "resnet20: Overinterprets: yes (4 failed, 1 could not run, 1 inconclusive, 1 waived, 2 passed, "
                     "2 reported; exit status 1: a check failed)\n"));
    cr_expect_null(strchr(text, '\033'));
    cr_expect(strchr(colour, '\033'));
    free(text);
    free(colour);
    report_free(&r);
}

Test(report, terminal_is_not_written_to_by_names)
{
    struct report r = fixture_report_hostile();
    free(r.subject);
    r.subject = mem_string("\033[2Jx\n");
    char *text = render(&r, write_terminal);
    cr_expect_null(strchr(text, '\033'));
    cr_expect_null(strchr(text, '\001'));
    cr_expect(strstr(text, "?[2Jx?: Overinterprets less: no"));
    free(text);
    report_free(&r);
}

Test(report, all_four_files_are_saved, .init = fixture_set_up, .fini = fixture_clean_up)
{
    static const char *const name[] = { "report.json", "report.html", "report.md", "report.xml" };
    struct report r = fixture_report();
    struct err err;
    const char *directory = fixture_path("validation");
    cr_assert(report_save(&r, directory, &err), "%s", err.text);
    for (int i = 0; i < 4; i++) {
        char *path = file_join(directory, name[i]);
        cr_expect(file_exists(path), "%s", path);
        free(path);
    }
    report_free(&r);
}

Test(report, a_folder_that_cannot_be_is_refused, .init = fixture_set_up, .fini = fixture_clean_up)
{
    struct report r = fixture_report_empty();
    struct err err = { 0 };
    const char *file = fixture_path("file"), *below = fixture_path("file/below");
    cr_assert(file_write(file, "x", 1, &err));
    cr_assert_not(report_save(&r, below, &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    report_free(&r);
}

Test(report, hostile_reports_are_saved_too, .init = fixture_set_up, .fini = fixture_clean_up)
{
    struct report r = fixture_report_hostile();
    struct err err;
    const char *directory = fixture_path("hostile");
    cr_assert(report_save(&r, directory, &err), "%s", err.text);
    report_free(&r);
}

/* Without a check that decides, "no" would be praise that nothing has earned. */
Test(report, a_policy_that_only_reports_judges_nothing)
{
    struct check check[2] = { { .status = CHECK_REPORTED }, { .status = CHECK_REPORTED } };
    struct report r = { .kind = REPORT_MODEL, .n_checks = 2, .check = check, .verdict = EXIT_OK };

    cr_assert_str_eq(report_word(&r), "not judged");
    check[1] = (struct check){ .status = CHECK_PASS, .gates = true };
    cr_assert_str_eq(report_word(&r), "no");
}
