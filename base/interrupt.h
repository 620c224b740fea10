/* Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 ask for an orderly end: what is begun is finished and written. The second such
 * signal ends the process at once (what is on disk is whole at any instant). SIGUSR1 is what mpirun passes on to its
 * processes and then waits for their end; on SIGTERM and Ctrl-C it gives them one second and ends with status 1. */
#ifndef MARGINALIA_BASE_INTERRUPT_H
#define MARGINALIA_BASE_INTERRUPT_H

#include <stdbool.h>

/* A signal that was ignored when the process started (nohup, a background job) stays ignored. */
void interrupt_install(void);
bool interrupt_requested(void);

#endif
