#include "validate/search.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* What is known about an image before its search is over. */
struct entry {
    int64_t image;
    int label, predicted, target;
};

/* Images that have been read and predicted together. */
struct block {
    int64_t first; /* of the entries */
    int n;
    float *x; /* [model->batch][floats] */
};

struct run {
    const struct search *search;
    int64_t n, done; /* entries; images with a record */
    int64_t before;  /* images that had a record at the start */
    struct entry *entry;
    struct block block;
    size_t floats;
    int pixels;
    /* Collections: the rows of the block that are still searched, and what is known of all its rows. */
    int active_n, *active;     /* [model->batch] */
    uint8_t *rest;             /* [model->batch][pixels] 1: in no subset yet */
    struct sis_record *record; /* [model->batch] */
};

/* Reads and predicts the entries from `first` on, as many as a batch holds. */
static bool load_block(struct run *r, int64_t first, struct err *err)
{
    const struct subject *s = r->search->subject;
    const struct classifier *m = s->model;
    struct block *b = &r->block;
    float *z = mem_alloc((size_t)m->batch * (size_t)m->classes, sizeof *z);
    bool ok = true;

    b->first = first;
    b->n = r->n - first < m->batch ? (int)(r->n - first) : m->batch;
    for (int i = 0; ok && i < b->n; i++)
        ok = subject_read(s, r->search->split, r->entry[first + i].image, b->x + (size_t)i * r->floats, err);
    ok = ok && m->logits(m->self, b->x, b->n, z, err);
    for (int i = 0; ok && i < b->n; i++) {
        struct entry *e = &r->entry[first + i];
        const float *row = z + (size_t)i * (size_t)m->classes;
        for (int k = 1; k < m->classes; k++)
            e->predicted = row[k] > row[e->predicted] ? k : e->predicted;
        e->target = r->search->target == SEARCH_PREDICTED ? e->predicted
                    : r->search->target == SEARCH_TRUE    ? e->label
                                                          : r->search->target;
    }
    free(z);
    return ok;
}

static void fill_input(const struct run *r, int row, struct sis_input *input)
{
    const struct subject *s = r->search->subject;
    const struct entry *e = &r->entry[r->block.first + row];

    memcpy(input->x, r->block.x + (size_t)row * r->floats, r->floats * sizeof *input->x);
    baseline_fill(r->search->baseline, input->x, s->model->c, s->model->h, s->model->w, s->data->mean,
                  r->search->identity->seed, e->image, input->baseline);
    input->target = e->target;
}

static struct sis_record make_record(const struct run *r, int64_t i, const struct sis_order *order)
{
    enum sis_rank rank = r->search->identity->settings.rank;
    const struct entry *e = &r->entry[i];

    return (struct sis_record){ .image = e->image,
                                .label = e->label,
                                .predicted = e->predicted,
                                .target = e->target,
                                .confidence = sis_probability(rank, order->value[0]),
                                .blank = sis_probability(rank, order->value[order->states - 1]),
                                .order = *order };
}

static void tell(const struct run *r, double done)
{
    double all = (double)(r->before + r->n), now = (double)r->before + done;

    progress_update(r->search->progress, "images", now, all, now, all, "");
}

/* --- one search per image ----------------------------------------------------------------------------------------- */

static bool read_image(void *self, int64_t i, struct sis_input *input, struct err *err)
{
    struct run *r = self;

    if ((r->block.n == 0 || i >= r->block.first + r->block.n) && !load_block(r, i, err))
        return false;
    fill_input(r, (int)(i - r->block.first), input);
    return true;
}

static bool keep_order(void *self, int64_t i, const struct sis_order *order, struct err *err)
{
    struct run *r = self;
    struct sis_record record = make_record(r, i, order);

    r->done++;
    return sis_store_add(r->search->store, &record, err);
}

static bool asked_to_stop(void *self)
{
    return ((struct run *)self)->search->stop();
}

static void tell_images(void *self, double done)
{
    tell(self, done);
}

/* --- collections -------------------------------------------------------------------------------------------------- */

static bool read_rest(void *self, int64_t i, struct sis_input *input, struct err *err)
{
    struct run *r = self;
    int row = r->active[i];

    (void)err;
    fill_input(r, row, input);
    memcpy(input->start, r->rest + (size_t)row * (size_t)r->pixels, (size_t)r->pixels);
    return true;
}

/* Adds the last `size` features of the order and takes them out of `rest`. */
static void add_subset(struct sis_collection *c, const struct sis_order *o, int size, uint8_t *rest)
{
    size_t n = (size_t)c->n + 1;
    uint32_t *subset = mem_alloc((size_t)size, sizeof *subset);
    int state = 0;

    for (int k = 0; k < size; k++) {
        subset[k] = o->order[o->features - 1 - k];
        rest[subset[k]] = 0;
    }
    while ((int)o->removed[state] != o->features - size)
        state++;
    c->size = mem_resize(c->size, n, sizeof *c->size);
    c->subset = mem_resize(c->subset, n, sizeof *c->subset);
    c->value = mem_resize(c->value, n, sizeof *c->value);
    c->size[c->n] = size;
    c->subset[c->n] = subset;
    c->value[c->n++] = o->value[state];
}

static bool keep_subset(void *self, int64_t i, const struct sis_order *order, struct err *err)
{
    struct run *r = self;
    const struct sis_identity *id = r->search->identity;
    int row = r->active[i];
    struct sis_record *record = &r->record[row];
    double threshold = sis_threshold(id->settings.rank, id->threshold[id->n_thresholds - 1]);
    int size = sis_size(order, threshold);

    (void)err;
    if (!record->order.order) {
        *record = make_record(r, r->block.first + row, order);
        record->order = sis_order_copy(order);
    }
    if (size > 0)
        add_subset(&record->collection, order, size, r->rest + (size_t)row * (size_t)r->pixels);
    if (size <= 0 || size == order->features)
        r->active[i] = -1; /* nothing more is found in what is left */
    return true;
}

static void drop_finished(struct run *r)
{
    int n = 0;

    for (int i = 0; i < r->active_n; i++)
        if (r->active[i] >= 0)
            r->active[n++] = r->active[i];
    r->active_n = n;
}

static bool search_rounds(struct run *r, bool *stopped, struct err *err)
{
    struct sis_images images = { .self = r, .read = read_rest, .done = keep_subset, .stop = asked_to_stop };
    const struct search *s = r->search;

    r->active_n = r->block.n;
    for (int i = 0; i < r->block.n; i++)
        r->active[i] = i;
    memset(r->rest, 1, (size_t)r->block.n * (size_t)r->pixels);
    while (r->active_n > 0 && !*stopped) {
        struct sis_counts counts;
        images.n = r->active_n;
        if (!sis_images_run(s->subject->model, &s->identity->settings, &images, &counts, err))
            return false;
        *stopped = counts.stopped;
        drop_finished(r);
        tell(r, (double)(r->done + r->block.n - r->active_n));
    }
    return true;
}

/* Searches the images of the block again and again in what was in no subset before. */
static bool collect_block(struct run *r, bool *stopped, struct err *err)
{
    bool ok = search_rounds(r, stopped, err);

    for (int i = 0; i < r->block.n; i++) {
        if (ok && !*stopped) {
            ok = sis_store_add(r->search->store, &r->record[i], err);
            r->done++;
        }
        sis_record_free(&r->record[i]);
        r->record[i] = (struct sis_record){ 0 };
    }
    return ok;
}

static bool run_collections(struct run *r, bool *stopped, struct err *err)
{
    size_t batch = (size_t)r->search->subject->model->batch;
    bool ok = true;

    r->active = mem_alloc(batch, sizeof *r->active);
    r->rest = mem_alloc(batch, (size_t)r->pixels);
    r->record = mem_alloc(batch, sizeof *r->record);
    for (int64_t at = 0; ok && at < r->n && !*stopped; at += r->block.n)
        ok = load_block(r, at, err) && collect_block(r, stopped, err);
    free(r->active);
    free(r->rest);
    free(r->record);
    return ok;
}

static void list_entries(struct run *r, const int64_t *image, int64_t n)
{
    const struct dataset *data = r->search->subject->data;

    r->entry = mem_alloc((size_t)n, sizeof *r->entry);
    for (int64_t i = 0; i < n; i++)
        if (sis_store_has(r->search->store, image[i]))
            r->before++;
        else
            r->entry[r->n++] =
                (struct entry){ .image = image[i], .label = data->label(data, r->search->split, image[i]) };
}

bool search_run(const struct search *s, const int64_t *image, int64_t n, bool *stopped, struct err *err)
{
    const struct classifier *m = s->subject->model;
    struct run r = { .search = s, .pixels = m->h * m->w, .floats = (size_t)m->c * (size_t)m->h * (size_t)m->w };
    struct sis_images images = {
        .self = &r, .read = read_image, .done = keep_order, .stop = asked_to_stop, .tell = tell_images
    };
    struct sis_counts counts = { 0 };

    *stopped = false;
    list_entries(&r, image, n);
    r.block.x = mem_big((size_t)m->batch * r.floats, sizeof(float));
    images.n = r.n;
    bool ok = r.n == 0 || (s->identity->collection ? run_collections(&r, stopped, err)
                                                   : sis_images_run(m, &s->identity->settings, &images, &counts, err));
    *stopped = *stopped || counts.stopped;
    mem_big_free(r.block.x, (size_t)m->batch * r.floats, sizeof(float));
    free(r.entry);
    return ok;
}
