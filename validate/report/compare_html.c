/* compare.html: the page of a comparison, from the blocks that all pages share and its own tables. */
#include "validate/report/compare_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/compare_save.h"
#include "validate/report/format.h"
#include "validate/report/html.h"
#include "validate/report/svg.h"

static void write_between(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    html_text(out, text);
    fputs(close, out);
}

/* --- several candidates --------------------------------------------------------------------------------------------
 */

static void write_candidates(const struct comparison *c, FILE *out)
{
    if (c->n_subjects <= 2)
        return;
    fprintf(out,
            "<h2 id=\"candidates\">%d candidates</h2>\n<table role=\"table\" class=\"lines\"><caption>Each against ",
            c->n_subjects - 1);
    html_text(out, compare_baseline(c));
    fputs(", on the same pictures. The intervals are made wide enough for all of them together.</caption><thead "
          "role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Candidate</th><th "
          "role=\"columnheader\" scope=\"col\">Overinterprets less</th><th role=\"columnheader\" scope=\"col\">Results"
          "</th></tr></thead><tbody role=\"rowgroup\">\n",
          out);
    for (int k = 1; k < c->n_subjects; k++) {
        char *counts = compare_counts(c, k);
        fprintf(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">%c <a href=\"#checks-%d\">",
                c->subject[k].letter, k);
        html_text(out, c->subject[k].name);
        fprintf(out,
                "</a></th><td role=\"cell\" data-label=\"Overinterprets less:\"><b class=\"%s\">%s</b></td><td "
                "role=\"cell\">%s</td></tr>\n",
                compare_verdict_class(c, k), compare_verdict(c, k), counts);
        free(counts);
    }
    fputs("</tbody></table>\n", out);
}

/* --- facts ---------------------------------------------------------------------------------------------------------
 */

/* The first candidate whose verdict is that of the whole. */
static int deciding_candidate(const struct comparison *c)
{
    for (int k = 1; k < c->n_subjects; k++)
        if (c->subject[k].verdict == c->report.verdict)
            return k;
    return 1;
}

/* What is worse, then the questions about its reasons, those with pictures first, then those that only guard. */
enum { FACT_RANKS = 4 };
static int fact_rank(const struct comparison *c, int row)
{
    const struct check *check = &c->report.check[row];
    return check->status == CHECK_FAIL ? 0 : c->paired[row].guards ? 3 : check->fact.n_pictures ? 1 : 2;
}

static void write_facts(const struct comparison *c, FILE *out)
{
    int *order = mem_alloc((size_t)c->report.n_checks, sizeof *order);
    int *first = mem_alloc((size_t)c->report.n_checks, sizeof *first), n = 0;
    int all = c->n_subjects > 1 ? compare_order(c, deciding_candidate(c), order) : 0;
    for (int rank = 0; rank < FACT_RANKS; rank++)
        for (int i = 0; i < all; i++)
            if (fact_rank(c, order[i]) == rank)
                first[n++] = order[i];
    html_facts(out, &c->report, first, n);
    free(first);
    free(order);
}

static void write_next(const struct comparison *c, FILE *out)
{
    struct html_count count[COMPARE_OUTCOMES];
    for (int i = 0; i < COMPARE_OUTCOMES; i++)
        count[i] =
            (struct html_count){ compare_outcomes[i].status, compare_outcomes[i].counted, compare_count(c, 0, i) };
    html_next(out, &c->report, "comparison", count, COMPARE_OUTCOMES);
}

/* --- the table -----------------------------------------------------------------------------------------------------
 */

static void write_cell(FILE *out, const char *label, const char *value)
{
    write_between(out, "<td role=\"cell\" class=\"number\" data-label=\"", label, ":\">");
    write_between(out, "", value, "</td>");
}

static void write_row(const struct comparison *c, FILE *out, int row)
{
    const struct check *check = &c->report.check[row];
    struct pair_text t = pair_text_of(c, row);
    char *id = html_id(&c->report, row), *word = compare_word(c, row);
    bool failed = c->paired[row].change == CHANGE_ERROR;
    fputs("<tr role=\"row\"><td role=\"cell\">", out);
    html_status(out, check->status, word);
    write_between(out, "</td><th role=\"rowheader\" scope=\"row\"><a href=\"#", id, "\">");
    write_between(out, "", html_title(check), "</a><br><small>");
    html_text(out, failed ? check->error : check->measure);
    fprintf(out, "%s</small></th>", !failed && c->paired[row].guards ? "; a guard" : "");
    write_cell(out, compare_baseline(c), t.a);
    write_cell(out, compare_candidate(c, row), t.b);
    fprintf(out, "<td role=\"cell\">%s<br><small>%s%s%s</small></td><td role=\"cell\">", t.change, t.interval,
            *t.interval ? ", " : "", t.n);
    if (!failed)
        svg_change(out, check);
    fputs("</td></tr>\n", out);
    free(word);
    free(id);
    pair_text_free(&t);
}

/* What the columns and strips mean; under several tables that is said once. */
static void write_caption(const struct comparison *c, FILE *out, int candidate)
{
    char *counts = compare_counts(c, candidate);
    fprintf(out, "<caption>%s.", counts);
    free(counts);
    if (candidate == 1) {
        fputs(" Both models see the same pictures. In each strip the dot is the change from ", out);
        write_between(out, "", compare_baseline(c), " to ");
        write_between(out, "", c->n_subjects > 2 ? "the candidate" : c->subject[candidate].name,
                      ", the line through it the interval");
        if (c->decisions > 1) {
            char *each = format_value(c->confidence, UNIT_SHARE, 1);
            fprintf(out, " (each of %s, so that all %d that decide hold together in 95%% of such comparisons)", each,
                    c->decisions);
            free(each);
        }
        fputs(", the short tick no change, and the grey band what is no worse. With the whole line on the band it is "
              "no worse, "
              "beyond the tall tick better, off the band worse. A guard can count against it, never for it.",
              out);
    }
    fputs("</caption>\n", out);
}

static void write_head(const struct comparison *c, FILE *out, int candidate)
{
    static const char column[] = "<th role=\"columnheader\" scope=\"col\">";
    fprintf(out, "<thead role=\"rowgroup\"><tr role=\"row\">%sResult</th>%sQuestion</th>", column, column);
    write_between(out, "<th role=\"columnheader\" scope=\"col\" class=\"number\">", compare_baseline(c), "</th>");
    write_between(out, "<th role=\"columnheader\" scope=\"col\" class=\"number\">", c->subject[candidate].name,
                  "</th>");
    fprintf(out, "%sChange <small>(%s, n)</small></th>%s<span class=\"unseen\">Strip</span></th></tr></thead>\n",
            column, compare_interval(c), column);
}

static void write_table(const struct comparison *c, FILE *out, int candidate)
{
    int *order = mem_alloc((size_t)c->report.n_checks, sizeof *order), n = compare_order(c, candidate, order);
    if (c->n_subjects > 2) {
        fprintf(out, "<h3 class=\"group\" id=\"checks-%d\">", candidate);
        write_between(out, "", c->subject[candidate].name, " against ");
        write_between(out, "", compare_baseline(c), "</h3>\n");
    }
    fputs("<table role=\"table\" class=\"pairs\">", out);
    write_caption(c, out, candidate);
    write_head(c, out, candidate);
    fputs("<tbody role=\"rowgroup\">\n", out);
    for (int i = 0; i < n; i++)
        write_row(c, out, order[i]);
    fputs("</tbody></table>\n", out);
    free(order);
}

static void write_tables(const struct comparison *c, FILE *out)
{
    fputs("<h2 id=\"checks\">", out);
    if (!c->report.n_checks) {
        fputs("No comparisons</h2>\n<p>No question was asked, so nothing is known.</p>\n", out);
        return;
    }
    fprintf(out, c->report.n_checks == 1 ? "The only comparison</h2>\n" : "All %d comparisons</h2>\n",
            c->report.n_checks);
    for (int k = 1; k < c->n_subjects; k++)
        write_table(c, out, k);
}

/* --- sections ------------------------------------------------------------------------------------------------------
 */

static void write_note(FILE *out, void *self, int row)
{
    const struct comparison *c = self;
    const struct check *check = &c->report.check[row];
    const struct paired *p = &c->paired[row];
    struct pair_text t = pair_text_of(c, row);
    bool failed = p->change == CHANGE_ERROR, rise = check->side == SIDE_AT_LEAST;
    char *word = compare_word(c, row), *needed = format_count(check->needed);
    char *more = mem_format("about %s", needed);
    bool open = check->status == CHECK_INCONCLUSIVE && check->needed > 0;
    fputs("<aside class=\"note pair\" aria-label=\"Result of this comparison\">", out);
    html_status(out, check->status, word);
    fprintf(out, "<p class=\"big\">%s<span>", failed ? "not run" : t.change);
    html_text(out, failed ? "" : check->measure);
    fputs("</span></p><dl>", out);
    html_entry(out, "Interval", t.interval);
    html_entry(out, compare_baseline(c), t.a);
    html_entry(out, compare_candidate(c, row), t.b);
    html_entry(out, "Better",
               failed || check->side == SIDE_NONE ? NULL
               : *t.gain                          ? t.gain
               : rise                             ? "above 0"
                                                  : "below 0");
    html_entry(out, "No worse", failed ? NULL : t.loss);
    html_entry(out, "n", t.n + strlen("n\u00a0=\u00a0"));
    html_entry(out, "Needed", open ? more : NULL);
    html_entry(out, "Decides", !check->gates ? "no, by the policy" : p->guards ? "only against it, as a guard" : NULL);
    fputs("</dl></aside>", out);
    free(more);
    free(needed);
    free(word);
    pair_text_free(&t);
}

static void write_sections(const struct comparison *c, FILE *out)
{
    int *order = mem_alloc((size_t)c->report.n_checks, sizeof *order);
    for (int k = 1; k < c->n_subjects; k++) {
        int n = compare_order(c, k, order);
        if (!n)
            continue;
        fputs("<h2>What each comparison found", out);
        if (c->n_subjects > 2)
            write_between(out, ": ", c->subject[k].name, "");
        fputs("</h2>\n", out);
        for (int i = 0; i < n; i++)
            html_section(out, &c->report, order[i], write_note, (void *)c);
    }
    free(order);
}

/* --- costs ---------------------------------------------------------------------------------------------------------
 */

static void write_cost_row(const struct comparison *c, FILE *out, int subject)
{
    fprintf(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">%c ", c->subject[subject].letter);
    html_text(out, c->subject[subject].name);
    fputs("</th>", out);
    for (int k = 0; k < COSTS; k++) {
        struct cost_text t = cost_text_of(c, subject, k);
        fprintf(out, "<td role=\"cell\" data-label=\"%s:\">%s", cost_names[k], t.value);
        if (*t.beside)
            fprintf(out, "<br><small>%s</small>", t.beside);
        fputs("</td>", out);
        cost_text_free(&t);
    }
    fputs("</tr>\n", out);
}

static void write_costs(const struct comparison *c, FILE *out)
{
    if (!c->n_subjects)
        return;
    char *caption = cost_caption(c);
    fprintf(out,
            "<h2 id=\"costs\">What it costs</h2>\n<table role=\"table\" class=\"lines\"><caption>%s</caption><thead "
            "role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Model</th>",
            caption);
    for (int k = 0; k < COSTS; k++)
        fprintf(out, "<th role=\"columnheader\" scope=\"col\">%s</th>", cost_names[k]);
    fputs("</tr></thead><tbody role=\"rowgroup\">\n", out);
    for (int i = 0; i < c->n_subjects; i++)
        write_cost_row(c, out, i);
    fputs("</tbody></table>\n", out);
    free(caption);
}

void comparison_html(const struct comparison *c, FILE *out)
{
    const struct report *r = &c->report;
    html_begin(out, r, "comparisons");
    html_verdict(out, r);
    write_candidates(c, out);
    write_facts(c, out);
    write_next(c, out);
    write_tables(c, out);
    write_sections(c, out);
    write_costs(c, out);
    html_gallery(out, r);
    html_provenance(out, r);
    html_glossary(out, r);
    html_end(out);
}
