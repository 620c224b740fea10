#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "validate/previous.h"
#include "validate/report/report.h"

TestSuite(previous, .init = fixture_set_up, .fini = fixture_clean_up);

enum { PICTURES = 50 };

/* A check that rests on PICTURES values: `base` and every `every`th one higher by `lift`. combine NULL: none kept. */
static struct check make_check(const char *id, double base, double lift, int every, const char *combine)
{
    struct check c = { .id = mem_string(id),
                       .kind = mem_string(id),
                       .question = mem_string("Why?"),
                       .unit = UNIT_SHARE,
                       .of = "pictures",
                       .gates = true };
    json_t *value = json_array();
    double sum = 0;

    for (int i = 0; i < PICTURES; i++) {
        double x = base + .001 * (i % 5) + (i % every == 0 ? lift : 0);
        json_array_append_new(value, json_real(x));
        sum += x;
    }
    c.estimate = (struct estimate){ sum / PICTURES, sum / PICTURES - .05, sum / PICTURES + .05, PICTURES };
    char hash[SHA256_HEX];
    memset(hash, 'a', sizeof hash - 1);
    hash[sizeof hash - 1] = '\0';
    c.details = combine
                    ? json_pack("{s:{s:s, s:s, s:o}}", "pictures", "sha256", hash, "combine", combine, "value", value)
                    : NULL;
    if (!combine)
        json_decref(value);
    return c;
}

/* Writes a report with this check, which it frees, and reads it back. */
static struct previous *reread(struct check c)
{
    struct report r = { .kind = REPORT_MODEL, .n_checks = 1, .check = mem_alloc(1, sizeof c) };
    struct previous *p;
    struct err err;

    r.check[0] = c;
    r.subject = mem_string("old");
    json_t *root = report_json(&r);
    cr_assert(json_save(root, fixture_path("report.json"), &err), "%s", err.text);
    json_decref(root);
    report_free(&r);
    cr_assert(previous_read(fixture_path("report.json"), REPORT_MODEL, &p, &err), "%s", err.text);
    return p;
}

/* The comparison of `now` with `old`; frees both. */
static bool compare(struct check old, struct check now, enum side good, struct check *out)
{
    struct previous *p = reread(old);
    bool ok = previous_compare(p, &now, good, 1, out);

    previous_free(p);
    check_free(&now);
    return ok;
}

static void expect(struct check old, struct check now, enum side good, enum check_status wanted, bool same)
{
    struct check out;

    cr_assert(compare(old, now, good, &out));
    cr_assert_eq(out.status, wanted, "%s: %g in [%g, %g]", check_status_name(out.status), out.estimate.value,
                 out.estimate.low, out.estimate.high);
    cr_assert_eq(json_is_true(json_object_get(out.details, "same_pictures")), same);
    cr_assert(out.estimate.low <= out.estimate.value && out.estimate.value <= out.estimate.high);
    check_free(&out);
}

Test(previous, a_report_is_read_back_as_it_was_written)
{
    struct previous *p = reread(make_check("a", .5, .1, 10, "median"));

    cr_assert_eq(p->n, 1);
    cr_assert_str_eq(p->check[0].id, "a");
    cr_assert_str_eq(p->subject, "old");
    cr_assert(fabs(p->check[0].estimate.value - .512) <= 1e-12);
    cr_assert_eq(p->check[0].n_values, PICTURES);
    cr_assert(p->check[0].median);
    previous_free(p);
}

Test(previous, a_model_is_no_worse_than_itself)
{
    struct check out;

    cr_assert(compare(make_check("a", .5, .1, 10, "mean"), make_check("a", .5, .1, 10, "mean"), SIDE_AT_LEAST, &out));
    cr_assert_eq(out.status, CHECK_PASS);
    cr_assert_eq(out.estimate.value, 0);
    cr_assert_eq(out.estimate.low, 0);
    cr_assert_eq(out.estimate.high, 0);
    cr_assert_eq(out.unit, UNIT_POINTS);
    cr_assert_str_eq(out.id, "a.previous");
    check_free(&out);
}

/* The change, 2 points in every second picture, is lost in the unpaired intervals of 5 points. */
Test(previous, over_the_same_pictures_a_small_decline_is_seen)
{
    expect(make_check("a", .5, .02, 2, "mean"), make_check("a", .5, 0, 2, "mean"), SIDE_AT_LEAST, CHECK_FAIL, true);
    expect(make_check("a", .5, 0, 2, "mean"), make_check("a", .5, .02, 2, "mean"), SIDE_AT_MOST, CHECK_FAIL, true);
    expect(make_check("a", .5, .02, 2, NULL), make_check("a", .5, 0, 2, NULL), SIDE_AT_LEAST, CHECK_PASS, false);
}

Test(previous, an_improvement_passes)
{
    expect(make_check("a", .5, 0, 2, "mean"), make_check("a", .5, .02, 2, "mean"), SIDE_AT_LEAST, CHECK_PASS, true);
    expect(make_check("a", .5, 0, 1, NULL), make_check("a", .8, 0, 1, NULL), SIDE_AT_LEAST, CHECK_PASS, false);
}

Test(previous, independent_intervals_that_are_far_apart_fail)
{
    expect(make_check("a", .8, 0, 1, NULL), make_check("a", .5, 0, 1, NULL), SIDE_AT_LEAST, CHECK_FAIL, false);
    expect(make_check("a", .5, 0, 1, NULL), make_check("a", .8, 0, 1, NULL), SIDE_AT_MOST, CHECK_FAIL, false);
}

/* Two intervals of half-width 0.05: that of the difference is sqrt(2) * 0.05. */
Test(previous, the_interval_of_a_difference_is_the_one_worked_out_by_hand)
{
    struct check out;

    cr_assert(compare(make_check("a", .8, 0, 1, NULL), make_check("a", .5, 0, 1, NULL), SIDE_AT_LEAST, &out));
    cr_assert(fabs(out.estimate.value + .3) <= 1e-12);
    cr_assert(fabs(out.estimate.low + .3 + sqrt(2) * .05) <= 1e-12);
    cr_assert(fabs(out.estimate.high + .3 - sqrt(2) * .05) <= 1e-12);
    check_free(&out);
}

Test(previous, a_median_change_ignores_a_few_pictures_that_a_mean_does_not)
{
    expect(make_check("a", .5, .9, 5, "median"), make_check("a", .5, 0, 5, "median"), SIDE_AT_LEAST, CHECK_PASS, true);
    expect(make_check("a", .5, .9, 5, "mean"), make_check("a", .5, 0, 5, "mean"), SIDE_AT_LEAST, CHECK_FAIL, true);
}

Test(previous, other_pictures_are_independent)
{
    struct check now = make_check("a", .5, 0, 2, "mean");

    json_object_set_new(json_object_get(now.details, "pictures"), "sha256", json_string("another"));
    expect(make_check("a", .5, .02, 2, "mean"), now, SIDE_AT_LEAST, CHECK_PASS, false);
}

Test(previous, a_check_that_does_not_gate_is_reported)
{
    struct check now = make_check("a", .5, 0, 2, "mean");

    now.gates = false;
    expect(make_check("a", .5, .02, 2, "mean"), now, SIDE_AT_LEAST, CHECK_REPORTED, true);
}

Test(previous, what_was_not_measured_then_or_now_is_not_compared)
{
    struct check out, old = make_check("a", .5, 0, 1, NULL), now = make_check("a", .5, 0, 1, NULL);

    cr_assert_not(compare(make_check("b", .5, 0, 1, NULL), make_check("a", .5, 0, 1, NULL), SIDE_AT_LEAST, &out));
    old.estimate = (struct estimate){ NAN, NAN, NAN, 0 };
    cr_assert_not(compare(old, make_check("a", .5, 0, 1, NULL), SIDE_AT_LEAST, &out));
    now.estimate = (struct estimate){ NAN, NAN, NAN, 0 };
    cr_assert_not(compare(make_check("a", .5, 0, 1, NULL), now, SIDE_AT_LEAST, &out));
}

Test(previous, another_unit_is_not_compared)
{
    struct check out, now = make_check("a", .5, 0, 1, NULL);

    now.unit = UNIT_RATIO;
    cr_assert_not(compare(make_check("a", .5, 0, 1, NULL), now, SIDE_AT_LEAST, &out));
}

Test(previous, an_interval_that_is_none_is_not_compared)
{
    struct check out, old = make_check("a", .5, 0, 1, NULL);

    old.estimate.low = .9;
    cr_assert_not(compare(old, make_check("a", .5, 0, 1, NULL), SIDE_AT_LEAST, &out));
}

static void refuses(const char *text, const char *part)
{
    struct previous *p = NULL;
    struct err err = { 0 };

    fixture_text("bad.json", text);
    cr_assert_not(previous_read(fixture_path("bad.json"), REPORT_MODEL, &p, &err), "accepted: %s", text);
    cr_assert_not_null(strstr(err.text, part), "'%s' lacks '%s'", err.text, part);
    cr_assert_not_null(strstr(err.text, "bad.json"));
}

#define HEAD "{\"schema\":\"marginalia-report\",\"version\":1,\"kind\":\"model\",\"subject\":\"x\",\"checks\":"
#define CHECK "{\"id\":\"a\",\"unit\":\"share\",\"value\":0.5,\"low\":0.4,\"high\":0.6,\"n\":3,\"details\":{}}"

Test(previous, a_report_is_read_as_one_of_its_kind)
{
    struct previous *p;
    struct err err = { 0 };

    fixture_text("set.json", "{\"schema\":\"marginalia-report\",\"version\":1,\"kind\":\"dataset\",\"subject\":\"x\","
                             "\"checks\":[{\"id\":\"integrity\",\"unit\":\"share\",\"value\":0,\"low\":0,\"high\":0,"
                             "\"n\":3,\"details\":{\"pictures\":3}}]}");
    cr_assert_not(previous_read(fixture_path("set.json"), REPORT_MODEL, &p, &err));
    cr_assert_not_null(strstr(err.text, "validate model has written"));
    cr_assert(previous_read(fixture_path("set.json"), REPORT_DATASET, &p, &err), "%s", err.text);
    cr_assert_eq(p->check[0].n_values, 0);
    previous_free(p);
}

Test(previous, hostile_reports_are_refused)
{
    refuses("", "bad.json");
    refuses("[]", "is no report of this program");
    refuses("{\"schema\":{}}", "is no report of this program");
    refuses(HEAD "{}}", "has no checks");
    refuses(HEAD "[7]}", "a check has no id");
    refuses(HEAD "[{\"id\":\"\"}]}", "a check has no id");
    refuses(HEAD "[" CHECK "," CHECK "]}", "holds a check twice");
    refuses(HEAD "[{\"id\":\"a\",\"unit\":\"share\",\"value\":0.5,\"low\":0.4,\"high\":0.6,\"n\":3,\"details\":"
                 "{\"pictures\":[]}}]}",
            "check a is damaged");
    refuses(HEAD "[{\"id\":\"a\",\"unit\":\"share\",\"value\":0.5,\"low\":0.4,\"high\":0.6,\"n\":3,\"details\":"
                 "{\"pictures\":{\"sha256\":\"x\",\"combine\":\"mean\",\"value\":[1]}}}]}",
            "check a is damaged");
    refuses(HEAD "[{\"id\":\"a\",\"unit\":\"share\",\"value\":0.5,\"low\":0.4,\"high\":0.6}]}", "check a is damaged");
}

Test(previous, an_empty_list_of_checks_is_a_report)
{
    struct previous *p;
    struct err err;

    fixture_text("good.json", HEAD "[]}");
    cr_assert(previous_read(fixture_path("good.json"), REPORT_MODEL, &p, &err), "%s", err.text);
    cr_assert_eq(p->n, 0);
    previous_free(p);
}
