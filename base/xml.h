/* The only way text of any origin reaches an XML, SVG or HTML file. */
#ifndef MARGINALIA_BASE_XML_H
#define MARGINALIA_BASE_XML_H

#include <stdio.h>

/* Writes text with & < > " ' escaped; control characters but tab and newline, and bytes that are not UTF-8,
 * become '?'. */
void xml_text(FILE *out, const char *text);

#endif
