/* Allocation that cannot fail quietly: out of memory ends the program here, with one line and EXIT_CANNOT_RUN.
 * Sizes are products checked for overflow. Callers check sizes that come from files against a sane limit first. */
#ifndef MARGINALIA_BASE_MEM_H
#define MARGINALIA_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n, size_t size);              /* n*size zeroed bytes, never NULL; free() it */
void *mem_resize(void *p, size_t n, size_t size);    /* like realloc, new bytes undefined */
char *mem_string(const char *s);                     /* a copy; free() it */
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* sprintf into a new string */

/* Big numeric buffers: zeroed, 2 MB-aligned when larger than that, advised to use huge pages (the system default is
 * often `madvise`, so plain malloc does not get them). Release with mem_big_free (accepts NULL). */
void *mem_big(size_t n, size_t size);
void mem_big_free(void *p, size_t n, size_t size);

#endif
