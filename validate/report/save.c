#include "validate/report/report.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"

static bool save_stream(const struct report *r, const char *directory, const char *name,
                        void (*write)(const struct report *r, FILE *out), struct err *err)
{
    char *path = file_join(directory, name);
    struct file_writer w;
    bool ok = file_begin(&w, path, err);
    if (ok) {
        write(r, w.stream);
        ok = file_commit(&w, err);
    }
    free(path);
    return ok;
}

static bool save_json(const struct report *r, const char *directory, struct err *err)
{
    char *path = file_join(directory, "report.json");
    json_t *root = report_json(r);
    bool ok = json_save(root, path, err);
    json_decref(root);
    free(path);
    return ok;
}

bool report_save(const struct report *r, const char *directory, struct err *err)
{
    return file_make_directories(directory, err) && save_json(r, directory, err) &&
           save_stream(r, directory, "report.html", report_html, err) &&
           save_stream(r, directory, "report.md", report_markdown, err) &&
           save_stream(r, directory, "report.xml", report_junit, err);
}
