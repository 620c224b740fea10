/* Pictures that somebody should look at, as the checks collected them: for the page, and as a list file. */
#ifndef MARGINALIA_VALIDATE_DATASET_SUSPECTS_H
#define MARGINALIA_VALIDATE_DATASET_SUSPECTS_H

#include "validate/dataset/survey.h"
#include "validate/report/report.h"

/* Fills out->suspect: by kind of check in the order of out->check, then by split and number; of a
 * kind each picture once, with all its reasons. */
void suspects_fill(const struct survey *s, struct report *out);

/* Writes those of the report as a list file, "PATH<tab>LABEL", which datasets/image_list.h reads: each picture once, in
 * the order of the report. Paths of files are absolute; of packed sets the place in the file is given. LABEL is the
 * class's number (its name where another class is called like the number). *written: lines. *left_out: pictures whose
 * names such a list cannot hold (line breaks, blanks at an end). */
bool suspects_export(const struct report *r, const struct dataset *data, const char *path, int *written, int *left_out,
                     struct err *err);

#endif
