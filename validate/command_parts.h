/* What commands that write a report have in common. */
#ifndef MARGINALIA_VALIDATE_COMMAND_PARTS_H
#define MARGINALIA_VALIDATE_COMMAND_PARTS_H

#include "validate/checks/checks.h"
#include "validate/report/report.h"

/* --list-checks, to stdout: kind, what it measures, the parameters that it takes. */
void command_list_checks(const struct check_type *types);

/* Fills err with EXIT_INTERRUPTED and the command that goes on; false. */
bool command_interrupted(int argc, char **argv, struct err *err);

/* The report to stdout, with colours on a terminal, and where its page is. */
void command_print_report(const struct report *r, const char *directory);

#endif
