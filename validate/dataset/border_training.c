#include "validate/dataset/border_training.h"

#include <stdlib.h>
#include "base/mem.h"
#include "datasets/region.h"
#include "validate/dataset/network_cfg.h"
#include "validate/trainer.h"

static const struct part {
    const char *name, *what;
    bool by_share; /* else by width */
} parts[BORDER_TRAINING_PARTS] = {
    { "border", "training on the border", false },
    { "center", "training on the centre", true },
    { "random", "training on random pixels", true },
};

/* The pixels of the ring in the network's input; 0: it does not fit. */
static int ring_area(const struct network_cfg *n, int width)
{
    if (!region_ring_fits(n->h, n->w, width))
        return 0;
    uint8_t *mask = mem_alloc((size_t)n->h * (size_t)n->w, 1);
    int area = region_ring(n->h, n->w, width, mask);
    free(mask);
    return area;
}

/* 17 digits: read back, the share gives the same number of pixels. */
static char *view_of(const struct part *p, const struct network_cfg *n, int width, int area)
{
    return p->by_share ? mem_format("%s:%.17g", p->name, (double)area / ((double)n->h * n->w))
                       : mem_format("%s:%d", p->name, width);
}

static bool train_part(struct survey *s, const struct network_cfg *n, const struct part *p, int width, int area,
                       struct training_result *out, struct err *err)
{
    char *view = view_of(p, n, width, area), *run = mem_format("%s/border_%d/%s", s->directory, width, p->name);
    struct training t = { .program = s->program,
                          .cfg = n->path,
                          .out = run,
                          .data = s->data_dir,
                          .view = view,
                          .seed = (int64_t)s->seed,
                          .replace = s->replace,
                          .threads = team_size(s->team),
                          .progress = s->progress,
                          .what = p->what,
                          .stop = s->stop };
    bool ok = training_run_once(&t, out, err);

    free(run);
    free(view);
    return ok;
}

bool border_training(struct survey *s, int width, struct border_training_result *out, struct err *err)
{
    struct network_cfg network;

    *out = (struct border_training_result){ .n = 0 };
    if (!network_cfg_write(s, &network, err))
        return false;
    out->area = ring_area(&network, width);
    bool ok = out->area > 0 || err_usage(err,
                                         "a ring %d pixels wide covers more than half of %d x %d; take a smaller "
                                         "width",
                                         width, network.w, network.h);
    for (int i = 0; ok && i < BORDER_TRAINING_PARTS; i++) {
        struct training_result r;
        ok = survey_goes_on(s, err) && train_part(s, &network, &parts[i], width, out->area, &r, err);
        if (!ok)
            break;
        out->part[out->n].name = parts[i].name;
        out->part[out->n].accuracy = r.test_accuracy;
        out->part[out->n].right = r.test_right;
        out->part[out->n].images = r.test_images;
        out->part[out->n].train_accuracy = r.train_accuracy;
        out->part[out->n++].seconds = r.seconds;
    }
    network_cfg_free(&network);
    return ok;
}
