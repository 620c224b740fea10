/* Darknet list files: DIRECTORY/train.list and DIRECTORY/test.list name images and their labels. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "datasets/image_list.h"
#include "datasets/readers.h"

enum { LIST_LIMIT_BYTES = 1 << 30 };

/* Paths relative to somewhere else are the usual mistake: looking for the first image finds it early. */
static bool check_first(const struct dataset *ds, const struct image_list *l, const char *list, struct err *err)
{
    const char *path = image_list_path(l, 0);
    char *full = path[0] == '/' ? mem_string(path) : file_join(ds->directory, path);
    bool ok = file_exists(full) ||
              err_run(err, "%s: its first image, %s, does not exist; paths are absolute or relative to %s", list, full,
                      ds->directory);
    free(full);
    return ok;
}

/* A list that the descriptor does not name may be missing: a set may have one split only. */
static bool read_list(const struct dataset *ds, const char *named, const char *habit, struct image_list *out,
                      struct err *err)
{
    char *path = file_join(ds->directory, named ? named : habit), *text = NULL;
    size_t n = 0;
    bool absent = !named && !file_exists(path);
    bool ok = absent || (file_read(path, LIST_LIMIT_BYTES, &text, &n, err) &&
                         image_list_parse(out, text, n, path, (const char *const *)ds->class_names, ds->classes, err) &&
                         check_first(ds, out, path, err));
    free(path);
    return ok;
}

bool list_open(const struct descriptor *d, struct dataset *ds, struct err *err)
{
    struct image_list lists[2] = { { 0 }, { 0 } };
    bool ok = dataset_set_classes(d, ds, (int)d->classes, NULL, err) &&
              read_list(ds, d->train, "train.list", &lists[SPLIT_TRAIN], err) &&
              read_list(ds, d->test, "test.list", &lists[SPLIT_TEST], err);
    if (ok && lists[SPLIT_TRAIN].n == 0 && lists[SPLIT_TEST].n == 0) {
        char *remedy = descriptor_remedy(d);
        ok = err_run(err, "%s: neither train.list nor test.list in it; %s", ds->directory, remedy);
        free(remedy);
    }
    if (ok)
        image_list_serve(ds, lists);
    image_list_clear(&lists[SPLIT_TRAIN]);
    image_list_clear(&lists[SPLIT_TEST]);
    return ok;
}
