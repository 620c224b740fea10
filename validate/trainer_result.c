/* Reading what a training left. The files are train's (docs/run_directory.md), and hostile like all files. */
#include "validate/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/settings.h"

enum { MANIFEST_LIMIT = 4 << 20, SUMMARY_LIMIT = 64 << 20 };

static bool damaged(const char *path, const char *what, struct err *err)
{
    return err_run(err, "%s: %s; remove this run and start again", path, what);
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == SHA256_HEX - 1 && strspn(text, "0123456789abcdef") == SHA256_HEX - 1;
}

static bool read_final(const char *path, const json_t *root, struct training_result *out, struct err *err)
{
    const json_t *final = json_object_get(json_object_get(root, "results"), "final");
    const json_t *right = json_object_get(final, "test_correct"), *images = json_object_get(final, "test_images");
    const char *hash = json_string_value(json_object_get(final, "sha256"));

    if (!is_hash(hash))
        return damaged(path, "names no weights", err);
    memcpy(out->weights_hash, hash, SHA256_HEX);
    out->test_right = json_integer_value(right);
    out->test_images = json_integer_value(images);
    if (images && (!json_is_integer(right) || !json_is_integer(images) || out->test_images < 1 || out->test_right < 0 ||
                   out->test_right > out->test_images))
        return damaged(path, "its test result is impossible", err);
    out->test_accuracy = images ? (double)out->test_right / (double)out->test_images : (double)NAN;
    out->seconds = json_number_value(json_object_get(json_object_get(root, "progress"), "wall_seconds"));
    return true;
}

static bool read_manifest(const char *directory, struct training_result *out, struct err *err)
{
    char *path = file_join(directory, "manifest.json");
    json_t *root = NULL;
    bool ok = json_open(path, MANIFEST_LIMIT, &root, err);

    if (ok) {
        const char *status = json_string_value(json_object_get(root, "status"));
        ok = (status && strcmp(status, "finished") == 0) || damaged(path, "the run is not finished", err);
    }
    ok = ok && read_final(path, root, out, err);
    json_decref(root);
    free(path);
    return ok;
}

/* Field `column` of a line of comma-separated numbers. */
static bool read_field(const char *line, int column, double *out)
{
    char text[64];

    for (; column > 0; column--) {
        line += strcspn(line, ",\n");
        if (*line++ != ',')
            return false;
    }
    size_t n = strcspn(line, ",\n");
    snprintf(text, sizeof text, "%.*s", (int)n, line);
    return n < sizeof text && parse_real(text, 0, 1, out);
}

/* The number of the column with this name in the first line, or -1. */
static int find_column(const char *header, const char *name)
{
    size_t n = strlen(name);

    for (int column = 0;; column++, header++) {
        size_t length = strcspn(header, ",\n");
        if (length == n && strncmp(header, name, n) == 0)
            return column;
        header += length;
        if (*header != ',')
            return -1;
    }
}

static bool read_summary(const char *directory, struct training_result *out, struct err *err)
{
    char *path = file_join(directory, "summary.csv"), *text = NULL;
    size_t n;
    bool ok = file_read(path, SUMMARY_LIMIT, &text, &n, err);

    if (ok) {
        while (n > 0 && text[n - 1] == '\n')
            text[--n] = '\0';
        const char *last = strrchr(text, '\n');
        int column = find_column(text, "train_accuracy");
        ok = (last && column >= 0 && read_field(last + 1, column, &out->train_accuracy)) ||
             damaged(path, "its last line has no train_accuracy", err);
    }
    free(text);
    free(path);
    return ok;
}

bool training_read(const char *directory, struct training_result *out, struct err *err)
{
    *out = (struct training_result){ 0 };
    return read_manifest(directory, out, err) && read_summary(directory, out, err);
}
