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
/* Whose help says what the command makes of them. */
struct setting option_policy(const char **value, const char *help);
struct setting option_quick(bool *value, const char *help);
struct setting option_full(bool *value, const char *help);
struct setting option_out(const char **value, const char *help);
struct setting option_overwrite(bool *value, const char *help);
struct setting option_resume_validation(bool *value);
struct setting option_list_checks(bool *value);
struct setting option_quiet(bool *value);

/* Refuses two flags that are both given: "validate sis: --resume and --overwrite contradict each other; ...". */
bool options_agree(const char *program, const char *name, bool given, const char *other, bool other_given,
                   struct err *err);

#endif
