/* What commands that write a report have in common. */
#ifndef MARGINALIA_VALIDATE_COMMAND_PARTS_H
#define MARGINALIA_VALIDATE_COMMAND_PARTS_H

#include "base/progress.h"
#include "validate/checks/checks.h"
#include "validate/report/report.h"

/* --list-checks, to stdout: kind, what it measures, the parameters that it takes. */
void command_list_checks(const struct check_type *types);

/* The command line that goes on with an interrupted run; free() it. */
char *command_resume(int argc, char **argv);

/* Rank 0 alone shows progress, of all ranks. */
enum progress_style command_progress(bool quiet);

/* Fills err with EXIT_INTERRUPTED and the command that goes on; false. */
bool command_interrupted(int argc, char **argv, struct err *err);

/* Rank 0 writes the report's files. */
bool command_save_report(const struct report *r, const char *directory, struct err *err);

/* Rank 0 prints the report to stdout, with colours on a terminal, and where its page is. */
void command_print_report(const struct report *r, const char *directory);

#endif
