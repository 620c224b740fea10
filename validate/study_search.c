#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/search.h"
#include "validate/study_parts.h"

/* A search, and the part of it that was asked for last with fewer pictures. */
struct found {
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

static int target_of(const struct study *s, enum study_target target, int row)
{
    return target == TARGET_PREDICTED ? s->predicted[row] : target == TARGET_TRUE ? s->label[row] : s->wrong[row];
}

/* Pictures that are searched, by their rows in the sample. */
struct rows {
    const struct study *study;
    enum study_target target;
};

static bool load_rows(void *self, const int64_t *row, int n, float *x, struct search_picture *picture, struct err *err)
{
    const struct rows *rows = self;
    const struct study *s = rows->study;

    (void)err;
    for (int i = 0; i < n; i++) {
        int k = (int)row[i];
        memcpy(x + (size_t)i * study_floats(s), study_x(s, k), study_floats(s) * sizeof *x);
        picture[i] = (struct search_picture){ s->label[k], s->predicted[k], target_of(s, rows->target, k) };
    }
    return true;
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

static bool search_rows(const struct study *s, const struct sis_question *q, struct sis_records *out, struct err *err)
{
    struct sis_identity id = identity_of(s, q);
    struct rows rows = { s, q->target };
    char *path = mem_format("%s/sis-%s-%s-%s-%d", s->directory ? s->directory : "", sis_rank_name(q->rank),
                            baseline_name(q->baseline), target_name(q->target), q->n);
    const struct search search = { .model = s->model,
                                   .identity = &id,
                                   .mean = s->data->mean,
                                   .image = s->image,
                                   .n = q->n,
                                   .load = load_rows,
                                   .self = &rows,
                                   .directory = s->directory ? path : NULL,
                                   .resume = s->resume,
                                   .progress = s->progress,
                                   .what = "sufficient subsets",
                                   .stop = s->stop };
    int64_t done;
    bool ok = search_run(&search, out, &done, err);

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

static struct found *make_search(struct study *s, const struct sis_question *q, struct err *err)
{
    struct sis_records records;

    if (!search_rows(s, q, &records, err))
        return NULL;
    struct found *made = mem_alloc(1, sizeof *made);
    made->question = *q;
    made->answer = (struct sis_answer){ records, find_rows(s, &records) };
    return made;
}

static struct found *find_search(struct study *s, const struct sis_question *q)
{
    for (int i = 0; i < s->memory->n; i++) {
        struct found *f = s->memory->search[i];
        if (f->question.rank == q->rank && f->question.baseline == q->baseline && f->question.target == q->target &&
            f->question.n >= q->n)
            return f;
    }
    return NULL;
}

/* Of a search, the pictures that are among the first n of the sample. */
static const struct sis_answer *view_of(struct found *f, int n)
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
    struct found *f = find_search(s, &wanted);
    if (!f) {
        struct sis_question made = wanted;
        if (q->target == TARGET_PREDICTED && q->rank == s->identity->settings.rank &&
            strcmp(baseline_name(q->baseline), s->identity->baseline) == 0)
            made.n = shared_pictures(s, wanted.n);
        f = make_search(s, &made, err);
        if (!f)
            return NULL;
        s->memory->search = mem_resize(s->memory->search, (size_t)s->memory->n + 1, sizeof(struct found *));
        s->memory->search[s->memory->n++] = f;
    }
    return view_of(f, wanted.n);
}

bool study_has_searched(const struct study *s)
{
    return s->memory->n > 0;
}

static void search_free(struct found *f)
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
