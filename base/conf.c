#include "base/conf.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool check_integer(const char *path, int line, const char *digits, size_t n, struct err *err)
{
    bool hex = n > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    for (size_t i = hex ? 2 : 0; i < n; i++)
        if (!(hex ? isxdigit((unsigned char)digits[i]) : isdigit((unsigned char)digits[i])))
            return true; /* a real, or marked L */
    if (strtoull(digits, NULL, hex ? 16 : 10) <= INT32_MAX)
        return true;
    return err_usage(err, "%s:%d: the integer %.*s needs more than 32 bits; write %.*sL", path, line,
                     n > 40 ? 40 : (int)n, digits, n > 40 ? 40 : (int)n, digits);
}

static const char *skip_string(const char *s, int *line)
{
    for (s++; *s && *s != '"'; s++) {
        *line += *s == '\n';
        if (*s == '\\' && s[1])
            s++;
    }
    return *s ? s + 1 : s;
}

static const char *skip_comment(const char *s, int *line)
{
    if (*s == '#' || s[1] == '/')
        return s + strcspn(s, "\n");
    for (s += 2; *s && !(s[0] == '*' && s[1] == '/'); s++)
        *line += *s == '\n';
    return *s ? s + 2 : s;
}

bool conf_check_text(const char *path, const char *text, size_t n, struct err *err)
{
    if (strlen(text) != n)
        return err_usage(err, "%s: holds a zero byte; it must be a text file", path);
    int line = 1;
    for (const char *s = text; *s;) {
        if (*s == '"') {
            s = skip_string(s, &line);
        } else if (*s == '#' || (*s == '/' && (s[1] == '/' || s[1] == '*'))) {
            s = skip_comment(s, &line);
        } else if (*s == '@') {
            return err_usage(err, "%s:%d: @ is not allowed here; this is one file, without @include", path, line);
        } else if (isalnum((unsigned char)*s) || *s == '_') {
            size_t length = 1;
            while (isalnum((unsigned char)s[length]) || (s[length] && strchr("_.*-", s[length])))
                length++;
            if (isdigit((unsigned char)*s) && !check_integer(path, line, s, length, err))
                return false;
            s += length;
        } else {
            line += *s++ == '\n';
        }
    }
    return true;
}
