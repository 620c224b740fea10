/* The pass over all pictures: each file is read once, and what is wanted of its bytes and of its pixels is taken. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "datasets/decode.h"
#include "datasets/jpeg_facts.h"
#include "validate/dataset/facts.h"
#include "validate/dataset/survey.h"

enum { COMPLAINTS = 1000 };

struct pass {
    struct survey *survey;
    struct picture_facts *facts; /* of both splits, training pictures first */
    pthread_mutex_t lock;        /* of the complaints */
};

static int compare_complaints(const void *a, const void *b)
{
    const struct complaint *x = a, *y = b;
    return x->split != y->split ? (x->split > y->split) - (x->split < y->split)
                                : (x->image > y->image) - (x->image < y->image);
}

/* Leaves the first COMPLAINTS by picture number, whatever order they came in. */
static void cut_complaints(struct survey *s)
{
    if (s->n_complaints)
        qsort(s->complaint, (size_t)s->n_complaints, sizeof *s->complaint, compare_complaints);
    while (s->n_complaints > COMPLAINTS)
        free(s->complaint[--s->n_complaints].text);
}

static void complain(struct pass *p, enum split split, int64_t image, const struct err *cause)
{
    struct survey *s = p->survey;
    pthread_mutex_lock(&p->lock);
    if (!s->complaint)
        s->complaint = mem_alloc(2 * COMPLAINTS, sizeof *s->complaint);
    if (s->n_complaints == 2 * COMPLAINTS)
        cut_complaints(s);
    s->complaint[s->n_complaints++] = (struct complaint){ split, image, mem_string(cause->text) };
    pthread_mutex_unlock(&p->lock);
}

/* The picture from its file, whose bytes tell how it was made. */
static bool read_file(const char *path, struct image8 *out, struct picture_facts *f, struct err *err)
{
    struct jpeg_facts jpeg;
    char *bytes = NULL;
    size_t n = 0;
    if (!file_read(path, DECODE_LIMIT_BYTES, &bytes, &n, err))
        return false;
    f->file_bytes = (int64_t)n;
    if (jpeg_facts_read((const uint8_t *)bytes, n, &jpeg)) {
        f->jpeg_quality = (uint8_t)jpeg.quality;
        f->encoder = jpeg.encoder;
    }
    bool ok = decode_bytes((const uint8_t *)bytes, n, path, out, err);
    free(bytes);
    return ok;
}

static bool note_facts(void *self, int worker, int64_t i, struct err *err)
{
    struct pass *p = self;
    const struct dataset *data = p->survey->data;
    enum split split = i < data->count[SPLIT_TRAIN] ? SPLIT_TRAIN : SPLIT_TEST;
    int64_t image = split == SPLIT_TRAIN ? i : i - data->count[SPLIT_TRAIN];
    struct picture_facts *f = &p->facts[i];
    struct image8 picture;
    struct err cause;
    (void)worker, (void)err;
    f->label = data->label(data, split, image);
    char *path = data->file(data, split, image);
    if (path ? read_file(path, &picture, f, &cause) : data->read(data, split, image, &picture, &cause)) {
        facts_measure(&picture, f);
        free(picture.pixels);
    } else {
        f->state = PICTURE_UNREADABLE;
        complain(p, split, image, &cause);
    }
    free(path);
    return true;
}

static bool any_readable(const struct survey *s)
{
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++)
        for (int64_t i = 0; i < s->data->count[split]; i++)
            if (s->facts[split][i].state != PICTURE_UNREADABLE)
                return true;
    return false;
}

static void forget(struct survey *s)
{
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        free(s->facts[split]);
        s->facts[split] = NULL;
    }
    while (s->n_complaints > 0)
        free(s->complaint[--s->n_complaints].text);
}

/* --- complaints of several ranks ---------------------------------------------------------------------------------- */

/* Bytes of one: split, picture, length of the text, text. */
enum { COMPLAINT_HEAD = 3 * sizeof(int64_t) };

static char *pack_complaints(const struct survey *s, size_t *n)
{
    *n = 0;
    for (int i = 0; i < s->n_complaints; i++)
        *n += COMPLAINT_HEAD + strlen(s->complaint[i].text);
    char *bytes = mem_alloc(*n + 1, 1), *at = bytes;
    for (int i = 0; i < s->n_complaints; i++) {
        const struct complaint *c = &s->complaint[i];
        const int64_t head[3] = { c->split, c->image, (int64_t)strlen(c->text) };
        memcpy(at, head, COMPLAINT_HEAD);
        memcpy(at + COMPLAINT_HEAD, c->text, (size_t)head[2]);
        at += COMPLAINT_HEAD + head[2];
    }
    return bytes;
}

static void unpack_complaints(struct pass *p, const char *bytes, size_t n)
{
    struct survey *s = p->survey;
    while (s->n_complaints > 0)
        free(s->complaint[--s->n_complaints].text);
    for (size_t at = 0; at < n;) {
        int64_t head[3];
        struct err cause;
        memcpy(head, bytes + at, COMPLAINT_HEAD);
        snprintf(cause.text, sizeof cause.text, "%.*s", (int)head[2], bytes + at + COMPLAINT_HEAD);
        complain(p, (enum split)head[0], head[1], &cause);
        at += COMPLAINT_HEAD + (size_t)head[2];
    }
}

/* All ranks get what any of them complained of. */
static void exchange_complaints(struct pass *p)
{
    size_t ranks = (size_t)ranks_size(), mine, *start = mem_alloc(ranks + 1, sizeof *start);
    double *size = mem_alloc(ranks, sizeof *size);
    cut_complaints(p->survey);
    char *bytes = pack_complaints(p->survey, &mine);
    size[ranks_number()] = (double)mine;
    ranks_sum_doubles(size, ranks);
    for (size_t r = 0; r < ranks; r++)
        start[r + 1] = start[r] + (size_t)size[r];
    char *all = mem_alloc(start[ranks] + 1, 1);
    memcpy(all + start[ranks_number()], bytes, mine);
    ranks_gather(all, start);
    unpack_complaints(p, all, start[ranks]);
    free(all);
    free(bytes);
    free(size);
    free(start);
}

/* --- the pass ----------------------------------------------------------------------------------------------------- */

static void take_facts(struct survey *s, const struct picture_facts *all)
{
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
        size_t n = (size_t)s->data->count[split];
        if (n == 0)
            continue;
        s->facts[split] = mem_alloc(n, sizeof *all);
        memcpy(s->facts[split], all, n * sizeof *all);
        all += n;
    }
}

bool survey_facts(struct survey *s, struct err *err)
{
    if (s->facts[s->split])
        return true;
    size_t n = (size_t)(s->data->count[SPLIT_TRAIN] + s->data->count[SPLIT_TEST]);
    struct pass pass = { .survey = s, .lock = PTHREAD_MUTEX_INITIALIZER, .facts = mem_big(n, sizeof *pass.facts) };
    const struct survey_made made = { pass.facts, sizeof *pass.facts };
    bool ok = survey_share(s, "reading all pictures", (int64_t)n, note_facts, &pass, &made, 1, err);
    if (ok && ranks_size() > 1)
        exchange_complaints(&pass);
    cut_complaints(s);
    if (ok)
        take_facts(s, pass.facts);
    mem_big_free(pass.facts, n, sizeof *pass.facts);
    if (ok && !any_readable(s))
        ok = err_run(err, "%s: not one picture can be read; the first says: %s", s->data->name, s->complaint[0].text);
    if (!ok)
        forget(s);
    return ok;
}
