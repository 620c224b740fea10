/* One training by all ranks of an mpirun (base/ranks.h): each trains on its slice of every batch, and rank 0 alone
 * writes and prints. One rank alone is all of them. */
#ifndef MARGINALIA_TRAIN_TOGETHER_H
#define MARGINALIA_TRAIN_TOGETHER_H

#include "darknet-ext/exchange.h"
#include "train/evaluate.h"
#include "train/setup.h"

bool together_leads(void); /* this is rank 0 */

/* What the model exchanges gradients by; NULL for one rank. */
const struct exchange *together_exchange(void);

/* Refuses more ranks than images in a batch. */
bool together_check_batch(const struct net_cfg *cfg, int64_t images, struct err *err);
/* The same cfg, data set, settings and program on all ranks. */
bool together_agree(const struct setup *s, struct err *err);

/* A signal that reached one rank stops all. */
bool together_stop(void);

/* Adds up what the ranks found on their slices of the test split. */
void together_sum(struct test_result *r);

/* Ranks that make the same steps have the same parameters: whatever breaks that is an error. */
bool together_check_model(const struct model *m, int64_t epoch, struct err *err);

/* The command that goes on with an interrupted training; free() it. */
char *together_resume_command(int argc, char **argv);

#endif
