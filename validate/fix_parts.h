/* What the files of fix share. Included by fix*.c alone. */
#ifndef MARGINALIA_VALIDATE_FIX_PARTS_H
#define MARGINALIA_VALIDATE_FIX_PARTS_H

#include "validate/fix.h"

/* What became of one picture. */
struct fix_picture {
    bool written;
    float mean[3], square[3]; /* of its pixels, and of their squares; in the channels of the data set */
    char *why;                /* why it was left out, or NULL; owned */
};

/* A copy in the making. */
struct fix_work {
    const struct fix *fix;
    char *directory; /* where it is made */
    int lock;        /* held while it is made; -1: none */
    char **folder;   /* [classes] names of folders, owned */
    struct fix_picture *picture[2];
};

/* The number of a picture in `folder` as a path below the copy: "train/cat/000123.png"; free() it. */
char *fix_path(const struct fix_work *w, enum split split, int64_t image);

/* Folder names for the classes: plain, and different from each other in any case of letters. */
char **fix_folders(const struct dataset *data);

/* Lists, descriptor and manifest of a copy whose pictures are written. */
bool fix_write_lists(const struct fix_work *w, struct err *err);
bool fix_write_descriptor(const struct fix_work *w, struct err *err);
bool fix_write_manifest(const struct fix_work *w, const struct fix_result *result, struct err *err);

/* Directories (fix_directory.c): refuses what must not be replaced, makes the place beside it, and at the end puts it
 * there, or takes it away. */
bool fix_open_directory(struct fix_work *w, struct err *err);
bool fix_commit_directory(struct fix_work *w, struct err *err);
void fix_abandon_directory(struct fix_work *w);

#define FIX_SCHEMA "marginalia-copy"
#define FIX_PARTIAL ".partial" /* behind the name of a copy in the making */
const char *fix_kind_name(enum fix_kind kind);

#endif
