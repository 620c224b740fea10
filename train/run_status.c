#include "train/run_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train/run_directory.h"

enum { MANIFEST_MOST = 1 << 20 };

static void copy_text(const json_t *o, const char *key, char *out, size_t n)
{
    const char *text = json_string_value(json_object_get(o, key));

    snprintf(out, n, "%s", text ? text : "");
}

static int64_t whole(const json_t *o, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(o, key));
}

static void take(const json_t *root, struct run_status *s)
{
    const json_t *final = json_object_get(json_object_get(root, "results"), "final");

    copy_text(root, "status", s->status, sizeof s->status);
    copy_text(final, "sha256", s->hash, sizeof s->hash);
    s->seed = whole(root, "seed");
    s->images = whole(final, "test_images");
    s->correct = whole(final, "test_correct");
    s->wall_seconds = json_number_value(json_object_get(json_object_get(root, "progress"), "wall_seconds"));
    s->settings = json_object();
    json_object_set(s->settings, "data", json_object_get(root, "data"));
    json_object_set(s->settings, "initial_weights", json_object_get(root, "initial_weights_sha256"));
    json_object_set(s->settings, "teacher", json_object_get(root, "teacher"));
}

/* What a program of ours can have written. */
static bool check(const json_t *root, const struct run_status *s, const char *path, struct err *err)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));

    if (!schema || strcmp(schema, "marginalia.run/1") != 0)
        return err_usage(err, "%s: is not the manifest of a run; name the directory of one that train made", path);
    if (!*s->status || s->images < 0 || s->correct < 0 || s->correct > s->images)
        return err_run(err, "%s: is damaged; train the run again with --overwrite", path);
    return true;
}

bool run_status_read(const char *directory, struct run_status *out, struct err *err)
{
    char *path = file_join(directory, RUN_MANIFEST);
    json_t *root = NULL;
    bool ok = true;

    *out = (struct run_status){ 0 };
    if (file_exists(path)) {
        ok = json_open(path, MANIFEST_MOST, &root, err);
        if (ok)
            take(root, out);
        ok = ok && check(root, out, path, err);
        json_decref(root);
    }
    if (!ok)
        run_status_free(out);
    free(path);
    return ok;
}

void run_status_free(struct run_status *s)
{
    json_decref(s->settings);
    *s = (struct run_status){ 0 };
}

bool run_status_finished(const struct run_status *s)
{
    return strcmp(s->status, "finished") == 0;
}

bool run_status_check_weights(const struct run_status *s, const char *directory, struct err *err)
{
    char *path = file_join(directory, RUN_FINAL), hash[SHA256_HEX];
    bool ok = file_sha256(path, hash, err);

    if (ok && strcmp(hash, s->hash) != 0)
        ok = err_run(err,
                     "%s: are not the weights that the run ended with, by its " RUN_MANIFEST "; restore them, or "
                     "train the run again with --overwrite",
                     path);
    free(path);
    return ok;
}
