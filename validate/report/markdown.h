/* Parts of a model card that two kinds of reports share. */
#ifndef MARGINALIA_VALIDATE_REPORT_MARKDOWN_H
#define MARGINALIA_VALIDATE_REPORT_MARKDOWN_H

#include "validate/report/report.h"

/* One line, with a backslash before every character that means something in Markdown or in a table; control
 * characters become blanks. */
void markdown_text(FILE *out, const char *text);

void markdown_begin(FILE *out, const struct report *r);                  /* front matter, headline, lead, steps */
void markdown_check(FILE *out, const struct check *c, const char *word); /* one section; `word`: its result */
void markdown_provenance(FILE *out, const struct report *r);

#endif
