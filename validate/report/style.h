/* The style sheet of all pages: the only place where colours, sizes and layout are said. */
#ifndef MARGINALIA_VALIDATE_REPORT_STYLE_H
#define MARGINALIA_VALIDATE_REPORT_STYLE_H

extern const char report_style[];

#endif
