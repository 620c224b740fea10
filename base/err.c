#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies raw into text[n] with control bytes as \xNN; text that does not fit, or was `cut` before, ends in "...". */
static void escape(char *text, size_t n, const char *raw, bool cut)
{
    size_t used = 0;
    for (const char *s = raw; *s; s++) {
        unsigned char byte = (unsigned char)*s;
        bool control = byte < 0x20 || byte == 0x7f;
        if (used + (control ? 4 : 1) >= n) {
            cut = true;
            break;
        }
        if (control)
            used += (size_t)snprintf(text + used, n - used, "\\x%02x", byte);
        else
            text[used++] = *s;
    }
    text[used] = '\0';
    if (cut)
        memcpy(text + (used < n - 4 ? used : n - 4), "...", 4);
}

static bool set(struct err *err, enum exit_status status, const char *fmt, va_list args)
{
    char raw[sizeof err->text]; /* apart from err->text, which may be among the arguments */
    int n = vsnprintf(raw, sizeof raw, fmt, args);
    err->status = status;
    escape(err->text, sizeof err->text, n < 0 ? "message cannot be formatted" : raw, n >= (int)sizeof raw);
    return false;
}

bool err_usage(struct err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(err, EXIT_USAGE, fmt, args);
    va_end(args);
    return false;
}

bool err_run(struct err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(err, EXIT_CANNOT_RUN, fmt, args);
    va_end(args);
    return false;
}
