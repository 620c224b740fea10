/* The commands of the program. argc and argv are the program's; argv[1] is the command. A command prints its results to
 * stdout and its progress to stderr; what went wrong, or how to continue after an interruption, stands in err. */
#ifndef MARGINALIA_VALIDATE_COMMAND_H
#define MARGINALIA_VALIDATE_COMMAND_H

#include "validate/subject.h"

enum exit_status command_sis(const struct subject_opener *opener, int argc, char **argv, struct err *err);
enum exit_status command_merge(const struct subject_opener *opener, int argc, char **argv, struct err *err);
enum exit_status command_dataset(const struct subject_opener *opener, int argc, char **argv, struct err *err);
enum exit_status command_model(const struct subject_opener *opener, int argc, char **argv, struct err *err);
enum exit_status command_compare(const struct subject_opener *opener, int argc, char **argv, struct err *err);

#endif
