/* Several networks as one classifier (Lakshminarayanan et al. 2017; the mean over logits as Carter et al. 2021). The
 * members may differ in architecture, not in what they are fed and tell apart. They share one team of threads and one
 * workspace, so an ensemble takes its members' parameters and the largest member's workspace. */
#ifndef MARGINALIA_DARKNET_EXT_ENSEMBLE_H
#define MARGINALIA_DARKNET_EXT_ENSEMBLE_H

#include "darknet-ext/model.h"

struct ensemble;

struct ensemble_options {
    int n;                      /* 1 .. ENSEMBLE_MOST */
    const char *const *cfg;     /* [n] paths */
    const char *const *weights; /* [n] paths */
    enum combine combine;
    int threads;
    struct model *beside; /* struct model_options; NULL: threads and workspace of its own */
};

/* Refuses members that differ in input shape, classes, dataset= or test_resize=, naming the two files; and a cfg that
 * describes an ensemble itself. */
bool ensemble_open(const struct ensemble_options *o, struct ensemble **out, struct err *err);
void ensemble_close(struct ensemble *e); /* accepts NULL */

int ensemble_members(const struct ensemble *e);
const struct net_cfg *ensemble_cfg(const struct ensemble *e, int member); /* the first is what data set and test
                                                                             geometry are taken from */

/* One member alone is the model itself, whatever the rule, byte for byte. Otherwise, from the members' logits in
 * double: COMBINE_LOGIT their mean; COMBINE_PROBABILITY the logarithm of the mean of their softmax, finite for any
 * finite logits (at least -FLT_MAX). Gradients go through the same formula; they take each member one forward pass more
 * than alone, because what goes back into one depends on the answers of all. */
struct classifier ensemble_classifier(struct ensemble *e);
uint64_t ensemble_state_hash(const struct ensemble *e);

#endif
