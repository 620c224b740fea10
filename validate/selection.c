#include "validate/selection.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/settings.h"

enum { FILE_LIMIT = 64 << 20 };

/* Marks the images of "7" or "7-9". */
static bool mark_range(const char *text, int64_t count, uint8_t *chosen, struct err *err)
{
    const char *dash = strchr(text, '-');
    char *first_text = mem_format("%.*s", (int)strcspn(text, "-"), text);
    long long first, last;
    bool ok = parse_int(first_text, 0, INT64_MAX, &first) &&
              (dash ? parse_int(dash + 1, first, INT64_MAX, &last) : (last = first, true));

    free(first_text);
    if (!ok)
        return err_usage(err, "--images: `%s` is neither a number nor a range; write N, or a list such as 0,5,7-9",
                         text);
    if (last >= count)
        return err_usage(err, "--images: there is no image %lld; the split has images 0 to %lld", last,
                         (long long)count - 1);
    for (int64_t i = first; i <= last; i++)
        if (chosen[i]++)
            return err_usage(err, "--images: image %lld is named twice; name it once", (long long)i);
    return true;
}

static bool mark_list(const char *text, int64_t count, uint8_t *chosen, struct err *err)
{
    static const char parts[] = ", \t\r\n";
    char *copy = mem_string(text), *rest = copy;
    bool ok = true;

    for (char *word; ok && (word = strsep(&rest, parts));)
        ok = !*word || mark_range(word, count, chosen, err);
    free(copy);
    return ok;
}

static bool mark_file(const char *path, int64_t count, uint8_t *chosen, struct err *err)
{
    char *text;
    size_t n;

    if (!file_read(path, FILE_LIMIT, &text, &n, err))
        return false;
    bool ok = strlen(text) == n ? mark_list(text, count, chosen, err)
                                : err_usage(err, "%s: is no text; write image numbers, one per line", path);
    free(text);
    return ok;
}

static bool mark_first(const char *text, int64_t count, uint8_t *chosen, struct err *err)
{
    long long n;

    if (!parse_int(text, 1, count, &n))
        return err_usage(err, "--images %s: not accepted; must be from 1 to %lld, the images of the split", text,
                         (long long)count);
    memset(chosen, 1, (size_t)n);
    return true;
}

uint32_t *selection_order(int64_t count, uint64_t seed)
{
    uint32_t *order = mem_alloc((size_t)count, sizeof *order);
    struct rng r = rng_stream(seed, RNG_SAMPLE, 0, 0);

    rng_permutation(&r, (uint32_t)count, order);
    return order;
}

static bool mark_sample(const char *text, int64_t count, uint64_t seed, uint8_t *chosen, struct err *err)
{
    long long n;

    if (!parse_int(text, 1, count, &n))
        return err_usage(err, "--images sample:%s: not accepted; must be from 1 to %lld, the images of the split", text,
                         (long long)count);
    uint32_t *order = selection_order(count, seed);
    for (long long i = 0; i < n; i++)
        chosen[order[i]] = 1;
    free(order);
    return true;
}

static bool mark(const char *text, int64_t count, uint64_t seed, uint8_t *chosen, struct err *err)
{
    static const char sample[] = "sample:";

    if (!text)
        memset(chosen, 1, (size_t)count);
    else if (strncmp(text, sample, sizeof sample - 1) == 0)
        return mark_sample(text + sizeof sample - 1, count, seed, chosen, err);
    else if (*text == '@')
        return mark_file(text + 1, count, chosen, err);
    else if (text[strspn(text, "0123456789")] == '\0')
        return mark_first(text, count, chosen, err);
    else
        return mark_list(text, count, chosen, err);
    return true;
}

bool selection_parse(const char *text, int64_t count, uint64_t seed, int64_t **image, int64_t *n, struct err *err)
{
    if (count == 0)
        return err_usage(err, "--split: the data set has no images there; choose the other split");
    uint8_t *chosen = mem_alloc((size_t)count, 1);
    bool ok = mark(text, count, seed, chosen, err);
    int64_t *list = mem_alloc((size_t)count, sizeof *list);

    *n = 0;
    for (int64_t i = 0; ok && i < count; i++)
        if (chosen[i])
            list[(*n)++] = i;
    free(chosen);
    if (ok && *n > 0) {
        *image = list;
        return true;
    }
    free(list);
    return ok ? err_usage(err, "--images: the list is empty; name images such as 0,5,7-9") : false;
}
