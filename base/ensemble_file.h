/* ensemble.conf: which runs make up an ensemble, and how their answers become one (libconfig):
 *
 *   combine = "logit";                       # or "probability"
 *   members = (
 *     { run = "member_1"; weights_sha256 = "..."; },
 *     ... );
 *
 * `run` is a run directory of train, relative to the file's folder or absolute; its resolved.cfg and final.weights are
 * what the member is. The hash is 64 small hexadecimal digits. */
#ifndef MARGINALIA_BASE_ENSEMBLE_FILE_H
#define MARGINALIA_BASE_ENSEMBLE_FILE_H

#include "base/classifier.h"
#include "base/file.h"

#define ENSEMBLE_FILE "ensemble.conf"

struct ensemble_entry {
    char *run;                       /* as written */
    char *directory, *cfg, *weights; /* paths from here */
    char hash[SHA256_HEX];           /* of the weights */
    int line;                        /* of the file */
};

struct ensemble_file {
    char *path;
    enum combine combine;
    int n; /* 1 .. ENSEMBLE_MOST */
    struct ensemble_entry *member;
    int n_missing;  /* with allow_partial: members that are left out */
    char **missing; /* [n_missing] the run as written, and why: "member_3 (its weights are missing)" */
};

/* Refuses (EXIT_USAGE, file and line) what is no such file, a member twice (the same run or the same weights), a member
 * that is an ensemble itself; and, with the remedy, a member whose files are missing or whose weights have another hash
 * than the file says: those are EXIT_CANNOT_RUN, or left out when allow_partial is set and another member is there. */
bool ensemble_file_read(const char *path, bool allow_partial, struct ensemble_file **out, struct err *err);
void ensemble_file_free(struct ensemble_file *f); /* accepts NULL */

/* The text alone, text[n] and a NUL behind it; no file is looked at. */
bool ensemble_file_parse(const char *path, const char *text, size_t n, struct ensemble_file **out, struct err *err);

/* Writes DIRECTORY/ensemble.conf for these runs (paths as they shall be written), hashing their final.weights. Makes
 * the directory. Refuses what ensemble_file_read would. */
bool ensemble_file_write(const char *directory, char *const *run, int n, enum combine combine, struct err *err);

#endif
