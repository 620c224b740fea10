/* The files of a comparison; JUnit's is that of every report. */
#ifndef MARGINALIA_VALIDATE_REPORT_COMPARE_SAVE_H
#define MARGINALIA_VALIDATE_REPORT_COMPARE_SAVE_H

#include "validate/compare/comparison.h"

/* Each writes one whole document, as the functions in report.h do. */
void comparison_html(const struct comparison *c, FILE *out);
void comparison_markdown(const struct comparison *c, FILE *out);
json_t *comparison_json(const struct comparison *c); /* new reference */

#endif
