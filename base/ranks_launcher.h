/* What the environment tells of the job that started this process. */
#ifndef MARGINALIA_BASE_RANKS_LAUNCHER_H
#define MARGINALIA_BASE_RANKS_LAUNCHER_H

/* How many processes the launcher started: 1 without a launcher, 0 when it does not say how many. */
int ranks_launched(void);

/* Makes our own child processes what they are: started alone. */
void ranks_forget_launcher(void);

#endif
