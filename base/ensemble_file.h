/* ensemble.conf: which runs make up an ensemble, and how their answers become one (libconfig):
 *
 *   combine = "logit";                       # or "probability"
 *   members = (
 *     { run = "member_1"; weights_sha256 = "..."; },
 *     ... );
 *
 * `run` is a run directory of train, relative to the file's folder or absolute; its resolved.cfg and final.weights are
 * what the member is. */
#ifndef MARGINALIA_BASE_ENSEMBLE_FILE_H
#define MARGINALIA_BASE_ENSEMBLE_FILE_H

#include "base/classifier.h"
#include "base/file.h"

#define ENSEMBLE_FILE "ensemble.conf"

struct ensemble_entry {
    char *run;                /* as written */
    char *cfg, *weights;      /* paths from here */
    char hash[SHA256_HEX];    /* of the weights */
};

struct ensemble_file {
    char *path;
    enum combine combine;
    int n;                    /* 1 .. ENSEMBLE_MOST */
    struct ensemble_entry *member;
    int n_missing;            /* with allow_partial: members that are left out because their files are not there */
};

/* Refuses (EXIT_USAGE, file and line) what is no such file, a member twice, a member that is an ensemble itself; and,
 * with the remedy, a member whose weights are missing (unless allow_partial and another is there) or have another
 * hash: those are EXIT_CANNOT_RUN. */
bool ensemble_file_read(const char *path, bool allow_partial, struct ensemble_file **out, struct err *err);
void ensemble_file_free(struct ensemble_file *f); /* accepts NULL */

/* Writes DIRECTORY/ensemble.conf for these runs (paths as they shall be written), hashing their final.weights. */
bool ensemble_file_write(const char *directory, char *const *run, int n, enum combine combine, struct err *err);

#endif
