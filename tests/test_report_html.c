/* The page as a document: what holds for every report, whatever is in it. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/page.h"
#include "tests/report_fixture.h"
#include "validate/report/report.h"
#include "validate/report/words.h"

static char *render(const struct report *r)
{
    report_html(r, markup_stream());
    return markup_written();
}

static struct report sample(int i)
{
    return i == 0 ? fixture_report() : i == 1 ? fixture_report_empty() : fixture_report_hostile();
}
enum { SAMPLES = 3 };

/* Calls check() with the page of each sample. */
static void for_each(void (*check)(const struct report *r, const char *page, const struct markup *m))
{
    for (int i = 0; i < SAMPLES; i++) {
        struct report r = sample(i);
        char *page = render(&r);
        struct markup m = markup_read(page);
        check(&r, page, &m);
        markup_free(&m);
        free(page);
        report_free(&r);
    }
}

static void check_tags(const struct report *r, const char *page, const struct markup *m)
{
    (void)r, (void)page;
    page_closes_every_tag(m);
}

Test(report_html, every_tag_is_closed)
{
    for_each(check_tags);
}

static void check_ids(const struct report *r, const char *page, const struct markup *m)
{
    (void)r, (void)page;
    page_links_lead_somewhere(m);
}

Test(report_html, ids_are_unique_and_every_link_has_a_target)
{
    for_each(check_ids);
}

static void check_labels(const struct report *r, const char *page, const struct markup *m)
{
    (void)r, (void)page;
    page_tells_who_cannot_see(m);
}

Test(report_html, who_cannot_see_a_picture_or_a_chart_is_told)
{
    for_each(check_labels);
}

static void check_headings(const struct report *r, const char *page, const struct markup *m)
{
    (void)r, (void)page;
    page_skips_no_heading(m);
}

Test(report_html, heading_levels_never_skip)
{
    for_each(check_headings);
}

static void check_sources(const struct report *r, const char *page, const struct markup *m)
{
    (void)r;
    page_loads_and_runs_nothing(page, m);
}

Test(report_html, nothing_is_loaded_from_elsewhere_and_nothing_runs)
{
    for_each(check_sources);
}

static void check_numbers(const struct report *r, const char *page, const struct markup *m)
{
    (void)r, (void)page;
    page_prints_numbers_only(m);
}

Test(report_html, no_number_is_printed_that_is_none)
{
    for_each(check_numbers);
}

static void check_widths(const struct report *r, const char *page, const struct markup *m)
{
    (void)r, (void)page;
    page_is_narrow(m);
}

Test(report_html, nothing_is_wider_than_a_chart)
{
    for_each(check_widths);
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

static char *between(const char *page, const char *from, const char *to)
{
    const char *start = strstr(page, from);
    cr_assert(start && strstr(start, to), "%s", from);
    return mem_format("%.*s", (int)(strstr(start, to) - start), start);
}

static void check_counts(const struct report *r, const char *page, const struct markup *m)
{
    char *margin = between(page, "aria-label=\"Count of results\"", "</aside>");
    char *caption = r->n_checks ? between(page, "<caption>", "</caption>") : mem_string("");
    int sum = 0;
    for (int i = 0; i < N_STATUSES; i++) {
        const char *name = check_status_name(words_statuses[i]), *counted = words_counted(words_statuses[i]);
        char *css = mem_format("status %s", name);
        int n = report_count(r, words_statuses[i]);
        /* once in the margin, and for each check in its row and beside its section */
        cr_assert_eq(markup_count(m, "span", "class", css), n ? 1 + 2 * n : 0, "%s", name);
        char *word = mem_format("%s</span>", counted);
        cr_assert_eq(number_before(margin, word), n ? n : -1, "margin: %s", counted);
        cr_assert_eq(number_before(caption, counted), n ? n : -1, "caption: %s", counted);
        sum += n;
        free(word);
        free(css);
    }
    cr_assert_eq(sum, r->n_checks);
    cr_assert_eq(number_before(margin, "checks"), r->n_checks);
    cr_assert_eq(markup_count(m, "th", "scope", "row"), r->n_checks);
    free(margin);
    free(caption);
}

Test(report_html, counts_in_margin_caption_and_table_agree)
{
    for_each(check_counts);
}

Test(report_html, same_report_gives_same_bytes)
{
    struct report a = fixture_report(), b = fixture_report();
    char *page = render(&a), *again = render(&b);
    cr_assert_str_eq(page, again);
    free(page);
    free(again);
    report_free(&a);
    report_free(&b);
}

Test(report_html, a_page_stays_small)
{
    struct report r = fixture_report();
    char *page = render(&r);
    cr_assert_lt(strlen(page), 300000u);
    report_free(&r);
    free(page);
}

Test(report_html, every_status_has_a_mark_of_its_own)
{
    struct report r = fixture_report();
    char *page = render(&r);
    struct markup m = markup_read(page);
    for (int i = 0; i < N_STATUSES; i++) {
        char *id = mem_format("mark-%s", check_status_name(words_statuses[i]));
        char *link = mem_format("#%s", id);
        cr_assert_eq(markup_count(&m, "symbol", "id", id), 1);
        cr_assert_geq(markup_count(&m, "use", "href", link), 3);
        free(id);
        free(link);
    }
    markup_free(&m);
    free(page);
    report_free(&r);
}

Test(report_html, facts_come_from_the_worst_checks_one_of_each_kind)
{
    struct report r = fixture_report();
    char *page = render(&r);
    const char *dilation = strstr(page, "<h2>More evidence, less sure"), *ring = strstr(page, "<h2>The outermost ring");
    const char *size = strstr(page, "<h2>One pixel in eleven"), *next = strstr(page, "id=\"next\"");
    cr_assert(dilation && dilation < ring && ring < size && size < next);
    free(page);
    free(r.check[1].kind);
    r.check[1].kind = mem_string("dilation"); /* has no fact: the kind is still free */
    free(r.check[2].kind);
    r.check[2].kind = mem_string("dilation");
    page = render(&r);
    cr_assert(strstr(page, "<h2>More evidence, less sure"));
    cr_assert_null(strstr(page, "<h2>The outermost ring"));
    free(page);
    report_free(&r);
}

Test(report_html, sections_follow_the_table)
{
    struct report r = fixture_report();
    char *page = render(&r);
    int order[32];
    report_order(&r, order);
    const char *row = strstr(page, "<tbody"), *section = strstr(page, "What each check found");
    for (int i = 0; i < r.n_checks; i++) {
        char *link = mem_format("href=\"#check.%s\"", r.check[order[i]].id);
        char *id = mem_format("<section class=\"part\" id=\"check.%s\"", r.check[order[i]].id);
        cr_assert((row = strstr(row, link)), "%s", link);
        cr_assert((section = strstr(section, id)), "%s", id);
        free(link);
        free(id);
    }
    free(page);
    report_free(&r);
}

Test(report_html, a_command_never_breaks_inside_a_word)
{
    struct report r = fixture_report();
    char *page = render(&r);
    cr_assert(strstr(page, "<span>--only</span> <span>corrupt</span> <span>--resume</span></code>"));
    cr_assert(strstr(page, "<span>tools/get-dataset</span> <span>cifar10-c</span></code>"));
    free(page);
    report_free(&r);
}

Test(report_html, a_waiver_takes_the_place_of_the_advice_and_shows_what_it_hides)
{
    struct report r = fixture_report();
    char *page = render(&r);
    cr_assert(strstr(page, "<small>Without the waiver: fail. The policy fixes the filling; see issue 118.</small>"));
    const char *section = strstr(page, "id=\"check.baseline.sensitivity@0.99\"");
    const char *end = strstr(section, "</section>");
    char *part = mem_format("%.*s", (int)(end - section), section);
    cr_assert(strstr(part, "The policy fixes the filling; see issue 118."));
    cr_assert(strstr(part, "<dt>Otherwise</dt><dd>fail</dd>"));
    cr_assert_null(strstr(part, "<b>Do.</b>"));
    free(part);
    free(page);
    report_free(&r);
}

Test(report_html, a_large_picture_becomes_a_small_photograph)
{
    struct report r = fixture_report_hostile();
    char *page = render(&r);
    cr_assert(strstr(page, "src=\"data:image/jpeg;base64,/9j/"));
    report_free(&r);
    free(page);
    r = fixture_report();
    page = render(&r);
    cr_assert_null(strstr(page, "data:image/jpeg"));
    cr_assert(strstr(page, "src=\"data:image/png;base64,iVBORw0KGgo"));
    report_free(&r);
    free(page);
}

Test(report_html, a_picture_says_what_the_check_says_of_it)
{
    struct report r = fixture_report();
    char *page = render(&r);
    cr_assert(strstr(page, "alt=\"Only its deciding pixels\""));
    cr_assert(
        strstr(page, "alt=\"Heat map of all deciding pixels: dense along all four borders, thin in the middle\""));
    free(page);
    report_free(&r);
}

Test(report_html, a_heat_map_without_a_finite_value_has_a_key_all_the_same)
{
    struct report r = fixture_report_hostile();
    char *page = render(&r), *key = between(page, "<svg class=\"chart key\"", "</svg>");
    cr_assert(strstr(key, ">100%</text>"), "%s", key);
    free(key);
    free(page);
    report_free(&r);
}

/* For looking at: REPORT_SAMPLE=/folder writes the samples there. */
Test(report_html, writes_samples_when_asked)
{
    const char *folder = getenv("REPORT_SAMPLE");
    static const char *const name[SAMPLES] = { "sample", "empty", "hostile" };
    for (int i = 0; folder && i < SAMPLES; i++) {
        struct report r = sample(i);
        struct err err;
        char *directory = mem_format("%s/%s", folder, name[i]);
        cr_assert(report_save(&r, directory, &err), "%s", err.text);
        free(directory);
        report_free(&r);
    }
}
