/* Any bytes as an .npz archive: refused, or accepted and whole, within its limit. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT_BYTES = 1 << 20 };

/* Every byte of what was accepted can be read, and its size is what its shape says. */
static void read_all(const struct npz *z)
{
    size_t total = 0, sum = 0;
    for (int i = 0; i < z->n; i++) {
        const struct npz_array *a = &z->array[i];
        size_t n = npz_bytes(a);
        if (a->dimensions < 1 || a->dimensions > NPZ_MAX_DIMENSIONS)
            abort();
        for (size_t k = 0; k < n; k++)
            sum += ((const unsigned char *)a->data)[k];
        total += n;
    }
    if (total > LIMIT_BYTES || sum > 255 * total)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npz z;
    struct err err;
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (npz_read(path, LIMIT_BYTES, &z, &err)) {
        read_all(&z);
        npz_free(&z);
    }
    close(fd);
    return 0;
}
