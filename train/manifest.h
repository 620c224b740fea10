/* manifest.json: what was run, on what, and what came out. Written when a run starts (status "running") and whenever
 * its status changes. Figures about the host name its processor, never the host. */
#ifndef MARGINALIA_TRAIN_MANIFEST_H
#define MARGINALIA_TRAIN_MANIFEST_H

#include <stdbool.h>
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/run_directory.h"
#include "train/setup.h"

enum { MANIFEST_MAX_SAMPLES = 2 };

/* Test figures of the final weights with input dropout at test time, `samples` seeded draws per image. */
struct sampled_result {
    int samples;
    struct test_result result;
};

struct manifest {
    const struct setup *setup;
    const struct run_directory *directory;
    int argc;
    char **argv;
    const struct checkpoint *state;
    int n_sampled;
    struct sampled_result sampled[MANIFEST_MAX_SAMPLES];
};

/* status: "running", "interrupted", "failed" (with the reason, else NULL) or "finished". */
bool manifest_write(const struct manifest *m, const char *status, const char *reason, struct err *err);

#endif
