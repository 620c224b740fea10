/* Ctrl-C, SIGTERM and SIGHUP ask for an orderly end: the step is finished, a checkpoint written. The second such signal
 * ends the process at once (the checkpoint on disk is whole at any instant). */
#ifndef MARGINALIA_TRAIN_INTERRUPT_H
#define MARGINALIA_TRAIN_INTERRUPT_H

#include <stdbool.h>

/* A signal that was ignored when the process started (nohup, a background job) stays ignored. */
void interrupt_install(void);
bool interrupt_requested(void);

#endif
