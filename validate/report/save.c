#include "validate/report/report.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "validate/report/compare_save.h"

/* A document of a report or of a comparison: `write` gets `self`. */
static bool save_stream(const void *self, const char *directory, const char *name,
                        void (*write)(const void *self, FILE *out), struct err *err)
{
    char *path = file_join(directory, name);
    struct file_writer w;
    bool ok = file_begin(&w, path, err);
    if (ok) {
        write(self, w.stream);
        ok = file_commit(&w, err);
    }
    free(path);
    return ok;
}

/* Takes over root. */
static bool save_json(json_t *root, const char *directory, struct err *err)
{
    char *path = file_join(directory, "report.json");
    bool ok = json_save(root, path, err);
    json_decref(root);
    free(path);
    return ok;
}

static void write_html(const void *self, FILE *out)
{
    report_html(self, out);
}

static void write_markdown(const void *self, FILE *out)
{
    report_markdown(self, out);
}

static void write_junit(const void *self, FILE *out)
{
    report_junit(self, out);
}

bool report_save(const struct report *r, const char *directory, struct err *err)
{
    return file_make_directories(directory, err) && save_json(report_json(r), directory, err) &&
           save_stream(r, directory, "report.html", write_html, err) &&
           save_stream(r, directory, "report.md", write_markdown, err) &&
           save_stream(r, directory, "report.xml", write_junit, err);
}

static void write_comparison_html(const void *self, FILE *out)
{
    comparison_html(self, out);
}

static void write_comparison_markdown(const void *self, FILE *out)
{
    comparison_markdown(self, out);
}

bool comparison_save(const struct comparison *c, const char *directory, struct err *err)
{
    return file_make_directories(directory, err) && save_json(comparison_json(c), directory, err) &&
           save_stream(c, directory, "compare.html", write_comparison_html, err) &&
           save_stream(c, directory, "report.md", write_comparison_markdown, err) &&
           save_stream(&c->report, directory, "report.xml", write_junit, err);
}
