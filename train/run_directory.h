/* The directory of one training run: made once, locked while a training writes to it, never overwritten unasked. */
#ifndef MARGINALIA_TRAIN_RUN_DIRECTORY_H
#define MARGINALIA_TRAIN_RUN_DIRECTORY_H

#include <stdbool.h>
#include "base/err.h"

/* The files of a run (docs/run_directory.md). */
#define RUN_LOCK       "lock"
#define RUN_CHECKPOINT "checkpoint.bin"
#define RUN_CFG        "resolved.cfg"
#define RUN_MANIFEST   "manifest.json"
#define RUN_FINAL      "final.weights"
#define RUN_BEST       "best.weights"
#define RUN_JSONL      "train.jsonl"
#define RUN_SUMMARY    "summary.csv"
#define RUN_CURVE      "curve.svg"
#define RUN_EVENTS     "events.out.tfevents.marginalia"

enum run_mode {
    RUN_NEW,      /* the directory must not exist, or be empty */
    RUN_RESUME,   /* it must be the directory of a run */
    RUN_OVERWRITE /* files of a former run in it are removed; files that are not ours stay */
};

struct run_directory {
    char *path;
    int lock;     /* descriptor that holds the lock; -1 before */
    bool created; /* by this process */
};

/* Refuses with one line that names the ways out; also when another process holds the lock. Removes what a killed run
 * left under temporary names. */
bool run_directory_open(struct run_directory *d, const char *path, enum run_mode mode, struct err *err);
/* Releases the lock. */
void run_directory_close(struct run_directory *d);
/* For a start that failed: takes away our files and, when this process made it, the directory. Closes it. */
void run_directory_discard(struct run_directory *d);

/* The path of one of our files; free() it. */
char *run_file(const struct run_directory *d, const char *name);

#endif
