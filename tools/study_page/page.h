/* docs/results.md while it is made. Everything is kept in memory and written at the end, so that a study that cannot be
 * read leaves the old page as it was.
 *
 * The page shows what was measured: a table has a row for what was run, and one line below it names the rest. Of a
 * section without any row it says what it will show. Every block begins with an empty line and ends with its last. */
#ifndef MARGINALIA_TOOLS_STUDY_PAGE_PAGE_H
#define MARGINALIA_TOOLS_STUDY_PAGE_PAGE_H

#include <stdio.h>
#include "base/plot.h"
#include "tools/study_page/draw.h"
#include "tools/study_page/runs.h"

enum { PAGE_MOST_DRAWINGS = 64, PAGE_MOST_CELLS = 16 };

/* An in-memory file. */
struct memory {
    char *bytes;
    size_t n;
    FILE *out; /* NULL: closed */
};

struct page {
    const struct runs *runs;
    int current; /* the section that is being written, and where */
    FILE *out;
    struct memory section[RUNS_SECTIONS + 1]; /* [1..]; [0]: what differs, list items */
    const char *shows[RUNS_SECTIONS + 1];     /* what it tells, a clause */
    const char *absent[RUNS_SECTIONS + 1];    /* "; "-separated names of its tables without a row, or "" */
    struct page_table {
        const char *name, *above;
        const char *column[PAGE_MOST_CELLS];
        int columns, rows;
        const char *absent; /* "; "-separated, or "" */
    } table;                /* the last */
    int n_drawings;
    struct page_drawing {
        char *name; /* file name without ending */
        struct memory svg;
    } drawing[PAGE_MOST_DRAWINGS];
    int n_texts;
    char **text; /* kept until page_free */
};

void page_new(struct page *p, const struct runs *runs);
void page_free(struct page *p);

/* Writes DIR/results/NAME.svg, then DIR/results/commands.md with the commands of all steps, then DIR/results.md: what
 * differs, and the sections. DIR/results_notes.md, if it is there, has what people wrote: below a line "# first" or "#
 * 1"
 * ... "# 8" stands what is put at the head of that section as it is. */
bool page_save(struct page *p, const char *directory, struct err *err);

/* Begins section 1..RUNS_SECTIONS. shows: what it tells, a clause: "how many pictures ...". */
void page_section(struct page *p, int section, const char *shows);
/* An item of the first section, a sentence. */
void page_differs(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void page_print(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a paragraph, Markdown */
void page_quote(struct page *p, const char *text);    /* a paragraph of a report, quoted; whatever is in it is text */
void page_verbatim(struct page *p, const char *text); /* as a program printed it */

/* Texts for cells and sentences, kept by the page. */
const char *page_keep(struct page *p, char *text); /* takes it */
const char *page_text(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *page_unbroken(struct page *p, const char *text);          /* with blanks at which no line ends */
const char *page_words(struct page *p, const char *name);             /* "cross_fitted" -> "cross fitted" */
const char *page_value(struct page *p, double value, enum unit unit); /* "91.0%"; a dash for NaN */
/* "91.0% (90.4% to 91.5%)"; without a value why there is none: a dash (not run), "not asked", "not measured". */
const char *page_estimate(struct page *p, const struct estimate *e, enum unit unit);
const char *page_count(struct page *p, int64_t n); /* "10,000"; "" from 0 down */

/* A table: what it is about, in few words; what stands above it, NULL: nothing; the names of its columns, ended by
 * NULL. Nothing is written before its first row. */
void page_table(struct page *p, const char *name, const char *above, ...) __attribute__((sentinel));
void page_row(struct page *p, ...) __attribute__((sentinel)); /* as many cells, ended by NULL */
/* The same from arrays. */
void page_header(struct page *p, const char *name, const char *above, const char *const *cell, int n);
void page_cells(struct page *p, const char *const *cell, int n);
/* A row that has no results, by name; the same one is named once. */
void page_absent(struct page *p, const char *name);
/* The line below: "Not run yet: Ensemble of 3; Ensemble of 5." Returns whether there is a row. */
bool page_table_end(struct page *p);

/* A file to draw in, and, with page_show, where it stands on the page. alt: what it shows, in words. */
FILE *page_drawing(struct page *p, const char *name);
void page_show(struct page *p, const char *name, const char *alt);
void page_plot(struct page *p, const char *name, const struct plot *plot, const char *alt); /* both */
void page_rows(struct page *p, const char *name, const struct figure *f);                   /* both */

#endif
