/* What a comparison shows: page, terminal, model card, JSON and JUnit say the same, and only what was measured. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/compare_fixture.h"
#include "tests/data_fixture.h"
#include "tests/page.h"
#include "validate/report/compare_parts.h"
#include "validate/report/compare_save.h"

enum { SAMPLES = 6 };
static const char *const sample_name[SAMPLES] = { "error", "undecided", "better", "several", "empty", "hostile" };

static struct comparison sample(int i)
{
    switch (i) {
    case 0: return fixture_comparison(1, 0.1);
    case 1: return fixture_comparison_clean(1, -0.3);
    case 2: return fixture_comparison_clean(1, 1);
    case 3: return fixture_comparison_clean(3, -0.6);
    case 4: return fixture_comparison_empty();
    default: return fixture_comparison_hostile();
    }
}

static char *render(const struct comparison *c, void (*write)(const struct comparison *c, FILE *out))
{
    write(c, markup_stream());
    return markup_written();
}

static void write_terminal(const struct comparison *c, FILE *out)
{
    comparison_terminal(c, out, false);
}

static void write_junit(const struct comparison *c, FILE *out)
{
    report_junit(&c->report, out);
}

static int count_in(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

Test(report_compare, every_page_holds)
{
    for (int i = 0; i < SAMPLES; i++) {
        struct comparison c = sample(i);
        char *page = render(&c, comparison_html);
        page_must_hold(page);
        cr_assert_lt(strlen(page), 600000U, "%s", sample_name[i]);
        free(page);
        comparison_free(&c);
    }
}

/* Each number of a row is spelled once, and stands so wherever the row does. */
static void check_row(const struct comparison *c, int row, const char *const *document, int n)
{
    struct pair_text t = pair_text_of(c, row);
    const char *const number[] = { t.a, t.b, t.change, t.interval, t.loss };
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < sizeof number / sizeof *number; i++)
            cr_assert(strstr(document[k], number[i]), "%s: %s is missing in document %d", c->report.check[row].id,
                      number[i], k);
    cr_assert(c->paired[row].change == CHANGE_ERROR || strstr(c->report.check[row].found, t.change));
    cr_assert(c->paired[row].change == CHANGE_ERROR || strstr(c->report.check[row].found, t.interval));
    pair_text_free(&t);
}

Test(report_compare, page_terminal_and_card_print_the_same_numbers)
{
    for (int i = 0; i < 4; i++) {
        struct comparison c = sample(i);
        char *page = render(&c, comparison_html), *lines = render(&c, write_terminal);
        char *card = render(&c, comparison_markdown);
        const char *const document[] = { page, lines, card };
        for (int row = 0; row < c.report.n_checks; row++)
            check_row(&c, row, document, 3);
        for (int k = 0; k < 3; k++)
            cr_expect(strstr(document[k], report_word(&c.report)));
        free(page);
        free(lines);
        free(card);
        comparison_free(&c);
    }
}

Test(report_compare, each_value_stands_below_its_model)
{
    struct comparison c = sample(2);
    char *page = render(&c, comparison_html), *lines = render(&c, write_terminal);
    char *card = render(&c, comparison_markdown);
    struct pair_text t = pair_text_of(&c, 0);
    char *cells = mem_format("data-label=\"resnet20:\">%s</td><td role=\"cell\" class=\"number\" "
                             "data-label=\"ensemble3:\">%s</td><td role=\"cell\">%s<br>",
                             t.a, t.b, t.change);
    char *row = mem_format("| %s | %s | %s ", t.a, t.b, t.change);
    const char *line = strstr(lines, "sis.size@0.99");
    cr_expect(strstr(page, cells), "%s", cells);
    cr_expect(strstr(card, row), "%s", row);
    cr_expect_lt(strstr(line, t.a), strstr(line, t.b));
    cr_expect_lt(strstr(line, t.b), strstr(line, t.change));
    free(row);
    free(cells);
    pair_text_free(&t);
    free(card);
    free(lines);
    free(page);
    comparison_free(&c);
}

Test(report_compare, what_does_not_decide_is_reported)
{
    struct comparison c = sample(2);
    char *word = compare_word(&c, 4), *counts = compare_counts(&c, 1);
    cr_assert_not(c.report.check[4].gates);
    cr_expect_str_eq(word, "reported: worse");
    cr_expect_str_eq(counts, "4 better, 1 reported");
    cr_expect(strstr(c.report.check[4].means, "The policy does not let this question decide."));
    free(counts);
    free(word);
    comparison_free(&c);
}

Test(report_compare, json_holds_what_the_page_shows)
{
    struct comparison c = sample(0);
    json_t *j = comparison_json(&c), *checks = json_object_get(j, "checks");
    cr_assert_eq(json_array_size(checks), (size_t)c.report.n_checks);
    for (int row = 0; row < c.report.n_checks; row++) {
        const json_t *check = json_array_get(checks, (size_t)row), *pairs = json_object_get(check, "pairs");
        const struct paired *p = &c.paired[row];
        cr_expect_str_eq(json_string_value(json_object_get(pairs, "change")), change_name(p->change));
        cr_expect_eq(json_array_size(json_object_get(pairs, "candidate_values")), (size_t)p->n);
        bool error = p->change == CHANGE_ERROR;
        cr_expect_eq(json_is_null(json_object_get(check, "value")), error);
        const json_t *b = json_object_get(json_object_get(pairs, "candidate_value"), "value");
        cr_expect(error || json_number_value(b) == p->b.value);
    }
    const json_t *models = json_object_get(json_object_get(j, "comparison"), "models");
    cr_expect_eq(json_array_size(models), 2U);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(models, 1), "verdict")), "not known");
    cr_expect_str_eq(json_string_value(json_object_get(j, "kind")), "compare");
    json_decref(j);
    comparison_free(&c);
}

/* The number that stands directly before a word, or -1. */
static int number_before(const char *text, const char *word)
{
    const char *end = strstr(text, word);
    const char *p = end ? end - 1 : text;
    while (p > text && isdigit((unsigned char)p[-1]))
        p--;
    return end && *p != ' ' ? (int)strtol(p, NULL, 10) : -1;
}

Test(report_compare, counts_in_margin_caption_and_table_agree)
{
    for (int i = 0; i < 3; i++) {
        struct comparison c = sample(i);
        char *page = render(&c, comparison_html), *caption = markup_between(page, "<caption>", ". Both");
        char *margin = markup_between(page, "aria-label=\"Count of results\"", "</aside>");
        char *rows = markup_between(page, "class=\"pairs\"", "</table>");
        int sum = 0;
        for (int k = 0; k < COMPARE_OUTCOMES; k++) {
            int n = compare_count(&c, 0, k);
            char *words = mem_format(" %s</span>", compare_outcomes[k].counted);
            char *row = mem_format("<span>%s", compare_outcomes[k].word);
            char *counted = mem_format(" %s", compare_outcomes[k].counted);
            cr_expect_eq(number_before(margin, words + 1), n ? n : -1, "%s", words);
            cr_expect_eq(number_before(caption, counted + 1), n ? n : -1, "%s: %s", counted, caption);
            cr_expect_eq(count_in(rows, row), n, "%s", row);
            sum += n;
            free(counted);
            free(row);
            free(words);
        }
        cr_expect_eq(sum, c.report.n_checks);
        free(rows);
        free(margin);
        free(caption);
        free(page);
        comparison_free(&c);
    }
}

Test(report_compare, the_headline_follows_the_verdict)
{
    static const struct {
        double gain;
        const char *word;
        enum exit_status status;
    } wanted[] = { { 1, "yes", EXIT_OK }, { -1, "no", EXIT_FAILED_CHECK }, { 0, "not shown", EXIT_INCONCLUSIVE } };
    for (int i = 0; i < 3; i++) {
        struct comparison c = fixture_comparison_clean(1, wanted[i].gain);
        cr_expect_eq(c.report.verdict, wanted[i].status);
        cr_expect_str_eq(report_word(&c.report), wanted[i].word);
        cr_expect_str_eq(compare_verdict(&c, 1), wanted[i].word);
        comparison_free(&c);
    }
}

static void forget_summary(struct report *r)
{
    free(r->lead);
    for (int i = 0; i < r->n_steps; i++) {
        free(r->step[i].text);
        free(r->step[i].command);
    }
    free(r->step);
    r->n_steps = 0;
}

/* Decided and described again after a change by hand. */
static void again(struct comparison *c)
{
    static char *words[] = { (char *)"validate", (char *)"compare", (char *)"a", (char *)"b" };
    forget_summary(&c->report);
    for (int i = 0; i < c->report.n_checks; i++) {
        struct check *check = &c->report.check[i];
        free(check->found);
        free(check->means);
        free(check->act);
        free(check->fact.heading);
        free(check->fact.sentence);
        for (int k = 0; k < check->fact.n_pictures; k++)
            picture_free(&check->fact.picture[k]);
        check->found = check->means = check->act = NULL;
        check->fact = (struct fact){ 0 };
    }
    int pictures = c->n_pictures;
    c->n_pictures = 0; /* the gallery stays */
    comparison_decide(c);
    comparison_describe(c, 4, words);
    c->n_pictures = pictures;
}

static void set_change(struct comparison *c, int row, enum change change)
{
    static const enum check_status status[] = { CHECK_PASS, CHECK_PASS, CHECK_FAIL, CHECK_INCONCLUSIVE, CHECK_ERROR };
    c->paired[row].change = change;
    c->report.check[row].status = c->report.check[row].gates ? status[change] : CHECK_REPORTED;
}

Test(report_compare, no_worse_is_not_called_less)
{
    struct comparison c = sample(2);
    for (int i = 0; i < c.report.n_checks; i++)
        set_change(&c, i, CHANGE_NO_WORSE);
    c.needs_better = false;
    again(&c);
    cr_expect_eq(c.report.verdict, EXIT_OK);
    cr_expect_str_eq(report_word(&c.report), "no worse");
    cr_expect(strstr(c.report.lead, "is not shown; this policy does not ask for it"), "%s", c.report.lead);
    set_change(&c, 0, CHANGE_BETTER);
    again(&c);
    cr_expect_str_eq(report_word(&c.report), "yes");
    comparison_free(&c);
}

Test(report_compare, being_right_more_often_is_no_evidence)
{
    struct comparison c = sample(2);
    for (int i = 0; i < c.report.n_checks; i++)
        set_change(&c, i, c.paired[i].guards ? CHANGE_BETTER : CHANGE_NO_WORSE);
    again(&c);
    cr_expect_eq(c.report.verdict, EXIT_INCONCLUSIVE);
    cr_expect(strstr(c.report.lead, "ensemble3 is more often right than resnet20"), "%s", c.report.lead);
    cr_expect(strstr(c.report.lead, "what it gains is no evidence of better reasons"), "%s", c.report.lead);
    for (int i = 0; i < c.report.n_checks; i++)
        cr_expect_eq(strstr(c.report.check[i].means, "no evidence of better reasons") != NULL, c.paired[i].guards);
    comparison_free(&c);
}

Test(report_compare, facts_are_the_worst_then_the_reasons_then_guards)
{
    struct comparison c = sample(2);
    set_change(&c, 3, CHANGE_WORSE); /* accuracy, a guard */
    again(&c);
    char *page = render(&c, comparison_html), *facts = markup_between(page, "<ol class=\"facts\"", "</ol>");
    const char *first = strstr(facts, "<h2>Less often right"), *second = strstr(facts, "<h2>It needs more");
    cr_expect(first && first < second);
    free(facts);
    free(page);
    set_change(&c, 3, CHANGE_BETTER);
    again(&c);
    page = render(&c, comparison_html), facts = markup_between(page, "<ol class=\"facts\"", "</ol>");
    cr_expect_null(strstr(facts, "right"));
    cr_expect_eq(count_in(facts, "<li>"), 3);
    free(facts);
    free(page);
    comparison_free(&c);
}

Test(report_compare, neighbours_are_shown_where_the_models_part)
{
    struct comparison c = sample(2);
    const struct fact *f = &c.report.check[2].fact;
    struct picture whole = { 0 }, part = { 0 };
    cr_assert_eq(f->n_pictures, 3);
    cr_expect_str_eq(f->picture[1].caption, "resnet20, with neighbours: lost");
    cr_expect_str_eq(f->picture[2].caption, "ensemble3, with neighbours: stays");
    int i = 0, grown = 0, own = 0;
    do
        picture_free(&whole), c.show(c.shower, i, -1, &whole);
    while (memcmp(whole.pixels, f->picture[0].pixels, 3 * (size_t)c.pixels) != 0 && ++i < c.n_pictures);
    c.show(c.shower, i, 1, &part);
    for (int k = 0; k < c.pixels; k++) {
        bool shown = memcmp(f->picture[2].pixels + 3 * k, whole.pixels + 3 * k, 3) == 0;
        bool hidden = memcmp(f->picture[2].pixels + 3 * k, part.pixels + 3 * k, 3) == 0;
        cr_assert(shown || hidden);
        grown += shown;
        own += memcmp(part.pixels + 3 * k, whole.pixels + 3 * k, 3) == 0;
    }
    cr_expect_gt(grown, 2 * own);
    picture_free(&part);
    picture_free(&whole);
    comparison_free(&c);
}

Test(report_compare, what_is_undecided_asks_for_pictures_by_a_command)
{
    struct comparison c = sample(1);
    static char *words[] = { (char *)"validate", (char *)"compare", (char *)"runs/a b", (char *)"runs/c",
                             (char *)"--images", (char *)"120",     (char *)"--resume", (char *)"--seed=2" };
    struct report *r = &c.report;
    for (int i = 0; i < r->n_checks; i++) /* as if 40 pictures had given 20 pairs, and 100 were needed */
        if (r->check[i].status == CHECK_INCONCLUSIVE) {
            r->check[i].estimate.n = 20;
            r->check[i].needed = 100;
        }
    forget_summary(r);
    cr_assert(report_count(r, CHECK_INCONCLUSIVE) > 0);
    compare_summary(&c, 8, words);
    bool found = false;
    for (int i = 0; i < r->n_steps; i++)
        found |=
            r->step[i].command &&
            strcmp(r->step[i].command, "validate compare 'runs/a b' runs/c --seed=2 --images 200 --overwrite") == 0;
    cr_expect(found);
    comparison_free(&c);
}

Test(report_compare, each_candidate_has_its_table_and_its_verdict)
{
    struct comparison c = sample(3);
    char *page = render(&c, comparison_html), *lines = render(&c, write_terminal);
    cr_expect_eq(count_in(page, "<table role=\"table\" class=\"pairs\">"), 3);
    cr_expect_eq(count_in(page, "In each strip the dot"), 1);
    for (int k = 1; k <= 3; k++) {
        char *line = mem_format("%c %s: %s (", c.subject[k].letter, c.subject[k].name, compare_verdict(&c, k));
        char *link = mem_format("href=\"#checks-%d\"", k);
        cr_expect(strstr(lines, line), "%s", line);
        cr_expect(strstr(page, link));
        free(link);
        free(line);
    }
    free(lines);
    free(page);
    comparison_free(&c);
}

Test(report_compare, costs_are_told_beside_those_of_the_baseline)
{
    struct comparison c = sample(2);
    char *page = render(&c, comparison_html), *costs = markup_between(page, "id=\"costs\"", "</table>");
    cr_expect(strstr(costs, "6 h 3 min<br><small>3.0\u00d7 A; 2 threads"), "%s", costs);
    cr_expect(strstr(costs, "809,166<br><small>3.0\u00d7 A; 3 members"));
    cr_expect(strstr(costs, "420 \u00b5s<br><small>quartiles 410 \u00b5s to 440 \u00b5s"));
    free(costs);
    free(page);
    c.subject[0].memory_bytes = NAN;
    page = render(&c, comparison_html), costs = markup_between(page, "id=\"costs\"", "</table>");
    cr_expect(strstr(costs, "data-label=\"Memory:\">not known</td>"));
    cr_expect(strstr(costs, "data-label=\"Memory:\">37 MB</td>"));
    free(costs);
    free(page);
    comparison_free(&c);
}

Test(report_compare, junit_counts_what_is_worse_and_what_is_open)
{
    struct comparison c = sample(3);
    char *text = render(&c, write_junit);
    struct markup m = markup_read(text);
    cr_assert_str_empty(m.problem, "%s", m.problem);
    cr_expect_eq(markup_count(&m, "failure", "type", "fail"), compare_count(&c, 0, 0));
    cr_expect_eq(markup_count(&m, "error", "type", "inconclusive"), compare_count(&c, 0, 2));
    cr_expect_eq(markup_count(&m, "skipped", NULL, NULL), 3);
    cr_expect(strstr(text, "of those of resnet20_dropout") || strstr(text, "resnet20_dropout needs"));
    markup_free(&m);
    free(text);
    comparison_free(&c);
}

Test(report_compare, names_reach_neither_terminal_nor_table)
{
    struct comparison c = sample(5);
    free(c.subject[1].name);
    c.subject[1].name = mem_string("\033[2Jx\n| y");
    char *lines = render(&c, write_terminal), *card = render(&c, comparison_markdown);
    cr_expect_null(strchr(lines, '\033'));
    cr_expect_null(strchr(lines, '\001'));
    for (const char *line = card; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        int bars = 0;
        for (const char *p = line; *p && *p != '\n'; p++)
            bars += *p == '|' && (p == line || p[-1] != '\\');
        cr_expect(*line != '|' || bars == 9 || bars == 6, "%.80s", line);
    }
    free(card);
    free(lines);
    comparison_free(&c);
}

Test(report_compare, all_four_files_are_saved, .init = fixture_set_up, .fini = fixture_clean_up)
{
    static const char *const name[] = { "report.json", "compare.html", "report.md", "report.xml" };
    for (int i = 0; i < SAMPLES; i++) {
        struct comparison c = sample(i);
        struct err err;
        const char *directory = fixture_path(sample_name[i]);
        cr_assert(comparison_save(&c, directory, &err), "%s", err.text);
        for (int k = 0; k < 4; k++) {
            char *path = file_join(directory, name[k]);
            cr_expect(file_exists(path), "%s", path);
            free(path);
        }
        comparison_free(&c);
    }
}

/* For looking at: REPORT_SAMPLE=/folder writes the samples there. */
Test(report_compare, writes_samples_when_asked)
{
    const char *folder = getenv("REPORT_SAMPLE");
    for (int i = 0; folder && i < SAMPLES; i++) {
        struct comparison c = sample(i);
        struct err err;
        char *directory = mem_format("%s/%s", folder, sample_name[i]);
        cr_assert(comparison_save(&c, directory, &err), "%s", err.text);
        comparison_terminal(&c, stdout, false);
        free(directory);
        comparison_free(&c);
    }
}
