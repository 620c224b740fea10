/* JSON through jansson, with the house rules: keys keep their order, reals are written with 17 significant digits,
 * NaN and infinity are refused (never written), files are written whole or not at all. */
#ifndef MARGINALIA_BASE_JSON_H
#define MARGINALIA_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"

bool json_save(const json_t *root, const char *path, struct err *err);
/* *out: new reference (json_decref it). Duplicate keys, trailing text, files over `limit` bytes: refused with line. */
bool json_open(const char *path, size_t limit, json_t **out, struct err *err);

/* Appends one record as one line and flushes it to the disk (JSON Lines). */
bool jsonl_append(const char *path, const json_t *record, struct err *err);
/* Drops a torn last line (no newline) left by a crash, then truncates the file to its first `keep` lines. A
 * file that is missing or has fewer lines is no error. */
bool jsonl_truncate(const char *path, long keep, struct err *err);

/* A real, or null when it is not finite: for figures that may not exist. New reference. */
json_t *json_finite(double x);

#endif
