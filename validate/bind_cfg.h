/* A copy of somebody's cfg that trains a new model on one data set: the lines of [net] that name a data set or a view
 * of it are replaced, a teacher is left out, who knows whole pictures (what a new model learns it shall learn from what
 * it is shown), and of an ensemble it is a single network. What is wrong with the rest, train says. */
#ifndef MARGINALIA_VALIDATE_BIND_CFG_H
#define MARGINALIA_VALIDATE_BIND_CFG_H

#include "base/err.h"

/* Writes `out`, whose folder exists. *h, *w: the input's size in [net], which must be there. Refuses a descriptor whose
 * path cannot stand in a cfg. */
bool bind_cfg(const char *cfg, const char *descriptor, const char *out, int *h, int *w, struct err *err);

/* Whether a cfg gives this path back: it cuts blanks off a value, and takes # and ; behind a blank for a comment. */
bool bind_cfg_holds(const char *path, struct err *err);

#endif
