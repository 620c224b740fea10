/* The report on a terminal: one line per check, then the verdict. */
#include "validate/report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/words.h"

enum { COLUMNS = 4 };

struct line {
    enum check_status status;
    char *cell[COLUMNS]; /* status, id, value with interval and n, limit */
    const char *error;
};

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

/* Names come from files: a control character must not reach the terminal. */
static char *harmless(const char *text)
{
    char *copy = mem_string(text ? text : "");
    for (char *p = copy; *p; p++)
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
    return copy;
}

static struct line make_line(const struct check *c)
{
    struct result t = result_of(c);
    char *basis = result_basis(c, &t);
    struct line line = { .status = c->status, .error = c->error };
    line.cell[0] = mem_string(check_status_name(c->status));
    line.cell[1] = harmless(c->id);
    line.cell[2] = mem_format("%s (%s)", t.value, basis);
    line.cell[3] = mem_format("%s%s%s%s", t.limit, *t.needed ? "; " : "", t.needed, *t.needed ? " would decide" : "");
    free(basis);
    result_free(&t);
    return line;
}

static void write_line(FILE *out, const struct line *line, const size_t width[COLUMNS], bool colour)
{
    for (int k = 0; k < COLUMNS; k++) {
        bool painted = colour && k == 0, last = k == COLUMNS - 1;
        fprintf(out, "%s%s%s", painted ? colour_of(line->status) : "", line->cell[k], painted ? "\033[0m" : "");
        if (!last)
            fprintf(out, "%*s", (int)(width[k] - width_of(line->cell[k]) + 2), "");
    }
    fputs("\n", out);
    if (line->error) {
        char *error = harmless(line->error);
        fprintf(out, "%*s%s\n", (int)width[0] + 2, "", error);
        free(error);
    }
}

void report_terminal(const struct report *r, FILE *out, bool colour)
{
    int *order = mem_alloc((size_t)r->n_checks, sizeof *order);
    struct line *line = mem_alloc((size_t)r->n_checks, sizeof *line);
    size_t width[COLUMNS] = { 0 };
    report_order(r, order);
    for (int i = 0; i < r->n_checks; i++) {
        line[i] = make_line(&r->check[order[i]]);
        for (int k = 0; k < COLUMNS; k++)
            width[k] = width_of(line[i].cell[k]) > width[k] ? width_of(line[i].cell[k]) : width[k];
    }
    for (int i = 0; i < r->n_checks; i++) {
        write_line(out, &line[i], width, colour);
        for (int k = 0; k < COLUMNS; k++)
            free(line[i].cell[k]);
    }
    char *counts = words_counts(r), *subject = harmless(r->subject);
    fprintf(out, "\n%s: %s%s: %s%s (%s; exit status %d: %s)\n", subject, colour ? "\033[1m" : "", report_noun(r),
            report_word(r), colour ? "\033[0m" : "", *counts ? counts : "no checks", r->verdict,
            words_exit(r->kind, r->verdict));
    free(subject);
    free(counts);
    free(line);
    free(order);
}
