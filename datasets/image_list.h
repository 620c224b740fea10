/* Image files and their labels, kept compactly: about 12 bytes and the path's text for each image. */
#ifndef MARGINALIA_DATASETS_IMAGE_LIST_H
#define MARGINALIA_DATASETS_IMAGE_LIST_H

#include <stddef.h>
#include <stdint.h>
#include "datasets/dataset.h"

struct image_list {
    char *text; /* NUL-terminated paths, one behind the other */
    size_t used, room;
    uint64_t *offset; /* [n] of image i's path in text */
    int32_t *label;   /* [n] */
    int64_t n, allocated;
};

void image_list_clear(struct image_list *l);
void image_list_add(struct image_list *l, const char *path, int label);
const char *image_list_path(const struct image_list *l, int64_t i);

/* Parses a Darknet list file: one image per line, "PATH LABEL", where LABEL is a class number or a class name and
 * follows the last tab of the line, or else the last blank. CRLF and blank lines are fine. Takes ownership of text[n],
 * which ends in a NUL that is not counted. `file` is for messages. */
bool image_list_parse(struct image_list *l, char *text, size_t n, const char *file, const char *const *class_names,
                      int classes, struct err *err);

/* [classes] How a list file names each class: by its number, or by its name where another class is called like the
 * number. The texts and the array are to free(). */
char **image_list_labels(const char *const *class_names, int classes);

/* Makes ds serve these lists by enum split (counts, functions, self); takes what they hold. Paths are relative to
 * ds->directory unless they start with a slash. */
void image_list_serve(struct dataset *ds, struct image_list lists[2]);

#endif
