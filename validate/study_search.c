#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/study_parts.h"

/* A search, and the part of it that was asked for last with fewer pictures. */
struct search {
    struct sis_question question;
    struct sis_answer answer;
    int n_views;
    struct view **view; /* [n_views] */
};

/* The first n pictures of a search; its records are borrowed from there. */
struct view {
    int n;
    struct sis_answer answer;
};

/* One search on its way: from rows of the sample to records, through a store when the study has a directory. */
struct task {
    struct study *study;
    const struct sis_question *question;
    struct sis_store *store;    /* or NULL: */
    struct sis_records records; /* kept here */
    int *todo;                  /* rows that have no record yet */
    int64_t n_todo;
    double told;
};

static int target_of(const struct study *s, enum study_target target, int row)
{
    return target == TARGET_PREDICTED ? s->predicted[row] : target == TARGET_TRUE ? s->label[row] : s->wrong[row];
}

static bool read_input(void *self, int64_t i, struct sis_input *input, struct err *err)
{
    struct task *t = self;
    struct study *s = t->study;
    int row = t->todo[i];

    (void)err;
    memcpy(input->x, study_x(s, row), study_floats(s) * sizeof *input->x);
    baseline_fill(t->question->baseline, input->x, s->model->c, s->model->h, s->model->w, s->data->mean, s->seed,
                  s->image[row], input->baseline);
    input->target = target_of(s, t->question->target, row);
    return true;
}

static bool take_order(void *self, int64_t i, const struct sis_order *order, struct err *err)
{
    struct task *t = self;
    struct study *s = t->study;
    int row = t->todo[i];
    enum sis_rank rank = t->question->rank;
    struct sis_record r = { .image = s->image[row],
                            .label = s->label[row],
                            .predicted = s->predicted[row],
                            .target = target_of(s, t->question->target, row),
                            .confidence = sis_probability(rank, order->value[0]),
                            .blank = sis_probability(rank, order->value[order->states - 1]),
                            .order = *order };

    if (t->store)
        return sis_store_add(t->store, &r, err);
    r.order = sis_order_copy(order);
    t->records.record[t->records.n++] = r;
    return true;
}

static bool stop_task(void *self)
{
    struct task *t = self;
    return study_asked_to_stop(t->study);
}

static void tell_task(void *self, double done)
{
    struct task *t = self;
    int n = t->question->n;

    study_tell(t->study, "sufficient subsets", done + (double)(n - t->n_todo), n);
}

static const char *target_name(enum study_target t)
{
    static const char *const names[] = { "predicted", "true", "wrong" };
    return names[t];
}

/* What tells this search from others, in the words of the store. Texts are borrowed. */
static struct sis_identity identity_of(const struct study *s, const struct sis_question *q)
{
    struct sis_identity id = *s->identity;

    sis_images_hash(s->image, q->n, id.images);
    id.n_images = q->n;
    id.settings.rank = q->rank;
    id.baseline = (char *)baseline_name(q->baseline);
    id.target = (char *)target_name(q->target);
    id.seed = s->seed;
    return id;
}

static bool open_store(struct task *t, struct err *err)
{
    struct study *s = t->study;
    const struct sis_question *q = t->question;

    if (!s->directory)
        return true;
    struct sis_identity id = identity_of(s, q);
    char *path = mem_format("%s/sis-%s-%s-%s-%d", s->directory, sis_rank_name(q->rank), baseline_name(q->baseline),
                            target_name(q->target), q->n);
    bool ok = file_make_directories(path, err) && sis_store_open(path, &id, s->resume, &t->store, err);
    free(path);
    return ok;
}

static bool run_search(struct task *t, struct err *err)
{
    struct study *s = t->study;
    struct sis_settings settings = s->identity->settings;
    struct sis_images images = {
        .n = 0, .self = t, .read = read_input, .done = take_order, .stop = stop_task, .tell = tell_task
    };
    struct sis_counts counts;

    settings.rank = t->question->rank;
    t->todo = mem_alloc((size_t)t->question->n, sizeof *t->todo);
    for (int row = 0; row < t->question->n; row++)
        if (!t->store || !sis_store_has(t->store, s->image[row]))
            t->todo[t->n_todo++] = row;
    images.n = t->n_todo;
    return sis_images_run(s->model, &settings, &images, &counts, err) && (!counts.stopped || study_interrupted(err));
}

static int by_image(const void *a, const void *b)
{
    int64_t x = ((const struct sis_record *)a)->image, y = ((const struct sis_record *)b)->image;
    return x < y ? -1 : x > y;
}

/* The records of a search that is through, in rising image number. */
static bool gather(struct task *t, struct err *err)
{
    struct study *s = t->study;

    if (!t->store) {
        qsort(t->records.record, (size_t)t->records.n, sizeof *t->records.record, by_image);
        return true;
    }
    free(t->records.record);
    t->records = (struct sis_records){ 0 };
    char *path = mem_format("%s/sis-%s-%s-%s-%d", s->directory, sis_rank_name(t->question->rank),
                            baseline_name(t->question->baseline), target_name(t->question->target), t->question->n);
    bool ok = sis_store_finish(t->store, t->question->n, err) && sis_records_read(path, &t->records, err);
    free(path);
    return ok;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* row[i] of the sample for records[i]. */
static int *find_rows(const struct study *s, const struct sis_records *records)
{
    int64_t(*pair)[2] = mem_alloc((size_t)s->n, sizeof *pair);
    int *row = mem_alloc((size_t)records->n, sizeof *row);

    for (int i = 0; i < s->n; i++) {
        pair[i][0] = s->image[i];
        pair[i][1] = i;
    }
    qsort(pair, (size_t)s->n, sizeof *pair, by_number);
    for (int64_t i = 0; i < records->n; i++) {
        int64_t key[2] = { records->record[i].image, 0 };
        const int64_t(*found)[2] = bsearch(&key, pair, (size_t)s->n, sizeof *pair, by_number);
        assert(found);
        row[i] = (int)(*found)[1];
    }
    free(pair);
    return row;
}

static struct search *make_search(struct study *s, const struct sis_question *q, struct err *err)
{
    struct task t = { .study = s, .question = q };
    struct search *made = NULL;

    t.records.record = mem_alloc((size_t)q->n, sizeof *t.records.record);
    if (open_store(&t, err) && run_search(&t, err) && gather(&t, err)) {
        made = mem_alloc(1, sizeof *made);
        made->question = *q;
        made->answer = (struct sis_answer){ t.records, find_rows(s, &t.records) };
    } else {
        sis_records_free(&t.records);
    }
    sis_store_close(t.store);
    free(t.todo);
    return made;
}

static struct search *find_search(struct study *s, const struct sis_question *q)
{
    for (int i = 0; i < s->memory->n; i++) {
        struct search *f = s->memory->search[i];
        if (f->question.rank == q->rank && f->question.baseline == q->baseline && f->question.target == q->target &&
            f->question.n >= q->n)
            return f;
    }
    return NULL;
}

/* Of a search, the pictures that are among the first n of the sample. */
static const struct sis_answer *view_of(struct search *f, int n)
{
    if (f->question.n == n)
        return &f->answer;
    for (int i = 0; i < f->n_views; i++)
        if (f->view[i]->n == n)
            return &f->view[i]->answer;
    struct view *v = mem_alloc(1, sizeof *v);
    v->n = n;
    v->answer.records = f->answer.records;
    v->answer.records.n = 0;
    v->answer.records.record = mem_alloc((size_t)n, sizeof *v->answer.records.record);
    v->answer.row = mem_alloc((size_t)n, sizeof *v->answer.row);
    for (int64_t i = 0; i < f->answer.records.n; i++) {
        if (f->answer.row[i] < n) {
            v->answer.row[v->answer.records.n] = f->answer.row[i];
            v->answer.records.record[v->answer.records.n++] = f->answer.records.record[i];
        }
    }
    f->view = mem_resize(f->view, (size_t)f->n_views + 1, sizeof(struct view *));
    f->view[f->n_views++] = v;
    return &v->answer;
}

static int shared_pictures(const struct study *s, int wanted)
{
    int shared = s->searched > 0 && s->searched < s->n ? s->searched : s->n;

    return shared > wanted ? shared : wanted;
}

const struct sis_answer *study_sis(struct study *s, const struct sis_question *q, struct err *err)
{
    struct sis_question wanted = *q;

    wanted.n = q->n < s->n ? q->n : s->n;
    struct search *f = find_search(s, &wanted);
    if (!f) {
        struct sis_question made = wanted;
        if (q->target == TARGET_PREDICTED && q->rank == s->identity->settings.rank &&
            strcmp(baseline_name(q->baseline), s->identity->baseline) == 0)
            made.n = shared_pictures(s, wanted.n);
        f = make_search(s, &made, err);
        if (!f)
            return NULL;
        s->memory->search = mem_resize(s->memory->search, (size_t)s->memory->n + 1, sizeof(struct search *));
        s->memory->search[s->memory->n++] = f;
    }
    return view_of(f, wanted.n);
}

bool study_has_searched(const struct study *s)
{
    return s->memory->n > 0;
}

static void search_free(struct search *f)
{
    for (int i = 0; i < f->n_views; i++) {
        free(f->view[i]->answer.records.record);
        free(f->view[i]->answer.row);
        free(f->view[i]);
    }
    free(f->view);
    free(f->answer.row);
    sis_records_free(&f->answer.records);
    free(f);
}

void study_forget_searches(struct study_memory *m)
{
    for (int i = 0; i < m->n; i++)
        search_free(m->search[i]);
    free(m->search);
}
