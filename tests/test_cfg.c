#include "darknet-ext/cfg.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

static struct net_cfg *parsed(const char *text)
{
    struct net_cfg *cfg;
    struct err err;
    cr_assert(cfg_parse("t.cfg", text, &cfg, &err), "%s", err.text);
    return cfg;
}

#define NET "[net]\nbatch=8\nheight=8\nwidth=8\nchannels=3\n"
#define HEAD "[connected]\noutput=10\nactivation=linear\n[softmax]\n"

Test(cfg, a_network_of_darknets_own_language_is_read_with_its_defaults)
{
    struct net_cfg *cfg =
        parsed(NET "[conv]\nfilters=8\nsize=3\nstride=2\npad=1\nactivation=leaky\n[max]\nsize=2\nstride=2\n" HEAD);
    cr_assert_eq(cfg->n, 4);
    cr_assert_eq(cfg->classes, 10);
    cr_assert_eq(cfg->policy, LR_CONSTANT);
    cr_assert_float_eq(cfg->learning_rate, 0.001, 1e-9);
    cr_assert_float_eq(cfg->momentum, 0.9, 1e-7);
    cr_assert_float_eq(cfg->decay, 0.0001, 1e-9);
    const struct layer_cfg *l = cfg->layers;
    cr_assert_str_eq(l[0].type, "convolutional");
    cr_assert_eq(l[0].pad, 1);
    cr_assert_eq(l[0].groups, 1);
    cr_assert_eq(l[0].activation, ACTIVATION_LEAKY);
    cr_assert(l[0].out_c == 8 && l[0].out_h == 4 && l[0].out_w == 4);
    cr_assert_eq(l[0].weights, 8 * 3 * 9);
    cr_assert_eq(l[0].parameters, 8 * 3 * 9 + 8);
    cr_assert_eq(l[0].macs, 8 * 3 * 9 * 16);
    cr_assert_eq(l[1].pad, 1, "Darknet's default padding of a maxpool is size-1");
    cr_assert(l[1].out_h == 2 && l[1].out_w == 2);
    cr_assert_eq(l[2].macs, 8 * 2 * 2 * 10);
    cfg_free(cfg);
}

Test(cfg, blanks_comments_and_dos_line_ends_do_not_matter)
{
    struct net_cfg *cfg =
        parsed("# a network\r\n\r\n  [net] ; the whole\r\nbatch = 8\r\n\theight= 8 # rows\r\nwidth =8\r\nchannels=3\r\n"
               "policy=steps\r\nsteps= 10, 20 ,30\r\nscales=.1,\t.1, 1e-1\r\n"
               " dataset=my data/a#b.conf ; kept whole\r\n; no\r\n" HEAD);
    cr_assert_eq(cfg->h, 8);
    cr_assert_eq(cfg->n_steps, 3);
    cr_assert_eq(cfg->steps[2], 30);
    cr_assert_float_eq(cfg->scales[2], 0.1, 1e-8);
    cr_assert_str_eq(cfg->dataset, "my data/a#b.conf");
    cfg_free(cfg);
}

Test(cfg, shortcut_and_route_take_relative_and_absolute_layers)
{
    struct net_cfg *cfg =
        parsed(NET "[conv]\nfilters=4\nsize=1\nactivation=relu\n"
                   "[conv]\nfilters=8\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=linear\n"
                   "[shortcut]\nfrom=-2\nactivation=relu\n[route]\nlayers=-1,1\n[batchnorm]\n[avgpool]\n" HEAD);
    const struct layer_cfg *l = cfg->layers;
    cr_assert_eq(l[2].from[0], 0);
    cr_assert(l[2].out_c == 8 && l[2].out_h == 4 && l[2].out_w == 4, "the shape of the layer before");
    cr_assert_eq(l[3].n_from, 2);
    cr_assert(l[3].from[0] == 2 && l[3].from[1] == 1);
    cr_assert_eq(l[3].out_c, 16);
    cr_assert_eq(l[1].stored, 8 * 4 * 9 + 4 * 8);
    cr_assert_eq(l[1].parameters, 8 * 4 * 9 + 2 * 8);
    cr_assert_eq(l[4].parameters, 16, "[batchnorm] learns scales only");
    cr_assert_eq(l[4].stored, 48);
    cfg_free(cfg);
}

Test(cfg, keys_that_change_nothing_at_their_neutral_value_are_accepted)
{
    cfg_free(parsed(NET "angle=0\nhue=0\nexposure=1.0\nsaturation=1\naspect=1\nadam=0\nclip=0\nmax_crop=8\nmin_crop=8\n"
                    "inputs=192\ntime_steps=1\n" HEAD "groups=1\ntemperature=1\nlearning_rate=1\n"));
}

/* The fields that define the network, so that two parses can be compared. */
static void assert_same(const struct net_cfg *a, const struct net_cfg *b)
{
    cr_assert_eq(a->n, b->n);
    cr_assert(a->parameters == b->parameters && a->stored == b->stored && a->macs == b->macs
              && a->classes == b->classes);
    for (int i = 0; i < a->n; i++) {
        struct layer_cfg x = a->layers[i], y = b->layers[i];
        x.line = y.line = 0;
        cr_assert(memcmp(&x, &y, sizeof x) == 0, "layer %d differs", i);
    }
    char *s = cfg_resolved_text(a), *t = cfg_resolved_text(b);
    cr_assert_str_eq(s, t);
    free(s);
    free(t);
}

static void assert_resolved_reads_back(const struct net_cfg *cfg)
{
    char *text = cfg_resolved_text(cfg);
    struct net_cfg *again = parsed(text);
    assert_same(cfg, again);
    cfg_free(again);
    free(text);
}

Test(cfg, resolved_text_reads_back_as_the_same_network)
{
    struct net_cfg *cfg =
        parsed("[net]\nbatch=8\nheight=8\nwidth=8\nchannels=3\nlearning_rate=0.1\npolicy=sigmoid\nstep=10\ngamma=."
               "3\nburn_in=3\nseed=9223372036854775807\n"
               "dataset=x y.conf\nprecision=bf16\nflip=1\ncrop_pad=2\nlabel_smoothing=.1\nnesterov=1\nepochs=3\n"
               "[normalize]\nmean=.1,.2,.3\nstd=.3333333,.2,.1\n[input_dropout]\nprobability=.2\nrescale=1\nat_test="
               "1\nsamples=4\n"
               "[conv]\nfilters=6\nsize=3\nstride=1\ngroups=3\npad=1\nactivation=selu\n[activation]\nactivation=tanh\n["
               "shortcut]\nfrom=2\nbeta=.7\n"
               "[maxpool]\nsize=3\nstride=2\npadding=0\n[upsample]\nstride=2\nscale=.5\n[dropout]\nprobability=.3\n["
               "route]\nlayers=-1,-2\n"
               "[reorg]\nstride=2\n[reorg]\nstride=2\nreverse=1\n[batchnorm]\n[avgpool]\n" HEAD);
    cr_assert_eq(cfg->n, 15);
    cr_assert(cfg->has_darknet_layer);
    cr_assert_eq(cfg->layers[5].out_h, 3);
    assert_resolved_reads_back(cfg);
    cfg_free(cfg);
}

Test(cfg, every_policy_reads_back)
{
    static const char *const policies[] = {
        "policy=constant\nburn_in=5\npower=2\n",   "policy=step\nstep=3\nscale=.5\n",
        "policy=steps\nsteps=1,2\nscales=.1,.2\n", "policy=exp\ngamma=.9\n",
        "policy=poly\npower=3\nmax_batches=100\n", "policy=sigmoid\ngamma=.1\nstep=7\n",
        "policy=cosine\nepochs=5\nwarmup=1.5\n",   "policy=onecycle\nepochs=5\nwarmup=2\n"
    };
    for (int i = 0; i < 8; i++) {
        char *text = mem_format(NET "%s" HEAD, policies[i]);
        struct net_cfg *cfg = parsed(text);
        cr_assert_eq((int)cfg->policy, i, "%s", policies[i]);
        assert_resolved_reads_back(cfg);
        cfg_free(cfg);
        free(text);
    }
}

Test(cfg, forms_of_input_dropout_read_back)
{
    struct net_cfg *cfg = parsed(NET "[input_dropout]\nprobability=.2\nblock=3\nschedule=linear\nramp=1.5\nfill=noise\n"
                                 HEAD), *plain = parsed(NET "[input_dropout]\nprobability=.2\n" HEAD);
    const struct layer_cfg *l = &cfg->layers[0], *p = &plain->layers[0];
    cr_expect(l->block == 3 && l->patch == 1 && l->schedule == DROPOUT_LINEAR && l->ramp == 1.5f
              && l->fill == DROPOUT_NOISE);
    cr_expect(p->block == 1 && p->patch == 1 && p->schedule == DROPOUT_CONSTANT && p->ramp == 0
              && p->fill == DROPOUT_MEAN);
    assert_resolved_reads_back(cfg);
    assert_resolved_reads_back(plain);
    cfg_free(cfg);
    cfg_free(plain);
}

Test(cfg, a_teacher_reads_back_and_without_one_nothing_is_said_of_it)
{
    struct net_cfg *cfg = parsed(NET "teacher=runs/a b\ndistill_weight=0\n" HEAD), *plain = parsed(NET HEAD);
    cr_expect_str_eq(cfg->teacher, "runs/a b");
    cr_expect(cfg->distill_weight == 0 && cfg->distill_temperature == 4 && cfg->distill_given);
    assert_resolved_reads_back(cfg);
    char *text = cfg_resolved_text(plain), *stock = cfg_stock_text(cfg, 8);
    cr_expect_null(strstr(text, "distill"), "%s", text);
    cr_expect_null(strstr(stock, "distill"), "%s", stock);
    cr_expect(!plain->teacher && !plain->distill_given);
    free(text);
    free(stock);
    cfg_free(cfg);
    cfg_free(plain);
}

Test(cfg, stock_text_has_no_section_or_key_of_ours)
{
    struct net_cfg *cfg =
        parsed(NET "policy=cosine\nepochs=3\nflip=1\ndataset=d\n[normalize]\nmean=.1,.2,.3\nstd=.3,.2,.1\n"
                   "[input_dropout]\nprobability=.2\n[batchnorm]\n" HEAD);
    char *text = cfg_stock_text(cfg, 4);
    cr_assert(strstr(text, "batch=4\n"));
    static const char *const ours[] = { "normalize]", "input_dropout", "[batchnorm]", "cosine",   "epochs",
                                        "flip",       "dataset",       "seed",        "precision" };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        cr_assert_null(strstr(text, ours[i]), "%s in\n%s", ours[i], text);
    free(text);
    cfg_free(cfg);
}

Test(cfg, a_missing_file_a_directory_and_nul_bytes_are_refused)
{
    struct net_cfg *cfg;
    struct err err;
    cr_assert_not(cfg_read("/nonexistent/x.cfg", &cfg, &err));
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert(strstr(err.text, "/nonexistent/x.cfg"));
    cr_assert_not(cfg_read("/tmp", &cfg, &err));
    char path[] = "/tmp/cfg-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && file_write(path, "[net]\nbatch=1\0\n", 15, &err));
    cr_assert_not(cfg_read(path, &cfg, &err));
    cr_assert(strstr(err.text, "NUL byte"), "%s", err.text);
    char *long_text = mem_alloc(1, (1 << 20) + 2);
    memset(long_text, '\n', (1 << 20) + 1);
    cr_assert_not(cfg_parse("long.cfg", long_text, &cfg, &err));
    cr_assert(strstr(err.text, "longer than"), "%s", err.text);
    free(long_text);
    remove(path);
}

Test(cfg, more_than_4096_layers_are_refused)
{
    size_t size = 100 + 4200 * 10, used;
    char *text = mem_alloc(1, size);
    used = (size_t)snprintf(text, size, NET);
    for (int i = 0; i < 4097; i++)
        used += (size_t)snprintf(text + used, size - used, "[avgpool]\n");
    struct net_cfg *cfg;
    struct err err;
    cr_assert_not(cfg_parse("deep.cfg", text, &cfg, &err));
    cr_assert(strstr(err.text, "more than 4096 layers"), "%s", err.text);
    free(text);
}

static struct net_cfg *read_shipped(const char *name, const char *ending)
{
    char *path = mem_format("cfg/%s%s.cfg", name, ending);
    struct net_cfg *cfg;
    struct err err;
    cr_assert(cfg_read(path, &cfg, &err), "%s", err.text);
    cr_expect(cfg->dataset && file_exists(cfg->dataset), "%s: dataset=", path);
    assert_resolved_reads_back(cfg);
    free(path);
    return cfg;
}

static int dropouts(const struct net_cfg *cfg)
{
    int n = 0;
    for (int i = 0; i < cfg->n; i++)
        n += cfg->layers[i].kind == LAYER_INPUT_DROPOUT && cfg->layers[i].probability == 0.2f;
    return n;
}

/* Counts from the descriptions of the architectures, worked out by hand for the small ones. */
Test(cfg, the_networks_of_this_toolkit_have_their_known_sizes)
{
    static const struct { const char *name; int64_t parameters, macs; int classes;
    } known[] = {
        { "resnet20", 269722, 40551040, 10 },
        { "resnet18_cifar", 11173962, 555422720, 10 },
        { "vgg16_cifar", 14728266 - 4224, 313201664,
          10 }, /* without the 4,224 biases that batch normalisation cancels */
        { "resnet18_imagenet", 11689512, 1814073344, 1000 },
        { "mnist_cnn", 32 * 9 + 64 + 64 * 32 * 9 + 128 + 3136 * 10 + 10, 784 * 32 * 9 + 196 * 64 * 32 * 9 + 31360, 10 },
        { "planted", 16 * 27 + 32 + 32 * 144 + 64 + 64 * 288 + 128 + 64 * 6 + 6,
          1024 * 16 * 27 + 256 * 32 * 144 + 64 * 64 * 288 + 384, 6 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct net_cfg *plain = read_shipped(known[i].name, ""), *dropout = read_shipped(known[i].name, "_dropout");
        cr_expect_eq(plain->parameters, known[i].parameters, "%s: %lld parameters", known[i].name,
                     (long long)plain->parameters);
        cr_expect_eq(plain->macs, known[i].macs, "%s: %lld multiply-adds", known[i].name, (long long)plain->macs);
        cr_expect_eq(plain->classes, known[i].classes);
        cr_expect(dropout->parameters == plain->parameters && dropout->macs == plain->macs
                  && dropout->n == plain->n + 1);
        cr_expect(dropouts(plain) == 0 && dropouts(dropout) == 1, "%s", known[i].name);
        cfg_free(plain);
        cfg_free(dropout);
    }
}

Test(cfg, an_ensemble_is_its_network_but_for_its_last_section)
{
    static const struct { const char *name; int members;
    } known[] = { { "resnet20", 5 }, { "planted", 3 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct net_cfg *one = read_shipped(known[i].name, ""), *all = read_shipped(known[i].name, "_ensemble");
        cr_expect_eq(one->members, 0);
        cr_expect_eq(all->members, known[i].members);
        cr_expect_eq(all->combine, COMBINE_LOGIT);
        all->members = 0;
        char *wanted = cfg_resolved_text(one), *got = cfg_resolved_text(all);
        cr_expect_str_eq(got, wanted);
        free(got);
        free(wanted);
        cfg_free(all);
        cfg_free(one);
    }
}

Test(cfg, an_ensembles_rule_is_read_and_written)
{
    struct net_cfg *cfg = parsed(NET HEAD "[ensemble]\nmembers=64\ncombine=probability\n");
    char *text = cfg_resolved_text(cfg);
    cr_expect(cfg->members == 64 && cfg->combine == COMBINE_PROBABILITY && cfg->n == 2);
    cr_expect(strstr(text, "\n[ensemble]\nmembers=64\ncombine=probability\n"), "%s", text);
    assert_resolved_reads_back(cfg);
    char *stock = cfg_stock_text(cfg, 1);
    cr_expect_null(strstr(stock, "ensemble"));
    free(stock);
    free(text);
    cfg_free(cfg);
}

/* Each case of tests/bad_cfg.txt, which explains its form. */
static void check_bad(const char *text, int line, const char *fragment)
{
    struct net_cfg *cfg = NULL;
    struct err err = { 0 };
    char place[40];
    snprintf(place, sizeof place, "bad.cfg:%d: ", line);
    cr_expect_not(cfg_parse("bad.cfg", text, &cfg, &err), "accepted (wanted '%s'):\n%s", fragment, text);
    cr_expect_null(cfg);
    cr_expect_eq(err.status, EXIT_USAGE);
    cr_expect(strncmp(err.text, place, strlen(place)) == 0 && strstr(err.text, fragment), "wanted %s'%s'\n   got %s",
              place, fragment, err.text);
    cr_expect(strchr(err.text, ';') || strstr(err.text, "did you mean"), "no remedy: %s", err.text);
}

Test(cfg, every_bad_cfg_of_the_table_is_refused_with_line_cause_and_remedy)
{
    char *table, *line, *next, text[4096] = "", fragment[200] = "";
    size_t n;
    struct err err;
    int cases = 0, wanted = 0;
    cr_assert(file_read("tests/bad_cfg.txt", 1 << 20, &table, &n, &err), "%s", err.text);
    for (line = table; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (strncmp(line, "== ", 3) == 0 || !next) {
            if (cases > 0)
                check_bad(text, wanted, fragment);
            cases += next != NULL;
            text[0] = '\0';
            if (next)
                cr_assert_eq(sscanf(line, "== %d %199[^\n]", &wanted, fragment), 2, "%s", line);
        } else {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s", strcmp(line, "@") == 0 ? NET : line,
                     strcmp(line, "@") == 0 ? "" : "\n");
        }
    }
    cr_assert_geq(cases, 60);
    free(table);
}
