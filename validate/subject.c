#include "validate/subject_parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum { SELFTEST_PICTURES = 5 };

/* The file of this name in the folder above the one that `cfg` is in; free() it. */
static char *beside_folder(const char *cfg, const char *name)
{
    const char *slash = strrchr(cfg, '/');
    char *folder = slash ? mem_format("%.*s/..", (int)(slash - cfg), cfg) : mem_string("..");
    char *path = file_join(folder, name);

    free(folder);
    return path;
}

/* The descriptor as the cfg names it, from here; else beside the folder of the cfg, or of the one it was trained from
 * (an installed cfg/ has datasets/ beside it). free() it. */
static char *find_descriptor(const struct subject *s)
{
    const char *name = s->network.dataset, *near[] = { s->cfg, s->trained_from };

    if (*name == '/' || file_exists(name))
        return mem_string(name);
    for (int i = 0; i < 2; i++) {
        char *path = near[i] ? beside_folder(near[i], name) : NULL;
        if (path && file_exists(path))
            return path;
        free(path);
    }
    return mem_string(name);
}

static bool check_fit(const struct subject *s, struct err *err)
{
    const struct classifier *m = s->model;

    if (m->c != s->data->c)
        return err_usage(err,
                         "%s: channels=%d, but data set %s has images of %d; choose the data set that the model "
                         "was trained on",
                         s->cfg, m->c, s->data->name, s->data->c);
    if (m->classes != s->data->classes)
        return err_usage(err,
                         "%s: the model has %d classes, but data set %s has %d; choose the data set that the "
                         "model was trained on",
                         s->cfg, m->classes, s->data->name, s->data->classes);
    return true;
}

static bool open_data(struct subject *s, const struct subject_options *o, struct err *err)
{
    const struct classifier *m = s->model;

    if (!o->descriptor && !s->network.dataset)
        return err_usage(err, "%s: names no data set; add dataset=datasets/NAME.conf to [net]", s->cfg);
    s->descriptor = o->descriptor ? mem_string(o->descriptor) : find_descriptor(s);
    s->data_dir = o->data;
    if (!dataset_open(s->descriptor, o->data, &s->data, err) || !check_fit(s, err) ||
        !s->data->hash(s->data, s->data_hash, err))
        return false;
    s->geometry = (struct augment){ .c = m->c, .h = m->h, .w = m->w, .test_resize = s->network.test_resize };
    memcpy(s->geometry.pad, s->data->mean, sizeof s->geometry.pad);
    return true;
}

/* In the test geometry, so that the order of mask and augmentation does not matter. */
static bool open_view(struct subject *s, const struct subject_options *o, enum baseline baseline, struct err *err)
{
    struct view_options v = {
        .text = o->view, .data = s->data, .frame = &s->geometry, .baseline = baseline, .seed = (uint64_t)o->seed
    };

    return !o->view || view_open(&v, &s->view, err);
}

bool subject_open(const struct subject_options *o, const struct subject_opener *opener, enum baseline baseline,
                  struct subject *s, struct err *err)
{
    if (o->kernels)
        setenv("MARGINALIA_KERNELS", o->kernels, 1); /* the engine reads it, and trainings started from here */
    *s = (struct subject){ .opener = opener };
    bool ok = subject_find_files(o, s, err) && subject_open_network(s, (int)o->threads, &s->network, err);

    s->model = &s->network.classifier;
    if (ok && open_data(s, o, err) && open_view(s, o, baseline, err))
        return true;
    subject_close(s);
    return false;
}

void subject_close(struct subject *s)
{
    if (s->network.self)
        s->opener->close(&s->network);
    view_close(s->view);
    dataset_close(s->data);
    free(s->descriptor);
    subject_free_files(s);
    *s = (struct subject){ 0 };
}

bool subject_covers(const struct subject *s, enum split split, const int64_t *image, int64_t n, struct err *err)
{
    bool ok = n > 0 || err_usage(err, "data set %s has no %s images, so nothing can be measured; choose one that has",
                                 s->data->name, split == SPLIT_TEST ? "test" : "training");

    for (int64_t i = 0; s->view && ok && i < n; i++)
        ok = view_covers(s->view, split, image ? image[i] : i, err);
    return ok;
}

bool subject_read(const struct subject *s, enum split split, int64_t i, float *x, struct err *err)
{
    return picture_read(s->data, split, i, &s->geometry, s->view, NULL, x, err);
}

bool subject_selftest(const struct subject *s, enum split split, uint64_t seed, struct selftest *out, struct err *err)
{
    const struct classifier *m = s->model;
    size_t floats = (size_t)m->c * (size_t)m->h * (size_t)m->w;
    float *x = mem_alloc(SELFTEST_PICTURES * floats, sizeof *x);
    int64_t count = s->data->count[split];
    bool ok = true;

    for (int i = 0; ok && i < SELFTEST_PICTURES; i++)
        ok = picture_read(s->data, split, count * i / SELFTEST_PICTURES, &s->geometry, NULL, NULL,
                          x + (size_t)i * floats, err);
    ok = ok && selftest_run(m, s->opener->state_hash, s->network.self, x, SELFTEST_PICTURES, seed, out, err);
    free(x);
    return ok;
}
