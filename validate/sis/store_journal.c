/* sis.partial, and sis.partial.N of further writers: a header, then one block for each finished image, in the order in
 * which they were finished.
 *
 *   header  magic[8], length of the identity u32, CRC-32 of the identity u32, identity (JSON text)
 *   block   mark u32, length of the record u32, CRC-32 of the record u32, CRC-32 of the 12 bytes before u32, record
 *
 * All little-endian. What a kill or a power cut tore is at the end: a block that the file does not hold whole, a last
 * one whose bytes are wrong, or zeros that were never filled. Anything else is damage and is refused. */
#include "validate/sis/store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/json.h"
#include "base/mem.h"

static const char magic[8] = "MARGSIS1";
enum { HEADER_BYTES = 16, BLOCK_BYTES = 16, MARK = 0x52534953, IDENTITY_LIMIT_BYTES = 1 << 20 };

static uint32_t checksum(const void *bytes, size_t n)
{
    return (uint32_t)crc32_z(0, bytes, n);
}

static bool system_failure(struct err *err, const char *path, const char *what)
{
    return err_run(err, "%s: cannot be %s: %s; check permissions and free space", path, what, strerror(errno));
}

/* Whether the name still leads to the file that is open: another process may have finished and removed it. */
static bool is_same_file(const struct store_journal *j, struct stat *info)
{
    struct stat named;
    return fstat(j->fd, info) == 0 && stat(j->path, &named) == 0 && named.st_ino == info->st_ino &&
           named.st_dev == info->st_dev;
}

static char *path_of(const char *directory, int writer)
{
    char *name = writer ? mem_format(STORE_PARTIAL ".%d", writer) : mem_string(STORE_PARTIAL);
    char *path = file_join(directory, name);
    free(name);
    return path;
}

bool store_journal_open(struct store_journal *j, const char *directory, int writer, bool *fresh, struct err *err)
{
    struct stat info;
    *j = (struct store_journal){ .path = path_of(directory, writer), .fd = -1 };
    j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    bool ok = false;
    if (j->fd < 0)
        system_failure(err, j->path, "written");
    else if (!file_lock(j->fd) || !is_same_file(j, &info))
        err_run(err, "%s: another validation is writing to this directory; wait for it, or choose another with --out",
                directory);
    else if (!S_ISREG(info.st_mode))
        err_run(err, "%s: is not a regular file; choose another directory with --out", j->path);
    else
        ok = true;
    if (ok)
        *fresh = info.st_size == 0;
    else
        store_journal_close(j);
    return ok;
}

void store_journal_close(struct store_journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    free(j->path);
    *j = (struct store_journal){ .fd = -1 };
}

void store_journal_remove(struct store_journal *j)
{
    unlink(j->path); /* before the lock goes: whoever waits for it opens a new one */
    store_journal_close(j);
}

static bool write_all(int fd, const unsigned char *bytes, size_t n, int64_t at)
{
    while (n) {
        ssize_t done = pwrite(fd, bytes, n, at);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
            at += done;
        }
    }
    return true;
}

/* At the end; all of it, or the file is as it was. */
static bool append(struct store_journal *j, const void *bytes, size_t n, struct err *err)
{
    if (write_all(j->fd, bytes, n, j->end)) {
        j->end += (int64_t)n;
        return true;
    }
    system_failure(err, j->path, "appended to");
    if (ftruncate(j->fd, j->end) != 0)
        system_failure(err, j->path, "appended to, nor shortened");
    return false;
}

bool store_journal_sync(struct store_journal *j, struct err *err)
{
    return fsync(j->fd) == 0 || system_failure(err, j->path, "flushed to the disk");
}

/* The header for this identity; free() it. */
static unsigned char *make_header(const struct sis_identity *identity, size_t *n)
{
    json_t *root = store_identity_json(identity);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const uint32_t length = (uint32_t)strlen(text), crc = checksum(text, length);
    *n = HEADER_BYTES + length;
    unsigned char *header = mem_alloc(*n, 1);
    memcpy(header, magic, 8);
    memcpy(header + 8, &length, 4);
    memcpy(header + 12, &crc, 4);
    memcpy(header + HEADER_BYTES, text, length);
    free(text);
    json_decref(root);
    return header;
}

bool store_journal_begin(struct store_journal *j, const struct sis_identity *identity, struct err *err)
{
    size_t n;
    unsigned char *header = make_header(identity, &n);
    j->end = 0;
    bool ok = ftruncate(j->fd, 0) == 0 || system_failure(err, j->path, "shortened");
    ok = ok && append(j, header, n, err) && store_journal_sync(j, err);
    free(header);
    return ok;
}

bool store_journal_append(struct store_journal *j, const struct sis_record *r, struct err *err)
{
    size_t n;
    unsigned char *record = store_record_pack(r, &n), *block = mem_alloc(BLOCK_BYTES + n, 1);
    uint32_t head[4] = { MARK, (uint32_t)n, checksum(record, n), 0 };
    head[3] = checksum(head, 12);
    memcpy(block, head, BLOCK_BYTES);
    memcpy(block + BLOCK_BYTES, record, n);
    bool ok = append(j, block, BLOCK_BYTES + n, err);
    free(block);
    free(record);
    return ok;
}

/* As read(2) at an offset, to the end of the buffer or of the file. */
static size_t read_at(const struct store_journal *j, void *out, size_t n, int64_t at)
{
    size_t used = 0;
    while (used < n) {
        ssize_t got = pread(j->fd, (char *)out + used, n - used, at + (int64_t)used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    return used;
}

static bool refuse(const struct store_journal *j, int64_t at, const char *cause, struct err *err)
{
    return err_run(err, "%s: byte %lld: %s; remove the file to begin anew, or choose another directory with --out",
                   j->path, (long long)at, cause);
}

/* Compares the identity of the file with ours. */
static bool check_identity(const struct store_journal *j, const char *text, size_t n,
                           const struct sis_identity *identity, struct err *err)
{
    json_t *here = store_identity_json(identity), *there = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    bool ok = (there || refuse(j, HEADER_BYTES, "the identity is not JSON", err)) &&
              store_identity_same(here, there, NULL, j->path,
                                  "resume with the settings of the interrupted run, or choose another directory with "
                                  "--out",
                                  err);
    json_decref(here);
    json_decref(there);
    return ok;
}

/* A file that ends within the header that we would write: killed in its first moment. */
static bool is_torn_header(const struct store_journal *j, int64_t size, const struct sis_identity *identity)
{
    size_t n, have = 0;
    unsigned char *ours = make_header(identity, &n), *start = mem_alloc(n, 1);
    if (size < (int64_t)n)
        have = read_at(j, start, (size_t)size, 0);
    bool torn = size < (int64_t)n && have == (size_t)size && memcmp(start, ours, have) == 0;
    free(ours);
    free(start);
    return torn;
}

static bool read_header(struct store_journal *j, int64_t size, const struct sis_identity *identity, struct err *err)
{
    unsigned char start[HEADER_BYTES];
    uint32_t length, crc;
    if (read_at(j, start, sizeof start, 0) != sizeof start || memcmp(start, magic, sizeof magic) != 0)
        return refuse(j, 0, "this is not the journal of validate sis", err);
    memcpy(&length, start + 8, 4);
    memcpy(&crc, start + 12, 4);
    if (length > IDENTITY_LIMIT_BYTES || (int64_t)length > size - HEADER_BYTES)
        return refuse(j, 8, "the length of the identity is damaged", err);
    char *text = mem_alloc(length + (size_t)1, 1);
    bool ok = read_at(j, text, length, HEADER_BYTES) == length && checksum(text, length) == crc;
    ok = ok ? check_identity(j, text, length, identity, err) : refuse(j, HEADER_BYTES, "the identity is damaged", err);
    free(text);
    j->end = HEADER_BYTES + (int64_t)length;
    return ok;
}

/* A file that was made longer, but whose bytes never reached the disk. */
static bool is_zero_to_the_end(const struct store_journal *j, int64_t at, int64_t size)
{
    char chunk[4096];
    while (at < size) {
        size_t n = read_at(j, chunk, sizeof chunk, at);
        for (size_t i = 0; i < n; i++)
            if (chunk[i])
                return false;
        if (n == 0)
            return false;
        at += (int64_t)n;
    }
    return true;
}

enum found { FOUND_RECORD, FOUND_TORN, FOUND_DAMAGE };

/* The block at j->end of a file of `size` bytes. *record: its bytes, free() them. Bytes that should be there and cannot
 * be read are damage. */
static enum found read_block(const struct store_journal *j, int64_t size, unsigned char **record, uint32_t *n)
{
    uint32_t head[4];
    if (size - j->end < BLOCK_BYTES)
        return FOUND_TORN;
    if (read_at(j, head, BLOCK_BYTES, j->end) != BLOCK_BYTES)
        return FOUND_DAMAGE;
    if (head[0] != MARK || head[3] != checksum(head, 12))
        return is_zero_to_the_end(j, j->end, size) ? FOUND_TORN : FOUND_DAMAGE;
    int64_t begin = j->end + BLOCK_BYTES;
    *n = head[1];
    if (*n > size - begin)
        return FOUND_TORN;
    *record = mem_alloc(*n + (size_t)1, 1);
    bool there = read_at(j, *record, *n, begin) == *n;
    if (there && checksum(*record, *n) == head[2])
        return FOUND_RECORD;
    free(*record);
    return there && is_zero_to_the_end(j, begin + *n, size) ? FOUND_TORN : FOUND_DAMAGE;
}

static bool read_records(struct store_journal *j, int64_t size, const struct sis_identity *identity,
                         bool (*take)(void *self, struct sis_record *r, struct err *err), void *self, struct err *err)
{
    while (j->end < size) {
        unsigned char *bytes;
        uint32_t n;
        struct sis_record r;
        enum found found = read_block(j, size, &bytes, &n);
        if (found == FOUND_TORN)
            break;
        if (found == FOUND_DAMAGE)
            return refuse(j, j->end, "the file is damaged here", err);
        bool ok = store_record_unpack(bytes, n, &r);
        free(bytes);
        if (!ok)
            return refuse(j, j->end, "there is no record here", err);
        if (!store_record_check(&r, identity, j->path, err)) {
            sis_record_free(&r);
            return false;
        }
        if (!take(self, &r, err))
            return false;
        j->end += BLOCK_BYTES + (int64_t)n;
    }
    return true;
}

bool store_journal_resume(struct store_journal *j, const struct sis_identity *identity,
                          bool (*take)(void *self, struct sis_record *r, struct err *err), void *self, struct err *err)
{
    struct stat info;
    if (fstat(j->fd, &info) != 0)
        return system_failure(err, j->path, "read");
    if (is_torn_header(j, info.st_size, identity))
        return store_journal_begin(j, identity, err);
    return read_header(j, info.st_size, identity, err) && read_records(j, info.st_size, identity, take, self, err) &&
           (ftruncate(j->fd, j->end) == 0 || system_failure(err, j->path, "shortened"));
}
