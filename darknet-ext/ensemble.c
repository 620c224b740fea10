#include "darknet-ext/ensemble.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "darknet-ext/ops.h"
#include "darknet-ext/weights.h"

struct member {
    struct net_cfg *cfg;
    struct model *model;
};

struct ensemble {
    int n;
    enum combine combine;
    struct member *member; /* [n] */
};

/* ---- opening ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether a member takes the same pictures to the same classes as the first. */
static bool check_alike(const struct net_cfg *first, const struct net_cfg *other, struct err *err)
{
    static const char remedy[] = "an ensemble needs members that were trained on the same task";

    if (other->c != first->c || other->h != first->h || other->w != first->w)
        return err_usage(err, "%s: takes pictures of %dx%dx%d, but %s takes %dx%dx%d; %s", other->path, other->c,
                         other->h, other->w, first->path, first->c, first->h, first->w, remedy);
    if (other->classes != first->classes)
        return err_usage(err, "%s: tells %d classes apart, but %s tells %d; %s", other->path, other->classes,
                         first->path, first->classes, remedy);
    if (!same_text(other->dataset, first->dataset))
        return err_usage(err, "%s: dataset is %s, but in %s it is %s; %s", other->path,
                         other->dataset ? other->dataset : "not given", first->path,
                         first->dataset ? first->dataset : "not given", remedy);
    if (!(other->test_resize == first->test_resize))
        return err_usage(err, "%s: test_resize is %g, but in %s it is %g; %s", other->path, (double)other->test_resize,
                         first->path, (double)first->test_resize, remedy);
    return true;
}

static bool open_member(struct ensemble *e, int i, const struct ensemble_options *o, struct err *err)
{
    struct member *m = &e->member[i];
    struct model_options options = { .threads = o->threads,
                                     .precision = PRECISION_F32,
                                     .beside = i ? e->member[0].model : o->beside };
    uint64_t seen;

    if (!cfg_read(o->cfg[i], &m->cfg, err))
        return false;
    if (m->cfg->members)
        return err_usage(err, "%s: describes an ensemble itself; name its members one by one", m->cfg->path);
    if (!check_alike(e->member[0].cfg, m->cfg, err))
        return false;
    float *values = mem_alloc((size_t)m->cfg->stored + 1, sizeof *values);
    bool ok = weights_read(o->weights[i], m->cfg, values, &seen, err) && model_open(m->cfg, &options, &m->model, err);
    if (ok)
        model_set_parameters(m->model, values);
    free(values);
    return ok;
}

bool ensemble_open(const struct ensemble_options *o, struct ensemble **out, struct err *err)
{
    assert(o->n >= 1 && o->n <= ENSEMBLE_MOST);
    struct ensemble *e = mem_alloc(1, sizeof *e);

    *e = (struct ensemble){ o->n, o->combine, mem_alloc((size_t)o->n, sizeof *e->member) };
    for (int i = 0; i < o->n; i++)
        if (!open_member(e, i, o, err)) {
            ensemble_close(e);
            return false;
        }
    *out = e;
    return true;
}

void ensemble_close(struct ensemble *e)
{
    if (!e)
        return;
    for (int i = e->n - 1; i >= 0; i--) { /* the first owns what the others use */
        model_close(e->member[i].model);
        cfg_free(e->member[i].cfg);
    }
    free(e->member);
    free(e);
}

int ensemble_members(const struct ensemble *e)
{
    return e->n;
}

const struct net_cfg *ensemble_cfg(const struct ensemble *e, int member)
{
    assert(member >= 0 && member < e->n);
    return e->member[member].cfg;
}

uint64_t ensemble_state_hash(const struct ensemble *e)
{
    uint64_t h = model_state_hash(e->member[0].model);

    for (int i = 1; i < e->n; i++)
        h = (h ^ model_state_hash(e->member[i].model)) * 0x100000001b3u; /* FNV-1a */
    return h;
}

/* ---- one answer from many ----
 *
 * Of one image: logits u_e of member e, classes c and k. COMBINE_PROBABILITY with p_e = softmax(u_e):
 *
 *   z_c = log (1/n) sum_e p_ec                r_ec = p_ec / sum_f p_fc    (the part of e in the mean)
 *   dz_c / du_ek = r_ec ([c = k] - p_ek)
 *
 * so that a gradient d at z becomes d_k r_ek - p_ek sum_c d_c r_ec at u_e. */

/* The logits of one image by all members: member e's start at u + e * stride. */
struct votes {
    float *u;
    size_t stride;
    int n, classes;
};

/* a[classes] = log softmax of u. NaN in, NaN out. */
static void log_softmax(const float *u, int classes, double *a)
{
    double most = -INFINITY, sum = 0;

    for (int k = 0; k < classes; k++)
        if (!(u[k] <= most))
            most = u[k];
    for (int k = 0; k < classes; k++)
        sum += exp(u[k] - most);
    for (int k = 0; k < classes; k++)
        a[k] = u[k] - most - log(sum);
}

/* No logarithm falls out of the range of float. */
static float float_of(double z)
{
    return z < -FLT_MAX ? -FLT_MAX : (float)z;
}

static void mean_of_logits(const struct votes *v, float *z)
{
    for (int k = 0; k < v->classes; k++) {
        double sum = 0;
        for (int e = 0; e < v->n; e++)
            sum += v->u[(size_t)e * v->stride + (size_t)k];
        z[k] = (float)(sum / v->n);
    }
}

/* z as above; a[n,classes] = log p; r[n,classes], or NULL. */
static void log_of_mean(const struct votes *v, float *z, double *a, double *r)
{
    int classes = v->classes;

    for (int e = 0; e < v->n; e++)
        log_softmax(v->u + (size_t)e * v->stride, classes, a + e * classes);
    for (int k = 0; k < classes; k++) {
        double most = -INFINITY, sum = 0;
        for (int e = 0; e < v->n; e++)
            if (!(a[e * classes + k] <= most))
                most = a[e * classes + k];
        for (int e = 0; e < v->n; e++)
            sum += exp(a[e * classes + k] - most);
        z[k] = float_of(most + log(sum / v->n));
        for (int e = 0; r && e < v->n; e++)
            r[e * classes + k] = exp(a[e * classes + k] - most) / sum;
    }
}

/* u_e = gradient there, from d[classes] at z. */
static void spread_gradient(const struct votes *v, const double *a, const double *r, const float *d)
{
    for (int e = 0; e < v->n; e++) {
        float *u = v->u + (size_t)e * v->stride;
        const double *log_p = a + e * v->classes, *part = r + e * v->classes;
        double through = 0;
        for (int k = 0; k < v->classes; k++)
            through += d[k] * part[k];
        for (int k = 0; k < v->classes; k++)
            u[k] = (float)(d[k] * part[k] - exp(log_p[k]) * through);
    }
}

/* ---- struct classifier ---- */

/* u[n_members,n,K] */
static bool ask_members(struct ensemble *e, const float *x, int n, float *u, struct err *err)
{
    struct evaluation evaluation = { .x = x, .n = n, .samples = -1 };
    size_t each = (size_t)n * (size_t)e->member[0].cfg->classes;

    for (int i = 0; i < e->n; i++)
        if (!model_logits(e->member[i].model, &evaluation, u + (size_t)i * each, err))
            return false;
    return true;
}

/* Memory of one call. */
struct work {
    float *u;      /* [members,n,K] logits, then gradients at them */
    float *z, *d;  /* [K] */
    double *a, *r; /* [members,K] */
};

static struct work work_new(const struct ensemble *e, int n)
{
    size_t classes = (size_t)e->member[0].cfg->classes, members = (size_t)e->n;

    return (struct work){ .u = mem_alloc(members * (size_t)n + 1, classes * sizeof(float)),
                          .z = mem_alloc(classes, sizeof(float)),
                          .d = mem_alloc(classes, sizeof(float)),
                          .a = mem_alloc(members * classes, sizeof(double)),
                          .r = mem_alloc(members * classes, sizeof(double)) };
}

static void work_free(struct work *w)
{
    free(w->u);
    free(w->z);
    free(w->d);
    free(w->a);
    free(w->r);
}

static struct votes votes_on(const struct ensemble *e, const struct work *w, int n, int image)
{
    int classes = e->member[0].cfg->classes;

    return (struct votes){ w->u + (size_t)image * (size_t)classes, (size_t)n * (size_t)classes, e->n, classes };
}

static void combine(const struct ensemble *e, const struct votes *v, struct work *w, float *z)
{
    if (e->combine == COMBINE_LOGIT)
        mean_of_logits(v, z);
    else
        log_of_mean(v, z, w->a, w->r);
}

static bool logits(void *self, const float *x, int n, float *z, struct err *err)
{
    struct ensemble *e = self;
    struct work w = work_new(e, n);
    bool ok = ask_members(e, x, n, w.u, err);

    for (int i = 0; ok && i < n; i++) {
        struct votes v = votes_on(e, &w, n, i);
        combine(e, &v, &w, z + (size_t)i * (size_t)v.classes);
    }
    work_free(&w);
    return ok;
}

/* The logits of image i in w become gradients at them. */
static void turn(const struct ensemble *e, struct work *w, int n, int i, enum scalar scalar, int target)
{
    struct votes v = votes_on(e, w, n, i);

    combine(e, &v, w, w->z);
    scalar_gradient(scalar, w->z, v.classes, target, w->d);
    if (e->combine == COMBINE_PROBABILITY)
        spread_gradient(&v, w->a, w->r, w->d);
    else
        for (int k = 0; k < e->n; k++)
            memcpy(v.u + (size_t)k * v.stride, w->d, (size_t)v.classes * sizeof *w->d);
}

static bool gradient(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g, float *z,
                     struct err *err)
{
    struct ensemble *e = self;
    struct work w = work_new(e, n);
    size_t classes = (size_t)e->member[0].cfg->classes;
    float scale = e->combine == COMBINE_LOGIT ? 1.0f / (float)e->n : 1;
    bool ok = ask_members(e, x, n, w.u, err);

    for (int i = 0; ok && i < n; i++) {
        turn(e, &w, n, i, scalar, target[i]);
        if (z)
            memcpy(z + (size_t)i * classes, w.z, classes * sizeof *z);
    }
    for (int k = 0; ok && k < e->n; k++)
        ok =
            model_gradient_along(e->member[k].model, x, n, w.u + (size_t)k * (size_t)n * classes, scale, k > 0, g, err);
    work_free(&w);
    return ok;
}

struct classifier ensemble_classifier(struct ensemble *e)
{
    struct classifier c = model_classifier(e->member[0].model);

    if (e->n == 1)
        return c;
    c.self = e;
    c.logits = logits;
    c.gradient = gradient;
    return c;
}
