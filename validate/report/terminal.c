/* The report on a terminal: one line per check, then the verdict. */
#include "validate/report/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/words.h"

static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static const char *colour_of(enum check_status s)
{
    static const char *const code[] = {
        [CHECK_PASS] = "\033[34m", [CHECK_FAIL] = "\033[1;31m", [CHECK_INCONCLUSIVE] = "\033[1m",
        [CHECK_ERROR] = "\033[1m", [CHECK_WAIVED] = "\033[7m",  [CHECK_REPORTED] = "\033[2m"
    };
    return code[s];
}

char *terminal_harmless(const char *text)
{
    char *copy = mem_string(text ? text : "");
    for (char *p = copy; *p; p++)
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
    return copy;
}

static void write_row(FILE *out, const struct terminal_row *row, int columns, const size_t *width, bool colour)
{
    for (int k = 0; k < columns; k++) {
        bool painted = colour && k == 0 && row->judged, last = k == columns - 1;
        fprintf(out, "%s%s%s", painted ? colour_of(row->status) : "", row->cell[k], painted ? "\033[0m" : "");
        if (!last)
            fprintf(out, "%*s", (int)(width[k] - width_of(row->cell[k]) + 2), "");
    }
    fputs("\n", out);
    if (row->below) {
        char *below = terminal_harmless(row->below);
        fprintf(out, "%*s%s\n", (int)width[0] + 2, "", below);
        free(below);
    }
}

void terminal_table(FILE *out, const struct terminal_row *row, int n, int columns, bool colour)
{
    size_t width[TERMINAL_COLUMNS] = { 0 };
    for (int i = 0; i < n; i++)
        for (int k = 0; k < columns; k++)
            width[k] = width_of(row[i].cell[k]) > width[k] ? width_of(row[i].cell[k]) : width[k];
    for (int i = 0; i < n; i++)
        write_row(out, &row[i], columns, width, colour);
}

void terminal_row_free(struct terminal_row *row)
{
    for (int k = 0; k < TERMINAL_COLUMNS; k++)
        free(row->cell[k]);
}

enum { COLUMNS = 4 }; /* status, id, value with interval and n, limit */

static struct terminal_row make_row(const struct check *c)
{
    struct result t = result_of(c);
    char *basis = result_basis(c, &t);
    struct terminal_row row = { .judged = true, .status = c->status, .below = c->error };
    row.cell[0] = mem_string(check_status_name(c->status));
    row.cell[1] = terminal_harmless(c->id);
    row.cell[2] = mem_format("%s (%s)", t.value, basis);
    row.cell[3] = mem_format("%s%s%s%s", t.limit, *t.needed ? "; " : "", t.needed, *t.needed ? " would decide" : "");
    free(basis);
    result_free(&t);
    return row;
}

void report_terminal(const struct report *r, FILE *out, bool colour)
{
    int *order = mem_alloc((size_t)r->n_checks, sizeof *order);
    struct terminal_row *row = mem_alloc((size_t)r->n_checks, sizeof *row);
    report_order(r, order);
    for (int i = 0; i < r->n_checks; i++)
        row[i] = make_row(&r->check[order[i]]);
    terminal_table(out, row, r->n_checks, COLUMNS, colour);
    for (int i = 0; i < r->n_checks; i++)
        terminal_row_free(&row[i]);
    char *counts = words_counts(r), *subject = terminal_harmless(r->subject);
    fprintf(out, "\n%s: %s%s: %s%s (%s; exit status %d: %s)\n", subject, colour ? "\033[1m" : "", report_noun(r),
            report_word(r), colour ? "\033[0m" : "", *counts ? counts : "no checks", r->verdict,
            words_exit(r->kind, r->verdict));
    free(subject);
    free(counts);
    free(row);
    free(order);
}
