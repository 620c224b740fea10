/* A data set's descriptor: a small libconfig file that says what the bytes are and where (datasets/README.md).
 * Strict: an unknown key, a wrong type or a number out of range is refused with file and line. */
#ifndef MARGINALIA_DATASETS_DESCRIPTOR_H
#define MARGINALIA_DATASETS_DESCRIPTOR_H

#include <stddef.h>
#include "datasets/dataset.h"
#include "datasets/planted.h"

enum data_format { FORMAT_CIFAR10, FORMAT_CIFAR100, FORMAT_IDX, FORMAT_FOLDER, FORMAT_LIST, FORMAT_PLANTED };

struct descriptor {
    char *path; /* the descriptor itself, for messages */
    enum data_format format;
    char *name, *directory;
    int64_t classes;              /* 0: not given (folders are counted) */
    char **class_names;           /* NULL: not given */
    int n_class_names;
    int64_t shape[3];             /* c, h, w */
    double mean[3], std[3];       /* shape[0] of each */
    char *train, *test;           /* folder: sub-directories; list: list files; NULL: the format's habit */
    bool unsplit;                 /* folder: classes lie in the directory itself, all is for training */
    char *images[2], *labels[2];  /* idx: files by enum split, without .gz */
    struct planted planted;
};

/* Reads the descriptor at `path`; descriptor_clear it, also after a failure. */
bool descriptor_read(struct descriptor *d, const char *path, struct err *err);
/* The same from text[n], which ends in a NUL that is not counted; `path` is for messages. */
bool descriptor_parse(struct descriptor *d, const char *path, const char *text, size_t n, struct err *err);
void descriptor_clear(struct descriptor *d);

/* What a user whose data are missing or damaged should type, e.g.
 * "run tools/get-dataset cifar10, or say where it is with --data DIR". free() it. */
char *descriptor_remedy(const struct descriptor *d);

#endif
