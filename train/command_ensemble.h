/* What `train` does with an ensemble: all its members, one of them, or runs that are there already. */
#ifndef MARGINALIA_TRAIN_COMMAND_ENSEMBLE_H
#define MARGINALIA_TRAIN_COMMAND_ENSEMBLE_H

#include "train/options.h"
#include "train/run_directory.h"

/* Trains all members and makes the ensemble. */
enum exit_status command_ensemble(const struct train_options *o, int argc, char **argv, struct err *err);

/* For --member, before its run directory is made: takes a share of the ensemble's. *led: see run_directory_share. With
 * --overwrite the ensemble is none any more. */
bool command_member_begin(const struct train_options *o, struct run_directory *d, bool *led, struct err *err);
/* When it is trained: makes the ensemble if it was the last one, and says so, or what is missing. Closes d. */
enum exit_status command_member_end(const struct train_options *o, struct run_directory *d, int argc, char **argv,
                                    struct err *err);

/* --join: an ensemble of finished runs. */
enum exit_status command_join(const struct train_options *o, struct err *err);

#endif
