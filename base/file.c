#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { CHUNK_BYTES = 1 << 16 };

/* The one line about a system call that failed on a path. Always false. */
static bool system_failure(struct err *err, const char *path, const char *what, int cause)
{
    const char *remedy = "check the path";
    switch (cause) {
    case EACCES:
    case EPERM:
    case EROFS: remedy = "check the permissions"; break;
    case ENOSPC:
    case EDQUOT: remedy = "free some space"; break;
    case EFBIG: remedy = "raise the file size limit (ulimit -f)"; break;
    case EIO: remedy = "check the disk and its free space"; break;
    case EMFILE:
    case ENFILE: remedy = "raise the limit of open files (ulimit -n)"; break;
    }
    return err_run(err, "%s: %s: %s; %s", path, what, strerror(cause), remedy);
}

/* A descriptor of a regular file. O_NONBLOCK, so that a pipe without a writer cannot hold us here. */
static int open_regular(const char *path, struct stat *info, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        system_failure(err, path, "cannot be read", errno);
        return -1;
    }
    if (fstat(fd, info) == 0 && S_ISREG(info->st_mode))
        return fd;
    err_run(err, "%s: is not a regular file; give the path of a file", path);
    close(fd);
    return -1;
}

/* As read(2), restarted when a signal came between. */
static ssize_t read_some(int fd, void *data, size_t n)
{
    ssize_t got;
    do
        got = read(fd, data, n);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Reads to the end, or to one byte more than the limit; the size that stat gave is only a hint, files grow. */
static bool read_all(int fd, const char *path, size_t limit, size_t hint, char **out, size_t *n, struct err *err)
{
    size_t room = hint + 1, used = 0;
    char *data = mem_alloc(room + 1, 1);
    for (;;) {
        ssize_t got = read_some(fd, data + used, room - used);
        if (got < 0) {
            system_failure(err, path, "cannot be read", errno);
            break;
        }
        used += (size_t)got;
        if (used > limit) {
            err_run(err, "%s: is larger than %zu bytes; it is not the file that is meant here", path, limit);
            break;
        }
        if (got == 0) {
            data[used] = '\0';
            *out = data;
            *n = used;
            return true;
        }
        if (used == room) {
            room = room > limit / 2 ? limit + 1 : 2 * room;
            data = mem_resize(data, room + 1, 1);
        }
    }
    free(data);
    return false;
}

bool file_read(const char *path, size_t limit, char **out, size_t *n, struct err *err)
{
    assert(limit < SIZE_MAX / 4);
    struct stat info;
    int fd = open_regular(path, &info, err);
    if (fd < 0)
        return false;
    bool ok;
    if ((uintmax_t)info.st_size > limit)
        ok = err_run(err, "%s: has %jd bytes, more than the limit of %zu; it is not the file that is meant here", path,
                     (intmax_t)info.st_size, limit);
    else
        ok = read_all(fd, path, limit, (size_t)info.st_size, out, n, err);
    close(fd);
    return ok;
}

bool file_begin(struct file_writer *w, const char *path, struct err *err)
{
    struct stat info;
    *w = (struct file_writer){ 0 };
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* renaming over a device would replace it */
        return err_run(err, "%s: exists and is not a regular file; choose another path", path);
    w->path = mem_string(path);
    w->temporary = mem_format("%s.tmp-%ld", path, (long)getpid());
    unlink(w->temporary); /* left by a crashed process that had our number */
    int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    w->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (w->stream)
        return true;
    system_failure(err, path, "cannot be written", errno);
    if (fd >= 0)
        close(fd);
    file_abandon(w);
    return false;
}

/* Makes a rename last through a power cut. Some file systems cannot sync a directory, which is not our caller's
 * problem. */
static bool sync_directory_of(const char *path)
{
    char *directory = mem_string(path);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    int cause = errno;
    if (fd >= 0)
        close(fd);
    free(directory);
    errno = cause;
    return ok;
}

/* errno tells why not. */
static bool flush_and_close(struct file_writer *w)
{
    bool ok = fflush(w->stream) == 0 && fsync(fileno(w->stream)) == 0;
    int cause = errno;
    if (ok && ferror(w->stream)) { /* an earlier write failed; its errno is gone */
        ok = false;
        cause = EIO;
    }
    if (fclose(w->stream) != 0 && ok) {
        ok = false;
        cause = errno;
    }
    w->stream = NULL;
    errno = cause;
    return ok;
}

bool file_commit(struct file_writer *w, struct err *err)
{
    bool ok = flush_and_close(w) && rename(w->temporary, w->path) == 0;
    if (ok) {
        free(w->temporary);
        w->temporary = NULL;
        ok = sync_directory_of(w->path);
    }
    if (!ok)
        system_failure(err, w->path, "cannot be written", errno);
    file_abandon(w);
    return ok;
}

void file_abandon(struct file_writer *w)
{
    if (w->stream)
        fclose(w->stream);
    if (w->temporary)
        unlink(w->temporary);
    free(w->temporary);
    free(w->path);
    *w = (struct file_writer){ 0 };
}

bool file_write(const char *path, const void *data, size_t n, struct err *err)
{
    struct file_writer w;
    if (!file_begin(&w, path, err))
        return false;
    fwrite(data, 1, n, w.stream); /* a failure is remembered by the stream and found by the commit */
    return file_commit(&w, err);
}

bool file_lock(int fd)
{
    enum { TRIES = 100, NAP_MS = 20 };
    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        nanosleep(&(struct timespec){ 0, NAP_MS * 1000000L }, NULL);
    }
    return false;
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static bool make_directory(const char *path, const char *whole, struct err *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return true;
    int cause = errno;
    if (cause == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return true;
    return system_failure(err, whole, "directory cannot be made", cause == EEXIST ? ENOTDIR : cause);
}

bool file_make_directories(const char *path, struct err *err)
{
    char *copy = mem_string(path);
    bool ok = true;
    for (char *s = copy + 1; ok && *copy && *s; s++)
        if (*s == '/') {
            *s = '\0';
            ok = make_directory(copy, path, err);
            *s = '/';
        }
    ok = ok && make_directory(copy, path, err);
    free(copy);
    return ok;
}

char *file_join(const char *directory, const char *name)
{
    size_t n = strlen(directory);
    return mem_format("%s%s%s", directory, n && directory[n - 1] != '/' ? "/" : "", name);
}

char *file_plain_name(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    enum { LONGEST = 100 };
    char *text = *name ? mem_format("%.*s", LONGEST, name) : mem_string("_");

    for (char *at = text; *at; at++)
        if (!strchr(plain, *at) || (at == text && *at == '.'))
            *at = '_';
    return text;
}

struct sha256 {
    EVP_MD_CTX *context;
};

/* OpenSSL's digest calls fail only when memory is short or the library is broken. */
static void must(int ok)
{
    if (ok == 1)
        return;
    fprintf(stderr, "SHA-256 of OpenSSL does not work; check the installation of libssl\n");
    _exit(EXIT_CANNOT_RUN);
}

struct sha256 *sha256_new(void)
{
    struct sha256 *s = mem_alloc(1, sizeof *s);
    s->context = EVP_MD_CTX_new();
    must(s->context && EVP_DigestInit_ex(s->context, EVP_sha256(), NULL) == 1);
    return s;
}

void sha256_add(struct sha256 *s, const void *data, size_t n)
{
    must(EVP_DigestUpdate(s->context, data, n));
}

void sha256_finish(struct sha256 *s, char hex[SHA256_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    must(EVP_DigestFinal_ex(s->context, digest, NULL));
    for (int i = 0; i < SHA256_HEX / 2; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(s->context);
    free(s);
}

bool file_sha256(const char *path, char hex[SHA256_HEX], struct err *err)
{
    struct stat info;
    int fd = open_regular(path, &info, err);
    if (fd < 0)
        return false;
    struct sha256 *s = sha256_new();
    char *chunk = mem_alloc(CHUNK_BYTES, 1);
    ssize_t got;
    while ((got = read_some(fd, chunk, CHUNK_BYTES)) > 0)
        sha256_add(s, chunk, (size_t)got);
    if (got < 0)
        system_failure(err, path, "cannot be read", errno);
    free(chunk);
    sha256_finish(s, hex);
    close(fd);
    return got == 0;
}
