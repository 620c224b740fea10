#include "tests/model_fixture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

#define NET(batch) "[net]\nbatch=" #batch "\nsubdivisions=1\nheight=12\nwidth=12\nchannels=3\n" \
                   "learning_rate=0.1\nmomentum=0.9\ndecay=0\nepochs=1\n"
#define CONV(f, s, st, bn, act) "[convolutional]\nbatch_normalize=" #bn "\nfilters=" #f "\nsize=" #s "\nstride=" #st \
                                "\npad=1\nactivation=" #act "\n"
#define HEAD "[avgpool]\n[connected]\noutput=5\nactivation=linear\n[softmax]\n"

const struct net nets[] = {
    {"conv with batch norm, relu", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, relu) HEAD, true, true},
    {"conv with bias, leaky, odd channels", NET(6) CONV(7, 3, 1, 0, leaky) CONV(20, 3, 2, 0, leaky) HEAD, true, true},
    {"identity shortcut", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-2\nactivation=relu\n" HEAD, true, true},
    {"option A shortcut", NET(6) CONV(16, 3, 1, 1, relu) CONV(32, 3, 2, 1, relu) CONV(32, 3, 1, 1, linear)
     "[shortcut]\nfrom=-3\nactivation=relu\n" HEAD, true, true},
    {"option A from 7 to 20 channels", NET(6) CONV(7, 3, 1, 1, relu) CONV(20, 3, 2, 1, linear)
     "[shortcut]\nfrom=-2\nactivation=leaky\n" HEAD, true, true},
    {"shortcut without batch norm", NET(6) CONV(16, 3, 1, 0, relu) CONV(16, 3, 1, 0, linear)
     "[shortcut]\nfrom=-2\nactivation=linear\n" HEAD, true, true},
    {"identity shortcut, scaled", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-2\nbeta=0.3\nactivation=relu\n" HEAD, true, true},
    {"scaled shortcut over two layers", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-3\nbeta=0.3\nactivation=relu\n" HEAD, true, true},
    {"large tensors, then small ones", NET(6) CONV(16, 3, 1, 1, relu) CONV(128, 1, 1, 0, relu) CONV(16, 1, 1, 0, linear)
     "[shortcut]\nfrom=-3\nactivation=relu\n[maxpool]\nsize=2\nstride=2\n" CONV(16, 3, 1, 1, relu)
     CONV(16, 3, 1, 1, linear) "[shortcut]\nfrom=-3\nactivation=relu\n" HEAD, false, false},
    {"option A shortcut, scaled", NET(6) CONV(16, 3, 1, 1, relu) CONV(32, 3, 2, 1, linear)
     "[shortcut]\nfrom=-2\nbeta=3\nactivation=relu\n" HEAD, true, true},
    {"shortcut to a larger image", NET(6) CONV(20, 3, 2, 1, relu) "[upsample]\nstride=2\n" CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-3\nactivation=relu\n" HEAD, true, true},
    {"shortcut behind a layer that is read", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-2\nactivation=relu\n[route]\nlayers=-1,-2\n" CONV(16, 3, 1, 1, relu) HEAD, true, true},
    {"maxpool 2/2", NET(6) CONV(16, 3, 1, 1, relu) "[maxpool]\nsize=2\nstride=2\n" CONV(16, 3, 1, 1, relu)
     HEAD, true, true},
    {"shortcut over a maxpool's input", NET(6) CONV(16, 3, 1, 1, relu) "[maxpool]\nsize=3\nstride=1\n"
     CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear) "[shortcut]\nfrom=-4\nactivation=relu\n" HEAD, false, false},
    {"shortcut over a maxpool's output", NET(6) CONV(16, 3, 1, 1, relu) "[maxpool]\nsize=3\nstride=1\n"
     CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear) "[shortcut]\nfrom=-3\nactivation=relu\n"
     CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear) "[shortcut]\nfrom=-3\nactivation=relu\n" HEAD, false, false},
    {"maxpool 3/2, overlapping", NET(6) CONV(16, 3, 1, 1, relu) "[maxpool]\nsize=3\nstride=2\n" HEAD, true, true},
    {"5x5 and groups", NET(6) CONV(16, 5, 1, 1, relu)
     "[convolutional]\nfilters=16\nsize=3\nstride=1\npad=1\ngroups=4\nactivation=relu\n" HEAD, true, true},
    {"connected on an image", NET(6) CONV(8, 3, 2, 1, relu)
     "[connected]\noutput=33\nactivation=relu\n[connected]\noutput=5\n"
     "activation=linear\n[softmax]\n", true, true},
    {"connected with batch norm", NET(6) CONV(8, 3, 2, 1, relu)
     "[connected]\nbatch_normalize=1\noutput=24\nactivation=relu\n"
     "[connected]\noutput=5\nactivation=linear\n[softmax]\n", true, false},
    {"route of two", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, relu) "[route]\nlayers=-1,-2\n"
     CONV(16, 3, 1, 1, relu) HEAD, true, true},
    {"route of 7, 20 and 5 channels", NET(6) CONV(7, 3, 1, 1, relu) CONV(20, 3, 1, 1, relu) CONV(5, 3, 1, 1, relu)
     "[route]\nlayers=-3,-2,-1\n" CONV(16, 3, 1, 1, relu) HEAD, true, true},
    {"tanh and logistic", NET(6) CONV(10, 3, 1, 1, tanh) CONV(16, 3, 1, 0, logistic) HEAD, true, true},
    {"projection shortcut, 1x1 stride 2", NET(6) CONV(16, 3, 1, 1, relu) CONV(32, 3, 2, 1, linear)
     "[route]\nlayers=-2\n"
     CONV(32, 1, 2, 1, linear) "[shortcut]\nfrom=-3\nactivation=relu\n" HEAD, false, false},
    {"1x1 after a shortcut", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-2\nactivation=relu\n"
     CONV(24, 1, 1, 1, relu) HEAD, true, false},
    {"batchnorm and activation sections", NET(6) CONV(16, 3, 1, 0, linear)
     "[batchnorm]\n[activation]\nactivation=relu\n" HEAD, false, false},
    {"normalize", NET(6) "[normalize]\nmean=0.4,0.5,0.6\nstd=0.2,0.3,0.25\n" CONV(16, 3, 1, 1, relu)
     HEAD, false, false},
    {"no activation before the pool", NET(6) CONV(16, 3, 1, 1, linear) HEAD, true, true},
    {"upsample", NET(6) CONV(16, 3, 2, 1, relu) "[upsample]\nstride=2\n" CONV(16, 3, 2, 1, relu) HEAD, true, true},
    {"dropout", NET(6) CONV(20, 3, 1, 1, relu) "[dropout]\nprobability=0.4\n" CONV(16, 3, 1, 1, relu)
     HEAD, true, false},
    {"dropout of a shortcut source", NET(6) CONV(16, 3, 1, 0, relu) "[dropout]\nprobability=0.4\n"
     CONV(16, 3, 1, 1, linear)
     "[shortcut]\nfrom=-3\nactivation=relu\n" HEAD, false, false},
    {"input dropout after normalize", NET(6)
     "[normalize]\nmean=0.4,0.5,0.6\nstd=0.2,0.3,0.25\n[input_dropout]\nprobability=0.3\n"
     CONV(16, 3, 1, 1, relu) HEAD, false, false},
    {"input dropout at test time, three samples", NET(6)
     "[input_dropout]\nprobability=0.3\nrescale=1\nat_test=1\nsamples=3\n"
     CONV(16, 3, 1, 1, relu) HEAD, false, false},
    {"black blocks of input dropout", NET(6)
     "[normalize]\nmean=0.4,0.5,0.6\nstd=0.2,0.3,0.25\n[input_dropout]\nprobability=0.3\nblock=3\nfill=black\nat_test=1\n"
     CONV(16, 3, 1, 1, relu) HEAD, false, false},
    {"noisy patches of input dropout, two samples", NET(6)
     "[normalize]\nmean=0.4,0.5,0.6\nstd=0.2,0.3,0.25\n"
     "[input_dropout]\nprobability=0.3\npatch=4\nfill=noise\nat_test=1\nsamples=2\n"
     CONV(16, 3, 1, 1, relu) HEAD, false, false},
    {"a shortcut read twice", NET(6) CONV(16, 3, 1, 1, relu) CONV(16, 3, 1, 1, relu)
     "[shortcut]\nfrom=-2\nactivation=relu\n"
     CONV(16, 3, 1, 1, relu) "[shortcut]\nfrom=-4\nactivation=leaky\n[shortcut]\nfrom=-3\nactivation=relu\n"
     HEAD, true, true},
    {"images smaller than a tile", NET(6) CONV(16, 3, 2, 0, relu) CONV(16, 3, 2, 0, relu) CONV(16, 3, 2, 0, relu)
     CONV(32, 3, 1, 0, relu) HEAD, true, true},
    {"many pairs of channels, up to the last phase", NET(6) CONV(64, 3, 1, 0, linear) CONV(80, 3, 1, 1, linear)
     CONV(64, 3, 1, 1, linear) HEAD, true, true},
    {"many pairs of channels in images smaller than a tile", NET(6) CONV(16, 3, 2, 0, relu) CONV(16, 3, 2, 0, relu)
     CONV(64, 3, 2, 0, linear) CONV(80, 3, 1, 1, linear) HEAD, true, false}, /* Darknet: right to 1/24 */
};
const int n_nets = sizeof nets / sizeof *nets;

const char *net_text(const char *name)
{
    for (int k = 0; k < n_nets; k++)
        if (strcmp(nets[k].name, name) == 0)
            return nets[k].text;
    cr_assert_fail("no net %s", name);
    return NULL;
}

struct fixture open_net(const char *text, bool training, int threads, enum precision precision)
{
    struct fixture f;
    struct err err;
    struct model_options options = {.threads = threads, .precision = precision, .training = training};
    cr_assert(cfg_parse("test.cfg", text, &f.cfg, &err), "%s", err.text);
    cr_assert(model_open(f.cfg, &options, &f.model, &err), "%s", err.text);
    struct rng r = rng_stream(7, RNG_TEST, 0, 0);
    for (int i = 0; i < BATCH * PIXELS; i++)
        f.x[i] = rng_unit(&r);
    for (int i = 0; i < BATCH; i++)
        f.label[i] = (int)rng_below(&r, CLASSES);
    model_initialize(f.model, 3);
    f.values = mem_alloc((size_t)f.cfg->stored, sizeof *f.values);
    model_get_parameters(f.model, f.values);
    for (int64_t i = 0; i < f.cfg->stored; i++) /* biases, statistics: nothing stays at its neutral value */
        if (f.values[i] == 0 || f.values[i] == 1)
            f.values[i] = f.values[i] * 0.7f + 0.3f * rng_unit(&r);
    model_set_parameters(f.model, f.values);
    return f;
}

void close_net(struct fixture *f)
{
    model_close(f->model);
    cfg_free(f->cfg);
    free(f->values);
}

double norm2(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = a[i] - (b ? b[i] : 0);
        sum += d * d;
    }
    return sqrt(sum);
}

double train(struct fixture *f, int n, float learning_rate)
{
    struct err err;
    struct step step = {.x = f->x, .label = f->label, .n = n, .learning_rate = learning_rate};
    cr_assert(model_train_step(f->model, &step, &err), "%s", err.text);
    return step.loss;
}
