/* Progress on stderr: a bar on a terminal, a plain line every few seconds otherwise, nothing when quiet.
 * NO_COLOR (set and not empty) and TERM=dumb are respected. Times come from a monotonic clock. */
#ifndef MARGINALIA_BASE_PROGRESS_H
#define MARGINALIA_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress;

enum progress_style { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_LINES, PROGRESS_QUIET };

struct progress *progress_new(enum progress_style style, const char *unit); /* unit: "images" */
void progress_free(struct progress *p);

/* done of total units of the present stage ("epoch 3/30"); note: what else to show ("loss 0.412 accuracy 85.3 %").
 * Draws at most ten times a second (bar) or once in five seconds (lines); the rate and ETA are computed here. ETA
 * covers all_done of all_total (e.g. the whole training). A unit that takes long may be done in part. */
void progress_update(struct progress *p, const char *stage, double done, double total, double all_done,
                     double all_total, const char *note);
/* Removes the bar from the terminal and prints one permanent line to stderr (not when quiet). */
void progress_line(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void progress_clear(struct progress *p);

double clock_seconds(void); /* monotonic */

#endif
