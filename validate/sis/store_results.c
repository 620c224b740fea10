/* The three results of a finished search, written and read back. What is read must be what would be written for the
 * records in it: so every number in the files is checked against all others. */
#include "validate/sis/store_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* One line of sis.jsonl. A size is null where the whole image does not reach the threshold. */
static json_t *make_line(const struct sis_records *r, int64_t row)
{
    const struct sis_identity *d = &r->identity;
    const struct sis_record *x = &r->record[row];
    json_t *size = json_object(), *collection = json_array();
    for (int i = 0; i < d->n_thresholds; i++) {
        int n = sis_size(&x->order, sis_threshold(d->settings.rank, d->threshold[i]));
        json_object_set_new(size, store_threshold_text(d->threshold[i]).text,
                            n == SIS_NONE ? json_null() : json_integer(n));
    }
    for (int i = 0; i < x->collection.n; i++)
        json_array_append_new(collection, json_integer(x->collection.size[i]));
    return json_pack("{s:I, s:i, s:i, s:i, s:f, s:f, s:o, s:I, s:o}", "image", (json_int_t)x->image, "label", x->label,
                     "predicted", x->predicted, "target", x->target, "confidence", x->confidence, "blank", x->blank,
                     "size", size, "order", (json_int_t)row, "collection", collection);
}

static bool write_lines(const char *path, const struct sis_records *r, struct err *err)
{
    struct file_writer w;
    if (!file_begin(&w, path, err))
        return false;
    for (int64_t i = 0; i < r->n; i++) {
        json_t *line = make_line(r, i);
        json_dumpf(line, w.stream, JSON_COMPACT | JSON_REAL_PRECISION(17));
        fputc('\n', w.stream);
        json_decref(line);
    }
    return file_commit(&w, err);
}

static bool write_arrays(const char *path, const struct sis_records *r, struct err *err)
{
    struct store_arrays a;
    store_arrays_build(r, &a);
    bool ok = npz_write(path, a.array, a.n, err);
    store_arrays_free(&a);
    return ok;
}

/* sis.json comes last: where it is, the others are whole. */
bool sis_records_write(const char *directory, const struct sis_records *r, struct err *err)
{
    if (!store_records_check(r, directory, err) || !file_make_directories(directory, err))
        return false;
    char *arrays = file_join(directory, STORE_ARRAYS), *lines = file_join(directory, STORE_LINES);
    char *identity = file_join(directory, STORE_IDENTITY);
    json_t *root = store_identity_json(&r->identity);
    bool ok = write_arrays(arrays, r, err) && write_lines(lines, r, err) && json_save(root, identity, err);
    json_decref(root);
    free(arrays);
    free(lines);
    free(identity);
    return ok;
}

/* Always false. */
static bool refuse_line(struct err *err, const char *path, int64_t row, const char *cause)
{
    return err_run(err, "%s:%lld: %s; make the file again", path, (long long)row + 1, cause);
}

/* The numbers that are in the line alone, and how many subsets its collection has. */
static bool parse_line(const char *text, size_t n, struct sis_record *out, json_t **line)
{
    *line = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    json_int_t image, label, predicted, target;
    json_t *collection;
    if (!*line || json_unpack(*line, "{s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "image", &image, "label", &label,
                              "predicted", &predicted, "target", &target, "confidence", &out->confidence, "blank",
                              &out->blank, "collection", &collection) != 0)
        return false;
    out->image = image;
    out->label = (int)label;
    out->predicted = (int)predicted;
    out->target = (int)target;
    out->collection.n = (int)json_array_size(collection);
    return json_is_array(collection) && json_array_size(collection) <= INT32_MAX;
}

/* Fills r->record from the lines; line[n] gets what was read. */
static bool parse_lines(const char *path, const char *text, size_t size, struct sis_records *r, json_t **line,
                        struct err *err)
{
    for (int64_t i = 0; i < r->n; i++) {
        const char *end = memchr(text, '\n', size);
        if (!end)
            return refuse_line(err, path, i, "the file ends before its last image");
        size_t n = (size_t)(end - text);
        if (!parse_line(text, n, &r->record[i], &line[i]))
            return refuse_line(err, path, i, "is no line as validate sis writes it");
        text += n + 1;
        size -= n + 1;
    }
    return size == 0 || refuse_line(err, path, r->n, "has more lines than images");
}

/* What the line says must be what follows from the arrays. */
static bool check_lines(const char *path, const struct sis_records *r, json_t *const *line, struct err *err)
{
    for (int64_t i = 0; i < r->n; i++) {
        json_t *wanted = make_line(r, i);
        bool same = json_equal(line[i], wanted);
        json_decref(wanted);
        if (!same)
            return refuse_line(err, path, i, "does not agree with " STORE_ARRAYS);
    }
    return true;
}

static bool same_array(const struct npz_array *a, const struct npz_array *b)
{
    return a->type == b->type && a->dimensions == b->dimensions &&
           memcmp(a->shape, b->shape, (size_t)a->dimensions * sizeof *a->shape) == 0 &&
           memcmp(a->data, b->data, npz_bytes(a)) == 0;
}

/* The arrays must be those that would be written, no more and no fewer. */
static bool check_arrays(const char *path, const struct npz *z, const struct sis_records *r, struct err *err)
{
    struct store_arrays wanted;
    store_arrays_build(r, &wanted);
    bool ok = z->n == wanted.n || err_run(err, "%s: has %d arrays, not %d; make the file again", path, z->n, wanted.n);
    for (int i = 0; ok && i < wanted.n; i++) {
        const struct npz_array *w = &wanted.array[i];
        const struct npz_array *a = npz_find(z, path, w->name, w->type, w->dimensions, err);
        ok = a && (same_array(a, w) || err_run(err,
                                               "%s: %s does not follow from the other numbers; make the file "
                                               "again",
                                               path, w->name));
    }
    store_arrays_free(&wanted);
    return ok;
}

static bool read_arrays(const char *directory, const char *path, const char *lines, struct sis_records *r,
                        json_t *const *line, struct err *err)
{
    struct npz z;
    int64_t subsets = 0;
    for (int64_t i = 0; i < r->n; i++)
        subsets += r->record[i].collection.n;
    if (!npz_read(path, store_arrays_limit(&r->identity, r->n, subsets), &z, err))
        return false;
    bool ok = store_arrays_fill(&z, path, r, err) && store_records_check(r, directory, err) &&
              check_arrays(path, &z, r, err) && check_lines(lines, r, line, err);
    npz_free(&z);
    return ok;
}

/* Every line has some 100 bytes: more images than fit cannot be there, and need no room. */
static bool make_room(const char *path, size_t bytes, struct sis_records *r, struct err *err)
{
    enum { SHORTEST_LINE = 32 };
    const struct sis_identity *d = &r->identity;
    int64_t n = sis_shard_images(d->n_images, d->shard, d->shards);
    if ((size_t)n > bytes / SHORTEST_LINE)
        return err_run(err, "%s: is too short for %lld images; make the file again", path, (long long)n);
    r->record = mem_alloc((size_t)n + 1, sizeof *r->record);
    r->n = n;
    return true;
}

/* A collection that was counted in a line, but never filled, has nothing to free. */
static void forget_unfilled(struct sis_records *r)
{
    for (int64_t i = 0; i < r->n; i++)
        if (!r->record[i].collection.size)
            r->record[i].collection.n = 0;
}

bool sis_records_read(const char *directory, struct sis_records *out, struct err *err)
{
    enum { LINES_LIMIT_BYTES = INT32_MAX };
    char *lines = file_join(directory, STORE_LINES), *arrays = file_join(directory, STORE_ARRAYS), *text = NULL;
    size_t n = 0;
    json_t **line = NULL;
    memset(out, 0, sizeof *out);
    bool ok = store_identity_read(directory, &out->identity, err) &&
              file_read(lines, LINES_LIMIT_BYTES, &text, &n, err) && make_room(lines, n, out, err);
    if (ok) {
        line = mem_alloc((size_t)out->n + 1, sizeof *line);
        ok = parse_lines(lines, text, n, out, line, err) && read_arrays(directory, arrays, lines, out, line, err);
    }
    for (int64_t i = 0; line && i < out->n; i++)
        json_decref(line[i]);
    if (!ok) {
        forget_unfilled(out);
        sis_records_free(out);
    }
    free(line);
    free(text);
    free(lines);
    free(arrays);
    return ok;
}
