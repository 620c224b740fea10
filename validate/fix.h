/* A cleaned copy of a data set: its borders cut off, or exchanged for those of other pictures. The original is only
 * read. */
#ifndef MARGINALIA_VALIDATE_FIX_H
#define MARGINALIA_VALIDATE_FIX_H

#include "base/progress.h"
#include "base/team.h"
#include "datasets/dataset.h"

enum fix_kind {
    FIX_CROP_BORDER,     /* cuts `width` pixels off each side */
    FIX_RANDOMIZE_BORDER /* gives each picture the ring of one that is drawn at random from its split, of any class, so
                            that the ring tells nothing about the label */
};

struct fix {
    enum fix_kind kind;
    int width; /* of the ring, in pixels of the data set's shape; scaled to the size of each picture, at least 1 */

    /* Borrowed, set by the caller. */
    const struct dataset *data;
    const char *source;    /* the descriptor, for the manifest */
    const char *directory; /* of the copy */
    uint64_t seed;
    bool overwrite; /* replaces a former copy; anything else that is there is refused all the same */
    int argc;       /* the command line, for the manifest */
    char **argv;
    struct team *team;
    struct progress *progress; /* may be NULL */
    bool (*stop)(void);        /* NULL: never */
};

struct fix_result {
    int64_t written, left_out; /* left_out: cannot be read */
};

/* "crop-border:W", "randomize-border", "randomize-border:W": sets kind and width. */
bool fix_parse(const char *text, struct fix *out, struct err *err);

/* Writes, whole or not at all: beside the directory first, then renamed.
 *   train/CLASS/000123.png, test/CLASS/...   the pictures under their numbers, folders named like the classes as far as
 *                                            file names allow
 *   train.list, test.list                    paths and labels; labels are those of the original
 *   dataset.conf                             opens it; mean and std are those of the copy
 *   manifest.json                            source, its hash, what was done, seed, counts, what was left out
 * Refuses a ring that leaves nothing, a directory that holds something else than a former copy, and one inside the
 * data set or around it. EXIT_INTERRUPTED when the user stopped it: nothing is left then. */
bool fix_run(const struct fix *f, struct fix_result *out, struct err *err);

#endif
