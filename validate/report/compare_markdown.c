/* report.md of a comparison. */
#include "validate/report/compare_save.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/compare_words.h"
#include "validate/report/markdown.h"

static void write_cell(FILE *out, const char *text)
{
    markdown_text(out, text);
    fputs(" | ", out);
}

static void write_row(const struct comparison *c, FILE *out, int row)
{
    const struct check *check = &c->report.check[row];
    struct pair_text t = pair_text_of(c, row);
    char *word = compare_word(c, row);
    fprintf(out, "| %s | ", word);
    write_cell(out, check->id);
    write_cell(out, check->question);
    fprintf(out, "%s | %s | %s ", t.a, t.b, t.change);
    write_cell(out, check->measure);
    fprintf(out, "%s%s%s | %s |\n", t.interval, *t.interval ? ", " : "", t.n, t.loss);
    free(word);
    pair_text_free(&t);
}

static void write_table(const struct comparison *c, FILE *out, int candidate, const int *order, int n)
{
    char *counts = compare_counts(c, candidate);
    fputs("## ", out);
    markdown_text(out, c->subject[candidate].name);
    fputs(" against ", out);
    markdown_text(out, compare_baseline(c));
    fprintf(out, "\n\n%s: %s. %s.\n\n| Result | Id | Question | ", report_noun(&c->report),
            compare_verdict(c, candidate), counts);
    write_cell(out, compare_baseline(c));
    write_cell(out, c->subject[candidate].name);
    fprintf(out, "Change | %s, n | No worse |\n|---|---|---|---|---|---|---|---|\n", compare_interval(c));
    for (int i = 0; i < n; i++)
        write_row(c, out, order[i]);
    fputs("\n", out);
    free(counts);
}

static void write_costs(const struct comparison *c, FILE *out)
{
    char *caption = cost_caption(c);
    fputs("## What it costs\n\n| Model |", out);
    for (int k = 0; k < COSTS; k++)
        fprintf(out, " %s |", cost_names[k]);
    fputs("\n|---|---|---|---|---|\n", out);
    for (int i = 0; i < c->n_subjects; i++) {
        fputs("| ", out);
        markdown_text(out, c->subject[i].name);
        fputs(" |", out);
        for (int k = 0; k < COSTS; k++) {
            struct cost_text t = cost_text_of(c, i, k);
            fprintf(out, " %s%s%s%s |", t.value, *t.beside ? " (" : "", t.beside, *t.beside ? ")" : "");
            cost_text_free(&t);
        }
        fputs("\n", out);
    }
    fprintf(out, "\n%s\n\n", caption);
    free(caption);
}

static void write_candidate(const struct comparison *c, FILE *out, int candidate)
{
    int *order = mem_alloc((size_t)c->report.n_checks, sizeof *order), n = compare_order(c, candidate, order);
    write_table(c, out, candidate, order, n);
    for (int i = 0; i < n; i++) {
        char *word = compare_word(c, order[i]);
        markdown_check(out, &c->report.check[order[i]], word);
        free(word);
    }
    free(order);
}

void comparison_markdown(const struct comparison *c, FILE *out)
{
    markdown_begin(out, &c->report);
    for (int k = 1; k < c->n_subjects; k++)
        write_candidate(c, out, k);
    if (c->n_subjects)
        write_costs(c, out);
    markdown_provenance(out, &c->report);
}
