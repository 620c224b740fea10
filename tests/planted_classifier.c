#include "tests/planted_classifier.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { FLOATS = 3 * PLANTED_PIXELS };

bool planted_border(int y, int x)
{
    return y == 0 || x == 0 || y == PLANTED_SIDE - 1 || x == PLANTED_SIDE - 1;
}

bool planted_centre(int y, int x)
{
    return y >= 2 && y < 6 && x >= 2 && x < 6;
}

bool planted_all(int y, int x)
{
    return y >= 0 && x >= 0;
}

static void linear_logits(struct planted_model *m, const float *x, float *z)
{
    for (int k = 0; k < PLANTED_CLASSES; k++) {
        double sum = m->bias[k];
        for (int i = 0; i < FLOATS; i++)
            sum += (double)m->weight[k * FLOATS + i] * (x[i] - PLANTED_GREY);
        z[k] = (float)(m->scale * sum);
    }
    m->asked++;
}

static bool logits(void *self, const float *x, int n, float *z, struct err *err)
{
    (void)err;
    for (int i = 0; i < n; i++)
        linear_logits(self, x + (size_t)i * FLOATS, z + (size_t)i * PLANTED_CLASSES);
    return true;
}

/* d scalar / d z_k. */
static double slope(enum scalar scalar, const float *z, int t, int k)
{
    double others = 0, all = 0;
    for (int j = 0; j < PLANTED_CLASSES; j++) {
        double e = exp((double)z[j] - z[t]);
        all += e;
        others += j == t ? 0 : e;
    }
    double share = exp((double)z[k] - z[t]), hit = k == t;
    switch (scalar) {
    case SCALAR_MARGIN: return k == t ? 1 : -share / others;
    case SCALAR_PROBABILITY: return (hit - share / all) / all;
    case SCALAR_LOGIT: return hit;
    case SCALAR_LOSS: return share / all - hit;
    }
    return NAN;
}

static bool gradient(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                     struct err *err)
{
    (void)err;
    struct planted_model *m = self;
    for (int i = 0; i < n; i++) {
        float own[PLANTED_CLASSES], *gi = g + (size_t)i * FLOATS;
        linear_logits(m, x + (size_t)i * FLOATS, own);
        if (z)
            memcpy(z + (size_t)i * PLANTED_CLASSES, own, sizeof own);
        for (int j = 0; j < FLOATS; j++) {
            double sum = 0;
            for (int k = 0; k < PLANTED_CLASSES; k++)
                sum += slope(scalar, own, target[i], k) * m->scale * m->weight[k * FLOATS + j];
            gi[j] = (float)sum;
        }
    }
    return true;
}

struct planted_model *planted_model_new(void)
{
    struct planted_model *m = mem_alloc(1, sizeof *m);
    m->weight = mem_alloc((size_t)PLANTED_CLASSES * FLOATS, sizeof *m->weight);
    m->bias = mem_alloc(PLANTED_CLASSES, sizeof *m->bias);
    m->scale = 1;
    m->classifier = (struct classifier){ .self = m,
                                         .c = 3,
                                         .h = PLANTED_SIDE,
                                         .w = PLANTED_SIDE,
                                         .classes = PLANTED_CLASSES,
                                         .batch = 16,
                                         .logits = logits,
                                         .gradient = gradient };
    return m;
}

void planted_model_free(struct planted_model *m)
{
    if (!m)
        return;
    free(m->weight);
    free(m->bias);
    free(m);
}

void planted_model_reads(struct planted_model *m, planted_region region, float gain)
{
    for (int k = 0; k < PLANTED_CLASSES; k++)
        for (int i = 0; i < PLANTED_PIXELS; i++)
            if (region(i / PLANTED_SIDE, i % PLANTED_SIDE))
                m->weight[k * FLOATS + k * PLANTED_PIXELS + i] += gain;
}

static int set_label(const struct dataset *ds, enum split split, int64_t i)
{
    (void)ds, (void)split;
    return (int)(i % PLANTED_CLASSES);
}

static bool set_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    (void)split, (void)err;
    const struct planted_pictures *p = ds->self;
    bool other = p->mislabelled > 0 && i % p->mislabelled == 0;
    int shown = (set_label(ds, split, i) + other) % PLANTED_CLASSES;
    struct rng r = rng_stream(5, RNG_TEST, 0, (uint32_t)i);
    *out = (struct image8){ 3, PLANTED_SIDE, PLANTED_SIDE, mem_alloc(FLOATS, 1) };
    for (int j = 0; j < FLOATS; j++) {
        int k = j / PLANTED_PIXELS, y = j % PLANTED_PIXELS / PLANTED_SIDE, x = j % PLANTED_SIDE;
        float value = PLANTED_GREY + p->noise * (2 * rng_unit(&r) - 1);
        value += k != shown ? 0 : planted_border(y, x) ? p->border : planted_centre(y, x) ? p->centre : 0;
        out->pixels[j] = (uint8_t)lrintf(fminf(fmaxf(value, 0), 1) * 255);
    }
    return true;
}

static char *set_where(const struct dataset *ds, enum split split, int64_t i)
{
    (void)split;
    return mem_format("%s#%lld", ds->name, (long long)i);
}

static bool set_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    (void)err;
    struct sha256 *sha = sha256_new();
    sha256_add(sha, ds->self, sizeof(struct planted_pictures));
    sha256_finish(sha, hex);
    return true;
}

static void set_close(struct dataset *ds)
{
    free(ds->self);
    ds->self = NULL;
}

struct dataset *planted_dataset(const struct planted_pictures *pictures)
{
    static const char *const name[PLANTED_CLASSES] = { "red", "green", "blue" };
    struct dataset *ds = mem_alloc(1, sizeof *ds);
    *ds = (struct dataset){ .name = mem_string("planted"), .classes = PLANTED_CLASSES, .c = 3, .packed = true };
    ds->class_names = mem_alloc(PLANTED_CLASSES, sizeof *ds->class_names);
    for (int k = 0; k < PLANTED_CLASSES; k++) {
        ds->class_names[k] = mem_string(name[k]);
        ds->mean[k] = PLANTED_GREY;
        ds->std[k] = 0.25f;
    }
    ds->h = ds->w = PLANTED_SIDE;
    ds->count[SPLIT_TEST] = pictures->n;
    ds->self = mem_alloc(1, sizeof *pictures);
    memcpy(ds->self, pictures, sizeof *pictures);
    ds->label = set_label;
    ds->read = set_read;
    ds->where = set_where;
    ds->hash = set_hash;
    ds->close = set_close;
    return ds;
}

static struct sis_identity planted_identity(int64_t n)
{
    struct sis_identity id = { .model = mem_string("planted"),
                               .data = mem_string("planted"),
                               .split = mem_string("test"),
                               .h = PLANTED_SIDE,
                               .w = PLANTED_SIDE,
                               .k = PLANTED_CLASSES,
                               .settings = { SIS_GRADIENT, SIS_MARGIN, .per_step = 1, .candidates = 1 },
                               .target = mem_string("predicted"),
                               .baseline = mem_string(baseline_name(BASELINE_MEAN)),
                               .seed = 1,
                               .n_thresholds = 3,
                               .threshold = { 0.5, 0.9, 0.99 },
                               .n_images = n,
                               .shard = 1,
                               .shards = 1 };
    char *const hash[] = { id.weights, id.cfg, id.data_hash, id.images };
    for (int i = 0; i < 4; i++)
        memset(hash[i], 'a', SHA256_HEX - 1);
    return id;
}

void planted_study_open(struct planted_study *s, struct planted_model *m, struct dataset *data, int n)
{
    struct err err = { 0 };
    *s = (struct planted_study){ .identity = planted_identity(n) };
    s->study = (struct study){ .model = &m->classifier,
                               .data = data,
                               .split = SPLIT_TEST,
                               .identity = &s->identity,
                               .seed = 1,
                               .whole = data->count[SPLIT_TEST] };
    s->study.progress = progress_new(PROGRESS_QUIET, "pictures");
    cr_assert(study_open(&s->study, n, &err), "%s", err.text);
}

void planted_study_close(struct planted_study *s)
{
    struct progress *progress = s->study.progress;
    study_close(&s->study);
    progress_free(progress);
    free(s->identity.model);
    free(s->identity.data);
    free(s->identity.split);
    free(s->identity.target);
    free(s->identity.baseline);
}

struct policy_check planted_policy(const char *kind, enum side side, double limit)
{
    const struct check_type *type = check_type_find(check_types, kind);
    cr_assert(type, "%s is not in the table", kind);
    return (struct policy_check){ .type = type,
                                  .id = (char *)type->kind,
                                  .side = side,
                                  .limit = limit,
                                  .gates = side != SIDE_NONE,
                                  .threshold = type->threshold,
                                  .fraction = type->fraction,
                                  .width = type->width };
}

static void expect_readable(const char *what, const char *text, bool required)
{
    cr_assert(text || !required, "no %s", what);
    if (!text)
        return;
    cr_assert(*text || !required, "%s is empty", what);
    cr_assert(!strchr(text, '\n') && !strstr(text, "  "), "%s is not one tidy line: %s", what, text);
    cr_assert(!strcasestr(text, "nan") && !strcasestr(text, "inf ") && !strcasestr(text, "inf%"), "%s: %s", what, text);
}

static void expect_readable_figure(const struct figure *f)
{
    expect_readable("heading", f->heading, true);
    expect_readable("caption", f->caption, true);
    expect_readable("description", f->description, f->kind != FIGURE_PICTURES);
    for (int i = 0; i < f->n_rows; i++) {
        expect_readable("row", f->row[i].name, true);
        cr_assert(f->row[i].low <= f->row[i].value && f->row[i].value <= f->row[i].high, "%s: interval misses value",
                  f->row[i].name);
    }
    for (int i = 0; i < f->n_pictures; i++)
        expect_readable("alt", f->picture[i].alt, true);
}

static void expect_readable_check(const struct check *c)
{
    expect_readable("question", c->question, true);
    expect_readable("asks", c->asks, true);
    expect_readable("found", c->found, true);
    expect_readable("means", c->means, true);
    expect_readable("act", c->act, true);
    expect_readable("measure", c->measure, true);
    expect_readable("fact's heading", c->fact.heading, false);
    expect_readable("fact's sentence", c->fact.sentence, c->fact.heading != NULL);
    for (int i = 0; i < c->fact.n_pictures; i++) {
        expect_readable("alt", c->fact.picture[i].alt, true);
        cr_assert(c->fact.picture[i].pixels);
    }
    for (int i = 0; i < c->n_figures; i++)
        expect_readable_figure(&c->figure[i]);
    cr_assert(c->of && strcmp(c->kind, "") != 0);
    cr_assert(c->estimate.low <= c->estimate.value && c->estimate.value <= c->estimate.high, "%g to %g misses %g",
              c->estimate.low, c->estimate.high, c->estimate.value);
    char *json = json_dumps(c->details, JSON_COMPACT); /* NULL for a number that is not finite */
    cr_assert(!c->details || json, "details cannot be written");
    free(json);
}

bool planted_run(struct planted_study *s, const struct policy_check *p, int n, struct check *out, struct err *err)
{
    *out = (struct check){ 0 };
    *err = (struct err){ 0 };
    if (!p->type->run(&s->study, p, n, out, err)) {
        cr_assert(*err->text && err->status != EXIT_OK, "failed without a word");
        check_free(out);
        *out = (struct check){ 0 };
        return false;
    }
    out->side = p->side;
    out->limit = p->limit;
    out->gates = p->gates;
    out->status = out->unwaived = check_decide(&out->estimate, p->side, p->limit);
    expect_readable_check(out);
    return true;
}
