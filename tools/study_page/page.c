#include "tools/study_page/page.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/format.h"
#include "validate/report/markdown.h"

static void memory_begin(struct memory *m)
{
    m->out = open_memstream(&m->bytes, &m->n);
    if (!m->out)
        mem_alloc(SIZE_MAX, 1); /* ends the program as every failed allocation does */
}

void page_new(struct page *p, const struct runs *runs)
{
    *p = (struct page){ .runs = runs };
    for (int i = 0; i <= RUNS_SECTIONS; i++) {
        memory_begin(&p->section[i]);
        p->shows[i] = p->absent[i] = "";
    }
}

static void memory_free(struct memory *m)
{
    fclose(m->out);
    free(m->bytes);
}

void page_free(struct page *p)
{
    for (int i = 0; i <= RUNS_SECTIONS; i++)
        memory_free(&p->section[i]);
    for (int i = 0; i < p->n_drawings; i++) {
        memory_free(&p->drawing[i].svg);
        free(p->drawing[i].name);
    }
    for (int i = 0; i < p->n_texts; i++)
        free(p->text[i]);
    free(p->text);
}

void page_section(struct page *p, int section, const char *shows)
{
    assert(section >= 1 && section <= RUNS_SECTIONS);
    p->current = section;
    p->out = p->section[section].out;
    p->shows[section] = shows;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

const char *page_keep(struct page *p, char *text)
{
    if (p->n_texts % 64 == 0)
        p->text = mem_resize(p->text, (size_t)p->n_texts + 64, sizeof *p->text);
    return p->text[p->n_texts++] = text;
}

static char *format(const char *fmt, va_list args)
{
    char *text;
    if (vasprintf(&text, fmt, args) < 0)
        mem_alloc(SIZE_MAX, 1);
    return text;
}

const char *page_text(struct page *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = page_keep(p, format(fmt, args));
    va_end(args);
    return text;
}

void page_print(struct page *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = format(fmt, args);
    va_end(args);
    fprintf(p->out, "\n%s\n", text);
    free(text);
}

void page_differs(struct page *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = format(fmt, args);
    va_end(args);
    fprintf(p->section[0].out, "* %s\n", text);
    free(text);
}

void page_quote(struct page *p, const char *text)
{
    fputs("\n> ", p->out);
    markdown_text(p->out, text);
    fputc('\n', p->out);
}

void page_verbatim(struct page *p, const char *text)
{
    fputs("\n    ", p->out);
    for (const char *c = text; *c; c++)
        if (*c == '\n')
            fputs(c[1] ? "\n    " : "", p->out);
        else
            fputc((unsigned char)*c < 0x20 ? ' ' : *c, p->out);
    fputc('\n', p->out);
}

const char *page_words(struct page *p, const char *name)
{
    char *words = mem_string(name);
    for (char *c = words; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return page_keep(p, words);
}

const char *page_unbroken(struct page *p, const char *text)
{
    const char *joined = "";
    for (size_t n; n = strcspn(text, " "), text[n]; text += n + 1)
        joined = page_text(p, "%s%.*s\u00a0", joined, (int)n, text);
    return page_text(p, "%s%s", joined, text);
}

static const char dash[] = "\u2013";

static const char *value_text(struct page *p, double value, enum unit unit, int decimals)
{
    return isfinite(value) ? page_keep(p, format_value(value, unit, decimals)) : dash;
}

/* Enough for the interval, if there is one. */
static int decimals_of(const struct estimate *e, enum unit unit)
{
    return format_decimals(e, unit, SIDE_NONE, 0);
}

const char *page_value(struct page *p, double value, enum unit unit)
{
    struct estimate e = { value, value, value, 1 };
    return value_text(p, value, unit, decimals_of(&e, unit));
}

const char *page_estimate(struct page *p, const struct estimate *e, enum unit unit)
{
    int decimals = decimals_of(e, unit);
    const char *value = value_text(p, e->value, unit, decimals);
    if (!isfinite(e->value))
        return e->n == RUNS_NOT_ASKED ? "not asked" : e->n == RUNS_NOT_MEASURED ? "not measured" : dash;
    if (!isfinite(e->low) || !isfinite(e->high))
        return value;
    const char *interval = page_keep(p, format_interval(e, unit, decimals));
    return *interval ? page_text(p, "%s (%s)", value, interval) : value;
}

const char *page_count(struct page *p, int64_t n)
{
    return n > 0 ? page_keep(p, format_count(n)) : "";
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void write_cells(struct page *p, const char *const *cell, int n)
{
    for (int i = 0; i < n; i++) {
        fputs("| ", p->out);
        markdown_text(p->out, cell[i]);
        fputc(' ', p->out);
    }
    fputs("|\n", p->out);
}

void page_header(struct page *p, const char *name, const char *above, const char *const *cell, int n)
{
    assert(n <= PAGE_MOST_CELLS);
    p->table = (struct page_table){ .name = name, .above = above, .columns = n, .absent = "" };
    for (int i = 0; i < n; i++)
        p->table.column[i] = cell[i];
}

void page_cells(struct page *p, const char *const *cell, int n)
{
    struct page_table *t = &p->table;
    assert(n == t->columns);
    if (!t->rows++) {
        if (t->above)
            page_print(p, "%s", t->above);
        fputc('\n', p->out);
        write_cells(p, t->column, n);
        for (int i = 0; i < n; i++)
            fputs("|---", p->out);
        fputs("|\n", p->out);
    }
    write_cells(p, cell, n);
}

/* Up to the NULL. */
static int collect(const char **cell, va_list args)
{
    int n = 0;
    for (const char *text; (text = va_arg(args, const char *)); n++) {
        assert(n < PAGE_MOST_CELLS);
        cell[n] = text;
    }
    return n;
}

void page_table(struct page *p, const char *name, const char *above, ...)
{
    const char *cell[PAGE_MOST_CELLS];
    va_list args;
    va_start(args, above);
    int n = collect(cell, args);
    va_end(args);
    page_header(p, name, above, cell, n);
}

void page_row(struct page *p, ...)
{
    const char *cell[PAGE_MOST_CELLS];
    va_list args;
    va_start(args, p);
    int n = collect(cell, args);
    va_end(args);
    page_cells(p, cell, n);
}

/* Adds a name to a list of them, unless it is there. */
static const char *add_name(struct page *p, const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += n)
        if ((at == list || at[-2] == ';') && (at[n] == ';' || !at[n]))
            return list;
    return *list ? page_text(p, "%s; %s", list, name) : name;
}

void page_absent(struct page *p, const char *name)
{
    p->table.absent = add_name(p, p->table.absent, name);
}

bool page_table_end(struct page *p)
{
    const struct page_table *t = &p->table;
    if (!t->rows)
        p->absent[p->current] = add_name(p, p->absent[p->current], t->name);
    else if (*t->absent)
        page_print(p, "Not run yet: %s.", t->absent);
    return t->rows > 0;
}

/* --- drawings ----------------------------------------------------------------------------------------------------- */

FILE *page_drawing(struct page *p, const char *name)
{
    assert(p->n_drawings < PAGE_MOST_DRAWINGS);
    struct page_drawing *d = &p->drawing[p->n_drawings++];
    d->name = mem_string(name);
    memory_begin(&d->svg);
    return d->svg.out;
}

void page_show(struct page *p, const char *name, const char *alt)
{
    fputs("\n![", p->out);
    markdown_text(p->out, alt);
    fprintf(p->out, "](results/%s.svg)\n", name);
}

void page_plot(struct page *p, const char *name, const struct plot *plot, const char *alt)
{
    plot_write(plot, page_drawing(p, name));
    page_show(p, name, alt);
}

void page_rows(struct page *p, const char *name, const struct figure *f)
{
    draw_rows(page_drawing(p, name), f);
    page_show(p, name, f->description);
}
