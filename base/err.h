/* One error, described where it happened: file, place, cause, remedy, in one line.
 *
 * Anything the world can get wrong (a file, a setting, a full disk) makes a function return false and fill the
 * caller's struct err. Bugs of ours are asserts; out of memory ends the program in mem.c. Only main prints. */
#ifndef MARGINALIA_BASE_ERR_H
#define MARGINALIA_BASE_ERR_H

#include <stdbool.h>

/* Exit statuses of both programs (design: "Verdicts"). Only EXIT_OK means "release". */
enum exit_status {
    EXIT_OK           = 0, /* done; every check passed */
    EXIT_FAILED_CHECK = 1, /* a check failed: the model or data set overinterprets */
    EXIT_USAGE        = 2, /* wrong usage or settings: command line, cfg, policy, weights that do not fit the cfg */
    EXIT_CANNOT_RUN   = 3, /* the world failed: unreadable or damaged files, full disk, NaN loss */
    EXIT_INCONCLUSIVE = 4, /* a check could not decide */
    EXIT_INTERRUPTED  = 75 /* stopped by a signal after a whole checkpoint; --resume continues (EX_TEMPFAIL) */
};

struct err {
    enum exit_status status; /* EXIT_USAGE or EXIT_CANNOT_RUN once set */
    char text[1024];         /* "FILE:LINE: cause; remedy", no newline; control characters of hostile names escaped */
};

/* Both always return false, so that a failing function can `return err_usage(err, ...)`. err may not be NULL.
 * Longer text is cut and ends in "...". Bytes below 0x20 and 0x7f are written as \xNN, so that a hostile file name
 * cannot forge a second line. */
bool err_usage(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool err_run(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
