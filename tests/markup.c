#include "tests/markup.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { DEPTH = 64 };

struct reader {
    const char *at;
    struct markup *m;
    char *open[DEPTH];
    int depth;
    size_t written;
};

static void complain(struct reader *r, const char *what)
{
    if (!*r->m->problem)
        snprintf(r->m->problem, sizeof r->m->problem, "%s at: %.100s", what, r->at);
}

static bool is_void(const char *name)
{
    static const char *const names[] = { "meta", "br", "img", "link", "hr", "input" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static char *read_name(struct reader *r)
{
    size_t n = 0;
    while (isalnum((unsigned char)r->at[n]) || strchr("-:_", r->at[n] ? r->at[n] : ' '))
        n++;
    char *name = mem_format("%.*s", (int)n, r->at);
    r->at += n;
    return name;
}

static void read_attributes(struct reader *r, struct tag *t)
{
    for (;;) {
        while (isspace((unsigned char)*r->at))
            r->at++;
        if (*r->at == '>' || *r->at == '/' || *r->at == '?' || !*r->at)
            return;
        char *key = read_name(r);
        if (!*key || strncmp(r->at, "=\"", 2) != 0 || t->n == MARKUP_ATTRIBUTES) {
            complain(r, "an attribute without a name or quotes");
            free(key);
            return;
        }
        r->at += 2;
        size_t n = strcspn(r->at, "\"<");
        t->key[t->n] = key;
        t->value[t->n++] = mem_format("%.*s", (int)n, r->at);
        r->at += n;
        if (*r->at++ != '"')
            complain(r, "an attribute that is not closed");
    }
}

static void close_tag(struct reader *r)
{
    r->at += 2;
    char *name = read_name(r);
    if (!r->depth || strcmp(name, r->open[r->depth - 1]) != 0)
        complain(r, "a tag is closed that is not the last one opened, before");
    else
        free(r->open[--r->depth]);
    if (*r->at++ != '>')
        complain(r, "no > after a closing tag");
    free(name);
}

/* The contents of <style> are no markup. */
static void skip_style(struct reader *r)
{
    const char *end = strstr(r->at, "</style>");
    if (end)
        r->at = end;
    else
        complain(r, "<style> is not closed");
}

static void open_tag(struct reader *r)
{
    r->at++;
    r->m->tag = mem_resize(r->m->tag, (size_t)r->m->n + 1, sizeof *r->m->tag);
    struct tag *t = &r->m->tag[r->m->n++];
    *t = (struct tag){ .name = read_name(r) };
    if (!*t->name)
        complain(r, "a < that opens no tag");
    read_attributes(r, t);
    bool closed = *r->at == '/';
    r->at += closed;
    if (*r->at++ != '>')
        complain(r, "no > at the end of a tag");
    if (closed || is_void(t->name))
        return;
    if (r->depth < DEPTH)
        r->open[r->depth++] = mem_string(t->name);
    else
        complain(r, "too deep");
    if (strcmp(t->name, "style") == 0)
        skip_style(r);
}

struct markup markup_read(const char *source)
{
    struct markup m = { .text = mem_alloc(strlen(source) + 1, 1) };
    struct reader r = { .at = source, .m = &m };
    if (strncasecmp(source, "<!doctype html>", 15) == 0)
        r.at += 15;
    else if (strncmp(source, "<?xml", 5) == 0)
        r.at = strchr(source, '\n');
    while (*r.at && !*m.problem) {
        if (*r.at != '<') {
            m.text[r.written++] = *r.at++;
            continue;
        }
        m.text[r.written++] = ' ';
        if (r.at[1] == '/')
            close_tag(&r);
        else
            open_tag(&r);
    }
    if (r.depth && !*m.problem)
        snprintf(m.problem, sizeof m.problem, "<%s> is not closed", r.open[r.depth - 1]);
    while (r.depth)
        free(r.open[--r.depth]);
    return m;
}

void markup_free(struct markup *m)
{
    for (int i = 0; i < m->n; i++) {
        free(m->tag[i].name);
        for (int k = 0; k < m->tag[i].n; k++) {
            free(m->tag[i].key[k]);
            free(m->tag[i].value[k]);
        }
    }
    free(m->tag);
    free(m->text);
}

const char *tag_value(const struct tag *t, const char *key)
{
    for (int k = 0; k < t->n; k++)
        if (strcmp(t->key[k], key) == 0)
            return t->value[k];
    return NULL;
}

int markup_count(const struct markup *m, const char *name, const char *key, const char *value)
{
    int n = 0;
    for (int i = 0; i < m->n; i++) {
        const char *found = key ? tag_value(&m->tag[i], key) : "";
        n += strcmp(m->tag[i].name, name) == 0 && found && (!value || strcmp(found, value) == 0);
    }
    return n;
}

bool markup_has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strcasestr(p, word)); p++)
        if ((p == text || !isalpha((unsigned char)p[-1])) && !isalpha((unsigned char)p[n]))
            return true;
    return false;
}

char *markup_between(const char *text, const char *from, const char *to)
{
    const char *start = strstr(text, from);
    cr_assert(start && strstr(start, to), "%s", from);
    return mem_format("%.*s", (int)(strstr(start, to) - start), start);
}

static FILE *stream;
static char *written;
static size_t written_bytes;

FILE *markup_stream(void)
{
    stream = open_memstream(&written, &written_bytes);
    cr_assert_not_null(stream);
    return stream;
}

char *markup_written(void)
{
    cr_assert_eq(fclose(stream), 0);
    return written;
}
