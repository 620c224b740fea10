#include "tests/page_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "tools/study_page/sections.h"

void study_put_steps(const char *steps)
{
    char *text = mem_format("{\"schema\":\"marginalia.study/1\",\"tiny\":false,\"steps\":[%s]}", steps);
    fixture_text("out/steps.json", text);
    free(text);
}

void study_put_report(const char *name, double right)
{
    char *text = mem_format("{\"schema\":\"marginalia-report\",\"version\":1,\"checks\":[{\"id\":\"accuracy\",\"kind\":"
                            "\"accuracy\",\"unit\":\"share\",\"value\":%g,\"low\":%g,\"high\":%g,\"n\":100}]}",
                            right, right - 0.01, right + 0.01);
    fixture_text(name, text);
    free(text);
}

bool study_make(struct err *err)
{
    char *out = mem_string(fixture_path("out")), *docs = mem_string(fixture_path("docs"));
    bool ok = file_make_directories(docs, err) && study_page(out, docs, err);
    free(out);
    free(docs);
    return ok;
}

char *study_read_text(const char *name)
{
    char *text;
    size_t n;
    struct err err;
    cr_assert(file_read(fixture_path(name), 1 << 20, &text, &n, &err), "%s", err.text);
    for (char *blank; (blank = strstr(text, "\u00a0")); memmove(blank + 1, blank + 2, strlen(blank + 2) + 1))
        *blank = ' ';
    return text;
}

char *study_page_text(void)
{
    return study_read_text("docs/results.md");
}

void study_expect_in(const char *name, const char *const *part)
{
    struct err err;
    cr_assert(study_make(&err), "%s", err.text);
    char *text = study_read_text(name);
    for (; *part; part++)
        cr_assert(strstr(text, *part), "%s lacks \"%s\":\n%s", name, *part, text);
    free(text);
}

void study_expect(const char *const *part)
{
    study_expect_in("docs/results.md", part);
}

void study_expect_none(const char *part)
{
    char *text = study_page_text();
    cr_assert(!strstr(text, part), "the page has \"%s\":\n%s", part, text);
    free(text);
}
