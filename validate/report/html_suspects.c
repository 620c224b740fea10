#include "validate/report/html.h"

#include <stdlib.h>
#include <string.h>

#include "validate/report/format.h"

/* The question of the first check of this kind, or the kind itself. */
static const char *question_of(const struct report *r, const char *kind)
{
    for (int i = 0; i < r->n_checks; i++)
        if (r->check[i].kind && r->check[i].question && strcmp(r->check[i].kind, kind) == 0)
            return r->check[i].question;
    return kind;
}

static void write_suspect(FILE *out, const struct report_suspect *s)
{
    fputs("<li><code>", out);
    html_text(out, s->path);
    fputs("</code> <span>", out);
    html_text(out, s->label);
    fputs(": ", out);
    html_text(out, s->why);
    fputs("</span></li>\n", out);
}

static void write_group(FILE *out, const struct report *r, int begin, int end)
{
    int shown = end - begin < REPORT_SUSPECTS_SHOWN ? end - begin : REPORT_SUSPECTS_SHOWN;
    char *all = format_count(end - begin);

    fputs("<h3 class=\"group\">", out);
    html_text(out, question_of(r, r->suspect[begin].check));
    if (end - begin > shown)
        fprintf(out, " The first %d of %s", shown, all);
    fputs("</h3><ul class=\"files\" role=\"list\">\n", out);
    for (int i = begin; i < begin + shown; i++)
        write_suspect(out, &r->suspect[i]);
    fputs("</ul>\n", out);
    free(all);
}

void html_suspects(FILE *out, const struct report *r)
{
    if (!r->n_suspects)
        return;
    fputs(
        "<h2 id=\"suspects\">Pictures to look at</h2><p>Files that a check points at, with the class that they are "
        "filed under. All of them are in report.json; <code>--export-suspects FILE</code> writes them as a list.</p>\n",
        out);
    for (int i = 0, end; i < r->n_suspects; i = end) {
        end = report_suspects_end(r, i);
        write_group(out, r, i, end);
    }
}
