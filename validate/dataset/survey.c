#include "validate/dataset/survey.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "base/share.h"
#include "validate/dataset/duplicates.h"
#include "validate/dataset/survey_memory.h"

/* Of several ranks each gets a block of the numbers so often, at least: then none waits long for another. */
enum { SHARED_BLOCKS = 64 };

bool survey_open(struct survey *s, struct err *err)
{
    s->split = s->data->count[SPLIT_TRAIN] > 0 ? SPLIT_TRAIN : SPLIT_TEST;
    if (s->data->count[s->split] < 1)
        return err_run(err, "%s: no picture in it; correct the path", s->data->name);
    s->geometry = picture_geometry(s->data);
    s->memory = mem_alloc(1, sizeof *s->memory);
    return true;
}

static void free_sample(struct survey *s)
{
    free(s->image);
    free(s->label);
    free(s->fold);
}

void survey_close(struct survey *s)
{
    if (!s->memory)
        return;
    for (int i = 0; i < s->n_complaints; i++)
        free(s->complaint[i].text);
    for (int i = 0; i < s->memory->n_suspects; i++)
        free(s->memory->suspect[i].why);
    free(s->complaint);
    free(s->facts[SPLIT_TRAIN]);
    free(s->facts[SPLIT_TEST]);
    free_sample(s);
    duplicates_free(s->duplicates);
    free(s->memory->suspect);
    free(s->memory->order);
    free(s->memory->tried);
    free(s->memory);
    s->memory = NULL;
}

bool survey_all_go_on(const struct survey *s, struct err *err)
{
    if (!ranks_any(s->stop && s->stop()))
        return true;
    err_run(err, "interrupted");
    err->status = EXIT_INTERRUPTED;
    return false;
}

bool survey_goes_on(const struct survey *s, struct err *err)
{
    return ranks_size() > 1 || survey_all_go_on(s, err);
}

void survey_tell(const struct survey *s, const char *what, double done, double total)
{
    if (s->progress)
        progress_update(s->progress, what, done, total, done, total, "");
}

/* --- work on the team --------------------------------------------------------------------------------------------- */

struct errand {
    const struct survey *survey;
    const char *what;
    int64_t n, done; /* of the whole pass, for the progress line */
    bool (*work)(void *self, int worker, int64_t i, struct err *err);
    void *self;
    bool (*stop)(void);
    int64_t first, end; /* the numbers that are worked on */
    atomic_int_fast64_t next;
    atomic_bool halted;
    struct failure {
        int64_t i; /* end: none */
        struct err err;
    } * failure; /* [members] */
};

/* Numbers are handed out in rising order and what is begun is finished, so the first failure is always found. The
 * caller's thread alone looks at the clock and for signals. */
static void run_errand(void *arg, int member, int size)
{
    struct errand *e = arg;
    struct failure *mine = &e->failure[member];
    (void)size;
    mine->i = e->end;
    while (!atomic_load_explicit(&e->halted, memory_order_relaxed)) {
        int64_t i = atomic_fetch_add_explicit(&e->next, 1, memory_order_relaxed);
        if (i >= e->end)
            return;
        if (!e->work(e->self, member, i, &mine->err)) {
            mine->i = i;
            atomic_store(&e->halted, true);
        }
        if (member == 0) {
            survey_tell(e->survey, e->what, (double)(e->done + i + 1 - e->first), (double)e->n);
            if (e->stop && e->stop())
                atomic_store(&e->halted, true);
        }
    }
}

/* The numbers first..first+count-1. */
static bool run_block(struct errand *e, int64_t first, int64_t count, struct err *err)
{
    struct team *team = e->survey->team;
    int members = team_size(team), least = 0;
    e->first = first;
    e->end = first + count;
    atomic_store(&e->next, first);
    atomic_store(&e->halted, false);
    e->failure = mem_alloc((size_t)members, sizeof *e->failure);
    team_run(team, run_errand, e);
    for (int m = 1; m < members; m++)
        if (e->failure[m].i < e->failure[least].i)
            least = m;
    bool ok = e->failure[least].i == e->end;
    if (!ok)
        *err = e->failure[least].err;
    free(e->failure);
    return ok;
}

bool survey_each(const struct survey *s, const char *what, int64_t n,
                 bool (*work)(void *self, int worker, int64_t i, struct err *err), void *self, struct err *err)
{
    struct errand e = { .survey = s, .what = what, .n = n, .work = work, .self = self };
    e.stop = ranks_size() > 1 ? NULL : s->stop; /* several ranks stop together, or not at all */
    return run_block(&e, 0, n, err) && survey_goes_on(s, err);
}

bool survey_share(const struct survey *s, const char *what, int64_t n,
                  bool (*work)(void *self, int worker, int64_t i, struct err *err), void *self,
                  const struct survey_made *made, int n_made, struct err *err)
{
    struct errand e = { .survey = s, .what = what, .n = n, .work = work, .self = self, .stop = s->stop };
    struct share share;
    int64_t first, count;
    bool ok = true;
    share_begin(&share, n, n / SHARED_BLOCKS + team_size(s->team), s->stop);
    while (ok && share_next(&share, &first, &count)) { /* false, too, when the last block was stopped */
        e.done = share_all_done(&share);
        ok = run_block(&e, first, count, err);
        share_done(&share, count);
    }
    ok = share_end(&share, ok, err);
    for (int k = 0; ok && k < n_made; k++)
        share_exchange(&share, made[k].array, made[k].size);
    share_free(&share);
    return ok;
}

/* --- the sample --------------------------------------------------------------------------------------------------- */

static void make_order(struct survey *s)
{
    uint32_t count = (uint32_t)s->data->count[s->split];
    struct rng r = rng_stream(s->seed, RNG_SAMPLE, 0, 0);
    s->memory->order = mem_alloc(count, sizeof *s->memory->order);
    rng_permutation(&r, count, s->memory->order);
    s->memory->tried = mem_alloc(count, sizeof *s->memory->tried);
}

static bool try_picture(void *self, int worker, int64_t i, struct err *err)
{
    struct survey *s = self;
    struct image8 picture;
    struct err cause;
    uint32_t image = s->memory->order[s->memory->first_untried + i];
    (void)worker, (void)err;
    bool good = survey_read(s, s->split, image, &picture, &cause);
    s->memory->tried[image] = good ? TRIED_GOOD : TRIED_BAD;
    if (good)
        free(picture.pixels);
    return true;
}

static bool is_good(const struct survey *s, uint32_t image)
{
    return s->facts[s->split] ? s->facts[s->split][image].state != PICTURE_UNREADABLE
                              : s->data->packed || s->memory->tried[image] == TRIED_GOOD;
}

/* Good pictures in drawn[], at most n, of the first `end` of the order. */
static int64_t collect(const struct survey *s, int64_t end, int64_t n, uint32_t *drawn)
{
    int64_t found = 0;
    for (int64_t j = 0; j < end && found < n; j++)
        if (is_good(s, s->memory->order[j]))
            drawn[found++] = s->memory->order[j];
    return found;
}

/* Draws as many pictures as are good, n at most; tries those that nobody has looked at yet. */
static bool draw(struct survey *s, int64_t n, uint32_t *drawn, int64_t *found, struct err *err)
{
    struct survey_memory *m = s->memory;
    int64_t count = s->data->count[s->split];
    if (s->facts[s->split] || s->data->packed) {
        *found = collect(s, count, n, drawn);
        return true;
    }
    while ((*found = collect(s, m->first_untried, n, drawn)) < n && m->first_untried < count) {
        int64_t more = n - *found, left = count - m->first_untried;
        more = more < left ? more : left;
        if (!survey_each(s, "looking for readable pictures", more, try_picture, s, err))
            return false;
        m->first_untried += more;
    }
    return true;
}

static int compare_drawn(const void *a, const void *b, void *drawn)
{
    uint32_t x = ((const uint32_t *)drawn)[*(const uint32_t *)a], y = ((const uint32_t *)drawn)[*(const uint32_t *)b];
    return (x > y) - (x < y);
}

/* Folds go by the place in the drawing, which is random: they differ by one picture at most, and a larger sample keeps
 * those of a smaller one. */
static void fill_sample(struct survey *s, const uint32_t *drawn, int64_t n)
{
    uint32_t *place = mem_alloc((size_t)n, sizeof *place);
    for (int64_t j = 0; j < n; j++)
        place[j] = (uint32_t)j;
    qsort_r(place, (size_t)n, sizeof *place, compare_drawn, (void *)drawn);
    free_sample(s);
    s->n = (int)n;
    s->image = mem_alloc((size_t)n, sizeof *s->image);
    s->label = mem_alloc((size_t)n, sizeof *s->label);
    s->fold = mem_alloc((size_t)n, sizeof *s->fold);
    for (int64_t k = 0; k < n; k++) {
        s->image[k] = drawn[place[k]];
        s->label[k] = s->data->label(s->data, s->split, s->image[k]);
        s->fold[k] = (uint8_t)(place[k] % SURVEY_FOLDS);
    }
    free(place);
}

bool survey_sample(struct survey *s, int64_t n, struct err *err)
{
    int64_t count = s->data->count[s->split], found = 0;
    n = n < 1 || n > count ? count : n;
    if (s->n > 0 && n <= s->memory->asked)
        return true;
    if (!s->memory->order)
        make_order(s);
    uint32_t *drawn = mem_alloc((size_t)n, sizeof *drawn);
    bool ok = draw(s, n, drawn, &found, err);
    if (ok && found == 0)
        ok = err_run(err, "%s: not one of its %lld pictures can be read; see that the files are pictures",
                     s->data->name, (long long)count);
    if (ok) {
        fill_sample(s, drawn, found);
        s->memory->asked = n;
    }
    free(drawn);
    return ok;
}

struct visit {
    const struct survey *survey;
    const int *row;
    float *x; /* [members,c,h,w] */
    size_t floats;
    void (*visit)(void *self, int worker, int i, const float *x);
    void *self;
};

static bool visit_one(void *self, int worker, int64_t i, struct err *err)
{
    struct visit *v = self;
    const struct survey *s = v->survey;
    float *x = v->x + (size_t)worker * v->floats;
    if (!picture_read(s->data, s->split, s->image[v->row[i]], &s->geometry, s->view, NULL, x, err))
        return false;
    v->visit(v->self, worker, (int)i, x);
    return true;
}

bool survey_visit(struct survey *s, const char *what, const int *row, int n,
                  void (*visit)(void *self, int worker, int i, const float *x), void *self,
                  const struct survey_made *made, int n_made, struct err *err)
{
    struct visit v = { .survey = s, .row = row, .visit = visit, .self = self };
    size_t members = (size_t)team_size(s->team);
    assert(s->n > 0);
    v.floats = (size_t)s->geometry.c * (size_t)s->geometry.h * (size_t)s->geometry.w;
    v.x = mem_big(members * v.floats, sizeof *v.x);
    bool ok = survey_share(s, what, n, visit_one, &v, made, n_made, err);
    mem_big_free(v.x, members * v.floats, sizeof *v.x);
    return ok;
}

bool survey_read(struct survey *s, enum split split, int64_t image, struct image8 *out, struct err *err)
{
    return s->data->read(s->data, split, image, out, err);
}

double survey_majority(const struct survey *s)
{
    int64_t *count = mem_alloc((size_t)s->data->classes, sizeof *count), most = 0;
    for (int k = 0; k < s->n; k++)
        count[s->label[k]]++;
    for (int k = 0; k < s->data->classes; k++)
        most = count[k] > most ? count[k] : most;
    free(count);
    return s->n ? (double)most / s->n : 0;
}

void survey_suspect(struct survey *s, enum split split, int64_t image, const char *check, char *why)
{
    struct survey_memory *m = s->memory;
    if (m->n_suspects == m->suspects_room) {
        m->suspects_room = m->suspects_room ? 2 * m->suspects_room : 64;
        m->suspect = mem_resize(m->suspect, (size_t)m->suspects_room, sizeof *m->suspect);
    }
    m->suspect[m->n_suspects++] = (struct suspect){ split, image, check, why };
}

int survey_suspects(const struct survey *s, const struct suspect **out)
{
    *out = s->memory->suspect;
    return s->memory->n_suspects;
}
