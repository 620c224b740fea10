/* comparison.json: which policies the directory of a comparison has seen. A measure that is asked for after another one
 * did not please needs another policy file; this keeps the report from hiding it.
 *
 *   { "schema": "marginalia.comparison/1", "runs": [ { "policy": SHA-256, "models": SHA-256 }, ... ] }
 *
 * One entry for each start; the last one is that of the present comparison. `models` is of the cfg and weights hashes
 * of all models in their order. */
#ifndef MARGINALIA_VALIDATE_COMPARE_HISTORY_H
#define MARGINALIA_VALIDATE_COMPARE_HISTORY_H

#include "base/file.h"

#define HISTORY_FILE "comparison.json"

struct history {
    int n; /* other policies that compared the same models here before, each once */
    char (*policy)[SHA256_HEX];
};

/* Reads the file, which may be missing, and adds this start. With `resume` the last start must have been the same:
 * otherwise EXIT_USAGE. history_free it. */
bool history_enter(const char *directory, const char *policy, const char *models, bool resume, struct history *out,
                   struct err *err);
void history_free(struct history *h);

#endif
