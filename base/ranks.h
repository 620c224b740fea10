/* The processes of one `mpirun`, and what they tell each other. A program started alone is one rank of one: every call
 * works there and costs nothing, and MPI is not even initialised.
 *
 * MPI is compiled in when `make` finds it (MPI=0 leaves it out; then a start under mpirun is refused, since every
 * process would do all the work). All calls from the thread that called ranks_begin, and by all ranks in the same
 * order. A rank that dies takes the job down (Open MPI ends the others); checkpoints and journals are what survives. */
#ifndef MARGINALIA_BASE_RANKS_H
#define MARGINALIA_BASE_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* Joins the job that the environment tells of (OMPI_COMM_WORLD_SIZE, PMI_RANK, PMIX_RANK); without one: rank 0 of 1.
 * Takes these names out of the environment, so that programs which we start are not taken for ranks, and gives ranks of
 * one machine processors apart from each other (affinity mask): call it before threads are made. */
bool ranks_begin(struct err *err);
/* Leaves it. status != EXIT_OK on this rank while others still compute: the job is aborted, so that nobody waits for
 * us forever; the launcher's exit status is then `status`. */
void ranks_end(enum exit_status status);

/* Before ranks_end: whether this rank has to say what is in err. Ranks that end together say it once: rank 0, and the
 * first failure (*failed; err) becomes that of all; one that fails while others still compute says it itself. */
bool ranks_speak(bool *failed, struct err *err);

int ranks_number(void);  /* 0 .. ranks_size() - 1 */
int ranks_size(void);    /* >= 1 */
int ranks_on_host(void); /* ranks that share this machine, >= 1: they share its processors */

void ranks_barrier(void);
/* Rank 0's bytes to all. */
void ranks_broadcast(void *bytes, size_t n);
/* What every rank has made of a part becomes whole on all: rank r gives bytes[start[r]..start[r+1]-1]; start[ranks_size()
 * + 1]. */
void ranks_gather(void *bytes, const size_t *start);
/* x[i] = sum over ranks, added in the order of the ranks: the same bytes on every rank and in every run. */
void ranks_sum_doubles(double *x, size_t n);
/* True on all ranks if it is on any: a signal that reached one of them stops all at the same batch. */
bool ranks_any(bool mine);
/* Whether all ranks have the same text (a hash of cfg, data, settings). Otherwise err names `what` and the first rank
 * that differs, on all ranks. */
bool ranks_agree(const char *what, const char *text, struct err *err);
/* A failure of one rank becomes that of all: the first failed rank's err on all of them. */
bool ranks_all_ok(bool ok, struct err *err);

/* Whether what rank 0 writes into the directory, which it makes, is seen by all. */
bool ranks_see_directory(const char *path, struct err *err);

/* Sums of floats in the background, while the caller computes. At most RANKS_SUMS at a time; x is not the caller's until
 * ranks_sum_wait. The result may depend on the number of ranks in the last bits, not on timing. */
enum { RANKS_SUMS = 8 };
void ranks_sum_start(int slot, float *x, size_t n);
void ranks_sum_progress(void); /* lets the library work; cheap */
void ranks_sum_wait(int slot);

/* Work that is handed out: each call gives this rank the next number that no rank has had, from 0 up. One counter per
 * ranks_claim_begin (collective); ranks that are slow get less. On several machines the counter answers only while rank
 * 0 is in one of these functions: in long work it calls ranks_sum_progress now and then. */
void ranks_claim_begin(void);
int64_t ranks_claim(int64_t count); /* claims `count` numbers, returns the first */
void ranks_claim_end(void);

#endif
