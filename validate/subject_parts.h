/* What subject.c and subject_files.c share. */
#ifndef MARGINALIA_VALIDATE_SUBJECT_PARTS_H
#define MARGINALIA_VALIDATE_SUBJECT_PARTS_H

#include "validate/subject.h"

/* Fills name, directory, ensemble, members, hashes and trained_from; looks at every file and every member's manifest.
 */
bool subject_find_files(const struct subject_options *o, struct subject *s, struct err *err);
void subject_free_files(struct subject *s);

#endif
