#include "validate/dataset/network_cfg.h"

#include <stdlib.h>
#include "base/file.h"
#include "base/mem.h"
#include "validate/bind_cfg.h"

enum {
    MOST_IMAGES = 250000, /* of a training in all: what CIFAR-10 gives in five epochs */
    MOST_EPOCHS = 20,
    LEAST_EPOCHS = 2,
    LARGE_SIDE = 64, /* pictures above this are halved from the first layer on */
    SMALL_SIDE = 8   /* what is left below this is halved no more */
};

static bool check_survey(const struct survey *s, struct err *err)
{
    if (s->view)
        return err_usage(err, "a network is trained on views of its own; leave out --view, or --full");
    if (s->data->count[SPLIT_TRAIN] == 0 || s->data->count[SPLIT_TEST] == 0)
        return err_usage(err, "%s has no %s pictures; a training needs both splits", s->data->name,
                         s->data->count[SPLIT_TRAIN] == 0 ? "training" : "test");
    return bind_cfg_holds(s->descriptor, err);
}

/* --- a small network ---------------------------------------------------------------------------------------------- */

static void print_three(FILE *out, const char *key, const float *value, int c)
{
    for (int i = 0; i < c; i++)
        fprintf(out, "%s%.6g", i == 0 ? key : ",", (double)value[i]);
    fputc('\n', out);
}

/* A batch is small enough that an epoch has 16 of them. */
static int choose_batch(int64_t images)
{
    int batch = 128;

    while (batch > 8 && images / batch < 16)
        batch /= 2;
    return batch;
}

static int choose_epochs(int64_t images)
{
    int64_t epochs = MOST_IMAGES / images;

    return (int)(epochs < LEAST_EPOCHS ? LEAST_EPOCHS : epochs > MOST_EPOCHS ? MOST_EPOCHS : epochs);
}

static void print_net(FILE *out, const struct survey *s)
{
    const struct augment *g = &s->geometry;
    int64_t images = s->data->count[SPLIT_TRAIN];
    int epochs = choose_epochs(images);

    fprintf(out,
            "# Made by validate dataset for %s.\n\n[net]\nbatch=%d\nsubdivisions=1\nheight=%d\nwidth=%d\n"
            "channels=%d\ndataset=%s\nepochs=%d\nlearning_rate=0.1\npolicy=onecycle\nwarmup=%.2f\nmomentum=0.9\n"
            "nesterov=1\ndecay=0.0005\n",
            s->data->name, choose_batch(images), g->h, g->w, g->c, s->descriptor, epochs, 0.3 * epochs);
    if (g->test_resize > 1)
        fprintf(out, "test_resize=%.9g\n", (double)g->test_resize);
    fputs("\n[normalize]\n", out);
    print_three(out, "mean=", s->data->mean, g->c);
    print_three(out, "std=", s->data->std, g->c);
}

/* Nothing but convolutions and an average over places: cheap, and what it learns of a ring it can learn of a centre. */
static void print_layers(FILE *out, const struct survey *s)
{
    static const int filters[] = { 32, 64, 64, 64 };
    int side = s->geometry.h < s->geometry.w ? s->geometry.h : s->geometry.w, large = side > LARGE_SIDE;

    for (int i = 0; i < 3 + large; i++) {
        int stride = (i > 0 || large) && side >= SMALL_SIDE ? 2 : 1;
        fprintf(out, "\n[convolutional]\nbatch_normalize=1\nfilters=%d\nsize=3\nstride=%d\npad=1\nactivation=relu\n",
                filters[i], stride);
        side /= stride;
    }
    fprintf(out, "\n[avgpool]\n\n[connected]\noutput=%d\nactivation=linear\n\n[softmax]\n", s->data->classes);
}

static bool make_small(const struct survey *s, struct network_cfg *out, struct err *err)
{
    struct file_writer w;

    if (!file_begin(&w, out->path, err))
        return false;
    print_net(w.stream, s);
    print_layers(w.stream, s);
    out->h = s->geometry.h;
    out->w = s->geometry.w;
    return file_commit(&w, err);
}

bool network_cfg_write(const struct survey *s, struct network_cfg *out, struct err *err)
{
    *out = (struct network_cfg){ 0 };
    if (!check_survey(s, err) || !file_make_directories(s->directory, err))
        return false;
    out->path = file_join(s->directory, "network.cfg");
    if (s->cfg ? bind_cfg(s->cfg, s->descriptor, out->path, &out->h, &out->w, err) : make_small(s, out, err))
        return true;
    network_cfg_free(out);
    return false;
}

void network_cfg_free(struct network_cfg *n)
{
    free(n->path);
    *n = (struct network_cfg){ 0 };
}
