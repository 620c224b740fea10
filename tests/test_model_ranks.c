/* Several ranks train one model: here each is a thread with a model of its own, and what they exchange goes through
 * memory. */
#include "base/mem.h"
#include "base/rng.h"
#include "tests/model_fixture.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

TestSuite(model_ranks, .timeout = 300);

enum { MOST_RANKS = 4, SLOTS = 8, STEPS = 20 };

static const int64_t index_of[BATCH] = { 40, 3, 17, 900, 8, 21 };

/* ---- the exchange ---- */

static pthread_barrier_t meeting;
static int n_ranks;
static _Thread_local int me;
static const void *brought[MOST_RANKS];

struct pending {
    float *x, *copy;
    size_t n;
};
static _Thread_local struct pending pending[SLOTS];
static _Thread_local int asked; /* times progress was called since slot 0 started */

static void sum_doubles(double *x, size_t n)
{
    double *sum = mem_alloc(n, sizeof *sum);
    brought[me] = x;
    pthread_barrier_wait(&meeting);
    for (int r = 0; r < n_ranks; r++)
        for (size_t i = 0; i < n; i++)
            sum[i] += ((const double *)brought[r])[i];
    pthread_barrier_wait(&meeting);
    memcpy(x, sum, n * sizeof *x);
    free(sum);
}

static void start(int slot, float *x, size_t n)
{
    struct pending *p = &pending[slot];
    cr_assert(slot < SLOTS && !p->x, "slot %d is in use", slot);
    *p = (struct pending){ x, mem_alloc(n + 1, sizeof *x), n };
    memcpy(p->copy, x, n * sizeof *x);
    asked = slot == 0 ? 0 : asked;
}

static void progress(void)
{
    asked++;
}

static void wait_for(int slot)
{
    struct pending *p = &pending[slot];
    float *sum = mem_alloc(p->n + 1, sizeof *sum);
    cr_assert(memcmp(p->x, p->copy, p->n * sizeof *sum) == 0, "slot %d was changed under way", slot);
    brought[me] = p->copy;
    pthread_barrier_wait(&meeting);
    for (int r = 0; r < n_ranks; r++)
        for (size_t i = 0; i < p->n; i++)
            sum[i] += ((const float *)brought[r])[i];
    pthread_barrier_wait(&meeting);
    memcpy(p->x, sum, p->n * sizeof *sum);
    free(p->copy);
    free(sum);
    p->x = NULL;
}

/* ---- ranks ---- */

struct rank {
    struct exchange exchange;
    struct fixture f;
    int first, n, steps;
    float learning_rate, spoilt; /* spoilt: NaN goes into the pictures of this rank */
    double loss[STEPS];
    int correct, progress;
    bool failed;
};

/* The net's text with one more key. */
static char *with_key(const char *text, const char *key)
{
    const char *head = "[net]\n";
    cr_assert(strncmp(text, head, strlen(head)) == 0);
    return mem_format("%s%s\n%s", head, key, text + strlen(head));
}

static void open_rank(struct rank *r, const char *text, int number, int threads)
{
    r->f = open_net(text, false, threads, PRECISION_F32);
    struct model_options options = { .threads = threads, .training = true };
    struct err err;
    r->exchange = (struct exchange){ number, n_ranks, sum_doubles, SLOTS, start, progress, wait_for };
    options.exchange = n_ranks > 1 ? &r->exchange : NULL;
    model_close(r->f.model);
    cr_assert(model_open(r->f.cfg, &options, &r->f.model, &err), "%s", err.text);
    model_initialize(r->f.model, 3);
    model_set_parameters(r->f.model, r->f.values);
    r->first = BATCH * number / n_ranks;
    r->n = BATCH * (number + 1) / n_ranks - r->first;
}

static void *train_rank(void *arg)
{
    struct rank *r = arg;
    struct err err;
    me = r->exchange.number;
    for (int k = 0; k < r->steps && !r->failed; k++) {
        struct step step = { .x = r->f.x + (size_t)r->first * PIXELS,
                             .label = r->f.label + r->first,
                             .index = index_of + r->first,
                             .n = r->n,
                             .whole = BATCH,
                             .epoch = k,
                             .seed = 5,
                             .steps_done = k,
                             .learning_rate = r->learning_rate };
        r->failed = !model_train_step(r->f.model, &step, &err);
        r->loss[k] = step.loss;
        r->correct += step.correct;
        r->progress = asked;
    }
    return NULL;
}

/* All ranks train `steps` steps, each in a thread. */
static void train_ranks(struct rank rank[MOST_RANKS], const char *text, int ranks, int threads, int steps, float rate)
{
    pthread_t thread[MOST_RANKS];
    n_ranks = ranks;
    pthread_barrier_init(&meeting, NULL, (unsigned)ranks);
    for (int i = 0; i < ranks; i++) {
        float spoilt = rank[i].spoilt;
        rank[i] = (struct rank){ .steps = steps, .learning_rate = rate };
        open_rank(&rank[i], text, i, threads);
        rank[i].f.x[rank[i].first * PIXELS] += spoilt;
    }
    for (int i = 0; i < ranks; i++)
        cr_assert(pthread_create(&thread[i], NULL, train_rank, &rank[i]) == 0);
    for (int i = 0; i < ranks; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&meeting);
}

static void close_ranks(struct rank *rank, int ranks)
{
    for (int i = 0; i < ranks; i++)
        close_net(&rank[i].f);
}

static float *momentum_of(const struct rank *r)
{
    float *v = mem_alloc((size_t)r->f.cfg->stored, sizeof *v);
    model_get_momentum(r->f.model, v);
    return v;
}

Test(model_ranks, gradients_are_those_of_one_rank_when_statistics_are_shared)
{
    for (int i = 0; i < n_nets; i++) {
        struct rank alone[MOST_RANKS] = { 0 }, ranks[MOST_RANKS] = { 0 };
        char *text = with_key(nets[i].text, "sync_bn=1");
        train_ranks(alone, text, 1, 1, 1, 0);
        float *wanted = momentum_of(&alone[0]);
        for (int n = 2; n <= MOST_RANKS; n++) {
            train_ranks(ranks, text, n, 1, 1, 0);
            float *got = momentum_of(&ranks[n - 1]);
            CHECK_CLOSE(nets[i].name, got, wanted, ranks[0].f.cfg->stored, 2e-6);
            free(got);
            close_ranks(ranks, n);
        }
        free(wanted);
        free(text);
        close_ranks(alone, 1);
    }
}

Test(model_ranks, losses_are_those_of_one_rank_for_20_steps_when_statistics_are_shared)
{
    for (int i = 0; i < n_nets; i += 4) {
        struct rank alone[MOST_RANKS] = { 0 }, ranks[MOST_RANKS] = { 0 };
        char *text = with_key(nets[i].text, "sync_bn=1");
        train_ranks(alone, text, 1, 1, STEPS, 0.01f);
        for (int n = 2; n <= MOST_RANKS; n++) {
            train_ranks(ranks, text, n, 1, STEPS, 0.01f);
            for (int k = 0; k < STEPS; k++)
                cr_expect(fabs(ranks[n - 1].loss[k] - alone[0].loss[k]) <= 1e-5 * BATCH,
                          "%s: step %d of %d ranks: loss %.9g, alone %.9g", nets[i].name, k, n, ranks[n - 1].loss[k],
                          alone[0].loss[k]);
            cr_expect_eq(ranks[0].correct, alone[0].correct);
            close_ranks(ranks, n);
        }
        cr_expect(fabs(alone[0].loss[STEPS - 1] - alone[0].loss[0]) > 1e-3, "%s: learned nothing", nets[i].name);
        free(text);
        close_ranks(alone, 1);
    }
}

Test(model_ranks, everything_learned_is_equal_on_all_ranks)
{
    for (int sync = 0; sync < 2; sync++)
        for (int i = 0; i < n_nets; i++) {
            struct rank ranks[MOST_RANKS] = { 0 };
            char *text = with_key(nets[i].text, sync ? "sync_bn=1" : "sync_bn=0");
            train_ranks(ranks, text, 3, 1, 3, 0.05f);
            for (int r = 1; r < 3; r++) {
                cr_expect_eq(model_state_hash(ranks[r].f.model), model_state_hash(ranks[0].f.model), "%s",
                             nets[i].name);
                cr_expect_eq(memcmp(ranks[r].loss, ranks[0].loss, sizeof ranks[0].loss), 0);
            }
            free(text);
            close_ranks(ranks, 3);
        }
}

Test(model_ranks, threads_do_not_change_the_result)
{
    for (int i = 0; i < n_nets; i += 5) {
        struct rank one[MOST_RANKS] = { 0 }, three[MOST_RANKS] = { 0 };
        train_ranks(one, nets[i].text, 2, 1, 3, 0.05f);
        train_ranks(three, nets[i].text, 2, 3, 3, 0.05f);
        cr_expect_eq(model_state_hash(one[1].f.model), model_state_hash(three[1].f.model), "%s", nets[i].name);
        close_ranks(one, 2);
        close_ranks(three, 2);
    }
}

/* A rank's own statistics are those that a model alone finds on the same images. */
Test(model_ranks, running_statistics_are_the_mean_over_ranks_when_they_are_not_shared)
{
    struct rank ranks[MOST_RANKS] = { 0 };
    const char *text = net_text("conv with batch norm, relu");
    train_ranks(ranks, text, 2, 1, 1, 0);
    int64_t stored = ranks[0].f.cfg->stored;
    float *got = mem_alloc((size_t)stored, sizeof *got), *half = mem_alloc((size_t)stored, sizeof *half);
    float *wanted = mem_alloc((size_t)stored, sizeof *wanted);
    model_get_parameters(ranks[0].f.model, got);
    for (int r = 0; r < 2; r++) {
        struct fixture f = open_net(text, true, 1, PRECISION_F32);
        struct err err;
        struct step step = { .x = f.x + (size_t)ranks[r].first * PIXELS, .label = f.label + ranks[r].first, .n = 3 };
        cr_assert(model_train_step(f.model, &step, &err), "%s", err.text);
        model_get_parameters(f.model, half);
        for (int64_t k = 0; k < stored; k++)
            wanted[k] += half[k] / 2;
        close_net(&f);
    }
    CHECK_CLOSE("statistics", got, wanted, stored, 1e-6);
    cr_expect(norm2(got, ranks[0].f.values, stored) > 0.1, "the statistics did not move");
    free(got);
    free(half);
    free(wanted);
    close_ranks(ranks, 2);
}

Test(model_ranks, gradients_travel_while_the_backward_pass_goes_on)
{
    struct rank ranks[MOST_RANKS] = { 0 };
    train_ranks(ranks, net_text("option A shortcut"), 2, 1, 1, 0);
    cr_expect(ranks[0].progress >= 2, "progress was asked for %d times after the first bucket left", ranks[0].progress);
    close_ranks(ranks, 2);
}

Test(model_ranks, a_loss_that_is_not_finite_on_one_rank_fails_on_all)
{
    struct rank ranks[MOST_RANKS] = { 0 };
    ranks[1].spoilt = NAN;
    train_ranks(ranks, net_text("conv with batch norm, relu"), 3, 1, 1, 0.1f);
    for (int r = 0; r < 3; r++) {
        cr_expect(ranks[r].failed);
        float *after = mem_alloc((size_t)ranks[r].f.cfg->stored, sizeof *after);
        model_get_parameters(ranks[r].f.model, after);
        cr_expect_eq(memcmp(after, ranks[r].f.values, (size_t)ranks[r].f.cfg->stored * sizeof *after), 0);
        free(after);
    }
    close_ranks(ranks, 3);
}

Test(model_ranks, subdivisions_are_refused)
{
    struct net_cfg *cfg;
    struct err err;
    struct model *m;
    struct exchange exchange = { 0, 2, sum_doubles, SLOTS, start, progress, wait_for };
    struct model_options options = { .threads = 1, .training = true, .exchange = &exchange };
    cr_assert(cfg_parse("two.cfg",
                        "[net]\nbatch=6\nsubdivisions=2\nheight=4\nwidth=4\nchannels=3\n[avgpool]\n"
                        "[connected]\noutput=5\nactivation=linear\n[softmax]\n",
                        &cfg, &err),
              "%s", err.text);
    cr_assert_not(model_open(cfg, &options, &m, &err));
    cr_expect_str_eq(err.text, "two.cfg: subdivisions=2 and 2 ranks both divide the batch; set subdivisions=1");
    cfg_free(cfg);
}
