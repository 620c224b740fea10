/* The members of an ensemble, trained as processes of this program: member K is what `train CFG --member K` gives, an
 * ordinary run with the seed of the cfg + K - 1. So each can be resumed, or trained elsewhere, on its own. */
#ifndef MARGINALIA_TRAIN_MEMBERS_H
#define MARGINALIA_TRAIN_MEMBERS_H

#include <stdbool.h>
#include "base/progress.h"
#include "train/options.h"

struct members {
    const struct train_options *options; /* of the ensemble */
    const char *program;                 /* argv[0] */
    const char *directory;               /* of the ensemble, where the members' logs go */
    int n;
    int epochs;                          /* of each; 0: its own progress tells */
    struct progress *progress; /* counts epochs */
    bool (*stop)(void);
};

/* As many at a time as there are threads, unless the user chose: on few cores, networks that train side by side on one
 * thread each are faster in all than one after the other on many, which wait for each other. */
void members_share(const struct train_options *o, int n, int *jobs, int *threads_each);

/* "DIRECTORY/member_3", "DIRECTORY/member_3.log"; free() them. */
char *member_directory(const char *directory, int k);
char *member_log(const char *directory, int k);

/* Trains those that are not finished, from their checkpoints where there are some. When one fails, no other is begun,
 * and those that run go on to their end; err then names the first that failed, and its log. When the user stops us each
 * writes its checkpoint: EXIT_INTERRUPTED. */
bool members_train(const struct members *m, struct err *err);

#endif
