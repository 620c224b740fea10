#include "validate/sis/store_parts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/settings.h"
#include "datasets/baseline.h"

enum {
    SCHEMA_VERSION = 1,
    MAX_SIDE = 65536,
    MAX_FEATURES = 1 << 24,
    MAX_CLASSES = 100000,
    IDENTITY_LIMIT_BYTES = 1 << 20
};
static const char schema[] = "marginalia/sis";

struct store_text store_threshold_text(double p)
{
    struct store_text t;
    snprintf(t.text, sizeof t.text, "%.15g", p);
    return t;
}

json_t *store_identity_json(const struct sis_identity *d)
{
    assert(d->seed <= INT64_MAX);
    json_t *thresholds = json_array();
    for (int i = 0; i < d->n_thresholds; i++)
        json_array_append_new(thresholds, json_real(d->threshold[i]));
    json_t *root = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:i, s:i, s:s, s:s, s:s?, s:I, s:o, s:b, "
        "s:I, s:s, s:i, s:i}",
        "schema", schema, "version", SCHEMA_VERSION, "model", d->model, "weights_sha256", d->weights, "cfg_sha256",
        d->cfg, "data", d->data, "data_sha256", d->data_hash, "split", d->split, "height", d->h, "width", d->w,
        "classes", d->k, "method", sis_method_name(d->settings.method), "rank", sis_rank_name(d->settings.rank),
        "per_step", d->settings.per_step, "candidates", d->settings.candidates, "target", d->target, "baseline",
        d->baseline, "view", d->view, "seed", (json_int_t)d->seed, "thresholds", thresholds, "collection",
        d->collection, "images", (json_int_t)d->n_images, "images_sha256", d->images, "shard", d->shard, "shards",
        d->shards);
    return root; /* NULL: a text that is not UTF-8 */
}

char *sis_identity_text(const struct sis_identity *identity)
{
    json_t *root = store_identity_json(identity);
    char *json = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    char *text = mem_string(json ? json : "");
    free(json);
    json_decref(root);
    return text;
}

/* Where a value is read from, and the first thing that is wrong with it. */
struct reader {
    const json_t *root;
    const char *path;
    struct err *err;
    bool ok;
    size_t keys; /* asked for */
};

static bool refuse(struct reader *r, const char *key, const char *cause)
{
    if (r->ok)
        err_run(r->err, "%s: %s %s; it must be a file as validate sis writes it", r->path, key, cause);
    return r->ok = false;
}

static const json_t *get(struct reader *r, const char *key)
{
    r->keys++;
    const json_t *value = json_object_get(r->root, key);
    if (!value)
        refuse(r, key, "is missing");
    return value;
}

static int64_t get_int(struct reader *r, const char *key, int64_t min, int64_t max)
{
    const json_t *value = get(r, key);
    if (value && !json_is_integer(value))
        refuse(r, key, "is not a whole number");
    else if (value && (json_integer_value(value) < min || json_integer_value(value) > max))
        refuse(r, key, "is out of range");
    return r->ok ? json_integer_value(value) : min;
}

static char *get_text(struct reader *r, const char *key)
{
    const json_t *value = get(r, key);
    if (value && !json_is_string(value))
        refuse(r, key, "is not a text");
    return mem_string(r->ok ? json_string_value(value) : "");
}

/* A text or null. Results that were written before there were views have no such key: everything was shown. */
static char *get_view(struct reader *r)
{
    static const char key[] = "view";
    const json_t *value = json_object_get(r->root, key);

    r->keys += value != NULL;
    if (value && !json_is_null(value) && !json_is_string(value))
        refuse(r, key, "is neither a text nor null");
    return json_is_string(value) ? mem_string(json_string_value(value)) : NULL;
}

static void get_hash(struct reader *r, const char *key, char out[SHA256_HEX])
{
    char *text = get_text(r, key);
    if (r->ok && (strlen(text) != SHA256_HEX - 1 || strspn(text, "0123456789abcdef") != SHA256_HEX - 1))
        refuse(r, key, "is no SHA-256");
    snprintf(out, SHA256_HEX, "%s", text);
    free(text);
}

static enum sis_method get_method(struct reader *r)
{
    static const enum sis_method methods[] = { SIS_BACKSELECT, SIS_GRADIENT, SIS_SCREENED };
    char *text = get_text(r, "method");
    int i = 0;
    while (i < 3 && strcmp(text, sis_method_name(methods[i])) != 0)
        i++;
    free(text);
    if (i == 3)
        refuse(r, "method", "is none of " SIS_METHOD_WORDS);
    return methods[i % 3];
}

static enum sis_rank get_rank(struct reader *r)
{
    char *text = get_text(r, "rank");
    enum sis_rank rank = strcmp(text, sis_rank_name(SIS_MARGIN)) == 0 ? SIS_MARGIN : SIS_PROBABILITY;
    if (strcmp(text, sis_rank_name(rank)) != 0)
        refuse(r, "rank", "is none of " SIS_RANK_WORDS);
    free(text);
    return rank;
}

static void get_thresholds(struct reader *r, struct sis_identity *out)
{
    static const char key[] = "thresholds", cause[] = "is not 1..16 rising numbers between 0 and 1";
    const json_t *value = get(r, key);
    if (!json_is_array(value) || json_array_size(value) < 1 || json_array_size(value) > SIS_MAX_THRESHOLDS) {
        refuse(r, key, cause);
        return;
    }
    out->n_thresholds = (int)json_array_size(value);
    for (int i = 0; i < out->n_thresholds; i++) {
        const json_t *p = json_array_get(value, (size_t)i);
        out->threshold[i] = json_number_value(p);
        double below = i ? out->threshold[i - 1] : 0;
        if (!json_is_real(p) || !(out->threshold[i] > below && out->threshold[i] < 1))
            refuse(r, key, cause);
        else if (strtod(store_threshold_text(out->threshold[i]).text, NULL) != out->threshold[i])
            refuse(r, key, "has more than 15 digits");
    }
}

static bool is_target(const char *text, int classes)
{
    long long class;
    return strcmp(text, "predicted") == 0 || strcmp(text, "true") == 0 || strcmp(text, "wrong") == 0 ||
           parse_int(text, 0, classes - 1, &class);
}

/* What only two values together can tell. */
static void check_together(struct reader *r, const struct sis_identity *d)
{
    enum baseline ignored;
    if (!r->ok)
        return;
    if (strcmp(d->split, "test") != 0 && strcmp(d->split, "train") != 0)
        refuse(r, "split", "is neither test nor train");
    else if ((int64_t)d->h * d->w > MAX_FEATURES)
        refuse(r, "height", "times width is more than 2^24 pixels");
    else if (!is_target(d->target, d->k))
        refuse(r, "target", "is none of predicted, true, wrong and the number of a class");
    else if (!baseline_parse(d->baseline, &ignored))
        refuse(r, "baseline", "is none of " BASELINE_WORDS);
    else if (d->shard > d->shards)
        refuse(r, "shard", "is larger than shards");
    else if (r->keys != json_object_size(r->root))
        refuse(r, "the list of keys", "has one that does not belong there");
}

static bool check_schema(struct reader *r)
{
    if (!json_is_object(r->root))
        return refuse(r, "the content", "is not a JSON object");
    char *text = get_text(r, "schema");
    if (strcmp(text, schema) != 0)
        refuse(r, "schema", "is not marginalia/sis");
    free(text);
    if (r->ok && json_integer_value(get(r, "version")) != SCHEMA_VERSION)
        refuse(r, "version", "is not 1, the one that this program reads");
    return r->ok;
}

bool store_identity_parse(const json_t *root, const char *path, struct sis_identity *out, struct err *err)
{
    struct reader r = { root, path, err, true, 0 };
    memset(out, 0, sizeof *out);
    if (!check_schema(&r))
        return false;
    out->model = get_text(&r, "model");
    get_hash(&r, "weights_sha256", out->weights);
    get_hash(&r, "cfg_sha256", out->cfg);
    out->data = get_text(&r, "data");
    get_hash(&r, "data_sha256", out->data_hash);
    out->split = get_text(&r, "split");
    out->h = (int)get_int(&r, "height", 1, MAX_SIDE);
    out->w = (int)get_int(&r, "width", 1, MAX_SIDE);
    out->k = (int)get_int(&r, "classes", 1, MAX_CLASSES);
    out->settings.method = get_method(&r);
    out->settings.rank = get_rank(&r);
    out->settings.per_step = (int)get_int(&r, "per_step", 0, MAX_FEATURES);
    out->settings.candidates = (int)get_int(&r, "candidates", 0, MAX_FEATURES);
    out->target = get_text(&r, "target");
    out->baseline = get_text(&r, "baseline");
    out->view = get_view(&r);
    out->seed = (uint64_t)get_int(&r, "seed", 0, INT64_MAX);
    get_thresholds(&r, out);
    r.keys++;
    if (!json_is_boolean(json_object_get(root, "collection")))
        refuse(&r, "collection", "is neither true nor false");
    out->collection = json_is_true(json_object_get(root, "collection"));
    out->n_images = get_int(&r, "images", 0, INT32_MAX);
    get_hash(&r, "images_sha256", out->images);
    out->shard = (int)get_int(&r, "shard", 1, INT32_MAX);
    out->shards = (int)get_int(&r, "shards", 1, INT32_MAX);
    check_together(&r, out);
    return r.ok;
}

bool store_identity_read(const char *directory, struct sis_identity *out, struct err *err)
{
    char *path = file_join(directory, STORE_IDENTITY);
    json_t *root = NULL;
    memset(out, 0, sizeof *out);
    bool ok = json_open(path, IDENTITY_LIMIT_BYTES, &root, err) && store_identity_parse(root, path, out, err);
    json_decref(root);
    free(path);
    return ok;
}

void store_identity_clear(struct sis_identity *d)
{
    free(d->model);
    free(d->data);
    free(d->split);
    free(d->target);
    free(d->baseline);
    free(d->view);
    memset(d, 0, sizeof *d);
}

/* A value in a few characters, for a message. */
static char *short_text(const json_t *value)
{
    enum { LONGEST = 80 };
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    char *shown = mem_format("%.*s%s", LONGEST, text ? text : "nothing", text && strlen(text) > LONGEST ? "..." : "");
    free(text);
    return shown;
}

bool store_identity_same(const json_t *here, const json_t *there, const char *skip, const char *place,
                         const char *remedy, struct err *err)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)here, key, value)
    {
        const json_t *other = json_object_get(there, key);
        bool absent = !other && json_is_null(value); /* null is what older results do not say */
        if (absent || strcmp(key, "model") == 0 || strcmp(key, "data") == 0 || (skip && strcmp(key, skip) == 0) ||
            json_equal(value, other))
            continue;
        char *a = short_text(value), *b = short_text(other);
        err_usage(err, "%s: %s is %s there and %s here; %s", place, key, b, a, remedy);
        free(a);
        free(b);
        return false;
    }
    return true;
}

int sis_shard_of(int64_t position, int shards)
{
    return (int)(position % shards) + 1;
}

int64_t sis_shard_images(int64_t n_images, int shard, int shards)
{
    return n_images / shards + (shard <= n_images % shards);
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void sis_images_hash(const int64_t *image, int64_t n, char hex[SHA256_HEX])
{
    int64_t *sorted = mem_alloc((size_t)n + 1, sizeof *sorted);
    memcpy(sorted, image, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_numbers);
    struct sha256 *s = sha256_new();
    sha256_add(s, sorted, (size_t)n * sizeof *sorted);
    sha256_finish(s, hex);
    free(sorted);
}
