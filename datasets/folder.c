/* Image folders in ImageNet's layout, DIRECTORY/{train,val}/CLASS/IMAGE; classes are the directories in byte order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/printable.h"
#include "datasets/decode.h"
#include "datasets/image_list.h"
#include "datasets/readers.h"

enum { MAX_CLASSES = 100000, LABELS_LIMIT_BYTES = 16 << 20 };

struct names {
    char **name;
    int n, allocated;
};

static void names_clear(struct names *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->name[i]);
    free(s->name);
    memset(s, 0, sizeof *s);
}

static void names_add(struct names *s, const char *name)
{
    if (s->n == s->allocated) {
        s->allocated = s->allocated ? s->allocated * 2 : 64;
        s->name = mem_resize(s->name, s->allocated, sizeof *s->name);
    }
    s->name[s->n++] = mem_string(name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_find(const struct names *s, const char *name)
{
    char **found = s->n ? bsearch(&name, s->name, s->n, sizeof *s->name, compare_names) : NULL;
    return found ? (int)(found - s->name) : -1;
}

/* What an entry is: S_IFDIR, S_IFREG, another type, or 0 with errno set. Most file systems tell without a stat per
 * file. */
static mode_t entry_type(DIR *directory, const struct dirent *entry)
{
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return DTTOIF(entry->d_type);
    struct stat status;
    return fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 ? status.st_mode & S_IFMT : 0;
}

/* The names in `path` that `want` (S_IFDIR or S_IFREG) asks for, sorted: directories, or images. Hidden entries and
 * files that are no images are passed over; what stands on the wrong level is refused. */
static bool list_directory(const char *path, mode_t want, struct names *out, struct err *err)
{
    DIR *directory = opendir(path);
    if (!directory)
        return err_run(err, "%s: %s; correct the path or its permissions", path, strerror(errno));
    bool ok = true;
    struct dirent *entry;
    while (ok && (errno = 0, entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        mode_t type = entry_type(directory, entry);
        bool image = decode_knows(entry->d_name);
        if (type == 0)
            ok = err_run(err, "%s/%s: %s; remove it or repair the link", path, entry->d_name, strerror(errno));
        else if (type == want && (want == S_IFDIR || image))
            names_add(out, entry->d_name);
        else if (want == S_IFDIR && image)
            ok = err_run(err, "%s/%s: image outside a class directory; sort images into SPLIT/CLASS/", path,
                         entry->d_name);
        else if (want == S_IFREG && type == S_IFDIR)
            ok = err_run(err, "%s/%s: directory inside a class; images lie directly in SPLIT/CLASS/", path,
                         entry->d_name);
    }
    if (ok && errno != 0)
        ok = err_run(err, "%s: %s; check the disk", path, strerror(errno));
    closedir(directory);
    if (out->n)
        qsort(out->name, out->n, sizeof *out->name, compare_names);
    return ok;
}

/* SPLIT/CLASS; split "": the classes lie in the directory itself. free() it. */
static char *in_split(const char *split, const char *class_name)
{
    return *split ? file_join(split, class_name) : mem_string(class_name);
}

static bool add_class(const char *directory, const char *split, const char *class_name, int label,
                      struct image_list *out, struct err *err)
{
    struct names images = { 0 };
    char *path = in_split(split, class_name), *full = file_join(directory, path);
    bool ok = list_directory(full, S_IFREG, &images, err);
    if (ok && images.n == 0)
        ok = err_run(err,
                     "%s: no image in this class (.jpg .jpeg .png .bmp .ppm .pgm); add images or remove the directory",
                     full);
    for (int i = 0; ok && i < images.n; i++) {
        char *relative = file_join(path, images.name[i]);
        image_list_add(out, relative, label);
        free(relative);
    }
    names_clear(&images);
    free(full);
    free(path);
    return ok;
}

/* Adds all images of DIRECTORY/SPLIT. The first split that is read defines the classes. */
static bool add_split(const char *directory, const char *split, struct names *classes, struct image_list *out,
                      struct err *err)
{
    struct names found = { 0 };
    char *path = *split ? file_join(directory, split) : mem_string(directory);
    bool ok = list_directory(path, S_IFDIR, &found, err);
    if (ok && (found.n == 0 || found.n > MAX_CLASSES))
        ok = err_run(err, "%s: %d class directories; sort images into CLASS/ or SPLIT/CLASS/", path, found.n);
    if (ok && classes->n == 0)
        for (int i = 0; i < found.n; i++)
            names_add(classes, found.name[i]);
    for (int i = 0; ok && i < found.n; i++) {
        int label = names_find(classes, found.name[i]);
        ok = label >= 0 || err_run(err, "%s/%s: class that the training split does not have; remove or rename it", path,
                                   found.name[i]);
        ok = ok && add_class(directory, split, found.name[i], label, out, err);
    }
    if (ok && out->n > INT32_MAX)
        ok = err_run(err, "%s: more than %d images; split the set", path, INT32_MAX);
    names_clear(&found);
    free(path);
    return ok;
}

/* labels.txt, where there is one, gives readable names: the first field of a line is the class directory, the last of
 * its tab-separated fields the name ("n01440764<tab>0<tab>tench"). Lines with # and other classes are passed over. */
static bool read_names(const char *directory, const struct names *classes, char **names, struct err *err)
{
    char *path = file_join(directory, "labels.txt"), *text = NULL;
    size_t n = 0;
    bool ok = !file_exists(path) || file_read(path, LABELS_LIMIT_BYTES, &text, &n, err);
    free(path);
    for (char *line = text; ok && line;) {
        char *next = strchr(line, '\n'), *tab;
        if (next)
            *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        if ((tab = strrchr(line, '\t')) && tab[1] && *line != '#') {
            line[strcspn(line, " \t")] = 0;
            int k = names_find(classes, line);
            if (k >= 0) {
                free(names[k]);
                names[k] = printable_text(tab + 1);
            }
        }
        line = next;
    }
    free(text);
    return ok;
}

static bool set_classes(const struct descriptor *d, struct dataset *ds, const struct names *classes, struct err *err)
{
    char **names = mem_alloc(classes->n, sizeof *names);
    for (int k = 0; k < classes->n; k++)
        names[k] = printable_text(classes->name[k]);
    bool ok = read_names(ds->directory, classes, names, err) &&
              dataset_set_classes(d, ds, classes->n, (const char *const *)names, err);
    for (int k = 0; k < classes->n; k++)
        free(names[k]);
    free(names);
    return ok;
}

static bool is_split(const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    bool exists = file_exists(path);
    free(path);
    return exists;
}

/* Adds the splits that there are: one is enough. */
static bool add_splits(const struct descriptor *d, const char *directory, struct names *classes,
                       struct image_list lists[2], struct err *err)
{
    const char *habit = is_split(directory, "val") ? "val" : "test";
    const char *split[2] = { d->train ? d->train : "train", d->test ? d->test : habit };
    bool ok = true, any = false;
    for (int s = 0; ok && s < 2; s++) {
        bool named = s == SPLIT_TRAIN ? d->train != NULL : d->test != NULL;
        if (!named && !is_split(directory, split[s]))
            continue;
        any = true;
        ok = add_split(directory, split[s], classes, &lists[s], err);
    }
    if (ok && !any) {
        char *remedy = descriptor_remedy(d);
        ok = err_run(err, "%s: neither train/ nor val/ (or test/) in it; %s", directory, remedy);
        free(remedy);
    }
    return ok;
}

bool folder_open(const struct descriptor *d, struct dataset *ds, struct err *err)
{
    struct image_list lists[2] = { { 0 }, { 0 } };
    struct names classes = { 0 };
    bool ok = d->unsplit ? add_split(ds->directory, "", &classes, &lists[SPLIT_TRAIN], err)
                         : add_splits(d, ds->directory, &classes, lists, err);
    ok = ok && set_classes(d, ds, &classes, err);
    if (ok)
        image_list_serve(ds, lists);
    names_clear(&classes);
    image_list_clear(&lists[SPLIT_TRAIN]);
    image_list_clear(&lists[SPLIT_TEST]);
    return ok;
}
