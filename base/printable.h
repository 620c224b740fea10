/* Names from outside, made fit to stand in a line of a report or a terminal. */
#ifndef MARGINALIA_BASE_PRINTABLE_H
#define MARGINALIA_BASE_PRINTABLE_H

/* A copy of `raw` in valid UTF-8 without control characters: their bytes, and those that are not UTF-8, are written as
 * \xNN, so that a hostile file name cannot forge a second line. free() it. */
char *printable_text(const char *raw);

#endif
