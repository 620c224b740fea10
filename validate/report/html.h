/* Blocks of the page that report_html() (html.c) puts together; each writes itself to `out`. Text reaches the page
 * through html_text alone. */
#ifndef MARGINALIA_VALIDATE_REPORT_HTML_H
#define MARGINALIA_VALIDATE_REPORT_HTML_H

#include "validate/report/report.h"

void html_text(FILE *out, const char *text); /* escaped; NULL is "" */

/* Code, word by word in spans that break only when a word is wider than the line, so that no line ends inside --resume.
 * Each line of the text is an element of its own. */
void html_code(FILE *out, const char *text, const char *css);

/* Mark and words of a status: <span class="status fail">. */
void html_status(FILE *out, enum check_status s, const char *words);

/* The id of a check's section: "check." and its id where that is plain, "check-N" otherwise; free() it. */
char *html_id(const struct report *r, int check);

/* The page from its first byte to the style sheet and the marks of the statuses. `all`: what the table holds, "checks".
 */
void html_begin(FILE *out, const struct report *r, const char *all);
void html_verdict(FILE *out, const struct report *r);
/* The first screen: of the checks in order[n] those with a fact, one of each kind, three at most. */
void html_facts(FILE *out, const struct report *r, const int *order, int n);

/* "What to do next", and in its margin the number of results of each status and links to the parts of the page. */
struct html_count {
    enum check_status status;
    const char *words; /* "failed" */
    int n;             /* 0: left out */
};
void html_next(FILE *out, const struct report *r, const char *what, const struct html_count *count, int n);

/* order[n_checks] as report_order() gives it. */
void html_table(FILE *out, const struct report *r, const int *order);
void html_sections(FILE *out, const struct report *r, const int *order);

/* One section: heading, `note` in its margin, paragraphs and figures. */
void html_section(FILE *out, const struct report *r, int index, void (*note)(FILE *out, void *self, int index),
                  void *self);
/* A line of the list in the margin; nothing without a value. */
void html_entry(FILE *out, const char *key, const char *value);
/* What a check is called on the page. */
const char *html_title(const struct check *c);

/* "Pictures to look at": files, by the check that names them. */
void html_suspects(FILE *out, const struct report *r);

/* "See for yourself", "How this was measured", "Words used here". */
void html_gallery(FILE *out, const struct report *r);
void html_provenance(FILE *out, const struct report *r);
void html_glossary(FILE *out, const struct report *r);
void html_end(FILE *out);

/* <figure> with a picture and its caption. */
void html_picture(FILE *out, const struct picture *p, int side);
bool html_has_pixels(const struct picture *p);

/* One <figure> of a check; `id` is unique on the page. `beside`: it shares its row with another figure. */
void html_figure(FILE *out, const struct figure *f, const char *id, bool beside);

#endif
