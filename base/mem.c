#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

enum { CACHE_LINE = 64, SMALL_PAGE = 4096, HUGE_PAGE = 2 << 20 };

/* A sanitizer watches the bounds of the heap, not of mappings, so there the big buffers come from the heap. */
#if defined(__SANITIZE_ADDRESS__)
static const bool use_mappings = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
static const bool use_mappings = false;
#else
static const bool use_mappings = true;
#endif
#else
static const bool use_mappings = true;
#endif

static _Noreturn void out_of_memory(size_t n, size_t size)
{
    fprintf(stderr, "%s: out of memory: %zu x %zu bytes; free some memory, or use a smaller batch or fewer threads\n",
            program_invocation_short_name, n, size);
    _exit(EXIT_CANNOT_RUN);
}

static size_t product(size_t n, size_t size)
{
    size_t bytes;
    /* PTRDIFF_MAX: no object may be larger, and rounding up to a page cannot overflow then. */
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - 2 * (size_t)HUGE_PAGE)
        out_of_memory(n, size);
    return bytes;
}

void *mem_alloc(size_t n, size_t size)
{
    size_t bytes = product(n, size);
    void *p = calloc(bytes ? bytes : 1, 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

void *mem_resize(void *p, size_t n, size_t size)
{
    size_t bytes = product(n, size);
    p = realloc(p, bytes ? bytes : 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

char *mem_string(const char *s)
{
    size_t bytes = strlen(s) + 1;
    return memcpy(mem_alloc(bytes, 1), s, bytes);
}

char *mem_format(const char *fmt, ...)
{
    char *s;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&s, fmt, args);
    va_end(args);
    if (n < 0)
        out_of_memory(1, 1);
    return s;
}

static bool is_mapped(size_t bytes)
{
    return use_mappings && bytes > HUGE_PAGE;
}

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Maps a huge page too much and gives back what lies before and after the aligned part. */
static void *map_aligned(size_t bytes)
{
    size_t length = round_up(bytes, SMALL_PAGE);
    char *start = mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = round_up((uintptr_t)start, HUGE_PAGE) - (uintptr_t)start;
    if (before)
        munmap(start, before);
    if (before < HUGE_PAGE)
        munmap(start + before + length, HUGE_PAGE - before);
    madvise(start + before, length, MADV_HUGEPAGE); /* advice only: without huge pages it is merely slower */
    return start + before;
}

void *mem_big(size_t n, size_t size)
{
    size_t bytes = product(n, size);
    void *p;
    if (is_mapped(bytes)) {
        p = map_aligned(bytes);
    } else {
        size_t alignment = bytes > HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
        p = aligned_alloc(alignment, round_up(bytes ? bytes : 1, alignment));
        if (p)
            memset(p, 0, bytes);
    }
    if (!p)
        out_of_memory(n, size);
    return p;
}

void mem_big_free(void *p, size_t n, size_t size)
{
    size_t bytes = n * size; /* mem_big has checked this product */
    if (p && is_mapped(bytes))
        munmap(p, round_up(bytes, SMALL_PAGE));
    else
        free(p);
}
