#include "validate/report/html.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/xml.h"
#include "validate/report/picture.h"
#include "validate/report/style.h"
#include "validate/report/svg.h"
#include "validate/report/words.h"

void html_text(FILE *out, const char *text)
{
    xml_text(out, text ? text : "");
}

static void element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    html_text(out, text);
    fputs(close, out);
}

/* One mark per status, different in outline, so that grey paper tells them apart. */
static const char symbols[] =
    "<svg class=\"symbols\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n"
    "<symbol id=\"mark-pass\" viewBox=\"0 0 18 18\"><circle cx=\"9\" cy=\"9\" r=\"8\" fill=\"currentColor\"/>"
    "<path d=\"M5 9.4l2.8 2.8L13 6.4\" fill=\"none\" stroke=\"var(--paper)\" stroke-width=\"2\"/></symbol>\n"
    "<symbol id=\"mark-fail\" viewBox=\"0 0 18 18\"><path d=\"M1.5 1.5h15v15h-15z\" fill=\"currentColor\"/>"
    "<path d=\"M5.5 5.5l7 7m0-7l-7 7\" fill=\"none\" stroke=\"var(--paper)\" stroke-width=\"2\"/></symbol>\n"
    "<symbol id=\"mark-inconclusive\" viewBox=\"0 0 18 18\"><circle cx=\"9\" cy=\"9\" r=\"7.2\" fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.6\"/><path d=\"M9 1.8a7.2 7.2 0 0 0 0 14.4z\" fill=\"currentColor\"/>"
    "</symbol>\n"
    "<symbol id=\"mark-error\" viewBox=\"0 0 18 18\"><path d=\"M9 1.8L17 16H1z\" fill=\"none\" stroke=\"currentColor\" "
    "stroke-width=\"1.6\" stroke-linejoin=\"round\"/><path d=\"M9 6.5v5m0 1.3v1.7\" stroke=\"currentColor\" "
    "stroke-width=\"1.8\"/></symbol>\n"
    "<symbol id=\"mark-waived\" viewBox=\"0 0 18 18\"><circle cx=\"9\" cy=\"9\" r=\"7.2\" fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.6\" stroke-dasharray=\"3 2.2\"/><path d=\"M5 9h8\" "
    "stroke=\"currentColor\" stroke-width=\"1.8\"/></symbol>\n"
    "<symbol id=\"mark-reported\" viewBox=\"0 0 18 18\"><path d=\"M9 1.2L16.8 9 9 16.8 1.2 9z\" fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/><path d=\"M5.8 9h6.4\" "
    "stroke=\"currentColor\" stroke-width=\"1.8\"/></symbol>\n"
    "</defs></svg>\n";

void html_status(FILE *out, enum check_status s, const char *words)
{
    const char *name = check_status_name(s);
    fprintf(out,
            "<span class=\"status %s\"><svg width=\"18\" height=\"18\" viewBox=\"0 0 18 18\" aria-hidden=\"true\">"
            "<use href=\"#mark-%s\"/></svg><span>",
            name, name);
    element(out, "", words, "</span></span>");
}

char *html_id(const struct report *r, int check)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
    const char *id = r->check[check].id;
    if (!id || !*id || strspn(id, plain) != strlen(id))
        return mem_format("check-%d", check);
    return mem_format("check.%s", id);
}

bool html_has_pixels(const struct picture *p)
{
    return p->w > 0 && p->h > 0 && p->pixels && (p->channels == 3 || p->channels == 4);
}

void html_picture(FILE *out, const struct picture *p, int side)
{
    if (!html_has_pixels(p))
        return;
    fputs("<figure>", out);
    picture_write_img(out, p, side, p->channels == 4 ? "heat" : "");
    if (p->caption && *p->caption)
        element(out, "<figcaption>", p->caption, "</figcaption>");
    fputs("</figure>", out);
}

void html_begin(FILE *out, const struct report *r, const char *all)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    fprintf(out, "%s: %s. ", report_noun(r), report_word(r));
    html_text(out, r->subject);
    element(out, ", ", r->program, "</title>\n<style>\n");
    fprintf(out, "%s</style>\n</head>\n<body>\n%s<a class=\"skip\" href=\"#checks\">Skip to all %s</a>\n", report_style,
            symbols, all);
}

void html_verdict(FILE *out, const struct report *r)
{
    const char *const line[] = { r->program, r->data, r->policy, r->date };
    element(out, "<header><div class=\"run\"><span><b>", r->subject, "</b></span>");
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        if (line[i] && *line[i])
            element(out, "<span>", line[i], "</span>");
    fprintf(out, "</div>\n<h1>%s: <em class=\"%s\">%s</em></h1>\n", report_noun(r), words_verdict_class(r),
            report_word(r));
    element(out, "<p class=\"lead\">", r->lead, "</p></header>\n<main>\n");
}

enum { MOST_FACTS = 3 };

/* The checks whose facts stand on the first screen: the table's first, one of each kind. Returns how many. */
static int choose_facts(const struct report *r, const int *order, int n_order, int chosen[MOST_FACTS])
{
    int n = 0;
    for (int i = 0; i < n_order && n < MOST_FACTS; i++) {
        const struct check *c = &r->check[order[i]];
        bool known = false;
        for (int k = 0; k < n; k++)
            known |= c->kind && r->check[chosen[k]].kind && strcmp(c->kind, r->check[chosen[k]].kind) == 0;
        if (c->fact.heading && !known)
            chosen[n++] = order[i];
    }
    return n;
}

void html_facts(FILE *out, const struct report *r, const int *order, int n_order)
{
    int chosen[MOST_FACTS], n = choose_facts(r, order, n_order, chosen);
    if (!n)
        return;
    fputs("<ol class=\"facts\" role=\"list\">\n", out);
    for (int i = 0; i < n; i++) {
        const struct fact *f = &r->check[chosen[i]].fact;
        char *id = html_id(r, chosen[i]);
        element(out, "<li><h2>", f->heading, "</h2><div class=\"row\">");
        for (int k = 0; k < f->n_pictures; k++)
            html_picture(out, &f->picture[k], 96);
        if (f->n_pictures == 0)
            (r->kind == REPORT_COMPARE ? svg_change : svg_strip)(out, &r->check[chosen[i]]);
        element(out, "</div><p>", f->sentence, " ");
        element(out, "<a href=\"#", id, "\">Details<span class=\"unseen\">: ");
        element(out, "", f->heading, "</span></a></p></li>\n");
        free(id);
    }
    fputs("</ol>\n", out);
}

void html_code(FILE *out, const char *text, const char *css)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        const char *end = line + length;
        fprintf(out, "<code class=\"%s\">", css);
        while (line < end) {
            size_t word = strcspn(line, " \n"), space = strspn(line + word, " ");
            char *token = mem_format("%.*s", (int)word, line);
            if (word)
                element(out, "<span>", token, "</span>");
            line += word + space;
            if (word && line < end)
                fputc(' ', out);
            free(token);
        }
        fputs("</code>", out);
        if (*line == '\n')
            fputc(*line++, out);
    }
}

static void write_counts(FILE *out, const struct report *r, const char *what, const struct html_count *count, int n)
{
    fprintf(out, "<aside class=\"note counts\" aria-label=\"Count of results\"><p>%d %s%s</p><ul role=\"list\">",
            r->n_checks, what, r->n_checks == 1 ? "" : "s");
    for (int i = 0; i < n; i++) {
        if (!count[i].n)
            continue;
        char *words = mem_format("%d %s", count[i].n, count[i].words);
        fputs("<li>", out);
        html_status(out, count[i].status, words);
        fputs("</li>", out);
        free(words);
    }
    fprintf(out, "</ul><p><a href=\"#checks\">All %ss</a>", what);
    if (r->n_suspects)
        fputs("<br><a href=\"#suspects\">Pictures to look at</a>", out);
    if (r->n_groups)
        fputs("<br><a href=\"#gallery\">Pictures</a>", out);
    if (r->n_facts)
        fputs("<br><a href=\"#how\">How this was measured</a>", out);
    if (words_glossary(r->kind)->word)
        fputs("<br><a href=\"#words\">Words used here</a>", out);
    fputs("</p></aside>", out);
}

void html_next(FILE *out, const struct report *r, const char *what, const struct html_count *count, int n)
{
    fputs("<section class=\"part next\"><h2 id=\"next\">What to do next</h2><div class=\"text\">\n", out);
    if (r->n_steps)
        fputs("<ol class=\"steps\">\n", out);
    else
        fprintf(out, "<p>Nothing that these %ss could name.</p>\n", what);
    for (int i = 0; i < r->n_steps; i++) {
        element(out, "<li>", r->step[i].text, "");
        if (r->step[i].command)
            html_code(out, r->step[i].command, "tokens command");
        fputs("</li>\n", out);
    }
    fputs(r->n_steps ? "</ol>\n</div>" : "</div>", out);
    write_counts(out, r, what, count, n);
    fputs("</section>\n", out);
}

static void gallery_group(FILE *out, const struct gallery_group *g)
{
    bool three = false;
    for (int i = 0; i < g->n; i++)
        three |= g->item[i].n > 2;
    element(out, "<h3 class=\"group\">", g->heading, "</h3>");
    fprintf(out, "<ul class=\"gallery%s\" role=\"list\">\n", three ? " three" : "");
    for (int i = 0; i < g->n; i++) {
        const struct gallery_item *item = &g->item[i];
        fputs("<li><div class=\"side\">", out);
        for (int k = 0; k < item->n; k++)
            if (html_has_pixels(&item->picture[k]))
                picture_write_img(out, &item->picture[k], 96, "");
        element(out, "</div><p>", item->line, "");
        if (item->note)
            element(out, "<br><span>", item->note, "</span>");
        fputs("</p></li>\n", out);
    }
    fputs("</ul>\n", out);
}

void html_gallery(FILE *out, const struct report *r)
{
    if (!r->n_groups)
        return;
    fputs("<h2 id=\"gallery\">See for yourself</h2>", out);
    element(out, "<p>", r->gallery_rule, "</p>\n");
    for (int i = 0; i < r->n_groups; i++)
        if (r->group[i].n)
            gallery_group(out, &r->group[i]);
}

void html_provenance(FILE *out, const struct report *r)
{
    if (!r->n_facts)
        return;
    fputs("<h2 id=\"how\">How this was measured</h2><dl class=\"facts-list\">\n", out);
    for (int i = 0; i < r->n_facts; i++) {
        element(out, "<div><dt>", r->fact[i].key, "</dt><dd>");
        if (r->fact[i].code)
            html_code(out, r->fact[i].value ? r->fact[i].value : "", "tokens");
        else
            html_text(out, r->fact[i].value);
        fputs("</dd></div>\n", out);
    }
    fputs("</dl>\n", out);
}

void html_glossary(FILE *out, const struct report *r)
{
    const struct words_entry *entry = words_glossary(r->kind);
    if (!entry->word)
        return;
    fputs("<h2 id=\"words\">Words used here</h2><dl class=\"words\">\n", out);
    for (; entry->word; entry++) {
        element(out, "<div><dt>", entry->word, "</dt><dd>");
        element(out, "", entry->meaning, "</dd></div>\n");
    }
    fputs("</dl>\n", out);
}

void html_end(FILE *out)
{
    fputs("</main>\n</body>\n</html>\n", out);
}

void report_html(const struct report *r, FILE *out)
{
    int *order = mem_alloc((size_t)r->n_checks, sizeof *order);
    struct html_count count[N_STATUSES];
    for (int i = 0; i < N_STATUSES; i++)
        count[i] = (struct html_count){ words_statuses[i], words_counted(words_statuses[i]),
                                        report_count(r, words_statuses[i]) };
    report_order(r, order);
    html_begin(out, r, "checks");
    html_verdict(out, r);
    html_facts(out, r, order, r->n_checks);
    html_next(out, r, "check", count, N_STATUSES);
    html_table(out, r, order);
    html_sections(out, r, order);
    html_suspects(out, r);
    html_gallery(out, r);
    html_provenance(out, r);
    html_glossary(out, r);
    html_end(out);
    free(order);
}
