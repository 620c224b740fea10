/* NumPy's .npz: a zip of .npy arrays (format 1.0, little-endian, C order), written and read through libzip.
 * The same arrays give the same bytes: entries keep their order and carry a fixed date. */
#ifndef MARGINALIA_BASE_NPZ_H
#define MARGINALIA_BASE_NPZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum npz_type { NPZ_BOOL, NPZ_U8, NPZ_U16, NPZ_U32, NPZ_I64, NPZ_F32, NPZ_F64 };
enum { NPZ_MAX_DIMENSIONS = 4, NPZ_MAX_ARRAYS = 64 };

struct npz_array {
    char name[64]; /* without ".npy": letters, digits, '_' */
    enum npz_type type;
    int dimensions;                    /* 1..4 */
    int64_t shape[NPZ_MAX_DIMENSIONS]; /* each >= 0 */
    void *data;                        /* shape[0] * ... elements; NPZ_BOOL: bytes 0 and 1 */
};

size_t npz_bytes(const struct npz_array *a); /* of its data */

/* Whole or not at all. data is borrowed. 1..NPZ_MAX_ARRAYS arrays with different names. */
bool npz_write(const char *path, const struct npz_array *array, int n, struct err *err);

/* All arrays of a file whose unpacked size is at most `limit` bytes. Refuses, with the file's and the array's name:
 * what is no zip, other dtypes, Fortran order, names or headers that are not ours to read, sizes that do not multiply
 * up, CRC errors. What np.savez and np.savez_compressed write of these types can be read. npz_free when done. */
struct npz {
    int n;
    struct npz_array *array;
};
bool npz_read(const char *path, size_t limit, struct npz *out, struct err *err);
void npz_free(struct npz *z); /* accepts a zeroed one */

/* The array of this name, type and number of dimensions, or NULL and err (EXIT_CANNOT_RUN, names `path`). */
const struct npz_array *npz_find(const struct npz *z, const char *path, const char *name, enum npz_type type,
                                 int dimensions, struct err *err);

#endif
