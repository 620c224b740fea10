#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/checks.h"
#include "validate/policy.h"

static struct err err;

static bool parse(const char *text, struct policy **out)
{
    err = (struct err){ 0 };
    return policy_parse(&policy_of_models, "x.conf", text, strlen(text), out, &err);
}

static struct policy *parsed(const char *text)
{
    struct policy *p = NULL;
    cr_assert(parse(text, &p), "%s", err.text);
    return p;
}

static const struct policy_check *check_of(const struct policy *p, const char *id)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->check[i].id, id) == 0)
            return &p->check[i];
    cr_assert_fail("no check %s", id);
    return NULL;
}

Test(policy, reads_every_key)
{
    struct policy *p = parsed("name = \"release\"; sample = { quick = 300; full = 5000; };\n"
                              "sis = { method = \"screened\"; per_step = 4; candidates = 16; rank = \"probability\";\n"
                              "        baseline = \"image-mean\"; thresholds = [0.25, 0.75]; };\n"
                              "checks = (\n"
                              "  { check = \"accuracy\"; at_least = 0.9; },\n"
                              "  { check = \"sis.size\"; threshold = 0.9; at_least = 0.15; quick = 77; full = 0; },\n"
                              "  { check = \"border.share\"; width = 3; threshold = 0.5; at_most = 2; },\n"
                              "  { check = \"wrong.class\"; at_most = 0.5; gates = false; },\n"
                              "  { check = \"subset.sufficiency\"; fraction = 0.1; });");
    cr_assert_str_eq(p->name, "release");
    cr_assert_str_eq(p->path, "x.conf");
    cr_assert(p->quick == 300 && p->full == 5000);
    cr_assert(p->sis.method == SIS_SCREENED && p->sis.per_step == 4 && p->sis.candidates == 16);
    cr_assert(p->sis.rank == SIS_PROBABILITY && p->baseline == BASELINE_IMAGE_MEAN);
    cr_assert(p->n_thresholds == 2 && p->threshold[0] == 0.25 && p->threshold[1] == 0.75);
    cr_assert_eq(p->n, 5);
    const struct policy_check *c = check_of(p, "sis.size@0.9");
    cr_assert_str_eq(c->type->kind, "sis.size");
    cr_assert(c->line == 6 && c->threshold == 0.9 && c->side == SIDE_AT_LEAST && c->limit == 0.15 && c->gates);
    cr_assert(c->quick == 77 && c->full == 0);
    c = check_of(p, "border.share@3,0.5");
    cr_assert(c->width == 3 && c->threshold == 0.5 && c->side == SIDE_AT_MOST && c->limit == 2);
    c = check_of(p, "wrong.class@0.99");
    cr_assert(c->side == SIDE_AT_MOST && !c->gates);
    c = check_of(p, "subset.sufficiency@0.1");
    cr_assert(c->side == SIDE_NONE && !c->gates);
    policy_free(p);
}

Test(policy, what_is_not_written_has_its_default)
{
    struct policy *p = parsed("name = \"x\"; checks = ( { check = \"accuracy\"; }, { check = \"sis.size\"; },\n"
                              "{ check = \"baseline.sensitivity\"; } );");
    cr_assert(p->quick == 400 && p->full == 0 && p->sis.method == SIS_GRADIENT && p->sis.per_step == 8);
    cr_assert(p->sis.rank == SIS_MARGIN && p->baseline == BASELINE_MEAN && p->n_thresholds == 3);
    for (int i = 0; i < p->n; i++) {
        const struct policy_check *c = &p->check[i];
        cr_assert_eq(c->quick, c->type->quick >= 0 ? c->type->quick : 400, "%s", c->id);
        cr_assert_eq(c->full, c->type->full >= 0 ? c->type->full : 0, "%s", c->id);
        cr_assert(c->threshold == c->type->threshold && c->fraction == c->type->fraction && c->width == c->type->width);
    }
    cr_assert_eq(check_of(p, "sis.size@0.99")->quick, 400, "the type has none of its own");
    cr_assert_neq(check_of(p, "baseline.sensitivity@0.99")->quick, 400, "the type has one");
    policy_free(p);
}

Test(policy, the_hash_is_that_of_the_file)
{
    const char *text = "name = \"x\"; checks = ( { check = \"accuracy\"; } );";
    char hex[SHA256_HEX];
    struct policy *p = parsed(text);
    struct sha256 *s = sha256_new();
    sha256_add(s, text, strlen(text));
    sha256_finish(s, hex);
    cr_assert_str_eq(p->hash, hex);
    policy_free(p);
}

#define NAME "name = \"x\";\n"
#define REST " checks = ( { check = \"accuracy\"; } );"
#define CHECK(text) NAME "checks = (\n{ check = " text " } );"

/* Each text must be refused with a line that begins with the place and holds the cause. */
static const struct {
    const char *text, *place, *cause;
} refused[] = {
    { "", "x.conf:1: ", "name is missing" },
    { REST, "x.conf:1: ", "name is missing" },
    { "name = \"\";" REST, "x.conf:1: ", "name is empty" },
    { "name = 3;" REST, "x.conf:1: ", "name takes a text in quotes" },
    { NAME, "x.conf:1: ", "checks takes a list" },
    { NAME "checks = ();", "x.conf:2: ", "checks takes a list of 1..200" },
    { NAME "checks = { check = \"accuracy\"; };", "x.conf:2: ", "checks takes a list" },
    { NAME "checks = ( 3 );", "x.conf:2: ", "check is missing" },
    { NAME "checks = (\n{ at_least = 0.5; } );", "x.conf:3: ", "check is missing" },
    { NAME "sampel = { };" REST, "x.conf:2: ", "unknown key sampel; did you mean sample?" },
    { NAME "zzzzzzzzz = 1;" REST, "x.conf:2: ", "unknown key zzzzzzzzz; cfg/release.conf shows every key" },
    { NAME "name = \"y\";" REST, "x.conf:2: ", "duplicate" },
    { NAME "sample = 400;" REST, "x.conf:2: ", "sample takes a group" },
    { NAME "sample = {\nquick = -1; };" REST, "x.conf:3: ", "quick = -1 is outside 0..2147483647" },
    { NAME "sample = {\nquick = 1.5; };" REST, "x.conf:3: ", "quick takes a whole number" },
    { NAME "sample = {\nquik = 1; };" REST, "x.conf:3: ", "unknown key quik; did you mean quick?" },
    { NAME "sample = { quick = 5000000000; };" REST, "x.conf:2: ", "needs more than 32 bits" },
    { NAME "sis = { method = \"gradients\"; };" REST, "x.conf:2: ", "did you mean gradient?" },
    { NAME "sis = { method = 1; };" REST, "x.conf:2: ", "method takes a text in quotes" },
    { NAME "sis = { per_step = 0; };" REST, "x.conf:2: ", "per_step = 0 is outside 1.." },
    { NAME "sis = { candidates = 9; };" REST, "x.conf:2: ", "method = \"gradient\" has no use for candidates" },
    { NAME "sis = { method = \"backselect\"; per_step = 9; };" REST, "x.conf:2: ", "has no use for per_step" },
    { NAME "sis = { rank = \"margins\"; };" REST, "x.conf:2: ", "none of margin|probability; did you mean margin?" },
    { NAME "sis = { rank = \"marg\"; };" REST, "x.conf:2: ", "rank = \"marg\" is none of" },
    { NAME "sis = { baseline = \"white\"; };" REST, "x.conf:2: ", "none of mean|black|blur|noise|image-mean" },
    { NAME "sis = { thresholds = []; };" REST, "x.conf:2: ", "thresholds takes an array" },
    { NAME "sis = { thresholds = 0.5; };" REST, "x.conf:2: ", "thresholds takes an array" },
    { NAME "sis = { thresholds = [0.5, 0.5]; };" REST, "x.conf:2: ", "thresholds must rise" },
    { NAME "sis = { thresholds = [0.5, 1.0]; };" REST, "x.conf:2: ", "not between 0 and 1" },
    { NAME "sis = { thresholds = [\"a\"]; };" REST, "x.conf:2: ", "takes a number" },
    { CHECK("\"accurracy\";"), "x.conf:3: ", "unknown check accurracy; did you mean accuracy?" },
    { CHECK("\"qqqqqqqqqqqqqqq\";"), "x.conf:3: ", "validate model --list-checks lists them" },
    { CHECK("7;"), "x.conf:3: ", "check takes a text" },
    { CHECK("\"accuracy\";\nat_lest = 0.9;"), "x.conf:4: ", "unknown key at_lest; did you mean at_least?" },
    { CHECK("\"accuracy\";\nthreshold = 0.9;"), "x.conf:4: ", "accuracy has no use for threshold; it takes none of" },
    { CHECK("\"sis.size\";\nwidth = 2;"), "x.conf:4: ", "sis.size has no use for width; it takes threshold" },
    { CHECK("\"border.share\";\nfraction = 0.1;"), "x.conf:4: ", "it takes threshold and width" },
    { CHECK("\"sis.size\"; threshold = 0;"), "x.conf:3: ", "threshold = 0 is not between 0 and 1" },
    { CHECK("\"sis.size\"; threshold = 1;"), "x.conf:3: ", "threshold = 1 is not between 0 and 1" },
    { CHECK("\"sis.size\"; threshold = 1e400;"), "x.conf:3: ", "threshold = inf is not between" },
    { CHECK("\"sis.size\"; threshold = 0.3333333333333333;"), "x.conf:3: ", "more than 15 digits" },
    { CHECK("\"border.share\"; width = 0;"), "x.conf:3: ", "width = 0 is outside 1.." },
    { CHECK("\"border.share\"; width = 1.5;"), "x.conf:3: ", "width takes a whole number" },
    { CHECK("\"accuracy\"; at_least = 90;"), "x.conf:3: ", "at_least = 90 is outside 0..1; it is a share" },
    { CHECK("\"accuracy\"; at_least = \"90\";"), "x.conf:3: ", "at_least takes a number" },
    { CHECK("\"accuracy\"; at_least = 1e999;"), "x.conf:3: ", "at_least = inf is outside 0..1" },
    { CHECK("\"border.share\"; at_most = -1;"), "x.conf:3: ", "it is a ratio" },
    { CHECK("\"border.accuracy\"; at_most = 2;"), "x.conf:3: ", "it is a difference of shares" },
    { CHECK("\"accuracy\";\nat_most = 0.9;"), "x.conf:4: ", "accuracy is better when it is large; write at_least" },
    { CHECK("\"calibration\";\nat_least = 0.9;"), "x.conf:4: ", "is better when it is small; write at_most" },
    { CHECK("\"accuracy\"; at_least = 0.9;\nat_most = 0.9;"), "x.conf:4: ", "at_most is a second limit" },
    { CHECK("\"accuracy\";\ngates = true;"), "x.conf:4: ", "gates = true needs a limit" },
    { CHECK("\"accuracy\";\ngates = 1;"), "x.conf:4: ", "gates takes true or false" },
    { NAME "checks = ( { check = \"sis.size\"; },\n{ check = \"sis.size\"; threshold = 0.99; } );",
      "x.conf:3: ", "sis.size@0.99 is there already, in line 2" },
    { NAME "checks = ( { check = \"accuracy\"; }\n{ } );", "x.conf:3: ", "syntax error; cfg/release.conf shows" },
    { "@include \"/etc/passwd\"\n", "x.conf:1: ", "@ is not allowed" },
};

Test(policy, refuses_with_file_line_and_cause)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct policy *p = NULL;
        cr_expect_not(parse(refused[i].text, &p), "case %zu was accepted: %s", i, refused[i].text);
        cr_expect_eq(err.status, EXIT_USAGE, "case %zu", i);
        cr_expect(strncmp(err.text, refused[i].place, strlen(refused[i].place)) == 0, "case %zu: %s, not at %s", i,
                  err.text, refused[i].place);
        cr_expect(strstr(err.text, refused[i].cause), "case %zu: %s, not %s", i, err.text, refused[i].cause);
    }
}

Test(policy, a_waiver_names_a_check_and_a_reason)
{
    struct policy *p = parsed("name = \"x\"; checks = ( { check = \"accuracy\"; }, { check = \"sis.size\"; },\n"
                              "{ check = \"sis.size\"; threshold = 0.5; } );");
    struct waiver w;
    cr_assert(policy_waiver(p, "sis.size@0.5=known: a = b", &w, &err), "%s", err.text);
    cr_assert_str_eq(w.id, "sis.size@0.5");
    cr_assert_str_eq(w.reason, "known: a = b");
    free(w.id);
    free(w.reason);
    static const struct {
        const char *text, *cause;
    } bad[] = {
        { "accuracy", "a reason is missing" },
        { "accuracy=", "a reason is missing" },
        { "accuracy= \t", "a reason is missing" },
        { "accuracies=x", "x.conf has no such check; did you mean accuracy?" },
        { "sis.size=x", "did you mean sis.size@0.99?" },
        { "=x", "no such check; its checks" },
        { "border.share@1=x", "no such check" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(policy_waiver(p, bad[i].text, &w, &err), "%s", bad[i].text);
        cr_expect(strstr(err.text, bad[i].cause) && err.status == EXIT_USAGE, "%s", err.text);
    }
    policy_free(p);
}

/* The shipped policies ask the same; one of them gates. */
Test(policy, what_trains_networks_is_left_out_without_full)
{
    static const char text[] = "name = \"t\"; checks = ( { check = \"border.twin\"; width = 3; at_most = 0.0; }, "
                               "{ check = \"accuracy\"; at_least = 0.5; }, { check = \"border.twin\"; }, "
                               "{ check = \"calibration\"; } );";
    struct policy *p;
    struct waiver w;

    cr_assert(policy_parse(&policy_of_models, "x.conf", text, strlen(text), &p, &err), "%s", err.text);
    cr_assert(policy_waiver(p, "border.twin@3=known", &w, &err), "%s", err.text);
    free(w.id);
    free(w.reason);
    policy_choose(p, true, true);
    cr_expect(p->n == 4 && p->n_left_out == 0);
    policy_choose(p, false, true);
    cr_expect(p->n == 2 && p->n_left_out == 2);
    static const char *const order[] = { "accuracy", "calibration", "border.twin@3", "border.twin@2" };
    for (int i = 0; i < 4; i++)
        cr_expect_str_eq(p->check[i].id, order[i]);
    policy_free(p);
}

Test(policy, what_compares_splits_is_left_out_where_there_is_one)
{
    struct policy *p;

    cr_assert(policy_read(&policy_of_datasets, "cfg/dataset.conf", &p, &err), "%s", err.text);
    int all = p->n;
    policy_choose(p, true, false);
    cr_expect(p->n == all - 2 && p->n_left_out == 2);
    cr_expect_str_eq(p->check[p->n].id, "duplicates.across");
    cr_expect_str_eq(p->check[p->n + 1].id, "split.shift");
    policy_free(p);
}

Test(policy, shipped_policies_are_valid_and_ask_the_same)
{
    struct policy *release, *report;
    cr_assert(policy_read(&policy_of_models, "cfg/release.conf", &release, &err), "%s", err.text);
    cr_assert(policy_read(&policy_of_models, "cfg/report_only.conf", &report, &err), "%s", err.text);
    cr_assert_eq(release->n, report->n);
    int gating = 0;
    for (int i = 0; i < release->n; i++) {
        const struct policy_check *a = &release->check[i], *b = &report->check[i];
        cr_expect_str_eq(a->id, b->id);
        cr_expect(a->side == b->side && a->limit == b->limit, "%s", a->id);
        cr_expect(!b->gates, "%s", b->id);
        gating += a->gates;
    }
    cr_expect(gating >= 5);
    cr_expect_not(check_of(release, "wrong.class@0.99")->gates);
    for (const struct check_type *type = check_types; type->kind; type++) {
        bool there = false;
        for (int i = 0; i < release->n; i++)
            there = there || release->check[i].type == type;
        cr_expect(there, "cfg/release.conf lacks %s", type->kind);
    }
    policy_free(release);
    policy_free(report);
}

/* --- policies for comparisons ------------------------------------------------------------------------------------- */

static bool parse_comparison(const char *text, struct policy **out)
{
    err = (struct err){ 0 };
    return policy_parse(&policy_of_comparisons, "x.conf", text, strlen(text), out, &err);
}

Test(policy, a_comparison_has_margins_in_the_place_of_limits)
{
    struct policy *p = NULL;
    cr_assert(parse_comparison("name = \"c\"; require = \"no_worse\"; checks = (\n"
                               "  { check = \"sis.size\"; threshold = 0.9; no_worse_than = 0.02; },\n"
                               "  { check = \"border.share\"; width = 2; no_worse_than = 0.3; gates = false; },\n"
                               "  { check = \"rubbish\"; } );\n",
                               &p),
              "%s", err.text);
    cr_assert_eq(p->require, REQUIRE_NO_WORSE);
    const struct policy_check *size = check_of(p, "sis.size@0.9"), *border = check_of(p, "border.share@2,0.99");
    cr_assert(size->gates && size->margin == 0.02 && size->side == SIDE_AT_LEAST && size->limit == -0.02);
    cr_assert(!border->gates && border->margin == 0.3 && border->side == SIDE_AT_MOST && border->limit == 0.3);
    const struct policy_check *rubbish = check_of(p, "rubbish");
    cr_assert(!rubbish->gates && isnan(rubbish->margin) && rubbish->side == SIDE_NONE);
    policy_free(p);
}

Test(policy, a_comparison_refuses_what_it_has_no_use_for)
{
    static const struct {
        const char *checks, *wanted;
    } bad[] = {
        { "{ check = \"sis.size\"; at_least = 0.1; }", "x.conf:2: unknown key at_least" },
        { "{ check = \"border.twin\"; no_worse_than = 0.1; }", "x.conf:2: unknown check border.twin" },
        { "{ check = \"rubbish\"; threshold = 0.9; no_worse_than = 0.1; }",
          "x.conf:2: rubbish has no use for threshold" },
        { "{ check = \"sis.size\"; no_worse_than = 1.5; }", "x.conf:2: no_worse_than = 1.5 is outside 0..1" },
        { "{ check = \"sis.size\"; no_worse_than = \"x\"; }", "x.conf:2: no_worse_than takes a number" },
        { "{ check = \"sis.size\"; gates = true; }", "x.conf:2: gates = true needs a limit; add no_worse_than" },
        { "{ check = \"sis.size\"; }", "x.conf:1: no question decides" },
        { "{ check = \"accuracy\"; no_worse_than = 0.01; }", "x.conf:1: require = \"better\", but no question" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct policy *p = NULL;
        char *text = mem_format("name = \"c\"; checks = (\n%s );\n", bad[i].checks);
        cr_assert_not(parse_comparison(text, &p), "%s was accepted", bad[i].checks);
        cr_assert_eq(err.status, EXIT_USAGE);
        cr_assert(strncmp(err.text, bad[i].wanted, strlen(bad[i].wanted)) == 0, "%s: %s", bad[i].checks, err.text);
        free(text);
    }
    struct policy *p = NULL;
    cr_assert_not(
        parse("name = \"m\"; require = \"better\"; checks = ( { check = \"accuracy\"; at_least = 0.9; } );\n", &p));
    cr_assert_not_null(strstr(err.text, "x.conf:1: unknown key require"), "%s", err.text);
}

Test(policy, the_shipped_comparison_asks_for_better_and_guards_accuracy)
{
    struct policy *p = NULL;
    cr_assert(policy_read(&policy_of_comparisons, "cfg/compare.conf", &p, &err), "%s", err.text);
    cr_assert_eq(p->require, REQUIRE_BETTER);
    cr_assert(check_of(p, "sis.size@0.99")->gates && check_of(p, "accuracy")->gates);
    cr_assert(check_of(p, "accuracy")->type->guards && !check_of(p, "sis.size@0.99")->type->guards);
    for (int i = 0; i < p->n; i++)
        cr_assert(p->check[i].margin > 0 || !p->check[i].gates, "%s decides without a margin", p->check[i].id);
    policy_free(p);
}

Test(policy, a_missing_file_is_named)
{
    struct policy *p;
    cr_assert_not(policy_read(&policy_of_models, "no/such.conf", &p, &err));
    cr_assert(strstr(err.text, "no/such.conf"), "%s", err.text);
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
}
