/* What the manifests of a run and of an ensemble share. New references. Private to train/. */
#ifndef MARGINALIA_TRAIN_MANIFEST_PARTS_H
#define MARGINALIA_TRAIN_MANIFEST_PARTS_H

#include "base/json.h"
#include "train/manifest.h"

json_t *manifest_now(void);
json_t *manifest_command(int argc, char **argv);
json_t *manifest_program(void);
json_t *manifest_cfg(const struct net_cfg *cfg);
/* test_images, test_correct, test_accuracy with its 95 % Wilson interval. */
void manifest_set_accuracy(json_t *o, int64_t correct, int64_t images);

#endif
