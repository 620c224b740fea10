/* A program of this house, run as a process of its own: found beside us, started without a shell, watched, stopped when
 * the user stops us, and never left behind. */
#ifndef MARGINALIA_BASE_PROCESS_H
#define MARGINALIA_BASE_PROCESS_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>
#include "base/err.h"

enum { PROCESS_MOST_WORDS = 64 };

/* A command line that grows; the words are owned. */
struct process_words {
    int n;
    char *word[PROCESS_MOST_WORDS + 1]; /* ends with NULL */
};
void process_add(struct process_words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void process_words_free(struct process_words *w);

struct process {
    const char *path;                           /* of the executable */
    const char *called;                         /* the name it sees itself called by; NULL: path */
    const char *name;                           /* for messages: "train" */
    const struct process_words *words;          /* its arguments, without the name of the program */
    const char *log;                            /* file that takes all it prints, made anew; its folder exists */
    bool append;                                /* a log that is there already grows instead */
    const cpu_set_t *cpus;                      /* that it may use; NULL: ours */
    void (*tell)(void *self, const char *line); /* hears the last line of the log while it runs; may be NULL */
    void *self;
    bool (*stop)(void); /* NULL: never */
};

/* Runs it to its end. False: it cannot be started, was killed, or ended with another status than 0: then err has the
 * last line that it printed and where the rest is, and the status is EXIT_USAGE when its own was. When the user stops
 * us, it gets one SIGTERM, and its end is waited for: EXIT_INTERRUPTED (also when it was stopped by somebody else).
 *
 * It runs in a process group of its own, so that a Ctrl-C reaches it once, through us, and gets SIGTERM from the system
 * when this thread dies. Call it from the thread that lives as long as the program. */
bool process_run(const struct process *p, struct err *err);

/* The same with several at a time: each is started, then all are asked in turns, with a pause between the rounds, until
 * they have ended. *p must live until then. */
struct process_child {
    const struct process *p;
    pid_t id;
    off_t log_start; /* where in the log its own words begin */
    bool asked;      /* to end */
};
bool process_start(const struct process *p, struct process_child *child, struct err *err);
/* True when it has ended: *ok tells how, and err as process_run would. Passes a stop on, tells the last line. */
bool process_ended(struct process_child *child, bool *ok, struct err *err);
void process_pause(void);

/* *out = the path of the program `name` beside `program`, which is argv[0] of this one: looked up in PATH when it has
 * no slash, as the shell did; links are followed when there is none beside the link. What stands before "validate" in
 * our name stands before `name`, too: marginalia-validate -> marginalia-train. free() it. */
bool process_beside(const char *program, const char *name, char **out, struct err *err);

#endif
