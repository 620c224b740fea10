#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"

static const char magic[8] = { 'M', 'A', 'R', 'G', 'C', 'K', 'P', 'T' };

enum {
    FORMAT = 2, /* 1: crops and flips were drawn anew each epoch, so the rest of the training would be another */
    BYTE_ORDER_MARK = 0x01020304,
    MAX_TEXT = 1 << 22,    /* bytes of identity and of host */
    MAX_RECORDS = 1 << 20,
    DIGEST = SHA256_HEX - 1
};

/* No padding: two 4-byte members after the magic, then 8-byte ones. */
struct header {
    char magic[8];
    uint32_t format, byte_order;
    int64_t position_bytes, record_bytes; /* a build with other structs is another format */
    int64_t identity_bytes, host_bytes, records, stored;
};

/* Writing: every part goes to the file and into the digest. */
struct sink {
    FILE *stream;
    struct sha256 *digest;
};

static void put(struct sink *s, const void *data, size_t n)
{
    if (n == 0)
        return;
    fwrite(data, 1, n, s->stream); /* file_commit looks at ferror */
    sha256_add(s->digest, data, n);
}

bool checkpoint_write(const char *path, const struct checkpoint *c, struct err *err)
{
    struct header h = { .format = FORMAT, .byte_order = BYTE_ORDER_MARK,
        .position_bytes = sizeof(struct position), .record_bytes = sizeof(struct epoch_record),
        .identity_bytes = (int64_t)strlen(c->identity), .host_bytes = (int64_t)strlen(c->host),
        .records = c->records.n, .stored = c->stored };
    struct file_writer w;
    char hex[SHA256_HEX];

    if (!file_begin(&w, path, err))
        return false;
    struct sink s = { w.stream, sha256_new() };
    memcpy(h.magic, magic, sizeof magic);
    put(&s, &h, sizeof h);
    put(&s, &c->position, sizeof c->position);
    put(&s, c->identity, (size_t)h.identity_bytes);
    put(&s, c->host, (size_t)h.host_bytes);
    put(&s, c->records.record, (size_t)c->records.n * sizeof(struct epoch_record));
    put(&s, c->parameters, (size_t)c->stored * sizeof(float));
    put(&s, c->momentum, (size_t)c->stored * sizeof(float));
    sha256_finish(s.digest, hex);
    fwrite(hex, 1, DIGEST, w.stream);
    return file_commit(&w, err);
}

static bool refuse(const char *path, const char *cause, struct err *err)
{
    return err_run(err, "%s: %s; start again with --overwrite", path, cause);
}

/* Size of a file with this header; -1 when the header cannot be ours. */
static int64_t expected_size(const struct header *h)
{
    if (h->identity_bytes < 0 || h->identity_bytes > MAX_TEXT || h->host_bytes < 0 || h->host_bytes > MAX_TEXT ||
        h->records < 0 || h->records > MAX_RECORDS || h->stored < 0 || h->stored > INT64_MAX / 64)
        return -1;
    return (int64_t)sizeof *h + (int64_t)sizeof(struct position) + h->identity_bytes + h->host_bytes +
           h->records * (int64_t)sizeof(struct epoch_record) + 2 * h->stored * (int64_t)sizeof(float) + DIGEST;
}

static bool check_digest(const char *bytes, size_t n)
{
    struct sha256 *s = sha256_new();
    char hex[SHA256_HEX];

    sha256_add(s, bytes, n - DIGEST);
    sha256_finish(s, hex);
    return memcmp(bytes + n - DIGEST, hex, DIGEST) == 0;
}

/* The file is a checkpoint of this format, whole and undamaged. */
static bool check_file(const char *path, const char *bytes, size_t n, struct header *h, struct err *err)
{
    if (n < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return refuse(path, "is not a checkpoint", err);
    if (n < sizeof *h)
        return refuse(path, "the checkpoint is truncated", err);
    memcpy(h, bytes, sizeof *h);
    if (h->format != FORMAT || h->byte_order != BYTE_ORDER_MARK || h->position_bytes != sizeof(struct position) ||
        h->record_bytes != sizeof(struct epoch_record))
        return refuse(path, "the checkpoint was written by another version or machine type", err);
    int64_t size = expected_size(h);
    if (size < 0 || (int64_t)n > size)
        return refuse(path, "the checkpoint is damaged", err);
    if ((int64_t)n < size)
        return refuse(path, "the checkpoint is truncated", err);
    if (!check_digest(bytes, n))
        return refuse(path, "the checkpoint is damaged (its SHA-256 does not match)", err);
    return true;
}

/* The line of `text` that begins at *at, which is moved behind it. */
static char *next_line(const char **at)
{
    size_t n = strcspn(*at, "\n");
    char *line = mem_format("%.*s", (int)n, *at);

    *at += n + ((*at)[n] == '\n');
    return line;
}

/* Names the first line in which two identities differ. */
static bool refuse_difference(const char *path, const char *then, const char *now, struct err *err)
{
    char *line_then = next_line(&then), *line_now = next_line(&now);

    while (strcmp(line_then, line_now) == 0 && (*then || *now)) {
        free(line_then);
        free(line_now);
        line_then = next_line(&then);
        line_now = next_line(&now);
    }
    err_usage(err, "%s: the run was started with `%.200s`, now it is `%.200s`; resume with the same settings and data, "
              "or start again with --overwrite", path, *line_then ? line_then : "(nothing)",
              *line_now ? line_now : "(nothing)");
    free(line_then);
    free(line_now);
    return false;
}

static void unpack(const char *bytes, const struct header *h, struct checkpoint *c)
{
    const char *p = bytes + sizeof *h;
    size_t floats = (size_t)h->stored * sizeof(float);

    memcpy(&c->position, p, sizeof c->position);
    p += sizeof c->position;
    c->identity = mem_format("%.*s", (int)h->identity_bytes, p);
    p += h->identity_bytes;
    c->host = mem_format("%.*s", (int)h->host_bytes, p);
    p += h->host_bytes;
    c->records.n = c->records.room = h->records;
    c->records.record = mem_alloc((size_t)h->records + 1, sizeof(struct epoch_record));
    memcpy(c->records.record, p, (size_t)h->records * sizeof(struct epoch_record));
    p += h->records * (int64_t)sizeof(struct epoch_record);
    memcpy(c->parameters, p, floats);
    memcpy(c->momentum, p + floats, floats);
}

bool checkpoint_read(const char *path, const char *identity, struct checkpoint *c, struct err *err)
{
    size_t limit = 2 * (size_t)MAX_TEXT + (size_t)MAX_RECORDS * sizeof(struct epoch_record) +
                   (1 << 20) + (size_t)c->stored * 64; /* room to tell "another net" from "too big" */
    struct header h;
    char *bytes;
    size_t n;
    bool ok = false;

    if (!file_read(path, limit, &bytes, &n, err))
        return false;
    if (!check_file(path, bytes, n, &h, err))
        goto out;
    const char *then = bytes + sizeof h + sizeof(struct position);
    if (strlen(identity) != (size_t)h.identity_bytes || memcmp(then, identity, (size_t)h.identity_bytes) != 0) {
        char *text = mem_format("%.*s", (int)h.identity_bytes, then);
        refuse_difference(path, text, identity, err);
        free(text);
        goto out;
    }
    if (h.stored != c->stored) {
        refuse(path, "the checkpoint belongs to another network", err);
        goto out;
    }
    unpack(bytes, &h, c);
    ok = true;
out:
    free(bytes);
    return ok;
}

void checkpoint_free(struct checkpoint *c)
{
    free(c->identity);
    free(c->host);
    records_free(&c->records);
}
