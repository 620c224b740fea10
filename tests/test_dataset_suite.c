#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/image_list.h"
#include "tests/data_fixture.h"
#include "tests/markup.h"
#include "validate/checks/checks.h"
#include "validate/dataset/suite.h"
#include "validate/dataset/suspects.h"

TestSuite(dataset_suite, .init = fixture_set_up, .fini = fixture_clean_up);

static const char planted_conf[] =
    "format = \"planted\"; name = \"p\"; classes = 4; shape = [3, 16, 16]; n_train = 80; n_test = 24; seed = 3;\n"
    "border_width = 2; border_cue = 1.0; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n";
static const char folder_conf[] =
    "format = \"folder\"; name = \"f\"; shape = [3, 8, 8]; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n";

static struct dataset *data;
static struct policy *policy;
static struct waivers waivers;
static struct survey survey;
static struct dataset_suite suite;
static struct report report;
static struct err err;

/* --- checks of known results -------------------------------------------------------------------------------------- */

static int64_t asked_for; /* pictures */

static bool finds(struct survey *s, int64_t n, double low, double high, struct check *out)
{
    (void)s;
    asked_for = n;
    out->estimate = (struct estimate){ (low + high) / 2, low, high, 100 };
    out->of = "pictures";
    out->question = mem_string("Is it <good>?");
    out->act = mem_format("Repair what reaches %g.", high);
    return true;
}

static bool check_good(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *why)
{
    (void)p, (void)why;
    return finds(s, n, 0, .02, out);
}

static bool check_bad(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *why)
{
    (void)p, (void)why;
    return finds(s, n, .4, .6, out);
}

static bool check_open(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *why)
{
    (void)p, (void)why;
    return finds(s, n, 0, .1, out);
}

static bool check_broken(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *why)
{
    (void)p;
    finds(s, n, 0, 0, out);
    return err_run(why, "x.png: broken; repair it");
}

static bool check_stopped(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *why)
{
    check_broken(s, p, n, out, why);
    why->status = EXIT_INTERRUPTED;
    return false;
}

/* Names picture 2 twice, picture 1, and one of the test part. */
static bool check_names(struct survey *s, const struct policy_check *p, int64_t n, struct check *out, struct err *why)
{
    (void)why;
    survey_suspect(s, SPLIT_TRAIN, 2, p->type->kind, mem_string("odd <colour>"));
    survey_suspect(s, SPLIT_TRAIN, 1, p->type->kind, mem_string("odd size"));
    survey_suspect(s, SPLIT_TRAIN, 2, p->type->kind, mem_string("odd sound"));
    if (s->data->count[SPLIT_TEST] > 0)
        survey_suspect(s, SPLIT_TEST, 0, p->type->kind, mem_string("odd"));
    return finds(s, n, 0, .02, out);
}

static bool check_names_more(struct survey *s, const struct policy_check *p, int64_t n, struct check *out,
                             struct err *why)
{
    for (int i = 0; i < 60 && i < s->data->count[SPLIT_TRAIN]; i++)
        survey_suspect(s, SPLIT_TRAIN, i, p->type->kind, mem_string("another reason"));
    return check_good(s, p, n, out, why);
}

#define ROW(name, function)                                                                                            \
    {                                                                                                                  \
        .kind = name, .summary = "what " name " says", .survey = function, .quick = 10, .full = 20,                    \
        .unit = UNIT_SHARE, .good = SIDE_AT_MOST                                                                       \
    }

static const struct check_type types[] = {
    ROW("good", check_good),
    ROW("bad", check_bad),
    ROW("open", check_open),
    ROW("broken", check_broken),
    ROW("stopped", check_stopped),
    ROW("names", check_names),
    ROW("names.more", check_names_more),
    { .kind = "border.sufficiency",
      .survey = check_bad,
      .takes = TAKES_WIDTH,
      .width = 2,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = NULL },
};
static const struct policy_kind kind = { types, "cfg/dataset.conf", "validate dataset", "data set", false,
                                         false };

/* --- fixture ------------------------------------------------------------------------------------------------------ */

static void set_up(const char *conf, const char *checks)
{
    static char *words[] = { (char *)"validate", (char *)"dataset", (char *)"x.conf" };
    char *text = mem_format("name = \"t\"; checks = (%s);\n", checks);
    char *set =
        strstr(conf, "planted") ? mem_string(conf) : mem_format("%sdirectory = \"%s\";\n", conf, fixture_path("data"));

    fixture_text("set.conf", set);
    cr_assert(dataset_open(fixture_path("set.conf"), NULL, &data, &err), "%s", err.text);
    cr_assert(policy_parse(&kind, "p.conf", text, strlen(text), &policy, &err), "%s", err.text);
    survey =
        (struct survey){ .data = data, .descriptor = "x.conf", .directory = "out", .program = "validate", .seed = 1 };
    cr_assert(team_new(2, false, &survey.team, &err));
    suite = (struct dataset_suite){
        .survey = &survey, .policy = policy, .waivers = &waivers, .argc = 3, .argv = words, .threads = 2
    };
    free(set);
    free(text);
}

static void tear_down(void)
{
    report_free(&report);
    waivers_free(&waivers);
    team_free(survey.team);
    policy_free(policy);
    dataset_close(data);
}

static void run_on(const char *conf, const char *checks)
{
    set_up(conf, checks);
    cr_assert(dataset_suite_run(&suite, &report, &err), "%s", err.text);
}

static void run(const char *checks)
{
    run_on(planted_conf, checks);
}

static void expect(int i, enum check_status wanted)
{
    cr_assert_eq(report.check[i].status, wanted, "%s: %s", report.check[i].id,
                 check_status_name(report.check[i].status));
}

#define AT_MOST(name) "{ check = \"" name "\"; at_most = 0.05; }"

/* --- tests -------------------------------------------------------------------------------------------------------- */

Test(dataset_suite, a_set_that_passes_may_be_used)
{
    run(AT_MOST("good"));
    expect(0, CHECK_PASS);
    cr_assert_eq(report.verdict, EXIT_OK);
    cr_assert_eq(report.kind, REPORT_DATASET);
    cr_assert_str_eq(report.check[0].id, "good");
    cr_assert_str_eq(report.check[0].kind, "good");
    cr_assert_not_null(strstr(report.lead, "may be used for training"));
    cr_assert_str_eq(report.step[0].command, "validate dataset x.conf --previous out/report.json --out NEXT");
    tear_down();
}

Test(dataset_suite, what_fails_says_what_to_do)
{
    run(AT_MOST("good") "," AT_MOST("bad"));
    expect(1, CHECK_FAIL);
    cr_assert_eq(report.verdict, EXIT_FAILED_CHECK);
    cr_assert_not_null(strstr(report.lead, "Do not train on it"));
    cr_assert_str_eq(report.step[1].text, "Repair what reaches 0.6.");
    cr_assert_str_eq(report.step[2].command, "validate model runs/NAME");
    tear_down();
}

Test(dataset_suite, a_check_that_cannot_run_is_an_error_and_the_others_run)
{
    run(AT_MOST("broken") "," AT_MOST("good"));
    expect(0, CHECK_ERROR);
    expect(1, CHECK_PASS);
    cr_assert_str_eq(report.check[0].error, "x.png: broken; repair it");
    cr_assert_str_eq(report.check[0].asks, "what broken says");
    cr_assert_eq(report.verdict, EXIT_CANNOT_RUN);
    cr_assert_not_null(strstr(report.lead, "could not run"));
    cr_assert_str_eq(report.step[0].command, "validate dataset x.conf --resume");
    tear_down();
}

Test(dataset_suite, what_is_undecided_is_not_used_and_full_is_proposed)
{
    run(AT_MOST("open"));
    expect(0, CHECK_INCONCLUSIVE);
    cr_assert_eq(report.verdict, EXIT_INCONCLUSIVE);
    cr_assert_str_eq(report.step[0].command, "validate dataset x.conf --full --overwrite");
    tear_down();
}

Test(dataset_suite, what_does_not_gate_decides_nothing)
{
    run("{ check = \"bad\"; at_most = 0.05; gates = false; }");
    expect(0, CHECK_REPORTED);
    cr_assert_eq(report.verdict, EXIT_OK);
    cr_assert_not_null(strstr(report.lead, "only reports"));
    tear_down();
}

Test(dataset_suite, a_waiver_lets_its_check_pass_and_is_recorded)
{
    set_up(planted_conf, AT_MOST("bad") "," AT_MOST("broken"));
    waivers = (struct waivers){
        2, { { mem_string("bad"), mem_string("known") }, { mem_string("broken"), mem_string("known") } }
    };
    cr_assert(dataset_suite_run(&suite, &report, &err), "%s", err.text);
    expect(0, CHECK_WAIVED);
    expect(1, CHECK_ERROR); /* nobody knows what would be accepted */
    cr_assert_eq(json_array_size(json_object_get(report.provenance, "waivers")), 2);
    tear_down();
}

Test(dataset_suite, who_stops_it_gets_no_report)
{
    set_up(planted_conf, AT_MOST("good") "," AT_MOST("stopped") "," AT_MOST("open"));
    cr_assert_not(dataset_suite_run(&suite, &report, &err));
    cr_assert_eq(err.status, EXIT_INTERRUPTED);
    cr_assert_eq(report.n_checks, 0);
    tear_down();
}

static bool always(void)
{
    return true;
}

Test(dataset_suite, who_stops_it_before_a_check_gets_no_report)
{
    set_up(planted_conf, AT_MOST("good"));
    survey.stop = always;
    cr_assert_not(dataset_suite_run(&suite, &report, &err));
    cr_assert_eq(err.status, EXIT_INTERRUPTED);
    tear_down();
}

Test(dataset_suite, quick_and_full_ask_for_their_pictures)
{
    run("{ check = \"good\"; at_most = 0.05; quick = 7; full = 9; }");
    cr_assert_eq(asked_for, 7);
    tear_down();
    report = (struct report){ 0 };
    set_up(planted_conf, "{ check = \"good\"; at_most = 0.05; quick = 7; full = 9; }");
    survey.full = true;
    cr_assert(dataset_suite_run(&suite, &report, &err));
    cr_assert_eq(asked_for, 9);
    tear_down();
}

Test(dataset_suite, the_widest_ring_that_leaks_is_cut_off)
{
    run("{ check = \"border.sufficiency\"; width = 1; at_most = 0.05; }, "
        "{ check = \"border.sufficiency\"; width = 3; at_most = 0.05; }, "
        "{ check = \"border.sufficiency\"; width = 4; at_most = 0.7; }");
    cr_assert_str_eq(report.step[1].command, "validate dataset x.conf --fix crop-border:3 --out p-cropped\n"
                                             "validate dataset p-cropped/dataset.conf");
    for (int i = 0; i < report.n_steps; i++)
        cr_assert_null(strstr(report.step[i].text, "Repair what"), "the advice of the check repeats ours");
    tear_down();
}

Test(dataset_suite, suspects_are_sorted_and_keep_all_their_reasons)
{
    run(AT_MOST("names.more") "," AT_MOST("names"));
    const struct report_suspect *s = report.suspect;
    cr_assert_eq(report.n_suspects, 63);
    cr_assert_eq(report_suspects_end(&report, 0), 60);
    cr_assert_str_eq(s[0].check, "names.more");
    cr_assert(s[60].image == 1 && s[61].image == 2 && s[62].image == 0);
    cr_assert_str_eq(s[60].check, "names");
    cr_assert_str_eq(s[61].why, "odd <colour>; odd sound");
    cr_assert_str_eq(s[61].split, "train");
    cr_assert_str_eq(s[62].split, "test");
    cr_assert_str_eq(s[60].label, data->class_names[data->label(data, SPLIT_TRAIN, 1)]);
    tear_down();
}

static char *text_of(void (*write)(const struct report *r, FILE *out))
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    write(&report, out);
    cr_assert_eq(fclose(out), 0);
    return text;
}

static int count_of(const char *text, const char *part)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

Test(dataset_suite, pages_are_well_formed_and_list_fifty_of_a_kind)
{
    run(AT_MOST("names.more") "," AT_MOST("names") "," AT_MOST("bad") "," AT_MOST("broken"));
    char *html = text_of(report_html), *markdown = text_of(report_markdown);
    struct markup m = markup_read(html);
    cr_assert_str_eq(m.problem, "");
    cr_assert_eq(count_of(html, "another reason</span></li>"), 50);
    cr_assert_not_null(strstr(html, "The first 50 of 60"));
    cr_assert_not_null(strstr(html, "odd &lt;colour&gt;"));
    cr_assert_not_null(strstr(html, "Safe to learn from: <em class=\"bad\">no</em>"));
    cr_assert_eq(count_of(markdown, "another reason"), 50);
    json_t *json = report_json(&report);
    cr_assert_eq(json_array_size(json_object_get(json, "suspects")), 63);
    json_decref(json);
    markup_free(&m);
    free(markdown);
    free(html);
    tear_down();
}

Test(dataset_suite, the_gallery_shows_named_pictures_and_the_sample_beside_its_border)
{
    run("{ check = \"border.sufficiency\"; width = 2; at_most = 0.05; }, " AT_MOST("names"));
    cr_assert_eq(report.n_groups, 2);
    cr_assert(report.group[0].n == 3 && report.group[0].item[0].n == 1);
    cr_assert(report.group[1].n == 15 && report.group[1].item[0].n == 2);
    const struct picture *whole = &report.group[1].item[0].picture[0], *ring = &report.group[1].item[0].picture[1];
    for (int i = 0; i < 16 * 16; i++) {
        int y = i / 16, x = i % 16;
        bool edge = y < 2 || y > 13 || x < 2 || x > 13;
        for (int c = 0; c < 3; c++)
            cr_assert_eq(ring->pixels[3 * i + c], edge ? whole->pixels[3 * i + c] : 128);
    }
    tear_down();
}

/* --- the list of suspects ----------------------------------------------------------------------------------------- */

static void picture_file(const char *name)
{
    uint8_t pixels[8 * 8 * 3] = { 7 };

    fixture_image(name, 8, 8, 3, pixels);
}

Test(dataset_suite, exported_suspects_read_back_as_the_same_pictures)
{
    int written, left_out;
    struct image_list list;
    char *text;
    size_t n;
    picture_file("data/train/1/a.png"); /* a class that is called like another's number */
    picture_file("data/train/1/b c\t d.png");
    picture_file("data/train/2 x/$(rm -rf x);'\"*.png");
    run_on(folder_conf, AT_MOST("names") "," AT_MOST("names.more"));
    const char *path = fixture_path("suspects.list");
    cr_assert(suspects_export(&report, data, path, &written, &left_out, &err), "%s", err.text);
    cr_assert(written == 3 && left_out == 0);
    cr_assert(file_read(path, 1 << 20, &text, &n, &err));
    cr_assert(image_list_parse(&list, text, n, path, (const char *const *)data->class_names, data->classes, &err), "%s",
              err.text);
    cr_assert_eq(list.n, 3);
    static const int order[] = { 1, 2, 0 }; /* as the report has them */
    for (int i = 0; i < 3; i++) {
        char *file = data->file(data, SPLIT_TRAIN, order[i]);
        cr_assert_str_eq(image_list_path(&list, i), file);
        cr_assert_eq(list.label[i], data->label(data, SPLIT_TRAIN, order[i]));
        free(file);
    }
    image_list_clear(&list);
    tear_down();
}

Test(dataset_suite, names_that_no_list_can_hold_are_left_out_and_counted)
{
    int written, left_out;
    char *text;
    size_t n;
    picture_file("data/train/a/one\ntwo 1.png");
    picture_file("data/train/a/p.png");
    picture_file("data/train/a/q.png");
    run_on(folder_conf, AT_MOST("names.more"));
    const char *path = fixture_path("suspects.list");
    cr_assert(suspects_export(&report, data, path, &written, &left_out, &err), "%s", err.text);
    cr_assert(written == 2 && left_out == 1);
    cr_assert(file_read(path, 1 << 20, &text, &n, &err));
    cr_assert_eq(count_of(text, "\n"), 2);
    free(text);
    tear_down();
}

Test(dataset_suite, a_set_without_one_readable_picture_gets_its_report)
{
    fixture_text("data/train/a/1.png", "no picture");
    run_on(folder_conf, AT_MOST("good"));
    expect(0, CHECK_PASS);
    cr_assert_eq(report.n_groups, 0);
    cr_assert_str_empty(err.text);
    tear_down();
}
