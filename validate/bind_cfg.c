#include "validate/bind_cfg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/settings.h"

enum { CFG_LIMIT = 1 << 20, PATH_LONGEST = 4000, SIDE_LARGEST = 1 << 15 };

static const char blanks[] = " \t\r\v\f";

static bool survives(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)path[i] < ' ' || path[i] == 0x7f || (path[i] == ' ' && (i == 0 || i + 1 == n)) ||
            (strchr("#;", path[i]) && (i == 0 || path[i - 1] == ' ')))
            return false;
    return n > 0 && n <= PATH_LONGEST;
}

bool bind_cfg_holds(const char *path, struct err *err)
{
    return survives(path) ||
           err_usage(err,
                     "%s: this path cannot stand in a cfg (a control character, a blank at an end, or "
                     "a blank before # or ;); give the data set another one",
                     path);
}

/* Whether line[n] is "key = value"; *value begins behind the = and its blanks. */
static bool is_key(const char *line, size_t n, const char *key, const char **value)
{
    size_t begin = strspn(line, blanks), length = strlen(key);

    if (strncmp(line + begin, key, length) != 0)
        return false;
    size_t at = begin + length;
    at += strspn(line + at, blanks);
    if (at >= n || line[at] != '=')
        return false;
    *value = line + at + 1 + strspn(line + at + 1, blanks);
    return true;
}

static void read_side(const char *line, size_t n, const char *key, int *out)
{
    const char *value;
    long long number;
    char text[16];

    if (!is_key(line, n, key, &value))
        return;
    snprintf(text, sizeof text, "%.*s", (int)strspn(value, "0123456789"), value);
    if (parse_int(text, 1, SIDE_LARGEST, &number))
        *out = (int)number;
}

static bool is_replaced(const char *line, size_t n)
{
    static const char *const keys[] = { "dataset", "view",           "baseline",       "mask_order",
                                        "teacher", "teacher_sha256", "distill_weight", "distill_temperature" };
    const char *ignored;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (is_key(line, n, keys[i], &ignored))
            return true;
    return false;
}

/* With blanks around the name, which train cuts off. */
static bool is_ensemble(const char *line)
{
    static const char name[] = "ensemble";

    line += strspn(line, blanks);
    if (*line != '[')
        return false;
    line += 1 + strspn(line + 1, blanks);
    if (strncmp(line, name, sizeof name - 1) != 0)
        return false;
    line += sizeof name - 1;
    return line[strspn(line, blanks)] == ']';
}

/* Up to [ensemble], the last section: one network. */
static void copy(const char *text, const char *descriptor, FILE *out, int *h, int *w)
{
    int section = 0;

    for (const char *line = text; *line && !is_ensemble(line);) {
        size_t n = strcspn(line, "\n");
        bool head = line[strspn(line, blanks)] == '[';
        section += head;
        if (section == 1) {
            read_side(line, n, "height", h);
            read_side(line, n, "width", w);
        }
        if (section != 1 || !is_replaced(line, n))
            fprintf(out, "%.*s\n", (int)n, line);
        if (head && section == 1)
            fprintf(out, "dataset=%s\n", descriptor);
        line += n + (line[n] == '\n');
    }
}

bool bind_cfg(const char *cfg, const char *descriptor, const char *out, int *h, int *w, struct err *err)
{
    struct file_writer writer;
    char *text;
    size_t n;

    *h = *w = 0;
    if (!bind_cfg_holds(descriptor, err) || !file_read(cfg, CFG_LIMIT, &text, &n, err))
        return false;
    bool ok = (strlen(text) == n || err_usage(err, "%s: contains a NUL byte; a cfg is a text file", cfg)) &&
              file_begin(&writer, out, err);
    if (ok) {
        copy(text, descriptor, writer.stream, h, w);
        ok = file_commit(&writer, err);
    }
    free(text);
    return ok &&
           ((*h > 0 && *w > 0) || err_usage(err, "%s: its [net] has no height and width in pixels; add them", cfg));
}
