#include "validate/dataset/suspects.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "datasets/image_list.h"

/* --- of the report ------------------------------------------------------------------------------------------------ */

/* The place of its check in the report; those of a check that is not there come last. */
static int place_of(const struct report *r, const char *kind)
{
    int i = 0;

    while (i < r->n_checks && !(r->check[i].kind && strcmp(r->check[i].kind, kind) == 0))
        i++;
    return i;
}

struct placed {
    const struct suspect *suspect;
    int place, found; /* found: in which order the checks named it */
};

static int by_check(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    const struct suspect *s = x->suspect, *t = y->suspect;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    int kind = strcmp(s->check, t->check);
    if (kind != 0)
        return kind;
    if (s->split != t->split)
        return s->split < t->split ? -1 : 1;
    if (s->image != t->image)
        return s->image < t->image ? -1 : 1;
    return x->found < y->found ? -1 : 1;
}

static char *path_of(const struct dataset *data, enum split split, int64_t image)
{
    char *path = data->file ? data->file(data, split, image) : NULL;

    return path ? path : data->where(data, split, image);
}

static struct report_suspect describe(const struct dataset *data, const struct suspect *s)
{
    int label = data->label(data, s->split, s->image);

    return (struct report_suspect){ .check = s->check,
                                    .split = s->split == SPLIT_TRAIN ? "train" : "test",
                                    .image = s->image,
                                    .path = path_of(data, s->split, s->image),
                                    .label = mem_string(data->class_names[label]),
                                    .why = mem_string(s->why) };
}

/* Named twice by checks of one kind, such as rings of two widths. */
static bool is_same(const struct suspect *a, const struct suspect *b)
{
    return a->split == b->split && a->image == b->image && strcmp(a->check, b->check) == 0;
}

static void add_reason(struct report_suspect *s, const char *why)
{
    char *longer = mem_format("%s; %s", s->why, why);

    free(s->why);
    s->why = longer;
}

void suspects_fill(const struct survey *s, struct report *out)
{
    const struct suspect *suspect;
    int n = survey_suspects(s, &suspect);
    struct placed *order = mem_alloc((size_t)n, sizeof *order);

    for (int i = 0; i < n; i++)
        order[i] = (struct placed){ &suspect[i], place_of(out, suspect[i].check), i };
    qsort(order, (size_t)n, sizeof *order, by_check);
    out->suspect = mem_alloc((size_t)n, sizeof *out->suspect);
    for (int i = 0; i < n; i++)
        if (i > 0 && is_same(order[i].suspect, order[i - 1].suspect))
            add_reason(&out->suspect[out->n_suspects - 1], order[i].suspect->why);
        else
            out->suspect[out->n_suspects++] = describe(s->data, order[i].suspect);
    free(order);
}

/* --- as a list file ----------------------------------------------------------------------------------------------- */

/* Whether a line of a list gives this path back. */
static bool fits_a_line(const char *path)
{
    size_t n = strlen(path);

    return n > 0 && !strchr(path, '\n') && !strchr(" \t", path[0]) && !strchr(" \t", path[n - 1]);
}

static char *absolute(const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? file_join(here, path) : mem_string(path);

    free(here);
    return whole;
}

static int by_picture(const void *a, const void *b, void *report)
{
    const struct report_suspect *list = report, *s = &list[*(const int *)a], *t = &list[*(const int *)b];
    int split = strcmp(s->split, t->split);

    if (split != 0)
        return split;
    if (s->image != t->image)
        return s->image < t->image ? -1 : 1;
    return *(const int *)a < *(const int *)b ? -1 : 1;
}

/* repeated[i]: the picture of suspect i stands before it, named by another check. */
static bool *find_repeats(const struct report *r)
{
    bool *repeated = mem_alloc((size_t)r->n_suspects, sizeof *repeated);
    int *order = mem_alloc((size_t)r->n_suspects, sizeof *order);

    for (int i = 0; i < r->n_suspects; i++)
        order[i] = i;
    qsort_r(order, (size_t)r->n_suspects, sizeof *order, by_picture, r->suspect);
    for (int i = 1; i < r->n_suspects; i++) {
        const struct report_suspect *s = &r->suspect[order[i - 1]], *t = &r->suspect[order[i]];
        repeated[order[i]] = s->image == t->image && strcmp(s->split, t->split) == 0;
    }
    free(order);
    return repeated;
}

static bool write_line(FILE *out, const struct dataset *data, char *const *label, const struct report_suspect *s)
{
    enum split split = strcmp(s->split, "train") == 0 ? SPLIT_TRAIN : SPLIT_TEST;
    char *file = data->file ? data->file(data, split, s->image) : NULL;
    char *path = file ? absolute(file) : mem_string(s->path);
    bool fits = fits_a_line(path);

    if (fits)
        fprintf(out, "%s\t%s\n", path, label[data->label(data, split, s->image)]);
    free(path);
    free(file);
    return fits;
}

bool suspects_export(const struct report *r, const struct dataset *data, const char *path, int *written, int *left_out,
                     struct err *err)
{
    struct file_writer w;

    *written = *left_out = 0;
    if (!file_begin(&w, path, err))
        return false;
    bool *repeated = find_repeats(r);
    char **label = image_list_labels((const char *const *)data->class_names, data->classes);
    for (int i = 0; i < r->n_suspects; i++)
        if (!repeated[i])
            ++*(write_line(w.stream, data, label, &r->suspect[i]) ? written : left_out);
    for (int k = 0; k < data->classes; k++)
        free(label[k]);
    free(label);
    free(repeated);
    return file_commit(&w, err);
}
