#include "datasets/dataset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "datasets/readers.h"

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Where the bytes are: --data alone when given, else the descriptor's directory, from here or from $MARGINALIA_DATA. */
static bool find_directory(const struct descriptor *d, const char *data_dir, char **out, struct err *err)
{
    const char *named = data_dir ? data_dir : d->directory, *root = getenv("MARGINALIA_DATA");
    if (is_directory(named)) {
        *out = mem_string(named);
        return true;
    }
    char *elsewhere = !data_dir && named[0] != '/' && root && *root ? file_join(root, named) : NULL;
    if (elsewhere && is_directory(elsewhere)) {
        *out = elsewhere;
        return true;
    }
    char *remedy = descriptor_remedy(d);
    err_run(err, "%s: no such directory%s%s; %s", named, elsewhere ? ", nor " : "", elsewhere ? elsewhere : "", remedy);
    free(remedy);
    free(elsewhere);
    return false;
}

bool dataset_set_classes(const struct descriptor *d, struct dataset *ds, int classes, const char *const *names,
                         struct err *err)
{
    if (d->classes && d->classes != classes)
        return err_usage(err, "%s: classes = %lld, but the data have %d; correct it or remove it", d->path,
                         (long long)d->classes, classes);
    if (d->class_names && d->n_class_names != classes)
        return err_usage(err, "%s: class_names has %d names, but the data have %d classes; make them agree", d->path,
                         d->n_class_names, classes);
    ds->classes = classes;
    ds->class_names = mem_alloc(classes, sizeof *ds->class_names);
    for (int k = 0; k < classes; k++) {
        const char *name = d->class_names ? d->class_names[k] : names ? names[k] : NULL;
        ds->class_names[k] = name ? mem_string(name) : mem_format("%d", k);
    }
    return true;
}

/* Of sets whose pictures have no file of their own. */
static char *no_file(const struct dataset *ds, enum split split, int64_t i)
{
    (void)ds, (void)split, (void)i;
    return NULL;
}

static void fill_common(const struct descriptor *d, struct dataset *ds)
{
    ds->name = mem_string(d->name);
    ds->file = no_file;
    ds->packed = d->format != FORMAT_FOLDER && d->format != FORMAT_LIST;
    ds->c = (int)d->shape[0];
    ds->h = (int)d->shape[1];
    ds->w = (int)d->shape[2];
    for (int c = 0; c < ds->c; c++) {
        ds->mean[c] = (float)d->mean[c];
        ds->std[c] = (float)d->std[c];
    }
}

static bool open_format(const struct descriptor *d, struct dataset *ds, struct err *err)
{
    switch (d->format) {
    case FORMAT_CIFAR10:
    case FORMAT_CIFAR100: return cifar_open(d, ds, err);
    case FORMAT_IDX:      return idx_open(d, ds, err);
    case FORMAT_FOLDER:   return folder_open(d, ds, err);
    case FORMAT_LIST:     return list_open(d, ds, err);
    case FORMAT_PLANTED:  return planted_open(d, ds, err);
    }
    return false;
}

/* As a descriptor says, or as the directory looks. */
static bool describe(struct descriptor *d, const char *path, const char *data_dir, struct err *err)
{
    if (!is_directory(path))
        return descriptor_read(d, path, err);
    plain_describe(d, path);
    return !data_dir || err_usage(err, "%s: is a directory of pictures already; leave out --data %s, or give a descriptor",
                                  path, data_dir);
}

bool dataset_open(const char *descriptor, const char *data_dir, struct dataset **out, struct err *err)
{
    *out = NULL;
    struct descriptor d;
    struct dataset *ds = mem_alloc(1, sizeof *ds);
    bool ok = describe(&d, descriptor, data_dir, err);
    if (ok) {
        fill_common(&d, ds);
        ok = (d.format == FORMAT_PLANTED || find_directory(&d, data_dir, &ds->directory, err)) &&
             open_format(&d, ds, err);
    }
    if (ok && is_directory(descriptor))
        plain_measure(ds);
    descriptor_clear(&d);
    if (ok)
        *out = ds;
    else
        dataset_close(ds);
    return ok;
}

void dataset_close(struct dataset *ds)
{
    if (!ds)
        return;
    if (ds->self)
        ds->close(ds);
    for (int k = 0; k < ds->classes; k++)
        free(ds->class_names[k]);
    free(ds->class_names);
    free(ds->directory);
    free(ds->name);
    free(ds);
}
