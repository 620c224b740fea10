#include "tools/study_page/commands.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/format.h"
#include "validate/report/markdown.h"

struct progress commands_progress(const struct runs *runs, int section)
{
    struct progress p = { 0, 0 };
    for (int i = 0; i < runs->n; i++)
        if (!section || runs->step[i].section == section)
            p.steps++, p.done += runs->step[i].done;
    return p;
}

/* --- names of many steps ------------------------------------------------------------------------------------------ */

/* How many that are not covered it stands for; 0 when it stands for others, too. Marks them in `covered` if wanted. */
static int count_matches(const struct runs *runs, int section, const char *pattern, bool *covered, bool mark)
{
    int n = 0;
    for (int i = 0; i < runs->n; i++) {
        const struct step *s = &runs->step[i];
        if (fnmatch(pattern, s->name, 0) != 0)
            continue;
        if (!s->done || s->section != section)
            return 0;
        n += !covered[i];
        covered[i] = covered[i] || mark;
    }
    return n;
}

/* Words `from` to `to` of the name, counted from 0 between its '_', become one '*'; NULL: it has fewer. free() it. */
static char *blot_words(const char *name, int from, int to)
{
    const char *begin = NULL, *at = name;
    for (int word = 0; word <= to; word++) {
        begin = word == from ? at : begin;
        const char *end = strchrnul(at, '_');
        if (word == to)
            return mem_format("%.*s*%s", (int)(begin - name), name, end);
        if (!*end)
            break;
        at = end + 1;
    }
    return NULL;
}

/* The digit at name[at], a word by itself, becomes all that were run: "resnet20_[12]". free() it. */
static char *spread_digit(const struct runs *runs, int section, const char *name, size_t at)
{
    char digits[11] = "", *other = mem_string(name);
    size_t n = 0;
    for (char digit = '0'; digit <= '9'; digit++) {
        other[at] = digit;
        const struct step *s = runs_done(runs, "%s", other);
        if (s && s->section == section)
            digits[n++] = digit;
    }
    free(other);
    return mem_format("%.*s[%s]%s", (int)at, name, digits, name + at + 1);
}

/* The best pattern up to now. */
struct choice {
    char *pattern;
    int n; /* steps that it adds */
};

/* Takes the pattern. */
static void consider(const struct runs *runs, int section, bool *covered, char *pattern, struct choice *best)
{
    int n = count_matches(runs, section, pattern, covered, false);
    if (n > best->n) {
        free(best->pattern);
        *best = (struct choice){ pattern, n };
    } else {
        free(pattern);
    }
}

/* A name itself, and with words blotted out or a digit spread. The first word stays. */
static void consider_name(const struct runs *runs, int section, bool *covered, const char *name, struct choice *best)
{
    consider(runs, section, covered, mem_string(name), best);
    for (size_t at = 1; name[at]; at++)
        if (name[at - 1] == '_' && isdigit((unsigned char)name[at]) && (name[at + 1] == '_' || !name[at + 1]))
            consider(runs, section, covered, spread_digit(runs, section, name, at), best);
    for (int from = 1, to = 1;; to++) {
        char *pattern = blot_words(name, from, to);
        if (pattern)
            consider(runs, section, covered, pattern, best);
        else if (from == to)
            return;
        else
            to = from++;
    }
}

char *commands_next_pattern(const struct runs *runs, int section, bool *covered)
{
    struct choice best = { NULL, 0 };
    for (int i = 0; i < runs->n; i++)
        if (runs->step[i].section == section && runs->step[i].done && !covered[i])
            consider_name(runs, section, covered, runs->step[i].name, &best);
    if (best.pattern)
        count_matches(runs, section, best.pattern, covered, true);
    return best.pattern;
}

void commands_write_rerun(FILE *out, const struct runs *runs, int section)
{
    bool *covered = mem_alloc((size_t)runs->n, sizeof *covered);
    char *pattern;
    fputs("\nTo run these steps again: `tools/reproduce --data DIR", out);
    while ((pattern = commands_next_pattern(runs, section, covered))) {
        fprintf(out, strpbrk(pattern, "*[") ? " '%s'" : " %s", pattern);
        free(pattern);
    }
    fprintf(out, "`. Each step's exact commands, time and machine: [section %d](results/commands.md#section-%d).\n",
            section, section);
    free(covered);
}

/* --- every step --------------------------------------------------------------------------------------------------- */

/* "41 s; AMD EPYC, 2 processors", or "Not run (missing); about 40 min". */
static void write_run(FILE *out, const struct step *s)
{
    char *estimate = format_duration(60 * s->minutes), *seconds = format_duration(s->seconds);
    fprintf(out, "\n**%s**: ", s->name);
    if (s->done) {
        fprintf(out, "%s%s", seconds, s->machine ? "; " : "");
        markdown_text(out, s->machine);
        fputs("\n", out);
    } else {
        fputs("not run (", out);
        markdown_text(out, s->state);
        fprintf(out, "); about %s\n", estimate);
    }
    free(estimate);
    free(seconds);
}

/* As code, which nothing in it can end. */
static void write_lines(FILE *out, const struct step *s)
{
    for (size_t k = 0; k < json_array_size(s->commands); k++) {
        fputs(k ? "    " : "\n    ", out);
        for (const char *c = json_string_value(json_array_get(s->commands, k)); *c; c++)
            fputc((unsigned char)*c < 0x20 ? ' ' : *c, out);
        fputc('\n', out);
    }
}

static void write_not_run(FILE *out, const struct runs *runs, int section)
{
    const char *between = "\nNot run: ";
    for (int i = 0; i < runs->n; i++) {
        const struct step *s = &runs->step[i];
        if (s->section != section || s->done)
            continue;
        fprintf(out, "%s`%s`", between, s->name);
        if (strcmp(s->state, "missing") != 0)
            fprintf(out, " (%s)", s->state);
        between = ", ";
    }
    fputs(strcmp(between, ", ") == 0 ? ".\n" : "", out);
}

void commands_write(FILE *out, const struct runs *runs)
{
    struct progress all = commands_progress(runs, 0);
    fprintf(
        out,
        "# The steps of the study%s\n\n"
        "%d of %d are run; [results.md](../results.md) shows what they found. `tools/reproduce --data DIR STEP` runs "
        "a step and those that it needs. Below each stand its exact commands, for the root of the repository and data "
        "in `data/`: how long all together took, when, and on what; or that it is not run yet, and about how long "
        "it takes on two processors.\n",
        runs->tiny ? ", tiny" : "", all.done, all.steps);
    for (int section = 1; section <= RUNS_SECTIONS; section++) {
        struct progress own = commands_progress(runs, section);
        fprintf(out, "\n## Section %d\n\n%d of %d steps are run.\n", section, own.done, own.steps);
        write_not_run(out, runs, section);
        for (int i = 0; i < runs->n; i++)
            if (runs->step[i].section == section) {
                write_run(out, &runs->step[i]);
                write_lines(out, &runs->step[i]);
            }
    }
}
