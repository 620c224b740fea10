/* Directories that results go to: never overwritten unasked, never written by two at once. */
#ifndef MARGINALIA_VALIDATE_OUTPUT_H
#define MARGINALIA_VALIDATE_OUTPUT_H

#include <stdbool.h>
#include "base/err.h"

/* Takes away the files of a former `validate sis` in `directory`, which may be missing; other files stay. Refuses while
 * another process writes there. */
bool output_clear_sis(const char *directory, struct err *err);

/* The directory of a report, held by one process at a time. */
struct output {
    char *path;
    int lock; /* -1: none */
};

/* Makes it. A report, or what an interrupted validation left, is refused unless `resume` (kept) or `overwrite` (taken
 * away) is set. */
bool output_open(struct output *o, const char *path, bool resume, bool overwrite, struct err *err);
void output_close(struct output *o);

#endif
