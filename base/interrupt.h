/* Ctrl-C, SIGTERM and SIGHUP ask for an orderly end: what is begun is finished and written. The second such signal
 * ends the process at once (what is on disk is whole at any instant). */
#ifndef MARGINALIA_BASE_INTERRUPT_H
#define MARGINALIA_BASE_INTERRUPT_H

#include <stdbool.h>

/* A signal that was ignored when the process started (nohup, a background job) stays ignored. */
void interrupt_install(void);
bool interrupt_requested(void);

#endif
