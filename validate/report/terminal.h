/* Tables on a terminal. */
#ifndef MARGINALIA_VALIDATE_REPORT_TERMINAL_H
#define MARGINALIA_VALIDATE_REPORT_TERMINAL_H

#include "validate/report/report.h"

enum { TERMINAL_COLUMNS = 6 };

struct terminal_row {
    bool judged;              /* its first cell is a status */
    enum check_status status; /* whose colour it gets then */
    char *cell[TERMINAL_COLUMNS];
    const char *below; /* a second line, or NULL; borrowed */
};

/* A copy without control characters: names come from files, and none may reach the terminal. free() it. */
char *terminal_harmless(const char *text);

/* Rows of `columns` cells each, aligned. */
void terminal_table(FILE *out, const struct terminal_row *row, int n, int columns, bool colour);
void terminal_row_free(struct terminal_row *row);

#endif
