#include "validate/dataset/network_cfg.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/settings.h"

enum {
    CFG_LIMIT = 1 << 20,
    MOST_IMAGES = 250000, /* of a training in all: what CIFAR-10 gives in five epochs */
    MOST_EPOCHS = 20,
    LEAST_EPOCHS = 2,
    LARGE_SIDE = 64, /* pictures above this are halved from the first layer on */
    SMALL_SIDE = 8   /* what is left below this is halved no more */
};

/* cfg cuts blanks off a value and takes # and ; behind a blank for a comment. */
static bool fits_cfg(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)path[i] < ' ' || path[i] == 0x7f || (path[i] == ' ' && (i == 0 || i + 1 == n)) ||
            (i > 0 && path[i - 1] == ' ' && strchr("#;", path[i])))
            return false;
    return n > 0 && n < 4000 && !strchr("#;", path[0]);
}

static bool check_survey(const struct survey *s, struct err *err)
{
    if (s->view)
        return err_usage(err, "a network is trained on views of its own; leave out --view, or --full");
    if (s->data->count[SPLIT_TRAIN] == 0 || s->data->count[SPLIT_TEST] == 0)
        return err_usage(err, "%s has no %s pictures; a training needs both splits", s->data->name,
                         s->data->count[SPLIT_TRAIN] == 0 ? "training" : "test");
    if (!fits_cfg(s->descriptor))
        return err_usage(err,
                         "%s: this path cannot stand in a cfg; give the data set a path without blanks at its "
                         "ends, control characters, # and ;",
                         s->descriptor);
    return true;
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

/* --- the user's, bound to this set -------------------------------------------------------------------------------- */

/* Whether line[n] is "key = value"; *value begins behind the = and its blanks. */
static bool is_key(const char *line, size_t n, const char *key, const char **value)
{
    static const char blanks[] = " \t\r\v\f";
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
    if (parse_int(text, 1, 1 << 15, &number))
        *out = (int)number;
}

/* Copies the cfg, with the line dataset= of its first section replaced. What else is wrong with it, train says. */
static void bind(const char *text, const struct survey *s, FILE *file, struct network_cfg *out)
{
    int section = 0;
    const char *ignored;

    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        bool head = line[strspn(line, " \t\r\v\f")] == '[';
        section += head;
        read_side(line, section == 1 ? n : 0, "height", &out->h);
        read_side(line, section == 1 ? n : 0, "width", &out->w);
        if (section != 1 || !is_key(line, n, "dataset", &ignored))
            fprintf(file, "%.*s\n", (int)n, line);
        if (head && section == 1)
            fprintf(file, "dataset=%s\n", s->descriptor);
        line += n + (line[n] == '\n');
    }
}

static bool bind_cfg(const struct survey *s, struct network_cfg *out, struct err *err)
{
    struct file_writer w;
    char *text;
    size_t n;

    if (!file_read(s->cfg, CFG_LIMIT, &text, &n, err))
        return false;
    bool ok = file_begin(&w, out->path, err);
    if (ok) {
        bind(text, s, w.stream, out);
        ok = file_commit(&w, err);
    }
    free(text);
    return ok && ((out->h > 0 && out->w > 0) ||
                  err_usage(err, "%s: its [net] has no height and width in pixels; add them", s->cfg));
}

bool network_cfg_write(const struct survey *s, struct network_cfg *out, struct err *err)
{
    *out = (struct network_cfg){ 0 };
    if (!check_survey(s, err) || !file_make_directories(s->directory, err))
        return false;
    out->path = file_join(s->directory, "network.cfg");
    if (s->cfg ? bind_cfg(s, out, err) : make_small(s, out, err))
        return true;
    network_cfg_free(out);
    return false;
}

void network_cfg_free(struct network_cfg *n)
{
    free(n->path);
    *n = (struct network_cfg){ 0 };
}
