/* The teacher of a distillation: a finished run of train, or an ensemble of them, whose answers a training follows.
 *
 * It sees the pictures that the student is given, augmented and under the student's view, but whole: input dropout
 * comes after, in the student. It answers in evaluation mode, as its own cfg says (at_test included). */
#ifndef MARGINALIA_TRAIN_TEACHER_H
#define MARGINALIA_TRAIN_TEACHER_H

#include "base/file.h"
#include "darknet-ext/ensemble.h"

struct teacher_member {
    char *directory, *cfg, *weights;
    char cfg_hash[SHA256_HEX], weights_hash[SHA256_HEX];
};

struct teacher {
    char *path; /* as given */
    enum combine combine;
    int n; /* members; 1 for a single run */
    struct teacher_member *member;
    char hash[SHA256_HEX]; /* over all of these */
    struct ensemble *ensemble;
    struct classifier classifier;
    float *z; /* [batch,K] */
    double seconds; /* in teacher_answer, for so many images: */
    int64_t images;
};

/* Opens the run directory, or the directory of an ensemble, that the student's cfg names; beside this model, if any, as
 * struct model_options says. Refuses what is neither, members without weights or with other weights than ensemble.conf
 * says, another teacher than teacher_sha256= says, and another input shape or number of classes than the student's,
 * naming both cfgs. */
bool teacher_open(const struct net_cfg *student, struct model *beside, int threads, struct teacher **out,
                  struct err *err);
void teacher_close(struct teacher *t); /* accepts NULL */

/* Every member's run is finished, ended with these weights and learned this data set. The message names both sets. */
bool teacher_check_data(const struct teacher *t, const struct net_cfg *student, const char *name, const char *hash,
                        struct err *err);

/* *z = logits[n,K] for x[n,c,h,w], n <= batch of the student's cfg; borrowed until the next call. Refuses answers that
 * are not finite. */
bool teacher_answer(struct teacher *t, const float *x, int n, const float **z, struct err *err);

double teacher_images_per_second(const struct teacher *t); /* of its answers so far, in this process */

/* `key=value` lines for the identity of a checkpoint; free() it. */
char *teacher_identity(const struct teacher *t);

#endif
