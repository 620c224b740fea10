/* The directory of one training run: made once, locked while a training writes to it, never overwritten unasked. */
#ifndef MARGINALIA_TRAIN_RUN_DIRECTORY_H
#define MARGINALIA_TRAIN_RUN_DIRECTORY_H

#include <stdbool.h>
#include "base/err.h"

/* The files of a run (docs/run_directory.md). */
#define RUN_LOCK       "lock"
#define RUN_TURN       "turn.lock" /* ensembles: held by the member that looks whether all are finished */
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
    int turn;     /* the same of RUN_TURN; -1 before */
    bool created; /* by this process */
};

/* Refuses with one line that names the ways out; also when another process holds the lock. Removes what a killed run
 * left under temporary names. */
bool run_directory_open(struct run_directory *d, const char *path, enum run_mode mode, struct err *err);
/* Whether there is a run, or the beginning of one. */
bool run_directory_exists(const char *path);

/* For members of an ensemble that are trained one by one: takes a share of the ensemble's directory, which is made when
 * it is not there. It keeps a training of the whole ensemble out. *led: there is one already; d is then closed, and
 * what is to be done when all members are finished is its business. */
bool run_directory_share(struct run_directory *d, const char *path, bool *led, struct err *err);
/* Waits until no other of those who share it is between this and run_directory_close, or until `stop` says true, which
 * *stopped then tells. */
bool run_directory_wait_turn(struct run_directory *d, bool (*stop)(void), bool *stopped, struct err *err);

/* Releases the lock. */
void run_directory_close(struct run_directory *d);
/* For a start that failed: takes away our files and, when this process made it, the directory. Closes it. */
void run_directory_discard(struct run_directory *d);

/* The path of one of our files; free() it. */
char *run_file(const struct run_directory *d, const char *name);

#endif
