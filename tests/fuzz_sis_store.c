/* Any bytes as one file of a directory of SIS results, whose other files are whole. The first byte says which: 0
 * sis.json, 1 sis.jsonl, 2 masks.npz, 3 sis.partial, 4 one record of sis.partial without its checksums. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "tests/identity_fixture.h"
#include "validate/sis/store_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { H = 2, W = 2, IMAGES = 2, FILES = 4 };

static const char *const names[FILES] = { STORE_IDENTITY, STORE_LINES, STORE_ARRAYS, STORE_PARTIAL };
static char directory[] = "/tmp/fuzz-sis-store-XXXXXX";
static int folder;
static char *whole[FILES]; /* content of the undamaged files; none of the journal */
static size_t length[FILES];

static struct sis_identity identity(void)
{
    const int64_t images[IMAGES] = { 3, 5 };
    struct sis_identity d = identity_of(H, W, images, IMAGES);

    d.model = "m";
    d.data = "d";
    d.k = 2;
    d.seed = 0;
    return d;
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        abort();
}

static void remove_files(void)
{
    for (int i = 0; i < FILES; i++) {
        unlinkat(folder, names[i], 0);
        free(whole[i]);
    }
    rmdir(directory);
}

/* A finished directory of two images. */
static void begin(void)
{
    uint32_t order[] = { 2, 0, 1, 3 }, removed[] = { 0, 2, 4 }, subset[] = { 1, 3 }, *subsets[] = { subset };
    int sizes[] = { 2 };
    double value[] = { 2.0 / 3, 1, -1 }, reached[] = { 1 };
    struct sis_record record[IMAGES] = {
        { .image = 3, .label = 1, .confidence = 0.7, .blank = 0.5, .order = { 4, order, 3, removed, value } },
        { .image = 5,
          .target = 1,
          .confidence = 0.7,
          .order = { 4, order, 3, removed, value },
          .collection = { 1, sizes, subsets, reached } },
    };
    struct sis_records records = { identity(), IMAGES, record };
    struct err err;
    if (!mkdtemp(directory) || atexit(remove_files) != 0 || !sis_records_write(directory, &records, &err))
        abort();
    folder = open(directory, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < FILES - 1; i++) {
        char *path = file_join(directory, names[i]);
        if (!file_read(path, 1 << 20, &whole[i], &length[i], &err))
            abort();
        free(path);
    }
}

/* What is read must be what can be written. */
static void read_results(void)
{
    struct sis_records r;
    struct err err;
    if (!sis_records_read(directory, &r, &err))
        return;
    if (!store_records_check(&r, directory, &err))
        abort();
    sis_records_free(&r);
}

static void resume(void)
{
    struct sis_identity d = identity();
    struct sis_store *s;
    struct err err;
    unlinkat(folder, names[0], 0);
    if (sis_store_open(directory, &d, true, &s, &err))
        sis_store_close(s);
    unlinkat(folder, names[3], 0);
    write_file(names[0], whole[0], length[0]);
}

/* Unpacked and packed again, a record has the same bytes. */
static void unpack(const uint8_t *data, size_t size)
{
    struct sis_record r;
    struct sis_identity d = identity();
    struct err err;
    if (!store_record_unpack(data, size, &r))
        return;
    size_t n;
    unsigned char *bytes = store_record_pack(&r, &n);
    if (n != size || memcmp(bytes, data, n) != 0)
        abort();
    store_record_check(&r, &d, "fuzz", &err);
    free(bytes);
    sis_record_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!folder)
        begin();
    if (size < 1 || data[0] > FILES)
        return 0;
    int which = data[0];
    if (which == FILES) {
        unpack(data + 1, size - 1);
        return 0;
    }
    write_file(names[which], data + 1, size - 1);
    if (which == 3) {
        resume();
    } else {
        read_results();
        write_file(names[which], whole[which], length[which]);
    }
    return 0;
}
