/* Several networks as one: the formulas against their definitions and central differences, one alone as itself, threads
 * and workspace that are shared, members that do not belong together. */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "darknet-ext/ensemble.h"
#include "darknet-ext/weights.h"
#include "tests/data_fixture.h"
#include "tests/model_fixture.h"

TestSuite(ensemble, .init = fixture_set_up, .fini = fixture_clean_up, .timeout = 300);

/* Members as files, and the ensemble made of them. */
struct members {
    int n;
    char *cfg[4], *weights[4];
    struct ensemble *ensemble;
    struct classifier classifier;
    float x[BATCH * PIXELS];
    int label[BATCH];
};

/* Writes a member with the fixture's parameters, those of the last layer times `gain`: members of one text differ. */
static void add_text(struct members *m, const char *text, float gain)
{
    struct fixture f = open_net(text, false, 1, PRECISION_F32);
    char name[32];
    struct err err;

    for (int64_t i = f.cfg->stored - f.cfg->layers[f.cfg->n - 2].stored; i < f.cfg->stored; i++)
        f.values[i] *= gain;
    snprintf(name, sizeof name, "%d/resolved.cfg", m->n);
    fixture_text(name, text);
    m->cfg[m->n] = mem_string(fixture_path(name));
    snprintf(name, sizeof name, "%d/final.weights", m->n);
    m->weights[m->n] = mem_string(fixture_path(name));
    cr_assert(weights_write(m->weights[m->n], f.cfg, f.values, 0, &err), "%s", err.text);
    memcpy(m->x, f.x, sizeof m->x);
    memcpy(m->label, f.label, sizeof m->label);
    m->n++;
    close_net(&f);
}

static void add(struct members *m, const char *net, float gain)
{
    add_text(m, net_text(net), gain);
}

static bool try_open(struct members *m, enum combine combine, struct err *err)
{
    struct ensemble_options o = { .n = m->n,
                                  .cfg = (const char *const *)m->cfg,
                                  .weights = (const char *const *)m->weights,
                                  .combine = combine,
                                  .threads = 1 };
    return ensemble_open(&o, &m->ensemble, err);
}

static void open_members(struct members *m, enum combine combine)
{
    struct err err;
    cr_assert(try_open(m, combine, &err), "%s", err.text);
    cr_assert_eq(ensemble_members(m->ensemble), m->n);
    m->classifier = ensemble_classifier(m->ensemble);
}

static void close_members(struct members *m)
{
    ensemble_close(m->ensemble);
    for (int i = 0; i < m->n; i++) {
        free(m->cfg[i]);
        free(m->weights[i]);
    }
}

static void ask(const struct classifier *c, const float *x, int n, float *z)
{
    struct err err;
    cr_assert(c->logits(c->self, x, n, z, &err), "%s", err.text);
}

static void derive(const struct classifier *c, const float *x, int n, enum scalar s, const int *t, float *g, float *z)
{
    struct err err;
    cr_assert(c->gradient(c->self, x, n, s, t, g, z, &err), "%s", err.text);
}

/* Member i as a model of its own. */
static struct model *alone(const struct members *m, int i)
{
    struct model_options options = { .threads = 1, .precision = PRECISION_F32 };
    const struct net_cfg *cfg = ensemble_cfg(m->ensemble, i);
    float *values = mem_alloc((size_t)cfg->stored, sizeof *values);
    struct model *model;
    struct err err;
    uint64_t seen;

    cr_assert(weights_read(m->weights[i], cfg, values, &seen, &err) && model_open(cfg, &options, &model, &err), "%s",
              err.text);
    model_set_parameters(model, values);
    free(values);
    return model;
}

Test(ensemble, one_member_alone_is_the_model_itself)
{
    for (enum combine rule = COMBINE_LOGIT; rule <= COMBINE_PROBABILITY; rule++) {
        struct members m = { 0 };
        float z[BATCH * CLASSES], zm[BATCH * CLASSES], g[BATCH * PIXELS], gm[BATCH * PIXELS];
        add(&m, "identity shortcut", 1);
        open_members(&m, rule);
        struct model *model = alone(&m, 0);
        struct classifier c = model_classifier(model);
        ask(&m.classifier, m.x, BATCH, z);
        ask(&c, m.x, BATCH, zm);
        cr_expect(!memcmp(z, zm, sizeof z) && norm2(z, NULL, BATCH * CLASSES) > 0.1);
        derive(&m.classifier, m.x, BATCH, SCALAR_MARGIN, m.label, g, z);
        derive(&c, m.x, BATCH, SCALAR_MARGIN, m.label, gm, zm);
        cr_expect(!memcmp(z, zm, sizeof z) && !memcmp(g, gm, sizeof g) && norm2(g, NULL, PIXELS) > 1e-4);
        cr_expect(ensemble_state_hash(m.ensemble) == model_state_hash(model));
        model_close(model);
        close_members(&m);
    }
}

/* Different architectures, one of them with layers that Darknet runs, one that drops pixels at test time. */
static void add_four(struct members *m)
{
    add(m, "conv with batch norm, relu", 1);
    add(m, "identity shortcut", 3);
    add(m, "input dropout at test time, three samples", 1);
    add(m, "upsample", 1.2f);
}

/* The definitions, in double: u[n][K] the members' logits of one image. */
static void by_definition(enum combine rule, double u[][CLASSES], int n, double *z)
{
    for (int k = 0; k < CLASSES; k++) {
        double sum = 0;
        for (int e = 0; e < n; e++) {
            double all = 0;
            for (int c = 0; c < CLASSES; c++)
                all += exp(u[e][c]);
            sum += rule == COMBINE_LOGIT ? u[e][k] : exp(u[e][k]) / all;
        }
        z[k] = rule == COMBINE_LOGIT ? sum / n : log(sum / n);
    }
}

Test(ensemble, logits_are_the_mean_of_the_members_answers)
{
    for (enum combine rule = COMBINE_LOGIT; rule <= COMBINE_PROBABILITY; rule++) {
        struct members m = { 0 };
        float z[BATCH * CLASSES], each[4][BATCH * CLASSES];
        add_four(&m);
        open_members(&m, rule);
        ask(&m.classifier, m.x, BATCH, z);
        for (int e = 0; e < 4; e++) {
            struct model *model = alone(&m, e);
            struct classifier c = model_classifier(model);
            ask(&c, m.x, BATCH, each[e]);
            model_close(model);
        }
        cr_assert(norm2(each[0], each[1], BATCH * CLASSES) > 0.1, "the members agree, so that nothing is tested");
        for (int i = 0; i < BATCH; i++) {
            double u[4][CLASSES], expected[CLASSES];
            for (int e = 0; e < 4; e++)
                for (int k = 0; k < CLASSES; k++)
                    u[e][k] = each[e][i * CLASSES + k];
            by_definition(rule, u, 4, expected);
            for (int k = 0; k < CLASSES; k++)
                cr_expect(fabs(z[i * CLASSES + k] - expected[k]) <= 1e-6 * (1 + fabs(expected[k])), "%g, not %g",
                          z[i * CLASSES + k], expected[k]);
        }
        close_members(&m);
    }
}

static double scalar_of(enum scalar s, const float *z, int t)
{
    double sum = 0, others = 0;
    for (int c = 0; c < CLASSES; c++) {
        sum += exp(z[c]);
        others += c == t ? 0 : exp(z[c]);
    }
    double p = exp(z[t]) / sum;
    return s == SCALAR_LOGIT ? z[t] : s == SCALAR_PROBABILITY ? p : s == SCALAR_LOSS ? -log(p) : z[t] - log(others);
}

static double scalar_along(const struct members *m, enum scalar s, int i, const float *d, float h)
{
    float x[PIXELS], z[CLASSES];
    for (int j = 0; j < PIXELS; j++)
        x[j] = m->x[i * PIXELS + j] + h * d[j];
    ask(&m->classifier, x, 1, z);
    return scalar_of(s, z, m->label[i]);
}

static void check_gradient(const struct members *m, enum scalar s)
{
    float g[BATCH * PIXELS], z[BATCH * CLASSES], d[PIXELS], h = 5e-3f;
    derive(&m->classifier, m->x, BATCH, s, m->label, g, z);
    for (int i = 0; i < 2; i++) {
        double size = norm2(g + i * PIXELS, NULL, PIXELS);
        cr_assert(size > 1e-5, "scalar %d: no gradient", s);
        for (int j = 0; j < PIXELS; j++)
            d[j] = (float)(g[i * PIXELS + j] / size);
        double slope = (scalar_along(m, s, i, d, h) - scalar_along(m, s, i, d, -h)) / (2.0 * h);
        cr_expect(fabs(slope - size) <= 0.01 * size + 1e-5, "scalar %d: slope %g, gradient %g", s, slope, size);
    }
}

Test(ensemble, gradients_agree_with_central_differences)
{
    for (enum combine rule = COMBINE_LOGIT; rule <= COMBINE_PROBABILITY; rule++) {
        struct members m = { 0 };
        add_four(&m);
        open_members(&m, rule);
        for (int s = SCALAR_MARGIN; s <= SCALAR_LOSS; s++)
            check_gradient(&m, (enum scalar)s);
        close_members(&m);
    }
}

/* Linear members, so that differences are exact; far apart, so that one member outvotes the other. */
Test(ensemble, gradients_of_linear_members_are_exact)
{
    for (enum combine rule = COMBINE_LOGIT; rule <= COMBINE_PROBABILITY; rule++) {
        struct members m = { 0 };
        add(&m, "no activation before the pool", 6);
        add(&m, "no activation before the pool", -4);
        open_members(&m, rule);
        for (int s = SCALAR_MARGIN; s <= SCALAR_LOSS; s++)
            check_gradient(&m, (enum scalar)s);
        close_members(&m);
    }
}

Test(ensemble, an_image_alone_gives_what_it_gives_in_a_batch_and_nothing_changes)
{
    struct members m = { 0 };
    float z[BATCH * CLASSES], g[BATCH * PIXELS], z1[CLASSES], g1[PIXELS];
    add_four(&m);
    open_members(&m, COMBINE_PROBABILITY);
    uint64_t before = ensemble_state_hash(m.ensemble);
    derive(&m.classifier, m.x, BATCH, SCALAR_MARGIN, m.label, g, z);
    for (int i = 0; i < BATCH; i++) {
        derive(&m.classifier, m.x + i * PIXELS, 1, SCALAR_MARGIN, m.label + i, g1, z1);
        cr_expect(!memcmp(g1, g + i * PIXELS, sizeof g1) && !memcmp(z1, z + i * CLASSES, sizeof z1), "image %d", i);
        ask(&m.classifier, m.x + i * PIXELS, 1, z1);
        cr_expect(norm2(z1, z + i * CLASSES, CLASSES) <= 1e-4, "logits of the gradient differ, image %d", i);
    }
    cr_expect(ensemble_state_hash(m.ensemble) == before);
    close_members(&m);
    struct members other = { 0 };
    add(&other, "conv with batch norm, relu", 1);
    add(&other, "identity shortcut", 3);
    open_members(&other, COMBINE_LOGIT);
    cr_expect(ensemble_state_hash(other.ensemble) != before, "the hash does not see the members");
    close_members(&other);
}

/* A network that answers with these logits whatever it sees. */
static void add_constant(struct members *m, const float logits[CLASSES])
{
    const char *text = net_text("no activation before the pool");
    add_text(m, text, 0);
    struct net_cfg *cfg;
    struct err err;
    cr_assert(cfg_parse("test.cfg", text, &cfg, &err), "%s", err.text);
    float *values = mem_alloc((size_t)cfg->stored, sizeof *values);
    int last = cfg->n - 2;
    memcpy(values + weights_layout(cfg, last).biases, logits, CLASSES * sizeof *logits);
    cr_assert(weights_write(m->weights[m->n - 1], cfg, values, 0, &err), "%s", err.text);
    free(values);
    cfg_free(cfg);
}

Test(ensemble, logits_and_gradients_are_finite_for_any_finite_members)
{
    static const float far[][CLASSES] = { { 3e38f, -3e38f, 0, 1, 2 },
                                          { -3e38f, -3e38f, 0, 3e38f, 2 },
                                          { 0, 0, 0, 0, 0 },
                                          { 1e4f, -1e4f, 0, 1e-30f, -1e-30f } };
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            struct members m = { 0 };
            float z[CLASSES], g[PIXELS];
            int target = b;
            add_constant(&m, far[a]);
            add_constant(&m, far[b]);
            open_members(&m, COMBINE_PROBABILITY);
            ask(&m.classifier, m.x, 1, z);
            double sum = 0;
            for (int k = 0; k < CLASSES; k++) {
                cr_expect(isfinite(z[k]), "logit %d of %d and %d is %g", k, a, b, z[k]);
                sum += exp(z[k]);
            }
            cr_expect(fabs(sum - 1) <= 1e-6, "probabilities sum to %g", sum);
            for (int s = SCALAR_MARGIN; s <= SCALAR_LOSS; s++) {
                derive(&m.classifier, m.x, 1, (enum scalar)s, &target, g, z);
                for (int j = 0; j < PIXELS; j++)
                    cr_assert(isfinite(g[j]), "gradient of %d and %d", a, b);
            }
            close_members(&m);
        }
}

/* The workspace grows with the member that needs most, and whoever used it last leaves nothing behind. */
Test(ensemble, a_model_beside_another_answers_as_alone)
{
    static const char *const names[] = { "conv with batch norm, relu", "5x5 and groups", "upsample",
                                         "route of 7, 20 and 5 channels" };
    struct fixture f = open_net(net_text("conv with bias, leaky, odd channels"), true, 2, PRECISION_F32);
    struct err err;
    for (int k = 0; k < 4; k++) {
        struct fixture own = open_net(net_text(names[k]), true, 2, PRECISION_F32);
        struct model_options options = { .threads = 2, .training = true, .beside = f.model };
        struct fixture beside = own;
        float z[BATCH * CLASSES], z2[BATCH * CLASSES], g[BATCH * PIXELS], g2[BATCH * PIXELS];
        cr_assert(model_open(own.cfg, &options, &beside.model, &err), "%s", err.text);
        model_set_parameters(beside.model, own.values);
        for (int i = 0; i < 2; i++) {
            train(&own, BATCH, 0.1f);
            train(&beside, BATCH, 0.1f);
            train(&f, BATCH, 0.1f);
        }
        cr_expect(model_state_hash(own.model) == model_state_hash(beside.model), "%s: training", names[k]);
        cr_assert(model_gradient(own.model, own.x, BATCH, SCALAR_LOSS, own.label, g, z, &err) &&
                      model_gradient(beside.model, own.x, BATCH, SCALAR_LOSS, own.label, g2, z2, &err),
                  "%s", err.text);
        cr_expect(!memcmp(z, z2, sizeof z) && !memcmp(g, g2, sizeof g), "%s", names[k]);
        cr_expect(norm2(g, NULL, PIXELS) > 1e-6);
        model_close(beside.model);
        close_net(&own);
    }
    close_net(&f);
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* Bytes that n members of one text take once they have answered. */
static size_t bytes_of_members(int n)
{
    struct members m = { 0 };
    float z[BATCH * CLASSES];
    for (int i = 0; i < n; i++)
        add(&m, "no activation before the pool", 1);
    size_t before = allocated();
    open_members(&m, COMBINE_LOGIT);
    ask(&m.classifier, m.x, BATCH, z);
    size_t after = allocated();
    close_members(&m);
    return after - before;
}

/* The parameters of this network are a small part of what it needs to compute. */
Test(ensemble, a_further_member_takes_no_workspace)
{
    bytes_of_members(1); /* what is made once for all */
    size_t one = bytes_of_members(1), four = bytes_of_members(4), each = (four - one) / 3;
    if (one == 0)
        cr_skip_test("this allocator does not count");
    cr_expect(each < one / 4, "one takes %zu bytes, each further one %zu", one, each);
    cr_expect(each > 1000, "one takes %zu bytes, each further one %zu", one, each);
}

Test(ensemble, a_gradient_along_directions_is_scaled_and_added)
{
    const char *text = net_text("input dropout at test time, three samples");
    struct fixture f = open_net(text, false, 2, PRECISION_F32);
    float g[BATCH * PIXELS], along[BATCH * PIXELS], twice[BATCH * PIXELS], dz[BATCH * CLASSES] = { 0 };
    struct err err;
    cr_assert(model_gradient(f.model, f.x, BATCH, SCALAR_LOGIT, f.label, g, NULL, &err), "%s", err.text);
    for (int i = 0; i < BATCH; i++)
        dz[i * CLASSES + f.label[i]] = 1;
    cr_assert(model_gradient_along(f.model, f.x, BATCH, dz, 1, false, along, &err), "%s", err.text);
    cr_expect(!memcmp(g, along, sizeof g) && norm2(g, NULL, BATCH * PIXELS) > 1e-4);
    memcpy(twice, g, sizeof twice);
    cr_assert(model_gradient_along(f.model, f.x, BATCH, dz, -3, true, twice, &err), "%s", err.text);
    for (int i = 0; i < BATCH * PIXELS; i++)
        along[i] = -2 * g[i];
    CHECK_CLOSE("added", twice, along, BATCH * PIXELS, 1e-5);
    close_net(&f);
}

/* Opening must fail with a line that holds these parts. */
static void must_refuse(struct members *m, enum exit_status status, const char *a, const char *b, const char *c)
{
    struct err err;
    cr_assert(!try_open(m, COMBINE_LOGIT, &err), "accepted");
    cr_expect_eq(err.status, status, "%s", err.text);
    cr_expect(strstr(err.text, a) && strstr(err.text, b) && strstr(err.text, c), "%s", err.text);
    m->ensemble = NULL;
    close_members(m);
}

#define TINY(net, classes)                                                                                             \
    "[net]\nbatch=6\nheight=12\nchannels=3\nlearning_rate=0.1\nepochs=1\n" net                                         \
    "[avgpool]\n[connected]\noutput=" classes "\nactivation=linear\n[softmax]\n"

/* weights of another shape would be refused first by their size, so the cfg alone is asked. */
static void must_differ(const char *a, const char *b, const char *cause)
{
    struct members m = { .n = 2 };
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d/resolved.cfg", i);
        fixture_text(name, i ? b : a);
        m.cfg[i] = mem_string(fixture_path(name));
        m.weights[i] = mem_format("%s/final.weights", fixture_path(i ? "1" : "0"));
        struct net_cfg *cfg;
        struct err err;
        cr_assert(cfg_read(m.cfg[i], &cfg, &err), "%s", err.text);
        float *values = mem_alloc((size_t)cfg->stored, sizeof *values);
        cr_assert(weights_write(m.weights[i], cfg, values, 0, &err), "%s", err.text);
        free(values);
        cfg_free(cfg);
    }
    must_refuse(&m, EXIT_USAGE, "0/resolved.cfg", "1/resolved.cfg", cause);
}

Test(ensemble, members_that_do_not_belong_together_are_refused_by_name)
{
    const char *usual = TINY("width=12\n", "5");
    must_differ(usual, TINY("width=16\n", "5"), "pictures of 3x12x16, but");
    must_differ(usual, TINY("width=12\n", "7"), "tells 7 classes apart");
    must_differ(usual, TINY("width=12\ndataset=datasets/x.conf\n", "5"), "dataset is datasets/x.conf, but");
    must_differ(TINY("width=12\ndataset=datasets/x.conf\n", "5"), usual, "dataset is not given");
    must_differ(TINY("width=12\nrandom_resized_crop=1\ntest_resize=1.25\n", "5"),
                TINY("width=12\nrandom_resized_crop=1\n", "5"), "test_resize is");
}

Test(ensemble, a_member_that_cannot_be_opened_is_refused_by_name)
{
    struct members m = { 0 };
    add(&m, "dropout", 1);
    add(&m, "upsample", 1);
    cr_assert(remove(m.weights[1]) == 0);
    must_refuse(&m, EXIT_USAGE, "1/final.weights", "cannot open", "");
    struct members inside = { 0 };
    add(&inside, "dropout", 1);
    add(&inside, "upsample", 1);
    char *text = mem_format("%s[ensemble]\nmembers=3\n", net_text("upsample"));
    fixture_text("1/resolved.cfg", text);
    free(text);
    must_refuse(&inside, EXIT_USAGE, "1/resolved.cfg", "describes an ensemble itself", "");
}
