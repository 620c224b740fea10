/* A comparison on a terminal: one line per question and candidate, costs, verdict. */
#include "validate/report/compare_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/terminal.h"
#include "validate/report/words.h"

enum { COLUMNS = 6 }; /* result, id, A, candidate, change, what is still no worse */

static char *model_text(const struct comparison *c, int subject)
{
    char *name = terminal_harmless(c->subject[subject].name);
    char *text = mem_format("%c %s", c->subject[subject].letter, name);
    free(name);
    return text;
}

static struct terminal_row make_head(const struct comparison *c, int candidate)
{
    struct terminal_row row = { .judged = false };
    row.cell[0] = mem_string("result");
    row.cell[1] = mem_string("question");
    row.cell[2] = model_text(c, 0);
    row.cell[3] = model_text(c, candidate);
    row.cell[4] = mem_format("change (%s)", compare_interval(c));
    row.cell[5] = mem_string("no worse");
    return row;
}

static struct terminal_row make_row(const struct comparison *c, int i)
{
    const struct check *check = &c->report.check[i];
    struct pair_text t = pair_text_of(c, i);
    struct terminal_row row = { .judged = true, .status = check->status, .below = check->error };
    row.cell[0] = compare_word(c, i);
    row.cell[1] = terminal_harmless(check->id);
    row.cell[2] = mem_string(t.a);
    row.cell[3] = mem_string(t.b);
    row.cell[4] = *t.interval ? mem_format("%s (%s, %s)", t.change, t.interval, t.n) : mem_string(t.change);
    row.cell[5] = mem_string(t.loss);
    pair_text_free(&t);
    return row;
}

static void write_table(const struct comparison *c, FILE *out, int candidate, bool colour)
{
    int *order = mem_alloc((size_t)c->report.n_checks, sizeof *order), n = compare_order(c, candidate, order);
    struct terminal_row *row = mem_alloc((size_t)n + 1, sizeof *row);
    row[0] = make_head(c, candidate);
    for (int i = 0; i < n; i++)
        row[i + 1] = make_row(c, order[i]);
    terminal_table(out, row, n + 1, COLUMNS, colour);
    for (int i = 0; i <= n; i++)
        terminal_row_free(&row[i]);
    fputs("\n", out);
    free(row);
    free(order);
}

static char *cost_cell(const struct comparison *c, int subject, int cost)
{
    struct cost_text t = cost_text_of(c, subject, cost);
    char *text = *t.beside ? mem_format("%s (%s)", t.value, t.beside) : mem_string(t.value);
    cost_text_free(&t);
    return text;
}

static void write_costs(const struct comparison *c, FILE *out)
{
    struct terminal_row *row = mem_alloc((size_t)c->n_subjects + 1, sizeof *row);
    row[0].cell[0] = mem_string("costs");
    for (int k = 0; k < COSTS; k++)
        row[0].cell[k + 1] = mem_string(cost_names[k]);
    for (int i = 0; i < c->n_subjects; i++) {
        row[i + 1].cell[0] = model_text(c, i);
        for (int k = 0; k < COSTS; k++)
            row[i + 1].cell[k + 1] = cost_cell(c, i, k);
    }
    terminal_table(out, row, c->n_subjects + 1, COSTS + 1, false);
    for (int i = 0; i <= c->n_subjects; i++)
        terminal_row_free(&row[i]);
    free(row);
}

/* One line for each of several candidates. */
static void write_verdicts(const struct comparison *c, FILE *out)
{
    for (int k = 1; k < c->n_subjects && c->n_subjects > 2; k++) {
        char *counts = compare_counts(c, k), *name = model_text(c, k);
        fprintf(out, "%s: %s (%s)\n", name, compare_verdict(c, k), counts);
        free(name);
        free(counts);
    }
}

void comparison_terminal(const struct comparison *c, FILE *out, bool colour)
{
    const struct report *r = &c->report;
    for (int k = 1; k < c->n_subjects; k++)
        write_table(c, out, k, colour);
    write_costs(c, out);
    char *counts = compare_counts(c, 0), *subject = terminal_harmless(r->subject);
    fputs("\n", out);
    write_verdicts(c, out);
    fprintf(out, "%s: %s%s: %s%s (%s; exit status %d: %s)\n", subject, colour ? "\033[1m" : "", report_noun(r),
            report_word(r), colour ? "\033[0m" : "", *counts ? counts : "no questions", r->verdict,
            words_exit(r->kind, r->verdict));
    free(subject);
    free(counts);
}
