/* Any bytes as a weights file of a small network: refused, or finite numbers with variances that are not negative. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "darknet-ext/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char text[] = "[net]\nbatch=1\nheight=4\nwidth=4\nchannels=1\n"
                           "[convolutional]\nbatch_normalize=1\nfilters=2\nsize=1\nactivation=relu\n"
                           "[batchnorm]\n[avgpool]\n"
                           "[connected]\nbatch_normalize=1\noutput=2\nactivation=linear\n[softmax]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct net_cfg *cfg;
    static int fd = -1;
    static char path[40];
    struct err err = { 0 };
    float values[64];
    uint64_t seen;
    if (!cfg) {
        bool ok = cfg_parse("fuzz.cfg", text, &cfg, &err);
        assert(ok && cfg->stored <= 64);
        fd = memfd_create("weights", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
        return 0;
    if (!weights_read(path, cfg, values, &seen, &err)) {
        assert(err.status == EXIT_USAGE || err.status == EXIT_CANNOT_RUN);
        return 0;
    }
    for (int64_t i = 0; i < cfg->stored; i++)
        assert(isfinite(values[i]));
    for (int i = 0; i < cfg->n; i++) {
        struct weights_layout at = weights_layout(cfg, i);
        for (int k = 0; at.variance >= 0 && k < at.outputs; k++)
            assert(values[at.variance + k] >= 0);
    }
    return 0;
}
