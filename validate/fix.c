#include "validate/fix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/rng.h"
#include "base/settings.h"
#include "validate/dataset/survey.h"
#include "validate/fix_parts.h"
#include "validate/fix_picture.h"
#include "validate/report/picture.h"

enum { WIDEST = 4096, USUAL_RING = 4, MOST_DRAWS = 1000 };

static const char *const names[] = { [FIX_CROP_BORDER] = "crop-border", [FIX_RANDOMIZE_BORDER] = "randomize-border" };

const char *fix_kind_name(enum fix_kind kind)
{
    return names[kind];
}

bool fix_parse(const char *text, struct fix *out, struct err *err)
{
    size_t n = strcspn(text, ":");
    long long width = USUAL_RING;

    for (int k = 0; k < 2; k++) {
        if (strlen(names[k]) != n || strncmp(text, names[k], n) != 0)
            continue;
        out->kind = (enum fix_kind)k;
        bool ok = text[n] ? parse_int(text + n + 1, 1, WIDEST, &width) : out->kind == FIX_RANDOMIZE_BORDER;
        out->width = (int)width;
        return ok || err_usage(err, "--fix %s: needs a width in pixels, 1..%d, such as %s:2", text, WIDEST, names[k]);
    }
    return err_usage(err, "--fix %s: not accepted; must be crop-border:W, randomize-border or randomize-border:W",
                     text);
}

/* --- one picture -------------------------------------------------------------------------------------------------- */

/* RGB or grey bytes, plane by plane, as a file of pixels side by side. free() it. */
static uint8_t *to_png(const struct image8 *p, size_t *n)
{
    size_t pixels = (size_t)p->h * (size_t)p->w;
    uint8_t *side = mem_alloc(pixels, (size_t)p->c);

    for (int c = 0; c < p->c; c++)
        for (size_t i = 0; i < pixels; i++)
            side[i * (size_t)p->c + (size_t)c] = p->pixels[(size_t)c * pixels + i];
    uint8_t *file = picture_png(side, p->w, p->h, p->c, n);
    free(side);
    return file;
}

/* Without the fsync of base/file.h: the directory is not the copy yet, and is brought to the disk as a whole before it
 * becomes one. */
static bool write_new(const char *path, const uint8_t *bytes, size_t n, struct err *err)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    ssize_t put = 1;

    while (file >= 0 && n > 0 && (put = write(file, bytes, n)) > 0) {
        bytes += put;
        n -= (size_t)put;
    }
    bool ok = file >= 0 && put > 0;
    int cause = errno;
    if (file >= 0 && close(file) != 0 && ok) {
        ok = false;
        cause = errno;
    }
    return ok || err_run(err, "%s: cannot be written (%s); free some space, or choose another directory with --out",
                         path, strerror(cause));
}

/* Of pixel i in channel c, as a data set of so many channels shows it. */
static uint32_t value_at(const struct image8 *p, size_t i, int c, int channels)
{
    size_t plane = (size_t)p->h * (size_t)p->w;

    if (p->c == 3 && channels == 1)
        return (299u * p->pixels[i] + 587u * p->pixels[plane + i] + 114u * p->pixels[2 * plane + i] + 500) / 1000;
    return p->pixels[p->c == 1 ? i : (size_t)c * plane + i];
}

static void measure(const struct image8 *p, int channels, struct fix_picture *out)
{
    size_t pixels = (size_t)p->h * (size_t)p->w;

    for (int c = 0; c < channels; c++) {
        uint64_t sum = 0, square = 0;
        for (size_t i = 0; i < pixels; i++) {
            uint64_t v = value_at(p, i, c, channels);
            sum += v;
            square += v * v;
        }
        out->mean[c] = (float)((double)sum / (double)pixels / 255);
        out->square[c] = (float)((double)square / (double)pixels / (255. * 255));
    }
}

static int ring_of(const struct fix *f, const struct image8 *p)
{
    return fix_ring_width(p, f->data->h, f->data->w, f->width);
}

/* Draws pictures of the split until one has a ring to give. */
static bool exchange(const struct fix *f, enum split split, int64_t i, struct image8 *picture, struct err *err)
{
    const struct dataset *d = f->data;
    struct rng r = rng_stream(f->seed, RNG_FIX | (uint32_t)split << 8, 0, (uint32_t)i);

    for (int k = 0; k < MOST_DRAWS; k++) {
        struct image8 donor;
        struct err ignored;
        if (!d->read(d, split, rng_below(&r, (uint32_t)d->count[split]), &donor, &ignored))
            continue;
        bool gives = fix_ring_fits(&donor, ring_of(f, &donor));
        if (gives)
            fix_exchange_ring(picture, ring_of(f, picture), &donor, ring_of(f, &donor));
        free(donor.pixels);
        if (gives)
            return true;
    }
    return err_run(err, "%s: of %d pictures that were drawn none has a border to give; repair the data set first",
                   d->name, MOST_DRAWS);
}

static bool store(const struct fix_work *w, enum split split, int64_t i, const struct image8 *picture, struct err *err)
{
    size_t n;
    uint8_t *png = to_png(picture, &n);
    char *inside = fix_path(w, split, i), *path = file_join(w->directory, inside);
    bool ok = write_new(path, png, n, err);

    free(path);
    free(inside);
    free(png);
    return ok;
}

struct pass {
    struct fix_work *work;
    enum split split;
};

/* A picture that cannot be read or is too small is left out, which is no failure. */
static bool fix_one(void *self, int worker, int64_t i, struct err *err)
{
    struct pass *pass = self;
    const struct fix *f = pass->work->fix;
    struct fix_picture *out = &pass->work->picture[pass->split][i];
    struct image8 picture;
    struct err why;

    (void)worker;
    if (!f->data->read(f->data, pass->split, i, &picture, &why)) {
        out->why = mem_string(why.text);
        return true;
    }
    int ring = ring_of(f, &picture);
    if (!fix_ring_fits(&picture, ring)) {
        out->why = mem_format("%d x %d pixels: nothing is left within a border of %d", picture.w, picture.h, ring);
        free(picture.pixels);
        return true;
    }
    bool ok = f->kind == FIX_CROP_BORDER || exchange(f, pass->split, i, &picture, err);
    if (ok && f->kind == FIX_CROP_BORDER)
        fix_crop(&picture, ring);
    if (ok)
        measure(&picture, f->data->c, out);
    ok = ok && store(pass->work, pass->split, i, &picture, err);
    out->written = ok;
    free(picture.pixels);
    return ok;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static bool make_folders(const struct fix_work *w, enum split split, struct err *err)
{
    const struct dataset *d = w->fix->data;
    bool *used = mem_alloc((size_t)d->classes, sizeof *used), ok = true;

    for (int64_t i = 0; i < d->count[split]; i++)
        used[d->label(d, split, i)] = true;
    for (int k = 0; ok && k < d->classes; k++) {
        char *path = mem_format("%s/%s/%s", w->directory, split == SPLIT_TRAIN ? "train" : "test", w->folder[k]);
        ok = !used[k] || file_make_directories(path, err);
        free(path);
    }
    free(used);
    return ok;
}

static bool copy_split(struct fix_work *w, enum split split, struct err *err)
{
    const struct fix *f = w->fix;
    const struct survey team = { .team = f->team, .progress = f->progress, .stop = f->stop };
    struct pass pass = { w, split };

    w->picture[split] = mem_alloc((size_t)f->data->count[split], sizeof *w->picture[split]);
    return make_folders(w, split, err) && survey_each(&team, split == SPLIT_TRAIN ? "copying train" : "copying test",
                                                      f->data->count[split], fix_one, &pass, err);
}

static bool count(const struct fix_work *w, struct fix_result *out, struct err *err)
{
    *out = (struct fix_result){ 0 };
    for (int split = 0; split < 2; split++)
        for (int64_t i = 0; i < w->fix->data->count[split]; i++)
            ++*(w->picture[split][i].written ? &out->written : &out->left_out);
    return out->written > 0 ||
           err_run(err,
                   "%s: not one picture can be copied, so there is no copy; look at the first with validate dataset",
                   w->fix->source);
}

/* The copy must open as it was written. */
static bool open_again(const struct fix_work *w, const struct fix_result *result, struct err *err)
{
    char *path = file_join(w->directory, "dataset.conf");
    struct dataset *copy = NULL;
    bool ok = dataset_open(path, w->directory, &copy, err);

    if (ok && copy->count[SPLIT_TRAIN] + copy->count[SPLIT_TEST] != result->written)
        ok = err_run(err, "%s: the copy has lost pictures; report this as a fault of the program", path);
    dataset_close(copy);
    free(path);
    return ok;
}

static bool check_width(const struct fix *f, struct err *err)
{
    int side = f->data->h < f->data->w ? f->data->h : f->data->w;

    return 2 * f->width < side || err_usage(err, "--fix %s:%d: nothing is left of pictures of %d x %d; take at most %d",
                                            names[f->kind], f->width, f->data->w, f->data->h, (side - 1) / 2);
}

static void free_work(struct fix_work *w)
{
    const struct dataset *d = w->fix->data;

    for (int split = 0; split < 2; split++) {
        for (int64_t i = 0; w->picture[split] && i < d->count[split]; i++)
            free(w->picture[split][i].why);
        free(w->picture[split]);
    }
    for (int k = 0; w->folder && k < d->classes; k++)
        free(w->folder[k]);
    free(w->folder);
}

bool fix_run(const struct fix *f, struct fix_result *out, struct err *err)
{
    struct fix_work w = { .fix = f, .lock = -1 };

    if (!check_width(f, err) || !fix_open_directory(&w, err))
        return false;
    w.folder = fix_folders(f->data);
    bool ok = copy_split(&w, SPLIT_TRAIN, err) && copy_split(&w, SPLIT_TEST, err) && count(&w, out, err) &&
              fix_write_lists(&w, err) && fix_write_descriptor(&w, err) && fix_write_manifest(&w, out, err) &&
              open_again(&w, out, err) && fix_commit_directory(&w, err);
    if (!ok)
        fix_abandon_directory(&w);
    free_work(&w);
    return ok;
}
