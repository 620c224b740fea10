/* IDX files (MNIST and its relatives): big-endian header, then bytes; plain or gzipped.
 * Images: 00 00 08 03, count, height, width; labels: 00 00 08 01, count. http://yann.lecun.com/exdb/mnist/ */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "datasets/readers.h"

enum { MAX_SIDE = 4096, UNPACKED_LIMIT_BYTES = 256 << 20, LABEL_DIMENSIONS = 1, IMAGE_DIMENSIONS = 3 };

/* The content of one file: from a descriptor when plain (nothing is held), in memory when it was gzipped. */
struct content {
    char *path;
    int fd;
    uint8_t *bytes;     /* what follows the header, or NULL */
    int header_bytes;
    uint32_t size[3];   /* of each dimension */
};

struct idx {
    struct content images[2], labels[2];
    uint8_t *label[2];
};

static uint32_t big_endian(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t content_bytes(const struct content *f)
{
    return (int64_t)f->size[0] * f->size[1] * f->size[2];
}

static bool cut_short(const struct content *f, const char *remedy, struct err *err)
{
    return err_run(err, "%s: cut short, it should hold %lld bytes behind its header; %s", f->path,
                   (long long)content_bytes(f), remedy);
}

static bool parse_header(struct content *f, const uint8_t header[16], int dimensions, const char *remedy,
                         struct err *err)
{
    if (header[0] != 0 || header[1] != 0 || header[2] != 8 || header[3] != dimensions)
        return err_run(err, "%s: not an IDX file of %s (it starts with %02x %02x %02x %02x); %s", f->path,
                       dimensions == IMAGE_DIMENSIONS ? "images" : "labels", header[0], header[1], header[2], header[3],
                       remedy);
    for (int k = 0; k < 3; k++)
        f->size[k] = k < dimensions ? big_endian(header + 4 + 4 * k) : 1;
    if (f->size[0] < 1 || f->size[0] > INT32_MAX)
        return err_run(err, "%s: holds %u items, not 1..%d; %s", f->path, f->size[0], INT32_MAX, remedy);
    for (int k = 1; k < dimensions; k++)
        if (f->size[k] < 1 || f->size[k] > MAX_SIDE)
            return err_run(err, "%s: images of %u x %u, not 1..%d each; %s", f->path, f->size[1], f->size[2], MAX_SIDE,
                           remedy);
    return true;
}

static bool read_plain(struct content *f, int dimensions, const char *remedy, struct err *err)
{
    struct stat status;
    uint8_t header[16];
    if (fstat(f->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return err_run(err, "%s: not a regular file; %s", f->path, remedy);
    if (pread(f->fd, header, f->header_bytes, 0) != f->header_bytes)
        return err_run(err, "%s: too short to be an IDX file; %s", f->path, remedy);
    if (!parse_header(f, header, dimensions, remedy, err))
        return false;
    int64_t rest = status.st_size - f->header_bytes;
    if (rest < content_bytes(f))
        return cut_short(f, remedy, err);
    if (rest > content_bytes(f))
        return err_run(err, "%s: %lld bytes too many behind its last item; %s", f->path,
                       (long long)(rest - content_bytes(f)), remedy);
    return true;
}

static bool unpack_items(struct content *f, gzFile gz, const char *remedy, struct err *err)
{
    int64_t n = content_bytes(f);
    if (n > UNPACKED_LIMIT_BYTES)
        return err_run(err, "%s: unpacks to %lld bytes, more than %d MB; gunzip it", f->path, (long long)n,
                       UNPACKED_LIMIT_BYTES >> 20);
    f->bytes = mem_alloc(n, 1);
    int got = gzread(gz, f->bytes, (unsigned)n);
    if (got < 0)
        return err_run(err, "%s: damaged gzip data; %s", f->path, remedy);
    if (got < n)
        return cut_short(f, remedy, err);
    uint8_t extra; /* reading on also checks the checksum */
    return gzread(gz, &extra, 1) == 0 ||
           err_run(err, "%s: damaged or too long behind its last item; %s", f->path, remedy);
}

static bool read_gzip(struct content *f, int dimensions, const char *remedy, struct err *err)
{
    uint8_t header[16];
    gzFile gz = gzdopen(f->fd, "rb");
    if (!gz)
        return err_run(err, "%s: cannot be unpacked; %s", f->path, remedy);
    f->fd = -1; /* gz owns it now */
    bool ok = gzread(gz, header, (unsigned)f->header_bytes) == f->header_bytes ||
              err_run(err, "%s: too short or damaged gzip data; %s", f->path, remedy);
    ok = ok && parse_header(f, header, dimensions, remedy, err) && unpack_items(f, gz, remedy, err);
    if (gzclose(gz) != Z_OK && ok)
        ok = err_run(err, "%s: damaged gzip data; %s", f->path, remedy);
    return ok;
}

/* Opens DIRECTORY/NAME, or NAME.gz where that does not exist. */
static bool open_content(struct content *f, const char *directory, const char *name, int dimensions, const char *remedy,
                         struct err *err)
{
    f->path = file_join(directory, name);
    f->header_bytes = 4 + 4 * dimensions;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0 && errno == ENOENT) {
        char *packed = mem_format("%s.gz", f->path);
        free(f->path);
        f->path = packed;
        f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (f->fd < 0 && errno == ENOENT)
            f->path[strlen(f->path) - 3] = 0;
    }
    if (f->fd < 0)
        return err_run(err, "%s: %s; %s", f->path, strerror(errno), remedy);
    uint8_t magic[2];
    if (pread(f->fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b)
        return read_gzip(f, dimensions, remedy, err);
    return read_plain(f, dimensions, remedy, err);
}

static void close_content(struct content *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->bytes);
    free(f->path);
}

static bool read_items(const struct content *f, void *out, size_t n, int64_t offset, struct err *err)
{
    if (f->bytes) {
        memcpy(out, f->bytes + offset, n);
        return true;
    }
    char *to = out;
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(f->fd, to + done, n - done, f->header_bytes + offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_run(err, "%s: cannot be read: %s; fetch it again", f->path,
                           got < 0 ? strerror(errno) : "it became shorter");
        done += (size_t)got;
    }
    return true;
}

static int idx_label(const struct dataset *ds, enum split split, int64_t i)
{
    return ((const struct idx *)ds->self)->label[split][i];
}

static bool idx_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    const struct content *f = &((const struct idx *)ds->self)->images[split];
    size_t pixels = (size_t)f->size[1] * f->size[2];
    *out = (struct image8){ 1, (int)f->size[1], (int)f->size[2], mem_alloc(pixels, 1) };
    if (read_items(f, out->pixels, pixels, i * (int64_t)pixels, err))
        return true;
    free(out->pixels);
    out->pixels = NULL;
    return false;
}

static char *idx_where(const struct dataset *ds, enum split split, int64_t i)
{
    const char *path = ((const struct idx *)ds->self)->images[split].path, *slash = strrchr(path, '/');
    return mem_format("%s#%lld", slash ? slash + 1 : path, (long long)i);
}

static bool hash_content(const struct content *f, struct sha256 *sum, struct err *err)
{
    enum { CHUNK = 1 << 20 };
    uint8_t *chunk = mem_alloc(CHUNK, 1);
    bool ok = true;
    sha256_add(sum, f->size, sizeof f->size);
    for (int64_t at = 0, n = content_bytes(f); ok && at < n; at += CHUNK) {
        size_t part = n - at < CHUNK ? (size_t)(n - at) : CHUNK;
        ok = read_items(f, chunk, part, at, err);
        if (ok)
            sha256_add(sum, chunk, part);
    }
    free(chunk);
    return ok;
}

/* Over sizes and unpacked bytes: gzipping a file does not change the set. */
static bool idx_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    const struct idx *s = ds->self;
    struct sha256 *sum = sha256_new();
    bool ok = true;
    for (int split = 0; ok && split < 2; split++)
        ok = !s->images[split].path || (hash_content(&s->images[split], sum, err) &&
                                        hash_content(&s->labels[split], sum, err));
    sha256_finish(sum, hex);
    return ok;
}

static void idx_close(struct dataset *ds)
{
    struct idx *s = ds->self;
    for (int split = 0; split < 2; split++) {
        close_content(&s->images[split]);
        close_content(&s->labels[split]);
        free(s->label[split]);
    }
    free(s);
    ds->self = NULL;
}

static bool read_labels(struct idx *s, int split, int classes, const char *remedy, struct err *err)
{
    const struct content *f = &s->labels[split];
    int64_t n = content_bytes(f);
    s->label[split] = mem_alloc(n, 1);
    if (!read_items(f, s->label[split], n, 0, err))
        return false;
    for (int64_t i = 0; i < n; i++)
        if (s->label[split][i] >= classes)
            return err_run(err, "%s: label %lld is %d, but labels are 0..%d; correct classes in the descriptor, or %s",
                           f->path, (long long)i, s->label[split][i], classes - 1, remedy);
    return true;
}

static bool open_split(struct idx *s, const struct descriptor *d, struct dataset *ds, int split, const char *remedy,
                       struct err *err)
{
    static const char *const images[2] = { "train-images-idx3-ubyte", "t10k-images-idx3-ubyte" };
    static const char *const labels[2] = { "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte" };
    struct content *x = &s->images[split], *y = &s->labels[split];
    const char *image_file = d->images[split] ? d->images[split] : images[split];
    const char *label_file = d->labels[split] ? d->labels[split] : labels[split];
    if (!open_content(x, ds->directory, image_file, IMAGE_DIMENSIONS, remedy, err) ||
        !open_content(y, ds->directory, label_file, LABEL_DIMENSIONS, remedy, err))
        return false;
    if (x->size[0] != y->size[0])
        return err_run(err, "%s: %u images, but %s has %u labels; %s", x->path, x->size[0], y->path, y->size[0],
                       remedy);
    ds->count[split] = x->size[0];
    return read_labels(s, split, ds->classes, remedy, err);
}

bool idx_open(const struct descriptor *d, struct dataset *ds, struct err *err)
{
    struct idx *s = mem_alloc(1, sizeof *s);
    ds->self = s;
    ds->label = idx_label;
    ds->read = idx_read;
    ds->where = idx_where;
    ds->hash = idx_hash;
    ds->close = idx_close;
    for (int split = 0; split < 2; split++)
        s->images[split].fd = s->labels[split].fd = -1;
    int classes = d->classes ? (int)d->classes : d->class_names ? d->n_class_names : 10;
    char *remedy = descriptor_remedy(d);
    bool ok = dataset_set_classes(d, ds, classes, NULL, err) && open_split(s, d, ds, SPLIT_TRAIN, remedy, err) &&
              open_split(s, d, ds, SPLIT_TEST, remedy, err);
    free(remedy);
    if (!ok)
        idx_close(ds);
    return ok;
}
