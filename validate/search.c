#include "validate/search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/share.h"
#include "datasets/baseline.h"

struct run {
    const struct search *search;
    enum baseline baseline;
    size_t floats;
    int pixels;
    struct sis_store *store;  /* this rank's, or NULL: */
    struct sis_records *kept; /* records are kept here */
    int64_t n_todo, *todo;    /* places in search->image that have no record yet */
    int64_t before, now;      /* pictures that had one at the start; that this rank has added */
    struct share share;       /* of todo */
    /* The block of `todo` that this rank works on. */
    const int64_t *place;
    int64_t count, finished;
    struct search_picture *picture; /* [count] of those that were loaded */
    int64_t first;                  /* pictures first..first+loaded-1 of the block are in x */
    int loaded;
    float *x; /* [model->batch][floats] */
    /* Collections: the rows of x that are still searched, and what is known of all rows. */
    int active_n, *active;     /* [model->batch] */
    uint8_t *rest;             /* [model->batch][pixels] 1: in no subset yet */
    struct sis_record *record; /* [model->batch] */
};

/* --- pictures and records ----------------------------------------------------------------------------------------- */

/* As many pictures of the block from `first` on as a batch holds. */
static bool load(struct run *r, int64_t first, struct err *err)
{
    const struct search *s = r->search;
    int batch = s->model->batch;

    r->first = first;
    r->loaded = r->count - first < batch ? (int)(r->count - first) : batch;
    return s->load(s->self, r->place + first, r->loaded, r->x, r->picture + first, err);
}

static void fill_input(const struct run *r, int row, struct sis_input *input)
{
    const struct search *s = r->search;
    const struct classifier *m = s->model;
    int64_t i = r->first + row;

    memcpy(input->x, r->x + (size_t)row * r->floats, r->floats * sizeof *input->x);
    baseline_fill(r->baseline, input->x, m->c, m->h, m->w, s->mean, s->identity->seed, s->image[r->place[i]],
                  input->baseline);
    input->target = r->picture[i].target;
}

static struct sis_record make_record(const struct run *r, int64_t i, const struct sis_order *order)
{
    enum sis_rank rank = r->search->identity->settings.rank;
    const struct search_picture *p = &r->picture[i];

    return (struct sis_record){ .image = r->search->image[r->place[i]],
                                .label = p->label,
                                .predicted = p->predicted,
                                .target = p->target,
                                .confidence = sis_probability(rank, order->value[0]),
                                .blank = sis_probability(rank, order->value[order->states - 1]),
                                .order = *order };
}

/* The record is copied. */
static bool keep(struct run *r, const struct sis_record *record, struct err *err)
{
    if (r->store) {
        if (!sis_store_add(r->store, record, err))
            return false;
    } else {
        struct sis_record *copy = &r->kept->record[r->kept->n++];
        *copy = *record;
        copy->order = sis_order_copy(&record->order);
    }
    r->finished++;
    r->now++;
    share_done(&r->share, 1);
    return true;
}

/* `done` of this block, those in work by their share. */
static void tell(const struct run *r, double done)
{
    const struct search *s = r->search;
    double now = (double)(r->before + share_all_done(&r->share) - r->finished) + done, all = (double)s->n;

    if (s->progress)
        progress_update(s->progress, s->what, now, all, now, all, "");
}

/* --- one search for each picture ---------------------------------------------------------------------------------- */

static bool read_picture(void *self, int64_t i, struct sis_input *input, struct err *err)
{
    struct run *r = self;

    if (i >= r->first + r->loaded && !load(r, i, err))
        return false;
    fill_input(r, (int)(i - r->first), input);
    return true;
}

static bool keep_order(void *self, int64_t i, const struct sis_order *order, struct err *err)
{
    struct run *r = self;
    struct sis_record record = make_record(r, i, order);

    return keep(r, &record, err);
}

static bool asked_to_stop(void *self)
{
    return share_stopped(&((struct run *)self)->share);
}

static void tell_pictures(void *self, double done)
{
    tell(self, done);
}

static bool search_block(struct run *r, struct err *err)
{
    struct sis_images images = {
        .n = r->count, .self = r, .read = read_picture, .done = keep_order, .stop = asked_to_stop, .tell = tell_pictures
    };
    struct sis_counts counts;

    return sis_images_run(r->search->model, &r->search->identity->settings, &images, &counts, err);
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

static bool keep_subset(void *self, int64_t i, const struct sis_order *order, struct err *err)
{
    struct run *r = self;
    const struct sis_identity *id = r->search->identity;
    int row = r->active[i];
    struct sis_record *record = &r->record[row];
    double threshold = sis_threshold(id->settings.rank, id->threshold[id->n_thresholds - 1]);

    (void)err;
    if (!record->order.order) {
        *record = make_record(r, r->first + row, order);
        record->order = sis_order_copy(order);
    }
    int size = sis_collection_add(&record->collection, order, threshold, r->rest + (size_t)row * (size_t)r->pixels);
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

/* Searches the loaded pictures again and again in what was in no subset before. */
static bool search_rounds(struct run *r, bool *stopped, struct err *err)
{
    struct sis_images images = { .self = r, .read = read_rest, .done = keep_subset, .stop = asked_to_stop };
    const struct search *s = r->search;

    r->active_n = r->loaded;
    for (int i = 0; i < r->loaded; i++)
        r->active[i] = i;
    memset(r->rest, 1, (size_t)r->loaded * (size_t)r->pixels);
    while (r->active_n > 0 && !*stopped) {
        struct sis_counts counts;
        images.n = r->active_n;
        if (!sis_images_run(s->model, &s->identity->settings, &images, &counts, err))
            return false;
        *stopped = counts.stopped;
        drop_finished(r);
        tell(r, (double)(r->finished + r->loaded - r->active_n));
    }
    return true;
}

static bool collect_loaded(struct run *r, bool *stopped, struct err *err)
{
    bool ok = search_rounds(r, stopped, err);

    for (int i = 0; i < r->loaded; i++) {
        ok = ok && (*stopped || keep(r, &r->record[i], err));
        sis_record_free(&r->record[i]);
        r->record[i] = (struct sis_record){ 0 };
    }
    return ok;
}

static bool collect_block(struct run *r, struct err *err)
{
    bool ok = true, stopped = false;

    for (int64_t at = 0; ok && !stopped && at < r->count; at += r->loaded)
        ok = load(r, at, err) && collect_loaded(r, &stopped, err);
    return ok;
}

/* --- this rank's part --------------------------------------------------------------------------------------------- */

static void open_rows(struct run *r)
{
    size_t batch = (size_t)r->search->model->batch;

    r->x = mem_big(batch * r->floats, sizeof *r->x);
    r->active = mem_alloc(batch, sizeof *r->active);
    r->rest = mem_alloc(batch, (size_t)r->pixels);
    r->record = mem_alloc(batch, sizeof *r->record);
}

static void close_rows(struct run *r)
{
    mem_big_free(r->x, (size_t)r->search->model->batch * r->floats, sizeof *r->x);
    free(r->active);
    free(r->rest);
    free(r->record);
}

static bool search_shared(struct run *r, struct err *err)
{
    bool ok = true;
    int64_t first;

    open_rows(r);
    share_begin(&r->share, r->n_todo, r->search->model->batch, r->search->stop);
    while (ok && share_next(&r->share, &first, &r->count)) {
        r->place = r->todo + first;
        r->picture = mem_alloc((size_t)r->count, sizeof *r->picture);
        r->first = r->loaded = 0;
        r->finished = 0;
        ok = r->search->identity->collection ? collect_block(r, err) : search_block(r, err);
        free(r->picture);
    }
    ok = share_end(&r->share, ok && (!r->store || sis_store_sync(r->store, err)), err);
    close_rows(r);
    return ok;
}

/* --- the store ---------------------------------------------------------------------------------------------------- */

static void list_todo(struct run *r)
{
    const struct search *s = r->search;

    r->todo = mem_alloc((size_t)s->n, sizeof *r->todo);
    bool mine = ranks_number() == 0 && !(r->store && sis_store_finished(r->store));
    for (int64_t i = 0; mine && i < s->n; i++)
        if (!r->store || !sis_store_has(r->store, s->image[i]))
            r->todo[r->n_todo++] = i;
    ranks_broadcast(&r->n_todo, sizeof r->n_todo);
    ranks_broadcast(r->todo, (size_t)r->n_todo * sizeof *r->todo);
    r->before = s->n - r->n_todo;
}

/* Rank 0 holds the directory and says what is to be done; then the others join. */
static bool open_store(struct run *r, struct err *err)
{
    const struct search *s = r->search;
    int rank = ranks_number();
    bool ok = !s->directory || rank != 0 || sis_store_open(s->directory, s->identity, s->resume, &r->store, err);

    if (!ranks_all_ok(ok, err))
        return false;
    list_todo(r);
    ok =
        !s->directory || rank == 0 || r->n_todo == 0 || sis_store_join(s->directory, s->identity, rank, &r->store, err);
    return ranks_all_ok(ok, err);
}

static int by_image(const void *a, const void *b)
{
    int64_t x = ((const struct sis_record *)a)->image, y = ((const struct sis_record *)b)->image;
    return (x > y) - (x < y);
}

/* The journals of the others are closed: rank 0 makes the results of all of them, and reads what the files hold. */
static bool finish(struct run *r, struct sis_records *out, struct err *err)
{
    const struct search *s = r->search;
    bool ok = true;

    if (!r->store && ranks_size() == 1) {
        qsort(out->record, (size_t)out->n, sizeof *out->record, by_image);
        return true;
    }
    if (ranks_number() != 0)
        sis_store_close(r->store);
    ranks_barrier();
    if (ranks_number() == 0)
        ok = (sis_store_finished(r->store) || sis_store_finish(r->store, s->n, err)) &&
             sis_records_read(s->directory, out, err);
    else
        r->store = NULL;
    if (!ranks_all_ok(ok, err))
        return false;
    sis_records_broadcast(out);
    return true;
}

static bool run_search(struct run *r, struct sis_records *out, int64_t *done, struct err *err)
{
    if (!open_store(r, err))
        return false;
    bool ok = r->n_todo == 0 || search_shared(r, err);
    double now = (double)r->now;
    ranks_sum_doubles(&now, 1);
    *done = r->before + (int64_t)now;
    return ok && finish(r, out, err);
}

bool search_run(const struct search *s, struct sis_records *out, int64_t *done, struct err *err)
{
    const struct classifier *m = s->model;
    struct run r = {
        .search = s, .kept = out, .pixels = m->h * m->w, .floats = (size_t)m->c * (size_t)m->h * (size_t)m->w
    };
    bool known = baseline_parse(s->identity->baseline, &r.baseline);

    assert(known && (s->directory || ranks_size() == 1));
    *out = (struct sis_records){ 0 };
    if (!s->directory)
        out->record = mem_alloc((size_t)s->n + 1, sizeof *out->record);
    bool ok = run_search(&r, out, done, err);
    if (!ok)
        sis_records_free(out);
    sis_store_close(r.store);
    share_free(&r.share);
    free(r.todo);
    return ok;
}
