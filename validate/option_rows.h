/* Rows of option tables that several commands have alike. `value` is where the option goes. */
#ifndef MARGINALIA_VALIDATE_OPTION_ROWS_H
#define MARGINALIA_VALIDATE_OPTION_ROWS_H

#include "base/settings.h"

struct setting option_data(const char **value);
struct setting option_view(const char **value); /* of models */
struct setting option_threads(long long *value);
struct setting option_kernels(const char **value);
struct setting option_seed(long long *value);
struct setting option_allow_partial(bool *value);
struct setting option_waive(struct setting_list *value);
struct setting option_resume_validation(bool *value);
struct setting option_list_checks(bool *value);
struct setting option_quiet(bool *value);

#endif
