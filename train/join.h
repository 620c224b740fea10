/* Ensembles of runs that were trained on their own, whatever their architectures. */
#ifndef MARGINALIA_TRAIN_JOIN_H
#define MARGINALIA_TRAIN_JOIN_H

#include "train/options.h"

/* Writes DIR/ensemble.conf (--join DIR) for the runs o->run[0..n_runs-1], by their paths from there, so that all may be
 * moved together. Refuses runs that are not finished, the same one twice, ensembles, and runs that differ in data set,
 * input shape or classes; and, without --overwrite, an ensemble that is there. */
bool join_runs(const struct train_options *o, struct err *err);

#endif
