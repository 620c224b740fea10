#include "datasets/image_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/settings.h"
#include "datasets/decode.h"

void image_list_clear(struct image_list *l)
{
    free(l->text);
    free(l->offset);
    free(l->label);
    memset(l, 0, sizeof *l);
}

const char *image_list_path(const struct image_list *l, int64_t i)
{
    return l->text + l->offset[i];
}

static void add_entry(struct image_list *l, size_t offset, int label)
{
    if (l->n == l->allocated) {
        l->allocated = l->allocated ? l->allocated * 2 : 1024;
        l->offset = mem_resize(l->offset, l->allocated, sizeof *l->offset);
        l->label = mem_resize(l->label, l->allocated, sizeof *l->label);
    }
    l->offset[l->n] = offset;
    l->label[l->n++] = label;
}

void image_list_add(struct image_list *l, const char *path, int label)
{
    size_t n = strlen(path) + 1;
    if (l->room - l->used < n) {
        l->room = (l->room + n) * 2;
        l->text = mem_resize(l->text, l->room, 1);
    }
    memcpy(l->text + l->used, path, n);
    add_entry(l, l->used, label);
    l->used += n;
}

/* Class names in alphabetical order, for bisection: a list may have a million lines and thousands of classes. */
struct class_index {
    const char *const *names;
    int *order, n;
};

static int compare_names(const void *a, const void *b, void *names)
{
    const char *const *name = names;
    return strcmp(name[*(const int *)a], name[*(const int *)b]);
}

static struct class_index index_classes(const char *const *names, int n)
{
    struct class_index index = { names, mem_alloc(n, sizeof(int)), n };
    for (int k = 0; k < n; k++)
        index.order[k] = k;
    qsort_r(index.order, n, sizeof(int), compare_names, (void *)names);
    return index;
}

/* The class that `word` names or numbers, or -1. A name counts before a number. */
static int find_class(const struct class_index *index, const char *word)
{
    int low = 0, high = index->n - 1;
    while (low <= high) {
        int middle = low + (high - low) / 2, order = strcmp(word, index->names[index->order[middle]]);
        if (order == 0)
            return index->order[middle];
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    long long number;
    return parse_int(word, 0, index->n - 1, &number) ? (int)number : -1;
}

char **image_list_labels(const char *const *class_names, int classes)
{
    char **label = mem_alloc(classes, sizeof *label);
    bool *taken = mem_alloc(classes, sizeof *taken);
    long long number;
    for (int k = 0; k < classes; k++)
        if (parse_int(class_names[k], 0, classes - 1, &number) && number != k)
            taken[number] = true;
    for (int k = 0; k < classes; k++)
        label[k] = taken[k] ? mem_string(class_names[k]) : mem_format("%d", k);
    free(taken);
    return label;
}

/* Cuts the line into path and label in place; NULL when there is no label. */
static char *split_line(char *line)
{
    size_t n = strlen(line);
    while (n && strchr(" \t\r", line[n - 1]))
        line[--n] = 0;
    char *label = strrchr(line, '\t');
    if (!label)
        label = strrchr(line, ' ');
    if (!label)
        return NULL;
    for (char *end = label; end >= line && strchr(" \t", *end); end--)
        *end = 0;
    return label + 1;
}

static bool parse_line(struct image_list *l, char *line, const char *file, int64_t number,
                       const struct class_index *classes, struct err *err)
{
    line += strspn(line, " \t");
    if (line[strspn(line, " \t\r")] == 0)
        return true;
    char *label = split_line(line);
    if (!label || !*line)
        return err_run(err, "%s:%lld: no label; each line is PATH LABEL, with the class number or name last", file,
                       (long long)number);
    int k = find_class(classes, label);
    if (k < 0)
        return err_run(err, "%s:%lld: label %s is neither a class name nor a number 0..%d; correct the line", file,
                       (long long)number, label, classes->n - 1);
    add_entry(l, (size_t)(line - l->text), k);
    return true;
}

bool image_list_parse(struct image_list *l, char *text, size_t n, const char *file, const char *const *class_names,
                      int classes, struct err *err)
{
    *l = (struct image_list){ .text = text, .used = n + 1, .room = n + 1 };
    if (strlen(text) != n)
        return err_run(err, "%s: holds a zero byte; a list is a text file with one PATH LABEL per line", file);
    struct class_index index = index_classes(class_names, classes);
    bool ok = true;
    int64_t number = 1;
    for (char *line = text; ok && line; number++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        ok = parse_line(l, line, file, number, &index, err);
        line = end ? end + 1 : NULL;
    }
    free(index.order);
    if (ok && l->n == 0)
        return err_run(err, "%s: lists no image; each line is PATH LABEL", file);
    if (ok && l->n > INT32_MAX)
        return err_run(err, "%s: more than %d images; split the list", file, INT32_MAX);
    return ok;
}

struct image_files {
    struct image_list list[2];
};

static const struct image_list *list_of(const struct dataset *ds, enum split split)
{
    return &((const struct image_files *)ds->self)->list[split];
}

static char *files_file(const struct dataset *ds, enum split split, int64_t i)
{
    const char *path = image_list_path(list_of(ds, split), i);
    return path[0] == '/' ? mem_string(path) : file_join(ds->directory, path);
}

static int files_label(const struct dataset *ds, enum split split, int64_t i)
{
    return list_of(ds, split)->label[i];
}

static bool files_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    char *path = files_file(ds, split, i);
    bool ok = decode_file(path, out, err);
    free(path);
    return ok;
}

static char *files_where(const struct dataset *ds, enum split split, int64_t i)
{
    return mem_string(image_list_path(list_of(ds, split), i));
}

static bool hash_entry(const struct dataset *ds, enum split split, int64_t i, struct sha256 *sum, struct err *err)
{
    struct stat status;
    char *path = files_file(ds, split, i);
    bool ok = stat(path, &status) == 0 || err_run(err, "%s: %s; restore the file", path, strerror(errno));
    free(path);
    if (!ok)
        return false;
    char *line =
        mem_format("%s %s %d %lld\n", split == SPLIT_TRAIN ? "train" : "test", image_list_path(list_of(ds, split), i),
                   files_label(ds, split, i), (long long)status.st_size);
    sha256_add(sum, line, strlen(line));
    free(line);
    return true;
}

static int compare_paths(const void *a, const void *b, void *list)
{
    return strcmp(image_list_path(list, *(const int64_t *)a), image_list_path(list, *(const int64_t *)b));
}

static bool files_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    struct sha256 *sum = sha256_new();
    bool ok = true;
    for (int split = 0; ok && split < 2; split++) {
        const struct image_list *l = list_of(ds, split);
        int64_t *order = mem_alloc(l->n ? l->n : 1, sizeof *order);
        for (int64_t i = 0; i < l->n; i++)
            order[i] = i;
        qsort_r(order, l->n, sizeof *order, compare_paths, (void *)l);
        for (int64_t i = 0; ok && i < l->n; i++)
            ok = hash_entry(ds, split, order[i], sum, err);
        free(order);
    }
    sha256_finish(sum, hex);
    return ok;
}

static void files_close(struct dataset *ds)
{
    struct image_files *s = ds->self;
    image_list_clear(&s->list[SPLIT_TRAIN]);
    image_list_clear(&s->list[SPLIT_TEST]);
    free(s);
    ds->self = NULL;
}

void image_list_serve(struct dataset *ds, struct image_list lists[2])
{
    struct image_files *s = mem_alloc(1, sizeof *s);
    for (int split = 0; split < 2; split++) {
        s->list[split] = lists[split];
        ds->count[split] = lists[split].n;
        lists[split] = (struct image_list){ 0 };
    }
    ds->self = s;
    ds->label = files_label;
    ds->read = files_read;
    ds->where = files_where;
    ds->file = files_file;
    ds->hash = files_hash;
    ds->close = files_close;
}
