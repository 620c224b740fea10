/* Any bytes as IDX files. Input: two bytes with the length of the label file, the label file, the image file. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "datasets/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz-idx-XXXXXX";
static int folder;

static void remove_files(void)
{
    unlinkat(folder, "images", 0);
    unlinkat(folder, "labels", 0);
    rmdir(directory);
}

static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        abort();
}

/* Every image and label of what was accepted can be read. */
static void read_all(struct dataset *ds)
{
    struct image8 image;
    struct err err;
    char hex[SHA256_HEX];
    for (int64_t i = 0; i < ds->count[SPLIT_TRAIN] && i < 100; i++) {
        if (ds->label(ds, SPLIT_TRAIN, i) >= ds->classes || !ds->read(ds, SPLIT_TRAIN, i, &image, &err))
            abort();
        free(image.pixels);
    }
    if (!ds->hash(ds, hex, &err))
        abort();
    ds->close(ds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!folder) {
        if (!mkdtemp(directory) || atexit(remove_files) != 0)
            abort();
        folder = open(directory, O_RDONLY | O_DIRECTORY);
    }
    size_t labels = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
    if (size < 2 || labels > size - 2)
        return 0;
    write_file("labels", data + 2, labels);
    write_file("images", data + 2 + labels, size - 2 - labels);
    struct descriptor d = { .path = "fuzz.conf", .name = "fuzz", .format = FORMAT_IDX, .images = { "images", "images" },
                            .labels = { "labels", "labels" } };
    struct dataset ds = { .directory = directory };
    struct err err;
    if (idx_open(&d, &ds, &err))
        read_all(&ds);
    for (int k = 0; k < ds.classes; k++)
        free(ds.class_names[k]);
    free(ds.class_names);
    return 0;
}
