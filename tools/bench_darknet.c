/* Stock Darknet on the same network, through its library: bench_darknet CFG train|logits SECONDS prints images per
 * second. It has one thread. train is Darknet's own train_network_datum, update included. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/settings.h"
#include "darknet-ext/dn.h"

struct stock {
    void *library;
    network *(*parse)(char *);
    float (*train)(network *);
    float *(*predict)(network *, float *);
};

static bool load(struct stock *s, struct err *err)
{
    s->library = dlopen(DARKNET_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!s->library)
        return err_run(err, "%s: %s; install the package darknet", DARKNET_LIBRARY, dlerror());
    *(void **)&s->parse = dlsym(s->library, "parse_network_cfg");
    *(void **)&s->train = dlsym(s->library, "train_network_datum");
    *(void **)&s->predict = dlsym(s->library, "network_predict");
    return s->parse && s->train && s->predict
               ? true
               : err_run(err, "%s: functions are missing; another Darknet?", DARKNET_LIBRARY);
}

static bool measure(const struct net_cfg *cfg, bool train, double seconds, struct err *err)
{
    struct stock s = { 0 };
    char path[] = "/tmp/bench_darknet_XXXXXX";
    int fd = mkstemp(path);
    char *text = cfg_stock_text(cfg, cfg->batch);
    if (fd < 0 || !file_write(path, text, strlen(text), err) || !load(&s, err))
        return false;
    network *net = s.parse(path);
    remove(path);
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < net->batch * net->inputs; i++)
        net->input[i] = rng_unit(&r);
    for (int i = 0; i < net->batch; i++)
        net->truth[i * net->truths + (int)rng_below(&r, (uint32_t)net->truths)] = 1;
    double start = clock_seconds();
    long images = 0;
    do {
        if (train)
            s.train(net);
        else
            s.predict(net, net->input);
        images += net->batch;
    } while (clock_seconds() - start < seconds);
    printf("%.1f\n", (double)images / (clock_seconds() - start));
    return true;
}

int main(int argc, char **argv)
{
    struct err err;
    struct net_cfg *cfg;
    double seconds;
    if (argc != 4 || (strcmp(argv[2], "train") && strcmp(argv[2], "logits")) ||
        !parse_real(argv[3], 0, 1e6, &seconds)) {
        fprintf(stderr, "usage: bench_darknet CFG train|logits SECONDS\n");
        return EXIT_USAGE;
    }
    if (!cfg_read(argv[1], &cfg, &err) || !measure(cfg, !strcmp(argv[2], "train"), seconds, &err)) {
        fprintf(stderr, "bench_darknet: %s\n", err.text);
        return err.status;
    }
    return EXIT_OK;
}
