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

/* order[n_checks] as report_order() gives it. */
void html_table(FILE *out, const struct report *r, const int *order);
void html_sections(FILE *out, const struct report *r, const int *order);

/* "Pictures to look at": files, by the check that names them. */
void html_suspects(FILE *out, const struct report *r);

/* <figure> with a picture and its caption. */
void html_picture(FILE *out, const struct picture *p, int side);
bool html_has_pixels(const struct picture *p);

/* One <figure> of a check; `id` is unique on the page. `beside`: it shares its row with another figure. */
void html_figure(FILE *out, const struct figure *f, const char *id, bool beside);

#endif
