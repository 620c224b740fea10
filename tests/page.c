#include "tests/page.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void page_closes_every_tag(const struct markup *m)
{
    cr_assert_str_empty(m->problem, "%s", m->problem);
    cr_assert_eq(markup_count(m, "html", "lang", "en"), 1);
}

void page_links_lead_somewhere(const struct markup *m)
{
    for (int i = 0; i < m->n; i++) {
        const char *id = tag_value(&m->tag[i], "id"), *link = tag_value(&m->tag[i], "href");
        int same = 0, target = 0;
        for (int k = 0; k < m->n; k++) {
            const char *other = tag_value(&m->tag[k], "id");
            same += id && other && strcmp(id, other) == 0;
            target += link && other && *link == '#' && strcmp(link + 1, other) == 0;
        }
        cr_assert(!id || same == 1, "id %s stands %d times", id, same);
        cr_assert(!link || target == 1, "link %s has %d targets", link, target);
    }
}

void page_tells_who_cannot_see(const struct markup *m)
{
    for (int i = 0; i < m->n; i++) {
        const struct tag *t = &m->tag[i];
        const char *alt = tag_value(t, "alt"), *labels = tag_value(t, "aria-labelledby");
        cr_assert(strcmp(t->name, "img") != 0 || (alt && *alt), "a picture without a text");
        bool drawn = strcmp(t->name, "svg") == 0 && !tag_value(t, "aria-hidden");
        cr_assert(!drawn || (labels && strcmp(tag_value(t, "role"), "img") == 0), "a chart without a text");
        if (!labels)
            continue;
        char *first = mem_format("%.*s", (int)strcspn(labels, " "), labels);
        cr_assert_eq(markup_count(m, "title", "id", first), 1);
        cr_assert_eq(markup_count(m, "desc", "id", strchr(labels, ' ') + 1), 1);
        free(first);
    }
}

void page_skips_no_heading(const struct markup *m)
{
    int level = 0, first = 0;
    for (int i = 0; i < m->n; i++) {
        const char *name = m->tag[i].name;
        if (name[0] != 'h' || !isdigit((unsigned char)name[1]) || name[2])
            continue;
        cr_assert_leq(name[1] - '0', level + 1, "h%c after h%d", name[1], level);
        level = name[1] - '0';
        first += level == 1;
    }
    cr_assert_eq(first, 1);
}

void page_loads_and_runs_nothing(const char *page, const struct markup *m)
{
    for (int i = 0; i < m->n; i++) {
        const char *source = tag_value(&m->tag[i], "src"), *link = tag_value(&m->tag[i], "href");
        cr_assert(!source || strncmp(source, "data:image/", 11) == 0, "%s", source);
        cr_assert(!link || *link == '#', "%s", link);
        for (int k = 0; k < m->tag[i].n; k++)
            cr_assert(strncmp(m->tag[i].key[k], "on", 2) != 0 && strcmp(m->tag[i].key[k], "style") != 0);
    }
    cr_assert_eq(markup_count(m, "script", NULL, NULL) + markup_count(m, "link", NULL, NULL), 0);
    cr_assert_null(strstr(page, "url("));
    cr_assert_null(strstr(page, "@import"));
}

void page_prints_numbers_only(const struct markup *m)
{
    static const char *const word[] = { "nan", "inf", "infinity", "null" };
    for (size_t w = 0; w < sizeof word / sizeof *word; w++) {
        cr_assert(!markup_has_word(m->text, word[w]), "\"%s\" stands in the text", word[w]);
        for (int i = 0; i < m->n; i++)
            for (int k = 0; k < m->tag[i].n; k++)
                if (strcmp(m->tag[i].key[k], "src") != 0)
                    cr_assert(!markup_has_word(m->tag[i].value[k], word[w]), "%s=\"%s\"", m->tag[i].key[k],
                              m->tag[i].value[k]);
    }
}

void page_is_narrow(const struct markup *m)
{
    for (int i = 0; i < m->n; i++) {
        const char *width = tag_value(&m->tag[i], "width");
        bool picture = strcmp(m->tag[i].name, "svg") == 0 || strcmp(m->tag[i].name, "img") == 0;
        cr_assert(!picture || !width || strtol(width, NULL, 10) <= 344, "%s", width);
    }
}

void page_must_hold(const char *page)
{
    struct markup m = markup_read(page);
    page_closes_every_tag(&m);
    page_links_lead_somewhere(&m);
    page_tells_who_cannot_see(&m);
    page_skips_no_heading(&m);
    page_loads_and_runs_nothing(page, &m);
    page_prints_numbers_only(&m);
    page_is_narrow(&m);
    markup_free(&m);
}
