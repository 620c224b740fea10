/* The text of a view: "ring:2@5", "random:0.25", "masks:sis/masks.npz@5%". */
#include "datasets/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"

#define FORMS "border:W, ring:W@OFFSET, center:F, random:F, segment:F, masks:FILE, mask-only:FILE or shuffled:FILE"

/* One text on its way through the parser; `rest` is what stands behind the colon. */
struct reading {
    const char *text, *rest;
    struct view_spec *out;
    struct err *err;
};

static bool refuse(const struct reading *r, const char *cause)
{
    return err_usage(r->err, "view %.200s: %s", r->text, cause);
}

/* Shares nearer to 0 or 1 mean nothing to any picture, and some would be written as 0 or 1. */
static const double smallest_share = 1e-9;

/* A share in (0,1) or a percentage in (0,100), the first n bytes of `text`. */
static bool read_share(const char *text, size_t n, double *out)
{
    bool percent = n > 0 && text[n - 1] == '%';
    char *number = mem_format("%.*s", (int)(percent ? n - 1 : n), text);
    bool ok = parse_real(number, 0, percent ? 100 : 1, out);

    free(number);
    *out = percent ? *out / 100 : *out;
    return ok && *out >= smallest_share && *out <= 1 - smallest_share;
}

static bool read_pixels(const char *text, size_t n, int min, int *out)
{
    char *number = mem_format("%.*s", (int)n, text);
    long long value = 0;
    bool ok = parse_int(number, min, VIEW_MAX_SIDE, &value);

    free(number);
    *out = (int)value;
    return ok;
}

static bool read_border(const struct reading *r)
{
    r->out->kind = VIEW_RING;
    return read_pixels(r->rest, strlen(r->rest), 1, &r->out->width) ||
           refuse(r, "the width must be a whole number of pixels, 1 or more, as in border:4");
}

static bool read_ring(const struct reading *r)
{
    size_t at = strcspn(r->rest, "@");

    r->out->kind = VIEW_RING;
    return (r->rest[at] == '@' && read_pixels(r->rest, at, 1, &r->out->width) &&
            read_pixels(r->rest + at + 1, strlen(r->rest + at + 1), 0, &r->out->offset)) ||
           refuse(r, "width and offset must be whole numbers of pixels, the width 1 or more, as in ring:2@5");
}

static bool read_part(const struct reading *r, enum view_kind kind)
{
    r->out->kind = kind;
    return read_share(r->rest, strlen(r->rest), &r->out->share) ||
           refuse(r, "the share of the pixels must be between 0 and 1, as in random:0.25 or random:25%");
}

static bool read_center(const struct reading *r)
{
    return read_part(r, VIEW_CENTER);
}

static bool read_random(const struct reading *r)
{
    return read_part(r, VIEW_RANDOM);
}

static bool read_segment(const struct reading *r)
{
    return read_part(r, VIEW_SEGMENT);
}

/* "FILE", "FILE,FILE"; the first n bytes of the rest. */
static bool read_files(const struct reading *r, size_t n)
{
    struct view_spec *s = r->out;

    for (size_t from = 0; from <= n;) {
        size_t length = strcspn(r->rest + from, ",");
        length = length < n - from ? length : n - from;
        if (length == 0)
            return refuse(r, "a file name is empty; name the masks.npz of validate sis, as in masks:sis/masks.npz@5%");
        if (s->n_files == VIEW_FILES)
            return refuse(r, "more than two files; name one for each split that is read");
        s->file[s->n_files++] = mem_format("%.*s", (int)length, r->rest + from);
        from += length + 1;
    }
    return true;
}

/* A share stands behind the last '@', unless a '/' follows: then the '@' belongs to a directory. */
static bool read_masks(const struct reading *r)
{
    const char *at = strrchr(r->rest, '@');

    r->out->kind = VIEW_MASKS;
    if (at && strchr(at, '/'))
        at = NULL;
    if (at && !read_share(at + 1, strlen(at + 1), &r->out->share))
        return refuse(r, "the share behind '@' must be between 0 and 1, as in masks:sis/masks.npz@5% or @0.05");
    return read_files(r, at ? (size_t)(at - r->rest) : strlen(r->rest));
}

static bool read_places(const struct reading *r)
{
    r->out->values = VIEW_WHITE;
    return read_masks(r);
}

static bool read_shuffled(const struct reading *r)
{
    r->out->values = VIEW_SHUFFLED;
    return read_masks(r);
}

/* A view is written into resolved.cfg, and must come back as it was. */
static bool fits_in_a_cfg(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == '#' || text[i] == ';')
            return false;
    return n == 0 || text[n - 1] != ' ';
}

static const struct {
    const char *word;
    bool (*read)(const struct reading *r);
} forms[] = {
    { "border", read_border },   { "ring", read_ring },   { "center", read_center },    { "random", read_random },
    { "segment", read_segment }, { "masks", read_masks }, { "mask-only", read_places }, { "shuffled", read_shuffled },
};

bool view_spec_parse(const char *text, struct view_spec *out, struct err *err)
{
    size_t n = strcspn(text, ":");
    struct reading r = { .text = text, .rest = text + n + 1, .out = out, .err = err };

    *out = (struct view_spec){ 0 };
    if (strlen(text) > VIEW_TEXT_LONGEST)
        return refuse(&r, "is longer than 4000 bytes; shorten it");
    if (!fits_in_a_cfg(text))
        return refuse(&r, "has a character that no cfg can hold (a control character, # or ;, a blank at the end); "
                          "rename the file");
    for (size_t i = 0; text[n] == ':' && i < sizeof forms / sizeof *forms; i++)
        if (strlen(forms[i].word) == n && strncmp(text, forms[i].word, n) == 0) {
            if (forms[i].read(&r))
                return true;
            view_spec_clear(out);
            return false;
        }
    return refuse(&r, "is none of " FORMS);
}

static char *masks_text(const struct view_spec *s)
{
    char *files = s->n_files == 2 ? mem_format("%s,%s", s->file[0], s->file[1]) : mem_string(s->file[0]);
    const char *word = s->values == VIEW_WHITE      ? "mask-only"
                       : s->values == VIEW_SHUFFLED ? "shuffled"
                                                    : "masks";
    char *text = s->share > 0 ? mem_format("%s:%s@%.15g", word, files, s->share) : mem_format("%s:%s", word, files);

    free(files);
    return text;
}

char *view_spec_text(const struct view_spec *s)
{
    switch (s->kind) {
    case VIEW_RING:
        return s->offset ? mem_format("ring:%d@%d", s->width, s->offset) : mem_format("border:%d", s->width);
    case VIEW_CENTER: return mem_format("center:%.15g", s->share);
    case VIEW_RANDOM: return mem_format("random:%.15g", s->share);
    case VIEW_SEGMENT: return mem_format("segment:%.15g", s->share);
    case VIEW_MASKS: return masks_text(s);
    }
    return NULL;
}

void view_spec_clear(struct view_spec *s)
{
    for (int i = 0; i < s->n_files; i++)
        free(s->file[i]);
    *s = (struct view_spec){ 0 };
}
