/* The page as files. */
#include "tools/study_page/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "validate/report/format.h"
#include "validate/report/markdown.h"

enum { NOTES_LIMIT = 1 << 20 };

static const char *const heading[RUNS_SECTIONS + 1] = {
    "What we could not reproduce, or what differs",
    "1. Accuracy on whole pictures",
    "2. How little of a picture is enough",
    "3. Small parts, shown to the model that chose them and to others",
    "4. New models, trained on small parts",
    "5. Do the mitigations help?",
    "6. Borders",
    "7. Known answers: how often a check is right",
    "8. Speed",
};

/* --- what people wrote -------------------------------------------------------------------------------------------- */

/* "# first" or "# 1" ... "# 8"; -1: another line. */
static int noted_section(const char *line)
{
    size_t n = strcspn(line, "\n");
    if (n == 7 && memcmp(line, "# first", 7) == 0)
        return 0;
    return n == 3 && line[0] == '#' && line[1] == ' ' && line[2] >= '1' && line[2] <= '0' + RUNS_SECTIONS
               ? line[2] - '0'
               : -1;
}

struct notes {
    char *text;                          /* NULL: there are none */
    const char *part[RUNS_SECTIONS + 1]; /* NULL: nothing for that section */
    size_t n[RUNS_SECTIONS + 1];
};

static bool divide(struct notes *notes, const char *path, struct err *err)
{
    int section = -1, number = 1;
    for (char *line = notes->text; *line; number++) {
        size_t n = strcspn(line, "\n") + 1;
        n -= !line[n - 1];
        int next = noted_section(line);
        if (next >= 0 && notes->part[next])
            return err_usage(err, "%s:%d: this section has notes already; join them", path, number);
        if (next < 0 && strncmp(line, "# ", 2) == 0)
            return err_usage(err,
                             "%s:%d: no such section; write \"# first\" or \"# 1\" to \"# %d\", and headings of "
                             "your own from \"## \" on",
                             path, number, RUNS_SECTIONS);
        if (next >= 0)
            section = next, notes->part[section] = line + n;
        else if (section >= 0)
            notes->n[section] = (size_t)(line + n - notes->part[section]);
        line += n;
    }
    return true;
}

static bool read_notes(const char *directory, struct notes *notes, struct err *err)
{
    size_t n;
    char *path = file_join(directory, "results_notes.md");
    *notes = (struct notes){ 0 };
    bool ok = !file_exists(path) || (file_read(path, NOTES_LIMIT, &notes->text, &n, err) && divide(notes, path, err));
    free(path);
    return ok;
}

static void write_notes(FILE *out, const struct notes *notes, int section)
{
    if (notes->part[section] && notes->n[section])
        fprintf(out, "%.*s\n", (int)notes->n[section], notes->part[section]);
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* "not run (missing)", or "41 s; AMD EPYC, 2 processors". */
static void write_run(FILE *out, const struct step *s)
{
    char *estimate = format_duration(60 * s->minutes), *seconds = format_duration(s->seconds);
    fprintf(out, "* **%s**: ", s->name);
    if (!s->done) {
        fputs("not run (", out);
        markdown_text(out, s->state);
        fprintf(out, "); about %s\n\n", estimate);
    } else {
        fprintf(out, "%s%s", seconds, s->machine ? "; " : "");
        markdown_text(out, s->machine);
        fputs("\n\n", out);
    }
    free(estimate);
    free(seconds);
}

static void write_commands(FILE *out, const struct runs *runs, int section)
{
    int n = 0, done = 0;
    for (int i = 0; i < runs->n; i++)
        if (runs->step[i].section == section)
            n++, done += runs->step[i].done;
    if (!n)
        return;
    fprintf(out, "\n<details><summary>Commands: %d of %d steps were run</summary>\n\n", done, n);
    for (int i = 0; i < runs->n; i++) {
        const struct step *s = &runs->step[i];
        if (s->section != section)
            continue;
        write_run(out, s);
        for (size_t k = 0; k < json_array_size(s->commands); k++) {
            fputs("      ", out); /* code, which nothing in it can end */
            for (const char *c = json_string_value(json_array_get(s->commands, k)); *c; c++)
                fputc((unsigned char)*c < 0x20 ? ' ' : *c, out);
            fputc('\n', out);
        }
        fputc('\n', out);
    }
    fputs("</details>\n", out);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void write_missing(FILE *out, const struct runs *runs)
{
    int n = 0;
    for (int i = 0; i < runs->n; i++)
        n += !runs->step[i].done;
    if (!n) {
        fprintf(out, "* Every step of the study was run (%d).\n", runs->n);
        return;
    }
    fprintf(out, "* Not run: %d of %d steps. Their rows say so, and their commands stand below each section.\n", n,
            runs->n);
    for (int section = 1; section <= RUNS_SECTIONS; section++) {
        int listed = 0;
        for (int i = 0; i < runs->n; i++) {
            const struct step *s = &runs->step[i];
            if (s->section != section || s->done)
                continue;
            if (!listed++)
                fprintf(out, "  * Section %d:", section);
            fprintf(out, "%s `%s`%s%s%s", listed > 1 ? "," : "", s->name, strcmp(s->state, "missing") ? " (" : "",
                    strcmp(s->state, "missing") ? s->state : "", strcmp(s->state, "missing") ? ")" : "");
        }
        if (listed)
            fputs("\n", out);
    }
}

static void write_head(FILE *out, const struct runs *runs)
{
    fprintf(
        out,
        "# Measured results%s\n\n"
        "Made by `build/release/tools/study_page` from what `tools/reproduce` left; every row can be made again by "
        "the command that stands below its section. Intervals are 95 %% intervals over pictures: Wilson's for shares "
        "of right answers, bootstrap for means and ratios, order statistics for medians. Where several seeds were "
        "trained, each has its own value, and \"mean\" is over the seeds, with their range in brackets. n counts "
        "pictures.\n\n",
        runs->tiny ? ", tiny study" : "");
    if (runs->tiny)
        fputs("**This is the tiny study: made-up pictures, networks that train in a second. It shows that every step "
              "runs, and says nothing about real models.**\n\n",
              out);
}

static void write_page(FILE *out, struct page *p, const struct notes *notes)
{
    write_head(out, p->runs);
    for (int section = 0; section <= RUNS_SECTIONS; section++) {
        fprintf(out, "%s## %s\n\n", section ? "\n" : "", heading[section]);
        write_notes(out, notes, section);
        if (section == 0)
            write_missing(out, p->runs);
        fflush(p->section[section].out);
        fwrite(p->section[section].bytes, 1, p->section[section].n, out);
        write_commands(out, p->runs, section);
    }
}

static bool save_drawings(struct page *p, const char *directory, struct err *err)
{
    char *folder = file_join(directory, "results");
    bool ok = file_make_directories(folder, err);
    for (int i = 0; ok && i < p->n_drawings; i++) {
        struct memory *svg = &p->drawing[i].svg;
        char *path = mem_format("%s/%s.svg", folder, p->drawing[i].name);
        fflush(svg->out);
        ok = file_write(path, svg->bytes, svg->n, err);
        free(path);
    }
    free(folder);
    return ok;
}

bool page_save(struct page *p, const char *directory, struct err *err)
{
    struct notes notes;
    struct file_writer w;
    char *path = file_join(directory, "results.md");
    bool ok = read_notes(directory, &notes, err) && save_drawings(p, directory, err) && file_begin(&w, path, err);
    if (ok) {
        write_page(w.stream, p, &notes);
        ok = file_commit(&w, err);
    }
    free(notes.text);
    free(path);
    return ok;
}
