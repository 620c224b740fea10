#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/version.h"
#include "datasets/image_list.h"
#include "validate/fix_parts.h"
#include "validate/provenance_parts.h"

static const char *const split_names[2] = { "train", "test" };

/* --- folders ------------------------------------------------------------------------------------------------------ */

static int compare_folders(const void *a, const void *b, void *folders)
{
    char *const *folder = folders;
    int i = *(const int *)a, k = *(const int *)b, order = strcasecmp(folder[i], folder[k]);

    return order != 0 ? order : (i > k) - (i < k);
}

/* Of names that are equal in any case of letters all get their class's number; no plain name is like "NAME-12" then,
 * because all names that end in a number get one, too. */
char **fix_folders(const struct dataset *data)
{
    int n = data->classes;
    char **folder = mem_alloc((size_t)n, sizeof *folder);
    int *order = mem_alloc((size_t)n, sizeof *order);
    bool *numbered = mem_alloc((size_t)n, sizeof *numbered);

    for (int k = 0; k < n; k++) {
        folder[k] = file_plain_name(data->class_names[k]);
        order[k] = k;
    }
    qsort_r(order, (size_t)n, sizeof *order, compare_folders, folder);
    for (int i = 1; i < n; i++)
        if (strcasecmp(folder[order[i]], folder[order[i - 1]]) == 0)
            numbered[order[i]] = numbered[order[i - 1]] = true;
    for (int k = 0; k < n; k++) {
        const char *dash = strrchr(folder[k], '-');
        if (!numbered[k] && !(dash && dash[1] && dash[1 + strspn(dash + 1, "0123456789")] == '\0'))
            continue;
        char *longer = mem_format("%s-%d", folder[k], k);
        free(folder[k]);
        folder[k] = longer;
    }
    free(numbered);
    free(order);
    return folder;
}

char *fix_path(const struct fix_work *w, enum split split, int64_t image)
{
    const struct dataset *d = w->fix->data;

    return mem_format("%s/%s/%06lld.png", split_names[split], w->folder[d->label(d, split, image)], (long long)image);
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static bool has_pictures(const struct fix_work *w, enum split split)
{
    for (int64_t i = 0; i < w->fix->data->count[split]; i++)
        if (w->picture[split][i].written)
            return true;
    return false;
}

static bool write_list(const struct fix_work *w, enum split split, char *const *label, struct err *err)
{
    const struct dataset *d = w->fix->data;
    char *path = mem_format("%s/%s.list", w->directory, split_names[split]);
    struct file_writer out;
    bool ok = file_begin(&out, path, err);

    free(path);
    for (int64_t i = 0; ok && i < d->count[split]; i++) {
        char *picture = w->picture[split][i].written ? fix_path(w, split, i) : NULL;
        if (picture)
            fprintf(out.stream, "%s\t%s\n", picture, label[d->label(d, split, i)]);
        free(picture);
    }
    return ok && file_commit(&out, err);
}

bool fix_write_lists(const struct fix_work *w, struct err *err)
{
    const struct dataset *d = w->fix->data;
    char **label = image_list_labels((const char *const *)d->class_names, d->classes);
    bool ok = true;

    for (int split = 0; ok && split < 2; split++)
        ok = !has_pictures(w, (enum split)split) || write_list(w, (enum split)split, label, err);
    for (int k = 0; k < d->classes; k++)
        free(label[k]);
    free(label);
    return ok;
}

/* --- descriptor --------------------------------------------------------------------------------------------------- */

/* As libconfig reads it back. */
static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(out, "\\x%02x", *at);
        else
            fputc(*at, out);
    fputc('"', out);
}

/* Mean and standard deviation of channel c over the training pictures, which count alike; those of the original when
 * there are none. */
static void colour_of(const struct fix_work *w, int c, double *mean, double *deviation)
{
    const struct dataset *d = w->fix->data;
    double sum = 0, square = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < d->count[SPLIT_TRAIN]; i++) {
        const struct fix_picture *p = &w->picture[SPLIT_TRAIN][i];
        if (!p->written)
            continue;
        sum += (double)p->mean[c];
        square += (double)p->square[c];
        n++;
    }
    double variance = n ? square / (double)n - (sum / (double)n) * (sum / (double)n) : 0;
    *mean = n ? sum / (double)n : (double)d->mean[c];
    *deviation = n ? fmax(sqrt(fmax(variance, 0)), 1e-3) : (double)d->std[c]; /* 0.001: the least that is accepted */
}

static void write_colours(FILE *out, const struct fix_work *w)
{
    static const char *const key[2] = { "mean", "std" };

    for (int k = 0; k < 2; k++) {
        fprintf(out, "%s = [", key[k]);
        for (int c = 0; c < w->fix->data->c; c++) {
            double value[2];
            colour_of(w, c, &value[0], &value[1]);
            fprintf(out, "%s%.4f", c ? ", " : "", value[k]);
        }
        fputs("];\n", out);
    }
}

static void write_descriptor(FILE *out, const struct fix_work *w, const char *directory)
{
    const struct fix *f = w->fix;
    const struct dataset *d = f->data;
    int cut = f->kind == FIX_CROP_BORDER ? 2 * f->width : 0;
    char *name = mem_format("%s-%s-%d", d->name, fix_kind_name(f->kind), f->width);

    fputs("# A cleaned copy; manifest.json says of what, and what was done.\nformat = \"list\";\nname = ", out);
    write_text(out, name);
    fputs(";\ndirectory = ", out);
    write_text(out, directory);
    fprintf(out, ";\nshape = [%d, %d, %d];\nclasses = %d;\nclass_names = [", d->c, d->h - cut, d->w - cut, d->classes);
    for (int k = 0; k < d->classes; k++) {
        fputs(k ? ", " : "", out);
        write_text(out, d->class_names[k]);
    }
    fputs("];\n\n# computed over the training images of the copy, pixels in [0,1]\n", out);
    write_colours(out, w);
    free(name);
}

bool fix_write_descriptor(const struct fix_work *w, struct err *err)
{
    char *path = file_join(w->directory, "dataset.conf"), *here = realpath(w->directory, NULL);
    struct file_writer out;
    bool ok = here != NULL && file_begin(&out, path, err);

    if (ok) {
        here[strlen(here) - strlen(FIX_PARTIAL)] = '\0'; /* where it will be */
        write_descriptor(out.stream, w, here);
        ok = file_commit(&out, err);
    }
    free(here);
    free(path);
    return ok;
}

/* --- manifest ----------------------------------------------------------------------------------------------------- */

static json_t *left_out_json(const struct fix_work *w)
{
    const struct dataset *d = w->fix->data;
    json_t *list = json_array();

    for (int split = 0; split < 2; split++)
        for (int64_t i = 0; i < d->count[split]; i++) {
            const char *why = w->picture[split][i].why;
            if (!why)
                continue;
            char *where = d->where(d, (enum split)split, i);
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:o, s:o}", "split", split_names[split], "image", (json_int_t)i,
                                            "where", provenance_text_json(where), "why", provenance_text_json(why)));
            free(where);
        }
    return list;
}

static int64_t count_written(const struct fix_work *w, enum split split)
{
    int64_t n = 0;

    for (int64_t i = 0; i < w->fix->data->count[split]; i++)
        n += w->picture[split][i].written;
    return n;
}

bool fix_write_manifest(const struct fix_work *w, const struct fix_result *result, struct err *err)
{
    const struct fix *f = w->fix;
    char hash[SHA256_HEX], *path = file_join(w->directory, "manifest.json");
    bool ok = f->data->hash(f->data, hash, err);

    if (ok) {
        json_t *root = json_pack(
            "{s:s, s:i, s:{s:o, s:o, s:s}, s:{s:s, s:i}, s:I, s:{s:I, s:I, s:I}, s:o, s:o, s:s, s:s}", "schema",
            FIX_SCHEMA, "version", 1, "source", "descriptor", provenance_text_json(f->source), "name",
            provenance_text_json(f->data->name), "sha256", hash, "fix", "kind", fix_kind_name(f->kind), "width",
            f->width, "seed", (json_int_t)f->seed, "pictures", "train", (json_int_t)count_written(w, SPLIT_TRAIN),
            "test", (json_int_t)count_written(w, SPLIT_TEST), "left_out", (json_int_t)result->left_out, "left_out",
            left_out_json(w), "command", provenance_words_json(f->argc, f->argv), "program", version_string(),
            "git_revision", version_revision());
        ok = json_save(root, path, err);
        json_decref(root);
    }
    free(path);
    return ok;
}
