/* The pass over all pictures: each file is read once, and what is wanted of its bytes and of its pixels is taken. */
#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "datasets/decode.h"
#include "datasets/jpeg_facts.h"
#include "validate/dataset/facts.h"
#include "validate/dataset/survey.h"

enum { COMPLAINTS = 1000 };

struct pass {
    struct survey *survey;
    pthread_mutex_t lock; /* of the complaints */
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
    struct picture_facts *f = &p->survey->facts[split][image];
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

bool survey_facts(struct survey *s, struct err *err)
{
    const int64_t *count = s->data->count;
    if (s->facts[s->split])
        return true;
    struct pass pass = { .survey = s, .lock = PTHREAD_MUTEX_INITIALIZER };
    for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++)
        if (count[split])
            s->facts[split] = mem_alloc((size_t)count[split], sizeof *s->facts[split]);
    bool ok = survey_each(s, "reading all pictures", count[SPLIT_TRAIN] + count[SPLIT_TEST], note_facts, &pass, err);
    cut_complaints(s);
    if (ok && !any_readable(s))
        ok = err_run(err, "%s: not one picture can be read; the first says: %s", s->data->name, s->complaint[0].text);
    if (!ok)
        forget(s);
    return ok;
}
