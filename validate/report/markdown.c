/* report.md: a model card. The front matter follows the model-index that model hubs read; the text below it is the
 * verdict, the table and the findings. */
#include "validate/report/markdown.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/words.h"

/* A YAML string in double quotes. JSON's strings are YAML's; what is not UTF-8 becomes '?'. */
static void write_quoted(FILE *out, const char *text)
{
    json_t *j = json_string(text ? text : "");
    char *plain = mem_string(text ? text : "");
    for (char *p = plain; !j && *p; p++)
        *p = (unsigned char)*p < 0x80 ? *p : '?';
    j = j ? j : json_string(plain);
    char *quoted = json_dumps(j, JSON_ENCODE_ANY);
    fputs(quoted ? quoted : "\"\"", out);
    free(quoted);
    free(plain);
    json_decref(j);
}

static void write_pair(FILE *out, const char *before, const char *value)
{
    fputs(before, out);
    write_quoted(out, value);
    fputs("\n", out);
}

/* Independent of the locale, and shortest that reads back the same to 6 figures. */
static void write_real(FILE *out, double value)
{
    json_t *j = json_real(value);
    char *digits = json_dumps(j, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    fputs(digits, out);
    free(digits);
    json_decref(j);
}

static void write_metric(FILE *out, const struct check *c)
{
    if (!isfinite(c->estimate.value))
        return; /* a metric without a value is not allowed there; the table below has it */
    write_pair(out, "    - type: ", c->id);
    write_pair(out, "      name: ", c->question);
    fputs("      value: ", out);
    write_real(out, c->estimate.value);
    fprintf(out, "\n      verified: false\n");
}

static void write_front_matter(FILE *out, const struct report *r)
{
    int measured = 0;
    for (int i = 0; i < r->n_checks; i++)
        measured += isfinite(r->check[i].estimate.value) != 0;
    fputs("---\n", out);
    if (r->kind == REPORT_MODEL && measured) {
        write_pair(out, "model-index:\n- name: ", r->subject);
        fputs("  results:\n  - task:\n      type: image-classification\n    dataset:\n", out);
        write_pair(out, "      type: ", r->data);
        write_pair(out, "      name: ", r->data);
        fputs("    metrics:\n", out);
        for (int i = 0; i < r->n_checks; i++)
            write_metric(out, &r->check[i]);
    }
    fputs("tags:\n- image-classification\n- overinterpretation\n---\n\n", out);
}

void markdown_text(FILE *out, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            fputc(' ', out);
            continue;
        }
        if (strchr("\\`*_[]<>|&~$#!", *p))
            fputc('\\', out);
        fputc(*p, out);
    }
}

static void write_table(FILE *out, const struct report *r, const int *order)
{
    char *counts = words_counts(r);
    fprintf(out, "## All checks\n\n%s.\n\n", r->n_checks ? counts : "No check was run");
    free(counts);
    if (!r->n_checks)
        return;
    fputs("| Status | Check | Question | Found | 95% interval, n | Limit |\n|---|---|---|---|---|---|\n", out);
    for (int i = 0; i < r->n_checks; i++) {
        const struct check *c = &r->check[order[i]];
        struct result t = result_of(c);
        char *basis = result_basis(c, &t);
        fprintf(out, "| %s | ", check_status_name(c->status));
        markdown_text(out, c->id);
        fputs(" | ", out);
        markdown_text(out, c->question);
        fprintf(out, " | %s ", t.value);
        markdown_text(out, c->measure);
        fprintf(out, " | %s | %s |\n", basis, *t.limit ? t.limit : "none");
        free(basis);
        result_free(&t);
    }
    fputs("\n", out);
}

static void write_paragraph(FILE *out, const char *word, const char *text)
{
    if (!text || !*text)
        return;
    fprintf(out, "**%s.** ", word);
    markdown_text(out, text);
    fputs("\n\n", out);
}

void markdown_check(FILE *out, const struct check *c, const char *word)
{
    fputs("### ", out);
    markdown_text(out, c->question);
    fprintf(out, " (%s)\n\n", word);
    write_paragraph(out, "Asks", c->asks);
    write_paragraph(out, c->error ? "Error" : "Found", c->error ? c->error : c->found);
    write_paragraph(out, "Means", c->means);
    write_paragraph(out, c->status == CHECK_WAIVED ? "Waived" : "Do", c->status == CHECK_WAIVED ? c->waiver : c->act);
}

/* Commands as an indented block, which needs no escaping. */
static void write_steps(FILE *out, const struct report *r)
{
    if (!r->n_steps)
        return;
    fputs("## What to do next\n\n", out);
    for (int i = 0; i < r->n_steps; i++) {
        fprintf(out, "%d. ", i + 1);
        markdown_text(out, r->step[i].text);
        fputs("\n\n", out);
        for (const char *line = r->step[i].command; line && *line;) {
            size_t n = strcspn(line, "\n");
            fprintf(out, "        %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
        fputs(r->step[i].command ? "\n" : "", out);
    }
}

static void write_suspects(FILE *out, const struct report *r)
{
    fputs(r->n_suspects ? "## Pictures to look at\n\n" : "", out);
    for (int i = 0, end; i < r->n_suspects; i = end) {
        end = report_suspects_end(r, i);
        int shown = end - i < REPORT_SUSPECTS_SHOWN ? end - i : REPORT_SUSPECTS_SHOWN;
        fputs("### ", out);
        markdown_text(out, r->suspect[i].check);
        fprintf(out, ": the first %d of %d\n\n", shown, end - i);
        for (int k = i; k < i + shown; k++) {
            fputs("- ", out);
            markdown_text(out, r->suspect[k].path);
            fputs(" (", out);
            markdown_text(out, r->suspect[k].label);
            fputs("): ", out);
            markdown_text(out, r->suspect[k].why);
            fputs("\n", out);
        }
        fputs("\n", out);
    }
}

void markdown_provenance(FILE *out, const struct report *r)
{
    if (!r->n_facts)
        return;
    fputs("## How this was measured\n\n", out);
    for (int i = 0; i < r->n_facts; i++) {
        fputs("- ", out);
        markdown_text(out, r->fact[i].key);
        fputs(": ", out);
        markdown_text(out, r->fact[i].value);
        fputs("\n", out);
    }
}

void markdown_begin(FILE *out, const struct report *r)
{
    write_front_matter(out, r);
    fprintf(out, "# %s: %s\n\n", report_noun(r), report_word(r));
    markdown_text(out, r->lead);
    fputs("\n\n", out);
    const char *const line[] = { r->subject, r->program, r->data, r->policy, r->date };
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        if (line[i] && *line[i]) {
            fputs(i ? " \u00b7 " : "", out);
            markdown_text(out, line[i]);
        }
    fputs("\n\n", out);
    write_steps(out, r);
}

void report_markdown(const struct report *r, FILE *out)
{
    int *order = mem_alloc((size_t)r->n_checks, sizeof *order);
    report_order(r, order);
    markdown_begin(out, r);
    write_table(out, r, order);
    fputs(r->n_checks ? "## What each check found\n\n" : "", out);
    for (int i = 0; i < r->n_checks; i++)
        markdown_check(out, &r->check[order[i]], check_status_name(r->check[order[i]].status));
    write_suspects(out, r);
    markdown_provenance(out, r);
    free(order);
}
