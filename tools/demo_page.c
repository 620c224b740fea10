/* demo_page DIR: the page at the end of tools/demo, DIR/index.html, from the reports that it made. Fails when the
 * reports do not say what the demonstration is about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "datasets/picture.h"
#include "datasets/region.h"
#include "validate/report/format.h"
#include "validate/report/html.h"
#include "validate/report/picture.h"
#include "validate/report/style.h"

enum { REPORT_LIMIT = 64 << 20, PICTURES = 6, SIDE = 64, RING = 2 };

/* One report of the demonstration. */
struct chapter {
    const char *name, *heading, *descriptor, *check;
    const char *expected; /* status of that check */
    json_t *report;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const json_t *check_of(const json_t *report, const char *id)
{
    size_t i;
    json_t *check;
    json_array_foreach(json_object_get(report, "checks"), i,
                       check) if (strcmp(text_of(check, "id"), id) == 0) return check;
    return NULL;
}

/* Opens DIR/NAME/report.json, or that of a run directory, and makes sure of its message. */
static bool read_chapter(const char *directory, bool model, struct chapter *c, struct err *err)
{
    char *path = mem_format("%s/%s/%sreport.json", directory, c->name, model ? "validation/" : "");
    bool ok = json_open(path, REPORT_LIMIT, &c->report, err);
    const json_t *check = ok ? check_of(c->report, c->check) : NULL;
    if (ok && strcmp(text_of(check, "status"), c->expected) != 0)
        ok = err_run(err, "%s: %s is \"%s\" where \"%s\" was expected; the demonstration has failed", path, c->check,
                     text_of(check, "status"), c->expected);
    free(path);
    return ok;
}

static void write_text(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    html_text(out, text);
    fputs(close, out);
}

/* A picture of the test split; ring: only its edge, as the checks see it. */
static bool write_picture(FILE *out, const struct dataset *data, int64_t image, bool ring, struct err *err)
{
    struct augment geometry = picture_geometry(data);
    int pixels = geometry.h * geometry.w;
    float *x = mem_alloc((size_t)geometry.c * pixels, sizeof *x);
    uint8_t *mask = mem_alloc((size_t)pixels, 1), *bytes = mem_alloc((size_t)pixels, 3);
    bool ok = picture_read(data, SPLIT_TEST, image, &geometry, NULL, NULL, x, err);
    if (ok) {
        region_ring(geometry.h, geometry.w, RING, mask);
        for (int i = 0; ring && i < geometry.c * pixels; i++)
            x[i] = mask[i % pixels] ? x[i] : 0.5f;
        picture_from_image(x, geometry.c, geometry.h, geometry.w, bytes);
        char *name = data->class_names[data->label(data, SPLIT_TEST, image)];
        struct picture p = { geometry.w, geometry.h, 3, bytes, name, name };
        html_picture(out, &p, SIDE);
    }
    free(x);
    free(mask);
    free(bytes);
    return ok;
}

static bool write_pictures(FILE *out, const char *descriptor, bool ring, struct err *err)
{
    struct dataset *data;
    if (!dataset_open(descriptor, NULL, &data, err))
        return false;
    fputs("<div class=\"row\">\n", out);
    bool ok = true;
    for (int64_t i = 0; ok && i < PICTURES && i < data->count[SPLIT_TEST]; i++)
        ok = write_picture(out, data, i, ring, err);
    fputs("</div>\n", out);
    dataset_close(data);
    return ok;
}

static void write_verdict(FILE *out, const struct chapter *c, bool model)
{
    const json_t *check = check_of(c->report, c->check);
    write_text(out, "<p><b>", text_of(check, "question"), "</b> ");
    write_text(out, "", text_of(check, "found"), "</p>\n");
    fprintf(out, "<p>%s <b>%s</b>. <a href=\"%s/%sreport.html\">The whole report</a></p>\n",
            model ? "Overinterprets:" : "Safe to learn from:", text_of(c->report, "verdict"), c->name,
            model ? "validation/" : "");
}

static char *value_of(const json_t *check)
{
    static const char *const units[] = { "share", "points", "ratio", "number" };
    int unit = 0;
    while (unit < 3 && strcmp(text_of(check, "unit"), units[unit]) != 0)
        unit++;
    struct estimate e = { json_number_value(json_object_get(check, "value")),
                          json_number_value(json_object_get(check, "low")),
                          json_number_value(json_object_get(check, "high")), 1 };
    return format_value(e.value, (enum unit)unit, format_decimals(&e, (enum unit)unit, SIDE_NONE, 0));
}

/* Check by check, both models: what changed, and what did not. */
static void write_table(FILE *out, const struct chapter *plain, const struct chapter *mitigated)
{
    size_t i;
    json_t *a;
    fputs("<table>\n<thead><tr><th>Question</th><th>Trained as it was</th><th>Trained on the repaired copy</th></tr>"
          "</thead>\n<tbody>\n",
          out);
    json_array_foreach(json_object_get(plain->report, "checks"), i, a)
    {
        const json_t *b = check_of(mitigated->report, text_of(a, "id"));
        char *one = value_of(a), *two = value_of(b);
        write_text(out, "<tr><td>", text_of(a, "question"), " <small>");
        write_text(out, "", text_of(a, "measure"), "</small></td>");
        write_text(out, "<td>", one, " ");
        write_text(out, "<small>", text_of(a, "status"), "</small></td>");
        write_text(out, "<td>", two, " ");
        write_text(out, "<small>", text_of(b, "status"), "</small></td></tr>\n");
        free(one);
        free(two);
    }
    fputs("</tbody></table>\n", out);
}

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Marginalia: a demonstration</title>\n<style>\n";
static const char introduction[] =
    "thead th:nth-child(n){width:27%}thead th:nth-child(1){width:46%}</style>\n</head>\n<body>\n<header>\n<h1>Right "
    "for the wrong reason</h1>\n"
    "<p class=\"lead\">Three made-up data sets show shapes on striped ground. In one of them a frame gives the class "
    "away, in another the brightness does. Accuracy cannot tell; the checks can.</p></header>\n<main>\n";

static bool write_page(FILE *out, const struct chapter *data, const struct chapter *model, struct err *err)
{
    fprintf(out, "%s%s%s", head, report_style, introduction);
    bool ok = true;
    for (int i = 0; ok && i < 3; i++) {
        write_text(out, "<section>\n<h2>", data[i].heading, "</h2>\n");
        ok = write_pictures(out, data[i].descriptor, false, err);
        write_verdict(out, &data[i], false);
        fputs("</section>\n", out);
    }
    for (int i = 0; ok && i < 2; i++) {
        write_text(out, "<section>\n<h2>", model[i].heading, "</h2>\n");
        ok = write_pictures(out, model[i].descriptor, true, err);
        write_verdict(out, &model[i], true);
        fputs("</section>\n", out);
    }
    fputs("<section>\n<h2>Both models, question by question</h2>\n", out);
    write_table(out, &model[0], &model[1]);
    fputs("</section>\n</main>\n</body>\n</html>\n", out);
    return ok;
}

static bool save_page(const char *path, const struct chapter *data, const struct chapter *model, struct err *err)
{
    struct file_writer file;
    if (!file_begin(&file, path, err))
        return false;
    if (write_page(file.stream, data, model, err))
        return file_commit(&file, err);
    file_abandon(&file);
    return false;
}

static bool make_page(const char *directory, struct err *err)
{
    char *repaired = mem_format("%s/repaired/dataset.conf", directory);
    struct chapter data[3] = { { "clean", "Nothing but shapes", "datasets/planted.conf", "border.sufficiency@2", "pass",
                                 NULL },
                               { "border", "Frames that tell the class", "datasets/planted_border.conf",
                                 "border.sufficiency@2", "fail", NULL },
                               { "property", "Brightness that tells the class", "datasets/planted_property.conf",
                                 "property.leak@picture", "fail", NULL } };
    struct chapter model[2] = { { "plain", "A model trained on the set with the frames", "datasets/planted_border.conf",
                                  "border.accuracy@2", "fail", NULL },
                                { "mitigated", "A model trained on a copy whose frames were exchanged at random",
                                  repaired, "border.accuracy@2", "pass", NULL } };
    char *path = mem_format("%s/index.html", directory);
    bool ok = true;
    for (int i = 0; ok && i < 3; i++)
        ok = read_chapter(directory, false, &data[i], err);
    for (int i = 0; ok && i < 2; i++)
        ok = read_chapter(directory, true, &model[i], err);
    ok = ok && save_page(path, data, model, err);
    if (ok)
        printf("\nThe whole story on one page: %s\n", path);
    for (int i = 0; i < 3; i++)
        json_decref(data[i].report);
    for (int i = 0; i < 2; i++)
        json_decref(model[i].report);
    free(path);
    free(repaired);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    if (argc != 2) {
        fprintf(stderr, "usage: demo_page DIR\n");
        return EXIT_USAGE;
    }
    if (make_page(argv[1], &err))
        return EXIT_OK;
    fprintf(stderr, "demo_page: %s\n", err.text);
    return (int)err.status;
}
