/* docs/results.md while it is made. Everything is kept in memory and written at the end, so that a study that cannot be
 * read leaves the old page as it was. */
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
    FILE *out;                                /* the section that is being written */
    int n_columns;                            /* of its last table */
    struct memory section[RUNS_SECTIONS + 1]; /* [1..]; [0]: what differs, list items */
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

/* Writes DIR/results/NAME.svg and then DIR/results.md: what differs, the sections, each with the commands of its steps.
 * DIR/results_notes.md, if it is there, has what people wrote: below a line "# first" or "# 1" ... "# 8" stands what is
 * put at the head of that section as it is. */
bool page_save(struct page *p, const char *directory, struct err *err);

/* Begins section 1..RUNS_SECTIONS. */
void page_section(struct page *p, int section);
/* An item of the first section, a sentence. */
void page_differs(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void page_print(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a paragraph, Markdown */
void page_quote(struct page *p, const char *text);    /* a paragraph of a report, quoted; whatever is in it is text */
void page_verbatim(struct page *p, const char *text); /* as a program printed it */

/* Texts for cells and sentences, kept by the page. */
const char *page_keep(struct page *p, char *text); /* takes it */
const char *page_text(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *page_words(struct page *p, const char *name);             /* "cross_fitted" -> "cross fitted" */
const char *page_value(struct page *p, double value, enum unit unit); /* "91.0%"; "not run" for NaN */
/* "91.0% (90.4% to 91.5%)"; without a value why there is none: "not run", "not asked", "not measured". */
const char *page_estimate(struct page *p, const struct estimate *e, enum unit unit);
const char *page_count(struct page *p, int64_t n); /* "10,000"; "" from 0 down */

/* A table: names of columns, then rows of as many cells, both ended by NULL. */
void page_columns(struct page *p, ...) __attribute__((sentinel));
void page_row(struct page *p, ...) __attribute__((sentinel));
/* The same from arrays. */
void page_header(struct page *p, const char *const *cell, int n);
void page_cells(struct page *p, const char *const *cell, int n);

/* A file to draw in, and, with page_show, where it stands on the page. alt: what it shows, in words. */
FILE *page_drawing(struct page *p, const char *name);
void page_show(struct page *p, const char *name, const char *alt);
void page_plot(struct page *p, const char *name, const struct plot *plot, const char *alt); /* both */
void page_rows(struct page *p, const char *name, const struct figure *f);                   /* both */

#endif
