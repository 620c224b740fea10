#include "base/npz.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are written as they lie in memory");

enum {
    PREFIX_BYTES = 10,  /* magic, version, length of the header that follows */
    HEADER_BYTES = 128, /* prefix and header as we write them: room for four dimensions of 19 digits */
    MAX_HEADER_BYTES = 1024,
    DEFLATE_LEVEL = 1,       /* masks shrink to a tenth at any level, orders and values hardly at the highest */
    DEFLATE_MAX_RATIO = 1032 /* what deflate can reach at most (RFC 1951: 258 bytes in two bits) */
};
static const char magic[] = "\x93NUMPY\x01";      /* its final NUL is the minor version */
static const zip_uint16_t date_1980 = 1 << 5 | 1; /* the zip format's day one, 1 January 1980 */

static const struct {
    const char *descr;
    size_t bytes;
} types[] = {
    [NPZ_BOOL] = { "|b1", 1 }, [NPZ_U8] = { "|u1", 1 },  [NPZ_U16] = { "<u2", 2 }, [NPZ_U32] = { "<u4", 4 },
    [NPZ_I64] = { "<i8", 8 },  [NPZ_F32] = { "<f4", 4 }, [NPZ_F64] = { "<f8", 8 },
};
enum { N_TYPES = sizeof types / sizeof types[0] };

/* False when the product does not fit. */
static bool count_bytes(const struct npz_array *a, size_t *out)
{
    size_t bytes = types[a->type].bytes;
    for (int i = 0; i < a->dimensions; i++)
        if (a->shape[i] < 0 || __builtin_mul_overflow(bytes, (size_t)a->shape[i], &bytes))
            return false;
    *out = bytes;
    return true;
}

size_t npz_bytes(const struct npz_array *a)
{
    size_t bytes = 0;
    bool fits = count_bytes(a, &bytes);
    assert(fits);
    return fits ? bytes : 0;
}

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    return n > 0 && n < sizeof((struct npz_array *)0)->name;
}

/* Prefix, dictionary, spaces up to a 64-byte boundary as the format asks for, newline. */
static void write_header(const struct npz_array *a, char out[HEADER_BYTES])
{
    enum { TEXT_BYTES = HEADER_BYTES - PREFIX_BYTES };
    char shape[NPZ_MAX_DIMENSIONS * 24] = "", text[256];
    int used = 0;
    for (int i = 0; i < a->dimensions; i++)
        used += snprintf(shape + used, sizeof shape - (size_t)used, "%s%lld", i ? ", " : "", (long long)a->shape[i]);
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }",
                     types[a->type].descr, shape, a->dimensions == 1 ? "," : "");
    assert(n < TEXT_BYTES); /* the digits of a shape whose elements fit into memory are few */
    memset(out, ' ', HEADER_BYTES);
    memcpy(out, magic, sizeof magic);
    out[8] = TEXT_BYTES;
    out[9] = 0;
    memcpy(out + PREFIX_BYTES, text, (size_t)n);
    out[HEADER_BYTES - 1] = '\n';
}

/* Adds one entry; header[] and the data are read when the archive is closed. */
static bool add_entry(zip_t *zip, const struct npz_array *a, char *header)
{
    size_t bytes = npz_bytes(a);
    char entry[sizeof a->name + 4];
    write_header(a, header);
    const zip_buffer_fragment_t parts[2] = { { (zip_uint8_t *)header, HEADER_BYTES }, { a->data, bytes } };
    zip_source_t *source = zip_source_buffer_fragment(zip, parts, bytes ? 2 : 1, 0);
    snprintf(entry, sizeof entry, "%s.npy", a->name);
    zip_int64_t index = source ? zip_file_add(zip, entry, source, ZIP_FL_ENC_UTF_8) : -1;
    if (source && index < 0)
        zip_source_free(source);
    return index >= 0 && zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_DEFLATE, DEFLATE_LEVEL) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)index, 0, date_1980, 0) == 0;
}

/* The finished archive in `memory` goes to the disk. */
static bool copy_out(const char *path, zip_source_t *memory, struct err *err)
{
    static const char what[] = "the archive cannot be read back from memory";
    enum { CHUNK = 1 << 16 };
    struct file_writer w;
    if (zip_source_open(memory) != 0)
        return err_run(err, "%s: %s: %s; free some memory", path, what, zip_error_strerror(zip_source_error(memory)));
    bool ok = file_begin(&w, path, err);
    if (ok) {
        char *chunk = mem_alloc(CHUNK, 1);
        zip_int64_t n;
        while ((n = zip_source_read(memory, chunk, CHUNK)) > 0)
            fwrite(chunk, 1, (size_t)n, w.stream); /* a failure is remembered by the stream */
        free(chunk);
        if (n == 0) {
            ok = file_commit(&w, err);
        } else {
            file_abandon(&w);
            ok = err_run(err, "%s: %s; free some memory", path, what);
        }
    }
    zip_source_close(memory);
    return ok;
}

static bool build(const char *path, zip_t *zip, const struct npz_array *array, int n, char *headers, struct err *err)
{
    for (int i = 0; i < n; i++)
        if (!add_entry(zip, &array[i], headers + (size_t)i * HEADER_BYTES)) {
            err_run(err, "%s: %s cannot be packed: %s; free some memory", path, array[i].name, zip_strerror(zip));
            zip_discard(zip);
            return false;
        }
    if (zip_close(zip) == 0)
        return true;
    err_run(err, "%s: cannot be packed: %s; free some memory", path, zip_strerror(zip));
    zip_discard(zip);
    return false;
}

bool npz_write(const char *path, const struct npz_array *array, int n, struct err *err)
{
    assert(n >= 1 && n <= NPZ_MAX_ARRAYS);
    for (int i = 0; i < n; i++)
        assert(is_name(array[i].name, strlen(array[i].name)) && array[i].dimensions >= 1 &&
               array[i].dimensions <= NPZ_MAX_DIMENSIONS);
    zip_error_t cause;
    zip_error_init(&cause);
    char *headers = mem_alloc((size_t)n, HEADER_BYTES);
    zip_source_t *memory = zip_source_buffer_create(NULL, 0, 0, &cause);
    zip_t *zip = memory ? zip_open_from_source(memory, ZIP_CREATE | ZIP_TRUNCATE, &cause) : NULL;
    bool ok = false;
    if (zip) {
        zip_source_keep(memory); /* the archive gives its own reference away when it is closed */
        ok = build(path, zip, array, n, headers, err) && copy_out(path, memory, err);
    } else {
        err_run(err, "%s: cannot be packed: %s; free some memory", path, zip_error_strerror(&cause));
    }
    zip_source_free(memory);
    zip_error_fini(&cause);
    free(headers);
    return ok;
}

/* Where reading is, for messages. */
struct place {
    const char *path;
    char name[64]; /* of the entry */
};

/* Always false. */
static bool refuse(struct err *err, const struct place *at, const char *cause)
{
    return err_run(err, "%s: %s: %s; it must be a file as Marginalia or numpy.savez writes it", at->path, at->name,
                   cause);
}

static bool skip(const char **s, const char *word)
{
    size_t n = strlen(word);
    bool there = strncmp(*s, word, n) == 0;
    *s += there ? n : 0;
    return there;
}

/* A number of up to 18 digits. */
static bool read_number(const char **s, int64_t *out)
{
    int digits = 0;
    for (*out = 0; isdigit((unsigned char)**s) && digits < 18; digits++)
        *out = 10 * *out + *(*s)++ - '0';
    return digits > 0 && !isdigit((unsigned char)**s);
}

static bool read_type(const char **s, enum npz_type *out)
{
    for (int t = 0; t < N_TYPES; t++)
        if (skip(s, types[t].descr)) {
            *out = (enum npz_type)t;
            return true;
        }
    return false;
}

/* "(3,)", "(3, 4)": at least one dimension, at most four. */
static bool read_shape(const char **s, struct npz_array *a)
{
    if (!skip(s, "("))
        return false;
    for (a->dimensions = 0; a->dimensions < NPZ_MAX_DIMENSIONS;) {
        if (!read_number(s, &a->shape[a->dimensions++]))
            return false;
        if (a->dimensions == 1 ? skip(s, ",)") : skip(s, ")"))
            return true;
        if (!skip(s, ", "))
            return false;
    }
    return false;
}

/* The dictionary as NumPy writes it: keys in alphabetical order, then spaces, then a newline. */
static bool parse_header(const char *s, struct npz_array *a, const struct place *at, struct err *err)
{
    if (!skip(&s, "{'descr': '"))
        return refuse(err, at, "its header is not a plain array's");
    if (!read_type(&s, &a->type) || !skip(&s, "', 'fortran_order': "))
        return refuse(err, at, "its type is none of bool, uint8, uint16, uint32, int64, float32, float64");
    if (!skip(&s, "False"))
        return refuse(err, at, "its order is Fortran's, not C's");
    if (!skip(&s, ", 'shape': ") || !read_shape(&s, a) || !skip(&s, ", }"))
        return refuse(err, at, "its shape is not 1..4 whole numbers");
    s += strspn(s, " ");
    return strcmp(s, "\n") == 0 || refuse(err, at, "its header goes on after the dictionary");
}

static bool read_exactly(zip_file_t *file, void *out, size_t n, const struct place *at, struct err *err)
{
    zip_int64_t got = zip_fread(file, out, n);
    if (got >= 0 && (size_t)got == n)
        return true;
    char cause[160];
    snprintf(cause, sizeof cause, "it is damaged (%s)", got < 0 ? zip_file_strerror(file) : "too short");
    return refuse(err, at, cause);
}

/* Reads prefix and header; *used = their bytes. */
static bool read_header(zip_file_t *file, struct npz_array *a, size_t *used, const struct place *at, struct err *err)
{
    unsigned char prefix[PREFIX_BYTES];
    char text[MAX_HEADER_BYTES + 1];
    if (!read_exactly(file, prefix, sizeof prefix, at, err))
        return false;
    if (memcmp(prefix, magic, sizeof magic) != 0)
        return refuse(err, at, "it is no .npy array of format 1.0");
    size_t n = prefix[8] | (size_t)prefix[9] << 8;
    if (n > MAX_HEADER_BYTES)
        return refuse(err, at, "its header is too long");
    if (!read_exactly(file, text, n, at, err))
        return false;
    text[n] = '\0';
    *used = sizeof prefix + n;
    return parse_header(text, a, at, err);
}

/* A byte other than 0 and 1 would be no bool of C. */
static bool check_bools(const struct npz_array *a, const struct place *at, struct err *err)
{
    const unsigned char *byte = a->data;
    size_t n = a->type == NPZ_BOOL ? npz_bytes(a) : 0;
    for (size_t i = 0; i < n; i++)
        if (byte[i] > 1)
            return refuse(err, at, "it holds a bool that is neither 0 nor 1");
    return true;
}

/* `size`: unpacked bytes as the directory of the archive tells. Reading on to the end makes libzip compare the CRC. */
static bool read_array(zip_file_t *file, size_t size, struct npz_array *a, const struct place *at, struct err *err)
{
    size_t header = 0, bytes = 0;
    char beyond;
    if (!read_header(file, a, &header, at, err))
        return false;
    if (!count_bytes(a, &bytes) || header > size || bytes != size - header)
        return refuse(err, at, "its shape does not fit its size");
    a->data = mem_alloc(bytes ? bytes : 1, 1);
    return read_exactly(file, a->data, bytes, at, err) &&
           (zip_fread(file, &beyond, 1) == 0 || refuse(err, at, "it is damaged (wrong checksum or size)")) &&
           check_bools(a, at, err);
}

/* The entry's name, method and size, before anything of it is read. */
static bool check_entry(const zip_stat_t *st, size_t limit, struct place *at, struct err *err)
{
    const zip_uint64_t need =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((st->valid & need) != need)
        return refuse(err, at, "its entry in the archive is incomplete");
    size_t n = strlen(st->name);
    snprintf(at->name, sizeof at->name, "%s", st->name);
    if (n < 4 || strcmp(st->name + n - 4, ".npy") != 0 || !is_name(st->name, n - 4))
        return refuse(err, at, "its name is not letters, digits and '_' followed by .npy");
    if ((st->comp_method != ZIP_CM_STORE && st->comp_method != ZIP_CM_DEFLATE) || st->encryption_method != ZIP_EM_NONE)
        return refuse(err, at, "it is neither stored nor deflated plainly");
    if (st->size > limit)
        return refuse(err, at, "it is larger than it can be here");
    if (st->size / DEFLATE_MAX_RATIO > st->comp_size)
        return refuse(err, at, "its size is more than its packed bytes can hold");
    return true;
}

static bool read_entry(const char *path, zip_t *zip, zip_uint64_t index, size_t *left, struct npz *out, struct err *err)
{
    struct place at = { path, "" };
    zip_stat_t st;
    snprintf(at.name, sizeof at.name, "array %d", (int)index);
    if (zip_stat_index(zip, index, 0, &st) != 0)
        return refuse(err, &at, "its entry in the archive is damaged");
    if (!check_entry(&st, *left, &at, err))
        return false;
    struct npz_array *a = &out->array[out->n++];
    snprintf(a->name, sizeof a->name, "%.*s", (int)strlen(st.name) - 4, st.name);
    *left -= st.size;
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    if (!file)
        return refuse(err, &at, zip_strerror(zip));
    bool ok = read_array(file, st.size, a, &at, err);
    zip_fclose(file);
    return ok;
}

static bool read_entries(const char *path, zip_t *zip, size_t limit, struct npz *out, struct err *err)
{
    zip_int64_t n = zip_get_num_entries(zip, 0);
    if (n < 1 || n > NPZ_MAX_ARRAYS)
        return err_run(err, "%s: has %lld arrays, not 1..%d; it must be a file as Marginalia or numpy.savez writes it",
                       path, (long long)n, NPZ_MAX_ARRAYS);
    out->array = mem_alloc((size_t)n, sizeof *out->array);
    for (zip_int64_t i = 0; i < n; i++)
        if (!read_entry(path, zip, (zip_uint64_t)i, &limit, out, err))
            return false;
    return true;
}

bool npz_read(const char *path, size_t limit, struct npz *out, struct err *err)
{
    enum { ARCHIVE_BYTES = 1 << 20 }; /* headers, directory, and what deflate adds to bytes that do not shrink */
    char *bytes;
    size_t n;
    zip_error_t cause;
    *out = (struct npz){ 0 };
    if (!file_read(path, limit + limit / 1000 + ARCHIVE_BYTES, &bytes, &n, err))
        return false;
    zip_error_init(&cause);
    zip_source_t *memory = zip_source_buffer_create(bytes, n, 0, &cause);
    zip_t *zip = memory ? zip_open_from_source(memory, ZIP_RDONLY | ZIP_CHECKCONS, &cause) : NULL;
    bool ok;
    if (zip) {
        ok = read_entries(path, zip, limit, out, err);
        zip_discard(zip);
    } else {
        zip_source_free(memory);
        ok = err_run(err, "%s: is no whole zip archive (%s); make it again", path, zip_error_strerror(&cause));
    }
    zip_error_fini(&cause);
    free(bytes);
    if (!ok)
        npz_free(out);
    return ok;
}

void npz_free(struct npz *z)
{
    for (int i = 0; i < z->n; i++)
        free(z->array[i].data);
    free(z->array);
    *z = (struct npz){ 0 };
}

static const char *describe(const struct npz_array *a, char *buffer, size_t n)
{
    snprintf(buffer, n, "%s with %d dimension%s", types[a->type].descr, a->dimensions, a->dimensions == 1 ? "" : "s");
    return buffer;
}

const struct npz_array *npz_find(const struct npz *z, const char *path, const char *name, enum npz_type type,
                                 int dimensions, struct err *err)
{
    const struct npz_array wanted = { .type = type, .dimensions = dimensions };
    char have[64], want[64];
    for (int i = 0; i < z->n; i++) {
        const struct npz_array *a = &z->array[i];
        if (strcmp(a->name, name) != 0)
            continue;
        if (a->type == type && a->dimensions == dimensions)
            return a;
        err_run(err, "%s: %s is %s, not %s; make the file again", path, name, describe(a, have, sizeof have),
                describe(&wanted, want, sizeof want));
        return NULL;
    }
    err_run(err, "%s: has no array %s; make the file again", path, name);
    return NULL;
}
