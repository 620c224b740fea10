#include "datasets/loader.h"

#include <assert.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK = 8 }; /* images that a thread takes at a time: several threads share a batch, few lock operations */

/* One batch of the ring. Threads own the images they have taken; everything else is guarded by the loader's mutex. */
struct slot {
    float *x;       /* [batch,c,h,w] */
    int *label;
    int64_t *index;
    int n, whole, epoch, number; /* n: of `whole`, those of our slice */
    int taken, done; /* images that a thread has begun; that are ready */
    int failed;      /* position of the first image that could not be read, or -1 */
    struct err err;
};

struct loader {
    struct loader_options o;
    int64_t images;      /* of the split that are used */
    int batches, slots;
    size_t image_floats, buffer_floats;
    struct slot *slot;
    uint32_t *order;     /* [images] of epoch order_epoch, when training */
    int order_epoch;

    pthread_mutex_t mutex;
    pthread_cond_t work, ready; /* threads wait for work, the consumer for a ready batch */
    int epoch, number;   /* position of the next batch to open */
    int64_t opened, delivered, released; /* batches since the last seek; released <= delivered <= opened */
    int active;          /* threads that are decoding */
    bool stop, pause;
    pthread_t *thread;
    int started;
};

int64_t loader_images(const struct loader *l)
{
    return l->images;
}

int loader_batches(const struct loader *l)
{
    return l->batches;
}

/* Of the first `limit` images of the split, those that are not left out. */
static int64_t count_images(const struct loader_options *o)
{
    int64_t n = o->dataset->count[o->split];

    if (o->limit > 0 && o->limit < n)
        n = o->limit;
    return o->parts ? n - (n / o->parts + (o->without < n % o->parts)) : n;
}

/* The number in the split of the used image at `position`: each group of `parts` images has one that is not used. */
static int64_t image_at(const struct loader_options *o, int64_t position)
{
    if (!o->parts)
        return position;
    int64_t group = position / (o->parts - 1), within = position % (o->parts - 1);
    return group * o->parts + within + (within >= o->without);
}

/* Only in testing: training goes on with the next epoch. */
static bool at_end(const struct loader *l)
{
    return l->number == l->batches;
}

/* The order of an epoch: a permutation keyed by (seed, epoch) when training, else the order of the files. */
static void prepare_order(struct loader *l)
{
    if (!l->o.training || l->order_epoch == l->epoch)
        return;
    struct rng r = rng_stream(l->o.seed, RNG_SHUFFLE, (uint32_t)l->epoch, 0);
    rng_permutation(&r, (uint32_t)l->images, l->order);
    l->order_epoch = l->epoch;
}

/* Where slice number `slice` of a batch of so many images begins. */
static int slice_begin(const struct loader_options *o, int images, int slice)
{
    return (int)((int64_t)images * slice / (o->slices ? o->slices : 1));
}

/* Opens the batch at the present position in the next free slot; false when the ring is full or the test is over. */
static bool open_batch(struct loader *l)
{
    if (at_end(l) || l->opened - l->released >= l->slots)
        return false;
    prepare_order(l);
    struct slot *s = &l->slot[l->opened % l->slots];
    int64_t first = (int64_t)l->number * l->o.batch, left = l->images - first;
    int whole = left < l->o.batch ? (int)left : l->o.batch, begin = slice_begin(&l->o, whole, l->o.slice);
    *s = (struct slot){ .x = s->x, .label = s->label, .index = s->index, .epoch = l->epoch, .number = l->number,
                        .n = slice_begin(&l->o, whole, l->o.slice + 1) - begin, .whole = whole, .failed = -1 };
    first += begin;
    for (int i = 0; i < s->n; i++)
        s->index[i] = image_at(&l->o, l->o.training ? (int64_t)l->order[first + i] : first + i);
    l->opened++;
    l->number++;
    if (l->o.training && l->number == l->batches) {
        l->number = 0;
        l->epoch++;
    }
    return true;
}

/* The oldest batch that has images nobody has taken yet, opened if need be; NULL when there is nothing to do. */
static struct slot *find_work(struct loader *l)
{
    if (l->pause)
        return NULL;
    for (int64_t b = l->released; b < l->opened; b++) {
        struct slot *s = &l->slot[b % l->slots];
        if (s->taken < s->n)
            return s;
    }
    return open_batch(l) ? &l->slot[(l->opened - 1) % l->slots] : NULL;
}

static bool load_image(const struct loader *l, struct slot *s, int i, struct err *err)
{
    const struct dataset *ds = l->o.dataset;
    int64_t index = s->index[i];
    struct showing showing = { .seed = l->o.seed, .epoch = (uint32_t)s->epoch, .image = (uint32_t)index };
    s->label[i] = ds->label(ds, l->o.split, index);
    return picture_read(ds, l->o.split, index, &l->o.augment, l->o.view, l->o.training ? &showing : NULL,
                        s->x + (size_t)i * l->image_floats, err);
}

/* Loads images first..last-1; returns the position of the first that failed, or -1. */
static int load_images(const struct loader *l, struct slot *s, int first, int last, struct err *err)
{
    int failed = -1;
    for (int i = first; i < last; i++) {
        struct err e;
        if (!load_image(l, s, i, &e) && failed < 0) {
            failed = i;
            *err = e;
        }
    }
    return failed;
}

static void do_work(struct loader *l, struct slot *s)
{
    int first = s->taken, last = s->n - first < CHUNK ? s->n : first + CHUNK;
    struct err err;
    s->taken = last;
    l->active++;
    pthread_mutex_unlock(&l->mutex);
    int failed = load_images(l, s, first, last, &err);
    pthread_mutex_lock(&l->mutex);
    l->active--;
    s->done += last - first;
    if (failed >= 0 && (s->failed < 0 || failed < s->failed)) {
        s->failed = failed; /* the first of the batch, whatever the threads' order */
        s->err = err;
    }
    if (s->done == s->n || l->pause)
        pthread_cond_signal(&l->ready);
}

static void *decode_thread(void *arg)
{
    struct loader *l = arg;
    fesetenv(FE_DFL_ENV); /* threads inherit a floating-point environment that libdarknet has changed */
    pthread_mutex_lock(&l->mutex);
    while (!l->stop) {
        struct slot *s = find_work(l);
        if (s)
            do_work(l, s);
        else
            pthread_cond_wait(&l->work, &l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

void loader_seek(struct loader *l, int epoch, int number)
{
    assert(epoch >= 0 && number >= 0 && number <= l->batches);
    pthread_mutex_lock(&l->mutex);
    l->pause = true;
    while (l->active > 0)
        pthread_cond_wait(&l->ready, &l->mutex);
    l->pause = false;
    l->opened = l->delivered = l->released = 0;
    l->epoch = epoch;
    l->number = number;
    if (l->o.training && number == l->batches) {
        l->epoch++;
        l->number = 0;
    }
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
}

bool loader_next(struct loader *l, struct batch *b, struct err *err)
{
    pthread_mutex_lock(&l->mutex);
    l->released = l->delivered; /* the caller is done with the batch before */
    pthread_cond_broadcast(&l->work);
    if (l->delivered == l->opened && at_end(l)) {
        *b = (struct batch){ .epoch = l->epoch, .number = l->number };
        pthread_mutex_unlock(&l->mutex);
        return true;
    }
    const struct slot *s = &l->slot[l->delivered % l->slots];
    while (l->delivered == l->opened || s->done < s->n)
        pthread_cond_wait(&l->ready, &l->mutex);
    l->delivered++;
    *b = (struct batch){ s->n, s->whole, s->x, s->label, s->index, s->epoch, s->number };
    bool ok = s->failed < 0;
    if (!ok)
        *err = s->err;
    pthread_mutex_unlock(&l->mutex);
    return ok;
}

static bool check_options(const struct loader_options *o, struct err *err)
{
    const struct augment *a = &o->augment;
    assert(o->batch >= 1 && o->threads >= 1 && o->ahead >= 1 && o->limit >= 0);
    assert((a->c == 1 || a->c == 3) && a->h >= 1 && a->w >= 1 && a->crop_pad >= 0 &&
           (o->training || a->test_resize >= 1));
    assert(o->slices == 0 || (o->slice >= 0 && o->slice < o->slices));
    assert(o->parts == 0 || (o->parts >= 2 && o->without >= 0 && o->without < o->parts));
    if (o->dataset->count[o->split] < 1)
        return err_usage(err, "%s: the data set has no %s images; give it a %s split", o->dataset->name,
                         o->split == SPLIT_TRAIN ? "training" : "test", o->split == SPLIT_TRAIN ? "training" : "test");
    if (count_images(o) < 1)
        return err_usage(err, "%s: every one of its images is left out; leave out fewer", o->dataset->name);
    size_t bytes = sizeof(float);
    const int factors[] = { a->c, a->h, a->w, o->batch, o->ahead + 1 };
    for (int i = 0; i < 5; i++)
        if (__builtin_mul_overflow(bytes, (size_t)factors[i], &bytes) || bytes > (size_t)1 << 38)
            return err_usage(err, "%d batches of %d images of %d x %d x %d do not fit in memory; use a smaller batch",
                             o->ahead + 1, o->batch, a->c, a->h, a->w);
    return true;
}

/* A run of hours does not end at an image without a mask: it does not begin. */
static bool check_view(const struct loader_options *o, struct err *err)
{
    int64_t n = o->view ? count_images(o) : 0;
    bool ok = true;

    for (int64_t i = 0; ok && i < n; i++)
        ok = view_covers(o->view, o->split, image_at(o, i), err);
    return ok;
}

static void allocate(struct loader *l)
{
    const struct augment *a = &l->o.augment;
    l->image_floats = (size_t)a->c * (size_t)a->h * (size_t)a->w;
    int slices = l->o.slices ? l->o.slices : 1;
    l->buffer_floats = l->image_floats * (size_t)((l->o.batch + slices - 1) / slices);
    l->slot = mem_alloc(l->slots, sizeof *l->slot);
    for (int i = 0; i < l->slots; i++) {
        l->slot[i].x = mem_big(l->buffer_floats, sizeof(float));
        l->slot[i].label = mem_alloc(l->o.batch, sizeof(int));
        l->slot[i].index = mem_alloc(l->o.batch, sizeof(int64_t));
    }
    l->order = l->o.training ? mem_alloc(l->images, sizeof *l->order) : NULL;
    l->order_epoch = -1;
    l->thread = mem_alloc(l->o.threads, sizeof *l->thread);
}

/* Signals are the main thread's business. */
static bool start_threads(struct loader *l, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    while (code == 0 && l->started < l->o.threads) {
        code = pthread_create(&l->thread[l->started], NULL, decode_thread, l);
        l->started += code == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code == 0 || err_run(err, "cannot start a decoding thread: %s; use fewer threads", strerror(code));
}

bool loader_open(const struct loader_options *options, struct loader **out, struct err *err)
{
    *out = NULL;
    if (!check_options(options, err) || !check_view(options, err))
        return false;
    struct loader *l = mem_alloc(1, sizeof *l);
    l->o = *options;
    l->images = count_images(options);
    int64_t whole = l->images / options->batch, part = l->images % options->batch > 0;
    l->batches = (int)(options->training && whole > 0 ? whole : whole + part);
    l->slots = options->ahead + 1;
    allocate(l);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    if (start_threads(l, err)) {
        *out = l;
        return true;
    }
    loader_close(l);
    return false;
}

void loader_close(struct loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->mutex);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
    for (int i = 0; i < l->started; i++)
        pthread_join(l->thread[i], NULL);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->ready);
    for (int i = 0; i < l->slots; i++) {
        mem_big_free(l->slot[i].x, l->buffer_floats, sizeof(float));
        free(l->slot[i].label);
        free(l->slot[i].index);
    }
    free(l->slot);
    free(l->order);
    free(l->thread);
    free(l);
}
