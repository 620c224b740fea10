/* Any bytes as CIFAR files: all files of a set have the same content. The first byte chooses CIFAR-10 or CIFAR-100. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "datasets/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                     "data_batch_5.bin", "test_batch.bin", "train.bin", "test.bin" };
enum { N_NAMES = sizeof names / sizeof names[0] };

static char directory[] = "/tmp/fuzz-cifar-XXXXXX";
static int folder, file;

static void remove_files(void)
{
    for (int i = 0; i < N_NAMES; i++)
        unlinkat(folder, names[i], 0);
    unlinkat(folder, "content", 0);
    rmdir(directory);
}

/* One file and a link to it for each name. */
static void make_files(void)
{
    if (!mkdtemp(directory) || atexit(remove_files) != 0)
        abort();
    folder = open(directory, O_RDONLY | O_DIRECTORY);
    file = openat(folder, "content", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < N_NAMES; i++)
        if (symlinkat("content", folder, names[i]) != 0)
            abort();
}

static void read_all(struct dataset *ds)
{
    struct image8 image;
    struct err err;
    for (int64_t i = 0; i < ds->count[SPLIT_TRAIN]; i++) {
        int label = ds->label(ds, SPLIT_TRAIN, i);
        if (label < 0 || label >= ds->classes || !ds->read(ds, SPLIT_TRAIN, i, &image, &err))
            abort();
        free(image.pixels);
    }
    ds->close(ds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!file)
        make_files();
    if (size < 1 || ftruncate(file, 0) != 0 || pwrite(file, data + 1, size - 1, 0) != (ssize_t)size - 1)
        return 0;
    struct descriptor d = { .path = "fuzz.conf",
                            .name = "fuzz",
                            .format = data[0] & 1 ? FORMAT_CIFAR100 : FORMAT_CIFAR10 };
    struct dataset ds = { .directory = directory };
    struct err err;
    if (cifar_open(&d, &ds, &err))
        read_all(&ds);
    for (int k = 0; k < ds.classes; k++)
        free(ds.class_names[k]);
    free(ds.class_names);
    return 0;
}
