/* How each row can be made again: the steps of the study with their commands. */
#ifndef MARGINALIA_TOOLS_STUDY_PAGE_COMMANDS_H
#define MARGINALIA_TOOLS_STUDY_PAGE_COMMANDS_H

#include <stdio.h>
#include "tools/study_page/runs.h"

struct progress {
    int done, steps;
};
struct progress commands_progress(const struct runs *runs, int section); /* 0: of all */

/* results/commands.md: every step with its exact commands, and its time and machine, or that it was not run. */
void commands_write(FILE *out, const struct runs *runs);

/* A paragraph: the one command that runs again what was run in a section; there is something. */
void commands_write_rerun(FILE *out, const struct runs *runs, int section);

/* The step's name, or the pattern of names, that stands for most of the steps done in the section that are not yet
 * `covered`[runs->n], and for no step beyond those done in it: "sis_*_margin". Marks them; NULL when all are. free()
 * it. */
char *commands_next_pattern(const struct runs *runs, int section, bool *covered);

#endif
