#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const size_t precision = JSON_REAL_PRECISION(17);

/* jansson has no NaN: a value that is not finite was never made, so its whole tree is NULL. */
static bool refuse_null(const char *path, struct err *err)
{
    return err_run(err, "%s: not written: a figure in it is NaN or infinite; report this as a bug", path);
}

bool json_save(const json_t *root, const char *path, struct err *err)
{
    char *text = root ? json_dumps(root, precision | JSON_INDENT(2)) : NULL;
    if (!text)
        return refuse_null(path, err);
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the final NUL */
    bool ok = file_write(path, text, n + 1, err);
    free(text);
    return ok;
}

bool json_open(const char *path, size_t limit, json_t **out, struct err *err)
{
    char *text;
    size_t n;
    json_error_t at;
    if (!file_read(path, limit, &text, &n, err))
        return false;
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at);
    free(text);
    return *out || err_run(err, "%s:%d: %s; it must be JSON as Marginalia writes it", path, at.line, at.text);
}

static bool write_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        }
    }
    return true;
}

/* Appends all of it, or leaves the file as it was. errno tells why not. */
static bool append_all(int fd, const char *data, size_t n)
{
    off_t before = lseek(fd, 0, SEEK_END);
    if (before >= 0 && write_all(fd, data, n) && fsync(fd) == 0)
        return true;
    int cause = errno;
    if (before >= 0 && ftruncate(fd, before))
        cause = errno;
    errno = cause;
    return false;
}

bool jsonl_append(const char *path, const json_t *record, struct err *err)
{
    char *line = record ? json_dumps(record, precision | JSON_COMPACT) : NULL;
    if (!line)
        return refuse_null(path, err);
    size_t n = strlen(line);
    line[n] = '\n'; /* in place of the final NUL */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && append_all(fd, line, n + 1);
    int cause = errno;
    if (fd >= 0 && close(fd) && ok) {
        ok = false;
        cause = errno;
    }
    free(line);
    return ok || err_run(err, "%s: cannot be appended to: %s; check permissions and free space", path, strerror(cause));
}

/* The offset after the first `keep` whole lines, or after the last whole line when there are fewer. */
static off_t offset_of_line(FILE *in, long keep)
{
    off_t offset = 0, end = 0;
    int c;
    while (keep > 0 && (c = getc_unlocked(in)) != EOF) {
        offset++;
        if (c == '\n') {
            end = offset;
            keep--;
        }
    }
    return end;
}

bool jsonl_truncate(const char *path, long keep, struct err *err)
{
    FILE *in = fopen(path, "r+e");
    if (!in && errno == ENOENT)
        return true;
    bool ok = in;
    if (in) {
        off_t end = offset_of_line(in, keep);
        ok = !ferror(in) && ftruncate(fileno(in), end) == 0 && fsync(fileno(in)) == 0;
    }
    int cause = errno;
    if (in)
        fclose(in);
    return ok || err_run(err, "%s: cannot be shortened: %s; check permissions", path, strerror(cause));
}

json_t *json_finite(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}
