/* What libconfig 1.5 would do silently with a text is refused before it sees it: integers beyond 32 bits without an L
 * are cut, and @include reads files that the user never named. */
#ifndef MARGINALIA_BASE_CONF_H
#define MARGINALIA_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

/* text[n] ends in a NUL that is not counted. Refuses those two and a zero byte, with EXIT_USAGE and the line of
 * `path`. */
bool conf_check_text(const char *path, const char *text, size_t n, struct err *err);

#endif
