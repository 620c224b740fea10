#include "darknet-ext/cfg_parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *s)
{
    while (is_blank(*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    s[n] = '\0';
    return s;
}

/* A comment starts the line, or follows a blank: `filters=8 # as in the paper`. */
static void cut_comment(char *s)
{
    for (char *c = s; *c; c++)
        if ((*c == '#' || *c == ';') && (c == s || is_blank(c[-1]))) {
            *c = '\0';
            return;
        }
}

static bool split_section(const char *path, int line, char *s, struct cfg_document *doc, struct err *err)
{
    size_t n = strlen(s);
    if (s[n - 1] != ']')
        return err_usage(err, "%s:%d: section name is not closed; end the line with ]", path, line);
    s[n - 1] = '\0';
    if (doc->n > CFG_MAX_LAYERS)
        return err_usage(err, "%s:%d: more than %d layers; make the network smaller", path, line, CFG_MAX_LAYERS);
    doc->sections[doc->n++] = (struct cfg_section){ .name = trim(s + 1), .line = line };
    return true;
}

static bool split_entry(const char *path, int line, char *s, struct cfg_document *doc, int entry, struct err *err)
{
    char *equals = strchr(s, '=');
    if (!equals)
        return err_usage(err, "%s:%d: '%.60s' is neither [section] nor key=value; correct or remove the line", path,
                         line, s);
    *equals = '\0';
    struct cfg_entry e = { trim(s), trim(equals + 1), line };
    if (!*e.key || !*e.value)
        return err_usage(err, "%s:%d: %s; write key=value", path, line,
                         *e.key ? "the key has no value" : "no key before =");
    if (doc->n == 0)
        return err_usage(err, "%s:%d: key '%.60s' stands before any section; begin the file with [net]", path, line,
                         e.key);
    doc->entries[entry] = e;
    doc->sections[doc->n - 1].n++;
    return true;
}

/* Sections point to their entries once the array no longer grows. */
static void link_entries(struct cfg_document *doc)
{
    struct cfg_entry *next = doc->entries;
    for (int i = 0; i < doc->n; i++) {
        doc->sections[i].entries = next;
        next += doc->sections[i].n;
    }
}

static int count_char(const char *s, char c)
{
    int n = 0;
    for (; *s; s++)
        n += *s == c;
    return n;
}

bool cfg_split(const char *path, const char *text, struct cfg_document *doc, struct err *err)
{
    doc->text = mem_string(text);
    doc->n = 0;
    doc->sections = mem_alloc(CFG_MAX_LAYERS + 1, sizeof *doc->sections);
    doc->entries = mem_alloc((size_t)count_char(text, '=') + 1, sizeof *doc->entries); /* each has its '=' */

    int line = 0, n_entries = 0;
    for (char *s = doc->text, *next; s; s = next) {
        next = strchr(s, '\n');
        if (next)
            *next++ = '\0';
        line++;
        cut_comment(s);
        s = trim(s);
        if (!*s)
            continue;
        if (*s == '[' ? !split_section(path, line, s, doc, err) : !split_entry(path, line, s, doc, n_entries++, err))
            return false;
    }
    link_entries(doc);
    return true;
}

void cfg_document_free(struct cfg_document *doc)
{
    free(doc->entries);
    free(doc->sections);
    free(doc->text);
    *doc = (struct cfg_document){ 0 };
}

const struct cfg_entry *cfg_find(const struct cfg_section *section, const char *key)
{
    for (int i = 0; i < section->n; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return &section->entries[i];
    return NULL;
}

bool cfg_refuse(const struct cfg_place *at, const char *key, const char *fmt, ...)
{
    char text[sizeof at->err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const struct cfg_entry *entry = key ? cfg_find(at->section, key) : NULL;
    return err_usage(at->err, "%s:%d: %s", at->path, entry ? entry->line : at->section->line, text);
}
