#include "validate/compare/history.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

enum { HISTORY_LIMIT = 1 << 20 };
static const char schema[] = "marginalia.comparison/1";

static const char *hash_at(const json_t *run, const char *key)
{
    const char *text = json_string_value(json_object_get(run, key));

    return text && strlen(text) == SHA256_HEX - 1 && text[strspn(text, "0123456789abcdef")] == '\0' ? text : NULL;
}

static bool is_whole(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "schema"));
    const json_t *runs = json_object_get(root, "runs");
    bool whole = name && strcmp(name, schema) == 0 && json_is_array(runs);

    for (size_t i = 0; whole && i < json_array_size(runs); i++)
        whole = hash_at(json_array_get(runs, i), "policy") && hash_at(json_array_get(runs, i), "models");
    return whole;
}

/* New reference; a missing file is an empty history. */
static json_t *read_history(const char *path, struct err *err)
{
    json_t *root = NULL;

    if (!file_exists(path))
        return json_pack("{s:s, s:[]}", "schema", schema, "runs");
    if (!json_open(path, HISTORY_LIMIT, &root, err))
        return NULL;
    if (is_whole(root))
        return root;
    json_decref(root);
    err_run(err, "%s: is no list of comparisons; remove it, or name another directory with --out", path);
    return NULL;
}

static bool check_resume(const char *path, const json_t *runs, const char *policy, const char *models, struct err *err)
{
    const json_t *last = json_array_get(runs, json_array_size(runs) - 1);

    if (json_array_size(runs) == 0)
        return true;
    if (strcmp(hash_at(last, "models"), models) != 0)
        return err_usage(err,
                         "%s: the comparison here is of other models; --overwrite replaces it, --out names another "
                         "directory",
                         path);
    return strcmp(hash_at(last, "policy"), policy) == 0 ||
           err_usage(err,
                     "%s: the comparison here was begun by another policy (sha256 %.12s...); --overwrite starts anew, "
                     "and the report will say so; --out names another directory",
                     path, hash_at(last, "policy"));
}

static void add_former(struct history *h, const char *policy)
{
    for (int i = 0; i < h->n; i++)
        if (strcmp(h->policy[i], policy) == 0)
            return;
    h->policy = mem_resize(h->policy, (size_t)h->n + 1, sizeof *h->policy);
    memcpy(h->policy[h->n++], policy, SHA256_HEX);
}

bool history_enter(const char *directory, const char *policy, const char *models, bool resume, struct history *out,
                   struct err *err)
{
    char *path = file_join(directory, HISTORY_FILE);
    json_t *root = read_history(path, err), *runs = json_object_get(root, "runs");
    bool ok = root && (!resume || check_resume(path, runs, policy, models, err));

    *out = (struct history){ 0 };
    for (size_t i = 0; ok && i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        if (strcmp(hash_at(run, "models"), models) == 0 && strcmp(hash_at(run, "policy"), policy) != 0)
            add_former(out, hash_at(run, "policy"));
    }
    if (ok && !(resume && json_array_size(runs) > 0)) {
        json_array_append_new(runs, json_pack("{s:s, s:s}", "policy", policy, "models", models));
        ok = json_save(root, path, err);
    }
    json_decref(root);
    free(path);
    return ok;
}

void history_free(struct history *h)
{
    free(h->policy);
    *h = (struct history){ 0 };
}
