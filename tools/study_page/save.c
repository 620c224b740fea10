/* The page as files. */
#include "tools/study_page/page.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tools/study_page/commands.h"

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

/* What follows a comment at the head of the file. */
static char *skip_comment(char *text, int *number)
{
    char *end = strncmp(text, "<!--", 4) == 0 ? strstr(text, "-->") : NULL;
    if (!end)
        return text;
    for (const char *c = text; c < end; c++)
        *number += *c == '\n';
    return end + 3;
}

static bool divide(struct notes *notes, const char *path, struct err *err)
{
    int section = -1, number = 1;
    for (char *line = skip_comment(notes->text, &number); *line; number++) {
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
        if (section < 0 && next < 0 && strspn(line, " \t\r\n") < n)
            return err_usage(err,
                             "%s:%d: this would stand nowhere; begin its section above it, \"# first\" or \"# 1\" to "
                             "\"# %d\", or put it into <!-- -->",
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

/* Without the empty lines around it. */
static void write_notes(FILE *out, const struct notes *notes, int section)
{
    const char *text = notes->part[section];
    size_t n = notes->n[section];
    while (n && text[n - 1] == '\n')
        n--;
    while (n && *text == '\n')
        text++, n--;
    if (n)
        fprintf(out, "\n%.*s\n", (int)n, text);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void write_head(FILE *out, const struct runs *runs)
{
    struct progress all = commands_progress(runs, 0);
    fprintf(
        out,
        "# Measured results%s\n\n"
        "**%d of %d steps of the study are run** ([which](results/commands.md)); the page is made anew as more are. "
        "`tools/reproduce` runs them, `build/release/tools/study_page` writes the page from what they left, and "
        "every row can be made again by the command below its section.\n\n"
        "n counts pictures. Intervals are 95 %% intervals over pictures: Wilson's for shares of right answers, "
        "bootstrap for means and ratios, order statistics for medians. Where several seeds were trained, each has "
        "its own value, and \"mean\" is over the seeds, with their range in brackets.\n",
        runs->tiny ? ", tiny study" : "", all.done, all.steps);
    if (runs->tiny)
        fputs("\n**This is the tiny study: made-up pictures, networks that train in a second. It shows that every step "
              "runs, and says nothing about real models.**\n",
              out);
}

static void write_memory(FILE *out, struct memory *m)
{
    fflush(m->out);
    fwrite(m->bytes, 1, m->n, out);
}

/* "Hop." from "hop" */
static void write_sentence(FILE *out, const char *clause)
{
    fprintf(out, "\n%c%s.\n", toupper((unsigned char)*clause), *clause ? clause + 1 : "");
}

/* Of a section of which nothing is run. */
static void write_promise(FILE *out, int steps, int section, const char *shows)
{
    bool one = steps == 1;
    fprintf(out, "\n%s [%d step%s](results/commands.md#section-%d) %s run yet. %s will show %s.\n",
            one ? "Its" : "None of its", steps, one ? "" : "s", section, one ? "is not" : "is", one ? "It" : "They",
            shows);
}

static void write_section(FILE *out, struct page *p, const struct notes *notes, int section)
{
    struct progress own = commands_progress(p->runs, section);
    fflush(p->section[section].out);
    bool begun = own.done || p->section[section].n;
    fprintf(out, "\n## %s\n", heading[section]);
    if (begun)
        write_sentence(out, p->shows[section]);
    else
        write_promise(out, own.steps, section, p->shows[section]);
    write_notes(out, notes, section);
    write_memory(out, &p->section[section]);
    if (begun && *p->absent[section])
        fprintf(out, "\nNothing yet of: %s.\n", p->absent[section]);
    if (own.done)
        commands_write_rerun(out, p->runs, section);
}

static void write_page(FILE *out, struct page *p, const struct notes *notes)
{
    write_head(out, p->runs);
    fprintf(out, "\n## %s\n", heading[0]);
    write_notes(out, notes, 0);
    fflush(p->section[0].out);
    if (p->section[0].n)
        fputc('\n', out);
    write_memory(out, &p->section[0]);
    for (int section = 1; section <= RUNS_SECTIONS; section++)
        write_section(out, p, notes, section);
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

static bool save_texts(struct page *p, const struct notes *notes, const char *directory, struct err *err)
{
    struct file_writer page, commands;
    char *path = file_join(directory, "results.md"), *beside = file_join(directory, "results/commands.md");
    bool ok = file_begin(&commands, beside, err);
    if (ok && !file_begin(&page, path, err)) {
        file_abandon(&commands);
        ok = false;
    }
    if (ok) {
        commands_write(commands.stream, p->runs);
        write_page(page.stream, p, notes);
        ok = file_commit(&commands, err);
        if (ok)
            ok = file_commit(&page, err);
        else
            file_abandon(&page);
    }
    free(beside);
    free(path);
    return ok;
}

bool page_save(struct page *p, const char *directory, struct err *err)
{
    struct notes notes;
    bool ok =
        read_notes(directory, &notes, err) && save_drawings(p, directory, err) && save_texts(p, &notes, directory, err);
    free(notes.text);
    return ok;
}
