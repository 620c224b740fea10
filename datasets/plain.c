/* A directory without a descriptor: its format is told from what lies in it, its shape from the first pictures. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/printable.h"
#include "datasets/readers.h"

enum { LOOKED_AT = 64, CHANNELS = 3, SQUARE = 224, LARGEST = 256 };

/* What lies in a directory that holds this format. */
static const struct habit {
    enum data_format format;
    const char *file;
} habits[] = {
    { FORMAT_CIFAR10, "data_batch_1.bin" },    { FORMAT_CIFAR10, "cifar-10-batches-bin/data_batch_1.bin" },
    { FORMAT_CIFAR100, "train.bin" },          { FORMAT_CIFAR100, "cifar-100-binary/train.bin" },
    { FORMAT_IDX, "train-images-idx3-ubyte" }, { FORMAT_IDX, "train-images-idx3-ubyte.gz" },
};
enum { N_HABITS = sizeof habits / sizeof habits[0] };

static bool holds(const char *directory, const char *name)
{
    struct stat status;
    char *path = file_join(directory, name);
    bool found = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    free(path);
    return found;
}

/* Whether DIRECTORY/NAME is a directory with directories in it: a split, not a class that happens to have its name. */
static bool holds_split(const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    DIR *stream = opendir(path);
    bool found = false;
    for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
        struct stat status;
        found = entry->d_name[0] != '.' && fstatat(dirfd(stream), entry->d_name, &status, 0) == 0 &&
                S_ISDIR(status.st_mode);
    }
    if (stream)
        closedir(stream);
    free(path);
    return found;
}

/* The last part of the path, however it is written ("data/cats/", "."). */
static char *name_of(const char *path)
{
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    char *name = printable_text(slash && slash[1] ? slash + 1 : "data");
    free(real);
    return name;
}

void plain_describe(struct descriptor *d, const char *path)
{
    *d = (struct descriptor){ .path = mem_string(path),
                              .format = FORMAT_FOLDER,
                              .name = name_of(path),
                              .directory = mem_string(path),
                              .shape = { CHANNELS, SQUARE, SQUARE } };
    for (int k = 0; k < CHANNELS; k++) {
        d->mean[k] = 0.5;
        d->std[k] = 0.25;
    }
    for (int i = 0; i < N_HABITS; i++)
        if (holds(path, habits[i].file)) {
            d->format = habits[i].format;
            return;
        }
    d->unsplit = !holds_split(path, "train") && !holds_split(path, "val") && !holds_split(path, "test");
}

static int compare_ints(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void choose_shape(struct dataset *ds, int n, const struct image8 *seen)
{
    int shorter[LOOKED_AT];
    bool alike = seen[0].h <= LARGEST && seen[0].w <= LARGEST;
    ds->c = 1;
    for (int i = 0; i < n; i++) {
        alike = alike && seen[i].h == seen[0].h && seen[i].w == seen[0].w;
        shorter[i] = seen[i].h < seen[i].w ? seen[i].h : seen[i].w;
        ds->c = seen[i].c > ds->c ? seen[i].c : ds->c;
    }
    qsort(shorter, (size_t)n, sizeof *shorter, compare_ints);
    int side = shorter[n / 2] < SQUARE ? shorter[n / 2] : SQUARE;
    ds->h = alike ? seen[0].h : side;
    ds->w = alike ? seen[0].w : side;
}

void plain_measure(struct dataset *ds)
{
    enum split split = ds->count[SPLIT_TRAIN] ? SPLIT_TRAIN : SPLIT_TEST;
    int64_t count = ds->count[split], looked_at = count < LOOKED_AT ? count : LOOKED_AT;
    struct image8 seen[LOOKED_AT];
    struct err err; /* dropped: what cannot be read is told by whoever reads it */
    int n = 0;
    for (int64_t i = 0; i < looked_at; i++)
        if (ds->read(ds, split, i * count / looked_at, &seen[n], &err))
            free(seen[n++].pixels);
    if (n)
        choose_shape(ds, n, seen);
}
