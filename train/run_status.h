/* How far a run has come: what its manifest says, as far as an ensemble of runs asks. */
#ifndef MARGINALIA_TRAIN_RUN_STATUS_H
#define MARGINALIA_TRAIN_RUN_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/file.h"
#include "base/json.h"

struct run_status {
    char status[16]; /* as in manifest.json; "" when there is no run */
    int64_t seed;
    char hash[SHA256_HEX];   /* of final.weights; "" before there are any */
    int64_t images, correct; /* of the test split, by final.weights; 0 without one */
    double wall_seconds;
    json_t *settings; /* data, initial weights and teacher, as the manifest has them */
};

/* A run that is not there is no error; a manifest that cannot be read is. */
bool run_status_read(const char *directory, struct run_status *out, struct err *err);
void run_status_free(struct run_status *s);

bool run_status_finished(const struct run_status *s);
/* Refuses a finished run whose weights are not those that it ended with. */
bool run_status_check_weights(const struct run_status *s, const char *directory, struct err *err);

#endif
