/* Files: read whole, write whole or not at all, hash. Nothing is ever left half-written under its final name. */
#ifndef MARGINALIA_BASE_FILE_H
#define MARGINALIA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"

/* Reads a regular file of at most `limit` bytes; *out is NUL-terminated (not counted in *n), free() it.
 * Directories, devices and longer files are refused with a clear line. */
bool file_read(const char *path, size_t limit, char **out, size_t *n, struct err *err);

/* Writes path.tmp-PID beside path, fsyncs, renames, fsyncs the directory: a reader sees the old file or the new one. */
bool file_write(const char *path, const void *data, size_t n, struct err *err);

/* The same for streams: write to the FILE, then file_commit (checks every write, fsync, rename) or file_abandon. */
struct file_writer {
    FILE *stream;
    char *path, *temporary;
};
bool file_begin(struct file_writer *w, const char *path, struct err *err);
bool file_commit(struct file_writer *w, struct err *err);
void file_abandon(struct file_writer *w);

/* An exclusive lock (flock) on an open file. Waits two seconds for it: a process that was killed a moment ago may still
 * be on its way out. */
bool file_lock(int fd);

bool file_exists(const char *path);
bool file_make_directories(const char *path, struct err *err); /* mkdir -p */
char *file_join(const char *directory, const char *name);      /* free() it */
/* A file name that any name becomes: letters, digits and ._- stay, anything else is '_'; neither empty nor hidden, at
 * most 100 bytes. free() it. */
char *file_plain_name(const char *name);

/* SHA-256 (OpenSSL EVP), lower-case hexadecimal with the final NUL. */
enum { SHA256_HEX = 65 };
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *s, const void *data, size_t n);
void sha256_finish(struct sha256 *s, char hex[SHA256_HEX]); /* frees s */
bool file_sha256(const char *path, char hex[SHA256_HEX], struct err *err);

#endif
