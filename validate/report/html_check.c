/* The table of all checks, and one section for each. */
#include "validate/report/html.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"
#include "validate/report/svg.h"
#include "validate/report/words.h"

static bool is_text(const char *text)
{
    return text && *text;
}

const char *html_title(const struct check *c)
{
    return is_text(c->question) ? c->question : is_text(c->id) ? c->id : "A check without a name";
}

static bool was_measured(const struct check *c)
{
    return c->estimate.n > 0 && isfinite(c->estimate.value);
}

/* What stands below the question in small letters: why a check did not run, why a result is let pass. */
static void write_remark(FILE *out, const struct check *c)
{
    if (c->status == CHECK_ERROR && is_text(c->error)) {
        fputs("<br><small>", out);
        html_text(out, c->error);
        fputs("</small>", out);
    } else if (c->status == CHECK_WAIVED) {
        fprintf(out, "<br><small>Without the waiver: %s. ", check_status_name(c->unwaived));
        html_text(out, c->waiver);
        fputs("</small>", out);
    }
}

static void write_row(FILE *out, const struct report *r, int index)
{
    const struct check *c = &r->check[index];
    struct result t = result_of(c);
    char *id = html_id(r, index), *basis = result_basis(c, &t);
    fputs("<tr role=\"row\"><td role=\"cell\">", out);
    html_status(out, c->status, check_status_name(c->status));
    fputs("</td><th role=\"rowheader\" scope=\"row\"><a href=\"#", out);
    html_text(out, id);
    fputs("\">", out);
    html_text(out, html_title(c));
    fputs("</a>", out);
    write_remark(out, c);
    fprintf(out, "</th><td role=\"cell\">%s ", t.value);
    html_text(out, was_measured(c) ? c->measure : "");
    fprintf(out, "<br><small>%s</small></td><td role=\"cell\" data-label=\"Limit:\">%s</td><td role=\"cell\">", basis,
            *t.limit ? t.limit : "none");
    if (was_measured(c))
        svg_strip(out, c);
    fputs("</td></tr>\n", out);
    free(basis);
    free(id);
    result_free(&t);
}

void html_table(FILE *out, const struct report *r, const int *order)
{
    static const char *const column[] = { "Status", "Question", "Found <small>(95% interval, n)</small>", "Limit",
                                          "<span class=\"unseen\">Strip</span>" };
    fputs("<h2 id=\"checks\">", out);
    if (!r->n_checks) {
        fputs("No checks</h2>\n<p>No check was run, so nothing is known.</p>\n", out);
        return;
    }
    char *counts = words_counts(r);
    fprintf(out, r->n_checks == 1 ? "The only check</h2>\n" : "All %d checks</h2>\n", r->n_checks);
    fprintf(
        out,
        "<table role=\"table\"><caption>%s. The dot in a strip is the value that was found, the line through it the "
        "95%% interval, the tick the limit, and the grey band what the policy allows. To pass, the whole interval must "
        "lie on the band.</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">",
        counts);
    for (size_t i = 0; i < sizeof column / sizeof *column; i++)
        fprintf(out, "<th role=\"columnheader\" scope=\"col\">%s</th>", column[i]);
    fputs("</tr></thead><tbody role=\"rowgroup\">\n", out);
    for (int i = 0; i < r->n_checks; i++)
        write_row(out, r, order[i]);
    fputs("</tbody></table>\n", out);
    free(counts);
}

void html_entry(FILE *out, const char *key, const char *value)
{
    if (!is_text(value))
        return;
    fputs("<div><dt>", out);
    html_text(out, key);
    fputs("</dt><dd>", out);
    html_text(out, value);
    fputs("</dd></div>", out);
}

/* The result in the margin. */
static void write_note(FILE *out, void *self, int index)
{
    const struct check *c = &((const struct report *)self)->check[index];
    struct result t = result_of(c);
    char *count = format_count(c->estimate.n);
    char *n = mem_format("%s %s", count, is_text(c->of) ? c->of : "pictures");
    fputs("<aside class=\"note\" aria-label=\"Result of this check\">", out);
    html_status(out, c->status, check_status_name(c->status));
    fprintf(out, "<p class=\"big\">%s<span>", c->status == CHECK_ERROR ? "not run" : t.value);
    html_text(out, was_measured(c) ? c->measure : "");
    fputs("</span></p><dl>", out);
    html_entry(out, "Interval", was_measured(c) && !*t.interval ? "none, all were counted" : t.interval);
    html_entry(out, "Limit", *t.limit ? t.limit : "none");
    html_entry(out, "n", n);
    html_entry(out, "Needed", t.needed);
    html_entry(out, "Decides", !c->gates && c->side != SIDE_NONE ? "no, by the policy" : NULL);
    html_entry(out, "Otherwise", c->status == CHECK_WAIVED ? check_status_name(c->unwaived) : NULL);
    fputs("</dl></aside>", out);
    free(count);
    free(n);
    result_free(&t);
}

static void write_paragraph(FILE *out, const char *word, const char *text)
{
    if (!is_text(text))
        return;
    fprintf(out, "<p><b>%s.</b> ", word);
    html_text(out, text);
    fputs("</p>\n", out);
}

/* A waiver takes the place of the advice; an error that of the finding. */
static void write_paragraphs(FILE *out, const struct check *c)
{
    write_paragraph(out, "Asks", c->asks);
    if (is_text(c->error)) {
        fputs("<p><b>Error.</b> This check could not run, which is never a pass. ", out);
        html_code(out, c->error, "tokens");
        fputs("</p>\n", out);
    } else {
        write_paragraph(out, "Found", c->found);
    }
    write_paragraph(out, "Means", c->means);
    if (c->status == CHECK_WAIVED) {
        fputs("<p><b>Waiver.</b> <mark>Waived</mark>, with the reason: \u201c", out);
        html_text(out, c->waiver);
        fprintf(out, "\u201d Without it the status would be %s. The verdict leaves this check out.</p>\n",
                check_status_name(c->unwaived));
    } else {
        write_paragraph(out, "Do", c->act);
    }
}

void html_section(FILE *out, const struct report *r, int index, void (*note)(FILE *out, void *self, int index),
                  void *self)
{
    const struct check *c = &r->check[index];
    char *id = html_id(r, index);
    fputs("<section class=\"part\" id=\"", out);
    html_text(out, id);
    fputs("\"><h3>", out);
    html_text(out, html_title(c));
    fputs("</h3>", out);
    note(out, self, index);
    fputs("<div class=\"text\">\n", out);
    write_paragraphs(out, c);
    if (c->n_figures)
        fputs("<div class=\"set\">\n", out);
    for (int i = 0; i < c->n_figures; i++) {
        char *figure_id = mem_format("figure-%d-%d", index, i);
        html_figure(out, &c->figure[i], figure_id, c->n_figures > 1);
        free(figure_id);
    }
    fputs(c->n_figures ? "</div>\n</div></section>\n" : "</div></section>\n", out);
    free(id);
}

void html_sections(FILE *out, const struct report *r, const int *order)
{
    if (r->n_checks)
        fputs("<h2>What each check found</h2>\n", out);
    for (int i = 0; i < r->n_checks; i++)
        html_section(out, r, order[i], write_note, (void *)r);
}
