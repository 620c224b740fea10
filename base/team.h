/* A team of threads that run the same function together, and the barrier they meet at.
 * Waiting spins briefly, then yields, then sleeps on a futex: fast on an idle machine, polite on a shared one. */
#ifndef MARGINALIA_BASE_TEAM_H
#define MARGINALIA_BASE_TEAM_H

#include <stdbool.h>
#include "base/err.h"

struct team;

/* threads >= 1, the calling thread is member 0. Worker threads start with the default floating-point environment
 * (loading libdarknet turns denormals off in the thread that loads it and in those created afterwards). pin: bind member
 * t to the t-th CPU of the process's affinity mask when there are at least as many. */
bool team_new(int threads, bool pin, struct team **out, struct err *err);
void team_free(struct team *team); /* accepts NULL */
int team_size(const struct team *team);

/* Calls work(arg, member, size) once in every member and returns when all are done. */
void team_run(struct team *team, void (*work)(void *arg, int member, int size), void *arg);

/* Inside work: wait for all members. All memory writes before it are seen by all after it. */
void team_barrier(struct team *team);

/* CPUs this process may use (affinity mask), >= 1. */
int team_available_cpus(void);

#endif
