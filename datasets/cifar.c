/* CIFAR-10 and CIFAR-100 in their binary layout: records of label byte(s) and 3 x 32 x 32 pixels, planar.
 * https://www.cs.toronto.edu/~kriz/cifar.html */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "datasets/readers.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MAX_FILES = 6, MAX_IMAGES_PER_FILE = 100000000 };

struct layout {
    const char *folder; /* name of the folder in the official archive */
    int classes, label_bytes; /* the last label byte is used: CIFAR-100 has the coarse label before the fine one */
    int n_files;
    struct { const char *name; enum split split; } file[MAX_FILES];
};

static const struct layout layouts[] = {
    [FORMAT_CIFAR10] = { "cifar-10-batches-bin", 10, 1, 6,
                         { { "data_batch_1.bin", SPLIT_TRAIN }, { "data_batch_2.bin", SPLIT_TRAIN },
                           { "data_batch_3.bin", SPLIT_TRAIN }, { "data_batch_4.bin", SPLIT_TRAIN },
                           { "data_batch_5.bin", SPLIT_TRAIN }, { "test_batch.bin", SPLIT_TEST } } },
    [FORMAT_CIFAR100] = { "cifar-100-binary", 100, 2, 2, { { "train.bin", SPLIT_TRAIN }, { "test.bin", SPLIT_TEST } } },
};

/* Nothing is mapped or kept but the labels: resident memory does not grow with the set. */
struct cifar {
    const struct layout *layout;
    char *path[MAX_FILES];
    int fd[MAX_FILES];
    int64_t images[MAX_FILES];
    uint8_t *label[2]; /* by enum split */
};

static int record_bytes(const struct cifar *s)
{
    return s->layout->label_bytes + PIXELS;
}

static bool read_at(const struct cifar *s, int file, void *out, size_t n, int64_t offset, struct err *err)
{
    char *to = out;
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(s->fd[file], to + done, n - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_run(err, "%s: cannot be read at byte %lld: %s; fetch it again", s->path[file],
                           (long long)offset + (long long)done, got < 0 ? strerror(errno) : "it became shorter");
        done += (size_t)got;
    }
    return true;
}

/* Turns the number of an image in its split into a file and the number in that file. */
static int find_record(const struct cifar *s, enum split split, int64_t *i)
{
    for (int f = 0; f < s->layout->n_files; f++) {
        if (s->layout->file[f].split != split)
            continue;
        if (*i < s->images[f])
            return f;
        *i -= s->images[f];
    }
    abort(); /* the caller's i is not below count[split] */
}

static int cifar_label(const struct dataset *ds, enum split split, int64_t i)
{
    const struct cifar *s = ds->self;
    return s->label[split][i];
}

static bool cifar_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    const struct cifar *s = ds->self;
    int f = find_record(s, split, &i);
    *out = (struct image8){ 3, SIDE, SIDE, mem_alloc(PIXELS, 1) };
    if (read_at(s, f, out->pixels, PIXELS, i * record_bytes(s) + s->layout->label_bytes, err))
        return true;
    free(out->pixels);
    out->pixels = NULL;
    return false;
}

static char *cifar_where(const struct dataset *ds, enum split split, int64_t i)
{
    const struct cifar *s = ds->self;
    int f = find_record(s, split, &i);
    return mem_format("%s#%lld", s->layout->file[f].name, (long long)i);
}

static bool cifar_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    const struct cifar *s = ds->self;
    enum { CHUNK = 1 << 20 };
    char *chunk = mem_alloc(CHUNK, 1);
    struct sha256 *sum = sha256_new();
    bool ok = true;
    for (int f = 0; ok && f < s->layout->n_files; f++) {
        int64_t bytes = s->images[f] * record_bytes(s);
        for (int64_t at = 0; ok && at < bytes; at += CHUNK) {
            size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
            ok = read_at(s, f, chunk, n, at, err);
            if (ok)
                sha256_add(sum, chunk, n);
        }
    }
    sha256_finish(sum, hex);
    free(chunk);
    return ok;
}

static void cifar_close(struct dataset *ds)
{
    struct cifar *s = ds->self;
    for (int f = 0; f < MAX_FILES; f++) {
        if (s->fd[f] >= 0)
            close(s->fd[f]);
        free(s->path[f]);
    }
    free(s->label[SPLIT_TRAIN]);
    free(s->label[SPLIT_TEST]);
    free(s);
    ds->self = NULL;
}

static bool open_file(struct cifar *s, int f, const char *remedy, struct err *err)
{
    struct stat status;
    s->fd[f] = open(s->path[f], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd[f] < 0 || fstat(s->fd[f], &status) != 0)
        return err_run(err, "%s: %s; %s", s->path[f], strerror(errno), remedy);
    if (!S_ISREG(status.st_mode))
        return err_run(err, "%s: not a regular file; %s", s->path[f], remedy);
    if (status.st_size == 0 || status.st_size % record_bytes(s) != 0)
        return err_run(err, "%s: %lld bytes are not whole records of %d bytes, so it is cut short; %s",
                       s->path[f], (long long)status.st_size, record_bytes(s), remedy);
    s->images[f] = status.st_size / record_bytes(s);
    if (s->images[f] > MAX_IMAGES_PER_FILE)
        return err_run(err, "%s: %lld images are more than this format is for; use a folder", s->path[f],
                       (long long)s->images[f]);
    return true;
}

static bool read_labels(struct cifar *s, int f, uint8_t *label, const char *remedy, struct err *err)
{
    for (int64_t i = 0; i < s->images[f]; i++) {
        if (!read_at(s, f, &label[i], 1, i * record_bytes(s) + s->layout->label_bytes - 1, err))
            return false;
        if (label[i] >= s->layout->classes)
            return err_run(err, "%s: image %lld has label %d, but labels are 0..%d; the file is damaged, %s",
                           s->path[f], (long long)i, label[i], s->layout->classes - 1, remedy);
    }
    return true;
}

static bool open_files(struct cifar *s, struct dataset *ds, const char *remedy, struct err *err)
{
    for (int f = 0; f < s->layout->n_files; f++) {
        if (!open_file(s, f, remedy, err))
            return false;
        ds->count[s->layout->file[f].split] += s->images[f];
    }
    int64_t done[2] = { 0, 0 };
    for (int split = 0; split < 2; split++)
        s->label[split] = mem_alloc(ds->count[split], 1);
    for (int f = 0; f < s->layout->n_files; f++) {
        enum split split = s->layout->file[f].split;
        if (!read_labels(s, f, s->label[split] + done[split], remedy, err))
            return false;
        done[split] += s->images[f];
    }
    return true;
}

/* The files lie in the directory itself or in the folder that the official archive unpacks to. */
static void set_paths(struct cifar *s, const char *directory)
{
    char *folder = file_join(directory, s->layout->folder);
    char *first = file_join(folder, s->layout->file[0].name);
    const char *base = file_exists(first) ? folder : directory;
    for (int f = 0; f < MAX_FILES; f++) {
        s->fd[f] = -1;
        if (f < s->layout->n_files)
            s->path[f] = file_join(base, s->layout->file[f].name);
    }
    free(first);
    free(folder);
}

bool cifar_open(const struct descriptor *d, struct dataset *ds, struct err *err)
{
    struct cifar *s = mem_alloc(1, sizeof *s);
    ds->self = s;
    ds->label = cifar_label;
    ds->read = cifar_read;
    ds->where = cifar_where;
    ds->hash = cifar_hash;
    ds->close = cifar_close;
    s->layout = &layouts[d->format];
    set_paths(s, ds->directory);
    char *remedy = descriptor_remedy(d);
    bool ok = open_files(s, ds, remedy, err) && dataset_set_classes(d, ds, s->layout->classes, NULL, err);
    free(remedy);
    if (!ok)
        cifar_close(ds);
    return ok;
}
